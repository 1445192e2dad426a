package search

import (
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// reference makes the rows of https://hl7.org/fhir/R4/search.html#reference
func (x *indexer) reference(p *part, typ string, n tree.Node) {
	key := p.keys.main
	switch typ {
	case "Reference":
		x.literalOrIdentifier(p, n)
	case "canonical":
		s := n.Str()
		if url, version := cutVersion(s); version != "" {
			x.addReference(ReferenceRow{Key: key, URL: url})
		}
		if s != "" {
			x.addReference(ReferenceRow{Key: key, URL: s})
		}
	case "uri", "url", "oid", "uuid":
		if s := n.Str(); s != "" {
			x.addReference(x.target(s).row(key))
		}
	default: // a resource inside another: Bundle.entry[0].resource
		inner, id := n.Field("resourceType").Str(), n.Field("id").Str()
		if id != "" && slices.Contains(p.param.Targets, inner) {
			x.addReference(ReferenceRow{Key: key, Type: inner, ID: id})
		}
	}
}

func (x *indexer) literalOrIdentifier(p *part, n tree.Node) {
	t := x.target(n.Field("reference").Str())
	if t.contained {
		t.typ = x.containedType(t.url)
	}
	if p.target != "" {
		said := n.Field("type").Str()
		if t.typ != p.target && (t.typ != "" || said != p.target) {
			return
		}
	}
	identifier := n.Field("identifier")
	system, value := identifier.Field("system").Str(), identifier.Field("value").Str()
	if value != "" {
		x.identifier(p.keys.identifier, identifier)
	}
	switch {
	case t != target{}:
		x.addReference(t.row(p.keys.main))
	case value != "":
		x.addReference(ReferenceRow{Key: p.keys.main, URL: system + "|" + value})
	}
}

// containedType finds the type of a contained resource by "#id". Its row makes
// the reference present; what is contained cannot be searched for by itself.
func (x *indexer) containedType(fragment string) string {
	for c := range x.root.Field("contained").Items() {
		if c.Field("id").Str() == fragment[1:] {
			return c.Field("resourceType").Str()
		}
	}
	return ""
}

func (x *indexer) addReference(row ReferenceRow) { x.rows.References = append(x.rows.References, row) }

// target is what the text of a reference points to.
type target struct {
	typ, id   string // also of a resource elsewhere, where the URL tells
	url       string // "" for a local target
	contained bool   // url is "#id"
}

func (t target) row(key Key) ReferenceRow {
	if t.url != "" {
		return ReferenceRow{Key: key, URL: t.url}
	}
	return ReferenceRow{Key: key, Type: t.typ, ID: t.id}
}

// target reads a reference: relative, absolute on the own base (which is local
// too), elsewhere, urn, or contained. A version in it does not count.
//
// https://hl7.org/fhir/R4/references.html#literal
func (r *Registry) target(s string) target { return r.targetOn(r.base, s) }

func (r *Registry) targetOn(base, s string) target {
	if s == "" {
		return target{}
	}
	if s[0] == '#' {
		return target{url: s, contained: true}
	}
	if rest, own := strings.CutPrefix(s, base+"/"); own && base != "" {
		s = rest
	}
	plain, _, _ := strings.Cut(s, "/_history/")
	typ, id, ok := r.lastSteps(plain)
	switch {
	case !ok:
		return target{url: s}
	case len(typ)+1+len(id) == len(plain):
		return target{typ: typ, id: id}
	}
	return target{typ: typ, id: id, url: plain}
}

// lastSteps takes Type/id from the end of a URL.
func (r *Registry) lastSteps(s string) (typ, id string, ok bool) {
	slash := strings.LastIndexByte(s, '/')
	if slash < 1 {
		return "", "", false
	}
	id, head := s[slash+1:], s[:slash]
	typ = head[strings.LastIndexByte(head, '/')+1:]
	if r.types[typ] == nil || !validID(id) {
		return "", "", false
	}
	return typ, id, true
}

// validID is the grammar of https://hl7.org/fhir/R4/datatypes.html#id
func validID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !letter(c) && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// cutVersion takes the business version off a canonical URL.
func cutVersion(s string) (url, version string) {
	url, version, _ = strings.Cut(s, "|")
	return url, version
}
