package pdf

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// A4 in points, and what is left of it for text.
const (
	pageWidth  = 595
	pageHeight = 842
	margin     = 50
	bottom     = 60
	textWidth  = pageWidth - 2*margin
)

// Document is written from top to bottom. Its zero value is no document: see New.
type Document struct {
	font    *Font
	title   string
	created time.Time
	footer  string

	pages []*page
	y     float64 // baseline of the last line, from below
	used  map[rune]bool
}

// page is a list of lines that were set.
type page struct {
	lines []setLine
	rules []rule
}

type setLine struct {
	x, y, size float64
	text       []rune
	grey       bool
}

type rule struct{ y float64 }

// New begins a document. The footer stands on every page beside its number.
func New(title, footer string, created time.Time) (*Document, error) {
	f, err := Sans()
	if err != nil {
		return nil, err
	}
	d := &Document{font: f, title: title, created: created, footer: footer, used: map[rune]bool{}}
	d.NewPage()
	return d, nil
}

// NewPage goes on at the top of a new page.
func (d *Document) NewPage() {
	d.pages = append(d.pages, &page{})
	d.y = pageHeight - margin
}

// Sizes of type, in points.
const (
	sizeTitle   = 20
	sizeHeading = 13
	sizeText    = 9.5
	sizeSmall   = 7.5
)

// Title is the one of the document.
func (d *Document) Title(text string) { d.block(0, textWidth, sizeTitle, text, false); d.y -= 6 }

// Heading begins a part; it never stands alone at the foot of a page.
func (d *Document) Heading(text string) {
	d.y -= 10
	d.room(70)
	d.block(0, textWidth, sizeHeading, text, false)
	p := d.pages[len(d.pages)-1]
	p.rules = append(p.rules, rule{d.y - 4})
	d.y -= 6
}

// Text is a paragraph.
func (d *Document) Text(text string) { d.block(0, textWidth, sizeText, text, false); d.y -= 3 }

// Small is a paragraph in small type, for what only a machine reads.
func (d *Document) Small(text string) { d.block(0, textWidth, sizeSmall, text, true); d.y -= 2 }

// Pair is a name with its value beside it.
func (d *Document) Pair(name, value string) {
	d.Row([]Cell{{Width: 0.3, Text: name, Grey: true}, {Width: 0.7, Text: value}})
}

// Cell is one column of a row: its share of the width and its text.
type Cell struct {
	Width float64
	Text  string
	Grey  bool
	Small bool
}

// Row sets cells beside each other; a row that does not fit goes to the next page
// as a whole, unless it is longer than one.
func (d *Document) Row(cells []Cell) {
	height, lines := 0.0, make([][][]rune, len(cells))
	for i, c := range cells {
		lines[i] = d.wrap(c.Text, c.size(), c.Width*textWidth-6)
		height = max(height, float64(len(lines[i]))*leading(c.size()))
	}
	if height < pageHeight-margin-bottom {
		d.room(height)
	}
	top, lowest, left := d.y, d.y, float64(margin)
	first := len(d.pages) - 1
	at := first
	for i, c := range cells {
		d.y, at = top, first
		for _, line := range lines[i] {
			if d.y-leading(c.size()) < bottom {
				if at++; at == len(d.pages) {
					d.pages = append(d.pages, &page{})
				}
				d.y = pageHeight - margin
				lowest = d.y
			}
			d.y -= leading(c.size())
			d.set(d.pages[at], left, c.size(), line, c.Grey)
		}
		lowest, left = min(lowest, d.y), left+c.Width*textWidth
	}
	d.y = lowest - 3
}

func (c Cell) size() float64 {
	if c.Small {
		return sizeSmall
	}
	return sizeText
}

func leading(size float64) float64 { return size * 1.4 }

// room goes to the next page where less than that is left.
func (d *Document) room(height float64) {
	if d.y-height < bottom {
		d.NewPage()
	}
}

// block sets lines of text from the left edge.
func (d *Document) block(indent, width, size float64, text string, grey bool) {
	for _, line := range d.wrap(text, size, width-indent) {
		d.room(leading(size))
		d.y -= leading(size)
		d.set(d.pages[len(d.pages)-1], margin+indent, size, line, grey)
	}
}

func (d *Document) set(p *page, x, size float64, line []rune, grey bool) {
	for _, r := range line {
		d.used[r] = true
	}
	p.lines = append(p.lines, setLine{x, d.y, size, line, grey})
}

// clean makes of a text what the font can set: control characters are spaces, a
// character that it lacks is told by its number.
func (d *Document) clean(text string) []rune {
	var out []rune
	for _, r := range text {
		switch {
		case r == '\n':
			out = append(out, r)
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf) || r == unicode.ReplacementChar:
			out = append(out, ' ')
		case d.font.Has(r):
			out = append(out, r)
		default:
			out = append(out, []rune(fmt.Sprintf("[U+%04X]", r))...)
		}
	}
	return out
}

// wrap breaks text into lines: Latin words stay whole where they fit, Chinese
// breaks between any two characters but never before a closing mark.
func (d *Document) wrap(text string, size, width float64) (lines [][]rune) {
	for _, paragraph := range strings.Split(string(d.clean(text)), "\n") {
		rest := []rune(strings.TrimRight(paragraph, " "))
		for len(rest) > 0 {
			n := d.fit(rest, size, width)
			lines = append(lines, rest[:n])
			rest = []rune(strings.TrimLeft(string(rest[n:]), " "))
		}
		if len(strings.TrimSpace(paragraph)) == 0 {
			lines = append(lines, nil)
		}
	}
	return lines
}

const closing = "，。、；：！？）》」』】〉”’,.;:!?)]}%"

// fit tells how many characters go into one line.
func (d *Document) fit(text []rune, size, width float64) int {
	w, last := 0.0, 0
	for i, r := range text {
		w += float64(d.font.advance(d.font.glyphs[r])) * size / 1000
		if w > width && i > 0 {
			if last > 0 {
				return last
			}
			return i
		}
		if i+1 < len(text) && breaks(r, text[i+1]) {
			last = i + 1
		}
	}
	return len(text)
}

func breaks(a, b rune) bool {
	if strings.ContainsRune(closing, b) {
		return false
	}
	return a == ' ' || a == '-' || a == '/' || a >= 0x2e80 || b >= 0x2e80
}
