package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
)

// entry is one resource of the library: what the index says and its bytes.
type entry struct {
	definition.Resource
	body []byte
}

// library reads the conformance resources of R4 and of HL7 Terminology, in the
// order in which they are stored: what is likely to be asked for together lies
// together.
func library(r4, terminology *source) ([]entry, error) {
	entries, err := collect(r4, "hl7.fhir.r4.core#"+r4.release, published4)
	if err != nil {
		return nil, err
	}
	newer, err := collect(terminology, "hl7.terminology.r4#"+terminology.release, func(definition.Resource) bool { return true })
	if err != nil {
		return nil, err
	}
	if err := supersede(entries, newer); err != nil {
		return nil, err
	}
	entries = append(entries, newer...)
	if err := correct(entries); err != nil {
		return nil, err
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return strings.Compare(a.order(), b.order())
	})
	return entries, unique(entries)
}

// order sorts by type in the order of kinds, and by name within.
func (e *entry) order() string {
	return fmt.Sprintf("%c %s %s %s", 'a'+slices.Index(kinds, e.Type), e.Package, e.URL, e.Version)
}

var kinds = []string{
	"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter",
	"OperationDefinition", "CompartmentDefinition", "CapabilityStatement", "NamingSystem",
}

// published4 tells whether a resource of the R4 package is part of the
// specification. The package holds examples of conformance resources too;
// their canonical URL or id says so.
func published4(r definition.Resource) bool {
	switch r.Type {
	case "StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap":
		return !isExample(r.URL)
	case "NamingSystem":
		return false // examples, both of them
	}
	return core(r.URL)
}

func collect(src *source, pack string, wanted func(definition.Resource) bool) ([]entry, error) {
	var list []entry
	for _, kind := range kinds {
		files, err := filepath.Glob(filepath.Join(src.dir, kind+"-*.json"))
		if err != nil {
			return nil, err
		}
		slices.Sort(files)
		for _, name := range files {
			e, err := read(name, pack)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
			}
			if e.Type == kind && wanted(e.Resource) {
				list = append(list, e)
			}
		}
	}
	return list, nil
}

func read(name, pack string) (entry, error) {
	body, err := os.ReadFile(name)
	if err != nil {
		return entry{}, err
	}
	doc, err := tree.Parse(body)
	if err != nil {
		return entry{}, err
	}
	n := doc.Root()
	e := entry{body: strip(n)}
	text := func(field string) string { return strings.Clone(n.Field(field).Str()) }
	e.Resource = definition.Resource{
		Type: text("resourceType"), URL: text("url"), Version: text("version"),
		ID: text("id"), Name: text("name"), Status: text("status"), Package: pack,
	}
	switch e.Type {
	case "StructureDefinition":
		e.Of, e.Derivation, e.Kind = text("type"), text("derivation"), text("kind")
	case "NamingSystem": // R4 gives it no url of its own; R5's comes as an extension
		e.URL, e.Version = extended(n, "url").Str(), extended(n, "version").Str()
	case "CodeSystem": // R4 writes old HL7 v2 tables as "…/v2-0360|2.7" and means the version
		if url, version, ok := strings.Cut(e.URL, "|"); ok {
			e.URL, e.Version = url, version
		}
	}
	return e, nil
}

// extended is the value of an extension that brings an element of a later FHIR
// version.
func extended(n tree.Node, element string) tree.Node {
	for x := range n.Field("extension").Items() {
		if strings.HasSuffix(x.Field("url").Str(), "/extension-NamingSystem."+element) {
			for name, v := range x.Fields() {
				if strings.HasPrefix(name, "value") {
					return v
				}
			}
		}
	}
	return tree.Node{}
}

// unique refuses two resources of one type, URL and version, and one without
// URL: the library could not tell them apart, or not find it.
func unique(entries []entry) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		k := e.Type + " " + e.Canonical()
		if e.URL == "" || seen[k] {
			return fmt.Errorf("%s/%s: the canonical URL %q is missing or not the only one", e.Type, e.ID, e.Canonical())
		}
		seen[k] = true
	}
	return nil
}
