package document

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sessionsync/sessionsync/vfs"
)

//go:embed builtin.schema.json
var builtinSchema string

const builtinLocation = "https://github.com/sessionsync/sessionsync/schema/backlog-item.json"

// BuiltinSchema returns the schema of the items of the layout backlog.
var BuiltinSchema = sync.OnceValue(func() *Schema {
	s, err := compile(builtinLocation, []byte(builtinSchema), independent...)
	if err != nil {
		panic(err) // it is part of the program, and a test compiles it
	}
	return s
})

// maxSchema is far above any schema: what is larger is another file, named by mistake.
const maxSchema = 16 << 20

// SchemaError says why a file is no schema that items can be held against. Only another file, or another name of one,
// helps.
type SchemaError struct {
	Path  string
	Cause error // an *fs.PathError where the file cannot be read
}

// Error names the file, and what a person can do where that can be said.
func (e *SchemaError) Error() string {
	var read *fs.PathError
	switch {
	case !errors.As(e.Cause, &read) || read.Path != e.Path:
		return fmt.Sprintf("compile schema %s: %v", e.Path, e.Cause)
	case errors.Is(read, fs.ErrPermission):
		return fmt.Sprintf("read schema %s: %v; give your user read permission on it", e.Path, read.Err)
	}
	return fmt.Sprintf("read schema %s: %v; name the file of a JSON Schema, builtin or none", e.Path, read.Err)
}

// Unwrap returns the cause.
func (e *SchemaError) Unwrap() error { return e.Cause }

// CompileSchema reads a JSON Schema (2020-12 unless it says otherwise) of an item from a file. A $ref may name other
// files, never a network address. The error is a *SchemaError.
func CompileSchema(path string) (*Schema, error) {
	text, err := readSchema(path)
	if err != nil {
		return nil, &SchemaError{path, err}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, &SchemaError{path, err}
	}
	location := url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(absolute), "/")}
	s, err := compile(location.String(), text)
	if err != nil {
		return nil, &SchemaError{path, err}
	}
	return s, nil
}

// readSchema reads a file without waiting for it.
func readSchema(path string) (_ []byte, err error) {
	f, err := vfs.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(io.LimitReader(f, maxSchema+1))
	if len(text) > maxSchema {
		return nil, fmt.Errorf("%s is larger than 16 MiB, which no schema is", path)
	}
	return text, err
}

// compile compiles a schema; the members can be judged alone.
func compile(location string, text []byte, members ...string) (*Schema, error) {
	value, err := decodeSchema(text)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(schemaFiles{})
	if err := c.AddResource(location, value); err != nil {
		return nil, plain(err)
	}
	compiled, err := c.Compile(location)
	if err != nil {
		return nil, plain(err)
	}
	s := &Schema{compiled: compiled}
	if len(members) > 0 {
		err = s.compileMembers(c, location, members)
	}
	return s, err
}

// decodeSchema reads a schema's text; the tokenizer says where it is wrong, unlike the validator.
func decodeSchema(text []byte) (any, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	if _, err := jsontext.NewDecoder(bytes.NewReader(text)).ReadValue(); err != nil {
		return nil, explain(text, err)
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// schemaFiles loads what a schema names in its $refs.
type schemaFiles struct{ jsonschema.FileLoader }

// Load reads a file.
func (s schemaFiles) Load(address string) (any, error) {
	path, err := s.ToFile(address)
	if err != nil {
		return nil, errors.New("a schema can name files, not network addresses")
	}
	text, err := readSchema(path)
	if err != nil {
		return nil, err
	}
	return decodeSchema(text)
}

// plain puts the validator's longer errors into one sentence.
func plain(err error) error {
	if load := (*jsonschema.LoadURLError)(nil); errors.As(err, &load) {
		return fmt.Errorf("load %s: %w", load.URL, load.Err)
	}
	var whole *jsonschema.ValidationError
	if invalid := (*jsonschema.SchemaValidationError)(nil); errors.As(err, &invalid) && errors.As(invalid.Err, &whole) {
		var all []violation
		collect(whole, nil, &all)
		return fmt.Errorf("%s is no JSON Schema, at %q: %s", invalid.URL, all[0].pointer, all[0].message)
	}
	return err
}
