// Command sessionsync merges small JSON files that any process drops into a directory into one tasks file.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/heap"
)

func main() {
	heap.Tune()
	cobra.EnableCommandSorting = false // the help has them in the order in which they are needed
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to end; after that signals have their usual effect again, so a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
