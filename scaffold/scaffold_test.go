package scaffold

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/config"
)

func TestTheConfigurationThatIsMadeIsTheDefaults(t *testing.T) {
	made, bare := t.TempDir(), t.TempDir()
	if _, err := Make(made); err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(config.Options{Dir: made})
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Load(config.Options{Dir: bare})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*string{&want.Drop, &want.Tasks, &want.Recovery} {
		*p = filepath.Join(made, filepath.Base(*p))
	}
	if want.File = got.File; !got.Same(want) || !reflect.DeepEqual(got.Batch, want.Batch) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestWhatIsThereIsKept(t *testing.T) {
	folder := t.TempDir()
	mine := map[string]string{config.FileName: "drop: ./drop # mine\n", "tasks.json": `[{"id":"a"}]`, "drop/x.json": "{}"}
	for name, text := range mine {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	session, err := Make(folder)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range mine {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	var made []string
	for _, item := range session.Items {
		if item.Made {
			made = append(made, item.Name)
		}
	}
	if strings.Join(made, " ") != "recovery/" || !session.Known {
		t.Errorf("made %q, known %v", made, session.Known)
	}
}

func TestWhatIsInTheWayIsAnError(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "tasks.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(folder); err == nil || !strings.Contains(err.Error(), "tasks.json") {
		t.Errorf("a folder in the place of the tasks file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(filepath.Join(folder, "file", "below")); err == nil {
		t.Error("a folder below a file was made")
	}
}

func TestALinkThatLeadsNowhereIsKept(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "tasks.json")
	if err := os.Symlink(filepath.Join(folder, "none"), link); err != nil {
		t.Skip(err)
	}
	session, err := Make(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(link); !errors.Is(err, fs.ErrNotExist) || session.Known {
		t.Errorf("the link leads to something now: %v, known %v", err, session.Known)
	}
}
