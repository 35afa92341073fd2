package watcher

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Inotify reports what programs do on this machine through its file system calls. "As a result, it does not catch remote
// events that occur on network filesystems. (Applications must fall back to polling the filesystem to catch such events.)",
// says inotify(7). So what counts here is whether somebody else can change the files: another machine, the host of a virtual
// one, the server of a share. Those that GNU coreutils marks as remote in src/stat.c, which makes tail(1) poll, are the
// beginning of the list; it knows their numbers as well. Left out of it are pipefs and nfsd, which hold no drop directory,
// vxfs, which is local for most, and overlay, where what is done through the mount is told of. What is not in this list is
// found out: see canary.go.
var silent = map[int64]string{
	unix.NFS_SUPER_MAGIC:   "nfs",
	unix.SMB_SUPER_MAGIC:   "smb",
	unix.SMB2_SUPER_MAGIC:  "cifs",
	unix.CIFS_SUPER_MAGIC:  "cifs",
	unix.NCP_SUPER_MAGIC:   "ncp",
	unix.AFS_SUPER_MAGIC:   "afs",
	unix.AFS_FS_MAGIC:      "afs",
	unix.CODA_SUPER_MAGIC:  "coda",
	unix.CEPH_SUPER_MAGIC:  "ceph",
	unix.OCFS2_SUPER_MAGIC: "ocfs2",
	0x01161970:             "gfs2",
	0x0bd00bd0:             "lustre",
	0x19830326:             "beegfs",
	0x47504653:             "gpfs",
	0x013111a8:             "ibrix",
	0xaad7aaea:             "panfs",
	0xbeefdead:             "snfs",
	0x61636673:             "acfs",

	// Folders that a virtual machine or a container has from its host.
	unix.V9FS_MAGIC:         "9p",     // QEMU, Lima, gVisor (google/gvisor#8089), and drvfs of WSL 2: microsoft/WSL#4739
	0x786f4256:              "vboxsf", // fs/vboxsf/super.c of Linux
	0xbacbacbc:              "vmhgfs", // VMware
	0x7c7c6673:              "prl_fs", // Parallels
	unix.HOSTFS_SUPER_MAGIC: "hostfs", // user-mode Linux
}

// FUSE is local or not as its server is; the kind of the mount tells which one that is. The first is its own kind of file
// system (crc-org/vfkit#126), the others are what their programs call themselves in a mount.
var silentFUSE = []string{
	"virtiofs",
	"fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.mount-s3", "fuse.blobfuse", "fuse.blobfuse2",
	"fuse.glusterfs", "fuse.ceph-fuse", "fuse.juicefs", "fuse.vmhgfs-fuse", "fuse.davfs", "fuse.curlftpfs", "fuse.moosefs",
	"fuse.gvfsd-fuse", "fuse.smbnetfs",
}

// kindOf is the kind of file system that a directory lies on, if it is one that does not tell of what others change; "" for
// any other, and where that cannot be found out.
func kindOf(dir string) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return ""
	}
	magic := int64(uint32(fs.Type)) // it is signed where a long has 32 bits
	if magic != unix.FUSE_SUPER_MAGIC {
		return silent[magic]
	}
	var stat unix.Stat_t
	if err := unix.Stat(dir, &stat); err != nil {
		return ""
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer mounts.Close()
	kind := mountedAs(mounts, fmt.Sprintf("%d:%d", unix.Major(uint64(stat.Dev)), unix.Minor(uint64(stat.Dev))))
	if slices.Contains(silentFUSE, kind) {
		return strings.TrimPrefix(kind, "fuse.")
	}
	return ""
}

// mountedAs finds the kind of a mount by its device, as proc_pid_mountinfo(5) describes it.
func mountedAs(mountinfo io.Reader, device string) string {
	for lines := bufio.NewScanner(mountinfo); lines.Scan(); {
		mount, source, _ := strings.Cut(lines.Text(), " - ")
		if fields := strings.Fields(mount); len(fields) > 2 && fields[2] == device {
			kind, _, _ := strings.Cut(source, " ")
			return kind
		}
	}
	return ""
}
