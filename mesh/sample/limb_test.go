package sample_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tenon/mesh"
	"tenon/mesh/sample"
)

func checked(t *testing.T, m *mesh.Mesh) *mesh.Report {
	t.Helper()
	r, err := mesh.Check(m, mesh.Options{SelfIntersection: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestStump: what a scanner gives of a stump is one oriented surface with one
// opening; a socket made around it is a sound body.
func TestStump(t *testing.T) {
	for seed := range int64(8) {
		stump := sample.Stump(seed, sample.LimbOptions{})
		r := checked(t, stump)
		if r.Components != 1 || r.LoopCount != 1 || r.Watertight || !r.Oriented || r.CrowdedEdges > 0 {
			t.Errorf("Stump(%d): %d surfaces with %d openings, oriented %v", seed, r.Components, r.LoopCount, r.Oriented)
		}
		if size := r.Box.Size(); size[2] < 140 || size[2] > 160 || size[0] < 80 || size[0] > 120 {
			t.Errorf("Stump(%d) measures %v mm", seed, size)
		}
		if s := checked(t, sample.Socket(stump, 4)); !s.Bounds() || s.SelfIntersection != mesh.Conform || s.Volume <= 0 {
			t.Errorf("Socket(Stump(%d), 4): bounds %v, self-intersection %s, %v mm³", seed, s.Bounds(), s.SelfIntersection, s.Volume)
		}
	}
	if r := checked(t, sample.Stump(1, sample.LimbOptions{Holes: 2})); r.LoopCount != 3 {
		t.Errorf("a stump with 2 holes has %d openings, want 3", r.LoopCount)
	}
	if a, b := sample.Stump(1, sample.LimbOptions{}), sample.Stump(2, sample.LimbOptions{}); a.Vertices[0] == b.Vertices[0] {
		t.Error("two seeds make the same stump")
	}
}

// TestSocketOfScans makes sockets around real scans of stumps.
func TestSocketOfScans(t *testing.T) {
	folder := os.Getenv("TENON_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	for _, name := range []string{"stl_file.stl", "stl_file_2.stl"} {
		content, err := os.ReadFile(filepath.Join(folder, "meshes", "ampscan", name))
		if err != nil {
			t.Skipf("no test data: %v (set TENON_TESTDATA)", err)
		}
		scan, err := mesh.ReadSTL(bytes.NewReader(content), mesh.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if r := checked(t, scan); r.Components != 1 || r.LoopCount != 1 {
			t.Errorf("%s: %d surfaces with %d openings", name, r.Components, r.LoopCount)
		}
		if s := checked(t, sample.Socket(scan, 3)); !s.Bounds() || s.SelfIntersection != mesh.Conform {
			t.Errorf("Socket(%s, 3): bounds %v, self-intersection %s (%d pairs)", name, s.Bounds(), s.SelfIntersection, s.Cuts)
		}
	}
}
