package doctor

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const inotifySysctl = "/proc/sys/fs/inotify/"

func inotifyLimits() (inotify, error) {
	i := inotify{has: true}
	var err error
	if i.mostInstances, err = number(inotifySysctl + "max_user_instances"); err != nil {
		return i, err
	}
	if i.most, err = number(inotifySysctl + "max_user_watches"); err != nil {
		return i, err
	}
	i.count("/proc")
	return i, nil
}

func number(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return n, nil
}

// count adds up what this user's processes have open. What may not be looked at, or goes meanwhile, is passed over.
func (i *inotify) count(proc string) {
	processes, err := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	if err != nil {
		return
	}
	me := self().uid
	for _, process := range processes {
		if info, err := os.Stat(process); err != nil || ownerOf(info).uid != me {
			continue
		}
		descriptors, err := os.ReadDir(filepath.Join(process, "fd"))
		if err != nil {
			continue
		}
		for _, d := range descriptors {
			if to, err := os.Readlink(filepath.Join(process, "fd", d.Name())); err != nil || to != "anon_inode:inotify" {
				continue
			}
			i.instances++
			if f, err := os.Open(filepath.Join(process, "fdinfo", d.Name())); err == nil {
				i.watches += watchesIn(f)
				f.Close()
			}
		}
	}
}

// watchesIn counts the watches of an instance, as its fdinfo lists them.
func watchesIn(info io.Reader) (n int) {
	lines := bufio.NewScanner(info)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "inotify ") {
			n++
		}
	}
	return n
}
