package watcher

import (
	"strings"
	"testing"
)

func TestTheKindOfAFUSEIsThatOfItsMount(t *testing.T) {
	const mounts = `22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:31 / /home/me/far\040away rw,nosuid,nodev shared:2 master:3 - fuse.sshfs host:/dir rw,user_id=1000
40 22 0:32 / /mnt/host rw - virtiofs host rw
41 22 0:33
`
	for device, want := range map[string]string{
		"259:1": "ext4", "0:31": "fuse.sshfs", "0:32": "virtiofs", "0:33": "", "0:3": "",
	} {
		if got := mountedAs(strings.NewReader(mounts), device); got != want {
			t.Errorf("%s is %q, want %q", device, got, want)
		}
	}
}

func TestFileSystemsOfThisMachineAreNotSilent(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/dev", "/proc", "/missing"} {
		if kind := kindOf(dir); kind != "" {
			t.Errorf("%s is on %q", dir, kind)
		}
	}
}
