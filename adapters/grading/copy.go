package grading

import (
	"encoding/json"
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// copier makes the minimised, pseudonymised copy of one resource.
type copier struct {
	pseudonyms *Pseudonymiser
	days       int
	base       string          // URL before "Type/id" in absolute references to us
	made       map[string]bool // pseudonyms so far
	out        []byte
	metaAt     int      // where meta belongs in out
	texts      []string // primitives carried over, to look for names in
	undated    bool     // a date could not be read
	stranger   bool     // another patient is referred to
	patient    string   // "Patient/id" of the case
}

// resource writes the copy of n, which stands at typ/id, without meta.
func (c *copier) resource(n tree.Node, typ, id string, f fields) {
	pseudonym := c.pseudonyms.ID(typ + "/" + id)
	c.made[pseudonym] = true
	c.out = append(c.out, `{"resourceType":`...)
	c.out = appendString(c.out, typ)
	c.out = append(c.out, `,"id":`...)
	c.out = appendString(c.out, pseudonym)
	c.metaAt = len(c.out)
	c.members(n, f, f)
	c.out = append(c.out, '}')
}

// members writes ,"name":value for what f lets through, in the order of the
// source. root are the fields of the resource, which "same" returns to.
func (c *copier) members(n tree.Node, f, root fields) {
	for name, v := range n.Fields() {
		how, ok := f[name]
		if !ok {
			continue
		}
		if how.shape == same {
			how = root[how.same]
		}
		mark := len(c.out)
		c.out = append(c.out, ',')
		c.out = appendString(c.out, name)
		c.out = append(c.out, ':')
		if !c.value(v, how, root) {
			c.out = c.out[:mark]
		}
	}
}

// value writes a value or an array of them and reports whether anything of it
// is left.
func (c *copier) value(v tree.Node, how field, root fields) bool {
	if v.Kind() != tree.Array {
		return c.one(v, how, root)
	}
	c.out = append(c.out, '[')
	wrote := false
	for item := range v.Items() {
		mark := len(c.out)
		if wrote {
			c.out = append(c.out, ',')
		}
		if c.one(item, how, root) {
			wrote = true
		} else {
			c.out = c.out[:mark]
		}
	}
	c.out = append(c.out, ']')
	return wrote
}

func (c *copier) one(v tree.Node, how field, root fields) bool {
	switch how.shape {
	case keep:
		c.texts = append(c.texts, v.Text())
		return c.primitive(v)
	case code:
		return slices.Contains(how.codes, v.Str()) && c.primitive(v)
	case date:
		return c.date(v)
	case reference:
		return c.reference(v)
	case concept:
		if c.object(v, conceptFields, nil) {
			return true
		}
		if how.required {
			c.out = append(c.out, maskedConcept...)
		}
		return how.required
	case nested:
		return c.object(v, how.fields, root)
	default:
		return c.object(v, fieldsOf[how.shape], nil)
	}
}

// object writes an object with the members that f lets through, or nothing.
func (c *copier) object(v tree.Node, f, root fields) bool {
	if v.Kind() != tree.Object {
		return false
	}
	mark := len(c.out)
	c.members(v, f, root)
	if len(c.out) == mark {
		return false
	}
	c.out[mark] = '{' // instead of the first comma
	c.out = append(c.out, '}')
	return true
}

func (c *copier) primitive(v tree.Node) bool {
	switch v.Kind() {
	case tree.String, tree.Bool, tree.Number:
	default:
		return false
	}
	c.out = append(c.out, v.Raw()...)
	return true
}

func (c *copier) date(v tree.Node) bool {
	if v.Kind() != tree.String {
		return false
	}
	shifted, ok := Shift(v.Str(), c.days)
	if !ok {
		c.undated = true
		return false
	}
	c.out = appendString(c.out, shifted)
	return true
}

// reference writes {"reference": pseudonym} for a literal reference to a
// resource of ours; others (contained, logical, elsewhere) are left out.
func (c *copier) reference(v tree.Node) bool {
	target, ok := localReference(v.Field("reference").Str(), c.base)
	if !ok {
		return false
	}
	if strings.HasPrefix(target, "Patient/") && target != c.patient {
		c.stranger = true
	}
	pseudonym := c.pseudonyms.Reference(target)
	c.made[pseudonym] = true
	c.out = append(c.out, `{"reference":`...)
	c.out = append(appendString(c.out, pseudonym), '}')
	return true
}

// localReference reduces a reference to "Type/id" without its version.
func localReference(ref, base string) (string, bool) {
	if base != "" {
		ref = strings.TrimPrefix(ref, strings.TrimSuffix(base, "/")+"/")
	}
	ref, _, _ = strings.Cut(ref, "/_history/")
	typ, id, ok := strings.Cut(ref, "/")
	if !ok || typ == "" || typ[0] < 'A' || typ[0] > 'Z' || id == "" || strings.ContainsAny(id, "/?#:") {
		return "", false
	}
	return typ + "/" + id, true
}

func appendString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always marshals
		panic(err)
	}
	return append(b, q...)
}

const maskedConcept = `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"masked"}]}`

// What is carried over of the data types. Displays, texts, ids and extensions
// are left out everywhere.
var (
	conceptFields  = fields{"coding": {shape: codingOnly}}
	quantityFields = fields{"value": {shape: keep}, "comparator": {shape: code, codes: []string{"<", "<=", ">=", ">"}}, "unit": {shape: keep}, "system": {shape: keep}, "code": {shape: keep}}
	fieldsOf       = map[shape]fields{
		codingOnly: {"system": {shape: keep}, "version": {shape: keep}, "code": {shape: keep}},
		period:     {"start": {shape: date}, "end": {shape: date}},
		quantity:   quantityFields,
		rangeShape: {"low": quantityField, "high": quantityField},
		ratio:      {"numerator": quantityField, "denominator": quantityField},
		sampled: {"origin": quantityField, "period": {shape: keep}, "factor": {shape: keep}, "lowerLimit": {shape: keep},
			"upperLimit": {shape: keep}, "dimensions": {shape: keep}, "data": {shape: keep}},
		ownIdentifier: {"use": {shape: code, codes: []string{"usual", "official", "temp", "secondary", "old"}}, "type": {shape: nested, fields: conceptFields}, "system": {shape: keep}, "value": {shape: keep}},
	}
	quantityField = field{shape: nested, fields: quantityFields}
)
