package sample_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"tenon/mesh"
	"tenon/mesh/sample"
)

func TestPlate(t *testing.T) {
	for seed := range int64(20) {
		for slots := range 9 {
			m := sample.Plate(seed, sample.Options{Slots: slots})
			r, err := mesh.Check(m, mesh.Options{Size: mesh.Range{Min: 20, Max: 300}})
			if err != nil {
				t.Fatal(err)
			}
			// A plate with n slots is a ball with n handles.
			if euler := r.Vertices - r.Edges + r.Triangles; !r.Bounds() || euler != 2-2*slots || r.Components != 1 {
				t.Fatalf("Plate(%d, %d slots): bounds %v, Euler number %d, %d parts: %v", seed, slots, r.Bounds(), euler, r.Components, r.Issues())
			}
			if r.Size != mesh.Conform || r.FlatFaces+r.DuplicateFaces != 0 {
				t.Errorf("Plate(%d): size %v, %d flat, %d duplicate faces", seed, r.Size, r.FlatFaces, r.DuplicateFaces)
			}
			// About area × thickness.
			if r.Volume < 0.6*90*70*4 || r.Volume > 1.2*90*70*4 {
				t.Errorf("Plate(%d): volume %v mm³", seed, r.Volume)
			}
		}
	}
}

func TestPlateWithHole(t *testing.T) {
	for _, n := range []int{1, 5} {
		r, err := mesh.Check(sample.Plate(3, sample.Options{OpenQuads: n}), mesh.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want := 2*n + 2; r.Watertight || r.OpenEdges != want || r.LoopCount != 1 {
			t.Errorf("%d open quads: watertight %v, %d open edges, %d rims, want false, %d, 1", n, r.Watertight, r.OpenEdges, r.LoopCount, want)
		}
	}
}

func TestPlateIsDeterministic(t *testing.T) {
	file := func(seed int64) string {
		var b bytes.Buffer
		if err := mesh.WriteBinary(&b, sample.Plate(seed, sample.Options{Slots: 4})); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
	}
	if file(5) != file(5) {
		t.Error("one seed gives two plates")
	}
	if file(5) == file(6) {
		t.Error("two seeds give one plate")
	}
}
