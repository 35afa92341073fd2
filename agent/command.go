package agent

import (
	"al.essio.dev/pkg/shellescape"

	"github.com/sessionsync/sessionsync/config"
)

// retryCommand gives the command that has a recovery entry tried again, from wherever it is typed, for a POSIX shell.
func retryCommand(c config.Config) func(entry string) string {
	words := append([]string{"sessionsync", "recovery", "retry"}, c.Arguments()...)
	return func(entry string) string {
		return shellescape.QuoteCommand(append(words[:len(words):len(words)], entry))
	}
}
