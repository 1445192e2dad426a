package sample

import (
	"encoding/binary"
	"strconv"
)

// writer appends elements in explicit little endian (PS3.5 §7.1.2).
type writer struct{ b []byte }

func (w *writer) head(tag uint32, vr string, length int) {
	w.b = binary.LittleEndian.AppendUint16(w.b, uint16(tag>>16))
	w.b = binary.LittleEndian.AppendUint16(w.b, uint16(tag)) //nolint:gosec // the lower half is meant
	w.b = append(w.b, vr...)
	if vr == "OW" {
		w.b = binary.LittleEndian.AppendUint32(append(w.b, 0, 0), uint32(length)) //nolint:gosec // a slice fits
		return
	}
	w.b = binary.LittleEndian.AppendUint16(w.b, uint16(length)) //nolint:gosec // our own short texts
}

// text writes a text of even length; UIDs are padded with NUL.
func (w *writer) text(tag uint32, vr, value string) {
	if len(value)%2 == 1 {
		if vr == "UI" {
			value += "\x00"
		} else {
			value += " "
		}
	}
	w.head(tag, vr, len(value))
	w.b = append(w.b, value...)
}

func (w *writer) short(tag uint32, value uint16) {
	w.head(tag, "US", 2)
	w.b = binary.LittleEndian.AppendUint16(w.b, value)
}

func (w *writer) long(tag, value uint32) {
	w.head(tag, "UL", 4)
	w.b = binary.LittleEndian.AppendUint32(w.b, value)
}

func (w *writer) bytes(tag uint32, vr string, value []byte) {
	w.head(tag, vr, len(value))
	w.b = append(w.b, value...)
}

// decimal is a DS of at most 16 characters.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 32) }
