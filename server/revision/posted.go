package revision

import (
	"context"
	"slices"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/server/search"
)

// keptBody is the size up to which the bytes of a posted definition stay in
// memory; larger ones are read again when they are asked for.
const keptBody = 64 << 10

// read makes of a posted resource what the parts need of it. load gives its
// bytes again.
func (p *parts) read(at Posted, body []byte, load func() ([]byte, error)) (*posted, error) {
	d := &posted{Posted: at, since: at.Version}
	r, err := definition.Read(body, "")
	if err != nil {
		return d, nil //nolint:nilerr // without a URL nothing can name it: it defines nothing here
	}
	if !inForce(r.Status) || p.guarded(r) {
		return d, nil
	}
	if d.Type == "SearchParameter" {
		n, err := r.Node()
		if err != nil {
			return nil, err
		}
		d.parameter = parameterOf(n)
	}
	if len(body) > keptBody && load != nil {
		r = definition.New(*r, load)
	}
	d.resource = r
	return d, nil
}

// inForce tells whether a definition of this status counts. A retired one
// stays: what names it by version still means it, and a library prefers others.
// https://hl7.org/fhir/R4/valueset-publication-status.html
func inForce(status string) bool {
	return slices.Contains([]string{"draft", "active", "retired"}, status)
}

// guarded keeps a posted definition from taking the place of one of R4 itself:
// the types, and whatever has the same canonical URL with version.
func (p *parts) guarded(r *definition.Resource) bool {
	if !strings.HasPrefix(r.URL, "http://hl7.org/fhir/") {
		return false
	}
	if p.base.Find(r.Type, r.URL+"|"+r.Version) != nil && r.Version != "" {
		return true
	}
	return r.Type == "StructureDefinition" && r.Derivation != "constraint" && p.base.Find(r.Type, r.URL) != nil
}

// parameterOf reads a SearchParameter; nil when it is not in use.
// https://hl7.org/fhir/R4/searchparameter.html
func parameterOf(n tree.Node) *search.Extra {
	if n.Field("status").Str() == "retired" {
		return nil
	}
	e := &search.Extra{}
	e.URL, e.Code, e.Type = copied(n, "url"), copied(n, "code"), copied(n, "type")
	e.Expression, e.Usage = copied(n, "expression"), copied(n, "xpathUsage")
	if e.Usage == "normal" {
		e.Usage = ""
	}
	e.Base, e.Target = list(n, "base"), list(n, "target")
	for c := range n.Field("component").Items() {
		e.Components = append(e.Components, schema.Component{Definition: copied(c, "definition"), Expression: copied(c, "expression")})
	}
	e.Comparators, e.Modifiers = list(n, "comparator"), list(n, "modifier")
	allows := func(name string) bool { f := n.Field(name); return !f.Exists() || f.Bool() }
	e.MultipleOr, e.MultipleAnd = allows("multipleOr"), allows("multipleAnd")
	return e
}

// KeysOf are the keys under which the rows of a posted SearchParameter may lie.
func KeysOf(body []byte) (keys []search.Key) {
	var d tree.Doc
	if d.Parse(body, tree.Limits{}) != nil {
		return nil
	}
	for base := range d.Root().Field("base").Items() {
		keys = append(keys, search.KeysOf(base.Str(), d.Root().Field("code").Str(), d.Root().Field("component").Len())...)
	}
	return keys
}

func copied(n tree.Node, field string) string { return strings.Clone(n.Field(field).Str()) }

func list(n tree.Node, field string) (out []string) {
	for item := range n.Field(field).Items() {
		out = append(out, strings.Clone(item.Str()))
	}
	return out
}

// loader gives the bytes of a posted version from the store.
func loader(s Store, at Posted) func() ([]byte, error) {
	return func() ([]byte, error) {
		ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
		defer cancel()
		return s.Body(ctx, at.Type, at.ID, at.Version)
	}
}
