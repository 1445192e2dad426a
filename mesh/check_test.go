package mesh_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"tenon/fhir/issue"
	"tenon/mesh"
)

func check(t *testing.T, m *mesh.Mesh, o mesh.Options) *mesh.Report {
	t.Helper()
	r, err := mesh.Check(m, o)
	if err != nil {
		t.Fatalf("Check() = %v", err)
	}
	return r
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, relative*math.Abs(want))
	}
}

func TestCube(t *testing.T) {
	r := check(t, build(cube()...), mesh.Options{})
	if r.Triangles != 12 || r.Vertices != 8 || r.Edges != 18 {
		t.Errorf("cube = %d triangles, %d vertices, %d edges, want 12, 8, 18 (12 and 6 diagonals)", r.Triangles, r.Vertices, r.Edges)
	}
	if !r.Watertight || !r.Manifold || !r.Oriented || !r.Outward || !r.Bounds() {
		t.Errorf("cube: watertight %v, manifold %v, oriented %v, outward %v, want all", r.Watertight, r.Manifold, r.Oriented, r.Outward)
	}
	near(t, "volume", r.Volume, 1, 1e-12)
	near(t, "area", r.Area, 6, 1e-12)
	if want := (mesh.Box{Max: [3]float64{1, 1, 1}}); r.Box != want {
		t.Errorf("box = %v, want %v", r.Box, want)
	}
}

// A sphere's volume and area converge with the square of the edge length.
func TestSphereConverges(t *testing.T) {
	volume, area := 4*math.Pi/3*1000, 4*math.Pi*100
	last := math.Inf(1)
	for n := 2; n <= 6; n++ {
		r := check(t, build(sphere(10, n)...), mesh.Options{})
		if !r.Bounds() || r.Vertices-r.Edges+r.Triangles != 2 {
			t.Fatalf("sphere %d: bounds %v, Euler number %d, want true, 2", n, r.Bounds(), r.Vertices-r.Edges+r.Triangles)
		}
		miss := (volume - r.Volume) / volume
		if miss <= 0 || miss > last/3.5 {
			t.Errorf("sphere %d misses its volume by %.2e after %.2e, want about a quarter", n, miss, last)
		}
		if missArea := (area - r.Area) / area; missArea <= 0 || missArea > miss {
			t.Errorf("sphere %d misses its area by %.2e, its volume by %.2e", n, missArea, miss)
		}
		last = miss
	}
}

func TestTorus(t *testing.T) {
	r := check(t, build(torus(20, 5, 200)...), mesh.Options{})
	if euler := r.Vertices - r.Edges + r.Triangles; !r.Bounds() || euler != 0 {
		t.Errorf("torus: bounds %v, Euler number %d, want true, 0", r.Bounds(), euler)
	}
	near(t, "volume", r.Volume, 2*math.Pi*math.Pi*20*25, 1e-3)
	near(t, "area", r.Area, 4*math.Pi*math.Pi*20*5, 1e-3)
}

// Far from the origin float32 keeps the whole numbers of this cube; the sums
// must keep them too.
func TestVolumeFarAway(t *testing.T) {
	r := check(t, build(box([3]float32{1e6, -1e6, 1e6}, 8)...), mesh.Options{})
	near(t, "volume", r.Volume, 512, 1e-12)
}

func TestDefects(t *testing.T) {
	type counts struct{ open, clashing, crowded, pinched, collapsed, flat, duplicate, flipped, loops, parts int }
	a, b, c := [3]float32{0, 0, 0}, [3]float32{1, 0, 0}, [3]float32{0.5, 0, 0}
	turned := cube()
	turned[5] = flipped(turned[5:6])[0]
	for _, test := range []struct {
		name       string
		tris       []triangle
		want       counts
		watertight bool
		manifold   bool
		oriented   bool
	}{
		{"hole of one triangle", cube()[1:], counts{open: 3, loops: 1, parts: 1}, false, true, true},
		{"hole of one quad", cube()[2:], counts{open: 4, loops: 1, parts: 1}, false, true, true},
		{"hole over two sides", cube()[2:10], counts{open: 6, loops: 1, parts: 1}, false, true, true},
		{"opposite holes", cube()[4:], counts{open: 8, loops: 2, parts: 1}, false, true, true},
		{"one triangle", cube()[:1], counts{open: 3, loops: 1, parts: 1}, false, true, true},
		{"flipped face", turned, counts{clashing: 3, flipped: 1, parts: 1}, false, true, false},
		{"doubled face", append(cube(), cube()[0]), counts{crowded: 3, duplicate: 1, parts: 1}, false, false, false},
		{"tripled face", append(cube(), cube()[0], cube()[0]), counts{crowded: 3, duplicate: 2, parts: 1}, false, false, false},
		{"two sheets back to back", append(cube()[:1], flipped(cube()[:1])...), counts{duplicate: 1, parts: 1}, true, true, true},
		{"cubes that share an edge", append(cube(), box([3]float32{1, 1, 0}, 1)...), counts{crowded: 1, parts: 1}, false, false, false},
		{"cubes that share a vertex", append(cube(), box([3]float32{1, 1, 1}, 1)...), counts{pinched: 1, parts: 2}, true, false, true},
		{"fin", append(cube(), triangle{a, b, {0.5, -1, -1}}), counts{crowded: 1, open: 2, loops: 1, parts: 1}, false, false, false},
		{"collapsed triangle", append(cube(), triangle{a, a, b}), counts{collapsed: 1, parts: 1}, true, true, true},
		{"flat triangle", []triangle{{a, b, c}}, counts{flat: 1, open: 3, loops: 1, parts: 1}, false, true, true},
		{"two cubes", append(cube(), box([3]float32{3, 0, 0}, 1)...), counts{parts: 2}, true, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := check(t, build(test.tris...), mesh.Options{})
			got := counts{r.OpenEdges, r.ClashingEdges, r.CrowdedEdges, r.PinchedVertices, r.CollapsedFaces,
				r.FlatFaces, r.DuplicateFaces, r.FlippedFaces, r.LoopCount, r.Components}
			if got != test.want {
				t.Errorf("counts = %+v, want %+v", got, test.want)
			}
			if r.Watertight != test.watertight || r.Manifold != test.manifold || r.Oriented != test.oriented {
				t.Errorf("watertight %v, manifold %v, oriented %v, want %v, %v, %v",
					r.Watertight, r.Manifold, r.Oriented, test.watertight, test.manifold, test.oriented)
			}
		})
	}
}

func TestOneSided(t *testing.T) {
	r := check(t, build(moebius(40)...), mesh.Options{})
	if !r.OneSided || r.Oriented || r.LoopCount != 1 {
		t.Errorf("Möbius strip: one-sided %v, oriented %v, %d rims, want true, false, 1", r.OneSided, r.Oriented, r.LoopCount)
	}
}

func TestLoop(t *testing.T) {
	r := check(t, build(cube()[2:]...), mesh.Options{Unit: mesh.Centimetre})
	want := mesh.Loop{Edges: 4, Length: 40, Centre: [3]float64{5, 5, 0}, Closed: true}
	if !slices.Equal(r.Loops, []mesh.Loop{want}) {
		t.Errorf("loops = %+v, want %+v", r.Loops, want)
	}
}

func TestSides(t *testing.T) {
	hollow := append(box([3]float32{}, 10), flipped(box([3]float32{2, 2, 2}, 5))...)
	for _, test := range []struct {
		name                       string
		tris                       []triangle
		outward, bounds            bool
		cavities, inverted, nested int
		volume                     float64
	}{
		{"inside out", flipped(cube()), false, false, 0, 1, 0, -1},
		{"cavity", hollow, true, true, 1, 0, 0, 875},
		{"body in a cavity", append(hollow, box([3]float32{3, 3, 3}, 2)...), true, true, 1, 0, 0, 883},
		{"body in a body", append(box([3]float32{}, 10), box([3]float32{2, 2, 2}, 5)...), true, false, 0, 0, 1, 1125},
		{"inverted beside a body", append(box([3]float32{}, 10), flipped(box([3]float32{20, 2, 2}, 5))...), false, false, 0, 1, 0, 875},
		{"no volume", append(cube()[:1], flipped(cube()[:1])...), false, false, 0, 1, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := check(t, build(test.tris...), mesh.Options{})
			if r.Outward != test.outward || r.Bounds() != test.bounds {
				t.Errorf("outward %v, bounds %v, want %v, %v", r.Outward, r.Bounds(), test.outward, test.bounds)
			}
			if r.Cavities != test.cavities || r.Inverted != test.inverted || r.Nested != test.nested {
				t.Errorf("cavities %d, inverted %d, nested %d, want %d, %d, %d", r.Cavities, r.Inverted, r.Nested, test.cavities, test.inverted, test.nested)
			}
			near(t, "volume", r.Volume, test.volume, 1e-9)
			if issues := errorsOf(r); (len(issues) == 0) != test.bounds {
				t.Errorf("Issues() = %v, want errors: %v", issues, !test.bounds)
			}
		})
	}
}

func errorsOf(r *mesh.Report) []issue.Issue {
	return slices.DeleteFunc(r.Issues(), func(i issue.Issue) bool {
		return i.Severity != issue.Error && i.Severity != ""
	})
}

// Cubes that share a face are crowded as one surface and sound each.
func TestSolidsThatTouch(t *testing.T) {
	m := build(append(cube(), box([3]float32{1, 0, 0}, 1)...)...)
	m.Solids = []mesh.Solid{{Name: "left", Count: 12}, {Name: "right", First: 12, Count: 12}}
	r := check(t, m, mesh.Options{})
	if r.Watertight || !r.Bounds() || len(r.Solids) != 2 || !r.Solids[1].Watertight {
		t.Errorf("touching solids: whole watertight %v, bounds %v, solids %+v", r.Watertight, r.Bounds(), r.Solids)
	}
	if e := errorsOf(r); len(e) != 0 {
		t.Errorf("Issues() = %v, want none", e)
	}
	m.Triangles = m.Triangles[:23]
	m.Solids[1].Count = 11
	if r := check(t, m, mesh.Options{}); r.Bounds() {
		t.Error("Bounds() = true with a hole in the second solid")
	}
}

func TestSize(t *testing.T) {
	adult := mesh.Range{Min: 20, Max: 400}
	for _, test := range []struct {
		side   float32
		unit   mesh.Unit
		limits mesh.Range
		want   mesh.Verdict
		likely mesh.Unit
	}{
		{100, "", adult, mesh.Conform, ""},
		{100, "", mesh.Range{}, mesh.NotEvaluated, ""},
		{0.1, "", adult, mesh.Nonconform, mesh.Metre},
		{0.1, mesh.Metre, adult, mesh.Conform, ""},
		{10, "", adult, mesh.Nonconform, mesh.Centimetre},
		{10, mesh.Centimetre, adult, mesh.Conform, ""},
		{4, mesh.Inch, adult, mesh.Conform, ""},
		{1e5, mesh.Millimetre, adult, mesh.Nonconform, mesh.Micrometre},
		{1e7, mesh.Millimetre, adult, mesh.Nonconform, ""},
	} {
		t.Run(fmt.Sprint(test.side, test.unit), func(t *testing.T) {
			r := check(t, build(box([3]float32{}, test.side)...), mesh.Options{Unit: test.unit, Size: test.limits})
			if r.Size != test.want || r.LikelyUnit != test.likely {
				t.Errorf("size %v, likely unit %q, want %v, %q", r.Size, r.LikelyUnit, test.want, test.likely)
			}
		})
	}
	if _, err := mesh.Check(build(cube()...), mesh.Options{Unit: "furlong"}); issue.As(err) == nil {
		t.Errorf("Check(unit furlong) = %v, want a failure", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	nan := build(cube()...)
	nan.Vertices[3][1] = float32(math.NaN())
	for name, m := range map[string]*mesh.Mesh{
		"no triangle":       {},
		"index past end":    {Vertices: make([][3]float32, 2), Triangles: [][3]uint32{{0, 1, 2}}},
		"solid past end":    {Vertices: make([][3]float32, 3), Triangles: [][3]uint32{{0, 1, 2}}, Solids: []mesh.Solid{{First: 1, Count: 1}}},
		"not finite vertex": nan,
	} {
		if _, err := mesh.Check(m, mesh.Options{}); issue.As(err) == nil {
			t.Errorf("Check(%s) = %v, want a failure", name, err)
		}
	}
}
