package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sessionsync": main})
}

// patience is a failsafe against waiting for ever, not a timing.
const patience = time.Minute

// The scripts are the manual: each shows one side of the program by what a user types and sees.
//
// Beside the commands of testscript they have: exits CODE COMMAND…, dated FILE… (gives files the times in which they are to
// apply), waitfor FILE [TEXT] (until it is there and holds the text), waitgone FILE,
// fetches CODE URL TEXT (until it is answered so). $PORT is a port that was free.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TMPDIR", e.WorkDir)
			e.Setenv("PORT", freePort(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "dated": dated, "waitfor": waitFor, "waitgone": waitGone,
			"fetches": fetches,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func dated(ts *testscript.TestScript, _ bool, args []string) {
	for i, name := range args {
		at := time.Now().Add(-time.Hour + time.Duration(i)*time.Second)
		ts.Check(os.Chtimes(ts.MkAbs(name), at, at))
	}
}

func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	text := ""
	if len(args) > 1 {
		text = args[1]
	}
	until(ts, fmt.Sprintf("%s to hold %q", args[0], text), func() bool {
		matches, _ := filepath.Glob(ts.MkAbs(args[0])) // the pattern is the script's
		for _, path := range matches {
			b, err := os.ReadFile(path)
			if info, statErr := os.Stat(path); statErr == nil && info.IsDir() || err == nil && strings.Contains(string(b), text) {
				return true
			}
		}
		return false
	})
}

func waitGone(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, args[0]+" to go", func() bool {
		matches, _ := filepath.Glob(ts.MkAbs(args[0])) // the pattern is the script's
		return len(matches) == 0
	})
}

// freePort is one that nobody listens on at the moment.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func fetches(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	until(ts, fmt.Sprintf("%s to answer %d with %q", args[1], want, args[2]), func() bool {
		response, err := http.Get(args[1])
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == want && strings.Contains(string(body), args[2])
	})
}

// until looks again and again: what is waited for is done by another process, which tells nobody.
func until(ts *testscript.TestScript, what string, done func() bool) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); !done(); <-ticker.C {
		if time.Now().After(end) {
			ts.Fatalf("waited in vain for %s", what)
		}
	}
}
