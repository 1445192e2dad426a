package validate_test

import (
	"slices"
	"testing"

	"tenon/fhir/schema"
	"tenon/profiles/r4"
)

// eachType runs f for the sample of every resource type.
func eachType(t *testing.T, f func(t *testing.T, typ *schema.Type, o object)) {
	for _, name := range r4.Model().Resources() {
		typ := r4.Model().Type(name)
		t.Run(name, func(t *testing.T) { f(t, typ, least(typ)) })
	}
}

// TestMissing takes each required element out of the sample of each resource.
func TestMissing(t *testing.T) {
	n := 0
	eachType(t, func(t *testing.T, typ *schema.Type, o object) {
		for i := range typ.Elements {
			e := &typ.Elements[i]
			if e.Min == 0 || completed(typ.Name)[e.Types[0].JSONName] != nil {
				continue
			}
			c := clone(o)
			for _, ref := range e.Types {
				delete(c, ref.JSONName)
			}
			n++
			if got := errorsOf(t, whole(), write(c), nil); !slices.Contains(got, typ.Name+" cardinality-min") {
				t.Errorf("%s without %s has %q, want %s cardinality-min", typ.Name, e.Name, got, typ.Name)
			}
		}
	})
	atLeast(t, n, 200)
}

// TestShapes writes each element of each resource in a wrong shape: one where
// an array stands, an array where one stands, an object where text stands.
func TestShapes(t *testing.T) {
	n := 0
	eachType(t, func(t *testing.T, typ *schema.Type, o object) {
		for i := range typ.Elements {
			e := &typ.Elements[i]
			if e.Name == "contained" || completed(typ.Name)[e.Types[0].JSONName] != nil {
				continue
			}
			c := clone(o)
			property := e.Types[0].JSONName
			v := oneOf(e)
			rule := "array-unexpected"
			if e.Max != 1 {
				rule, c[property] = "array-expected", v
			} else {
				c[property] = []any{v}
			}
			n++
			if got, want := errorsOf(t, whole(), write(c), nil), typ.Name+"."+e.Name+" "+rule; !slices.Contains(got, want) {
				t.Errorf("%s with %s in the wrong shape has %q, want %s", typ.Name, property, got, want)
			}
		}
	})
	atLeast(t, n, 2000)
}

// TestPrimitives writes a value out of the grammar into each primitive of each
// resource.
func TestPrimitives(t *testing.T) {
	wrong := map[string]any{
		"boolean": "true", "integer": 1.5, "unsignedInt": -1, "positiveInt": 0, "decimal": "1", "string": "", "markdown": "",
		"uri": "a b", "url": "a b", "canonical": "a b", "oid": "1.2", "uuid": "urn:uuid:1", "id": "a_b", "code": " a", "base64Binary": "a",
		"date": "2020-13", "dateTime": "2020-02-30", "instant": "2020-01-01", "time": "24:00:00",
	}
	kinds := map[string]int{}
	eachType(t, func(t *testing.T, typ *schema.Type, o object) {
		for i := range typ.Elements {
			e := &typ.Elements[i]
			for _, ref := range e.Types {
				bad, ok := wrong[ref.Type.Name]
				if !ok || completed(typ.Name)[ref.JSONName] != nil || e.Min > 0 && len(e.Types) > 1 {
					continue
				}
				c := clone(o)
				c[ref.JSONName] = bad
				path := typ.Name + "." + e.Name
				if e.Max != 1 {
					c[ref.JSONName], path = []any{bad}, path+"[0]"
				}
				kinds[ref.Type.Name]++
				rule := "primitive-" + ref.Type.Name
				if bad == "" {
					rule = "string-empty"
				} else if ref.Type.Name == "boolean" || ref.Type.Name == "decimal" {
					rule = "json-kind"
				}
				if got := errorsOf(t, whole(), write(c), nil); !slices.Contains(got, path+" "+rule) {
					t.Errorf("%s with %s = %v has %q, want %s %s", typ.Name, ref.JSONName, bad, got, path, rule)
				}
			}
		}
	})
	n := 0
	for _, count := range kinds {
		n += count
	}
	atLeast(t, n, 800)
	if len(kinds) < 15 {
		t.Errorf("only the primitives %v were tried", kinds)
	}
}

// TestCodes writes a code out of the value set wherever the base binds one.
func TestCodes(t *testing.T) {
	n := 0
	eachType(t, func(t *testing.T, typ *schema.Type, o object) {
		for i := range typ.Elements {
			e := &typ.Elements[i]
			if e.Binding == nil || e.Binding.Strength != "required" || e.Choice || completed(typ.Name)[e.Property] != nil {
				continue
			}
			var v any = "no-such-code"
			switch e.Type.Name {
			case "CodeableConcept":
				v = object{"coding": []any{object{"system": "http://tenon.test/cs", "code": "no-such-code"}}}
			case "Coding":
				v = object{"system": "http://tenon.test/cs", "code": "no-such-code"}
			}
			if e.Type.Name == "code" && e.Binding.ValueSet == "http://hl7.org/fhir/ValueSet/mimetypes|4.0.1" {
				v = "no type"
			}
			path := typ.Name + "." + e.Name
			c := clone(o)
			if c[e.Property] = v; e.Max != 1 {
				c[e.Property], path = []any{v}, path+"[0]"
			}
			n++
			if got := errorsOf(t, whole(), write(c), nil); !slices.Contains(got, path+" binding-required") {
				t.Errorf("%s with %s = %v has %q, want %s binding-required", typ.Name, e.Property, v, got, path)
			}
		}
	})
	atLeast(t, n, 150)
}

// TestTargets points each reference of each resource at a type that it may not
// point to.
func TestTargets(t *testing.T) {
	n := 0
	eachType(t, func(t *testing.T, typ *schema.Type, o object) {
		for i := range typ.Elements {
			e := &typ.Elements[i]
			for _, ref := range e.Types {
				if ref.Type.Name != "Reference" || len(ref.TargetTypes) == 0 || completed(typ.Name)[ref.JSONName] != nil {
					continue
				}
				c, path := clone(o), typ.Name+"."+e.Name
				for _, other := range e.Types {
					delete(c, other.JSONName)
				}
				var v any = object{"reference": otherType(ref.TargetTypes) + "/1"}
				if c[ref.JSONName] = v; e.Max != 1 {
					c[ref.JSONName], path = []any{v}, path+"[0]"
				}
				n++
				if got := errorsOf(t, whole(), write(c), nil); !slices.Contains(got, path+" reference-target") {
					t.Errorf("%s with %s = %v has %q, want %s reference-target", typ.Name, ref.JSONName, v, got, path)
				}
			}
		}
	})
	atLeast(t, n, 400)
}

// otherType is a resource type that is none of these.
func otherType(types []string) string {
	for _, name := range []string{"Linkage", "Basic", "TestScript"} {
		if !slices.Contains(types, name) {
			return name
		}
	}
	return "TestReport"
}

func atLeast(t *testing.T, n, want int) {
	t.Helper()
	if n < want {
		t.Errorf("only %d faults were tried, want %d", n, want)
	}
	t.Logf("%d faults", n)
}
