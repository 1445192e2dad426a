package dicomweb

import (
	"encoding/binary"
	"io"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
)

// longValue is the length from which a value is copied, not held.
const longValue = 1 << 20

// element writes one element that is no sequence.
func (t *transcoding) element(s *dicom.Scanner, e *dicom.Token) error {
	vr := e.VR
	if e.Depth == 0 {
		if e.Tag > lossyCompression {
			t.pending()
		}
		switch {
		case e.Tag.Element() == 0, e.Tag == dicom.ExtendedOffsets, e.Tag == dicom.ExtendedLengths:
			return nil // group lengths are retired; the offsets are of other fragments
		case e.Tag.IsPixelData() && t.pixels != nil:
			return t.pixelData()
		}
		if value, ok := t.change[e.Tag]; ok {
			delete(t.change, e.Tag)
			t.w.value(e.Tag, vr, value)
			return nil
		}
	} else if e.Tag.Element() == 0 {
		return nil
	}
	if e.Length > longValue || e.Depth == 0 && e.Tag.IsPixelData() {
		return t.long(e)
	}
	value, err := s.Value(nil)
	if err != nil {
		return err
	}
	if e.Tag == dicom.PixelRepresentation && e.Depth == 0 && len(value) > 1 {
		t.signed = value[0]|value[1] == 1
	}
	if e.Choice != 0 && t.signed {
		vr = e.Choice
	}
	if word := vr.WordSize(); !e.Little && word > 1 {
		value = dicom.Swap(value, word)
	}
	t.w.value(e.Tag, vr, value)
	return nil
}

// pending writes the mark of a lossy picture that the data set lacks.
func (t *transcoding) pending() {
	if value, ok := t.change[lossyCompression]; ok {
		delete(t.change, lossyCompression)
		t.w.value(lossyCompression, dicom.CS, value)
	}
}

// long copies a value without holding it.
func (t *transcoding) long(e *dicom.Token) error {
	body, err := t.bulk.section(dicom.Piece{Offset: e.Offset, Length: e.Length})
	if err != nil {
		return err
	}
	word := e.VR.WordSize()
	if !e.Little && word > 1 {
		body = &swapped{r: body, word: word}
	}
	t.w.header(e.Tag, t.w.fitting(e.VR, e.Length), e.Length+e.Length%2)
	if t.w.err != nil {
		return t.w.err
	}
	n, err := io.Copy(t.w.w, body)
	if err == nil && n != e.Length {
		err = io.ErrUnexpectedEOF
	}
	t.w.bytes(make([]byte, e.Length%2))
	return err
}

// pixelData writes the frames in the coding of the target.
func (t *transcoding) pixelData() error {
	t.pending()
	count := t.pixels.table.Count
	if t.target.Encapsulated {
		t.w.header(dicom.PixelData, dicom.OB, dicom.Undefined)
		t.w.item(dicom.ItemTag, 0) // an empty basic offset table
	} else {
		vr := dicom.OB
		if t.target.Implicit || t.first.Allocated > 8 {
			vr = dicom.OW
		}
		size := int64(len(t.first.Data)) * int64(count)
		t.w.header(dicom.PixelData, vr, size+size%2)
		defer t.w.bytes(make([]byte, size%2))
	}
	for n := 1; n <= count; n++ {
		f := t.first
		if n > 1 {
			var err error
			if f, err = t.frame(n); err != nil {
				return err
			}
		}
		body, err := t.encode(f)
		if err != nil {
			return err
		}
		if t.target.Encapsulated {
			t.w.item(dicom.ItemTag, uint32(len(body)))
		}
		if t.w.bytes(body); t.w.err != nil {
			return t.w.err
		}
	}
	if t.target.Encapsulated {
		t.w.item(dicom.SequenceDelimiter, 0)
	}
	return nil
}

// encode gives a frame in the coding of the target.
func (t *transcoding) encode(f *pixel.Frame) (b []byte, err error) {
	if !t.target.Encapsulated {
		return f.Data, nil
	}
	err = t.door.exclusively(t.r, func() error {
		b, err = pixel.Encode(t.target.UID, f)
		return err
	})
	return b, err
}

// writer writes elements in little endian; the first error stays.
type writer struct {
	w        io.Writer
	implicit bool
	err      error
}

func (w *writer) bytes(b []byte) {
	if w.err == nil && len(b) > 0 {
		_, w.err = w.w.Write(b)
	}
}

// item writes the head of an item or a delimiter.
func (w *writer) item(tag dicom.Tag, length uint32) {
	b := binary.LittleEndian.AppendUint16(nil, tag.Group())
	b = binary.LittleEndian.AppendUint16(b, tag.Element())
	w.bytes(binary.LittleEndian.AppendUint32(b, length))
}

// fitting is the VR, or UN where its length field is too short for the value
// (PS3.5 §6.2.2).
func (w *writer) fitting(vr dicom.VR, length int64) dicom.VR {
	if vr == 0 || !w.implicit && !vr.LongLength() && length > 0xFFFE {
		return dicom.UN
	}
	return vr
}

// header writes tag, VR and length.
func (w *writer) header(tag dicom.Tag, vr dicom.VR, length int64) {
	if w.implicit {
		w.item(tag, uint32(length)) // Undefined is -1, so FFFFFFFF
		return
	}
	b := binary.LittleEndian.AppendUint16(nil, tag.Group())
	b = binary.LittleEndian.AppendUint16(b, tag.Element())
	b = append(b, byte(vr>>8), byte(vr))
	if vr.LongLength() {
		b = binary.LittleEndian.AppendUint32(append(b, 0, 0), uint32(length))
	} else {
		b = binary.LittleEndian.AppendUint16(b, uint16(length))
	}
	w.bytes(b)
}

// value writes an element that is held.
func (w *writer) value(tag dicom.Tag, vr dicom.VR, value []byte) {
	if len(value)%2 != 0 {
		pad := byte(0)
		if vr.Text() && vr != dicom.UI {
			pad = ' '
		}
		value = append(value, pad)
	}
	w.header(tag, w.fitting(vr, int64(len(value))), int64(len(value)))
	w.bytes(value)
}
