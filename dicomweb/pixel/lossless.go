package pixel

import "encoding/binary"

// JPEG lossless, process 14: Huffman-coded differences from a prediction.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (Annex H)

// lossless is the state of one stream.
type lossless struct {
	frame    *Frame
	header   *frameHeader
	tables   [4]huffman
	interval int // rows of a restart interval, 0: none
	mcus     int // the same as the stream tells it: pixels
	done     int // components that were read
}

// predicted decodes one frame of lossless JPEG.
func predicted(f Format, stream []byte) (*Frame, error) {
	d := &lossless{}
	walk := &segments{b: stream}
	err := walk.each(func(marker byte, body []byte) (done bool, err error) {
		switch marker {
		case markerSOF3:
			d.header, d.frame, err = beginFrame(d.header, marker, f, body)
		case markerDHT:
			err = parseHuffman(body, d.table)
		case markerDRI:
			d.mcus, err = parseInterval(body)
		case markerSOS:
			err = d.scan(walk, body)
		case markerSOF0, markerSOF1, markerSOF2, markerSOF55:
			err = malformed("a stream of another JPEG process (marker FF%X) where lossless JPEG should be", marker)
		}
		return err == nil && d.header != nil && d.done == len(d.header.components), err
	})
	if err != nil {
		return nil, err
	}
	return d.frame, nil
}

func (d *lossless) table(class, id byte) *huffman {
	if class != 0 || id > 3 {
		return nil
	}
	return &d.tables[id]
}

// scan reads the entropy-coded data behind a scan header.
func (d *lossless) scan(walk *segments, body []byte) error {
	s, err := parseScanHeader(d.header, body)
	if err != nil {
		return err
	}
	shift := int(s.c & 15)
	if s.a < 1 || s.a > 7 || shift >= d.header.precision {
		return malformed("predictor %d, point transform %d", s.a, shift)
	}
	if d.mcus%d.header.cols != 0 {
		return malformed("a restart interval of %d pixels in rows of %d", d.mcus, d.header.cols)
	}
	d.interval = d.mcus / d.header.cols
	tables := make([]*huffman, len(s.components))
	for i, t := range s.tables {
		if t>>4 > 3 || !d.tables[t>>4].present {
			return malformed("a scan without its Huffman table")
		}
		tables[i] = &d.tables[t>>4]
	}
	r := &bitReader{b: walk.b, i: walk.i}
	if err := d.rows(r, s, tables, shift); err != nil {
		return err
	}
	walk.i = r.i
	d.done += len(s.components)
	return nil
}

func (d *lossless) rows(r *bitReader, s *scanHeader, tables []*huffman, shift int) error {
	now, above := lines(len(tables), d.header.cols), lines(len(tables), d.header.cols)
	start := int32(1) << (d.header.precision - shift - 1)
	for y := range d.header.rows {
		first := y == 0
		if d.interval > 0 && y > 0 && y%d.interval == 0 {
			if err := r.restart(); err != nil {
				return err
			}
			first = true
		}
		differences(r, tables, now)
		if r.short {
			return errShort
		}
		for i, row := range now {
			before := above[i]
			if first {
				before = nil
			}
			undo(s.a, row, before, start)
			d.frame.putRow(y, s.components[i], row, shift)
		}
		now, above = above, now
	}
	return nil
}

func lines(n, width int) [][]int32 {
	l := make([][]int32, n)
	for i := range l {
		l[i] = make([]int32, width)
	}
	return l
}

// differences reads those of one row, component by component at each pixel.
func differences(r *bitReader, tables []*huffman, rows [][]int32) {
	for x := range rows[0] {
		for i, t := range tables {
			switch category := int(r.symbol(t)); {
			case category < 16:
				rows[i][x] = r.extend(category)
			case category == 16:
				rows[i][x] = 1 << 15
			default:
				r.short = true
			}
		}
	}
}

// putRow stores the samples of one component in a row.
func (f *Frame) putRow(y, component int, row []int32, shift int) {
	word := f.word()
	step := f.Samples * word
	out := f.Data[y*f.Columns*step+component*word:]
	switch word {
	case 1:
		for x, v := range row {
			out[x*step] = byte(v << shift)
		}
	default:
		for x, v := range row {
			binary.LittleEndian.PutUint16(out[x*step:], uint16(v<<shift))
		}
	}
}

// row reads the samples of one component in a row, without sign.
func (f *Frame) row(y, component int, row []int32) {
	word := f.word()
	step := f.Samples * word
	in := f.Data[y*f.Columns*step+component*word:]
	if word == 1 {
		for x := range row {
			row[x] = int32(in[x*step])
		}
		return
	}
	for x := range row {
		row[x] = int32(binary.LittleEndian.Uint16(in[x*step:]))
	}
}
