package deidentify

import (
	"encoding/binary"
	"io"
	"math"

	"tenon/dicomweb/dicom"
)

const undefined = math.MaxUint32

// writer writes explicit little endian and keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) bytes(b []byte) {
	if w.err == nil && len(b) > 0 {
		_, w.err = w.w.Write(b)
	}
}

func (w *writer) item(t dicom.Tag, n uint32) {
	b := binary.LittleEndian.AppendUint16(nil, t.Group())
	b = binary.LittleEndian.AppendUint16(b, t.Element())
	w.bytes(binary.LittleEndian.AppendUint32(b, n))
}

// head writes tag, VR and a length of 32 bits.
func (w *writer) head(t dicom.Tag, vr dicom.VR, n uint32) {
	b := binary.LittleEndian.AppendUint16(nil, t.Group())
	b = binary.LittleEndian.AppendUint16(b, t.Element())
	b = append(b, byte(vr>>8), byte(vr), 0, 0)
	w.bytes(binary.LittleEndian.AppendUint32(b, n))
}

// value writes an element; what a short length cannot hold is written as UN
// (PS3.5 §6.2.2).
func (w *writer) value(t dicom.Tag, vr dicom.VR, value []byte) {
	if len(value)%2 != 0 {
		pad := byte(' ')
		if vr == dicom.UI || !vr.Text() {
			pad = 0
		}
		value = append(value[:len(value):len(value)], pad)
	}
	switch {
	case vr.LongLength():
		w.head(t, vr, uint32(len(value))) //nolint:gosec // read from 32 bits
	case len(value) > 0xFFFE:
		w.head(t, dicom.UN, uint32(len(value))) //nolint:gosec // the same
	default:
		b := binary.LittleEndian.AppendUint16(nil, t.Group())
		b = binary.LittleEndian.AppendUint16(b, t.Element())
		b = append(b, byte(vr>>8), byte(vr))
		w.bytes(binary.LittleEndian.AppendUint16(b, uint16(len(value))))
	}
	w.bytes(value)
}

// implementation is the Implementation Class UID of what this package writes.
const implementation = "2.25.23436154810685407644369418482912126183"

// meta writes preamble, prefix and file meta information. Those of the original
// are not carried over: they name stations.
func (w *writer) meta(class, instance, syntax string) {
	var group counted
	m := writer{w: &group}
	m.value(0x00020001, dicom.OB, []byte{0, 1})
	m.value(dicom.MediaSOPClass, dicom.UI, []byte(class))
	m.value(dicom.MediaSOPInstance, dicom.UI, []byte(instance))
	m.value(dicom.TransferSyntaxUID, dicom.UI, []byte(syntax))
	m.value(0x00020012, dicom.UI, []byte(implementation))
	w.bytes(append(make([]byte, 128), "DICM"...))
	w.value(dicom.MetaGroupLength, dicom.UL, binary.LittleEndian.AppendUint32(nil, uint32(len(group)))) //nolint:gosec // some hundred bytes
	w.bytes(group)
}

type counted []byte

func (c *counted) Write(b []byte) (int, error) {
	*c = append(*c, b...)
	return len(b), nil
}
