package logging

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/lmittmann/tint"
)

// handler makes a record safe to show before the real handler sees it. It wraps, instead of being a ReplaceAttr, because
// that is asked neither about group names nor, by tint, about the keys of groups.
type handler struct {
	next slog.Handler
	text bool // next is tint
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Printable(cut(r.Message)), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{next: h.next.WithAttrs(h.attrs(attrs)), text: h.text}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{next: h.next.WithGroup(h.key(name)), text: h.text}
}

func (h *handler) attrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return clean
}

func (h *handler) attr(a slog.Attr) slog.Attr {
	if a.Equal(slog.Attr{}) {
		return a // handlers leave it out
	}
	key, value := h.key(a.Key), a.Value.Resolve()
	switch value.Kind() {
	case slog.KindGroup:
		return slog.Attr{Key: key, Value: slog.GroupValue(h.attrs(value.Group())...)}
	case slog.KindString:
		return slog.Attr{Key: key, Value: h.string(value.String())}
	case slog.KindAny:
		return h.any(key, value.Any())
	}
	return slog.Attr{Key: key, Value: value} // a number, a bool, a time, a duration: made of safe characters only
}

// any shows whatever is none of slog's own kinds as the text that fmt makes of it, which also survives Error and String
// methods that panic.
func (h *handler) any(key string, value any) slog.Attr {
	if value == nil {
		return slog.Any(key, nil)
	}
	var text string
	if _, shown := value.(fmt.Stringer); !shown && isBytes(value) {
		text = string(reflect.ValueOf(value).Bytes())
	} else {
		text = fmt.Sprintf("%+v", value)
	}
	a := slog.Attr{Key: key, Value: h.string(text)}
	if _, isError := value.(error); isError && h.text {
		return tint.Attr(9, a) // bright red, where there is colour
	}
	return a
}

func isBytes(value any) bool {
	t := reflect.TypeOf(value)
	_, isError := value.(error)
	return !isError && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// string is a text as a value that the next handler writes as it should.
//
// tint must not get any text as a string in which there is something to quote. With colour it turns each \x1b of the
// quoted form into the real ESC, so that a harmless backslash, x, 1, b becomes one; without colour it drops what lies
// behind an invalid byte, or behind a U+FFFD, and parts of what follows an ESC. A []byte it quotes as strconv.Quote does,
// and does nothing else to it.
func (h *handler) string(s string) slog.Value {
	s = cut(s)
	switch {
	case !h.text:
		return slog.StringValue(Printable(s))
	case isPrintable(s) && !strings.ContainsAny(s, "\\\uFFFD"):
		return slog.StringValue(s)
	default:
		return slog.AnyValue([]byte(s))
	}
}

// key is the name of an attribute or a group. tint has no way to write a key without the traps of string: what would
// spring them is written in another way.
func (h *handler) key(s string) string {
	s = Printable(cut(s))
	if h.text {
		s = strings.NewReplacer(`\x1b`, `\x1B`, string(utf8.RuneError), `\ufffd`).Replace(s)
	}
	return s
}
