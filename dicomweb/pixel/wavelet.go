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
