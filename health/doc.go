// Package health knows how the sessions of a process do, and tells it to whoever asks: a probe, a service manager, a person.
//
// A session hears of itself by the agent's trace ([Session.Trace]); nothing here looks at a file. It is ready while the agent
// has begun, does not hold, has its drop directory and hears the file system's events; otherwise there is a reason in words for
// each, with the remedy. It is alive while every stage of its agent answers ([agent.Agent.Alive]); a session that holds is alive. A process is
// alive while one of its sessions is.
//
// Everything here may be called from several goroutines.
package health
