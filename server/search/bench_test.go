package search_test

import (
	"encoding/json"
	"os"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/search"
)

// BenchmarkIndex makes all rows of an Observation; BenchmarkDecode is the
// yardstick of the same run: encoding/json into a map.
func BenchmarkIndex(b *testing.B) {
	body := observation(b)
	d, err := tree.Parse(body)
	if err != nil {
		b.Fatal(err)
	}
	r := newRegistry(b)
	b.ReportAllocs()
	for b.Loop() {
		rows, err := r.Index(d.Root())
		if err != nil || len(rows.Tokens) < 5 || len(rows.Numbers) < 3 {
			b.Fatal(rows, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	body := observation(b)
	b.ReportAllocs()
	for b.Loop() {
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	r := newRegistry(b)
	q := request("Observation", "subject:Patient.name=peter&code=http://loinc.org|8480-6&date=ge2020-01&_sort=-date&_count=20", true)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Parse(q); err != nil {
			b.Fatal(err)
		}
	}
}

func observation(b *testing.B) []byte {
	b.Helper()
	body, err := os.ReadFile("testdata/observation.json")
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// BenchmarkNewRegistry is part of the time from start to ready.
func BenchmarkNewRegistry(b *testing.B) {
	m := r4.Model()
	for b.Loop() {
		if _, err := search.NewRegistry(m); err != nil {
			b.Fatal(err)
		}
	}
}
