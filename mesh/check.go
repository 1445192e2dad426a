package mesh

import (
	"fmt"
	"math"
	"slices"

	"tenon/fhir/issue"
)

// Check measures m and judges whether it bounds a body. It changes nothing.
// The error is an *issue.Failure when the unit is unknown or an index of m
// points past its vertices.
func Check(m *Mesh, o Options) (*Report, error) {
	if o.Unit == "" {
		o.Unit = Millimetre
	}
	if o.Unit.millimetres() == 0 {
		return nil, issue.Errorf(issue.Value, "unit %q is not one of mm, cm, m, um, [in_i]", o.Unit).Rule("mesh-unit")
	}
	if err := sound(m); err != nil {
		return nil, err
	}
	r := &Report{Unit: o.Unit, Limits: o.Size, SelfIntersection: NotEvaluated}
	r.Body = inspect(m, o.Unit)
	if len(m.Solids) == 1 {
		r.Name = m.Solids[0].Name
	}
	if len(m.Solids) > 1 {
		cut := &cutter{mesh: m, place: make([]uint32, len(m.Vertices))}
		for _, s := range m.Solids {
			b := inspect(cut.solid(s), o.Unit)
			b.Name = s.Name
			r.Solids = append(r.Solids, b)
		}
	}
	r.size()
	if o.SelfIntersection {
		r.selfIntersection(m)
	}
	return r, nil
}

// sound refuses a mesh that no reader of ours would make.
func sound(m *Mesh) error {
	if len(m.Triangles) == 0 {
		return noFacets()
	}
	if len(m.Triangles) > mostTriangles {
		return tooManyTriangles(len(m.Triangles), Limits{Triangles: mostTriangles})
	}
	for t, tri := range m.Triangles {
		for _, v := range tri {
			if int(v) >= len(m.Vertices) {
				return issue.Errorf(issue.Structure, "triangle %d names vertex %d of %d", t, v, len(m.Vertices)).Rule("mesh-index")
			}
		}
	}
	for _, s := range m.Solids {
		if s.First < 0 || s.Count < 0 || s.First > len(m.Triangles)-s.Count {
			return issue.Errorf(issue.Structure, "solid %q spans triangles %d…%d of %d", s.Name, s.First, s.First+s.Count, len(m.Triangles)).Rule("mesh-index")
		}
	}
	for i, v := range m.Vertices {
		for _, f := range v {
			if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
				return issue.Errorf(issue.Value, "vertex %d has a coordinate that is not a finite number", i).Rule("mesh-not-finite")
			}
		}
	}
	return nil
}

func inspect(m *Mesh, u Unit) Body {
	s := newSurface(m)
	b := s.topology()
	s.measure(&b, u.millimetres())
	return b
}

// cutter takes solids out of a mesh in time linear in their triangles.
type cutter struct {
	mesh  *Mesh
	place []uint32 // new index + 1 of a vertex; all 0 between calls
}

func (c *cutter) solid(s Solid) *Mesh {
	part := &Mesh{Triangles: slices.Clone(c.mesh.Triangles[s.First : s.First+s.Count])}
	for t := range part.Triangles {
		for k, v := range part.Triangles[t] {
			if c.place[v] == 0 {
				part.Vertices = append(part.Vertices, c.mesh.Vertices[v])
				c.place[v] = uint32(len(part.Vertices))
			}
			part.Triangles[t][k] = c.place[v] - 1
		}
	}
	for _, tri := range c.mesh.Triangles[s.First : s.First+s.Count] {
		for _, v := range tri {
			c.place[v] = 0
		}
	}
	return part
}

// size judges the longest side and, where it fails, looks for the unit that
// the sender may have meant.
func (r *Report) size() {
	r.Size = NotEvaluated
	if r.Limits == (Range{}) {
		return
	}
	side := r.Box.Size()
	longest := max(side[0], side[1], side[2])
	if r.Limits.holds(longest) {
		r.Size = Conform
		return
	}
	r.Size = Nonconform
	raw := longest / r.Unit.millimetres()
	for _, u := range []Unit{Millimetre, Metre, Centimetre, Inch, Micrometre} {
		if u != r.Unit && r.Limits.holds(raw*u.millimetres()) {
			r.LikelyUnit = u
			return
		}
	}
}

func (r Range) holds(v float64) bool { return v >= r.Min && v <= r.Max }

func (r Range) String() string { return fmt.Sprintf("%g…%g", r.Min, r.Max) }
