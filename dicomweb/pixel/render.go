package pixel

import (
	"encoding/binary"
	"image"
	"math"
)

// Look is how samples become a picture: modality transformation, then VOI, then
// presentation; zero values leave a step out.
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_N.2
type Look struct {
	Modality         *LUT
	Slope, Intercept float64 // slope 0 stands for 1
	VOI              *LUT    // wins over Window
	Window           *Window // nil: from the least to the greatest value
	Inverse          bool    // PresentationLUTShape INVERSE; MONOCHROME1 is so by itself
	Padding          *[2]int // PixelPaddingValue and PixelPaddingRangeLimit: no part of the picture's range
	Palette          *[3]LUT
}

// Render makes the picture of a frame: *image.Gray or *image.RGBA.
func Render(f *Frame, l *Look) (image.Image, error) {
	switch {
	case f.Samples == 1 && f.Photometric == Palette:
		return renderPalette(f, l)
	case f.Samples == 1 && (f.Photometric == Monochrome1 || f.Photometric == Monochrome2):
		return renderGray(f, l), nil
	case f.Samples == 3 && f.Allocated <= 16 && (f.Photometric == RGB || f.Photometric == YBRFull):
		return renderColour(f), nil
	}
	return nil, unsupported("PhotometricInterpretation %.16q with %d samples of %d bits", f.Photometric, f.Samples, f.Allocated)
}

// eachValue gives the stored values in order.
func (f *Frame) eachValue(do func(i int, v int)) {
	word, drop, sign := f.word(), f.High+1-f.Stored, 32-f.Stored
	var raw uint32
	for i := range len(f.Data) / word {
		switch b := f.Data[i*word:]; word {
		case 1:
			raw = uint32(b[0])
		case 2:
			raw = uint32(binary.LittleEndian.Uint16(b))
		default:
			raw = binary.LittleEndian.Uint32(b)
		}
		if raw = raw >> drop << sign; f.Signed {
			do(i, int(int32(raw)>>sign))
		} else {
			do(i, int(raw>>sign))
		}
	}
}

// modality maps a stored value to the unit of the modality.
func (l *Look) modality(v int) float64 {
	if l.Modality != nil {
		return float64(l.Modality.at(float64(v)))
	}
	if l.Slope == 0 {
		return float64(v) + l.Intercept
	}
	return float64(v)*l.Slope + l.Intercept
}

// toned maps a stored value to a grey.
func (l *Look) toned(f *Frame, w *Window) func(v int) byte {
	inverse := l.Inverse || f.Photometric == Monochrome1
	return func(v int) byte {
		x := l.modality(v)
		if l.VOI != nil {
			x = l.VOI.unit(x)
		} else {
			x = w.unit(x)
		}
		if inverse {
			x = 1 - x
		}
		return byte(x*255 + 0.5)
	}
}

// maxTable is the greatest BitsStored for which a table of all greys is made.
const maxTable = 16

func renderGray(f *Frame, l *Look) image.Image {
	img := image.NewGray(image.Rect(0, 0, f.Columns, f.Rows))
	w := l.Window
	if w == nil && l.VOI == nil {
		w = l.whole(f)
	}
	tone := l.toned(f, w)
	if f.Stored > maxTable || f.pixels() < 1<<f.Stored {
		f.eachValue(func(i, v int) { img.Pix[i] = tone(v) })
		return img
	}
	first, table := 0, make([]byte, 1<<f.Stored)
	if f.Signed {
		first = -(1 << (f.Stored - 1))
	}
	for i := range table {
		table[i] = tone(first + i)
	}
	f.eachValue(func(i, v int) { img.Pix[i] = table[v-first] })
	return img
}

// whole is the window from the least to the greatest value of a frame.
func (l *Look) whole(f *Frame) *Window {
	least, most := math.Inf(1), math.Inf(-1)
	f.eachValue(func(_, v int) {
		if l.Padding == nil || v < min(l.Padding[0], l.Padding[1]) || v > max(l.Padding[0], l.Padding[1]) {
			x := l.modality(v)
			least, most = min(least, x), max(most, x)
		}
	})
	if most <= least || math.IsInf(least, 0) || math.IsInf(most, 0) {
		least = min(max(least, -1e9), 1e9)
		return &Window{Center: least + 0.5, Width: 1, Function: LinearExact}
	}
	return &Window{Center: (least + most) / 2, Width: most - least, Function: LinearExact}
}

func renderPalette(f *Frame, l *Look) (image.Image, error) {
	if l.Palette == nil {
		return nil, unsupported("PALETTE COLOR without the data of its palette")
	}
	img := image.NewRGBA(image.Rect(0, 0, f.Columns, f.Rows))
	f.eachValue(func(i, v int) {
		for c := range l.Palette {
			t := &l.Palette[c]
			img.Pix[4*i+c] = byte(t.at(float64(v)) >> (t.Bits - 8))
		}
		img.Pix[4*i+3] = 0xFF
	})
	return img, nil
}

func renderColour(f *Frame) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, f.Columns, f.Rows))
	most := 1<<f.Stored - 1
	unsigned := *f
	unsigned.Signed = false
	unsigned.eachValue(func(i, v int) {
		if f.Stored != 8 {
			v = (v*255 + most/2) / most
		}
		img.Pix[i/3*4+i%3] = byte(v)
	})
	for i := 0; i < len(img.Pix); i += 4 {
		p := img.Pix[i : i+4 : i+4]
		if p[3] = 0xFF; f.Photometric == YBRFull {
			p[0], p[1], p[2] = toRGB(p[0], p[1], p[2])
		}
	}
	return img
}
