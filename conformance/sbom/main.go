// Sbom writes what a binary was built from, as CycloneDX 1.5 JSON: its modules
// with version, hash and purl, and the version of Go. The same binary gives the
// same bytes: there is no serial number and no time.
// https://cyclonedx.org/docs/1.5/json/
//
//	go run ./conformance/sbom bin/tenon > bin/tenon.cdx.json
package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Purl    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY")
		os.Exit(2)
	}
	info, err := buildinfo.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(bill(info)); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func bill(info *debug.BuildInfo) map[string]any {
	parts := []component{{Type: "platform", Ref: "go", Name: "go", Version: strings.TrimPrefix(info.GoVersion, "go"), Purl: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		parts = append(parts, part(m))
	}
	slices.SortFunc(parts, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	return map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": component{Type: "application", Ref: info.Main.Path, Name: info.Main.Path}},
		"components": parts,
	}
}

// part is a module; one that stands in for another is told by what it is. A
// folder of the repository has no version and no sum.
func part(m *debug.Module) component {
	if m.Replace != nil {
		r := *m.Replace
		if strings.HasPrefix(r.Path, ".") {
			return component{Type: "library", Ref: m.Path, Name: m.Path + " (" + strings.TrimPrefix(r.Path, "./") + ")"}
		}
		m = &r
	}
	c := component{Type: "library", Ref: m.Path, Name: m.Path, Version: m.Version, Purl: "pkg:golang/" + m.Path + "@" + m.Version}
	if sum, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
		if b, err := base64.StdEncoding.DecodeString(sum); err == nil {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(b)}}
		}
	}
	return c
}
