package doctor

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// flockHolder tells who has locked a file with flock(2), from the kernel's list: the lock itself is not touched. Of
// processes in other namespaces it tells nothing.
func flockHolder(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	list, err := os.Open("/proc/locks")
	if err != nil {
		return ""
	}
	defer list.Close()
	pid := lockedBy(list, uint64(st.Dev), st.Ino)
	if pid == 0 {
		return ""
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return fmt.Sprintf("pid %d (%s)", pid, strings.TrimSpace(string(command)))
}

// lockedBy finds a lock of a file in a list as of proc_locks(5); 0 where there is none.
func lockedBy(list io.Reader, dev, inode uint64) (pid int) {
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(dev), unix.Minor(dev), inode)
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		// 1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF; who waits has an arrow before FLOCK.
		fields := strings.Fields(lines.Text())
		if len(fields) > 5 && fields[1] == "FLOCK" && fields[5] == want {
			pid, _ = strconv.Atoi(fields[4])
			return pid
		}
	}
	return 0
}
