package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// leastHistory is room for a batch or two.
const leastHistory = 64 << 10

// check refuses what could be read but cannot work. It sees the values that count after all layers, paths joined.
func (l *loader) check() {
	c := &l.config
	l.checkEach()
	l.demand(c.Watch.Rescan >= time.Millisecond, "must be at least 1ms, so that looking again is not all that is done", "watch.rescan")

	l.demand(c.Batch.MaxWait >= c.Batch.Quiet, "is shorter than %s", "batch.max_wait", "batch.quiet")
	l.demand(c.Batch.MaxFragments >= 1, "must be at least 1", "batch.max_fragments")
	l.demand(c.Fragment.MaxBytes <= c.Batch.MaxBytes, "is more than %s: such a fragment would fit into no batch",
		"fragment.max_bytes", "batch.max_bytes")
	l.demand(c.Fragment.MaxDepth >= 1 && c.Fragment.MaxDepth <= 10000, "must be 1 to 10000", "fragment.max_depth")

	l.demand(c.Retry.Attempts >= 1, "must be at least 1; the first attempt counts", "retry.attempts")
	l.demand(c.Retry.Base > 0, "must be more than 0", "retry.base")
	l.demand(c.Retry.Max >= c.Retry.Base, "is shorter than %s", "retry.max", "retry.base")
	l.demand(c.Retry.Jitter >= 0 && c.Retry.Jitter <= 100, "must be 0 to 100 percent", "retry.jitter")

	l.demand(c.History.MaxBytes == 0 || c.History.MaxBytes >= leastHistory, "must be at least 64KiB, or 0 to keep none", "history.max_bytes")

	if l.config.Many() {
		l.checkSessions()
	} else {
		l.checkPaths()
	}
	l.demand(c.Document.Scope == "" || c.Document.Layout.hasScopes(), "means nothing with %s, which has no scopes", "document.scope", "document.layout")

	_, wrong := ListenAddress(c.Listen)
	l.demand(wrong == "", wrong, "listen")
}

// checkEach looks at what holds for every key of a type.
func (l *loader) checkEach() {
	for _, f := range fields {
		switch value := f.of(&l.config).(type) {
		case *time.Duration:
			l.demand(*value >= 0, "must not be negative", f.path)
			l.bad[f.path] = l.bad[f.path] || *value < 0
		case *Size:
			off := *value == 0 && f.path == "history.max_bytes"
			l.demand(*value > 0 || off, "must be more than 0", f.path)
			l.bad[f.path] = l.bad[f.path] || *value <= 0 && !off
		case *string:
			mayBeEmpty := f.path == "document.scope" || f.path == "listen"
			if len(f.oneof) > 0 && !l.bad[f.path] && !slices.Contains(f.oneof, *value) {
				l.refuse(f.path, notOneOf(*value, f.oneof))
				l.bad[f.path] = true
			} else if *value == "" && !mayBeEmpty && !l.bad[f.path] {
				l.refuse(f.path, "must not be empty")
				l.bad[f.path] = true
			}
		}
	}
}

// checkPaths keeps the three places apart.
func (l *loader) checkPaths() {
	for _, r := range l.config.apart() {
		l.demand(r.ok, r.message, r.key, r.other)
	}
}

// apartness is that one of the three places is apart from another one.
type apartness struct {
	ok                  bool
	message, key, other string // of the message, %s is the other one
}

// apart judges the three places: what one of them holds must never be taken for what another one does.
func (c Config) apart() []apartness {
	return []apartness{
		{!inside(c.Recovery, c.Drop), "lies in %s", "recovery", "drop"},
		{c.Drop == c.Recovery || !inside(c.Drop, c.Recovery), "lies in %s", "drop", "recovery"},
		{!inside(c.Tasks, c.Recovery), "lies in %s", "tasks", "recovery"},
		{c.Tasks != c.Drop && filepath.Dir(c.Tasks) != c.Drop && !inside(c.Tasks, filepath.Join(c.Drop, ".sessionsync")),
			"lies in %s, where it would be taken for a fragment", "tasks", "drop"},
	}
}

// inside tells whether a path is the folder or lies in it.
func inside(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// demand refuses the first key's value unless ok. With a second key, the message's %s is what that one says.
// Where one of them could not be read, nothing is known and nothing is said.
func (l *loader) demand(ok bool, message string, keys ...string) {
	if ok || slices.ContainsFunc(keys, func(key string) bool { return l.bad[key] }) {
		return
	}
	key, value := keys[0], printable(l.text(keys[0]))
	if len(keys) == 1 {
		l.refuse(key, value+" "+message)
		return
	}
	other := keys[1]
	if _, set := l.set[key]; set {
		l.refuse(key, value+" "+fmt.Sprintf(message, l.says(other)))
		return
	}
	// Somebody set the other one: that is the line to look at.
	l.refuse(other, l.says(key)+" "+fmt.Sprintf(message, printable(l.text(other))))
}

// refuse reports a key's value; it is called for values that somebody set, since the defaults are all well.
func (l *loader) refuse(key, message string) { l.set[key].problem(key, "%s", message) }

// says is a key with its value and where that comes from.
func (l *loader) says(key string) string {
	from := "the default"
	if p, ok := l.set[key]; ok {
		from = "from " + p.String()
	}
	return fmt.Sprintf("%s (%s, %s)", key, printable(l.text(key)), from)
}

func (l *loader) text(key string) string {
	i := slices.IndexFunc(fields, func(f field) bool { return f.path == key })
	return text(fields[i].of(&l.config))
}
