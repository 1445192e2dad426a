package mesh_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"tenon/fhir/issue"
	"tenon/mesh"
)

// binarySTL writes facets with normals 0 0 0 under any header and count.
func binarySTL(header string, count int, tris ...triangle) []byte {
	head := make([]byte, 80)
	copy(head, header)
	out := binary.LittleEndian.AppendUint32(head, uint32(count))
	for _, t := range tris {
		out = append(out, make([]byte, 12)...)
		for _, v := range t {
			for _, f := range v {
				out = binary.LittleEndian.AppendUint32(out, math.Float32bits(f))
			}
		}
		out = append(out, 0, 0)
	}
	return out
}

const facetText = `facet normal 0 0 1
 outer loop
  vertex 0 0 0
  vertex 1 0 0
  vertex 0 1 0
 endloop
endfacet
`

func read(data []byte) (*mesh.Mesh, error) {
	return mesh.ReadSTL(bytes.NewReader(data), mesh.Limits{})
}

func TestReadBinary(t *testing.T) {
	for _, header := range []string{"", "made by a scanner", "solid", "solid cube\nfacet normal 0 0 1", "SOLID ascii"} {
		t.Run(header, func(t *testing.T) {
			m, err := read(binarySTL(header, 12, cube()...))
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Triangles) != 12 || len(m.Vertices) != 8 || m.Source.Format != mesh.BinarySTL {
				t.Errorf("%d triangles, %d vertices, %s, want 12, 8, binary", len(m.Triangles), len(m.Vertices), m.Source.Format)
			}
			if m.Source.AbsentNormals != 12 || m.Source.Bytes != 84+600 {
				t.Errorf("source = %+v, want 12 absent normals, 684 bytes", m.Source)
			}
		})
	}
}

func TestReadASCII(t *testing.T) {
	two := "solid left\n" + facetText + "endsolid left\nsolid right\n" + facetText + facetText + "endsolid right\n"
	for _, test := range []struct {
		name, file string
		want       []mesh.Solid
	}{
		{"lower case", "solid a name\n" + facetText + "endsolid a name\n", []mesh.Solid{{Name: "a name", Count: 1}}},
		{"upper case", strings.ToUpper("solid A\n" + facetText + "endsolid A\n"), []mesh.Solid{{Name: "A", Count: 1}}},
		{"mixed case", "Solid\nFacet Normal 0 0 1\nOuter Loop\nVertex 0 0 0\nVERTEX 1 0 0\nvertex 0 1 0\nEndLoop\nEndFacet\nEndSolid", []mesh.Solid{{Count: 1}}},
		{"two solids", two, []mesh.Solid{{Name: "left", Count: 1}, {Name: "right", First: 1, Count: 2}}},
		{"two solids, CRLF", strings.ReplaceAll(two, "\n", "\r\n"), []mesh.Solid{{Name: "left", Count: 1}, {Name: "right", First: 1, Count: 2}}},
		{"two solids, CR", strings.ReplaceAll(two, "\n", "\r"), []mesh.Solid{{Name: "left", Count: 1}, {Name: "right", First: 1, Count: 2}}},
		{"tabs and blanks", "\n \tsolid\tx \n" + strings.ReplaceAll(facetText, " ", " \t  ") + "endsolid", []mesh.Solid{{Name: "x", Count: 1}}},
		{"byte order mark", "\xef\xbb\xbfsolid x\n" + facetText + "endsolid x", []mesh.Solid{{Name: "x", Count: 1}}},
		{"Chinese name", "solid 颅骨板\n" + facetText + "endsolid 颅骨板", []mesh.Solid{{Name: "颅骨板", Count: 1}}},
		{"name in an old code page", "solid \xc2\xad\xff\n" + facetText + "endsolid", []mesh.Solid{{Count: 1}}},
		{"name of keywords", "solid facet endsolid\n" + facetText + "endsolid", []mesh.Solid{{Name: "facet endsolid", Count: 1}}},
		{"an empty solid among others", "solid a\nendsolid a\nsolid b\n" + facetText + "endsolid b", []mesh.Solid{{Name: "a"}, {Name: "b", Count: 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := read([]byte(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(m.Solids, test.want) {
				t.Errorf("solids = %+v, want %+v", m.Solids, test.want)
			}
			for _, tri := range m.Triangles {
				if got := m.Vertices[tri[1]]; got != [3]float32{1, 0, 0} {
					t.Errorf("second corner = %v, want 1 0 0", got)
				}
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	number := func(s string) string {
		return "solid\n" + strings.Replace(facetText, "vertex 1 0 0", "vertex 1 "+s+" 0", 1) + "endsolid"
	}
	whole := binarySTL("", 12, cube()...)
	ascii := "solid x\n" + facetText + "endsolid x\n"
	for _, test := range []struct{ name, file, rule, says string }{
		{"empty file", "", "stl-empty", "empty"},
		{"no facets, binary", string(binarySTL("", 0)), "stl-empty", "no triangle"},
		{"no facets, ASCII", "solid\nendsolid", "stl-empty", "no triangle"},
		{"neither", "hello", "stl-truncated", "found 5 bytes"},
		{"a page", "<!DOCTYPE html>" + strings.Repeat("x", 200), "stl-truncated", "215 bytes were found"},
		{"head only", string(whole[:83]), "stl-truncated", "found 83 bytes"},
		{"cut in a facet", string(whole[:200]), "stl-truncated", "684 bytes were expected, but 200 bytes were found"},
		{"cut between facets", string(whole[:134]), "stl-truncated", "684 bytes were expected, but 134 bytes were found"},
		{"too long", string(whole) + "x", "stl-size", "684 bytes were expected, but 685 bytes were found"},
		{"count too small", string(binarySTL("", 11, cube()...)), "stl-size", "634 bytes were expected, but 684 bytes were found"},
		{"count of 4 G", string(binarySTL("", math.MaxUint32, cube()...)), "stl-truncated", "684 bytes were found"},
		{"NaN", string(binarySTL("", 1, triangle{{0, 0, nan}})), "stl-not-finite", "facet 1: a coordinate of the vertex 1"},
		{"infinity", string(binarySTL("", 2, cube()[0], triangle{{}, {}, {inf, 0, 0}})), "stl-not-finite", "facet 2: a coordinate of the vertex 3"},
		{"NaN, ASCII", number("NaN"), "stl-not-finite", "facet 1, before line 8"},
		{"-inf, ASCII", number("-inf"), "stl-not-finite", "vertex 2"},
		{"1e39, ASCII", number("1e39"), "stl-not-finite", "vertex 2"},
		{"1e99999, ASCII", number("1e99999"), "stl-not-finite", "vertex 2"},
		{"NaN normal", strings.Replace(ascii, "normal 0", "normal nan", 1), "stl-not-finite", "normal"},
		{"word for a number", number("abc"), "stl-grammar", `line 5: found "abc" where a number`},
		{"comma", number("1,5"), "stl-grammar", `found "1,5"`},
		{"Go number", number("1_0"), "stl-grammar", `found "1_0"`},
		{"hexadecimal number", number("0x1p3"), "stl-grammar", "0x1p3"},
		{"lone sign", number("-"), "stl-grammar", "number"},
		{"two points", number("1.2.3"), "stl-grammar", "1.2.3"},
		{"long word", number(strings.Repeat("1", 5000)), "stl-grammar", "number"},
		{"four corners", strings.Replace(ascii, " endloop", "  vertex 1 1 0\n endloop", 1), "stl-grammar", `line 7: found "vertex" where endloop`},
		{"two corners", strings.Replace(ascii, "  vertex 1 0 0\n", "", 1), "stl-grammar", "where vertex was expected"},
		{"unknown keyword", strings.Replace(ascii, "endfacet", "endface", 1), "stl-grammar", `"endface" where endfacet`},
		{"no endsolid", "solid x\n" + facetText, "stl-truncated", "1 facets where facet or endsolid"},
		{"cut in a number", ascii[:50], "stl-truncated", "send the complete file"},
		{"text after the end", ascii + "end of file", "stl-grammar", `found "end" where solid`},
		{"long name", "solid " + strings.Repeat("n", 6000) + "\n" + facetText + "endsolid", "stl-grammar", "at most 4096"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := read([]byte(test.file))
			f := issue.As(err)
			if f == nil {
				t.Fatalf("ReadSTL() = %v, %v, want a failure", m, err)
			}
			if f.Issues[0].Rule != test.rule || !strings.Contains(f.Issues[0].Text, test.says) || f.Issues[0].Chinese == "" {
				t.Errorf("failure = %+v, want rule %s, text with %q, Chinese", f.Issues[0], test.rule, test.says)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	ascii := []byte("solid\n" + facetText + "endsolid\nsolid\n" + facetText + "endsolid")
	for _, test := range []struct {
		name string
		file []byte
		lim  mesh.Limits
	}{
		{"triangles, binary", binarySTL("", 12, cube()...), mesh.Limits{Triangles: 11}},
		{"triangles, ASCII", ascii, mesh.Limits{Triangles: 1}},
		{"bytes, binary", binarySTL("", 12, cube()...), mesh.Limits{Bytes: 683}},
		{"bytes, ASCII", ascii, mesh.Limits{Bytes: int64(len(ascii)) - 1}},
		{"solids", ascii, mesh.Limits{Solids: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := mesh.ReadSTL(bytes.NewReader(test.file), test.lim)
			if f := issue.As(err); f == nil || f.Issues[0].Type != issue.TooLong {
				t.Errorf("ReadSTL() = %v, want a failure too-long", err)
			}
			if _, err := read(test.file); err != nil {
				t.Errorf("ReadSTL() without the limit = %v", err)
			}
		})
	}
}

// A head that declares a gigabyte must not make the reader allocate one.
func TestDeclaredCountAllocatesNothing(t *testing.T) {
	file := binarySTL("", 4_900_000, cube()...)
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = read(file)
		}
	}).AllocedBytesPerOp()
	if got > 2<<20 {
		t.Errorf("reading %d bytes allocated %d bytes", len(file), got)
	}
}

// The answer may not depend on how the bytes arrive.
func TestReadInPieces(t *testing.T) {
	var ascii bytes.Buffer
	if err := mesh.WriteASCII(&ascii, build(sphere(10, 4)...)); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"binary": binarySTL("", 12, cube()...), "ASCII": ascii.Bytes()} {
		want, err := read(file)
		if err != nil {
			t.Fatal(err)
		}
		for how, r := range map[string]io.Reader{
			"byte by byte": iotest.OneByteReader(bytes.NewReader(file)),
			"halves":       iotest.HalfReader(bytes.NewReader(file)),
			"early end":    iotest.DataErrReader(bytes.NewReader(file)),
		} {
			got, err := mesh.ReadSTL(r, mesh.Limits{})
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s %s differs from reading at once: %v", name, how, err)
			}
		}
	}
}

// A broken connection is not a fault of the file.
func TestReadFails(t *testing.T) {
	broken := errors.New("connection lost")
	for _, file := range [][]byte{nil, binarySTL("", 12, cube()...)[:100], []byte("solid\n" + facetText)} {
		_, err := mesh.ReadSTL(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken)), mesh.Limits{})
		if !errors.Is(err, broken) || issue.As(err) != nil {
			t.Errorf("ReadSTL() = %v, want the reader's error", err)
		}
	}
}

func TestNegativeZeroIsZero(t *testing.T) {
	z := float32(math.Copysign(0, -1))
	tris := cube()
	tris[0][0] = [3]float32{z, z, z}
	m, err := read(binarySTL("", 12, tris...))
	if err != nil || len(m.Vertices) != 8 {
		t.Errorf("%d vertices, %v, want 8", len(m.Vertices), err)
	}
}

func TestNormals(t *testing.T) {
	m, err := read([]byte("solid\n" + facetText + strings.Replace(facetText, "0 0 1", "0 0 -1", 1) + strings.Replace(facetText, "0 0 1", "0 0 0", 1) + "endsolid"))
	if err != nil || m.Source.OpposedNormals != 1 || m.Source.AbsentNormals != 1 {
		t.Errorf("source = %+v, %v, want 1 opposed and 1 absent normal", m.Source, err)
	}
}

// Every decimal must read as the float32 that strconv says is nearest.
func TestNumbers(t *testing.T) {
	list := []string{"0", "-0", "+1", "1.", ".5", "-.5e1", "1e5", "1E+5", "1e-5", "16777217", "16777219", "0.1",
		"9007199254740993", "1.00000017881393421514957253748434595763683319091796875001",
		"1.17549429e-38", "1e-45", "7e-46", "7.1e-46", "3.4028235e38", "3.40282356e38", "123456789012345678901234567890",
		"8388608.5", "8388609.5", "1.000000059604644775390625", "1.0000000596046447754", "000000000000000000001.5", "1e22", "1e-22", "1e-23"}
	x := uint64(1)
	for range 20000 {
		x = x*6364136223846793005 + 1442695040888963407
		f := math.Float32frombits(uint32(x >> 32))
		if f-f == 0 {
			list = append(list, strconv.FormatFloat(float64(f), 'g', int(x%12)+1, 64), fmt.Sprintf("%.*f", x%8, math.Mod(float64(f), 1000)))
		}
	}
	list = append(list, nearTies()...)
	var file strings.Builder
	var want []float32
	file.WriteString("solid\n")
	for _, s := range list {
		facet := "facet normal 0 0 0 outer loop vertex " + s + " 1 0 vertex 0 0 1 vertex 0 0 2 endloop endfacet\n"
		f, err := strconv.ParseFloat(s, 32)
		if err == nil {
			file.WriteString(facet)
			want = append(want, float32(f))
		} else if f := issue.As(readError(facet)); f == nil || f.Issues[0].Rule != "stl-not-finite" {
			t.Errorf("%s, too large for float32, reads as %v, want stl-not-finite", s, f)
		}
	}
	file.WriteString("endsolid")
	m, err := read([]byte(file.String()))
	if err != nil || len(m.Triangles) != len(want) {
		t.Fatalf("ReadSTL() = %v, want %d facets", err, len(want))
	}
	for i, f := range want {
		if got := m.Vertices[m.Triangles[i][0]][0]; got != f {
			t.Errorf("number %d = %b, want %b", i, got, f)
		}
	}
}

// nearTies are short decimals that float64 rounds onto the middle of two
// float32, so that rounding twice would go wrong.
func nearTies() []string {
	var list []string
	for k := range 100_000 {
		tie := 1 + float64(2*k+1)/(1<<24)
		s := strconv.FormatFloat(tie, 'f', 14, 64)
		if f, _ := strconv.ParseFloat(s, 64); f == tie {
			list = append(list, s, "-"+s)
		}
	}
	return list
}

func readError(facet string) error {
	_, err := read([]byte("solid\n" + facet + "endsolid"))
	return err
}
