package dicom

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// DICOM JSON model.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F

// Bulk is a value that the JSON names by BulkDataURI.
type Bulk struct {
	// Path is the tag, behind the tags and item numbers (from 1) that lead to
	// it: "7FE00010" or "00880200/1/7FE00010".
	Path   string
	VR     VR
	Little bool
	Piece
}

// JSONOptions say what a JSON document carries.
type JSONOptions struct {
	// Inline is the longest binary value that is written as InlineBinary.
	Inline int64
	// URI is what stands before the path of a Bulk in its BulkDataURI. Its bytes
	// are written as they are.
	URI string
	// MaxBulk bounds the values with a BulkDataURI; those beyond it are written
	// without a value.
	MaxBulk int
}

// AppendJSON appends the data set as a DICOM JSON object, without group 2, and
// lists its bulk values. Text is UTF-8, so Specific Character Set reads
// ISO_IR 192. It never fails: a number that JSON cannot write is a string.
func (f *File) AppendJSON(dst []byte, o JSONOptions) ([]byte, []Bulk) {
	w := jsonWriter{file: f, o: o, out: dst}
	w.object(-1)
	return w.out, w.bulk
}

type jsonWriter struct {
	file *File
	o    JSONOptions
	out  []byte
	path []byte
	bulk []Bulk
}

// object writes the elements of the item at index i.
func (w *jsonWriter) object(i int) {
	w.out = append(w.out, '{')
	first := true
	write := func(c int) {
		e := &w.file.Elements[c]
		if e.Tag.Element() == 0 || e.Tag == TrailingPadding || i < 0 && e.Tag.Group() == 2 {
			return
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.element(c, e)
	}
	if w.file.unordered {
		for _, c := range w.file.sorted(i) {
			write(c)
		}
	} else {
		for c := range w.file.Children(i) {
			write(c)
		}
	}
	w.out = append(w.out, '}')
}

// sorted lists the children by tag; of those that repeat a tag the first stays.
func (d *DataSet) sorted(i int) []int {
	var list []int
	for c := range d.Children(i) {
		list = append(list, c)
	}
	tag := func(c int) Tag { return d.Elements[c].Tag }
	slices.SortStableFunc(list, func(a, b int) int { return int(int64(tag(a)) - int64(tag(b))) })
	return slices.CompactFunc(list, func(a, b int) bool { return tag(a) == tag(b) })
}

func (w *jsonWriter) element(c int, e *Element) {
	const digits = "0123456789ABCDEF"
	mark := len(w.path)
	w.out = append(w.out, '"')
	for shift := 28; shift >= 0; shift -= 4 {
		w.path = append(w.path, digits[e.Tag>>shift&15])
	}
	w.out = append(w.out, w.path[mark:]...)
	w.out = append(w.out, `":{"vr":"`...)
	w.out = append(w.out, byte(e.VR>>8), byte(e.VR))
	w.out = append(w.out, '"')
	switch f := e.VR.form(); {
	case f.kind == items:
		w.items(c, e)
	case !e.kept:
		w.bulkData(e)
	case e.hi == e.lo:
	case e.Tag == CharacterSet:
		w.out = append(w.out, `,"Value":["ISO_IR 192"]`...)
	case f.kind == opaque || f.kind == noKind:
		w.binary(e, f)
	case f.kind == numeric:
		w.numbers(e, f)
	default:
		w.texts(e)
	}
	w.out = append(w.out, '}')
	w.path = w.path[:mark]
}

func (w *jsonWriter) items(c int, e *Element) {
	if int(e.Next) == c+1 {
		return
	}
	w.out = append(w.out, `,"Value":[`...)
	mark, n := len(w.path), 0
	for item := range w.file.Children(c) {
		if n++; n > 1 {
			w.out = append(w.out, ',')
		}
		w.path = append(strconv.AppendInt(append(w.path, '/'), int64(n), 10), '/')
		w.object(item)
		w.path = w.path[:mark]
	}
	w.out = append(w.out, ']')
}

// bulkData writes the place of a value that was not kept.
func (w *jsonWriter) bulkData(e *Element) {
	b := Bulk{VR: e.VR, Little: e.little, Piece: Piece{e.Offset, e.Length}}
	if p := &w.file.Pixels; len(w.path) == 8 && e.Tag == p.Tag {
		b.Piece = Piece{p.Offset, p.Length}
	}
	if b.Length <= 0 || len(w.bulk) >= w.o.MaxBulk {
		return
	}
	b.Path = string(w.path)
	w.bulk = append(w.bulk, b)
	w.out = append(w.out, `,"BulkDataURI":"`...)
	w.out = append(append(w.out, w.o.URI...), b.Path...)
	w.out = append(w.out, '"')
}

// binary writes a short value as base64 of its little endian bytes (F.2.7).
func (w *jsonWriter) binary(e *Element, f form) {
	b := w.file.Bytes(e)
	if int64(len(b)) > w.o.Inline {
		w.bulkData(e)
		return
	}
	if !e.little && f.unit > 1 {
		b = Swap(slices.Clone(b), int(f.unit))
	}
	w.out = append(w.out, `,"InlineBinary":"`...)
	w.out = base64.StdEncoding.AppendEncode(w.out, b)
	w.out = append(w.out, '"')
}

// Swap turns the byte order of every word of unit bytes, in place.
func Swap(b []byte, unit int) []byte {
	for i := 0; i+unit <= len(b); i += unit {
		slices.Reverse(b[i : i+unit])
	}
	return b
}

// WordSize is the number of bytes of one word or number of the VR: what changes
// places under the other byte order.
func (v VR) WordSize() int { return max(1, int(v.form().unit)) }

func (w *jsonWriter) numbers(e *Element, f form) {
	b, unit := w.file.Bytes(e), int(f.unit)
	if e.VR == AT {
		unit = 4
	}
	if len(b) < unit {
		return
	}
	o := order(!e.little)
	w.out = append(w.out, `,"Value":[`...)
	for i := 0; i+unit <= len(b); i += unit {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.number(e.VR, b[i:i+unit], o)
	}
	w.out = append(w.out, ']')
}

func (w *jsonWriter) number(v VR, b []byte, o binary.ByteOrder) {
	switch v {
	case AT:
		t := Tag(o.Uint16(b))<<16 | Tag(o.Uint16(b[2:]))
		w.out = append(append(append(w.out, '"'), t.String()...), '"')
	case FL:
		w.out = appendFloat(w.out, float(v, b, o), 32)
	case FD:
		w.out = appendFloat(w.out, float(v, b, o), 64)
	case SV:
		w.out = appendWide(w.out, strconv.FormatInt(integer(v, b, o), 10))
	case UV:
		w.out = appendWide(w.out, strconv.FormatUint(o.Uint64(b), 10))
	default:
		w.out = strconv.AppendInt(w.out, integer(v, b, o), 10)
	}
}

func (w *jsonWriter) texts(e *Element) {
	values := w.file.Texts(e)
	if e.VR == PN {
		for i, v := range values {
			if strings.Trim(v, "^= ") == "" { // components without content, PS3.5 §6.2.1
				values[i] = ""
			}
		}
	}
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return
	}
	w.out = append(w.out, `,"Value":[`...)
	for i, v := range values {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		switch {
		case v == "":
			w.out = append(w.out, "null"...)
		case e.VR == PN:
			w.out = AppendName(w.out, v)
		case e.VR == DS || e.VR == IS:
			w.out = AppendDecimal(w.out, v)
		default:
			w.out = AppendString(w.out, v)
		}
	}
	w.out = append(w.out, ']')
}
