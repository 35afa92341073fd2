package watcher

import "github.com/sessionsync/sessionsync/vfs"

// touch does something in the directory that its watch tells of and that changes nothing but the status time of the agent's
// own folder: it gives that the permissions that it has. It makes and follows nothing.
func touch(dir *vfs.Dir) error {
	own, err := dir.OpenDir(canaryName)
	if err != nil {
		return err
	}
	defer own.Close()
	info, err := own.Stat()
	if err != nil {
		return err
	}
	return own.Chmod(info.Mode())
}
