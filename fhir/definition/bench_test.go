package definition_test

import (
	"fmt"
	"testing"

	"tenon/fhir/definition"
)

// A server's library: thousands of definitions below, some posted ones above.
func layered() *definition.Library {
	var many []*definition.Resource
	for i := range 8000 {
		many = append(many, res(fmt.Sprintf("ValueSet http://hl7.org/fhir/ValueSet/v%d|4.0.1", i)))
	}
	lib := definition.NewLibrary(many...)
	for i := range 7 {
		lib = lib.With(res(fmt.Sprintf("ValueSet http://example.org/v%d|1", i)))
	}
	return lib
}

func BenchmarkFind(b *testing.B) {
	lib := layered()
	for _, bench := range []struct{ name, canonical string }{
		{"bottom", "http://hl7.org/fhir/ValueSet/v4711"},
		{"version", "http://hl7.org/fhir/ValueSet/v4711|4.0.1"},
		{"top", "http://example.org/v6"},
		{"missing", "http://hl7.org/fhir/ValueSet/none"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				lib.Find("ValueSet", bench.canonical)
			}
		})
	}
}

func BenchmarkWith(b *testing.B) {
	lib := layered()
	more := res("ValueSet http://example.org/v3|2")
	for b.Loop() {
		lib = lib.With(more)
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	lib := layered()
	for _, canonical := range []string{"http://hl7.org/fhir/ValueSet/v4711", "http://hl7.org/fhir/ValueSet/v4711|4.0.1", "http://hl7.org/fhir/ValueSet/v1|4", "none"} {
		if n := testing.AllocsPerRun(100, func() { lib.Find("ValueSet", canonical) }); n != 0 {
			t.Errorf("Find(%s) allocates %v times", canonical, n)
		}
	}
}
