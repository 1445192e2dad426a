package mesh

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// asciiReader reads words; keywords match in any letter case, line ends may be
// LF, CRLF or CR, and solids may follow one another.
type asciiReader struct {
	in   *input
	lim  Limits
	x    *indexer
	line int
	// afterCR: the last blank was a CR, whose LF may come with the next window.
	afterCR bool
}

const (
	longestWord = 256
	longestName = 4096
)

func readASCII(in *input, lim Limits) (*Mesh, error) {
	r := &asciiReader{in: in, lim: lim, x: newIndexer(ASCIISTL, lim.Triangles), line: 1}
	if bytes.HasPrefix(in.buf[:in.end], byteOrderMark) {
		in.pos = len(byteOrderMark)
	}
	for {
		word := r.word()
		if word == nil {
			break
		}
		if !is(word, "solid") {
			return nil, r.unexpected(word, "solid")
		}
		if err := r.solid(); err != nil {
			return nil, err
		}
	}
	if err := in.failure(); err != nil {
		return nil, err
	}
	if len(r.x.mesh.Triangles) == 0 {
		return nil, noFacets()
	}
	r.x.mesh.Source.Bytes = in.total
	return r.x.mesh, nil
}

// solid reads what follows the word "solid", up to and with "endsolid [name]".
func (r *asciiReader) solid() error {
	m := r.x.mesh
	if len(m.Solids) == r.lim.Solids {
		return refuse(issue.TooLong, "stl-limit",
			fmt.Sprintf("line %d: the file has more than %d solids", r.line, r.lim.Solids),
			fmt.Sprintf("第 %d 行：文件中的 solid 超过 %d 个", r.line, r.lim.Solids))
	}
	name, err := r.restOfLine()
	if err != nil {
		return err
	}
	s := Solid{Name: name, First: len(m.Triangles)}
	for {
		word := r.word()
		switch {
		case is(word, "facet"):
			if err := r.facet(); err != nil {
				return err
			}
		case is(word, "endsolid"):
			s.Count = len(m.Triangles) - s.First
			m.Solids = append(m.Solids, s)
			_, err := r.restOfLine()
			return err
		default:
			return r.unexpected(word, "facet or endsolid")
		}
	}
}

var (
	beforeNormal = []string{"normal"}
	beforeLoop   = []string{"outer", "loop", "vertex"}
	beforeVertex = []string{"vertex"}
	afterLoop    = []string{"endloop", "endfacet"}
)

// facet reads what follows the word "facet".
func (r *asciiReader) facet() error {
	m := r.x.mesh
	if len(m.Triangles) == r.lim.Triangles {
		return tooManyTriangles(len(m.Triangles)+1, r.lim)
	}
	var f facet
	if used, lines := quickFacet(r.in.buf[r.in.pos:r.in.end], &f); used > 0 {
		r.in.pos += used
		r.line += lines
	} else if err := r.slowFacet(&f); err != nil {
		return err
	}
	if at := f.notFinite(); at >= 0 {
		return notFinite(len(m.Triangles)+1, at, fmt.Sprintf(", before line %d", r.line))
	}
	r.x.add(&f)
	return nil
}

func (r *asciiReader) slowFacet(f *facet) error {
	before := beforeNormal
	for part := range 4 {
		switch part {
		case 1:
			before = beforeLoop
		case 2, 3:
			before = beforeVertex
		}
		if err := r.expect(before); err != nil {
			return err
		}
		for i := range 3 {
			word := r.word()
			bits, ok := parseFloat32(word)
			if !ok || len(word) > longestWord {
				return r.unexpected(word, "a number")
			}
			f[3*part+i] = bits
		}
	}
	return r.expect(afterLoop)
}

func (r *asciiReader) expect(words []string) error {
	for _, w := range words {
		if got := r.word(); !is(got, w) {
			return r.unexpected(got, w)
		}
	}
	return nil
}

// word returns the next word, or nil at the end of the input; it is valid
// until the next call.
func (r *asciiReader) word() []byte {
	in := r.in
	for {
		for in.pos < in.end && blank[in.buf[in.pos]] {
			r.newline()
			in.pos++
		}
		if in.pos < in.end || !in.fill() {
			break
		}
	}
	length := 0
	for {
		b := in.buf[in.pos:in.end]
		for length < len(b) && !blank[b[length]] {
			length++
		}
		if length < len(b) || length > longestWord || !in.fill() {
			break
		}
	}
	if length == 0 {
		return nil
	}
	r.afterCR = false
	word := in.buf[in.pos : in.pos+length]
	in.pos += length
	return word
}

// newline counts a line end at the read position; CR LF is one.
func (r *asciiReader) newline() {
	b := r.in.buf[r.in.pos]
	if b == '\r' || b == '\n' && !r.afterCR {
		r.line++
	}
	r.afterCR = b == '\r'
}

// restOfLine returns the trimmed text up to the end of the line.
func (r *asciiReader) restOfLine() (string, error) {
	in := r.in
	for {
		b := in.buf[in.pos:in.end]
		at := bytes.IndexAny(b, "\r\n")
		if at < 0 && len(b) <= longestName && in.fill() {
			continue
		}
		if at < 0 {
			at = len(b)
		}
		if at > longestName {
			return "", r.unexpected(b[:longestWord], fmt.Sprintf("a name of at most %d bytes", longestName))
		}
		in.pos += at
		if !utf8.Valid(b[:at]) { // an old code page; the name is a label only
			return "", nil
		}
		return strings.TrimSpace(string(b[:at])), nil
	}
}

func (r *asciiReader) unexpected(word []byte, want string) error {
	if err := r.in.failure(); err != nil {
		return err
	}
	if len(word) == 0 {
		return refuse(issue.Structure, "stl-truncated",
			fmt.Sprintf("line %d: the file ends after %d bytes and %d facets where %s was expected; send the complete file", r.line, r.in.total, len(r.x.mesh.Triangles), want),
			fmt.Sprintf("第 %d 行：文件在 %d 字节、%d 个三角面后结束，缺少 %s，请重新提交完整文件", r.line, r.in.total, len(r.x.mesh.Triangles), want))
	}
	found := string(word[:min(len(word), 40)])
	return refuse(issue.Structure, "stl-grammar",
		fmt.Sprintf("line %d: found %q where %s was expected; export the model again", r.line, found, want),
		fmt.Sprintf("第 %d 行：此处应为 %s，实际为 %q，请重新导出模型", r.line, want, found))
}

// is compares a word with a lower-case keyword in any letter case.
func is(word []byte, keyword string) bool {
	if len(word) != len(keyword) {
		return false
	}
	for i, b := range word {
		if b|0x20 != keyword[i] {
			return false
		}
	}
	return true
}

var blank = [256]bool{' ': true, '\t': true, '\n': true, '\v': true, '\f': true, '\r': true}
