package pixel

import (
	"encoding/binary"
	"errors"

	"tenon/dicomweb/pixel/jpeg2000"
)

// JPEG 2000 and High-Throughput JPEG 2000.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_8.2.4

// wavelet decodes one frame of JPEG 2000.
func wavelet(f Format, stream []byte) (*Frame, error) {
	c, err := jpeg2000.Open(stream)
	if err != nil {
		return nil, waveletFault(err)
	}
	if err := fitsWavelet(c, &f); err != nil {
		return nil, err
	}
	f.Subsampled = false
	// Components, and while they are decoded as many words of 32 bits.
	if err := worth(f.size()+4*f.pixels()*f.Samples, len(stream)); err != nil {
		return nil, err
	}
	out := newFrame(f)
	if err := c.Decode(out.putSigned); err != nil {
		return nil, waveletFault(err)
	}
	switch {
	case f.Photometric == YBRFull422:
		out.Photometric = YBRFull
	case f.Photometric == YBRRCT || f.Photometric == YBRICT:
		out.Photometric = RGB // the decoder undid the transformation
	}
	return out, nil
}

// fitsWavelet judges what the stream says of its picture against what the data
// set says.
func fitsWavelet(c *jpeg2000.Codestream, f *Format) error {
	if c.Height != f.Rows || c.Width != f.Columns || len(c.Components) != f.Samples {
		return malformed("the stream holds %d × %d × %d samples, the data set says %d × %d × %d",
			c.Height, c.Width, len(c.Components), f.Rows, f.Columns, f.Samples)
	}
	for _, of := range c.Components {
		if of.Bits > max(f.Allocated, 8) {
			return malformed("samples of %d bits in BitsAllocated %d", of.Bits, f.Allocated)
		}
	}
	return nil
}

func waveletFault(err error) error {
	for from, to := range map[error]error{jpeg2000.ErrUnsupported: ErrUnsupported, jpeg2000.ErrTooLarge: ErrTooLarge} {
		if errors.Is(err, from) {
			return fault(to, err)
		}
	}
	return fault(ErrMalformed, err)
}

// putSigned stores a part of a row of one component.
func (f *Frame) putSigned(component, x, y int, row []int32) {
	word := f.word()
	step := f.Samples * word
	out := f.Data[(y*f.Columns+x)*step+component*word:]
	switch word {
	case 1:
		for i, v := range row {
			out[i*step] = byte(v)
		}
	case 2:
		for i, v := range row {
			binary.LittleEndian.PutUint16(out[i*step:], uint16(v))
		}
	default:
		for i, v := range row {
			binary.LittleEndian.PutUint32(out[i*step:], uint32(v))
		}
	}
}

// EncodeJPEG2000 writes a frame of 8 or 16 bits as JPEG 2000 without loss. Its
// samples are of BitsStored where they fit, else of BitsAllocated, so that all
// bits are kept.
func EncodeJPEG2000(f *Frame) ([]byte, error) {
	if f.Allocated != 8 && f.Allocated != 16 {
		return nil, unsupported("JPEG 2000 of %d bits", f.Allocated)
	}
	p := &jpeg2000.Picture{Width: f.Columns, Height: f.Rows, Row: f.signedRow}
	depth := f.Stored
	if !f.fitsStored() {
		depth = f.Allocated
	}
	for range f.Samples {
		p.Components = append(p.Components, jpeg2000.Component{Bits: depth, Signed: f.Signed})
	}
	out, err := jpeg2000.Encode(p)
	if err != nil {
		return nil, waveletFault(err)
	}
	return padded(out), nil
}

// signedRow reads the samples of one component in a row.
func (f *Frame) signedRow(component, y int, row []int32) {
	if f.row(y, component, row); !f.Signed {
		return
	}
	unused := 32 - f.Allocated
	for x, v := range row {
		row[x] = v << unused >> unused
	}
}

// fitsStored tells whether all samples are in the range of BitsStored.
func (f *Frame) fitsStored() bool {
	row, least, most := make([]int32, f.Columns), int32(0), int32(1)<<f.Stored-1
	if f.Signed {
		least, most = -1<<(f.Stored-1), 1<<(f.Stored-1)-1
	}
	for i := range f.Samples * f.Rows {
		f.signedRow(i%f.Samples, i/f.Samples, row)
		for _, v := range row {
			if v < least || v > most {
				return false
			}
		}
	}
	return true
}
