package dicom

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Longest lengths of an explicit element (PS3.5 §7.1.2).
const (
	maxShort  = 0xFFFE
	maxLength = 0xFFFFFFFE
)

// implementation is the Implementation Class UID of what this package composes,
// derived from a UUID (PS3.5 §B.2).
const implementation = "2.25.23436154810685407644369418482912126183"

// AppendHead appends preamble, prefix and file meta information. They depend on
// class, instance and syntax alone (PS3.10 §7.1).
func AppendHead(dst []byte, class, instance, syntax string) []byte {
	g := &composer{}
	g.value(0x00020001, OB, []byte{0, 1})
	g.value(MediaSOPClass, UI, []byte(class))
	g.value(MediaSOPInstance, UI, []byte(instance))
	g.value(TransferSyntaxUID, UI, []byte(syntax))
	g.value(0x00020012, UI, []byte(implementation))
	h := &composer{buf: append(append(dst, make([]byte, 128)...), "DICM"...)}
	h.value(MetaGroupLength, UL, binary.LittleEndian.AppendUint32(nil, uint32(len(g.buf)))) //nolint:gosec // some hundred bytes
	return append(h.buf, g.buf...)
}

func padding(v VR) byte {
	if v.Text() && v != UI {
		return ' '
	}
	return 0
}

// item writes the head of an item or a delimiter.
func (c *composer) item(t Tag, n int64) {
	c.buf = binary.LittleEndian.AppendUint16(c.buf, t.Group())
	c.buf = binary.LittleEndian.AppendUint16(c.buf, t.Element())
	c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(n)) //nolint:gosec // judged before; Undefined is all ones
}

// head writes tag, VR and length.
func (c *composer) head(t Tag, v VR, n int64) {
	if v.LongLength() {
		c.buf = binary.LittleEndian.AppendUint16(c.buf, t.Group())
		c.buf = binary.LittleEndian.AppendUint16(c.buf, t.Element())
		c.buf = append(c.buf, byte(v>>8), byte(v), 0, 0)
		c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(n)) //nolint:gosec // judged before
		return
	}
	c.buf = binary.LittleEndian.AppendUint16(c.buf, t.Group())
	c.buf = binary.LittleEndian.AppendUint16(c.buf, t.Element())
	c.buf = append(c.buf, byte(v>>8), byte(v))
	c.buf = binary.LittleEndian.AppendUint16(c.buf, uint16(n)) //nolint:gosec // judged before
}

// value writes an element whose length its VR can tell.
func (c *composer) value(t Tag, v VR, b []byte) {
	c.head(t, v, int64(len(b)+len(b)%2))
	c.buf = append(c.buf, b...)
	if len(b)%2 != 0 {
		c.buf = append(c.buf, padding(v))
	}
}

// fitting writes an element; what a length of 16 bits cannot tell is written as
// UN (PS3.5 §6.2.2).
func (c *composer) fitting(t Tag, v VR, b []byte) {
	if !v.LongLength() && len(b) > maxShort {
		c.warn(t, "is longer than its value representation allows; it is written as UN")
		v = UN
	}
	c.value(t, v, b)
}

// texts are the values of a textual element, divided by backslashes.
func (c *composer) texts(t Tag, v VR, values []json.RawMessage) string {
	list := make([]string, len(values))
	for i, raw := range values {
		list[i] = c.text(t, v, raw)
		if !v.form().one && strings.Contains(list[i], `\`) {
			c.warn(t, "holds a backslash, which divides values")
		}
	}
	if v.form().one && len(list) > 1 {
		c.warn(t, "has several values, but its value representation has one")
	}
	return strings.Join(list, `\`)
}

func (c *composer) text(t Tag, v VR, raw json.RawMessage) string {
	var s string
	switch {
	case string(raw) == "null":
		return ""
	case v == PN && raw[0] == '{':
		return c.name(t, raw)
	case json.Unmarshal(raw, &s) == nil:
		if v == PN && s != "" {
			c.warn(t, "is a person name, but no object of component groups")
		}
		if (v == DS || v == IS) && s != "" && !decimal(s) {
			c.warn(t, "is no number")
		}
		return s
	case v == DS || v == IS:
		return string(raw) // a number as it was written
	case raw[0] == '{' || raw[0] == '[':
		c.warn(t, "has a value of another kind than its value representation; it is left out")
		return ""
	}
	c.warn(t, "has a value of another kind than its value representation")
	return string(raw)
}

func decimal(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil
}

// name joins the component groups of a person name (F.2.2).
func (c *composer) name(t Tag, raw json.RawMessage) string {
	var n struct{ Alphabetic, Ideographic, Phonetic string }
	if json.Unmarshal(raw, &n) != nil {
		c.warn(t, "is no person name of the DICOM JSON model; it is left out")
		return ""
	}
	return strings.TrimRight(n.Alphabetic+"="+n.Ideographic+"="+n.Phonetic, "=")
}

// numbers are the bytes of binary numbers; one that does not fit is written as
// zero.
func (c *composer) numbers(t Tag, v VR, values []json.RawMessage) []byte {
	var out []byte
	for _, raw := range values {
		text := string(raw)
		var s string
		if json.Unmarshal(raw, &s) == nil {
			if text = s; v != AT && v != SV && v != UV && v != FL && v != FD {
				c.warn(t, "is a number written as a text")
			}
		}
		b, ok := appendNumber(out, v, strings.TrimSpace(text))
		if !ok {
			c.warn(t, "has a value that its value representation cannot hold; it is written as zero")
			b, _ = appendNumber(out, v, zeroOf(v))
		}
		out = b
	}
	return out
}

func zeroOf(v VR) string {
	if v == AT {
		return "00000000"
	}
	return "0"
}

// appendNumber appends one number in little endian.
func appendNumber(dst []byte, v VR, text string) ([]byte, bool) {
	le := binary.LittleEndian
	switch v {
	case AT:
		t, ok := ParseTag(text)
		return le.AppendUint16(le.AppendUint16(dst, t.Group()), t.Element()), ok
	case FL:
		f, err := strconv.ParseFloat(text, 32)
		return le.AppendUint32(dst, math.Float32bits(float32(f))), err == nil
	case FD:
		f, err := strconv.ParseFloat(text, 64)
		return le.AppendUint64(dst, math.Float64bits(f)), err == nil
	case US, UL, UV:
		bits := int(v.form().unit) * 8
		n, err := strconv.ParseUint(text, 10, bits)
		return le.AppendUint64(dst, n)[:len(dst)+bits/8], err == nil
	}
	bits := int(v.form().unit) * 8
	n, err := strconv.ParseInt(text, 10, bits)
	return le.AppendUint64(dst, uint64(n))[:len(dst)+bits/8], err == nil //nolint:gosec // the two's complement is meant
}
