package validate_test

import (
	"encoding/json"
	"os"
	"testing"

	"tenon/fhir/tree"
)

// BenchmarkValidate judges a Patient of 2.5 kB, or the file that
// TENON_BENCH_JSON names, beside encoding/json reading it into any.
func BenchmarkValidate(b *testing.B) {
	name := os.Getenv("TENON_BENCH_JSON")
	if name == "" {
		name = "../tree/testdata/patient.json"
	}
	src, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	plan, err := plans.Plan("Resource")
	if err != nil {
		b.Fatal(err)
	}
	var d tree.Doc
	if err := d.Parse(src, tree.Limits{}); err != nil {
		b.Fatal(err)
	}
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("validate", func() error {
		if found := plan.Validate(d.Root(), nil); len(found) > 0 {
			b.Fatal(found)
		}
		return nil
	})
	run("parse+validate", func() error {
		if err := d.Parse(src, tree.Limits{}); err != nil {
			return err
		}
		plan.Validate(d.Root(), nil)
		return nil
	})
	run("encoding-json-any", func() error {
		var v any
		return json.Unmarshal(src, &v)
	})
}
