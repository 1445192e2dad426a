package validate_test

import (
	"maps"
	"strings"
	"testing"

	"tenon/fhir/schema"
	"tenon/profiles/r4"
)

// otherValue is a value of the same type that differs from v.
func otherValue(v any) any {
	switch v := v.(type) {
	case bool:
		return !v
	case string:
		switch v {
		case "de":
			return "en"
		case samples["date"]:
			return "2020-01-06"
		case samples["dateTime"]:
			return "2020-01-05T10:00:01Z"
		case samples["time"]:
			return "10:00:01"
		case samples["base64Binary"]:
			return "QUJE"
		case samples["oid"]:
			return "urn:oid:1.2.4"
		}
		return v + "x"
	case object:
		o := clone(v)
		for name, member := range o {
			switch member.(type) {
			case string, bool:
				if name != "system" && name != "type" {
					o[name] = otherValue(member)
					return o
				}
			}
		}
		for name, member := range o {
			if list, ok := member.([]any); ok {
				o[name] = []any{otherValue(list[0])}
				return o
			}
			o[name] = otherValue(member)
			return o
		}
		return o
	}
	return 7
}

// fixable calls visit for elements of a type whose value a profile may fix.
func fixable(typ *schema.Type, visit func(e *schema.Element, v any)) {
	for i := range typ.Elements {
		e := &typ.Elements[i]
		if e.Choice || e.Type.Kind == schema.Backbone || e.Type.Kind == schema.Resource || completed(typ.Name)[e.Property] != nil {
			continue
		}
		switch e.Name {
		case "id", "meta", "implicitRules", "language", "text", "extension", "modifierExtension":
			continue
		}
		if e.Binding != nil && (e.Binding.Strength == "required" || e.Type.Name == "code") || e.Type.Name == "Reference" {
			continue
		}
		v := oneOf(e)
		if e.Type.Name == "boolean" || e.Type.Kind == schema.Primitive || e.Type.Kind == schema.Complex {
			visit(e, v)
		}
	}
}

var fixedTypes = []string{"Patient", "Device", "Task", "DeviceDefinition", "Location", "Practitioner", "Medication", "Person", "Slot", "Specimen", "ResearchStudy", "Invoice"}

// TestFixed fixes each element of some types in a profile, and writes it right,
// otherwise and with more than is fixed.
func TestFixed(t *testing.T) {
	n := 0
	for _, name := range fixedTypes {
		typ := r4.Model().Type(name)
		fixable(typ, func(e *schema.Element, v any) {
			n++
			t.Run(e.Path, func(t *testing.T) {
				profile := profileOf("fixed", name, `{"id":"`+name+`"},{"id":"`+e.Path+`","fixed`+jsonType(e)+`":`+write(v)+`}`)
				s := setOf(profile)
				at, path := place(e, name)
				fault(t, s, claim(write(at(least(typ), v)), "fixed"), "", nil)
				fault(t, s, claim(write(at(least(typ), otherValue(v))), "fixed"), path+" fixed-value", nil)
				if o, ok := v.(object); ok && e.Type.Element("extension") != nil {
					more := clone(o)
					more["id"] = "more"
					fault(t, s, claim(write(at(least(typ), more)), "fixed"), path+".id fixed-value", nil)
				}
			})
		})
	}
	atLeast(t, n, 60)
}

// TestPattern gives each element of some types a pattern, and writes it right,
// with more, and otherwise.
func TestPattern(t *testing.T) {
	n := 0
	for _, name := range fixedTypes {
		typ := r4.Model().Type(name)
		fixable(typ, func(e *schema.Element, v any) {
			n++
			t.Run(e.Path, func(t *testing.T) {
				s := setOf(profileOf("pattern", name, `{"id":"`+name+`"},{"id":"`+e.Path+`","pattern`+jsonType(e)+`":`+write(v)+`}`))
				at, path := place(e, name)
				if o, ok := v.(object); ok {
					more := clone(o)
					more["id"] = "more"
					fault(t, s, claim(write(at(least(typ), more)), "pattern"), "", nil)
				}
				fault(t, s, claim(write(at(least(typ), otherValue(v))), "pattern"), path+" pattern-value", nil)
			})
		})
	}
	atLeast(t, n, 60)
}

func jsonType(e *schema.Element) string { return strings.ToUpper(e.Type.Name[:1]) + e.Type.Name[1:] }

// place gives a function that puts a value into an object, and its path.
func place(e *schema.Element, typ string) (at func(o object, v any) object, path string) {
	path = typ + "." + e.Name
	if e.Max != 1 {
		path += "[0]"
	}
	return func(o object, v any) object {
		c := maps.Clone(o)
		put(c, e, v)
		return c
	}, path
}
