//go:build unix

package durability

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/internal/built"
)

var (
	soak  = flag.Duration("soak", 3*time.Second, "how long producers run while the agent is killed again and again")
	kills = flag.Int("kills", 20, "how often the agent under a supervisor is killed")
)

func TestTheBooksBalanceAfterASoakWithKills(t *testing.T) {
	t.Parallel()
	pause := min(time.Second, *soak/10)
	balanceAfter(t, func(_ int, running time.Duration) (life time.Duration, more bool) {
		return pause/2 + rand.N(pause), running < *soak
	})
}

// Most of these lives end during the start, while the agent resumes what the one before has left.
func TestTheBooksBalanceUnderASupervisorThatStartsAKilledAgentAgain(t *testing.T) {
	t.Parallel()
	balanceAfter(t, func(killed int, _ time.Duration) (life time.Duration, more bool) {
		return rand.N(300 * time.Millisecond), killed < *kills
	})
}

// balanceAfter lets six processes drop fragments while a supervisor starts the agent and starts it again whenever it has
// been killed, after the time that lives gives. A fragment appends to a list, so what is applied twice shows.
func balanceAfter(t *testing.T, lives func(killed int, running time.Duration) (life time.Duration, more bool)) {
	_, err := built.Program() // takes its time
	must(t, err)
	const phases, producers = 100, 6
	s := newSession(t, quickDir(t), phases)
	var all []*producer
	for p := range producers {
		all = append(all, s.startProducer(p, phases))
	}
	began, killed := time.Now(), 0
	settings := []string{"batch.quiet=5ms", "batch.max_wait=50ms"} // several batches a life
	for {
		life, more := lives(killed, time.Since(began))
		agent := s.start(settings...)
		if !more {
			b := &books{good: map[string]bool{}, bad: map[string]bool{}}
			for _, p := range all {
				p.stop(b)
			}
			// A claim may be applied and not yet settled: the books are for when the last agent has resumed that.
			s.until("all is handled", func() bool { return strings.Contains(agent.text(), "starting") && s.empty() })
			agent.stop()
			s.balanced(b, killed, time.Since(began))
			return
		}
		time.Sleep(life)
		agent.kill()
		killed++
	}
}

// balanced checks that each fragment of the books is applied once, or in the recovery folder, or waits; and that what
// waits is handled by the next run.
func (s *session) balanced(b *books, killed int, took time.Duration) {
	t := s.t
	t.Helper()
	applied, rejected, waiting := len(s.notes()), len(s.recovered()), len(s.waiting())
	seen := len(b.good) + len(b.bad)
	t.Logf("soak: %v, %d kills: seen %d = applied %d + rejected %d + waiting %d",
		took.Round(time.Millisecond), killed, seen, applied, rejected, waiting)
	if seen != applied+rejected+waiting {
		t.Error("the books do not balance")
	}
	for i := 0; i < 3 && !s.empty(); i++ {
		r := s.run(nil, "--once")
		r.cmd.Wait()
	}
	s.exactly(b.good)
	for _, f := range s.recovered() {
		note := f.Name[:len(f.Name)-len(".json")]
		if !b.bad[note] {
			t.Errorf("%s is in the recovery folder as %s: %s", f.Name, f.Code, f.Message)
		}
		delete(b.bad, note)
	}
	if left := len(b.bad) + len(s.waiting()); left > 0 {
		t.Errorf("%d fragments are neither applied nor rejected", left)
	}
	if !t.Failed() {
		t.Logf("soak: %d kills, %d fragments, 0 failures", killed, seen)
	}
}
