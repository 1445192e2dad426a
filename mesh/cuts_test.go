package mesh_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"tenon/fhir/issue"
	"tenon/mesh"
	"tenon/mesh/sample"
)

func TestSelfIntersection(t *testing.T) {
	at := func(x, y, z float32) [3]float32 { return [3]float32{x, y, z} }
	tilted := triangle{at(0, 0, 0), at(1, 0, 0), at(0, 1, 1)}
	for _, test := range []struct {
		name string
		tris []triangle
		want mesh.Verdict
	}{
		{"cube", cube(), mesh.Conform},
		{"sphere", sphere(10, 4), mesh.Conform},
		{"torus", torus(20, 5, 60), mesh.Conform},
		{"torus that runs into itself", torus(5, 8, 60), mesh.Nonconform},
		{"plates", nil, mesh.Conform},
		{"cubes apart", append(cube(), box(at(1.5, 0, 0), 1)...), mesh.Conform},
		{"cube in a cube", append(cube(), box(at(0.25, 0.25, 0.25), 0.5)...), mesh.Conform},
		{"cubes that cross", append(cube(), box(at(0.5, 0.5, 0.5), 1)...), mesh.Nonconform},
		{"cubes that cross in their middle planes", append(box(at(0, 0, 0), 2), box(at(1, 0, 0), 2)...), mesh.Nonconform},
		{"cube on the face of a cube", append(box(at(0, 0, 0), 2), box(at(0.5, 0.5, 2), 1)...), mesh.Nonconform},
		{"cubes that share an edge", append(cube(), box(at(1, 1, 0), 1)...), mesh.Conform},
		{"cubes that share a vertex", append(cube(), box(at(1, 1, 1), 1)...), mesh.Conform},
		{"corner on an edge", []triangle{{at(0, 0, 0), at(2, 0, 0), at(0, 2, 0)}, {at(1, 0, 0), at(1, -1, 1), at(1, -1, -1)}}, mesh.Nonconform},
		{"neighbours folded upon each other", []triangle{{at(0, 0, 0), at(2, 0, 0), at(0, 2, 0)}, {at(2, 0, 0), at(0, 0, 0), at(1, 1, 0)}}, mesh.Nonconform},
		{"neighbours in one plane", []triangle{{at(0, 0, 0), at(2, 0, 0), at(0, 2, 0)}, {at(2, 0, 0), at(0, 0, 0), at(1, -1, 0)}}, mesh.Conform},
		{"one corner, one through the other", []triangle{{at(0, 0, 0), at(2, 0, 0), at(0, 2, 0)}, {at(0, 0, 0), at(1, 1, 1), at(1, 1, -1)}}, mesh.Nonconform},
		{"one corner, past each other", []triangle{{at(0, 0, 0), at(2, 0, 0), at(0, 2, 0)}, {at(0, 0, 0), at(-1, -1, 1), at(-1, -1, -1)}}, mesh.Conform},
		{"repeated face", []triangle{tilted, tilted}, mesh.Conform},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := build(test.tris...)
			if test.tris == nil {
				m = sample.Plate(4, sample.Options{Slots: 4})
			}
			r := check(t, m, mesh.Options{SelfIntersection: true})
			if r.SelfIntersection != test.want || (r.Cuts > 0) != (test.want == mesh.Nonconform) {
				t.Errorf("self-intersection %v with %d cuts, want %v", r.SelfIntersection, r.Cuts, test.want)
			}
			cut := slices.ContainsFunc(errorsOf(r), func(i issue.Issue) bool { return i.Rule == "mesh-cut" })
			if cut != (test.want == mesh.Nonconform) {
				t.Errorf("Issues() = %v", r.Issues())
			}
		})
	}
	if r := check(t, build(cube()...), mesh.Options{}); r.SelfIntersection != mesh.NotEvaluated {
		t.Errorf("not asked for: %v, want not evaluated", r.SelfIntersection)
	}
}

// vector holds small whole numbers, so that the oracle is exact.
type vector [3]int

func (a vector) sub(b vector) vector { return vector{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func (a vector) cross(b vector) vector {
	return vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func (a vector) dot(b vector) int { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// apart looks for a plane that strictly separates two sets of points: the
// separating axis theorem over all directions that can do it for triangles and
// segments, an algorithm unlike that of the package.
func apart(a, b []vector) bool {
	edges := func(p []vector) (list []vector) {
		for i := range p {
			list = append(list, p[(i+1)%len(p)].sub(p[i]))
		}
		return list
	}
	ea, eb := edges(a), edges(b)
	var axes []vector
	var normals []vector
	for _, e := range [][]vector{ea, eb} {
		for i := range e {
			normals = append(normals, e[i].cross(e[(i+1)%len(e)]))
		}
	}
	axes = append(axes, normals...)
	all := append(append([]vector{}, ea...), eb...)
	for i, e := range all {
		for _, n := range normals {
			axes = append(axes, e.cross(n))
		}
		for _, f := range all[i+1:] {
			axes = append(axes, e.cross(f))
		}
		axes = append(axes, e)
	}
	for _, x := range axes {
		span := func(p []vector) (lo, hi int) {
			lo, hi = p[0].dot(x), p[0].dot(x)
			for _, v := range p {
				lo, hi = min(lo, v.dot(x)), max(hi, v.dot(x))
			}
			return lo, hi
		}
		aLo, aHi := span(a)
		bLo, bHi := span(b)
		if aHi < bLo || bHi < aLo {
			return true
		}
	}
	return false
}

// On a grid of few points all the degenerate cases come up: coplanar, touching
// in a corner, along an edge.
func TestTrianglePairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	met := [3]int{}
	for range 30000 {
		size := 2 + r.IntN(5)
		random := func() vector { return vector{r.IntN(size), r.IntN(size), r.IntN(size)} }
		a, b := []vector{random(), random(), random()}, []vector{random(), random(), random()}
		if r.IntN(3) == 0 {
			b[0] = a[0]
		}
		if flat(a) || flat(b) {
			continue
		}
		shared := 0
		for _, v := range a {
			if slices.Contains(b, v) {
				shared++
			}
		}
		var want bool
		switch {
		case shared == 0:
			want = !apart(a, b)
		case shared == 1:
			x, y := around(a, b), around(b, a)
			want = !apart(x, b) || !apart(y, a)
		default:
			continue
		}
		if want {
			met[shared]++
		}
		got := check(t, build(asTriangle(a), asTriangle(b)), mesh.Options{SelfIntersection: true})
		if (got.SelfIntersection == mesh.Nonconform) != want {
			t.Fatalf("%v and %v: %v, want meeting %v", a, b, got.SelfIntersection, want)
		}
	}
	if met[0] < 500 || met[1] < 500 {
		t.Errorf("only %v pairs met", met)
	}
}

func flat(p []vector) bool { return p[1].sub(p[0]).cross(p[2].sub(p[0])) == vector{} }

// around is the side of a that lies opposite its corner in b.
func around(a, b []vector) []vector {
	return slices.DeleteFunc(slices.Clone(a), func(v vector) bool { return slices.Contains(b, v) })
}

func asTriangle(p []vector) triangle {
	var t triangle
	for k, v := range p {
		t[k] = [3]float32{float32(v[0]), float32(v[1]), float32(v[2])}
	}
	return t
}

// Nearly coplanar far from the origin: only exact signs tell it right.
func TestExactSigns(t *testing.T) {
	const far, step = 1 << 20, 1.0 / 8 // the last bit of float32 there
	a := triangle{{far, far, far}, {far + 64, far, far + 64}, {far, far + 64, far + 64}}
	b := triangle{{far + 8, far + 8, far + 16}, {far + 16, far + 8, far + 24}, {far + 8, far + 16, far + 24}}
	for lift, want := range map[float32]mesh.Verdict{0: mesh.Nonconform, step: mesh.Conform, -step: mesh.Conform} {
		c := b
		for k := range c {
			c[k][2] += lift
		}
		if r := check(t, build(a, c), mesh.Options{SelfIntersection: true}); r.SelfIntersection != want {
			t.Errorf("lifted by %v: %v, want %v", lift, r.SelfIntersection, want)
		}
	}
	tiny := triangle{{1e-38, 0, 0}, {1, 1e-30, 0}, {0, 1, 1e-40}}
	piercing := triangle{{0.3, 0.3, 1e30}, {0.3, 0.3, -1e30}, {5, 5, 1e30}}
	if r := check(t, build(tiny, piercing), mesh.Options{SelfIntersection: true}); r.SelfIntersection != mesh.Nonconform {
		t.Errorf("coordinates from 1e-40 to 1e30: %v, want nonconform", r.SelfIntersection)
	}
}

// Work out of bounds is said, never passed.
func TestSelfIntersectionBound(t *testing.T) {
	var tris []triangle
	for i := range 3000 {
		// Needles side by side along the diagonal: all boxes overlap, nothing meets.
		z := float32(i) / 64
		// Coordinates from 1e-30 to 1e3 in one plane need long arithmetic.
		tris = append(tris, triangle{{1e-30, 1e-30, z}, {1000, 1000, 1000 + z}, {1000, 1000, 1000.001 + z}})
	}
	r := check(t, build(tris...), mesh.Options{SelfIntersection: true})
	if r.SelfIntersection != mesh.NotEvaluated || r.Cuts != 0 {
		t.Errorf("self-intersection %v, %d cuts, want not evaluated", r.SelfIntersection, r.Cuts)
	}
}

func TestSelfIntersectionOfRealMeshes(t *testing.T) {
	for file, want := range map[string]mesh.Verdict{
		"trimesh/20mm-xyz-cube.stl": mesh.Conform,
		"trimesh/unit_sphere.STL":   mesh.Conform,
		"ampscan/stl_file.stl":      mesh.Conform,
		"trimesh/soup.stl":          mesh.Nonconform,
	} {
		m, err := mesh.ReadSTL(bytes.NewReader(dataFile(t, file)), mesh.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if r := check(t, m, mesh.Options{SelfIntersection: true}); r.SelfIntersection != want {
			t.Errorf("%s: %v with %d cuts, want %v", file, r.SelfIntersection, r.Cuts, want)
		}
	}
}

func BenchmarkSelfIntersection(b *testing.B) {
	m := big(b)
	for b.Loop() {
		r, err := mesh.Check(m, mesh.Options{SelfIntersection: true})
		if err != nil || r.SelfIntersection != mesh.Conform {
			b.Fatal(r.SelfIntersection, err)
		}
	}
	b.ReportMetric(float64(len(m.Triangles)), "triangles")
}
