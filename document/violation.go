package document

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// violation is one thing that a schema finds wrong.
type violation struct {
	pointer         jsontext.Pointer
	rule            string // where in the schema it comes from; with the member's name where one rule is about several
	message, remedy string
}

// wasThere reports whether a violation is one that was known before, about a value to which nothing was done. What a
// schema says of an object as such, that a member is missing for instance, is not about the members that changed.
func (v violation) wasThere(known violation, before, after any) bool {
	if v.pointer != known.pointer || v.rule != known.rule {
		return false
	}
	old, value := valueAt(before, v.pointer), valueAt(after, v.pointer)
	if _, object := value.(map[string]any); object && v.message == known.message {
		return true
	}
	return reflect.DeepEqual(old, value)
}

// violations judges an item's own text, value being what the validator works on.
func (s *Schema) violations(own []byte, value any) []violation {
	var whole *jsonschema.ValidationError
	if !errors.As(s.compiled.Validate(value), &whole) {
		return nil
	}
	var all []violation
	collect(whole, own, &all)
	slices.SortStableFunc(all, func(a, b violation) int { return strings.Compare(string(a.pointer), string(b.pointer)) })
	return slices.Compact(all)
}

// collect flattens the tree of causes: its leaves are what is wrong. Alternatives (anyOf, oneOf) stay one violation: none
// of their leaves alone is what has to change. The text is that of the value that was judged, nil where there is none.
func collect(e *jsonschema.ValidationError, text []byte, all *[]violation) {
	alternatives := false
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains, *kind.PropertyNames:
		alternatives = true
	}
	if len(e.Causes) > 0 && !alternatives {
		for _, cause := range e.Causes {
			collect(cause, text, all)
		}
		return
	}
	v := violation{rule: e.SchemaURL + "/" + strings.Join(e.ErrorKind.KeywordPath(), "/")}
	for _, token := range e.InstanceLocation {
		v.pointer = v.pointer.AppendToken(token)
	}
	*all = append(*all, v.spell(e.ErrorKind, text)...)
}

// spell puts a violation into words. What is about several members becomes one violation for each.
func (v violation) spell(k jsonschema.ErrorKind, text []byte) []violation {
	each := func(names []string, say func(v *violation, quoted string)) (all []violation) {
		for _, name := range names {
			one := v
			one.rule += "/" + name
			say(&one, fmt.Sprintf("%q", name))
			all = append(all, one)
		}
		return all
	}
	missing := func(v *violation, name string) { v.message, v.remedy = "it has no "+name, "add "+name }
	switch k := k.(type) {
	case *kind.Required:
		return each(k.Missing, missing)
	case *kind.DependentRequired:
		return each(k.Missing, missing)
	case *kind.Dependency:
		return each(k.Missing, missing)
	case *kind.AdditionalProperties:
		return each(k.Properties, func(v *violation, name string) {
			v.message, v.remedy = "the schema knows no member "+name, "leave it out"
		})
	case *kind.Type:
		v.message = fmt.Sprintf("it is %s and must be %s", withArticle(k.Got), withArticle(k.Want...))
	case *kind.MinLength:
		v.message, v.remedy = fmt.Sprintf("it has %d characters, the least is %d", k.Got, k.Want), "lengthen it"
		if k.Got == 0 {
			v.message, v.remedy = "it is empty", "write some text"
		}
	case *kind.MaxLength:
		v.message, v.remedy = fmt.Sprintf("it has %d characters, the most is %d", k.Got, k.Want), "shorten it"
	case *kind.Minimum:
		v.message = fmt.Sprintf("it is %s, the least is %s", v.literal(text, k.Got), decimal(k.Want))
	case *kind.Maximum:
		v.message = fmt.Sprintf("it is %s, the most is %s", v.literal(text, k.Got), decimal(k.Want))
	case *kind.ExclusiveMinimum:
		v.message = fmt.Sprintf("it is %s and must be more than %s", v.literal(text, k.Got), decimal(k.Want))
	case *kind.ExclusiveMaximum:
		v.message = fmt.Sprintf("it is %s and must be less than %s", v.literal(text, k.Got), decimal(k.Want))
	case *kind.Pattern:
		v.message = fmt.Sprintf("%s does not match the pattern %s", fragment.Quote(k.Got), k.Want)
		if strings.HasPrefix(v.rule, builtinLocation) {
			v.remedy = "write P1, P1.M1, P1.M1.T1 or P1.M1.T1.S1, with numbers of your own"
		}
	case *kind.FalseSchema:
		v.message, v.remedy = "the schema allows nothing here", "leave it out"
	case *kind.AnyOf, *kind.OneOf:
		v.message = "it fits none of the schema's alternatives, or too many of them"
	case *kind.Not:
		v.message = "it is what the schema rules out"
	default:
		v.message = k.LocalizedString(message.NewPrinter(language.English))
	}
	return []violation{v}
}

// literal is the number that the violation is about, as it is written: rounded it could look as if it were allowed. Without
// a text it is got.
func (v violation) literal(text []byte, got *big.Rat) string {
	if text == nil {
		return decimal(got)
	}
	number, err := jsonedit.New(text, nil, jsonedit.DefaultStyle, "").Get(v.pointer)
	if err != nil {
		return decimal(got)
	}
	return excerpt(number)
}

// withArticle names JSON types in a sentence: "a string", "an array or null".
func withArticle(types ...string) string {
	var named []string
	for _, t := range types {
		article := "a "
		switch {
		case t == "null":
			article = ""
		case strings.ContainsRune("aio", rune(t[0])):
			article = "an "
		}
		named = append(named, article+t)
	}
	return strings.Join(named, " or ")
}

func decimal(r *big.Rat) string { return new(big.Float).SetRat(r).Text('g', 10) }
