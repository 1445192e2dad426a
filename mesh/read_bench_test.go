package mesh_test

import (
	"bytes"
	"testing"

	"tenon/mesh"
	"tenon/mesh/sample"
)

func big(b *testing.B) *mesh.Mesh {
	b.Helper()
	return sample.Plate(1, sample.Options{Columns: 500, Rows: 500})
}

func BenchmarkReadBinary(b *testing.B) {
	var file bytes.Buffer
	m := big(b)
	if err := mesh.WriteBinary(&file, m); err != nil {
		b.Fatal(err)
	}
	benchmarkRead(b, file.Bytes(), len(m.Triangles))
}

func BenchmarkReadASCII(b *testing.B) {
	var file bytes.Buffer
	m := big(b)
	if err := mesh.WriteASCII(&file, m); err != nil {
		b.Fatal(err)
	}
	benchmarkRead(b, file.Bytes(), len(m.Triangles))
}

func benchmarkRead(b *testing.B, file []byte, triangles int) {
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := mesh.ReadSTL(bytes.NewReader(file), mesh.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(triangles), "triangles")
}
