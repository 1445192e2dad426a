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

// maxTable is the greatest BitsStored for which a table of greys is made.
const maxTable = 16

func renderGray(f *Frame, l *Look) image.Image {
	img := image.NewGray(image.Rect(0, 0, f.Columns, f.Rows))
	if f.word() <= 2 && f.Stored <= maxTable {
		f.byTable(img.Pix, l)
		return img
	}
	w := l.Window
	if w == nil && l.VOI == nil {
		w = l.whole(func(do func(v int)) { f.eachValue(func(_, v int) { do(v) }) })
	}
	tone := l.toned(f, w)
	f.eachValue(func(i, v int) { img.Pix[i] = tone(v) })
	return img
}

// byTable tones every word once, when it is met first.
func (f *Frame) byTable(out []byte, l *Look) {
	w := l.Window
	if w == nil && l.VOI == nil {
		w = l.whole(f.eachMet)
	}
	tone := l.toned(f, w)
	const known = 1 << 8 // beside the grey
	var table [1 << maxTable]uint16
	grey := func(word uint16) uint32 {
		if table[word] == 0 {
			table[word] = known | uint16(tone(f.valueOf(word)))
		}
		return uint32(table[word] & 0xFF)
	}
	f.eachWord(func(words []byte) {
		n := len(words) / 2
		in, to := words[:2*n], out[:n]
		for ; len(in) >= 8 && len(to) >= 4; in, to = in[8:], to[4:] {
			v := binary.LittleEndian.Uint64(in)
			a, b, c, d := table[uint16(v)], table[uint16(v>>16)], table[uint16(v>>32)], table[v>>48]
			pixels := uint32(a&0xFF) | uint32(b&0xFF)<<8 | uint32(c&0xFF)<<16 | uint32(d)<<24
			if a&b&c&d&known == 0 {
				pixels = grey(uint16(v)) | grey(uint16(v>>16))<<8 | grey(uint16(v>>32))<<16 | grey(uint16(v>>48))<<24
			}
			binary.LittleEndian.PutUint32(to, pixels)
		}
		for i := range to {
			to[i] = byte(grey(binary.LittleEndian.Uint16(in[2*i:])))
		}
		out = out[n:]
	})
}

// valueOf is the stored value of a word of at most 16 bits.
func (f *Frame) valueOf(word uint16) int {
	raw := uint32(word) >> (f.High + 1 - f.Stored) << (32 - f.Stored)
	if f.Signed {
		return int(int32(raw) >> (32 - f.Stored))
	}
	return int(raw >> (32 - f.Stored))
}

// eachMet gives the value of every word that occurs.
func (f *Frame) eachMet(do func(v int)) {
	var met [1 << maxTable]bool
	f.eachWord(func(words []byte) {
		for ; len(words) >= 2; words = words[2:] {
			met[binary.LittleEndian.Uint16(words)] = true
		}
	})
	for word, is := range &met {
		if is {
			do(f.valueOf(uint16(word)))
		}
	}
}

// eachWord gives the samples as words of 16 bits: those of a frame of 16 bits at
// once, others in pieces.
func (f *Frame) eachWord(do func(words []byte)) {
	if f.word() == 2 {
		do(f.Data)
		return
	}
	var words [2048]byte
	for data := f.Data; len(data) > 0; {
		n := min(len(data), len(words)/2)
		for i, v := range data[:n] {
			words[2*i] = v
		}
		do(words[:2*n])
		data = data[n:]
	}
}

// whole is the window from the least to the greatest of these values.
func (l *Look) whole(each func(func(v int))) *Window {
	least, most := math.Inf(1), math.Inf(-1)
	each(func(v int) {
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
