package mesh

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteBinary writes m as one binary STL solid: triangles and corners in their
// order, coordinates bit for bit, normals computed from the winding (0 0 0
// where a triangle has no area), attributes 0. The header is the name of the
// first solid, without a leading "solid" so that no reader takes it for text.
func WriteBinary(w io.Writer, m *Mesh) error {
	if len(m.Triangles) > math.MaxUint32 {
		return fmt.Errorf("mesh: %d triangles do not fit a binary STL", len(m.Triangles))
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var head [binaryHead]byte
	copy(head[:80], headerText(m))
	binary.LittleEndian.PutUint32(head[80:], uint32(len(m.Triangles)))
	if _, err := out.Write(head[:]); err != nil {
		return err
	}
	var b [binaryFacet]byte
	for t, tri := range m.Triangles {
		putVector(b[0:], m.normal(t))
		for k, v := range tri {
			putVector(b[12+12*k:], m.Vertices[v])
		}
		if _, err := out.Write(b[:]); err != nil {
			return err
		}
	}
	return out.Flush()
}

// WriteASCII writes m as ASCII STL with its solids; the shortest decimals that
// read back to the same float32.
func WriteASCII(w io.Writer, m *Mesh) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	for _, s := range m.Solids {
		name := strings.Join(strings.Fields(s.Name), " ")
		line = append(append(append(line[:0], "solid "...), name...), '\n')
		for t := s.First; t < s.First+s.Count; t++ {
			line = appendVector(append(line, "facet normal"...), m.normal(t))
			line = append(line, "\n outer loop\n"...)
			for _, v := range m.Triangles[t] {
				line = append(appendVector(append(line, "  vertex"...), m.Vertices[v]), '\n')
			}
			line = append(line, " endloop\nendfacet\n"...)
			if _, err := out.Write(line); err != nil {
				return err
			}
			line = line[:0]
		}
		line = append(append(append(line, "endsolid "...), name...), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func headerText(m *Mesh) string {
	if len(m.Solids) == 0 {
		return ""
	}
	name := m.Solids[0].Name
	if len(name) >= 5 && strings.EqualFold(name[:5], "solid") {
		name = "STL " + name
	}
	return name
}

// normal is the unit normal of triangle t by the right-hand rule, or zero.
func (m *Mesh) normal(t int) [3]float32 {
	a, b, c := m.triangle(t)
	n := b.sub(a).cross(c.sub(a))
	l := n.norm()
	if l == 0 {
		return [3]float32{}
	}
	return [3]float32{float32(n[0] / l), float32(n[1] / l), float32(n[2] / l)}
}

func putVector(b []byte, v [3]float32) {
	for i, f := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(f))
	}
}

func appendVector(b []byte, v [3]float32) []byte {
	for _, f := range v {
		b = strconv.AppendFloat(append(b, ' '), float64(f), 'g', -1, 32)
	}
	return b
}
