package doctor

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// volume is a mounted file system.
type volume struct {
	kind             string // "ext4"; "fuse.sshfs"
	mount            string // where; "" where that is not told
	size, free       uint64 // bytes, those that this user may use
	files, freeFiles uint64 // 0 files: it has no fixed number of them
}

// volumeOf tells what a path lies on. The mount table knows kinds that share a number (fuse.sshfs and virtiofs, ext3 and
// ext4); where it cannot be read the number has to do.
func volumeOf(path string) (volume, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return volume{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	block := uint64(st.Bsize)
	v := volume{
		kind: kindOf(uint32(st.Type)),
		size: st.Blocks * block, free: st.Bavail * block, files: st.Files, freeFiles: st.Ffree,
	}
	var sx unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &sx) != nil || sx.Mask&unix.STATX_MNT_ID == 0 {
		return v, nil // before Linux 5.8
	}
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return v, nil
	}
	defer table.Close()
	if kind, mount, ok := mountIn(table, sx.Mnt_id); ok {
		v.kind, v.mount = kind, mount
	}
	return v, nil
}

// mountIn finds a mount in the table of proc_pid_mountinfo(5).
func mountIn(table io.Reader, id uint64) (kind, mount string, ok bool) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[0] != strconv.FormatUint(id, 10) {
			continue
		}
		for i := 6; i+1 < len(fields); i++ { // a number of optional fields ends in a dash
			if fields[i] == "-" {
				return fields[i+1], unescaped(fields[4]), true
			}
		}
	}
	return "", "", false
}

// unescaped undoes the octal escapes of the table: a blank is \040.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// kinds are the numbers of statfs(2) and of linux/magic.h.
var kinds = map[uint32]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs",
	unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs",
	unix.SMB_SUPER_MAGIC: "smbfs", unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "smb2", unix.V9FS_MAGIC: "9p",
	unix.FUSE_SUPER_MAGIC: "fuse", unix.MSDOS_SUPER_MAGIC: "vfat", unix.EXFAT_SUPER_MAGIC: "exfat", unix.AFS_FS_MAGIC: "afs",
	unix.CEPH_SUPER_MAGIC: "ceph", unix.CODA_SUPER_MAGIC: "coda", unix.ECRYPTFS_SUPER_MAGIC: "ecryptfs",
	unix.REISERFS_SUPER_MAGIC: "reiserfs",
	unix.SQUASHFS_MAGIC:       "squashfs", 0x786f4256: "vboxsf", 0x2fc12fc1: "zfs", 0x61756673: "aufs", 0xca451a4e: "bcachefs",
	0x7366746e: "ntfs3", 0x0bd00bd0: "lustre", 0x47504653: "gpfs", 0x7461636f: "ocfs2", 0x01161970: "gfs2", 0x3153464a: "jfs",
}

func kindOf(number uint32) string {
	if kind, ok := kinds[number]; ok {
		return kind
	}
	return fmt.Sprintf("a file system of the number %#x", number)
}
