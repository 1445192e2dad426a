package dicom

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Code extensions of ISO 2022 as DICOM uses them: escape sequences designate a
// character set as G0 (bytes below 0x80) or G1 (bytes above), and the state
// returns to the first one at the end of a line, value or name component.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_6.1.2.5

const esc = 0x1B

// graphic is a character set that can be designated. The zero value is ASCII
// as G0 and nothing as G1.
type graphic struct {
	name   string
	double bool // two bytes a character
	decode func(b []byte) string
}

// designation is what G0 and G1 hold.
type designation struct{ g0, g1 graphic }

// high maps the bytes of a set into the upper half and decodes them.
func high(e encoding.Encoding, prefix ...byte) func([]byte) string {
	return func(b []byte) string {
		var up []byte
		for i := 0; i+1 < len(b); i += 2 {
			up = append(append(up, prefix...), b[i]|0x80, b[i+1]|0x80)
		}
		s := decodeWith(e, up)
		if len(b)%2 == 1 {
			s += string(utf8.RuneError)
		}
		return s
	}
}

// single is a set of one byte a character, as G1.
func single(e encoding.Encoding) graphic {
	return graphic{name: "single", decode: func(b []byte) string { return decodeWith(e, b) }}
}

var (
	jisRoman    = graphic{name: "14", decode: romaji}
	jisKatakana = graphic{name: "13", decode: katakana}
	jis208      = graphic{name: "87", double: true, decode: high(japanese.EUCJP)}
	jis212      = graphic{name: "159", double: true, decode: high(japanese.EUCJP, 0x8F)}
	ksx1001     = graphic{name: "149", double: true, decode: high(korean.EUCKR)}
	gb2312      = graphic{name: "58", double: true, decode: high(simplifiedchinese.GBK)}
)

// registered are the sets by their number in the ISO registry.
var registered = map[string]graphic{
	"6": {}, "13": jisKatakana, "87": jis208, "159": jis212, "149": ksx1001, "58": gb2312,
	"100": single(charmap.ISO8859_1), "101": single(charmap.ISO8859_2),
	"109": single(charmap.ISO8859_3), "110": single(charmap.ISO8859_4),
	"144": single(charmap.ISO8859_5), "127": single(charmap.ISO8859_6),
	"126": single(charmap.ISO8859_7), "138": single(charmap.ISO8859_8),
	"148": single(charmap.ISO8859_9), "166": single(charmap.Windows874),
	"203": single(charmap.ISO8859_15),
}

// escapes are the sequences of PS3.3 tables C.12-3 and C.12-4 behind ESC.
var escapes = []struct {
	code   string
	set    graphic
	upward bool // designates G1
}{
	{"(B", graphic{}, false},
	{"(J", jisRoman, false},
	{")I", jisKatakana, true},
	{"$B", jis208, false},
	{"$(D", jis212, false},
	{"$)C", ksx1001, true},
	{"$)A", gb2312, true},
	{"-A", registered["100"], true},
	{"-B", registered["101"], true},
	{"-C", registered["109"], true},
	{"-D", registered["110"], true},
	{"-L", registered["144"], true},
	{"-G", registered["127"], true},
	{"-F", registered["126"], true},
	{"-H", registered["138"], true},
	{"-M", registered["148"], true},
	{"-T", registered["166"], true},
	{"-b", registered["203"], true},
}

// decodeExtended walks the value run by run, a run being bytes of one half under
// one designation.
func (c *Charset) decodeExtended(b []byte, v VR) string {
	var out strings.Builder
	state := c.first
	for len(b) > 0 {
		if b[0] == esc {
			b = b[1+state.escape(b[1:]):]
			continue
		}
		if !state.g0.double && delimits(b[0], v) {
			state = c.first
			out.WriteByte(b[0])
			b = b[1:]
			continue
		}
		n := state.run(b, v)
		state.write(&out, b[:n])
		b = b[n:]
	}
	return out.String()
}

// escape takes the sequence behind ESC and returns its length; an unknown one
// counts nothing, so that its letters stay visible.
func (d *designation) escape(b []byte) int {
	for _, e := range escapes {
		if bytes.HasPrefix(b, []byte(e.code)) {
			if e.upward {
				d.g1 = e.set
			} else {
				d.g0 = e.set
			}
			return len(e.code)
		}
	}
	return 0
}

// delimits tells whether the byte brings back the first state.
func delimits(c byte, v VR) bool {
	switch c {
	case '\r', '\n', '\f', '\t':
		return true
	case '\\':
		return !v.form().one
	case '^', '=':
		return v == PN
	}
	return false
}

// run is the length of the bytes that the same set decodes.
func (d *designation) run(b []byte, v VR) int {
	upper := b[0] >= 0x80
	for i, c := range b {
		if c == esc || (c >= 0x80) != upper || i > 0 && !d.g0.double && delimits(c, v) {
			return i
		}
		// Inside a two-byte set only controls can delimit.
		if i > 0 && d.g0.double && !upper && c < 0x20 {
			return i
		}
	}
	return len(b)
}

func (d *designation) write(out *strings.Builder, b []byte) {
	set := d.g0
	if b[0] >= 0x80 {
		set = d.g1
	}
	switch {
	case set.decode != nil && !(set.double && b[0] < 0x20):
		out.WriteString(set.decode(b))
	case b[0] < 0x80:
		out.Write(b)
	default:
		out.WriteString(defaultRepertoire(b))
	}
}

// romaji is JIS X 0201 below 0x80: ASCII but for the overline; 0x5C stays the
// delimiter that DICOM makes of it.
func romaji(b []byte) string {
	return strings.ReplaceAll(string(b), "~", "‾")
}

// katakana is JIS X 0201 above 0x80.
func katakana(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		if c >= 0xA1 && c <= 0xDF {
			s.WriteRune(rune(c) - 0xA1 + 0xFF61)
		} else {
			s.WriteRune(utf8.RuneError)
		}
	}
	return s.String()
}
