package mesh

// Mesh is a set of triangles over shared vertices, in the unit of its file
// (STL carries none). Vertices are equal when their coordinates are bit-equal;
// negative zero counts as zero.
type Mesh struct {
	Vertices  [][3]float32
	Triangles [][3]uint32 // indices into Vertices, in the order of the file
	Solids    []Solid     // in the order of the file; they cover all triangles
	Source    Source
}

// Solid is a named run of triangles: the "solid" of an ASCII STL.
type Solid struct {
	Name  string
	First int // index of its first triangle
	Count int
}

// Format is the encoding that a mesh was read from.
type Format string

// The formats that the readers tell apart.
const (
	BinarySTL Format = "binary STL"
	ASCIISTL  Format = "ASCII STL"
)

// Source says what a reader saw besides the triangles.
type Source struct {
	Format Format
	Bytes  int64
	// OpposedNormals counts facets whose stored normal points against the
	// right-hand winding of their vertices, which STL says it must not.
	OpposedNormals int
	// AbsentNormals counts facets that store 0 0 0.
	AbsentNormals int
}

// Limits bound what a reader accepts; a zero field takes its default.
type Limits struct {
	Bytes     int64 // of the file; default 1 GiB
	Triangles int   // default 5,000,000, most 16,777,215
	Solids    int   // default 65,536
}

const (
	defaultBytes     = 1 << 30
	defaultTriangles = 5_000_000
	// mostTriangles is what keeps the two STL encodings apart: the last byte
	// of a smaller binary count is NUL, which no text holds.
	mostTriangles = 1<<24 - 1
	defaultSolids = 1 << 16
)

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Triangles <= 0 {
		l.Triangles = defaultTriangles
	}
	l.Triangles = min(l.Triangles, mostTriangles)
	if l.Solids <= 0 {
		l.Solids = defaultSolids
	}
	return l
}

// triangle returns the corners of triangle t as float64, in file units.
func (m *Mesh) triangle(t int) (a, b, c point) {
	i := m.Triangles[t]
	return wide(m.Vertices[i[0]]), wide(m.Vertices[i[1]]), wide(m.Vertices[i[2]])
}
