package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// report is all that was measured.
type report struct {
	machine string
	runs    int
	rows    []row
	plots   []plot
}

//go:embed performance.md.in
var pageText string

// write writes the page into a folder.
func (r report) write(folder string) error {
	var table, pictures bytes.Buffer
	writeTable(&table, r.rows)
	for _, p := range r.plots {
		fmt.Fprintf(&pictures, "![%s](%s)\n\n", p.title, p.file)
	}
	text := strings.NewReplacer(
		"@machine@", r.machine, "@date@", time.Now().UTC().Format(time.DateOnly), "@runs@", fmt.Sprint(r.runs),
		"@table@\n", table.String(), "@plots@\n", strings.TrimSuffix(pictures.String(), "\n"),
	).Replace(pageText)
	return os.WriteFile(filepath.Join(folder, "performance.md"), []byte(text), 0o644)
}

// draw draws the plots into a folder, which is made if it is not there.
func (r report) draw(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, p := range r.plots {
		var picture bytes.Buffer
		writeSVG(&picture, p)
		if err := os.WriteFile(filepath.Join(folder, p.file), picture.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
