package mesh_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tenon/mesh"
)

// dataFile reads a file of the shared test data, or skips the test.
func dataFile(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("TENON_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "testdata")
	}
	data, err := os.ReadFile(filepath.Join(dir, "meshes", filepath.FromSlash(name)))
	if err != nil {
		t.Skipf("test data not there (set TENON_TESTDATA): %v", err)
	}
	return data
}

// Counts, volumes and areas of the closed ones were taken with trimesh 5.2 and
// numpy (edges of bit-equal vertices).
func TestRealMeshes(t *testing.T) {
	for _, want := range []struct {
		file                                string
		triangles, vertices, edges          int
		open, crowded, clashing, components int
		loops                               int
		volume, area                        float64
	}{
		{"skull.stl", 399757, 200351, 600337, 1414, 8, 70, 148, 26, 0, 288982.5505465},
		{"ampscan/sample_stl_sphere_ASCII.stl", 1280, 642, 1920, 0, 0, 0, 1, 0, 4.152740889882, 12.50649287704},
		{"ampscan/stl_file.stl", 14944, 7530, 22473, 114, 0, 0, 1, 1, 0, 76380.92635065},
		{"ampscan/stl_file_2.stl", 15140, 7630, 22769, 118, 0, 0, 1, 1, 0, 77822.22908546},
		{"trimesh/20mm-xyz-cube.stl", 260, 132, 390, 0, 0, 0, 1, 0, 7938.681876335, 2499.024876577},
		{"trimesh/7_8ths_cube.stl", 24, 14, 36, 0, 0, 0, 1, 0, 55999.99593099, 9599.999618531},
		{"trimesh/busted.STL", 3878, 1941, 5817, 0, 0, 0, 1, 0, 526.4489099444, 349.2797873660},
		{"trimesh/featuretype.STL", 3476, 2010, 5502, 576, 0, 0, 1, 16, 0, 53.82738611818},
		{"trimesh/multibody.stl", 32, 20, 48, 0, 0, 12, 2, 0, 0, 0.3672389423933},
		{"trimesh/soup.stl", 100, 300, 300, 300, 0, 0, 100, 100, 0, 14.57891278530},
		{"trimesh/two_objects_mixed_case_names.stl", 24, 16, 36, 0, 0, 0, 2, 0, 2, 12},
		{"trimesh/unit_sphere.STL", 1280, 642, 1920, 0, 0, 0, 1, 0, 4.152740749007, 12.50649259577},
	} {
		t.Run(want.file, func(t *testing.T) {
			m, err := mesh.ReadSTL(bytes.NewReader(dataFile(t, want.file)), mesh.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			r := check(t, m, mesh.Options{})
			got := [...]int{r.Triangles, r.Vertices, r.Edges, r.OpenEdges, r.CrowdedEdges, r.ClashingEdges, r.Components, r.LoopCount}
			if w := [...]int{want.triangles, want.vertices, want.edges, want.open, want.crowded, want.clashing, want.components, want.loops}; got != w {
				t.Errorf("triangles, vertices, edges, open, crowded, clashing, components, loops = %v, want %v", got, w)
			}
			near(t, "area", r.Area, want.area, 1e-10)
			if r.Watertight != (want.volume > 0) {
				t.Errorf("watertight = %v", r.Watertight)
			}
			if r.Watertight {
				near(t, "volume", r.Volume, want.volume, 1e-10)
			}
		})
	}
}

func TestSkullBox(t *testing.T) {
	m, err := mesh.ReadSTL(bytes.NewReader(dataFile(t, "skull.stl")), mesh.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r := check(t, m, mesh.Options{Size: mesh.Range{Min: 120, Max: 300}})
	want := mesh.Box{Min: [3]float64{12.029633522033691, -214.54905700683594, -0.013027694076299667}, Max: [3]float64{237.2585906982422, 0.015710804611444473, 158.19308471679688}}
	if r.Box != want || r.Size != mesh.Conform {
		t.Errorf("box %v, size %v, want %v, conform", r.Box, r.Size, want)
	}
}

func TestSolidsOfRealFile(t *testing.T) {
	m, err := mesh.ReadSTL(bytes.NewReader(dataFile(t, "trimesh/two_objects_mixed_case_names.stl")), mesh.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []mesh.Solid{{Name: "CubeExportedFromCAD", Count: 12}, {Name: "TranslatedCubeExportedFromCAD", First: 12, Count: 12}}
	if !slices.Equal(m.Solids, want) {
		t.Errorf("solids = %+v, want %+v", m.Solids, want)
	}
}
