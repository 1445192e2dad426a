package sample

import (
	"math"
	"math/rand/v2"

	"tenon/mesh"
)

// LimbOptions shape a stump; lengths are in millimetres. A zero field takes its
// default.
type LimbOptions struct {
	Around, Along int     // quads around the limb and along it; default 64 × 48
	Length        float64 // from the open end to the tip; default 150
	Girth         float64 // circumference at the open end; default 320
	// Holes leaves out this many quads in the middle: a defect of a scan.
	Holes int
}

func (o LimbOptions) withDefaults() LimbOptions {
	o.Around, o.Along = max(o.Around, 12), max(o.Along, 12)
	if o.Around == 12 && o.Along == 12 {
		o.Around, o.Along = 64, 48
	}
	if o.Length <= 0 {
		o.Length = 150
	}
	if o.Girth <= 0 {
		o.Girth = 320
	}
	o.Holes = min(max(o.Holes, 0), o.Around/2)
	return o
}

// Stump makes the surface of a transtibial stump as a scanner gives it: one
// surface, open at the proximal end, whose shape varies with the seed; the tip
// points down the z axis and the normals outward.
func Stump(seed int64, o LimbOptions) *mesh.Mesh {
	o = o.withDefaults()
	l := newLimb(seed, o)
	m := &mesh.Mesh{}
	for j := range o.Along {
		for i := range o.Around {
			m.Vertices = append(m.Vertices, l.point(float64(i)/float64(o.Around), float64(j)/float64(o.Along)))
		}
	}
	tip := uint32(len(m.Vertices))
	m.Vertices = append(m.Vertices, l.point(0, 1))
	at := func(i, j int) uint32 { return uint32(j*o.Around + i%o.Around) }
	for j := range o.Along {
		for i := range o.Around {
			switch {
			case j == o.Along-1:
				m.Triangles = append(m.Triangles, [3]uint32{at(i, j), tip, at(i+1, j)})
			case j == o.Along/2 && i%2 == 0 && i/2 < o.Holes:
			default:
				m.Triangles = append(m.Triangles, [3]uint32{at(i, j), at(i, j+1), at(i+1, j+1)}, [3]uint32{at(i, j), at(i+1, j+1), at(i+1, j)})
			}
		}
	}
	return withSolid(m, "stump")
}

// Socket makes a shell of even thickness around an open surface such as a stump:
// its inner face is the surface, its brim the rim of it. The surface must be
// oriented, and not be curved inward more tightly than the thickness, else the
// outer face cuts itself.
func Socket(surface *mesh.Mesh, thickness float64) *mesh.Mesh {
	n := uint32(len(surface.Vertices))
	m := &mesh.Mesh{Vertices: append([][3]float32(nil), surface.Vertices...)}
	for i, normal := range smoothed(surface, normals(surface), smoothings) {
		v := surface.Vertices[i]
		m.Vertices = append(m.Vertices, [3]float32{
			grid(float64(v[0]) + float64(normal[0]*thickness)), grid(float64(v[1]) + float64(normal[1]*thickness)), grid(float64(v[2]) + float64(normal[2]*thickness)),
		})
	}
	open := map[[2]uint32]bool{}
	for _, t := range surface.Triangles {
		m.Triangles = append(m.Triangles, [3]uint32{t[0], t[2], t[1]}, [3]uint32{t[0] + n, t[1] + n, t[2] + n})
		for k := range t {
			open[[2]uint32{t[k], t[(k+1)%3]}] = true
		}
	}
	for _, t := range surface.Triangles {
		for k := range t {
			a, b := t[k], t[(k+1)%3]
			if !open[[2]uint32{b, a}] {
				m.Triangles = append(m.Triangles, [3]uint32{a, b, b + n}, [3]uint32{a, b + n, a + n})
			}
		}
	}
	return withSolid(m, "socket")
}

// smoothings is how often a normal takes the mean of its neighbours, so that the
// outer face does not follow every pore of a scanned skin.
const smoothings = 8

// smoothed are the normals after that many rounds.
func smoothed(m *mesh.Mesh, all [][3]float64, rounds int) [][3]float64 {
	for range rounds {
		sums := make([][3]float64, len(all))
		for _, t := range m.Triangles {
			for k, v := range t {
				for x := range 3 {
					sums[v][x] += all[v][x] + all[t[(k+1)%3]][x] + all[t[(k+2)%3]][x]
				}
			}
		}
		for i := range sums {
			sums[i] = unit(sums[i])
		}
		all = sums
	}
	return all
}

// normals are the unit normals of the vertices, by the area of their triangles.
func normals(m *mesh.Mesh) [][3]float64 {
	all := make([][3]float64, len(m.Vertices))
	for _, t := range m.Triangles {
		var e, f [3]float64
		for k := range 3 {
			e[k] = float64(m.Vertices[t[1]][k]) - float64(m.Vertices[t[0]][k])
			f[k] = float64(m.Vertices[t[2]][k]) - float64(m.Vertices[t[0]][k])
		}
		c := [3]float64{float64(e[1]*f[2]) - float64(e[2]*f[1]), float64(e[2]*f[0]) - float64(e[0]*f[2]), float64(e[0]*f[1]) - float64(e[1]*f[0])}
		for _, v := range t {
			for k := range 3 {
				all[v][k] += c[k]
			}
		}
	}
	for i := range all {
		all[i] = unit(all[i])
	}
	return all
}

func unit(v [3]float64) [3]float64 {
	if length := math.Sqrt(float64(v[0]*v[0]) + float64(v[1]*v[1]) + float64(v[2]*v[2])); length > 0 {
		return [3]float64{v[0] / length, v[1] / length, v[2] / length}
	}
	return v
}

// limb is a tapering ellipse with a few low waves and a round tip.
type limb struct {
	LimbOptions
	flat  float64
	waves [3]wave
}

func newLimb(seed int64, o LimbOptions) limb {
	r := rand.New(rand.NewPCG(uint64(seed), 0x50c))
	l := limb{LimbOptions: o, flat: 0.85 + 0.1*r.Float64()}
	for i := range l.waves {
		l.waves[i] = wave{height: 0.03 * (r.Float64() - 0.5), along: 1 + 2*r.Float64(), across: float64(1 + r.IntN(3)), phase: 2 * math.Pi * r.Float64()}
	}
	return l
}

// point is the place at a part of the turn and of the way to the tip.
func (l limb) point(turn, way float64) [3]float32 {
	const round = 0.75 // where the tip begins
	width := 1 - 0.25*way
	z := way
	if way > round {
		a := (way - round) / (1 - round) * math.Pi / 2
		width = (1 - 0.25*round) * math.Cos(a)
		z = round + float64((1-round)*math.Sin(a))
	}
	lift := 1.0
	for _, w := range l.waves {
		lift += float64(w.height * math.Sin(float64(w.along*way*3)+w.phase) * math.Cos(float64(w.across*2*math.Pi*turn)))
	}
	r := l.Girth / (2 * math.Pi) * width * lift
	a := 2 * math.Pi * turn
	return [3]float32{grid(r * math.Cos(a)), grid(float64(r*l.flat) * math.Sin(a)), grid(-z * l.Length)}
}
