package validate_test

import (
	"os"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// BenchmarkWhole judges a Patient of 2.5 kB and a blood pressure of 4 kB that
// claims its profile, by all that R4 defines.
func BenchmarkWhole(b *testing.B) {
	plan, err := whole().Plan("Resource")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"patient", "bloodpressure"} {
		src, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			b.Fatal(err)
		}
		var d tree.Doc
		if err := d.Parse(src, tree.Limits{}); err != nil {
			b.Fatal(err)
		}
		o := &validate.Options{Now: now}
		if issues := plan.Validate(d.Root(), o); validate.HasErrors(issues) {
			b.Fatal(issues)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				plan.Validate(d.Root(), o)
			}
		})
	}
}
