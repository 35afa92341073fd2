//go:build unix

package durability

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The variables by which this test binary starts itself as a producer.
const (
	producerFolder = "DURABILITY_PRODUCER_FOLDER"
	producerNumber = "DURABILITY_PRODUCER"
	producerPhases = "DURABILITY_PHASES"
)

// unknownTo is the number of the producer whose fragments name no item.
const unknownTo = 5

// books are what the producers have dropped, by note.
type books struct{ good, bad map[string]bool }

// producer is a process that drops fragments until its input ends, and then tells what it has dropped.
type producer struct {
	s      *session
	number int
	cmd    *exec.Cmd
	end    io.Closer
	notes  strings.Builder
}

func (s *session) startProducer(number, phases int) *producer {
	s.t.Helper()
	p := &producer{s: s, number: number, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), producerFolder+"="+s.folder,
		producerNumber+"="+strconv.Itoa(number), producerPhases+"="+strconv.Itoa(phases))
	p.cmd.Stdout, p.cmd.Stderr = &p.notes, os.Stderr
	end, err := p.cmd.StdinPipe()
	must(s.t, err)
	p.end = end
	must(s.t, p.cmd.Start())
	s.t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// stop enters into the books what it has dropped.
func (p *producer) stop(b *books) {
	p.s.t.Helper()
	must(p.s.t, p.end.Close())
	if err := p.cmd.Wait(); err != nil {
		p.s.t.Errorf("producer %d: %v", p.number, err)
	}
	for note := range strings.FieldsSeq(p.notes.String()) {
		if p.number == unknownTo {
			b.bad[note] = true
		} else {
			b.good[note] = true
		}
	}
}

// produce is the producer's process.
func produce(folder string) error {
	number, err := strconv.Atoi(os.Getenv(producerNumber))
	if err != nil {
		return err
	}
	phases, err := strconv.Atoi(os.Getenv(producerPhases))
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for i := 0; ; i++ {
		note := fmt.Sprintf("p%d-%d", number, i)
		item := fmt.Sprintf("P%d", i%phases+1)
		if number == unknownTo {
			item = "P777"
		}
		content := []byte(appendTo(item, note))
		path, hidden := filepath.Join(folder, "drop", note+".json"), filepath.Join(folder, "drop", "."+note)
		if number%2 == 0 {
			err = os.WriteFile(path, content, 0o644) // in place: seen half now and then
		} else if err = os.WriteFile(hidden, content, 0o644); err == nil {
			err = os.Rename(hidden, path)
		}
		if err != nil {
			return err
		}
		fmt.Println(note)
		select {
		case <-ended:
			return nil
		case <-time.After(time.Duration(5+rand.IntN(60)) * time.Millisecond):
		}
	}
}

func TestAProducerTellsWhatItHasDropped(t *testing.T) {
	s := newSession(t, quickDir(t), 1)
	b := &books{good: map[string]bool{}, bad: map[string]bool{}}
	for _, number := range []int{0, 1, unknownTo} {
		p := s.startProducer(number, 1)
		s.until("something is dropped", func() bool {
			names, err := filepath.Glob(s.path("drop", fmt.Sprintf("p%d-*.json", number)))
			return err == nil && len(names) > 1
		})
		p.stop(b)
	}
	if all := len(s.waiting()); len(b.good)+len(b.bad) != all || len(b.good) < 4 || len(b.bad) < 2 {
		t.Errorf("%d good and %d bad ones in the books, %d in the folder", len(b.good), len(b.bad), all)
	}
}
