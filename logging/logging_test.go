package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
	"unicode"
	"unicode/utf8"
)

// The three ways in which a record can be written.
var forms = map[string]Options{
	"JSON":              {Format: "json"},
	"text":              {Format: "text"},
	"text in colour":    {Format: "text", Terminal: true},
	"text, colour off":  {Format: "text", Terminal: true, NoColor: true},
	"auto, no terminal": {Format: "auto"},
	"auto, terminal":    {Format: "auto", Terminal: true},
}

// record logs with a fresh logger of that form and returns what was written.
func record(o Options, log func(*slog.Logger)) string {
	var b bytes.Buffer
	log(New(&b, o))
	return b.String()
}

// ours are the escape sequences that tint makes, in the order in which they stand in the output.
var ours = regexp.MustCompile("\x1b\\[(0|2|22|91|92|93|2;91)m")

// mustBeTame demands one line, without anything in it that a terminal would obey, but for the given number of colours.
func mustBeTame(t *testing.T, form, out string, colours []string) {
	t.Helper()
	if got := ours.FindAllString(out, -1); !slices.Equal(got, colours) {
		t.Errorf("%s: the colours are %q, for a harmless record %q:\n%q", form, got, colours, out)
	}
	out = ours.ReplaceAllString(out, "")
	line, ended := strings.CutSuffix(out, "\n")
	if !ended {
		t.Errorf("%s: the line does not end: %q", form, out)
	}
	if !utf8.ValidString(line) {
		t.Errorf("%s: not UTF-8: %q", form, line)
	}
	for _, r := range line {
		if !unicode.IsPrint(r) {
			t.Errorf("%s: %q in %q", form, r, line)
		}
	}
}

func TestARecordInEachForm(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 15, 30, 123_000_000, time.UTC)
	write := func(o Options) string {
		return record(o, func(l *slog.Logger) {
			r := slog.NewRecord(at, slog.LevelWarn, "rejected a fragment", 0)
			r.AddAttrs(slog.String("file", "a b.json"), slog.Int("updates", 2), slog.Duration("after", 1500*time.Millisecond),
				slog.Time("at", at), slog.Bool("again", false), slog.Float64("share", 0.5), slog.Any("none", nil),
				slog.Any("raw", []byte("x y")), slog.Any("err", errors.New("line 3: no")), slog.Group("batch", slog.String("id", "7")))
			if err := l.Handler().Handle(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	const (
		asText = `10:15:30.123 WRN rejected a fragment file="a b.json" updates=2 after=1.5s at=2026-11-22T10:15:30.123Z again=false share=0.5 none=<nil> raw="x y" err="line 3: no" batch.id=7` + "\n"
		asJSON = `{"time":"2026-11-22T10:15:30.123Z","level":"WARN","msg":"rejected a fragment","file":"a b.json","updates":2,"after":1500000000,"at":"2026-11-22T10:15:30.123Z","again":false,"share":0.5,"none":null,"raw":"x y","err":"line 3: no","batch":{"id":"7"}}` + "\n"
	)
	for form, want := range map[string]string{
		"JSON": asJSON, "auto, no terminal": asJSON, "text": asText, "text, colour off": asText,
		"text in colour": asText, "auto, terminal": asText,
	} {
		out := write(forms[form])
		coloured := strings.Contains(form, "in colour") || form == "auto, terminal"
		if strings.Contains(out, "\x1b[") != coloured {
			t.Errorf("%s: %q", form, out)
		}
		if coloured && !strings.Contains(out, "\x1b[2;91merr") {
			t.Errorf("%s: the error is not red: %q", form, out)
		}
		if out = ours.ReplaceAllString(out, ""); out != want {
			t.Errorf("%s:\n got %s\nwant %s", form, out, want)
		}
	}
	if got := write(Options{}); got != asJSON {
		t.Errorf("no options: %s", got)
	}
}

func TestOnlyRecordsOfTheLevelAreWritten(t *testing.T) {
	for form, o := range forms {
		o.Level = slog.LevelWarn
		out := record(o, func(l *slog.Logger) {
			l.Info("no")
			l.With("a", 1).WithGroup("g").Debug("no")
			l.Warn("yes")
		})
		if strings.Contains(out, "no") || strings.Count(out, "yes") != 1 {
			t.Errorf("%s: %q", form, out)
		}
	}
}

func TestItIsAHandlerAsSlogWantsIt(t *testing.T) {
	var b bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		b.Reset()
		return New(&b, Options{Format: "json"}).Handler()
	}, func(t *testing.T) map[string]any {
		var m map[string]any
		if err := json.Unmarshal(b.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

// hostile are names that somebody may give a file, and how they are to be shown.
var hostile = []struct{ what, name, shown string }{
	{"a window title", "\x1b]0;owned\x07.json", `\x1b]0;owned\x07.json`},
	{"clearing the screen", "a\x1b[2Jb", `a\x1b[2Jb`},
	{"clearing the screen, with a blank", "a \x1b[2J b", `a \x1b[2J b`},
	{"an escape that is only written as one, with a blank", `a \x1b[2J b`, `a \x1b[2J b`},
	{"an escape that is only written as one", `\x1b[2J`, `\x1b[2J`},
	{"a newline that begins a record", "a\n10:00:00.000 INF all is well", `a\n10:00:00.000 INF all is well`},
	{"a carriage return", "evil\rgood", `evil\rgood`},
	{"a tab and a backspace", "a\t\b", `a\t\x08`},
	{"NUL and DEL", "a\x00\x7f", `a\x00\x7f`},
	{"a C1 control as UTF-8", "a\u009b2J", `a\u009b2J`},
	{"a C1 control as a raw byte", "a\x9b2Jz", `a\x9b2Jz`},
	{"half a character", "a\xe2\x82 z", `a\xe2\x82 z`},
	{"bidirectional overrides", "a\u202egnp.\u202c\u2066\u2069\u200e\u200f", `a\u202egnp.\u202c\u2066\u2069\u200e\u200f`},
	{"separators of lines and paragraphs", "a\u2028b\u2029c", `a\u2028b\u2029c`},
	{"what nobody sees", "a\ufeff\u200b\u00ad\U000e0041b", `a\ufeff\u200b\u00ad\U000e0041b`},
	{"a character that stands for a broken one", "a\ufffdb c", "a\ufffdb c"},
	{"letters of the world", "Größe 任务 задача مهمة 🚀", "Größe 任务 задача مهمة 🚀"},
	{"a path on Windows", `C:\new\x1.json`, `C:\new\x1.json`},
	{"quotes", `say "hi"=now`, `say "hi"=now`},
}

func TestPrintable(t *testing.T) {
	for _, c := range hostile {
		if got := Printable(c.name); got != c.shown {
			t.Errorf("%s: got %q, want %q", c.what, got, c.shown)
		}
	}
}

// value is a type of somebody's own.
type value struct{ Name string }

type stringer string

func (s stringer) String() string { return string(s) }

type valuer string

func (v valuer) LogValue() slog.Value { return slog.GroupValue(slog.Any(string(v), stringer(v))) }

// everywhere puts a text into each place of a record where one fits.
func everywhere(s string) func(*slog.Logger) {
	return func(l *slog.Logger) {
		l.With(s, s, "e", errors.New(s)).WithGroup(s).With(s, s).Info(s,
			s, s,
			"stringer", stringer(s),
			"bytes", []byte(s),
			"struct", value{s},
			"pointer", &value{s},
			"list", []string{s, s},
			"wrapped", fmt.Errorf("%s: %w", s, errors.New(s)),
			"valuer", valuer(s),
			slog.Group(s, s, s, slog.Group(s, s, errors.New(s))),
		)
	}
}

func TestHostileNamesHaveNoPowerAnywhere(t *testing.T) {
	for form, o := range forms {
		colours := ours.FindAllString(record(o, everywhere("harmless")), -1)
		for _, c := range hostile {
			out := record(o, everywhere(c.name))
			mustBeTame(t, form+": "+c.what, out, colours)
			if strings.HasPrefix(out, "{") && !json.Valid([]byte(out)) {
				t.Errorf("%s: %s: not JSON: %s", form, c.what, out)
			}
		}
	}
}

func TestHostileNamesAreShownWhole(t *testing.T) {
	for _, c := range hostile {
		out := record(forms["JSON"], func(l *slog.Logger) { l.Info(c.name, "file", c.name, "err", errors.New(c.name)) })
		var m map[string]any
		if err := json.Unmarshal([]byte(out), &m); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if m["msg"] != c.shown || m["file"] != c.shown || m["err"] != c.shown {
			t.Errorf("%s: JSON: got %q", c.what, m)
		}
		for _, form := range []string{"text", "text in colour"} {
			out := record(forms[form], func(l *slog.Logger) { l.Info(c.name, "file", c.name, "err", errors.New(c.name), "last", 1) })
			out = ours.ReplaceAllString(out, "")
			if !strings.Contains(out, " INF "+c.shown+" file=") {
				t.Errorf("%s: %s: the message is not shown as %s: %s", c.what, form, c.shown, out)
			}
			// Values are quoted where needed, as in Go: unlike the message, they can be read back to the byte.
			quoted := fmt.Sprintf("%q", c.name)
			if !strings.Contains(out, " file="+quoted+" err="+quoted+" last=1\n") &&
				!strings.Contains(out, " file="+c.name+" err="+c.name+" last=1\n") {
				t.Errorf("%s: %s: the value is not shown as %s: %s", c.what, form, quoted, out)
			}
		}
	}
}

func TestHostileKeysAreShownWhole(t *testing.T) {
	for form, o := range forms {
		out := record(o, func(l *slog.Logger) { l.WithGroup("g\ufffd1").Info("m", "k\ufffd2\x1b[2J", 3) })
		want := `m g\ufffd1.k\ufffd2\x1B[2J=3` + "\n"
		if strings.HasPrefix(out, "{") {
			want = `"msg":"m","g` + "\ufffd" + `1":{"k` + "\ufffd" + `2\\x1b[2J":3}}` + "\n"
		}
		if out = ours.ReplaceAllString(out, ""); !strings.HasSuffix(out, want) {
			t.Errorf("%s: %q does not end in %q", form, out, want)
		}
	}
}

func TestLongValuesAreCutAndSaySo(t *testing.T) {
	for form, o := range forms {
		long := strings.Repeat("ä", 150_000) // 300 kB; the limit falls into no character
		out := record(o, func(l *slog.Logger) { l.Info("x"+long, "k"+long, "v"+long, "err", errors.New(long)) })
		if n := strings.Count(out, "… (30000"); n != 4 {
			t.Errorf("%s: %d of 4 texts say how long they are", form, n)
		}
		if len(out) > 5*limit || len(out) < 4*(limit-8) {
			t.Errorf("%s: %d bytes", form, len(out))
		}
		mustBeTame(t, form, out, ours.FindAllString(out, -1))
	}
	for text, want := range map[string]string{
		strings.Repeat("a", limit):                 strings.Repeat("a", limit),
		strings.Repeat("a", limit+1):               strings.Repeat("a", limit) + "… (4097 bytes)",
		strings.Repeat("a", limit-1) + "€€":        strings.Repeat("a", limit-1) + "… (4101 bytes)",
		strings.Repeat("a", limit-3) + "🚀":         strings.Repeat("a", limit-3) + "… (4097 bytes)",
		strings.Repeat("\x80", limit) + "\x80\x80": strings.Repeat("\x80", limit) + "… (4098 bytes)",
	} {
		if got := cut(text); got != want {
			t.Errorf("%d bytes are cut to %d, which end in %q", len(text), len(got), got[len(got)-20:])
		}
	}
}

type panicking struct{}

func (*panicking) Error() string { panic("boom\x1b[2J") }

func TestValuesThatPanicAreShownAsSuch(t *testing.T) {
	for form, o := range forms {
		var missing *panicking
		out := record(o, func(l *slog.Logger) { l.Info("m", "a", missing, "b", &panicking{}) })
		if !strings.Contains(out, "<nil>") && !strings.Contains(out, `\u003cnil\u003e`) || !strings.Contains(out, "boom") {
			t.Errorf("%s: %q", form, out)
		}
		mustBeTame(t, form, out, ours.FindAllString(out, -1))
	}
}

func TestBytesAreText(t *testing.T) {
	type name []byte
	for form, o := range forms {
		out := record(o, func(l *slog.Logger) { l.Info("m", "a", json.RawMessage(`{"id":5}`), "b", name("plain")) })
		if !strings.Contains(out, `{\"id\":5}`) || !strings.Contains(out, "plain") {
			t.Errorf("%s: %q", form, out)
		}
	}
}

// No text, wherever it stands in a record, gets a control character of its own into the output.
func FuzzLog(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.name, c.shown)
	}
	f.Add(`\x1b`, "\x1b\\x1b")
	f.Add(`\`, `x1b[2J \\x1b\\\x1b`)
	f.Add("", "\xff\x1b[2J")
	f.Fuzz(func(t *testing.T, a, b string) {
		for form, o := range forms {
			log := func(a, b string) func(*slog.Logger) {
				return func(l *slog.Logger) {
					l = l.With(a, b)
					l.Warn(b, a, b, "err", errors.New(a), slog.Group("g"+a, b, a), "bytes", []byte(b))
					l.WithGroup(a+b).Error(a+b, b+a, stringer(b+a), a, value{b})
				}
			}
			lines := strings.SplitAfter(record(o, log(a, b)), "\n")
			tame := strings.SplitAfter(record(o, log("a", "b")), "\n")
			if len(lines) != 3 || lines[2] != "" {
				t.Fatalf("%s: two records are %d lines: %q", form, len(lines)-1, lines)
			}
			for i, line := range lines[:2] {
				mustBeTame(t, form, line, ours.FindAllString(tame[i], -1))
				if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
					t.Errorf("%s: not JSON: %s", form, line)
				}
			}
		}
	})
}
