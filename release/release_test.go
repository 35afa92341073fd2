package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// clone makes a clone of this repository in a folder of that name.
func clone(t *testing.T, name string) string {
	t.Helper()
	if _, err := output(t.Context(), "..", nil, "git", "rev-parse", "HEAD"); err != nil {
		t.Skipf("this is no clone of a repository: %v", err)
	}
	folder := filepath.Join(t.TempDir(), name)
	if _, err := output(t.Context(), "..", nil, "git", "clone", "--quiet", ".", folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestTwoBuildsInTwoFoldersAreTheSameToTheByte(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program twice")
	}
	here := platform{runtime.GOOS, runtime.GOARCH}
	if _, err := parsePlatform(here.String()); err != nil {
		t.Skip(err)
	}
	var all []map[string][]byte
	for i, name := range []string{"a", "a folder with a longer name"} {
		source, out := clone(t, name), filepath.Join(t.TempDir(), "dist")
		t.Setenv("GOFLAGS", fmt.Sprintf("-ldflags=-X=main.x=%d", i)) // somebody's own settings do not show
		t.Setenv("GOAMD64", []string{"v1", "v3"}[i])
		t.Setenv("TZ", []string{"UTC", "Asia/Tokyo"}[i])
		sums, err := build(t.Context(), source, out, []platform{here})
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		entries, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if files[e.Name()], err = os.ReadFile(filepath.Join(out, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		if len(files) != 3 || string(files[sumsName]) != sums || strings.Count(sums, "\n") != 2 {
			t.Errorf("%d files, checksums:\n%s", len(files), sums)
		}
		all = append(all, files)
	}
	for name, text := range all[0] {
		if !bytes.Equal(text, all[1][name]) {
			t.Errorf("%s differs: %d and %d bytes", name, len(text), len(all[1][name]))
		}
		switch {
		case strings.HasSuffix(name, ".cdx.json"):
			isABill(t, text, here)
		case strings.HasSuffix(name, ".tar.gz"):
			holds(t, untar(t, text))
		}
	}
	for name := range all[1] {
		if all[0][name] == nil {
			t.Errorf("%s is there only once", name)
		}
	}
}

func isABill(t *testing.T, text []byte, p platform) {
	t.Helper()
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range b.Components {
		names[c.Name] = true
		if c.Version == "" || !strings.HasPrefix(c.Purl, "pkg:golang/"+c.Name+"@") {
			t.Errorf("component %+v", c)
		}
	}
	if b.Format != "CycloneDX" || !names["std"] || !names["github.com/spf13/cobra"] || !strings.Contains(b.Metadata.Component.Purl, "goos="+p.os) {
		t.Errorf("%s", text)
	}
}

func untar(t *testing.T, text []byte) map[string]os.FileMode {
	t.Helper()
	files := map[string]os.FileMode{}
	zipped, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = header.FileInfo().Mode()
	}
}

func holds(t *testing.T, files map[string]os.FileMode) {
	t.Helper()
	if files["LICENSE"] != 0o644 || files["README.md"] != 0o644 || files[name] != 0o755 {
		t.Errorf("the archive holds %v", files)
	}
}

func TestAZipHoldsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zip")
	err := writeZip(path, []member{{"../LICENSE", "LICENSE", 0o644}, {"main.go", "sessionsync.exe", 0o755}}, time.Unix(1_000_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 2 || archive.File[1].Mode() != 0o755 || !archive.File[0].Modified.Equal(time.Unix(1_000_000_000, 0)) {
		t.Errorf("it holds %+v", archive.File)
	}
}

func TestWhatNobodyCouldBuildAgainIsRefused(t *testing.T) {
	source := clone(t, "changed")
	if err := os.WriteFile(filepath.Join(source, "more.go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "dist")
	if _, err := build(t.Context(), source, out, platforms[:1]); err == nil || !strings.Contains(err.Error(), "?? more.go") {
		t.Errorf("with a file that is in no commit: %v", err)
	}
	if _, err := build(t.Context(), clone(t, "clean"), t.TempDir(), platforms[:1]); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("into a folder that is there: %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder is left")
	}
	broken := clone(t, "broken")
	if err := os.WriteFile(filepath.Join(broken, "cmd", name, "main.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"commit", "--quiet", "-am", "break it"}} {
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
		cmd.Dir = broken
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	_, err := build(t.Context(), broken, out, platforms[:1])
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "build for linux/amd64: go build") {
		t.Errorf("what does not build: %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("half a release is left")
	}
}

func TestWrongUse(t *testing.T) {
	if err := run(t.Context(), "dist", "plan9/mips", nil); err == nil || !strings.Contains(err.Error(), "choose one of [linux/amd64") {
		t.Errorf("an unknown platform: %v", err)
	}
	if err := run(t.Context(), "dist", "", []string{"now"}); err == nil {
		t.Error("arguments are ignored")
	}
}
