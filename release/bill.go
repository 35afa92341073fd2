package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"time"
)

// A bill of materials in CycloneDX 1.6, the JSON form: https://cyclonedx.org/docs/1.6/json/. It is made from what the Go
// linker has written into the program, so it lists what is in it and nothing else, and there is no tool to be kept.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"` // the commit's: the same commit gives the same bill
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Purl       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func billOfMaterials(info *buildinfo.BuildInfo, p platform, when time.Time) ([]byte, error) {
	program := module("application", info.Main.Path, info.Main.Version)
	program.Purl += fmt.Sprintf("?goos=%s&goarch=%s", p.os, p.arch)
	for _, s := range info.Settings {
		program.Properties = append(program.Properties, property{"go:build:" + s.Key, s.Value})
	}
	b := bill{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{when.UTC().Format(time.RFC3339), program}}
	b.Components = append(b.Components, module("library", "std", info.GoVersion[len("go"):]))
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		c := module("library", d.Path, d.Version)
		c.Properties = []property{{"go:sum", d.Sum}} // as in go.sum, where it can be compared
		b.Components = append(b.Components, c)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(b)
	return text.Bytes(), err
}

func module(kind, path, version string) component {
	purl := fmt.Sprintf("pkg:golang/%s@%s", path, version)
	return component{Type: kind, Ref: purl, Name: path, Version: version, Purl: purl}
}
