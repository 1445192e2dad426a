package rules

// https://hl7.org/fhir/R4/json.html#canonical

import (
	"sort"
	"strings"

	"tenon/fhir/tree"
)

const canonJSON = "http://hl7.org/fhir/canonicalization/json"

// canonical writes a resource as what is signed of it: members in the order of
// their names, no white space, without its signature and what the method
// leaves out. It is not known for other methods.
func canonical(n tree.Node, method string) (content []byte, known bool) {
	without := map[string]bool{}
	everywhere := map[string]bool{}
	switch method {
	case "", canonJSON, canonJSON + "#":
	case canonJSON + "#document":
		without["id"], without["meta"] = true, true
	case canonJSON + "#data":
		everywhere["text"] = true
	case canonJSON + "#static":
		everywhere["text"], everywhere["meta"] = true, true
	default:
		return nil, false
	}
	without["signature"] = true
	w := canonWriter{everywhere: everywhere}
	w.object(n, without)
	return w.b, true
}

type canonWriter struct {
	b          []byte
	everywhere map[string]bool // members of resources that are left out
}

func (w *canonWriter) object(n tree.Node, without map[string]bool) {
	type member struct {
		name  string
		value tree.Node
	}
	var members []member
	resource := n.Field("resourceType").Exists()
	for name, v := range n.Fields() {
		if !without[name] && !(resource && w.everywhere[name]) {
			members = append(members, member{name, v})
		}
	}
	sort.Slice(members, func(i, j int) bool { return members[i].name < members[j].name })
	w.b = append(w.b, '{')
	for i, m := range members {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text(m.name)
		w.b = append(w.b, ':')
		w.value(m.value)
	}
	w.b = append(w.b, '}')
}

func (w *canonWriter) value(n tree.Node) {
	switch n.Kind() {
	case tree.Object:
		w.object(n, nil)
	case tree.Array:
		w.b = append(w.b, '[')
		first := true
		for item := range n.Items() {
			if !first {
				w.b = append(w.b, ',')
			}
			first = false
			w.value(item)
		}
		w.b = append(w.b, ']')
	case tree.String:
		w.text(n.Str())
	default:
		w.b = append(w.b, n.Raw()...)
	}
}

// text escapes no more than JSON must.
func (w *canonWriter) text(s string) {
	w.b = append(w.b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			w.b = append(w.b, '\\', c)
		case c >= ' ':
			w.b = append(w.b, c)
		default:
			w.b = append(w.b, control(c)...)
		}
	}
	w.b = append(w.b, '"')
}

func control(c byte) string {
	if i := strings.IndexByte("\b\f\n\r\t", c); i >= 0 {
		return `\` + string("bfnrt"[i])
	}
	const hex = "0123456789abcdef"
	return `\u00` + string(hex[c>>4]) + string(hex[c&15])
}
