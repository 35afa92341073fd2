package doctor

import (
	"slices"
	"strings"
)

// nature is what kinds of file systems have in common.
type nature int

const (
	local  nature = iota
	memory        // a reboot takes all of it
	layer         // a container's, as a rule
	shared        // other machines may write to it, or its host
	served        // a program of its own serves it
)

var (
	memories = []string{"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"}
	layers   = []string{"overlay", "aufs"}
	shares   = []string{
		"nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "fakeowner", "afs",
		"ceph", "coda",
		"gfs2", "ocfs2", "lustre", "gpfs", "beegfs", "webdav", "afpfs",
		"fuse.sshfs", "fuse.glusterfs", "fuse.vmhgfs-fuse", "fuse.grpcfuse", "fuse.osxfs", "fuse.s3fs", "fuse.rclone",
		"fuse.ceph",
	}
)

func natureOf(kind string) nature {
	switch {
	case slices.Contains(memories, kind):
		return memory
	case slices.Contains(layers, kind):
		return layer
	case slices.Contains(shares, kind):
		return shared
	case kind == "fuse" || kind == "fuseblk" || strings.HasPrefix(kind, "fuse.") || kind == "macfuse" || kind == "osxfuse":
		return served
	}
	return local
}

// judge says what follows from the nature alone; what works is tried.
func (n nature) judge() (level Level, says, remedy string) {
	switch n {
	case memory:
		return Warning, ", which is memory: a reboot takes all that is there",
			"choose a folder on a disk, unless all of it may go"
	case layer:
		return Note, "; in a container that is its own layer, which goes with it",
			"mount a volume there, unless all of it may go"
	case shared:
		return Warning, ", which other machines can share: a lock and an fsync are worth what their server makes of them",
			"run one agent a drop directory, on one machine; choose a local folder where that is possible"
	case served:
		return Note, ", which a program serves: what works is what was tried here, and may change with the program", ""
	}
	return OK, "", ""
}
