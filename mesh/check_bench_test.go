package mesh_test

import (
	"bytes"
	"testing"

	"tenon/mesh"
)

func BenchmarkCheck(b *testing.B) {
	m := big(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mesh.Check(m, mesh.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(m.Triangles)), "triangles")
}

// The goal of the design: read, topology and volume of a million triangles in
// a second.
func BenchmarkReadAndCheck(b *testing.B) {
	var file bytes.Buffer
	if err := mesh.WriteBinary(&file, big(b)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m, err := mesh.ReadSTL(bytes.NewReader(file.Bytes()), mesh.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := mesh.Check(m, mesh.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSkull(b *testing.B) {
	file := dataFile(b, "skull.stl")
	for b.Loop() {
		m, err := mesh.ReadSTL(bytes.NewReader(file), mesh.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := mesh.Check(m, mesh.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
