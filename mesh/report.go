package mesh

// Unit is the length that a file's 1.0 means; STL does not say, so the sender
// must.
type Unit string

// The units; the zero value is Millimetre. Codes are UCUM's.
const (
	Millimetre Unit = "mm"
	Centimetre Unit = "cm"
	Metre      Unit = "m"
	Micrometre Unit = "um"
	Inch       Unit = "[in_i]"
)

// millimetres is the size of one unit; 0 for an unknown one.
func (u Unit) millimetres() float64 {
	switch u {
	case "", Millimetre:
		return 1
	case Centimetre:
		return 10
	case Metre:
		return 1000
	case Micrometre:
		return 0.001
	case Inch:
		return 25.4
	}
	return 0
}

// Options say how to judge a mesh.
type Options struct {
	// Unit of the coordinates; the zero value is Millimetre.
	Unit Unit
	// Size bounds the longest side of the bounding box, in millimetres. Without
	// it the size is not evaluated, never conform.
	Size Range
	// SelfIntersection asks for triangles that meet outside of a common corner
	// or edge, which costs more than all other checks.
	SelfIntersection bool
}

// Range is closed; the zero value means that no limit is configured.
type Range struct{ Min, Max float64 }

// Verdict answers a check that may lack its limit or its precondition.
type Verdict string

// The verdicts.
const (
	NotEvaluated Verdict = "not evaluated"
	Conform      Verdict = "conform"
	Nonconform   Verdict = "nonconform"
)

// Report is what Check found; lengths are in mm, areas in mm², volumes in mm³.
type Report struct {
	Body        // the whole file
	Unit   Unit // that the coordinates were read in
	Size   Verdict
	Limits Range // of Size, as configured
	// LikelyUnit is a unit in which the size would be within the limits, where
	// it is not; empty when there is none.
	LikelyUnit Unit
	// Solids judges every solid by itself when the file has more than one.
	Solids []Body
	// SelfIntersection is Nonconform when triangles meet outside of a common
	// corner or edge: crossing, touching or lying upon each other. It is not
	// evaluated when it was not asked for, or too many boxes overlap.
	SelfIntersection Verdict
	// Cuts counts such pairs of triangles, up to MostCuts.
	Cuts int
	// FirstCut is a pair, as indices of triangles, when Cuts is not 0.
	FirstCut [2]int
}

// Body is the judgement over a run of triangles.
type Body struct {
	Name      string
	Triangles int
	Vertices  int // that a triangle uses
	Edges     int // pairs of vertices that a triangle joins

	OpenEdges       int // with one triangle: the rim of a hole
	ClashingEdges   int // with two triangles that run the same way
	CrowdedEdges    int // with three triangles or more
	PinchedVertices int // where surfaces touch in a point only
	CollapsedFaces  int // that name a vertex twice
	FlatFaces       int // with three vertices on a line
	DuplicateFaces  int // that repeat the vertices of an earlier face
	FlippedFaces    int // that look the other way than most of their surface
	OneSided        bool

	// Loops are the rims, longest first, at most MostLoops; LoopCount is all.
	Loops     []Loop
	LoopCount int

	Components int // surfaces connected by edges
	Cavities   int // components that bound a void inside another
	Inverted   int // components whose inside is out
	Nested     int // components that lie inside another one's material

	// Watertight: every edge has exactly two triangles, in opposite directions.
	Watertight bool
	// Manifold: no edge has more than two triangles, no vertex is pinched.
	Manifold bool
	// Oriented: no two neighbours run against each other.
	Oriented bool
	// Outward: watertight, and the normals of every component point away from
	// the material. False also where that cannot be told.
	Outward bool

	Area   float64 // mm²
	Volume float64 // mm³, signed; it has a meaning only when Watertight
	Box    Box
}

// Loop is a rim of open edges.
type Loop struct {
	Edges  int
	Length float64    // mm
	Centre [3]float64 // mean of its vertices, mm
	Closed bool       // false where non-manifold edges break the rim
}

// Box is the bounding box in mm.
type Box struct{ Min, Max [3]float64 }

// Size returns the sides of the box.
func (b Box) Size() [3]float64 {
	return [3]float64{b.Max[0] - b.Min[0], b.Max[1] - b.Min[1], b.Max[2] - b.Min[2]}
}

// What a report lists at most.
const (
	MostLoops = 64
	MostCuts  = 1000
)

// Bounds reports whether the surface bounds a body: watertight, manifold and
// outward as a whole, or every solid of the file for itself (solids that share
// faces are crowded as a whole and sound each).
func (r *Report) Bounds() bool {
	if r.Body.bounds() {
		return true
	}
	for i := range r.Solids {
		if r.Solids[i].Triangles > 0 && !r.Solids[i].bounds() {
			return false
		}
	}
	return len(r.Solids) > 1
}

func (b *Body) bounds() bool { return b.Watertight && b.Manifold && b.Outward && b.Nested == 0 }
