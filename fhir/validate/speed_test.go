package validate_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// BenchmarkWhole judges a Patient of 2.5 kB and a blood pressure of 4 kB that
// claims its profile, by all that R4 defines. "decodes" is the time as a part of
// what encoding/json takes for the same bytes, measured beside it.
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
			decode := decodeTime(b, src)
			for b.Loop() {
				plan.Validate(d.Root(), o)
			}
			each := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(each)/float64(decode), "decodes")
			b.ReportMetric(float64(time.Second)/float64(each), "/s")
		})
	}
}

// decodeTime is what encoding/json takes to decode the bytes into maps.
func decodeTime(b *testing.B, src []byte) time.Duration {
	b.Helper()
	const rounds = 300
	began := time.Now()
	for range rounds {
		var v any
		if err := json.Unmarshal(src, &v); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / rounds
}
