package main

import (
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
)

// What a completion may cost: somebody has pressed a key and waits.
const (
	completeWithin = time.Second
	completeBytes  = 64 << 20 // of the tasks file
	completeValues = 1000     // of those that begin as what was typed; nobody reads more
	completeLength = 100      // bytes of a value
)

// addCompletions tells each command what its arguments and flags can be. Where that cannot be found out nothing is offered, and
// nothing said: nobody has asked a question yet.
func addCompletions(env environment, root *cobra.Command) {
	flags := map[string]cobra.CompletionFunc{
		"config":     files("yaml", "yml"),
		"tasks":      files("json", "jsonc"),
		"drop":       folders,
		"recovery":   folders,
		"log-level":  cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp),
		"log-format": cobra.FixedCompletions([]string{"text", "json", "auto"}, cobra.ShellCompDirectiveNoFileComp),
		"op":         cobra.FixedCompletions(operations, cobra.ShellCompDirectiveNoFileComp),
		"session":    offer(env, sessionNames),
		"scope":      offer(env, scopes),
		"parent":     offer(env, ids),
		"if":         offer(env, changes),
		"code":       offer(env, codes),
	}
	arguments := map[string]cobra.CompletionFunc{
		"drop":    offer(env, changeOrID),
		"history": first(offer(env, ids)),
		"check":   files("json", "jsonl", "ndjson"),
		"init":    first(folders),
		"man":     first(folders),
		"show":    first(offer(env, entries)),
		"edit":    first(offer(env, entries)),
		"retry":   offer(env, entries),
		"discard": offer(env, entries),
	}
	var add func(c *cobra.Command)
	add = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			complete := flags[f.Name]
			if complete == nil {
				complete = cobra.NoFileCompletions
			}
			// Only a flag that has one already is an error, and none has.
			_ = c.RegisterFlagCompletionFunc(f.Name, complete)
		})
		c.ValidArgsFunction = arguments[c.Name()]
		if c.ValidArgsFunction == nil {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(root)
}

var operations = []string{
	string(fragment.Merge), string(fragment.Create), string(fragment.Upsert), string(fragment.Remove), string(fragment.Patch),
}

func files(endings ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(endings, cobra.ShellCompDirectiveFilterFileExt)
}

func folders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// first completes the first argument alone.
func first(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(c, args, typed)
	}
}

// asked is what somebody has typed until now.
type asked struct {
	command *cobra.Command
	config  config.Config // with all its sessions
	args    []string
	typed   string
}

// candidate is what could follow. The note says what it is.
type candidate struct{ value, note string }

// offer makes a completion of a search. It gives up in time; the search ends with the process.
func offer(env environment, search func(asked) iter.Seq[candidate]) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		found := make(chan []cobra.Completion, 1)
		go func() {
			cfg, err := loadAll(c, env)
			if err != nil {
				found <- nil
				return
			}
			found <- chosen(search(asked{c, cfg, args, typed}), args, typed)
		}()
		directive := cobra.ShellCompDirectiveNoFileComp
		select {
		case all := <-found:
			if len(all) > 0 && strings.HasSuffix(all[0], "=") {
				directive |= cobra.ShellCompDirectiveNoSpace
			}
			return all, directive
		case <-time.After(completeWithin):
			return nil, directive
		}
	}
}

// chosen are the candidates that begin as what was typed, each once, and of them those that no shell could stumble over.
func chosen(all iter.Seq[candidate], args []string, typed string) []cobra.Completion {
	var out []cobra.Completion
	seen := map[string]bool{}
	for c := range all {
		if !strings.HasPrefix(c.value, typed) || seen[c.value] || !harmless(c.value) || slices.Contains(args, c.value) {
			continue
		}
		seen[c.value] = true
		completion := c.value
		if note := noteOf(c.note); note != "" {
			completion += "\t" + note
		}
		if out = append(out, completion); len(out) == completeValues {
			break
		}
	}
	return out
}

// harmless reports whether a value means itself in every shell, unquoted. It comes from a file that anybody may have written,
// and shells do expand what they are offered.
func harmless(value string) bool {
	if value == "" || len(value) > completeLength || value[0] == '-' {
		return false
	}
	for _, r := range value {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-:/@+,=", r) {
			return false
		}
	}
	return true
}

// noteOf keeps of a text what can be shown beside a value.
func noteOf(text string) string {
	const most = 60 // characters
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > most {
			break
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" ._-/,", r) {
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// itemsOf reads the tasks file; nil where that cannot be done soon.
func (a asked) itemsOf() (d *document.Document, scope string) {
	cfg, err := a.config.One(a.command.Flag("session").Value.String())
	if err != nil {
		return nil, ""
	}
	layout, err := agent.Layout(cfg.Document.Layout)
	if err != nil {
		return nil, ""
	}
	f, err := vfs.OpenRegular(cfg.Tasks)
	if err != nil {
		return nil, ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, completeBytes+1))
	if err != nil || len(text) > completeBytes {
		return nil, ""
	}
	if d, err = document.Parse(text, layout); err != nil {
		return nil, ""
	}
	scope = cfg.Document.Scope
	if f := a.command.Flag("scope"); f != nil && f.Changed {
		scope = f.Value.String()
	}
	return d, scope
}

// items are those that an update can name.
func (a asked) items() iter.Seq2[*document.Document, document.Item] {
	return func(yield func(*document.Document, document.Item) bool) {
		d, scope := a.itemsOf()
		if d == nil {
			return
		}
		for i := range d.Items() {
			if i.ID != "" && (scope == "" || i.Scope == scope) && !yield(d, i) {
				return
			}
		}
	}
}

func ids(a asked) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		for _, i := range a.items() {
			if !yield(candidate{i.ID, textOf(i.Member("title"))}) {
				return
			}
		}
	}
}

func scopes(a asked) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		d, _ := a.itemsOf()
		if d == nil {
			return
		}
		for i := range d.Items() {
			if !yield(candidate{value: i.Scope}) {
				return
			}
		}
	}
}

func changeOrID(a asked) iter.Seq[candidate] {
	if len(a.args) == 0 {
		return ids(a)
	}
	return changes(a)
}

// changes are the members of the item that is named first, then, behind the equals sign, the values that a member has anywhere.
func changes(a asked) iter.Seq[candidate] {
	member, _, valued := strings.Cut(a.typed, "=")
	return func(yield func(candidate) bool) {
		if valued && a.config.Document.Schema == config.SchemaBuiltin {
			for _, value := range known[member] {
				if !yield(candidate{value: member + "=" + value}) {
					return
				}
			}
		}
		for d, i := range a.items() {
			if valued {
				if text := textOf(i.Member(member)); text != "" && !yield(candidate{value: member + "=" + text}) {
					return
				}
				continue
			}
			if len(a.args) > 0 && i.ID != a.args[0] {
				continue
			}
			for name := range d.Own(i.Scope, i.ID) {
				if !given(a.args, name) && name != "id" && !yield(candidate{value: name + "="}) {
					return
				}
			}
		}
	}
}

// known are the values that the built-in schema knows.
var known = map[string][]string{
	"status": {"Planned", "Researching", "Implementing", "Retrying", "Complete", "Failed", "Obsolete"},
	"type":   {"Phase", "Milestone", "Task", "Subtask"},
}

func given(args []string, member string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, member+"=") })
}

// textOf is a value as it is typed; "" of arrays and objects, which nobody types by completion.
func textOf(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		return string(text)
	case '0', 't', 'f':
		return string(v)
	}
	return ""
}

func sessionNames(a asked) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		all, err := a.config.Each()
		if err != nil || !a.config.Many() {
			return
		}
		for _, cfg := range all {
			if !yield(candidate{cfg.Session, cfg.Tasks}) {
				return
			}
		}
	}
}

// recovered are the entries of the recovery folder.
func (a asked) recovered() iter.Seq[recovery.Entry] {
	return func(yield func(recovery.Entry) bool) {
		cfg, err := a.config.One(a.command.Flag("session").Value.String())
		if err != nil {
			return
		}
		all, err := recovery.New(recovery.Config{Dir: cfg.Recovery}).Entries()
		if err != nil {
			return
		}
		for _, e := range all {
			if !yield(e) {
				return
			}
		}
	}
}

func entries(a asked) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		for e := range a.recovered() {
			if !yield(candidate{e.Name, e.Error.Code}) {
				return
			}
		}
	}
}

func codes(a asked) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		for e := range a.recovered() {
			if !yield(candidate{value: e.Error.Code}) {
				return
			}
		}
	}
}
