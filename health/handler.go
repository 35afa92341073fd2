package health

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// answerWithin is how long a session may take to answer whether it is alive: more than any healthy one needs, and less than
// whoever asks over HTTP usually waits for in all.
const answerWithin = 3 * time.Second

// Live answers 200 while every agent answers, and 503 with the stage that does not: then a restart helps, and loses nothing.
func (s *Sessions) Live(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	if err := s.Alive(ctx); err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "alive")
}

// Ready answers 200 while every session is served as it should be, and 503 with the reasons, one a line. A restart would not
// help: each reason says what would. A session whose agent does not answer is not served either, as where its file system
// hangs; what it said last may be long ago.
func (s *Sessions) Ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	if reasons := append(s.silent(ctx), s.Reasons()...); len(reasons) > 0 {
		say(w, http.StatusServiceUnavailable, reasons...)
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, code int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	io.WriteString(w, strings.Join(lines, "\n")+"\n") // who asked may be gone
}
