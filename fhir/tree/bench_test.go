package tree_test

import (
	"encoding/json"
	"os"
	"testing"

	"tenon/fhir/tree"
)

// BenchmarkParse reads a Patient of 2.5 kB, or the file that
// TENON_BENCH_JSON names, beside encoding/json.
func BenchmarkParse(b *testing.B) {
	src := benchSource(b)
	b.Run("reused", func(b *testing.B) {
		var d tree.Doc
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Parse(src, tree.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("fresh", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tree.Parse(src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-any", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(src, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchSource(b *testing.B) []byte {
	name := os.Getenv("TENON_BENCH_JSON")
	if name == "" {
		name = "testdata/patient.json"
	}
	src, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	return src
}
