package status

import (
	"fmt"

	"al.essio.dev/pkg/shellescape"
	"github.com/dustin/go-humanize"
)

// advise says what a person can do next, the most urgent first. There is none where all is well.
func advise(r Report, c Config) (all []Advice) {
	command := func(what, problem string, args ...any) {
		all = append(all, Advice{Problem: fmt.Sprintf(problem, args...), Do: "sessionsync " + what + c.Flags, Command: true})
	}
	sentence := func(do, problem string, args ...any) {
		all = append(all, Advice{Problem: fmt.Sprintf(problem, args...), Do: do})
	}
	switch {
	case r.Drop.Missing:
		all = append(all, Advice{"there is no drop directory", "mkdir -p " + shellescape.Quote(c.Drop), true})
	case r.Drop.Problem != "":
		sentence("run this as the agent's user, or correct the path in the configuration", "the drop directory cannot be read")
	case r.Agent.Hidden:
		sentence("run this as the agent's user", "whether an agent runs cannot be seen")
	}
	if r.Agent.Holds() {
		sentence("do what the reason says; the agent goes on by itself as soon as it can",
			"the agent holds: what is dropped waits")
	}
	switch waits := r.Drop.Waiting.Fragments + r.Drop.Claimed.Fragments + r.Recovery.Retries(); {
	case r.Agent.Running || r.Agent.Hidden || r.Drop.Problem != "":
	case waits > 0:
		command("run", "nobody merges what is dropped, and %s", wait(waits))
	default:
		command("run", "nobody merges what is dropped")
	}
	if !r.Tasks.Valid {
		command("check", "the tasks file cannot be used")
	}
	if n := r.Recovery.Rejects(); n > 0 {
		command("recovery list", "%s rejected", were(n))
	}
	if r.Recovery.Problem != "" {
		sentence("run this as the agent's user, or correct the path in the configuration", "the recovery folder cannot be read")
	}
	return all
}

func wait(n int) string {
	if n == 1 {
		return "1 fragment waits"
	}
	return humanize.Comma(int64(n)) + " fragments wait"
}

func were(n int) string {
	if n == 1 {
		return "1 fragment was"
	}
	return humanize.Comma(int64(n)) + " fragments were"
}
