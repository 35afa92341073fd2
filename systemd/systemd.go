// Package systemd tells the service manager how a process does, by sd_notify(3): that it is ready, in one line what it does,
// that it is alive, and that it ends.
//
// It is ready once a session's agent has begun; that one holds or waits for its drop directory is in the status line and
// no reason to call the start failed. It is said to be alive, twice as often as the manager asks for (WATCHDOG_USEC), only
// while every stage of every agent answers: a process that ticks but does not work is started again, which loses nothing.
//
// Where the process was not started by such a manager (no NOTIFY_SOCKET) all of it does nothing. What cannot be told is logged
// once and does no harm: nothing here keeps an agent from its work or from ending.
package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/sessionsync/sessionsync/health"
)

// restAfterStatus is between two status lines: a person reads them.
const restAfterStatus = time.Second

// notifier is the state of one Run.
type notifier struct {
	sessions *health.Sessions
	log      *slog.Logger
	ready    bool
	status   string // as it was told
	failed   bool   // which was logged
}

// Run tells the manager of sessions until ctx is done. From when stopping is closed it says that the process ends.
func Run(ctx context.Context, stopping <-chan struct{}, sessions *health.Sessions, log *slog.Logger) {
	n := &notifier{sessions: sessions, log: log}
	if !n.send("STATUS=starting") {
		return
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not served", "error", err)
		every = 0
	}
	var beats <-chan time.Time
	if every > 0 {
		ticker := time.NewTicker(every / 2)
		defer ticker.Stop()
		beats = ticker.C
	}
	rest := time.NewTimer(0)
	defer rest.Stop()
	var changed <-chan struct{} // nil while it rests
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			stopping, changed = nil, nil
			rest.Stop()
			n.send(daemon.SdNotifyStopping + "\nSTATUS=ending: the commit under way is finished")
		case <-rest.C:
			changed = sessions.Changed()
		case <-changed:
			if n.tell() && n.ready { // until it is, somebody waits
				changed = nil
				rest.Reset(restAfterStatus)
			}
		case <-beats:
			n.beat(ctx, every/4)
		}
	}
}

// tell sends what is new, and reports whether there was anything.
func (n *notifier) tell() bool {
	status := n.sessions.Status()
	state := "STATUS=" + status
	switch {
	case !n.ready && n.sessions.Begun():
		n.ready = true
		state = daemon.SdNotifyReady + "\n" + state
	case status == n.status:
		return false
	}
	n.status = status
	n.send(state)
	return true
}

// beat tells that the agents are alive, if they are.
func (n *notifier) beat(ctx context.Context, within time.Duration) {
	asked, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := n.sessions.Alive(asked)
	switch {
	case err == nil:
		n.send(daemon.SdNotifyWatchdog)
	case ctx.Err() == nil:
		n.log.Error("a part of the agent does not answer; the service manager will start it again if that lasts", "error", err)
	}
}

// send reports whether there is somebody to tell.
func (n *notifier) send(state string) bool {
	there, err := daemon.SdNotify(false, state)
	if err != nil && !n.failed {
		n.failed = true
		n.log.Warn("the service manager cannot be told how the agent does", "error", fmt.Errorf("notify %w", err))
	}
	return there || err != nil
}
