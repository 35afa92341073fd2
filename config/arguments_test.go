package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestArgumentsLeadToTheSamePlaces(t *testing.T) {
	dir, file := t.TempDir(), ""
	for _, c := range []struct {
		what, file string
		environ    []string
		flags      map[string]string
		want       string
	}{
		{"nothing", "", nil, nil, "--drop D/drop --tasks D/tasks.json --recovery D/recovery"},
		{"a file", "drop: ../in\n", nil, nil, "--config D/sessionsync.yaml"},
		{"a file and a variable", "drop: in\n", []string{"SESSIONSYNC_DROP=out"}, nil, "--config D/sessionsync.yaml --drop D/out"},
		{"a file and a flag", "", nil, map[string]string{"recovery": "r"}, "--drop D/drop --tasks D/tasks.json --recovery D/r"},
		{"one session of several", "sessions: [{tasks: web/t.json}]\n", nil, nil, "--config D/sessionsync.yaml --session web"},
	} {
		t.Run(c.what, func(t *testing.T) {
			file = filepath.Join(dir, FileName)
			os.Remove(file)
			if c.file != "" {
				if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg, err := Load(Options{Dir: dir, Environ: c.environ, Flags: c.flags})
			if err != nil {
				t.Fatal(err)
			}
			if cfg, err = cfg.One(""); err != nil {
				t.Fatal(err)
			}
			args := cfg.Arguments()
			if got := strings.ReplaceAll(strings.Join(args, " "), dir, "D"); filepath.ToSlash(got) != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			session := ""
			again := Options{Dir: t.TempDir(), Flags: map[string]string{}}
			for i := 0; i < len(args); i += 2 {
				switch name := strings.TrimPrefix(args[i], "--"); name {
				case "config":
					again.File = args[i+1]
				case "session":
					session = args[i+1]
				default:
					again.Flags[name] = args[i+1]
				}
			}
			same, err := Load(again)
			if err == nil {
				same, err = same.One(session)
			}
			if err != nil || same.Drop != cfg.Drop || same.Tasks != cfg.Tasks || same.Recovery != cfg.Recovery {
				t.Errorf("%+v, %v, want %+v", same, err, cfg)
			}
		})
	}
}
