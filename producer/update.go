package producer

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
)

// Update is one update in words of the command line.
type Update struct {
	ID      string   // an integer is written as a number, all else as a string
	Members []string // member=value; the value is JSON where it parses as JSON, else text
	Texts   []string // member=value; the value is text
	AllText bool     // the values of Members and If are text as well
	JSON    string   // an object, whose members are added as they are; "": none
	If      []string // member=value, of $if
	Op      string   // "": merge, or patch where there is a Patch
	Parent  string   // like ID; "": none
	Scope   string   // "": none
	Patch   string   // the operations, as JSON; "": none
}

// plainInteger is what a person means as a number when it stands for an id: 5, not 5.2 (a subtask's address) or 007.
var plainInteger = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// Fragment is the update as the text of a fragment. It judges only what a fragment could not say: whether the update is one,
// Parse tells. An error is an *ArgumentError.
func (u Update) Fragment() ([]byte, error) {
	o := object{names: map[string]bool{}}
	if err := o.id("id", u.ID, u.AllText); err != nil {
		return nil, err
	}
	op := u.Op
	if op == "" && u.Patch != "" {
		op = string(fragment.Patch)
	}
	if op != "" {
		if err := o.text("$op", op); err != nil {
			return nil, err
		}
	}
	if u.Parent != "" {
		if err := o.id("$parent", u.Parent, u.AllText); err != nil {
			return nil, err
		}
	}
	if u.Scope != "" {
		if err := o.text("$scope", u.Scope); err != nil {
			return nil, err
		}
	}
	if len(u.If) > 0 {
		condition := object{names: map[string]bool{}}
		for _, argument := range u.If {
			if err := condition.argument(argument, u.AllText); err != nil {
				return nil, err
			}
		}
		if err := o.add("$if", condition.bytes()); err != nil {
			return nil, err
		}
	}
	for i, argument := range slices.Concat(u.Members, u.Texts) {
		if err := o.argument(argument, u.AllText || i >= len(u.Members)); err != nil {
			return nil, err
		}
	}
	if u.JSON != "" {
		if err := o.members(u.JSON); err != nil {
			return nil, err
		}
	}
	if u.Patch != "" {
		if err := jsonError("the patch", u.Patch); err != nil {
			return nil, err
		}
		if err := o.add("$patch", []byte(u.Patch)); err != nil {
			return nil, err
		}
	}
	return append(o.bytes(), '\n'), nil
}

// object is a JSON object while it is put together.
type object struct {
	body  bytes.Buffer // the members, with commas between
	names map[string]bool
}

func (o *object) bytes() []byte { return slices.Concat([]byte{'{'}, o.body.Bytes(), []byte{'}'}) }

func (o *object) add(name string, value []byte) error {
	quoted, err := jsontext.AppendQuote(nil, name)
	switch {
	case err != nil:
		return wrong("the member name %q is not UTF-8", name)
	case o.names[name]:
		return wrong("%s is given twice", fragment.Quote(name))
	}
	o.names[name] = true
	if o.body.Len() > 0 {
		o.body.WriteByte(',')
	}
	o.body.Write(quoted)
	o.body.WriteByte(':')
	o.body.Write(value)
	return nil
}

func (o *object) text(name, value string) error {
	quoted, err := jsontext.AppendQuote(nil, value)
	if err != nil {
		return wrong("the value of %s is not UTF-8", fragment.Quote(name))
	}
	return o.add(name, quoted)
}

func (o *object) id(name, value string, asText bool) error {
	if !asText && plainInteger.MatchString(value) {
		return o.add(name, []byte(value))
	}
	return o.text(name, value)
}

// argument adds what member=value says. The first "=" ends the name.
func (o *object) argument(argument string, asText bool) error {
	name, value, found := strings.Cut(argument, "=")
	switch {
	case !found:
		return wrong("%s is no change; write member=value, such as status=Complete", fragment.Quote(argument))
	case name == "":
		return wrong("%s has no member name before the \"=\"", fragment.Quote(argument))
	case strings.HasPrefix(name, "$"):
		return wrong("%s is a control member; use --%s", fragment.Quote(name), strings.TrimPrefix(name, "$"))
	}
	if !asText && isJSON(value) {
		return o.add(name, []byte(value))
	}
	return o.text(name, value)
}

// members adds those of a JSON object, as they are written.
func (o *object) members(text string) error {
	if err := jsonError("the value of --json", text); err != nil {
		return err
	}
	value := jsontext.Value(strings.TrimSpace(text))
	if value.Kind() != '{' {
		return wrong("the value of --json is no object; write one such as {\"status\":\"Complete\"}")
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(value))
	if _, err := decoder.ReadToken(); err != nil {
		return wrong("the value of --json: %v", err)
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return wrong("the value of --json: %v", err)
		}
		key := name.String() // the token is the decoder's until the next one
		member, err := decoder.ReadValue()
		if err != nil {
			return wrong("the value of --json: %v", err)
		}
		if err := o.add(key, member.Clone()); err != nil {
			return err
		}
	}
	return nil
}

// isJSON: white space around a value is text, as it is in no JSON that anybody means.
func isJSON(value string) bool {
	return value == strings.TrimSpace(value) && jsontext.Value(value).IsValid()
}

// jsonError says what is wrong with a text that has to be JSON.
func jsonError(what, text string) error {
	decoder := jsontext.NewDecoder(strings.NewReader(text))
	if _, err := decoder.ReadValue(); err != nil {
		return wrong("%s is not JSON: %v", what, strings.TrimPrefix(err.Error(), "jsontext: "))
	}
	if rest := strings.TrimSpace(text[decoder.InputOffset():]); rest != "" {
		return wrong("%s is not JSON: %s follows the value", what, fragment.Quote(rest))
	}
	return nil
}
