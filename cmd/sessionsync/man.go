package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages into a folder",
		Long: `Write a manual page for each command into a folder, which is made if it is not there. What has the name of a page there is
replaced.

Exit codes: 0 done, 1 a page cannot be written, 2 wrong use.`,
		Example: `  sessionsync man ~/.local/share/man/man1 && man sessionsync-run`,
		Args:    exactly(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			built := built()
			root := c.Root()
			root.DisableAutoGenTag = true // the same program writes the same pages
			return doc.GenManTree(root, &doc.GenManHeader{
				Title: "SESSIONSYNC", Section: "1", Source: "sessionsync " + version(), Manual: "sessionsync", Date: &built,
			}, args[0])
		},
	}
}
