package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

const prefix = "SESSIONSYNC_"

// Key is one key of the configuration.
type Key struct {
	Path    string // batch.max_wait
	Env     string // SESSIONSYNC_BATCH_MAX_WAIT
	Default string // as it is written in the file
}

// Keys are all keys, in the order of the struct.
func Keys() []Key {
	config := Default()
	keys := make([]Key, len(fields))
	for i, f := range fields {
		keys[i] = Key{Path: f.path, Env: f.env(), Default: text(f.of(&config))}
	}
	return keys
}

// field is a key of the configuration and where its value lies in a Config.
type field struct {
	path  string
	index []int
	oneof []string // empty where every value of the type is one
}

var fields = collect(reflect.TypeFor[Config](), "", nil)

func collect(group reflect.Type, path string, index []int) []field {
	var found []field
	for i := range group.NumField() {
		member := group.Field(i)
		name := member.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		at := append(index[:len(index):len(index)], i)
		if member.Type.Kind() == reflect.Struct && member.Type != reflect.TypeFor[Layout]() {
			found = append(found, collect(member.Type, path+name+".", at)...)
			continue
		}
		found = append(found, field{path: path + name, index: at, oneof: strings.Fields(member.Tag.Get("oneof"))})
	}
	return found
}

// of is a pointer to the field's value in that configuration.
func (f field) of(c *Config) any {
	return reflect.ValueOf(c).Elem().FieldByIndex(f.index).Addr().Interface()
}

func (f field) env() string { return prefix + strings.ToUpper(underscored(f.path)) }

// flag is the name that a flag of that key would have.
func (f field) flag() string { return "--" + strings.ReplaceAll(underscored(f.path), "_", "-") }

func underscored(path string) string { return strings.ReplaceAll(path, ".", "_") }

// text is a value as it is written in the file.
func text(value any) string {
	switch v := value.(type) {
	case *string:
		if *v == "" {
			return `""`
		}
		return *v
	case *Sessions:
		if len(*v) == 0 {
			return "[]"
		}
		return fmt.Sprintf("a list of %d", len(*v))
	case *Layout:
		if v.Name == "" {
			return "a mapping"
		}
		return v.Name
	case *time.Duration:
		return v.String()
	case *Size:
		return v.String()
	default:
		return fmt.Sprint(reflect.ValueOf(v).Elem())
	}
}
