package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// platform is what a program is built for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"},
	{"windows", "arm64"},
}

func parsePlatform(s string) (platform, error) {
	for _, p := range platforms {
		if p.String() == s {
			return p, nil
		}
	}
	return platform{}, fmt.Errorf("%q is no platform of a release; choose one of %v", s, platforms)
}

const name = "sessionsync"

// sumsName is the file of the checksums, in the form that sha256sum -c reads.
const sumsName = "SHA256SUMS"

// build makes the files of a release from the clean clone in source, and gives the text of the checksums. After an error
// the folder out is not there, or half, which the error says.
func build(ctx context.Context, source, out string, chosen []platform) (sums string, err error) {
	if _, err := os.Lstat(out); err == nil {
		return "", fmt.Errorf("%s is there already; remove it, or name another folder with -out", out)
	}
	if err := isClean(ctx, source); err != nil {
		return "", err
	}
	// Not in out yet: if that is in the clone, the next program would say that it was built from a changed one.
	temp, err := os.MkdirTemp("", "sessionsync-release-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	for _, p := range chosen {
		if err := buildFor(ctx, source, temp, p); err != nil {
			return "", fmt.Errorf("build for %s: %w", p, err)
		}
	}
	if sums, err = checksums(temp); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(temp, sumsName), []byte(sums), 0o644); err != nil {
		return "", err
	}
	return sums, os.CopyFS(out, os.DirFS(temp))
}

// isClean refuses a clone that holds anything that is not in its commit: nobody could build that again.
func isClean(ctx context.Context, source string) error {
	text, err := output(ctx, source, nil, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if text != "" {
		return fmt.Errorf("the clone has changes that are in no commit; commit or stash them:\n%s",
			strings.TrimRight(text, "\n"))
	}
	return nil
}

func buildFor(ctx context.Context, source, out string, p platform) error {
	temp, err := os.MkdirTemp("", "sessionsync-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	file := name
	if p.os == "windows" {
		file += ".exe"
	}
	program := filepath.Join(temp, file)
	_, err = output(ctx, source, environment(p), "go", "build", "-trimpath", "-buildvcs=true", "-mod=readonly", "-o", program,
		"./cmd/"+name)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	when, err := committed(info)
	if err != nil {
		return err
	}
	base := filepath.Join(out, fmt.Sprintf("%s_%s_%s_%s", name, info.Main.Version, p.os, p.arch))
	files, err := papers(source)
	if err != nil {
		return err
	}
	files = append(files, member{path: program, name: file, perm: 0o755})
	if p.os == "windows" {
		err = writeZip(base+".zip", files, when)
	} else {
		err = writeTarGz(base+".tar.gz", files, when)
	}
	if err != nil {
		return err
	}
	bill, err := billOfMaterials(info, p, when)
	if err != nil {
		return err
	}
	return os.WriteFile(base+".cdx.json", bill, 0o644)
}

// environment leaves nothing to the machine that would show in the program.
func environment(p platform) []string {
	return append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=",
		"GOFIPS140=off", "GOAMD64=v1", "GOARM64=v8.0")
}

// committed is when the commit was made that a program was built from.
func committed(info *buildinfo.BuildInfo) (time.Time, error) {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.revision"] == "" || settings["vcs.modified"] != "false" {
		return time.Time{}, errors.New("the program does not say which commit it was built from; build in a clone with git, not in a linked worktree, which go build does not see")
	}
	return time.Parse(time.RFC3339, settings["vcs.time"])
}

// checksums lists the files of a folder.
func checksums(folder string) (string, error) {
	entries, err := os.ReadDir(folder) // in the order of their names
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), e.Name())
	}
	return b.String(), nil
}

func output(ctx context.Context, dir string, env []string, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		shown := slices.Clone(command[:min(2, len(command))])
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(shown, " "), err, strings.TrimRight(errs.String(), "\n"))
	}
	return out.String(), nil
}
