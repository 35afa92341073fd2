package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/config"
)

// A probe or a scrape is short; whoever is slow, or holds a connection and says nothing, is sent away.
const (
	readWithin  = 5 * time.Second
	writeWithin = 15 * time.Second // a scrape is given 9 s
	idleFor     = time.Minute
	mostHeader  = 8 << 10
	endWithin   = time.Second // what is being answered when the agent has ended
)

// listen takes the configured address; nil where there is none.
func (s *Service) listen(ctx context.Context) (net.Listener, error) {
	address, _ := config.ListenAddress(s.config.Listen) // which the configuration has judged
	if address == "" {
		return nil, nil
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, unheard(address, err)
	}
	s.options.Log.Info("listening for health and metrics", "address", listener.Addr().String())
	return listener, nil
}

// ListenError says that the configured address cannot be listened to. Nothing has begun; it may be tried again.
type ListenError struct {
	Address, Remedy string
	Err             error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s: %v; %s", e.Address, e.Err, e.Remedy)
}
func (e *ListenError) Unwrap() error { return e.Err }

// unheard says why an address cannot be listened to, and what to do.
func unheard(address string, err error) *ListenError {
	var number syscall.Errno
	var name *net.DNSError
	remedy := "correct listen in the configuration"
	switch {
	case errors.As(err, &name):
		err = fmt.Errorf("no address for the host %s", name.Name)
	case errors.As(err, &number):
		err = number
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = "end the program that has the port, or choose another one with listen in the configuration"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "it is none of this machine's; use :PORT for this machine alone, 0.0.0.0:PORT for all its addresses"
	case errors.Is(err, fs.ErrPermission):
		remedy = "choose a port from 1024 on; those below need CAP_NET_BIND_SERVICE"
	}
	return &ListenError{address, remedy, err}
}

// serve answers until ctx is done.
func (s *Service) serve(ctx context.Context, listener net.Listener) {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: readWithin,
		ReadTimeout:       readWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleFor,
		MaxHeaderBytes:    mostHeader,
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug), // clients that break off
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.options.Log.Error("health and metrics are answered no more until the next start; the agent goes on", "error", err)
		}
	}()
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	if server.Shutdown(last) != nil {
		server.Close() // whoever still reads has had the time
	}
	<-ended
}

func (s *Service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.HandleFunc("GET /livez", s.health.Live)
	mux.HandleFunc("GET /readyz", s.health.Ready)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "sessionsync\n\n/livez    whether the agent works\n/readyz   whether it can, and why not\n/metrics  for Prometheus\n")
	})
	return mux
}
