package definition

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Resource is one conformance resource. Its fields are what it says of itself.
type Resource struct {
	Type    string // "StructureDefinition"
	URL     string // canonical URL without version
	Version string // business version, "" without one
	ID      string
	Name    string
	Status  string // draft, active, retired, unknown
	// Of is the type that a StructureDefinition constrains or defines
	// ("Observation"); "" for other resources.
	Of string
	// Derivation and Kind are a StructureDefinition's: "constraint",
	// "specialization"; "resource", "complex-type", "primitive-type",
	// "logical".
	Derivation, Kind string
	// Superseded says that the URL was published anew elsewhere: this one is
	// found by its version, or where no other is.
	Superseded bool
	// Package is "name#version" of the package that brought it, "" for one
	// that was posted.
	Package string

	load func() ([]byte, error)
}

// New describes a resource by its own words. load gives its JSON at every
// call; it must be safe for concurrent use and give the same bytes each time.
func New(r Resource, load func() ([]byte, error)) *Resource {
	r.load = load
	return &r
}

// Read describes a resource whose JSON is at hand and keeps the bytes. A url
// that is written with a version, against the rules but as R4 itself writes
// some of HL7 v2, means that version. The error is an *issue.Failure when it is
// no resource or has no url.
func Read(body []byte, pack string) (*Resource, error) {
	var d tree.Doc
	if err := d.Parse(body, tree.Limits{}); err != nil {
		return nil, err
	}
	n := d.Root()
	r := Resource{
		Type: clone(n.Field("resourceType")), URL: clone(n.Field("url")), Version: clone(n.Field("version")),
		ID: clone(n.Field("id")), Name: clone(n.Field("name")), Status: clone(n.Field("status")), Package: pack,
	}
	if r.Type == "" {
		return nil, issue.Errorf(issue.Structure, "expected a resource: an object with a resourceType").
			Rule("resource-type-missing").Chinese("此处应为资源：带有 resourceType 的对象")
	}
	if url, version, ok := strings.Cut(r.URL, "|"); ok {
		r.URL, r.Version = url, version
	}
	if r.URL == "" {
		return nil, issue.Errorf(issue.Required, "a %s needs a url to be found by", r.Type).
			At(r.Type + ".url").Rule("definition-url").Chinese(r.Type + " 须有 url 才能被引用")
	}
	if r.Type == "StructureDefinition" {
		r.Of, r.Derivation, r.Kind = clone(n.Field("type")), clone(n.Field("derivation")), clone(n.Field("kind"))
	}
	return New(r, func() ([]byte, error) { return body, nil }), nil
}

// clone copies a text out of the document, which may be far larger.
func clone(n tree.Node) string { return string(n.AppendStr(nil)) }

// Bytes is the JSON of the resource. Not to be written to.
func (r *Resource) Bytes() ([]byte, error) { return r.load() }

// Node parses the resource anew: keep what you make of it, not the node.
func (r *Resource) Node() (tree.Node, error) {
	body, err := r.load()
	if err != nil {
		return tree.Node{}, err
	}
	d := new(tree.Doc)
	if err := d.Parse(body, tree.Limits{}); err != nil {
		return tree.Node{}, err
	}
	return d.Root(), nil
}

// Canonical is the URL with the version, "url|version".
func (r *Resource) Canonical() string {
	if r.Version == "" {
		return r.URL
	}
	return r.URL + "|" + r.Version
}
