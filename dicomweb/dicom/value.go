package dicom

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// Text is the whole value of a text element in UTF-8, without padding.
func (d *DataSet) Text(e *Element) string {
	b := d.Bytes(e)
	switch e.VR.form().kind {
	case textual:
		return strings.TrimRight(d.charsets[e.charset].Decode(b, e.VR), " \x00")
	case ascii:
		return strings.TrimRight(defaultCharset.Decode(b, e.VR), " \x00")
	}
	return ""
}

// Texts are the values of a text element, each without padding.
func (d *DataSet) Texts(e *Element) []string {
	text := d.Text(e)
	if text == "" {
		return nil
	}
	if e.VR.form().one {
		return []string{text}
	}
	values := strings.Split(text, `\`)
	for i, v := range values {
		values[i] = strings.Trim(v, " \x00")
	}
	return values
}

// String is the first value of a text element of the data set itself, or "".
func (d *DataSet) String(t Tag) string { return d.StringIn(-1, t) }

// StringIn is the first value of a text element of the item at index i, or "".
func (d *DataSet) StringIn(i int, t Tag) string {
	if e, _ := d.Find(i, t); e != nil {
		if v := d.Texts(e); len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// Int is the first value of an element of the data set itself as an integer
// (IS, US, SS, UL, SL).
func (d *DataSet) Int(t Tag) (int64, bool) {
	e, _ := d.Find(-1, t)
	if e == nil {
		return 0, false
	}
	if e.VR.form().kind == ascii {
		n, err := strconv.ParseInt(d.String(t), 10, 64)
		return n, err == nil
	}
	b, unit := d.Bytes(e), int(e.VR.form().unit)
	if e.VR.form().kind != numeric || len(b) < unit {
		return 0, false
	}
	switch e.VR {
	case FL, FD, AT:
		return 0, false
	}
	return integer(e.VR, b, order(!e.little)), true
}

// integer reads one binary integer; UV beyond int64 wraps.
func integer(v VR, b []byte, o binary.ByteOrder) int64 {
	switch v {
	case US:
		return int64(o.Uint16(b))
	case SS:
		return int64(int16(o.Uint16(b)))
	case UL:
		return int64(o.Uint32(b))
	case SL:
		return int64(int32(o.Uint32(b)))
	case SV, UV:
		return int64(o.Uint64(b))
	}
	return 0
}

// float reads one binary floating point number.
func float(v VR, b []byte, o binary.ByteOrder) float64 {
	if v == FL {
		return float64(math.Float32frombits(o.Uint32(b)))
	}
	return math.Float64frombits(o.Uint64(b))
}
