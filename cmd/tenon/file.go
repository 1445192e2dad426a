package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/alecthomas/kong"
)

// file is a configuration file: one JSON object whose keys are the names of
// flags, {"base-url": "https://host/fhir", "dev": true}. A key that is no flag
// of any command is refused, since a value that does nothing would deceive.
type file map[string]any

func readFile(r io.Reader) (kong.Resolver, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	f := file{}
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return f, nil
}

// Validate implements kong.Resolver.
func (f file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var walk func(*kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known[flag.Name] = true
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(app.Node)
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !known[key] {
			return fmt.Errorf("configuration file: %q is no setting", key)
		}
	}
	return nil
}

// Resolve implements kong.Resolver.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if v, ok := f[flag.Name]; ok {
		return v, nil
	}
	return nil, nil //nolint:nilnil // what kong takes for "not here"
}
