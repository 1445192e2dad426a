package sample

import (
	"math"
	"math/rand/v2"

	"tenon/mesh"
)

// Options shape a plate; lengths are in millimetres. A zero field takes its
// default.
type Options struct {
	Columns, Rows int     // quads along width and depth; default 48 × 40
	Radius        float64 // of the skull under the plate; default 80
	Width, Depth  float64 // along the surface; default 90 × 70
	Thickness     float64 // default 4
	Slots         int     // openings for screws through both faces, 0 to 8
	// OpenQuads leaves out this many quads of the outer face, so that the
	// plate is not watertight: a defect.
	OpenQuads int
}

func (o Options) withDefaults() Options {
	positive := func(v *float64, d float64) {
		if *v <= 0 {
			*v = d
		}
	}
	if o.Columns < 12 {
		o.Columns = 48
	}
	if o.Rows < 12 {
		o.Rows = 40
	}
	positive(&o.Radius, 80)
	positive(&o.Width, 90)
	positive(&o.Depth, 70)
	positive(&o.Thickness, 4)
	o.Slots = min(max(o.Slots, 0), len(slotPlaces))
	o.OpenQuads = min(max(o.OpenQuads, 0), o.Columns*o.Rows)
	return o
}

// Plate makes a cranial plate: a curved shell with an even thickness whose
// curvature and outline vary with the seed, centred on the z axis with its
// outer face up. It is watertight unless OpenQuads is set.
func Plate(seed int64, o Options) *mesh.Mesh {
	o = o.withDefaults()
	p := &plate{Options: o, skull: newSkull(seed, o)}
	p.points()
	p.faces(p.slots())
	m := &mesh.Mesh{Vertices: p.vertices, Triangles: p.triangles}
	return withSolid(m, "cranial plate")
}

// withSolid drops vertices that no triangle uses and names the one solid.
func withSolid(m *mesh.Mesh, name string) *mesh.Mesh {
	place := make([]uint32, len(m.Vertices)) // new index + 1
	var used [][3]float32
	for t := range m.Triangles {
		for k, v := range m.Triangles[t] {
			if place[v] == 0 {
				used = append(used, m.Vertices[v])
				place[v] = uint32(len(used))
			}
			m.Triangles[t][k] = place[v] - 1
		}
	}
	m.Vertices = used
	m.Solids = []mesh.Solid{{Name: name, Count: len(m.Triangles)}}
	return m
}

type plate struct {
	Options
	skull     skull
	vertices  [][3]float32
	triangles [][3]uint32
}

// at is the vertex of grid point i, j on a face: 0 inner, 1 outer.
func (p *plate) at(i, j, face int) uint32 {
	return uint32((face*(p.Rows+1)+j)*(p.Columns+1) + i)
}

func (p *plate) points() {
	for face := range 2 {
		for j := range p.Rows + 1 {
			for i := range p.Columns + 1 {
				u, v := outline(2*float64(i)/float64(p.Columns)-1, 2*float64(j)/float64(p.Rows)-1)
				p.vertices = append(p.vertices, p.skull.point(u, v, float64(face)*p.Thickness))
			}
		}
	}
}

// faces closes the shell: both faces, and a wall wherever a cell that is there
// meets one that is not. The same rule makes the rim and the slots.
func (p *plate) faces(open func(i, j int) bool) {
	there := func(i, j int) bool {
		return i >= 0 && j >= 0 && i < p.Columns && j < p.Rows && !open(i, j)
	}
	left := p.OpenQuads
	for j := range p.Rows {
		for i := range p.Columns {
			if !there(i, j) {
				continue
			}
			p.quad(p.at(i, j, 0), p.at(i, j+1, 0), p.at(i+1, j+1, 0), p.at(i+1, j, 0))
			if left > 0 && j >= p.Rows/2 {
				left--
			} else {
				p.quad(p.at(i, j, 1), p.at(i+1, j, 1), p.at(i+1, j+1, 1), p.at(i, j+1, 1))
			}
			p.walls(i, j, there)
		}
	}
}

func (p *plate) walls(i, j int, there func(i, j int) bool) {
	wall := func(i, j, k, l int) {
		p.quad(p.at(i, j, 0), p.at(k, l, 0), p.at(k, l, 1), p.at(i, j, 1))
	}
	if !there(i, j-1) {
		wall(i, j, i+1, j)
	}
	if !there(i+1, j) {
		wall(i+1, j, i+1, j+1)
	}
	if !there(i, j+1) {
		wall(i+1, j+1, i, j+1)
	}
	if !there(i-1, j) {
		wall(i, j+1, i, j)
	}
}

// quad adds a, b, c, d, which run counter-clockwise seen from outside.
func (p *plate) quad(a, b, c, d uint32) {
	p.triangles = append(p.triangles, [3]uint32{a, b, c}, [3]uint32{a, c, d})
}

// slotPlaces are centres of screw slots, in parts of columns and rows.
var slotPlaces = [...][2]float64{
	{.2, .25}, {.8, .75}, {.8, .25}, {.2, .75}, {.5, .15}, {.5, .85}, {.35, .5}, {.65, .5},
}

// slots reports which cells a slot leaves open: blocks of 2 × 2 that never
// touch one another or the rim.
func (p *plate) slots() func(i, j int) bool {
	return func(i, j int) bool {
		for _, s := range slotPlaces[:p.Slots] {
			ci, cj := int(s[0]*float64(p.Columns)), int(s[1]*float64(p.Rows))
			if (i == ci || i == ci-1) && (j == cj || j == cj-1) {
				return true
			}
		}
		return false
	}
}

// outline maps the square onto a rounded outline, so that the corners of the
// plate are no points.
func outline(u, v float64) (float64, float64) {
	const round = 0.35
	return u * math.Sqrt(1-round*float64(v*v)/2), v * math.Sqrt(1-round*float64(u*u)/2)
}

// skull is a sphere with a few low waves, the shape of one patient.
type skull struct {
	radius, width, depth float64
	waves                [4]wave
}

type wave struct{ height, along, across, phase float64 }

func newSkull(seed int64, o Options) skull {
	r := rand.New(rand.NewPCG(uint64(seed), 0x7e0))
	s := skull{radius: o.Radius * (0.95 + 0.1*r.Float64()), width: o.Width, depth: o.Depth}
	for i := range s.waves {
		s.waves[i] = wave{
			height: 1.2 * (r.Float64() - 0.5),
			along:  1 + 2*r.Float64(), across: 1 + 2*r.Float64(),
			phase: 2 * math.Pi * r.Float64(),
		}
	}
	return s
}

// point is the place above u, v (each -1…1) at a height over the inner face.
func (s skull) point(u, v, height float64) [3]float32 {
	lift := height
	for _, w := range s.waves {
		lift += float64(w.height * math.Sin(float64(w.along*u)+float64(w.across*v)+w.phase))
	}
	r := s.radius + lift
	a, b := u*s.width/2/s.radius, v*s.depth/2/s.radius
	x := r * math.Sin(a) * math.Cos(b)
	y := r * math.Sin(b)
	z := float64(r*math.Cos(a)*math.Cos(b)) - s.radius
	return [3]float32{grid(x), grid(y), grid(z)}
}

// grid rounds to 1/1024 mm, which hides how a machine rounds the last bits.
func grid(mm float64) float32 { return float32(int64(math.Round(mm*1024))) / 1024 }
