package document

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// Schema judges items. It sees an item with its own members; the lists of its children are empty, because each child is
// judged by itself. A nil Schema allows everything.
type Schema struct {
	compiled *jsonschema.Schema
	members  map[string]*jsonschema.Schema // see allowsChange; nil where nothing is known
	bound    map[string]bool               // members that cannot be judged alone
}

// judgeAll judges an item and all below it. Those that were there before are judged by what changed in them, the others
// as a whole.
func (s *Schema) judgeAll(d *Document, n *node, old known) *fragment.Error {
	if s == nil {
		return nil
	}
	var err *fragment.Error
	n.keyed(n.id, func(key string, m *node) {
		text, _ := m.ownText()
		if err != nil || old.texts[string(text)] {
			return
		}
		if err = s.judge(d, old.byKey[key], text); err != nil && m != n && m.id != "" {
			err.Message = fmt.Sprintf("item %q: %s", m.id, err.Message)
		}
	})
	return err
}

// judge holds an item's own text against the schema. Of an item that was there before, the text before being given, only
// what an update did counts: what was wrong already and did not change blocks nobody.
func (s *Schema) judge(d *Document, before, after []byte) *fragment.Error {
	if s == nil || s.allowsChange(before, after) {
		return nil
	}
	value := d.instance(after)
	violations := s.violations(after, value)
	if len(violations) > 0 && before != nil {
		old := d.instance(before)
		known := s.violations(before, old)
		violations = slices.DeleteFunc(violations, func(v violation) bool {
			return slices.ContainsFunc(known, func(k violation) bool { return v.wasThere(k, old, value) })
		})
	}
	if len(violations) == 0 {
		return nil
	}
	v := violations[0]
	message := v.message
	if rest := len(violations) - 1; rest > 0 {
		message += fmt.Sprintf(" (and %d more)", rest)
	}
	return &fragment.Error{Code: fragment.SchemaViolation, Pointer: string(v.pointer), Message: message, Remedy: v.remedy}
}

func valueAt(value any, pointer jsontext.Pointer) any {
	for token := range pointer.Tokens() {
		switch v := value.(type) {
		case map[string]any:
			value = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// instance makes of an item's own text what the validator works on.
func (d *Document) instance(own []byte) map[string]any {
	object := map[string]any{}
	for name, value := range jsonedit.Members(own) {
		if d.holdsChildren(name) && value.Kind() == '[' {
			object[name] = []any{}
			continue
		}
		object[name] = decode(value)
	}
	return object
}

func decode(value jsontext.Value) any {
	switch value.Kind() {
	case '{':
		object := map[string]any{}
		for name, member := range jsonedit.Members(value) {
			object[name] = decode(member)
		}
		return object
	case '[':
		array := []any{}
		for element := range jsonedit.Elements(value) {
			array = append(array, decode(element))
		}
		return array
	case '"':
		return unquote(value)
	case 't', 'f':
		return value.Kind() == 't'
	case '0':
		return json.Number(tame(string(value)))
	}
	return nil
}

// maxExponent is the largest power of ten that the validator is shown: it compares numbers as fractions, and would
// compute 1e999999999 in full. No schema draws a line beyond the range of a double.
const maxExponent = 400

func tame(number string) string {
	mantissa, exponent, ok := strings.Cut(strings.ToLower(number), "e")
	if !ok {
		return number
	}
	power, err := strconv.Atoi(exponent)
	if err != nil || power > maxExponent || power < -maxExponent {
		power = maxExponent
		if exponent[0] == '-' {
			power = -maxExponent
		}
	}
	return mantissa + "e" + strconv.Itoa(power)
}
