package search

import (
	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// token makes the rows of https://hl7.org/fhir/R4/search.html#token
func (x *indexer) token(p *part, typ string, n tree.Node, v fhirpath.Value) {
	key := p.keys.main
	switch typ {
	case "CodeableConcept":
		found := false
		x.addText(p.keys.text, n.Field("text").Str())
		for c := range n.Field("coding").Items() {
			found = x.coding(key, c) || found
			x.addText(p.keys.text, c.Field("display").Str())
		}
		if !found && n.Field("text").Exists() {
			x.addToken(TokenRow{Key: key}) // present, but without a code: :missing=false
		}
	case "Coding":
		x.coding(key, n)
		x.addText(p.keys.text, n.Field("display").Str())
	case "Identifier":
		x.identifier(key, n)
		x.identifierTypes(p, n)
		x.addText(p.keys.text, n.Path("type", "text").Str())
	case "ContactPoint", "string":
		if s := valueOf(n); s != "" {
			x.addToken(TokenRow{Key: key, Code: foldCode(s)})
		}
	case "":
		if b, ok := v.Bool(); ok {
			x.addToken(TokenRow{Key: key, Code: map[bool]string{true: "true", false: "false"}[b]})
		} else if s := v.Str(); s != "" {
			x.addToken(TokenRow{Key: key, Code: s})
		}
	case "Period", "dateTime", "Range", "Age": // a choice that the parameter does not search
	default:
		if s := n.Text(); s != "" {
			x.addToken(TokenRow{Key: key, Code: s})
		}
	}
}

// valueOf is the text of a string, or of the value of a ContactPoint.
func valueOf(n tree.Node) string {
	if n.Kind() == tree.Object {
		return n.Field("value").Str()
	}
	return n.Str()
}

func (x *indexer) coding(key Key, n tree.Node) bool {
	system, code := n.Field("system").Str(), n.Field("code").Str()
	if system == "" && code == "" {
		return false
	}
	if !caseCounts(system) {
		code = foldCode(code)
	}
	x.addToken(TokenRow{Key: key, System: system, Code: code})
	return true
}

func (x *indexer) identifier(key Key, n tree.Node) {
	system, value := n.Field("system").Str(), n.Field("value").Str()
	if key == 0 || system == "" && value == "" {
		return
	}
	if !caseCounts(system) { // as withSystem asks for it
		value = foldCode(value)
	}
	x.addToken(TokenRow{Key: key, System: system, Code: value})
}

// identifierTypes serves :of-type: the codes of the type stand as the system.
func (x *indexer) identifierTypes(p *part, n tree.Node) {
	value := n.Field("value").Str()
	if p.keys.ofType == 0 || value == "" {
		return
	}
	for c := range n.Path("type", "coding").Items() {
		if system, code := c.Field("system").Str(), c.Field("code").Str(); code != "" {
			x.addToken(TokenRow{Key: p.keys.ofType, System: system + "|" + code, Code: foldCode(value)})
		}
	}
}

func (x *indexer) addToken(row TokenRow) { x.rows.Tokens = append(x.rows.Tokens, row) }

// uri makes the rows of https://hl7.org/fhir/R4/search.html#uri
func (x *indexer) uri(p *part, typ string, n tree.Node) {
	s := n.Str()
	if s == "" {
		return
	}
	x.addURI(URIRow{Key: p.keys.main, URI: s})
	if typ == "canonical" {
		if url, version := cutVersion(s); version != "" {
			x.addURI(URIRow{Key: p.keys.main, URI: url})
		}
	}
}

func (x *indexer) addURI(row URIRow) { x.rows.URIs = append(x.rows.URIs, row) }
