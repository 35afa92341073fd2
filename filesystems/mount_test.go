//go:build linux

package filesystems

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loop makes a file system in a sparse file and mounts that.
func loop(kind string, mib int64, options ...string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		if os.Getuid() != 0 {
			t.Skip("needs root, to mount an image")
		}
		mkfs := "mkfs." + kind
		if _, err := exec.LookPath(mkfs); err != nil {
			t.Skipf("needs %s (Debian: apt-get install xfsprogs btrfs-progs e2fsprogs)", mkfs)
		}
		image := filepath.Join(quickDir(t), "image")
		f, err := os.Create(image)
		must(t, err)
		must(t, f.Truncate(mib<<20))
		must(t, f.Close())
		if out, err := exec.Command(mkfs, append(options, image)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", mkfs, err, out)
		}
		return mounted(t, "-t", kind, "-o", "loop", image)
	}
}

// quickDir is a folder in memory where there is one: a disk that others use as well would be what is waited for.
func quickDir(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync-filesystems-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func tmpfs(t *testing.T) string {
	t.Helper()
	return mounted(t, "-t", "tmpfs", "-o", "size=64m", "tmpfs")
}

// overlay has the session's folder in its lower layer, as a container's image has.
func overlay(t *testing.T) string {
	t.Helper()
	layers := tmpfs(t)
	for _, name := range []string{"lower", "upper", "work"} {
		must(t, os.Mkdir(filepath.Join(layers, name), 0o755))
	}
	prepare(t, filepath.Join(layers, "lower"))
	return mounted(t, "-t", "overlay", "-o", strings.ReplaceAll("lowerdir=@/lower,upperdir=@/upper,workdir=@/work", "@", layers), "overlay")
}

// served is a file system that a program serves.
func served(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("bindfs"); err != nil {
		t.Skip("needs bindfs (Debian: apt-get install bindfs)")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("needs /dev/fuse")
	}
	below, folder := tmpfs(t), t.TempDir()
	if out, err := exec.Command("bindfs", below, folder).CombinedOutput(); err != nil {
		t.Skipf("bindfs cannot mount here: %v\n%s", err, out)
	}
	t.Cleanup(func() { unmount(t, folder) })
	return folder
}

// mounted mounts something on a new folder, until the end of the test.
func mounted(t *testing.T, what ...string) string {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.Command("mount", append(what, folder)...).CombinedOutput(); err != nil {
		t.Skipf("cannot be mounted here: mount %s: %v\n%s", strings.Join(what, " "), err, out)
	}
	t.Cleanup(func() { unmount(t, folder) })
	return folder
}

func unmount(t *testing.T, folder string) {
	if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
		t.Errorf("umount: %v\n%s", err, out)
		exec.Command("umount", "-l", folder).Run() // so that the folder can be removed
	}
}
