package xml

// https://hl7.org/fhir/R4/json.html#primitive and xml.html#primitive

import (
	"bytes"

	"tenon/fhir/schema"
)

// attributesOf writes the attributes of an element as members. typ is nil for
// an element that takes none. Of a primitive, value gets the attribute of that
// name.
func (r *reader) attributesOf(typ *schema.Type, value **attr) bool {
	for i := range r.attrs {
		a := &r.attrs[i]
		if a.prefix > 0 {
			if !r.ignored(a) {
				return false
			}
			continue
		}
		switch {
		case typ != nil && string(a.name) == "id", typ != nil && string(a.name) == "url" && typ.Name == "Extension":
			if len(a.value) == 0 {
				return r.stop(a.start, &faultNoValue)
			}
			r.key("", share(a.name))
			if !r.text(a) {
				return false
			}
		case value != nil && string(a.name) == "value":
			*value = a
		default:
			return r.stop(a.start, attributeFault(a.name))
		}
	}
	return true
}

// ignored lets schemaLocation pass, which tells tools where a schema is; it is
// never fetched. No other attribute has a prefix.
func (r *reader) ignored(a *attr) bool {
	sp, bound := r.spaceOf(a.name[:a.prefix])
	switch local := string(a.name[a.prefix:]); {
	case !bound:
		return r.stop(a.start, &faultPrefix)
	case sp == xsi && (local == "schemaLocation" || local == "noNamespaceSchemaLocation"):
		return true
	}
	return r.stop(a.start, attributeFault(a.name))
}

// text writes an attribute's value as a JSON string.
func (r *reader) text(a *attr) bool {
	if !a.special {
		r.out = append(append(append(r.out, '"'), a.value...), '"')
		return true
	}
	var ok bool
	if r.buf, ok = r.scanner.text(r.buf[:0], a); !ok {
		return false
	}
	r.out = appendJSON(r.out, r.buf)
	return true
}

// scalar writes the value of a primitive.
func (r *reader) scalar(a *attr, typ *schema.Type) bool {
	if len(a.value) == 0 {
		return r.stop(a.start, &faultNoValue)
	}
	kind := kindOf(typ.Name)
	if kind == text {
		return r.text(a)
	}
	value := a.value
	if a.special {
		var ok bool
		if r.buf, ok = r.scanner.text(r.buf[:0], a); !ok {
			return false
		}
		value = r.buf
	}
	if kind == boolean && string(value) != "true" && string(value) != "false" || kind == numeric && !isNumber(value) {
		return r.stop(a.start, valueFault(value, typ.Name))
	}
	r.out = append(r.out, value...)
	return true
}

// kind is how JSON writes a primitive.
type kind uint8

const (
	text kind = iota
	boolean
	numeric
)

func kindOf(typ string) kind {
	switch typ {
	case "boolean":
		return boolean
	case "integer", "decimal", "positiveInt", "unsignedInt":
		return numeric
	}
	return text
}

// primitive reads a primitive that does not repeat: its value as a member, its
// id and extensions as the member with the underscore.
func (r *reader) primitive(e *schema.Element) bool {
	t := r.tag
	from := len(r.out)
	r.key("", e.Property)
	_, ok := r.valueOf(e, from)
	if !ok {
		return false
	}
	valued := len(r.out) > from
	behind := len(r.out)
	r.key("_", e.Property)
	some, ok := r.extra(e, t)
	switch {
	case !ok:
		return false
	case !some && !valued:
		return r.stop(t.start, &faultEmpty)
	case !some:
		r.out = r.out[:behind]
		r.nodes--
	}
	r.unbind(t.bound)
	return true
}

// valueOf writes the value of the primitive that starts here; without one, out
// is cut back to from.
func (r *reader) valueOf(e *schema.Element, from int) (valued, ok bool) {
	for i := range r.attrs {
		if a := &r.attrs[i]; string(a.name) == "value" {
			return true, r.scalar(a, e.Type)
		}
	}
	r.out = r.out[:from]
	return false, true
}

// extra writes id and extensions of a primitive as an object; some is false
// when it has neither, and nothing useful was written.
func (r *reader) extra(e *schema.Element, t tag) (some, ok bool) {
	if t.empty && len(r.attrs) == 1 && string(r.attrs[0].name) == "value" {
		return false, true
	}
	from := len(r.out)
	var value *attr
	if !r.open('{') || !r.attributesOf(e.Type, &value) || !r.children(e.Type, t) {
		return false, false
	}
	some = len(r.out) > from+1
	r.shut('}')
	return some, true
}

// primitives reads all of a primitive that stand together: two arrays, with
// null where a value or an extra is missing, an array of nulls left out.
func (r *reader) primitives(e *schema.Element) bool {
	from := len(r.out)
	r.key("", e.Property)
	if !r.open('[') {
		return false
	}
	var extras []byte // without brackets; nil until one has something
	values, count := 0, 0
	for n := 0; ; n++ {
		t := r.tag
		count++
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.nodes++
		r.enter(e.Name, n)
		here := len(r.out)
		valued, ok := r.valueOf(e, here)
		if !ok {
			return false
		}
		if valued {
			values++
		} else {
			r.out = append(r.out, "null"...)
		}
		if extras, ok = r.extraOf(e, t, extras, n, valued); !ok {
			return false
		}
		r.leave()
		r.unbind(t.bound)
		if !r.advance() {
			return false
		}
		if !r.again(e) {
			break
		}
	}
	r.shut(']')
	if values == 0 {
		r.out = r.out[:from]
	}
	if extras != nil {
		r.nodes += count // those that are null too
		r.key("_", e.Property)
		r.out = append(append(append(r.out, '['), extras...), ']')
	}
	return true
}

// extraOf adds the extra of the n-th of several primitives to those before.
func (r *reader) extraOf(e *schema.Element, t tag, extras []byte, n int, valued bool) ([]byte, bool) {
	mark := len(r.out)
	some, ok := r.extra(e, t)
	switch {
	case !ok:
		return nil, false
	case !some && !valued:
		return nil, r.stop(t.start, &faultEmpty)
	case some && extras == nil:
		extras = bytes.Repeat([]byte("null,"), n)
	case extras != nil:
		extras = append(extras, ',')
	}
	if some {
		extras = append(extras, r.out[mark:]...)
	} else if extras != nil {
		extras = append(extras, "null"...)
	}
	r.out = r.out[:mark]
	return extras, true
}
