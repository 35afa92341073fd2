// Command bench compares sessionsync with the floor (see bench/floor) and prints what it measured as a table, with the
// targets. It builds both programs, has them do the same work in turn, several times, and compares medians and the ratios
// within each run; so it says something on a machine that is also busy with other things, but less.
//
//	go run ./bench                       the table
//	go run ./bench -only 'drain|batch'   some of it
//	go run ./bench -full -write docs     the page docs/performance.md with its plots
//
// It needs Linux: memory and processor time are read from /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	runs := flags.Int("runs", 5, "how often each program does each work")
	only := flags.String("only", "", "measure only what matches this `pattern`: drain, batch, latency, waiting, idle, start")
	full := flags.Bool("full", false, "1,000,000 waiting fragments, not 100,000; idle for a minute, not 15 s")
	svg := flags.String("svg", "", "also measure how cost grows, and draw it into this `folder`")
	write := flags.String("write", "", "like -svg, and write the page performance.md beside the plots")
	memory := flags.String("memory", "/dev/shm", "a `folder` on tmpfs")
	disk := flags.String("disk", os.TempDir(), "a `folder` on a disk")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if *runs < 1 {
		return errors.New("-runs: must be at least 1")
	}
	if _, err := status(os.Getpid(), "VmHWM"); err != nil {
		return fmt.Errorf("it needs Linux: %w", err)
	}
	b := &bench{runs: *runs, full: *full, progress: stderr}
	folder, err := os.MkdirTemp("", "sessionsync-bench-programs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if b.floor, b.ours, err = build(ctx, folder); err != nil {
		return err
	}
	// What is left when this is interrupted goes with these folders.
	for _, place := range []struct {
		flag string
		at   *string
	}{{*memory, &b.memory}, {*disk, &b.disk}} {
		if *place.at, err = os.MkdirTemp(place.flag, "sessionsync-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(*place.at)
	}
	page := report{machine: machine(), runs: b.runs}
	atStart := load()
	for _, m := range measurements {
		if !pattern.MatchString(m.name) {
			continue
		}
		rows, err := m.rows(ctx, b)
		if err != nil {
			return fmt.Errorf("measure %s: %w", m.name, err)
		}
		page.rows = append(page.rows, rows...)
	}
	if *svg != "" || *write != "" {
		if page.plots, err = growth(ctx, b); err != nil {
			return fmt.Errorf("measure growth: %w", err)
		}
	}
	page.machine += fmt.Sprintf(", load %s at the start and %s at the end", atStart, load())
	if *svg != "" {
		if err := page.draw(*svg); err != nil {
			return err
		}
	}
	if *write != "" {
		if err := errors.Join(page.draw(*write), page.write(*write)); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "%s\n\n", page.machine)
	writeTable(stdout, page.rows)
	return nil
}
