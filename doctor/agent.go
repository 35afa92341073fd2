package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/spool"
)

// agent asks whether one runs.
func (e *examination) agent() {
	at := e.at("agent")
	who, err := spool.Holder(spool.Config{Drop: e.Drop, Hook: e.Hook})
	switch {
	case errors.Is(err, fs.ErrPermission):
		at.find("running", Note, "run this as the agent's user", "it cannot be told whether an agent runs: %v", err)
	case err != nil:
		at.find("running", Note, e.remedy(err, e.Drop), "it cannot be told whether an agent runs: %v", err)
	case who != nil:
		e.served = true
		at.ok("running", "%s", describe(who))
	default:
		at.find("running", Note, "sessionsync run", "no agent serves the drop directory")
	}
}

func describe(who *spool.LockHolder) string {
	if who.PID == 0 {
		return "an agent serves the drop directory"
	}
	return fmt.Sprintf("an agent serves the drop directory: pid %d on %s since %s", who.PID, who.Host,
		who.Since.Format(time.RFC3339))
}
