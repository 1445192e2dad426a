package dicom

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Charset decodes text under the values of Specific Character Set (0008,0005).
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.12.1.1.2
type Charset struct {
	terms []string
	// whole decodes where no code extensions are used; nil where they are, or
	// for the default repertoire and UTF-8.
	whole encoding.Encoding
	utf8  bool
	// first is what G0 and G1 hold at the start of a value (ISO 2022).
	first    designation
	extended bool
	unknown  bool
}

var defaultCharset = &Charset{}

// whole character sets replace the default repertoire and allow no extension.
var wholeSets = map[string]encoding.Encoding{
	"gb18030":  simplifiedchinese.GB18030,
	"gbk":      simplifiedchinese.GBK,
	"isoir100": charmap.ISO8859_1,
	"isoir101": charmap.ISO8859_2,
	"isoir109": charmap.ISO8859_3,
	"isoir110": charmap.ISO8859_4,
	"isoir144": charmap.ISO8859_5,
	"isoir127": charmap.ISO8859_6,
	"isoir126": charmap.ISO8859_7,
	"isoir138": charmap.ISO8859_8,
	"isoir148": charmap.ISO8859_9,
	"isoir203": charmap.ISO8859_15,
	"isoir166": charmap.Windows874,
}

// ParseCharset reads the values of (0008,0005). Terms are read without regard
// to case, spaces, hyphens and underscores, since files write "ISO-IR 100" and
// "ISO_IR_192"; an unknown term decodes like the default repertoire, and Unknown
// tells of it.
func ParseCharset(terms []string) *Charset {
	if len(terms) == 0 || len(terms) == 1 && terms[0] == "" {
		return defaultCharset
	}
	c := &Charset{terms: terms}
	for i, t := range terms {
		c.term(i, plain(t))
	}
	if len(terms) > 1 && !c.utf8 && c.whole == nil {
		c.extended = true
	}
	return c
}

// term takes one value in its plain form.
func (c *Charset) term(i int, name string) {
	set, isWhole := wholeSets[name]
	switch {
	case name == "isoir192" || name == "utf8":
		c.utf8 = c.utf8 || i == 0
	case name == "isoir13":
		c.first.g0, c.first.g1, c.extended = jisRoman, jisKatakana, true
	case isWhole && i == 0 && len(c.terms) == 1:
		c.whole = set
	case isWhole && (name == "gb18030" || name == "gbk"):
		if i == 0 {
			c.whole = set
		}
	case isWhole || name == "isoir6" || name == "iso2022ir6" || name == "":
		if i == 0 && isWhole { // ISO_IR 100 followed by others
			c.first.g1, c.extended = single(set), true
		}
	default:
		c.extension(i, name)
	}
}

// extension takes a term with code extensions, "ISO 2022 IR n".
func (c *Charset) extension(i int, name string) {
	number, ok := strings.CutPrefix(name, "iso2022ir")
	g, known := registered[number]
	if !ok || !known {
		c.unknown = true
		return
	}
	c.extended = true
	if i != 0 {
		return
	}
	if number == "13" {
		c.first.g0 = jisRoman
	}
	if !g.double || number == "149" || number == "58" {
		c.first.g1 = g
	}
}

// plain drops case, spaces, hyphens and underscores.
func plain(term string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(term))
}

// Unknown tells that a term is none of PS3.3: letters beyond ASCII are lost.
func (c *Charset) Unknown() bool { return c.unknown }

func (c *Charset) equal(o *Charset) bool { return slices.Equal(c.terms, o.terms) }

// Decode gives the text in UTF-8; what cannot be decoded is U+FFFD. The VR says
// which characters bring the code extensions back to their first state.
func (c *Charset) Decode(b []byte, v VR) string {
	if plainASCII(b) {
		return string(b)
	}
	switch {
	case c.utf8:
		return strings.ToValidUTF8(string(b), string(utf8.RuneError))
	case c.whole != nil:
		return decodeWith(c.whole, b)
	case c.extended:
		return c.decodeExtended(b, v)
	}
	return defaultRepertoire(b)
}

// plainASCII tells whether the bytes read the same under every character set:
// ASCII without escape.
func plainASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c == esc {
			return false
		}
	}
	return true
}

// defaultRepertoire is ISO 646; a file that uses more without saying so is often
// UTF-8, and is read as such where it is valid.
func defaultRepertoire(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for _, c := range b {
		if c < utf8.RuneSelf {
			s.WriteByte(c)
		} else {
			s.WriteRune(utf8.RuneError)
		}
	}
	return s.String()
}

func decodeWith(e encoding.Encoding, b []byte) string {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return defaultRepertoire(b)
	}
	return string(out)
}
