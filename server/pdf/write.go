package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Bytes is the document as a file. The same document gives the same bytes.
func (d *Document) Bytes() ([]byte, error) {
	for i := range d.pages { // before the font is cut
		for _, r := range d.foot(i) {
			d.used[r] = true
		}
	}
	var characters []rune
	for r := range d.used {
		if d.font.Has(r) {
			characters = append(characters, r)
		}
	}
	slices.Sort(characters)
	cut, err := ParseFont(d.font.Subset(characters))
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.b.WriteString("%PDF-1.7\n%\xe5\xae\x9a\xe5\x88\xb6\n")
	const catalog, pages, info, font, first = 1, 2, 3, 4, 10
	w.object(catalog, "<< /Type /Catalog /Pages 2 0 R /Lang (zh-CN) /ViewerPreferences << /DisplayDocTitle true >> >>")
	var kids strings.Builder
	for i := range d.pages {
		fmt.Fprintf(&kids, "%d 0 R ", first+2*i)
	}
	w.object(pages, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s] >>", len(d.pages), kids.String()))
	w.object(info, fmt.Sprintf("<< /Title %s /Producer (Tenon) /CreationDate (D:%s) >>", textString(d.title), d.created.UTC().Format("20060102150405Z")))
	d.fonts(w, cut, characters)
	for i, p := range d.pages {
		w.object(first+2*i, fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << /Font << /F %d 0 R >> >> /Contents %d 0 R >>",
			pageWidth, pageHeight, font, first+2*i+1))
		w.stream(first+2*i+1, "", p.content(d, cut, i))
	}
	return w.end(catalog, info), w.err
}

// foot is what stands at the foot of a page.
func (d *Document) foot(i int) string {
	return string(d.clean(fmt.Sprintf("%s  ·  %d / %d", d.footer, i+1, len(d.pages))))
}

// fonts writes the composite font: glyphs are named by their numbers in the cut.
// ISO 32000-2 §9.7
func (d *Document) fonts(w *writer, cut *Font, characters []rune) {
	const name = "TENONA+TenonSans"
	scale := func(n int) int { return n * 1000 / cut.units }
	w.object(4, "<< /Type /Font /Subtype /Type0 /BaseFont /"+name+" /Encoding /Identity-H /DescendantFonts [5 0 R] /ToUnicode 6 0 R >>")
	var widths strings.Builder
	for g := range cut.numGlyph {
		fmt.Fprintf(&widths, "%d ", cut.advance(uint16(g))) //nolint:gosec // at most 65,535 glyphs
	}
	w.object(5, fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "+
		"/FontDescriptor 7 0 R /CIDToGIDMap /Identity /DW 1000 /W [0 [ %s]] >>", name, widths.String()))
	w.stream(6, "", toUnicode(cut, characters))
	w.object(7, fmt.Sprintf("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 8 0 R >>",
		name, scale(cut.box[0]), scale(cut.box[1]), scale(cut.box[2]), scale(cut.box[3]), scale(cut.ascent), scale(cut.descent), scale(cut.ascent)))
	file := d.font.Subset(characters)
	w.stream(8, fmt.Sprintf("/Length1 %d", len(file)), file)
	w.object(9, "null")
}

// toUnicode tells readers which characters the glyphs are, so that text can be
// searched and copied. ISO 32000-2 §9.10.3
func toUnicode(cut *Font, characters []rune) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for part := range slices.Chunk(characters, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(part))
		for _, r := range part {
			fmt.Fprintf(&b, "<%04X> <%s>\n", cut.glyphs[r], hex16(string(r)))
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

func hex16(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String()
}

// textString is a string for people: UTF-16 with its mark. ISO 32000-2 §7.9.2.2
func textString(s string) string { return "<FEFF" + hex16(s) + ">" }

// content is what a page shows.
func (p *page) content(d *Document, cut *Font, number int) []byte {
	var b bytes.Buffer
	for _, r := range p.rules {
		fmt.Fprintf(&b, "0.7 G 0.5 w %d %.2f m %d %.2f l S\n", margin, r.y, pageWidth-margin, r.y)
	}
	b.WriteString("BT\n")
	show := func(x, y, size float64, text []rune, grey bool) {
		if len(text) == 0 {
			return
		}
		shade := 0.0
		if grey {
			shade = 0.35
		}
		fmt.Fprintf(&b, "%.2f g /F %.2f Tf 1 0 0 1 %.2f %.2f Tm <", shade, size, x, y)
		for _, r := range text {
			fmt.Fprintf(&b, "%04X", cut.glyphs[r])
		}
		b.WriteString("> Tj\n")
	}
	for _, l := range p.lines {
		show(l.x, l.y, l.size, l.text, l.grey)
	}
	show(margin, margin-20, sizeSmall, []rune(d.foot(number)), true)
	b.WriteString("ET\n")
	return b.Bytes()
}

// writer writes objects and remembers where they begin.
type writer struct {
	b   bytes.Buffer
	at  []int // by number
	err error
}

func (w *writer) object(number int, body string) {
	for len(w.at) <= number {
		w.at = append(w.at, 0)
	}
	w.at[number] = w.b.Len()
	fmt.Fprintf(&w.b, "%d 0 obj\n%s\nendobj\n", number, body)
}

func (w *writer) stream(number int, more string, data []byte) {
	var z bytes.Buffer
	c, err := zlib.NewWriterLevel(&z, zlib.BestCompression)
	if err == nil {
		_, err = c.Write(data)
	}
	if err == nil {
		err = c.Close()
	}
	if w.err == nil {
		w.err = err
	}
	w.object(number, fmt.Sprintf("<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream", z.Len(), more, z.Bytes()))
}

// end writes the table of objects. The identifier is the digest of what stands
// before it.
func (w *writer) end(catalog, info int) []byte {
	sum := sha256.Sum256(w.b.Bytes())
	start := w.b.Len()
	fmt.Fprintf(&w.b, "xref\n0 %d\n0000000000 65535 f \n", len(w.at))
	for _, at := range w.at[1:] {
		fmt.Fprintf(&w.b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&w.b, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n", len(w.at), catalog, info, sum[:16], sum[:16], start)
	return w.b.Bytes()
}
