// Command release builds what is published of sessionsync: for each platform an archive of the program with its papers, a
// bill of materials, and the checksums of all. Run it in a clean clone:
//
//	go run ./release                 # dist/, every platform
//	go run ./release -out /tmp/mine -only linux/amd64
//
// The same commit and the same Go give the same bytes, wherever and by whomever they are built: no path of the machine, no
// time but the commit's, no variable of the environment gets into them. So a release is verified by making it again and
// comparing SHA256SUMS; docs/release.md has the commands.
//
// It publishes nothing, and signs nothing: that takes a key, which is a person's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	out := flag.String("out", "dist", "the folder that the files go to; it must not be there yet")
	only := flag.String("only", "", "one platform, such as linux/amd64 (default: all)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *only, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q: there are no arguments; see go run ./release -h", args[0])
	}
	chosen := platforms
	if only != "" {
		p, err := parsePlatform(only)
		if err != nil {
			return err
		}
		chosen = []platform{p}
	}
	sums, err := build(ctx, ".", out, chosen)
	if err != nil {
		return err
	}
	fmt.Print(strings.TrimSuffix(sums, "\n"), "\n")
	return nil
}
