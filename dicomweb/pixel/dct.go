package pixel

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
)

// JPEG by discrete cosine transform: 8 bits by the standard library, 12 bits
// here.
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
	switch {
	case h.precision == 8 && h.marker != markerSOF3 && h.marker != markerSOF55:
		return eightBits(f, stream, adobe)
	case h.precision == 12 && h.marker == markerSOF1 && f.Samples == 1:
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

// extended is the state of one 12-bit stream of one component.
type extended struct {
	frame    *Frame
	quant    [4][64]int32
	dc, ac   [4]huffman
	interval int // blocks
	table    byte
}

func twelveBits(f Format, stream []byte) (*Frame, error) {
	d := &extended{}
	walk := &segments{b: stream}
	for {
		marker, body, err := walk.next()
		if err != nil {
			return nil, err
		}
		switch marker {
		case markerSOF1:
			h, err := parseFrameHeader(marker, body)
			if err != nil {
				return nil, err
			}
			d.table, d.frame = h.components[0].table&3, newFrame(f)
		case markerDQT:
			err = d.quantisers(body)
		case markerDHT:
			err = parseHuffman(body, d.huffman)
		case markerDRI:
			if len(body) < 2 {
				return nil, errShort
			}
			d.interval = int(binary.BigEndian.Uint16(body))
		case markerSOS:
			if d.frame == nil || len(body) < 3 {
				return nil, malformed("a scan before the frame header")
			}
			if err := d.scan(&bitReader{b: stream, i: walk.i}, body[2]); err != nil {
				return nil, err
			}
			return d.frame, nil
		case markerEOI:
			return nil, errShort
		}
		if err != nil {
			return nil, err
		}
	}
}

func (d *extended) huffman(class, id byte) *huffman {
	switch {
	case id > 3 || class > 1:
		return nil
	case class == 0:
		return &d.dc[id]
	}
	return &d.ac[id]
}

// quantisers reads DQT.
func (d *extended) quantisers(b []byte) error {
	for len(b) > 0 {
		size := 1 + int(b[0]>>4)
		if b[0]>>4 > 1 || b[0]&15 > 3 || len(b) < 1+64*size {
			return malformed("a quantisation table")
		}
		for i := range 64 {
			if size == 1 {
				d.quant[b[0]&15][i] = int32(b[1+i])
			} else {
				d.quant[b[0]&15][i] = int32(binary.BigEndian.Uint16(b[1+2*i:]))
			}
		}
		b = b[1+64*size:]
	}
	return nil
}

func (d *extended) scan(r *bitReader, tables byte) error {
	if tables>>4 > 3 || tables&15 > 3 || !d.dc[tables>>4].present || !d.ac[tables&15].present {
		return malformed("a scan without its Huffman tables")
	}
	dc, ac := &d.dc[tables>>4], &d.ac[tables&15]
	wide, high := (d.frame.Columns+7)/8, (d.frame.Rows+7)/8
	var block [64]int32
	last := int32(0)
	for i := range wide * high {
		if d.interval > 0 && i > 0 && i%d.interval == 0 {
			if err := r.restart(); err != nil {
				return err
			}
			last = 0
		}
		block = [64]int32{}
		last += r.extend(int(min(r.symbol(dc), 16)))
		block[0] = last * d.quant[d.table][0]
		coefficients(r, ac, &d.quant[d.table], &block)
		if r.short {
			return errShort
		}
		d.frame.putBlock(i%wide*8, i/wide*8, inverse(&block))
	}
	return nil
}

// coefficients reads the AC coefficients of a block (F.2.2.2).
func coefficients(r *bitReader, t *huffman, quant, block *[64]int32) {
	for k := 1; k < 64; k++ {
		s := r.symbol(t)
		run, category := int(s>>4), int(s&15)
		if category == 0 {
			if run != 15 {
				return
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			r.short = true
			return
		}
		block[zigzag[k]] = r.extend(category) * quant[k]
	}
}

// putBlock stores the 12-bit samples of a block.
func (f *Frame) putBlock(x0, y0 int, block *[64]float64) {
	for y := y0; y < min(y0+8, f.Rows); y++ {
		for x := x0; x < min(x0+8, f.Columns); x++ {
			v := min(max(int(block[(y-y0)*8+x-x0]+2048.5), 0), 4095)
			binary.LittleEndian.PutUint16(f.Data[f.word()*(y*f.Columns+x):], uint16(v))
		}
	}
}
