package metrics

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/watcher"
	"github.com/sessionsync/sessionsync/writer"
)

// codes are the values of the label code; each is there from the start, so that the first reject is an increase.
var codes = []fragment.Code{
	fragment.InvalidJSON, fragment.Incomplete, fragment.TooLarge, fragment.TooDeep, fragment.NotRegular, fragment.Unreadable,
	fragment.NotAnUpdate, fragment.MissingID, fragment.UnknownControl,
	fragment.UnknownID, fragment.AmbiguousID, fragment.AlreadyExists,
	fragment.PreconditionFailed, fragment.PatchFailed, fragment.SchemaViolation,
	"unclear",
	other,
}

// other stands for every label value that is not known here.
const other = "other"

// causes are the values of the label reason, beside "folder" (the drop directory or the recovery folder) and other.
var causes = map[string]bool{
	"ENOENT": true, "ELOOP": true, "ENAMETOOLONG": true, "EACCES": true, "EPERM": true, "EROFS": true, "ENOSPC": true,
	"EDQUOT": true, "EBUSY": true, "ENFILE": true, "EMFILE": true, "EIO": true, "ESTALE": true, "ETIMEDOUT": true,
	writer.InvalidTasksFile: true,
}

// Session counts for one session.
type Session struct {
	labelled prometheus.Collector // itself, with the session's name
	waiting  waiting
	parts    []prometheus.Collector

	applied, updates, unchanged, commits, retries, failed prometheus.Counter
	foreign, reasserted, overwritten, displaced           prometheus.Counter
	scans, overflows                                      prometheus.Counter
	rejected                                              *prometheus.CounterVec
	serving, held, missing, deaf                          prometheus.Gauge
	seconds, bytes, fragments                             prometheus.Histogram

	mu     sync.Mutex
	reason string // of holding; "" while it does not
}

var heldReason = prometheus.NewDesc(namespace+"_held_reason",
	"1 while the agent holds; the label says why, as an error number's name, folder or other.",
	[]string{"reason"}, nil)

func newSession(drop string) *Session {
	s := &Session{waiting: waiting{drop: drop}}
	s.applied = s.counter("applied_fragments_total", "Fragments whose updates are in the tasks file, durably.")
	s.updates = s.counter("applied_updates_total", "Updates that changed something in the tasks file.")
	s.unchanged = s.counter("unchanged_updates_total", "Updates that found everything as they wanted it.")
	s.commits = s.counter("commits_total", "Replacements of the tasks file.")
	s.retries = s.counter("commit_retries_total", "Attempts to commit beyond the first one.")
	s.failed = s.counter("failed_batches_total", "Batches that could not be committed and went to the recovery folder, to be applied later.")
	s.foreign = s.counter("foreign_writes_total", "Versions of the tasks file by other programs that were seen.")
	s.reasserted = s.counter("reasserted_updates_total",
		"Updates that were applied again because another program had undone them.")
	s.overwritten = s.counter("overwritten_updates_total",
		"Updates that another program undid for good; they are in the recovery folder.")
	s.displaced = s.counter("displaced_versions_total",
		"Versions of other programs that could not be merged; they are in the recovery folder.")
	s.scans = s.counter("rescans_total", "Listings of the drop directory.")
	s.overflows = s.counter("event_overflows_total", "Times that file system events were lost.")
	s.serving = s.gauge("serving", "1 while an agent serves the session; 0 while that is tried again.")
	s.held = s.gauge("held", "1 while the tasks file or a folder cannot be used: nothing is claimed, and what is dropped waits.")
	s.missing = s.gauge("drop_missing", "1 while the drop directory cannot be watched.")
	s.deaf = s.gauge("deaf", "1 while there are no file system events and the drop directory is polled instead.")
	s.rejected = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "rejected_fragments_total",
		Help: "Fragments that went to the recovery folder, by their code.",
	}, []string{"code"})
	for _, c := range codes {
		s.rejected.WithLabelValues(string(c))
	}
	s.seconds = s.histogram("commit_duration_seconds", "How long a commit took, with all its attempts.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10})
	s.bytes = s.histogram("commit_bytes", "The size of the tasks file at a commit.",
		prometheus.ExponentialBuckets(1<<10, 4, 10))
	s.fragments = s.histogram("batch_fragments", "Fragments that applied in one batch.",
		[]float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000})
	s.parts = append(s.parts, s.rejected)
	return s
}

func (s *Session) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	s.parts = append(s.parts, c)
	return c
}

func (s *Session) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	s.parts = append(s.parts, g)
	return g
}

func (s *Session) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	s.parts = append(s.parts, h)
	return h
}

// Down says that the session's agent has ended.
func (s *Session) Down() { s.serving.Set(0) }

// Trace is what the agent of the session is to call. There may be another one after it: its counts go on.
func (s *Session) Trace() agent.Trace {
	return agent.Trace{
		Began: func() {
			s.serving.Set(1)
			s.held.Set(0)
			s.missing.Set(0)
			s.deaf.Set(0)
			s.setReason("")
		},
		Committed: s.committed,
		Rejected: func(r agent.Rejection) {
			s.rejected.WithLabelValues(known(r.Code)).Add(float64(r.Fragments))
		},
		Failed: func(f agent.Failure) {
			s.failed.Inc()
			s.retries.Add(float64(max(0, f.Attempts-1)))
		},
		Held:          func(cause error) { s.held.Set(1); s.setReason(reasonOf(cause)) },
		Resumed:       func() { s.held.Set(0); s.setReason("") },
		ForeignWrites: func(more int) { s.foreign.Add(float64(more)) },
		Reasserted:    func(updates int) { s.reasserted.Add(float64(updates)) },
		Overwritten:   func(updates int) { s.overwritten.Add(float64(updates)) },
		Displaced:     s.displaced.Inc,
		Watcher: watcher.Trace{
			Scanned:    func(fragments int) { s.scans.Inc(); s.waiting.scan.Store(int64(fragments)) },
			Overflowed: s.overflows.Inc,
			Deaf:       func(cause error) { s.deaf.Set(oneIf(cause != nil)) },
			Missing:    func(cause error) { s.missing.Set(oneIf(cause != nil)) },
		},
	}
}

func (s *Session) committed(c agent.Commit) {
	s.retries.Add(float64(max(0, c.Attempts-1)))
	if c.Written {
		s.commits.Inc()
		s.seconds.Observe(c.Took.Seconds())
		s.bytes.Observe(float64(c.Bytes))
	}
	if c.Own || c.Fragments == 0 { // counted before; or tried again, for an item that is still not there
		return
	}
	s.applied.Add(float64(c.Fragments))
	s.updates.Add(float64(c.Updates))
	s.unchanged.Add(float64(c.Unchanged))
	s.fragments.Observe(float64(c.Fragments))
}

// known is a reject code as a label value.
func known(code string) string {
	for _, c := range codes {
		if string(c) == code {
			return code
		}
	}
	return other
}

// reasonOf is why the agent holds, as a label value.
func reasonOf(cause error) string {
	var trouble *writer.Trouble
	switch {
	case !errors.As(cause, &trouble):
		return "folder"
	case causes[trouble.Code]:
		return trouble.Code
	}
	return other
}

func (s *Session) setReason(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = reason
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Describe is that of a prometheus.Collector.
func (s *Session) Describe(out chan<- *prometheus.Desc) {
	for _, p := range s.parts {
		p.Describe(out)
	}
	out <- heldReason
	out <- waitingFragments
	out <- oldestWaiting
}

// Collect is that of a prometheus.Collector.
func (s *Session) Collect(out chan<- prometheus.Metric) {
	for _, p := range s.parts {
		p.Collect(out)
	}
	s.mu.Lock()
	reason := s.reason
	s.mu.Unlock()
	if reason != "" {
		out <- prometheus.MustNewConstMetric(heldReason, prometheus.GaugeValue, 1, reason)
	}
	if fragments, oldest, ok := s.waiting.look(); ok {
		out <- prometheus.MustNewConstMetric(waitingFragments, prometheus.GaugeValue, float64(fragments))
		out <- prometheus.MustNewConstMetric(oldestWaiting, prometheus.GaugeValue, oldest.Seconds())
	}
}
