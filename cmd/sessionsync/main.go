// Command sessionsync merges small JSON files that any process drops into a directory into one tasks file.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// garbage is collected when it is half of what is in use: with a tasks file of 100 MB, of which the agent holds one copy, that
// is the difference between 160 and 350 MB. It costs no time that can be measured.
const garbage = 50 // percent

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	cobra.EnableCommandSorting = false // the help has them in the order in which they are needed
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to end; after that signals have their usual effect again, so a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
