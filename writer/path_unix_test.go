//go:build unix

package writer

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/vfs"
)

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestTheModeIsKept(t *testing.T) {
	for _, want := range []fs.FileMode{
		0o644, 0o600, 0o444, 0o664, 0o666, 0o777, 0o640, fs.ModeSetgid | 0o664, fs.ModeSetgid | fs.ModeSetuid | 0o755, fs.ModeSticky | 0o644,
	} {
		t.Run(want.String(), func(t *testing.T) {
			old := syscall.Umask(0o077)
			defer syscall.Umask(old)
			b := newBench(t)
			if err := os.Chmod(b.path, want); err != nil {
				t.Fatal(err)
			}
			if mode(t, b.path) != want {
				t.Skip("this mode cannot be set here")
			}
			b.mustCommit(b.writer(), adding(t, "a")...)
			if got := mode(t, b.path); got != want {
				t.Errorf("mode is %v, want %v", got, want)
			}
			b.applied("a")
		})
	}
}

// Until it has the mode of the tasks file nobody else may read what is in the temporary file.
func TestTheTemporaryFileIsPrivateUntilItHasItsMode(t *testing.T) {
	b := newBench(t)
	looked := 0
	b.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpWrite && strings.Contains(path, ".tasks.json") {
			looked++
			if got := mode(t, path); got != 0o600 {
				t.Errorf("mode is %v", got)
			}
		}
		return nil
	}
	b.mustCommit(b.writer(), adding(t, "a")...)
	if looked == 0 {
		t.Error("nothing was looked at")
	}
}

func TestALinkToTheTasksFileStaysALink(t *testing.T) {
	for _, c := range []struct {
		name  string
		links [][2]string // name, target; %s is the folder
		via   string
	}{
		{"absolute", [][2]string{{"link.json", "%s/tasks.json"}}, "link.json"},
		{"relative", [][2]string{{"link.json", "tasks.json"}}, "link.json"},
		{"into another folder", [][2]string{{"sub/link.json", "../tasks.json"}}, "sub/link.json"},
		{"a chain", [][2]string{{"one.json", "two.json"}, {"two.json", "%s/sub/three.json"}, {"sub/three.json", "../tasks.json"}}, "one.json"},
		{"a link to the folder", [][2]string{{"folder", "."}}, "folder/tasks.json"},
		{"a link to the folder with dots behind", [][2]string{{"sub/up", ".."}}, "sub/up/sub/../tasks.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			if err := os.Mkdir(filepath.Join(b.dir, "sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, l := range c.links {
				if err := os.Symlink(strings.ReplaceAll(l[1], "%s", b.dir), filepath.Join(b.dir, l[0])); err != nil {
					t.Fatal(err)
				}
			}
			b.config.Path = b.dir + "/" + c.via
			w := b.writer()
			b.mustCommit(w, adding(t, "a")...)
			b.mustCommit(w, adding(t, "b")...)
			for _, l := range c.links {
				target, err := os.Readlink(filepath.Join(b.dir, l[0]))
				if want := strings.ReplaceAll(l[1], "%s", b.dir); target != want {
					t.Errorf("%s leads to %q, %v; want %q", l[0], target, err, want)
				}
			}
			if mode(t, b.path) != 0o644 {
				t.Error("the target is no file any more")
			}
			b.applied("a", "b")
			b.noTemp()
			if left := temps(t, filepath.Join(b.dir, "sub")); len(left) > 0 {
				t.Errorf("left are %q", left)
			}
			if replaced, err := w.Replaced(b.intent); !replaced || err != nil {
				t.Errorf("Replaced = %v, %v", replaced, err)
			}
			put(t, filepath.Join(b.dir, ".tasks.json100000000000000"), "")
			if err := w.Sweep(); err != nil {
				t.Error(err)
			}
			b.noTemp()
		})
	}
}

func TestARelativePath(t *testing.T) {
	b := newBench(t)
	t.Chdir(b.dir)
	for _, path := range []string{"tasks.json", "./tasks.json", "../" + filepath.Base(b.dir) + "/tasks.json"} {
		b.put(original)
		b.config.Path = path
		w := b.writer()
		b.mustCommit(w, adding(t, "a")...)
		b.applied("a")
		b.noTemp()
	}
	b.config.Path = "nowhere.json"
	if got := trouble(t, b.writer().Probe(context.Background())); got.Path != "nowhere.json" || !strings.Contains(got.Error(), "nowhere.json: no such file or directory; create it") {
		t.Errorf("trouble is %v", got)
	}
}

func TestWhatIsNoTasksFile(t *testing.T) {
	fifo := func(path string) error { return syscall.Mkfifo(path, 0o644) }
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	const regular = "read %s: not a regular file; let the path in the configuration lead to a regular file"
	for _, c := range []struct {
		name    string
		put     func(path string) error
		code    string
		message string // %s: the tasks file's path
	}{
		{"nothing", func(string) error { return nil }, "ENOENT", "open %s: no such file or directory; create it, or correct the path in the configuration"},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o755) }, InvalidTasksFile, regular},
		{"a FIFO", fifo, InvalidTasksFile, regular},
		{"a link to a device", link("/dev/null"), InvalidTasksFile, strings.ReplaceAll(regular, "%s", "/dev/null")},
		{"a dangling link", link("nowhere.json"), "ENOENT", "nowhere.json: no such file or directory; create it, or correct the path in the configuration"},
		{"a link to itself", link("tasks.json"), "ELOOP", "open %s: too many levels of symbolic links; let the link lead to a file"},
		{"a link to a link to itself", func(path string) error {
			return join(os.Symlink("other.json", path), os.Symlink("tasks.json", filepath.Join(filepath.Dir(path), "other.json")))
		}, "ELOOP", "open %s: too many levels of symbolic links; let the link lead to a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				if err := os.Remove(b.path); err != nil {
					t.Fatal(err)
				}
				if err := c.put(b.path); err != nil {
					t.Fatal(err)
				}
				w := b.writer()
				_, commitErr := b.commit(w, adding(t, "a")...)
				for _, err := range []error{commitErr, w.Check(context.Background()), w.Probe(context.Background())} {
					if got := trouble(t, err); got.Code != c.code || got.Attempts != 1 {
						t.Errorf("trouble is %+v", got)
					}
					if want := strings.ReplaceAll(c.message, "%s", b.path); !strings.HasSuffix(err.Error(), want) {
						t.Errorf("message is\n %s\nwant\n %s", err, want)
					}
				}
				b.noTemp()
			})
		})
	}
}

func TestAPathThroughAFileIsTrouble(t *testing.T) {
	b := newBench(t)
	b.config.Path = filepath.Join(b.path, "x.json")
	if got := trouble(t, b.writer().Probe(context.Background())); got.Code != "ENOTDIR" || !strings.HasPrefix(got.Error(), "open "+b.config.Path+": not a directory") {
		t.Errorf("trouble is %+v", got)
	}
}

func TestANameThatLeavesNoRoomForTheTemporaryOne(t *testing.T) {
	b := newBench(t)
	b.config.Path = filepath.Join(b.dir, strings.Repeat("x", 250)+".json")
	put(t, b.config.Path, original)
	if got := trouble(t, b.writer().Probe(context.Background())); got.Code != "ENAMETOOLONG" || !strings.Contains(got.Remedy, "shorter name") {
		t.Errorf("trouble is %+v", got)
	}
}

func TestTheTemporaryFolderOfTheSystemIsNotUsed(t *testing.T) {
	b := newBench(t)
	for _, tmp := range []string{"/dev/shm", filepath.Join(b.dir, "nowhere")} {
		t.Setenv("TMPDIR", tmp)
		b.put(original)
		var created []string
		b.config.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpSync {
				created = append(created, filepath.Dir(path))
			}
			return nil
		}
		b.mustCommit(b.writer(), adding(t, "a")...)
		if created[0] != b.dir {
			t.Errorf("the temporary file was made in %s", created[0])
		}
		b.applied("a")
		b.noTemp()
	}
}

func TestOtherLayouts(t *testing.T) {
	for _, c := range []struct {
		name, text, fragment, want string
		layout                     document.Layout
	}{
		{"flat", `[{"id":1,"s":"a"}]`, `{"id":1,"s":"b"}`, `[{"id":1,"s":"b"}]`, document.Flat},
		{"taskmaster", `{"tasks":[{"id":5,"subtasks":[{"id":2,"s":"a"}]}]}`, `{"id":"5.2","s":"b"}`, `{"tasks":[{"id":5,"subtasks":[{"id":2,"s":"b"}]}]}`, document.Taskmaster},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.put(c.text)
			b.config.Layout = c.layout
			b.mustCommit(b.writer(), fragments(t, c.fragment)...)
			if b.content() != c.want {
				t.Errorf("content is %s", b.content())
			}
		})
	}
}
