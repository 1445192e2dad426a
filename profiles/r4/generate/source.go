package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// source is the unpacked package.
type source struct {
	dir     string
	release string // of the package
	version string // of FHIR
}

func open(dir string) (*source, error) {
	var manifest struct {
		Name     string   `json:"name"`
		Version  string   `json:"version"`
		Versions []string `json:"fhirVersions"`
	}
	if err := readJSON(filepath.Join(dir, "package.json"), &manifest); err != nil {
		return nil, err
	}
	if len(manifest.Versions) != 1 {
		return nil, fmt.Errorf("%s is for FHIR versions %v, want one", manifest.Name, manifest.Versions)
	}
	return &source{dir, manifest.Version, manifest.Versions[0]}, nil
}

// each decodes every file of a resource type, in the order of their names.
func each[T any](src *source, resourceType string, visit func(*T) error) error {
	files, err := filepath.Glob(filepath.Join(src.dir, resourceType+"-*.json"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	for _, name := range files {
		v := new(T)
		if err := readJSON(name, v); err != nil {
			return err
		}
		if err := visit(v); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}

// core tells whether HL7 published the definition as part of FHIR itself, not
// as an example of a definition.
func core(url string) bool {
	return strings.HasPrefix(url, "http://hl7.org/fhir/") && !isExample(url)
}

// isExample tells from the last segment of a canonical URL: "example",
// "example2", "example-filter", but not "examplescenario-actor-type".
func isExample(url string) bool {
	rest, ok := strings.CutPrefix(lastSegment(url), "example")
	return ok && (rest == "" || rest[0] < 'A')
}

// lastSegment is the name at the end of a canonical URL.
func lastSegment(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
