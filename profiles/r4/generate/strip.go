package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"tenon/fhir/tree"
)

// rule says what of an object is left out, and which rule its members follow.
type rule struct {
	drop    []string
	members map[string]*rule
}

// What is left out is prose for readers of the specification's pages, and the
// maps and extensions that only its publishing tool reads. What a validator, a
// terminology server or a snapshot generator reads stays, and so does whatever
// R4 demands (SearchParameter.description, ElementDefinition.definition), so
// that every entry is still a valid resource.
var (
	published  = []string{"text", "meta", "contact", "purpose"}
	element    = &rule{drop: []string{"comment", "requirements", "alias", "example", "mapping"}, members: map[string]*rule{"constraint": constraint}}
	constraint = &rule{drop: []string{"xpath", "requirements"}}
	elements   = &rule{members: map[string]*rule{"element": element}}
	resources  = map[string]*rule{
		"StructureDefinition":   with(&rule{drop: []string{"mapping", "keyword"}, members: map[string]*rule{"snapshot": elements, "differential": elements}}),
		"SearchParameter":       with(&rule{drop: []string{"xpath"}}),
		"OperationDefinition":   with(&rule{drop: []string{"comment"}}),
		"ValueSet":              with(&rule{}),
		"CodeSystem":            with(&rule{}),
		"ConceptMap":            with(&rule{}),
		"CompartmentDefinition": with(&rule{}),
		"CapabilityStatement":   with(&rule{}),
		"NamingSystem":          with(&rule{drop: []string{"responsible"}}),
	}
)

func with(r *rule) *rule {
	r.drop = append(r.drop, published...)
	return r
}

// unread are the extensions that are left out wherever they stand: a name
// that ends in a hyphen stands for all that begin so.
var unread = []string{
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-wg",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-fmm",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-category",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-security-category",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-explicit-type-name",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-display-hint",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-codegen-super",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-summary",
	"http://hl7.org/fhir/StructureDefinition/elementdefinition-bindingName",
	"http://hl7.org/fhir/StructureDefinition/elementdefinition-isCommonBinding",
	"http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice-explanation",
	"http://hl7.org/fhir/StructureDefinition/codesystem-concept-comments",
	"http://hl7.org/fhir/StructureDefinition/valueset-concept-comments",
	"http://hl7.org/fhir/tools/StructureDefinition/snapshot-base-version",
	"http://hl7.org/fhir/build/StructureDefinition/committee-notes",
	"http://terminology.hl7.org/StructureDefinition/ext-mif-",
}

func isUnread(extension tree.Node) bool {
	url := extension.Field("url").Str()
	for _, u := range unread {
		if url == u || strings.HasSuffix(u, "-") && strings.HasPrefix(url, u) {
			return true
		}
	}
	return false
}

// strip writes a resource again without white space and without what its rule
// leaves out. Numbers and strings keep their spelling.
func strip(resource tree.Node) []byte {
	return appendValue(nil, resource, resources[resource.Field("resourceType").Str()])
}

func appendValue(b []byte, n tree.Node, r *rule) []byte {
	switch n.Kind() {
	case tree.Object:
		return appendObject(b, n, r)
	case tree.Array:
		b = append(b, '[')
		for item := range n.Items() {
			if n.Name() == "extension" && isUnread(item) {
				continue
			}
			b = append(appendValue(b, item, r), ',')
		}
		return closed(b, ']')
	}
	return append(b, n.Raw()...)
}

// appendObject leaves out the members that became empty: an extension list
// that had nothing else to say, a primitive's extensions.
func appendObject(b []byte, n tree.Node, r *rule) []byte {
	b = append(b, '{')
	for name, v := range n.Fields() {
		if r.drops(name) {
			continue
		}
		key, err := json.Marshal(name)
		if err != nil {
			panic(err) // a string always marshals
		}
		start := len(b)
		b = append(append(b, key...), ':')
		value := len(b)
		b = appendValue(b, v, r.of(name))
		if empty := b[value:]; bytes.Equal(empty, []byte("{}")) || bytes.Equal(empty, []byte("[]")) {
			b = b[:start]
			continue
		}
		b = append(b, ',')
	}
	return closed(b, '}')
}

// closed ends a list of items that each end in a comma.
func closed(b []byte, bracket byte) []byte {
	if b[len(b)-1] == ',' {
		b[len(b)-1] = bracket
		return b
	}
	return append(b, bracket)
}

func (r *rule) drops(name string) bool {
	if r == nil {
		return false
	}
	for _, d := range r.drop {
		if name == d || name == "_"+d {
			return true
		}
	}
	return false
}

func (r *rule) of(member string) *rule {
	if r == nil {
		return nil
	}
	return r.members[member]
}
