//go:build linux

package deploy

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sessionsync/sessionsync/config"
)

// instructions are those of the Dockerfile, each its words.
func instructions(t *testing.T) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile("container/Dockerfile")
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			all = append(all, words)
		}
	}
	return all
}

// There is no Docker on the machines that test this; what it would run is run here, and every test of this package is one of
// the program that the image holds.
func TestTheImageHoldsOneStaticProgram(t *testing.T) {
	file, err := elf.Open(program)
	must(t, err)
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a segment %v: it needs a system around it", p.Type)
		}
	}
	// In an empty root, as any user, it works.
	root := t.TempDir()
	s := newSession(t, filepath.Join(root, "session"))
	must(t, os.Chmod(root, 0o755))
	for _, folder := range []string{s.folder, s.path("drop"), s.path("tasks.json")} {
		must(t, os.Chown(folder, 65532, 65532))
	}
	text, err := os.ReadFile(program)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(root, "sessionsync"), text, 0o755))
	s.drop("a")
	cmd := exec.Command("chroot", "--userspec=65532:65532", root, "/sessionsync", "run", "--once",
		"--drop", "/session/drop", "--tasks", "/session/tasks.json", "--recovery", "/session/recovery")
	cmd.Env = []string{}
	if text, err := cmd.CombinedOutput(); err != nil {
		if os.Getuid() != 0 {
			t.Skipf("only root can try it in an empty root: %s", text)
		}
		t.Fatalf("%v\n%s", err, text)
	}
	if !s.applied("a") {
		t.Error("the fragment was not applied")
	}
}

func TestTheImageRunsTheProgramAsNobodyInParticular(t *testing.T) {
	has := map[string]string{}
	for _, words := range instructions(t) {
		has[words[0]] = strings.Join(words[1:], " ") // the last one counts
	}
	for instruction, want := range map[string]string{
		"FROM": "scratch", "USER": "65532:65532", "WORKDIR": "/session", "ENTRYPOINT": `["/sessionsync"]`, "CMD": `["run"]`,
		"COPY": "--from=build /sessionsync /sessionsync", "EXPOSE": "9464",
	} {
		if has[instruction] != want {
			t.Errorf("%s is %q, want %q", instruction, has[instruction], want)
		}
	}
	name, value, _ := strings.Cut(has["ENV"], "=")
	accepts(t, "the Dockerfile", name, value)
}

// accepts checks that a variable is one that the program knows, with a value that it takes.
func accepts(t *testing.T, where, name, value string) {
	t.Helper()
	c, err := config.Load(config.Options{Dir: t.TempDir(), Environ: []string{name + "=" + value}})
	if err != nil || len(c.Warnings) > 0 {
		t.Errorf("%s: %s=%s: %v %v", where, name, value, err, c.Warnings)
	}
}

func documents(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		all = append(all, document)
	}
}

// at follows members and elements into a document.
func at(t *testing.T, value any, way ...any) any {
	t.Helper()
	for i, step := range way {
		switch step := step.(type) {
		case string:
			mapping, _ := value.(map[string]any) // of nil nothing is there either
			member, ok := mapping[step]
			if !ok {
				t.Fatalf("there is no %v", way[:i+1])
			}
			value = member
		case int:
			list, ok := value.([]any)
			if !ok || step >= len(list) {
				t.Fatalf("there is no %v", way[:i+1])
			}
			value = list[step]
		}
	}
	return value
}

func TestTheComposeFileMountsTheFolder(t *testing.T) {
	service := at(t, documents(t, "container/compose.yaml")[0], "services", "sessionsync")
	if target := at(t, service, "volumes", 0, "target"); target != "/session" || strings.HasSuffix(at(t, service, "volumes", 0, "source").(string), ".json}") {
		t.Errorf("mounts %v", at(t, service, "volumes"))
	}
	dockerfile := at(t, service, "build", "dockerfile").(string)
	if _, err := os.Stat(filepath.Join("container", at(t, service, "build", "context").(string), dockerfile)); err != nil {
		t.Error(err)
	}
	for name, value := range at(t, service, "environment").(map[string]any) {
		_, value, _ := strings.Cut(strings.Trim(value.(string), "${}"), ":-")
		accepts(t, "compose.yaml", name, value)
	}
	if port := at(t, service, "ports", 0); port != "127.0.0.1:9464:9464" {
		t.Errorf("publishes %v", port)
	}
}

func TestTheSidecarMountsTheFolderAndIsProbedWhereItListens(t *testing.T) {
	all := documents(t, "container/kubernetes.yaml")
	kinds := []string{}
	for _, d := range all {
		kinds = append(kinds, at(t, d, "kind").(string))
	}
	if !slices.Equal(kinds, []string{"Deployment", "PersistentVolumeClaim", "NetworkPolicy"}) {
		t.Fatalf("holds %v", kinds)
	}
	pod := at(t, all[0], "spec", "template", "spec")
	sidecar, tool := at(t, pod, "initContainers", 0), at(t, pod, "containers", 0)
	for _, container := range []any{sidecar, tool} {
		mount := at(t, container, "volumeMounts", 0).(map[string]any)
		if _, single := mount["subPath"]; single || mount["mountPath"] != "/session" || path.Ext(mount["mountPath"].(string)) != "" {
			t.Errorf("mounts %v", mount)
		}
	}
	variables := map[string]string{}
	for _, v := range at(t, sidecar, "env").([]any) {
		name, value := at(t, v, "name").(string), at(t, v, "value").(string)
		accepts(t, "kubernetes.yaml", name, value)
		variables[name] = value
	}
	if got := variables["SESSIONSYNC_LISTEN"]; got != "0.0.0.0:9464" {
		t.Errorf("listens on %s, where no probe of the node comes", got)
	}
	if port := at(t, sidecar, "ports", 0, "containerPort"); port != uint64(9464) {
		t.Errorf("the port is %v", port)
	}
	for probe, want := range map[string]string{"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"} {
		if got := at(t, sidecar, probe, "httpGet", "path"); got != want || at(t, sidecar, probe, "httpGet", "port") != "metrics" {
			t.Errorf("%s asks %v", probe, got)
		}
		if at(t, sidecar, probe, "timeoutSeconds").(uint64) <= 3 {
			t.Errorf("%s waits for less than /livez may take", probe)
		}
	}
}
