package pixel

import "encoding/binary"

// JPEG of 12 bits and one component, sequential and progressive.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (Annexes F, G)

// twelve is the state of one stream.
type twelve struct {
	header   *frameHeader
	frame    *Frame
	quant    [4][64]int32
	dc, ac   [4]huffman
	interval int         // blocks
	blocks   [][64]int16 // coefficients, in the order of rows
	seen     bool        // a scan
}

// twelveBits decodes one frame.
func twelveBits(f Format, stream []byte) (*Frame, error) {
	d := &twelve{}
	walk := &segments{b: stream}
	err := walk.each(func(marker byte, body []byte) (done bool, err error) {
		switch marker {
		case markerSOF1, markerSOF2:
			if d.header, d.frame, err = beginFrame(d.header, marker, f, body); err == nil {
				d.blocks = make([][64]int16, ((f.Columns+7)/8)*((f.Rows+7)/8))
			}
		case markerDQT:
			err = d.quantisers(body)
		case markerDHT:
			err = parseHuffman(body, d.huffman)
		case markerDRI:
			d.interval, err = parseInterval(body)
		case markerSOS:
			err = d.scan(walk, body)
			done = err == nil && d.header.marker == markerSOF1
		case markerEOI:
			done = d.seen // the last scan of a progressive stream is the one before its end
		}
		return done, err
	})
	if err != nil {
		return nil, err
	}
	d.paint()
	return d.frame, nil
}

func (d *twelve) huffman(class, id byte) *huffman {
	switch {
	case id > 3 || class > 1:
		return nil
	case class == 0:
		return &d.dc[id]
	}
	return &d.ac[id]
}

// quantisers reads DQT.
func (d *twelve) quantisers(b []byte) error {
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

// scan reads the entropy-coded data behind a scan header.
func (d *twelve) scan(walk *segments, body []byte) error {
	s, err := parseScanHeader(d.header, body)
	if err != nil {
		return err
	}
	p := &pass{d: d, r: &bitReader{b: walk.b, i: walk.i}, from: int(s.a), to: int(s.b), high: int(s.c >> 4), low: int(s.c & 15)}
	if err := p.check(); err != nil {
		return err
	}
	if s.tables[0]>>4 > 3 || s.tables[0]&15 > 3 {
		return malformed("a scan without its Huffman tables")
	}
	p.dc, p.ac = &d.dc[s.tables[0]>>4], &d.ac[s.tables[0]&15]
	if p.from == 0 && p.high == 0 && !p.dc.present || p.to > 0 && !p.ac.present {
		return malformed("a scan without its Huffman tables")
	}
	read := p.reader()
	for i := range d.blocks {
		if d.interval > 0 && i > 0 && i%d.interval == 0 {
			if err := p.r.restart(); err != nil {
				return err
			}
			p.last, p.empty = 0, 0
		}
		if read(&d.blocks[i]); p.r.short {
			return errShort
		}
	}
	walk.i, d.seen = p.r.i, true
	return nil
}

// paint turns the coefficients into samples.
func (d *twelve) paint() {
	quant, wide := &d.quant[d.header.components[0].table&3], (d.frame.Columns+7)/8
	var block [64]int32
	for i := range d.blocks {
		for k, v := range d.blocks[i] {
			block[zigzag[k]] = int32(v) * quant[k]
		}
		d.frame.putBlock(i%wide*8, i/wide*8, inverse(&block))
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
