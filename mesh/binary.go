package mesh

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// A binary STL is an 80-byte header, a little-endian uint32 count and 50 bytes
// a facet: normal and three vertices as float32, and two bytes of attributes
// without agreed meaning.
const (
	binaryHead  = 84
	binaryFacet = 50
)

func readBinary(in *input, lim Limits) (*Mesh, error) {
	if in.end < binaryHead {
		return nil, refuse(issue.Structure, "stl-truncated",
			fmt.Sprintf("not an STL file: found %d bytes, the head of a binary STL alone has %d, and an ASCII STL begins with \"solid\"", in.end, binaryHead),
			fmt.Sprintf("不是 STL 文件：仅 %d 字节，二进制 STL 文件头为 %d 字节，文本 STL 以 solid 开头", in.end, binaryHead))
	}
	name := headerName(in.buf[:80])
	declared := binary.LittleEndian.Uint32(in.buf[80:])
	in.pos = binaryHead
	x := newIndexer(BinarySTL, int(declared))
	if uint64(declared) <= uint64(lim.Triangles) {
		if err := readFacets(in, x, int(declared)); err != nil {
			return nil, err
		}
	}
	// What a wrong count means shows only beside the size of the whole file.
	in.drain()
	if err := in.failure(); err != nil {
		return nil, err
	}
	switch expected := binaryHead + int64(declared)*binaryFacet; {
	case in.total != expected:
		return nil, wrongSize(declared, in.total, expected)
	case declared == 0:
		return nil, noFacets()
	case uint64(declared) > uint64(lim.Triangles):
		return nil, tooManyTriangles(int(declared), lim)
	}
	x.mesh.Solids = []Solid{{Name: name, Count: len(x.mesh.Triangles)}}
	x.mesh.Source.Bytes = in.total
	return x.mesh, nil
}

// readFacets reads up to n facets; it stops without an error where the input
// does.
func readFacets(in *input, x *indexer, n int) error {
	var f facet
	for done := 0; done < n; {
		have := (in.end - in.pos) / binaryFacet
		if have == 0 {
			if !in.fill() {
				return nil
			}
			continue
		}
		for range min(have, n-done) {
			b := in.buf[in.pos : in.pos+binaryFacet]
			for i := range f {
				f[i] = binary.LittleEndian.Uint32(b[4*i:])
			}
			if at := f.notFinite(); at >= 0 {
				return notFinite(done+1, at, "")
			}
			x.add(&f)
			in.pos += binaryFacet
			done++
		}
	}
	return nil
}

// headerName is the readable start of a binary header.
func headerName(head []byte) string {
	s, _, _ := strings.Cut(string(head), "\x00")
	if !utf8.ValidString(s) {
		return ""
	}
	return strings.TrimSpace(s)
}

func wrongSize(declared uint32, found, expected int64) error {
	rule := "stl-size"
	if found < expected {
		rule = "stl-truncated"
	}
	return refuse(issue.Structure, rule,
		fmt.Sprintf("not a whole binary STL: its head declares %d triangles, so %d bytes were expected, but %d bytes were found; send the complete file", declared, expected, found),
		fmt.Sprintf("二进制 STL 不完整：文件头声明 %d 个三角面，应为 %d 字节，实际 %d 字节，请重新提交完整文件", declared, expected, found))
}

func noFacets() error {
	return refuse(issue.Structure, "stl-empty",
		"the file holds no triangle; export the model again", "文件中没有三角面，请重新导出模型")
}
