package producer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sessionsync/sessionsync/spool"
)

// Agent says, for people, who serves the drop directory, and what to do where nobody does.
func (p *Producer) Agent() string {
	who, err := spool.Holder(spool.Config{Drop: p.config.Drop, Hook: p.config.Hook})
	host, _ := os.Hostname() // "" is no agent's
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("whether an agent serves it cannot be seen by this user; "+
			"it is started with 'sessionsync run' by the owner of %s", p.config.Drop)
	case err != nil:
		return fmt.Sprintf("whether an agent serves it cannot be seen: %v", err)
	case who == nil:
		return "no agent serves it; start one with 'sessionsync run'"
	case who.PID <= 0:
		return "the agent has not finished it; its log says why, and so does 'sessionsync check'"
	case who.Host != host:
		return fmt.Sprintf("the agent (pid %d on host %q) has not finished it; "+
			"its log says why, and so does 'sessionsync check'", who.PID, who.Host)
	}
	return fmt.Sprintf("the agent (pid %d) has not finished it; its log says why, and so does 'sessionsync check'", who.PID)
}
