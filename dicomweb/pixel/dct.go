package pixel

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
)

// JPEG by discrete cosine transform: 8 bits by the standard library, 12 bits
// in twelve.go.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (Annex F)

// transformed decodes one frame of baseline or extended JPEG.
func transformed(f Format, stream []byte) (*Frame, error) {
	h, adobe, err := peekFrame(stream)
	if err != nil {
		return nil, err
	}
	if err := h.fits(&f); err != nil {
		return nil, err
	}
	// The samples, and the coefficients of progressive ones.
	if err := worth(f.size()+4*f.pixels()*f.Samples, len(stream)); err != nil {
		return nil, err
	}
	if err := countScans(stream); err != nil {
		return nil, err
	}
	switch {
	case h.precision == 8 && h.marker != markerSOF3 && h.marker != markerSOF55:
		return eightBits(f, stream, adobe)
	case h.precision == 12 && (h.marker == markerSOF1 || h.marker == markerSOF2) && f.Samples == 1:
		return twelveBits(f, stream)
	}
	return nil, unsupported("JPEG of %d bits, %d samples, process FF%X", h.precision, f.Samples, h.marker)
}

// peekFrame finds the frame header, and whether a marker before it says that
// colour is YCbCr.
func peekFrame(stream []byte) (h *frameHeader, ycc bool, err error) {
	walk := &segments{b: stream}
	for {
		marker, body, err := walk.next()
		if err != nil {
			return nil, ycc, err
		}
		switch {
		case marker == markerAPP14 && len(body) >= 12 && string(body[:5]) == "Adobe":
			ycc = body[11] == 1
		case marker == 0xE0 && len(body) >= 5 && string(body[:5]) == "JFIF\x00":
			ycc = true
		case marker >= markerSOF0 && marker <= 0xCF && marker != markerDHT && marker != 0xC8 && marker != 0xCC, marker == markerSOF55:
			h, err = parseFrameHeader(marker, body)
			return h, ycc, err
		case marker == markerSOS:
			return nil, ycc, malformed("a scan before the frame header")
		}
	}
}

// maxScans bounds how often the picture is gone through: progressive JPEG has
// about ten scans, and each costs the whole picture however short it is.
const maxScans = 200

func countScans(stream []byte) error {
	walk := &segments{b: stream}
	for n := 0; ; {
		marker, _, err := walk.next()
		if err != nil || marker == markerEOI {
			return nil // what is wrong is told where it is read
		}
		if marker == markerSOS {
			if n++; n > maxScans {
				return fmt.Errorf("pixel: %w: more than %d scans", ErrTooLarge, maxScans)
			}
		}
	}
}

func eightBits(f Format, stream []byte, ycc bool) (*Frame, error) {
	img, err := jpeg.Decode(bytes.NewReader(stream))
	if err != nil {
		return nil, malformed("JPEG: %v", err)
	}
	if b := img.Bounds(); b.Dx() != f.Columns || b.Dy() != f.Rows {
		return nil, malformed("the stream holds another size than its header says")
	}
	f.Subsampled = false
	out := newFrame(f)
	switch img := img.(type) {
	case *image.Gray:
		row := make([]int32, f.Columns)
		for y := range f.Rows {
			for x := range row {
				row[x] = int32(img.Pix[y*img.Stride+x])
			}
			out.putRow(y, 0, row, 0)
		}
	case *image.YCbCr:
		if f.Allocated != 8 {
			return nil, unsupported("JPEG colour in BitsAllocated %d", f.Allocated)
		}
		plain := f.Photometric == RGB && !ycc && img.SubsampleRatio == image.YCbCrSubsampleRatio444
		out.fromYCbCr(img, plain)
	case *image.RGBA:
		out.Photometric = RGB
		for i := range f.pixels() {
			copy(out.Data[3*i:3*i+3], img.Pix[i/f.Columns*img.Stride+i%f.Columns*4:])
		}
	default:
		return nil, unsupported("JPEG of this colour model")
	}
	return out, nil
}

// fromYCbCr writes RGB; plain: the three planes are RGB already.
func (f *Frame) fromYCbCr(img *image.YCbCr, plain bool) {
	f.Photometric = RGB
	o := 0
	for y := range f.Rows {
		for x := range f.Columns {
			l, c := img.YOffset(x, y), img.COffset(x, y)
			r, g, b := img.Y[l], img.Cb[c], img.Cr[c]
			if !plain {
				r, g, b = toRGB(r, g, b)
			}
			f.Data[o], f.Data[o+1], f.Data[o+2] = r, g, b
			o += 3
		}
	}
}
