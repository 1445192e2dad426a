package mesh_test

import (
	"bytes"
	"reflect"
	"testing"
	"testing/iotest"

	"tenon/mesh"
)

// FuzzReadSTL: any bytes are refused or read, alike in pieces and at once;
// what is read survives writing and reading, and can be checked.
func FuzzReadSTL(f *testing.F) {
	f.Add(binarySTL("solid", 12, cube()...))
	f.Add(binarySTL("", 13, cube()...))
	f.Add([]byte("solid a\r\n" + facetText + "endsolid\nSOLID b\n" + facetText + "endsolid b"))
	f.Add([]byte("solid\nfacet normal nan 0 0 outer loop vertex -1.5e3 .5 1. vertex 1e40 0 0"))
	limits := mesh.Limits{Bytes: 1 << 20, Triangles: 4096, Solids: 64}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := mesh.ReadSTL(bytes.NewReader(data), limits)
		slow, slowErr := mesh.ReadSTL(iotest.OneByteReader(bytes.NewReader(data)), limits)
		if (err == nil) != (slowErr == nil) || !reflect.DeepEqual(m, slow) {
			t.Fatalf("at once %v, byte by byte %v", err, slowErr)
		}
		if err != nil {
			if err.Error() != slowErr.Error() {
				t.Fatalf("at once %q, byte by byte %q", err, slowErr)
			}
			return
		}
		if _, err := mesh.Check(m, mesh.Options{SelfIntersection: true}); err != nil {
			t.Fatalf("Check() = %v", err)
		}
		var out bytes.Buffer
		if err := mesh.WriteBinary(&out, m); err != nil {
			t.Fatal(err)
		}
		again, err := mesh.ReadSTL(bytes.NewReader(out.Bytes()), limits)
		if err != nil || !reflect.DeepEqual(again.Triangles, m.Triangles) || !reflect.DeepEqual(again.Vertices, m.Vertices) {
			t.Fatalf("written and read again: %v", err)
		}
	})
}
