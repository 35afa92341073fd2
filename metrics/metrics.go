package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "sessionsync"

// Metrics are those of one process.
type Metrics struct{ registry *prometheus.Registry }

// New has the metrics of the process and its build: of a registry of its own, so that no library adds to it.
func New(version string) *Metrics {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what was built, and with what.",
		ConstLabels: prometheus.Labels{"version": strings.ToValidUTF8(version, "?"), "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{registry}
}

// Add takes up a session. Its name must be one that no other session has.
func (m *Metrics) Add(name, drop string) (*Session, error) {
	s := newSession(drop)
	if !utf8.ValidString(name) { // a folder may be called anything; two of them must not get one label
		name = strconv.Quote(name)
	}
	s.labelled = prometheus.WrapCollectorWith(prometheus.Labels{"session": name}, s)
	if err := m.registry.Register(s.labelled); err != nil {
		return nil, err
	}
	return s, nil
}

// Remove forgets a session that has ended.
func (m *Metrics) Remove(s *Session) { m.registry.Unregister(s.labelled) }

// Handler answers a scrape: few at a time, and none for longer than Prometheus waits by default.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 9 * time.Second})
}
