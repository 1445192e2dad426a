package dimse

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"tenon/dicomweb/dicom"
)

// Element is one element of a data set that is sent: a text, or items.
type Element struct {
	Tag   dicom.Tag
	Value string // UTF-8; several values are divided by backslashes
	Items [][]Element
}

// maxIdentifier bounds the data set of a query.
const maxIdentifier = 1 << 20

// unicodeSet is the Specific Character Set of text beyond ASCII.
const unicodeSet = "ISO_IR 192"

// appendDataSet appends elements in ascending order, explicit or implicit little
// endian. Elements that the dictionary does not know are left out.
func appendDataSet(dst []byte, list []Element, implicit bool) []byte {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Element) int { return int(int64(a.Tag) - int64(b.Tag)) })
	for _, e := range list {
		d, ok := dicom.Lookup(e.Tag)
		if !ok {
			continue
		}
		value := encodeValue(&e, d.VR, implicit)
		dst = binary.LittleEndian.AppendUint16(dst, e.Tag.Group())
		dst = binary.LittleEndian.AppendUint16(dst, e.Tag.Element())
		switch {
		case implicit:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
		case d.VR.LongLength():
			dst = append(dst, byte(d.VR>>8), byte(d.VR), 0, 0)
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
		default:
			if len(value) > 0xFFFE {
				value = value[:0]
			}
			dst = append(dst, byte(d.VR>>8), byte(d.VR))
			dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
		}
		dst = append(dst, value...)
	}
	return dst
}

func encodeValue(e *Element, vr dicom.VR, implicit bool) []byte {
	var b []byte
	switch vr {
	case dicom.SQ:
		for _, item := range e.Items {
			inner := appendDataSet(nil, item, implicit)
			b = binary.LittleEndian.AppendUint16(b, dicom.ItemTag.Group())
			b = binary.LittleEndian.AppendUint16(b, dicom.ItemTag.Element())
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(inner))), inner...)
		}
		return b
	case dicom.US:
		for v := range bytes.SplitSeq([]byte(e.Value), []byte(`\`)) {
			if n, ok := number(v); ok {
				b = binary.LittleEndian.AppendUint16(b, n)
			}
		}
		return b
	case dicom.UI:
		return pad([]byte(e.Value), 0)
	}
	return pad([]byte(e.Value), ' ')
}

func number(b []byte) (uint16, bool) {
	n := 0
	for _, c := range b {
		if n = n*10 + int(c-'0'); c < '0' || c > '9' || n > 0xFFFF {
			return 0, false
		}
	}
	return uint16(n), len(b) > 0
}

func pad(b []byte, with byte) []byte {
	if len(b)%2 != 0 {
		b = append(b, with)
	}
	return b
}

// withCharset adds Specific Character Set where a text needs it.
func withCharset(list []Element) []Element {
	if slices.ContainsFunc(list, beyondASCII) {
		return append(list, Element{Tag: dicom.CharacterSet, Value: unicodeSet})
	}
	return list
}

func beyondASCII(e Element) bool {
	for i := range len(e.Value) {
		if e.Value[i] > '~' {
			return true
		}
	}
	return slices.ContainsFunc(e.Items, func(item []Element) bool { return slices.ContainsFunc(item, beyondASCII) })
}

// readDataSet reads the data set of a message as the tokeniser reads a file.
func readDataSet(r io.Reader, syntax string) (*dicom.File, error) {
	return readLimited(r, syntax, maxIdentifier)
}

func readLimited(r io.Reader, syntax string, limit int64) (*dicom.File, error) {
	head := partTenHead("1", "1.1", syntax)
	return dicom.Read(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, limit)),
		dicom.Options{Limits: dicom.Limits{Tokens: int(limit / 32), Depth: 8, Kept: limit, Inflated: limit}})
}

// partTenHead is preamble, prefix and file meta information of a data set. It
// depends on these three alone, so that an instance makes the same file however
// often and by whom it is sent (PS3.10 §7.1).
func partTenHead(class, instance, syntax string) []byte {
	var group []byte
	group = append(group, 2, 0, 1, 0, 'O', 'B', 0, 0, 2, 0, 0, 0, 0, 1)
	for _, e := range []struct {
		element byte
		value   string
	}{{0x02, class}, {0x03, instance}, {0x10, syntax}, {0x12, implementationClass}} {
		v := pad([]byte(e.value), 0)
		group = append(group, 2, 0, e.element, 0, 'U', 'I', byte(len(v)), byte(len(v)>>8))
		group = append(group, v...)
	}
	out := append(make([]byte, 128, 160+len(group)), "DICM"...)
	out = append(out, 2, 0, 0, 0, 'U', 'L', 4, 0)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(group)))
	return append(out, group...)
}

// skipHead reads past preamble and file meta information of a Part 10 file.
func skipHead(r *bufio.Reader) error {
	if _, err := r.Discard(132); err != nil {
		return err
	}
	for {
		h, err := r.Peek(12)
		if len(h) < 8 || binary.LittleEndian.Uint16(h) != 2 {
			if len(h) == 0 {
				return err
			}
			return nil
		}
		vr := dicom.VR(h[4])<<8 | dicom.VR(h[5])
		n := 8 + int(binary.LittleEndian.Uint16(h[6:]))
		if vr.LongLength() {
			if len(h) < 12 {
				return io.ErrUnexpectedEOF
			}
			n = 12 + int(binary.LittleEndian.Uint32(h[8:]))
		}
		if _, err := r.Discard(n); err != nil {
			return err
		}
	}
}
