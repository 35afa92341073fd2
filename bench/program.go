package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// program is one of the two that are compared. Both are called alike.
type program struct{ name, path string }

// build builds both programs into a folder, as a release is built.
func build(ctx context.Context, folder string) (floor, ours program, err error) {
	const module = "github.com/sessionsync/sessionsync/"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", folder+string(filepath.Separator), module+"bench/floor", module+"cmd/sessionsync")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return floor, ours, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	at := func(name string) program { return program{name, filepath.Join(folder, name)} }
	return at("floor"), at("sessionsync"), nil
}

// running is a program at work.
type running struct {
	cmd *exec.Cmd
	s   *session
}

// start starts a program in a session, with settings such as batch.quiet=0s, and waits until it is ready: it logs that it
// has scanned the drop directory. Before that the tasks file is read and indexed and the watching has begun, so that the
// first fragment costs what each later one does.
func (p program) start(s *session, settings ...string) (*running, error) {
	r, err := p.run(s, append(settings, "log.level=debug"))
	if err != nil {
		return nil, err
	}
	err = r.until("it is ready", func() bool {
		log, _ := os.ReadFile(s.log()) // what cannot be read is not there yet
		return bytes.Contains(log, []byte(`"msg":"scanned"`))
	})
	if err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

func (p program) run(s *session, settings []string, flags ...string) (*running, error) {
	log, err := os.Create(s.log())
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(p.path, append([]string{"run"}, flags...)...)
	cmd.Dir, cmd.Stderr, cmd.Env = s.folder, log, os.Environ()
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		cmd.Env = append(cmd.Env, "SESSIONSYNC_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return &running{cmd, s}, cmd.Start()
}

// kill ends it. What it leaves goes with its session.
func (r *running) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
}

// once runs a program on what waits, and returns how long it ran and the largest resident memory that was seen.
func (p program) once(s *session) (took time.Duration, peak int64, err error) {
	begin := time.Now()
	r, err := p.run(s, nil, "--once")
	if err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			took = time.Since(begin)
			if err != nil {
				err = fmt.Errorf("run %s: %w\n%s", p.name, err, s.lastWords())
			}
			return took, peak, err
		case <-look.C:
			if now, err := status(r.cmd.Process.Pid, "VmHWM"); err == nil { // else it has ended
				peak = now
			}
		}
	}
}

// lookEvery is how often the bench looks at what another process does. Shorter would take the processor away from it.
const lookEvery = 50 * time.Microsecond

// until waits until ok. The limit is a failsafe.
func (r *running) until(what string, ok func() bool) error {
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(lookEvery) {
		if time.Now().After(end) {
			return fmt.Errorf("run %s: within two minutes not so: %s\n%s", filepath.Base(r.cmd.Path), what, r.s.lastWords())
		}
	}
	return nil
}

// rest waits until the program has nothing more to do: nothing waits, and its processor time has stood still for a while.
func (r *running) rest() error {
	last, since := time.Duration(-1), time.Now()
	return r.until("it is at rest", func() bool {
		if now, err := processorTime(r.cmd.Process.Pid); err != nil || now != last || !r.s.empty() {
			last, since = now, time.Now()
		}
		time.Sleep(5 * time.Millisecond)
		return time.Since(since) > 60*time.Millisecond
	})
}
