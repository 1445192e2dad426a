package pixel

import (
	"encoding/binary"
	"math/bits"
)

// EncodeJPEGLossless writes a frame of 8 or 16 bits as lossless JPEG with the
// first predictor (JPEGLosslessSV1) and a Huffman table made for it. All bits of
// the samples are kept, those beyond BitsStored too.
func EncodeJPEGLossless(f *Frame) ([]byte, error) {
	if f.Allocated != 8 && f.Allocated != 16 {
		return nil, unsupported("lossless JPEG of %d bits", f.Allocated)
	}
	table := optimal(f.categories())
	out := append(make([]byte, 0, len(f.Data)/2), 0xFF, markerSOI)
	out = f.appendFrameHeader(out, markerSOF3)
	out = table.appendSegment(out)
	out = f.appendScanHeader(out, 0, 1, 0)
	w := bitWriter{out: out}
	f.eachDifference(func(d int32) {
		category := categoryOf(d)
		w.put(uint32(table.code[category]), table.length[category])
		if category < 16 {
			if d < 0 {
				d--
			}
			w.put(uint32(d)&(1<<category-1), category)
		}
	})
	return padded(append(w.end(), 0xFF, markerEOI)), nil
}

// padded gives a stream an even length, as fragments have.
func padded(b []byte) []byte {
	if len(b)%2 != 0 {
		b = append(b, 0)
	}
	return b
}

// appendFrameHeader appends SOF with one sampling factor for all.
func (f *Frame) appendFrameHeader(dst []byte, marker byte) []byte {
	dst = append(dst, 0xFF, marker, 0, byte(8+3*f.Samples), byte(f.Allocated))
	dst = binary.BigEndian.AppendUint16(dst, uint16(f.Rows))
	dst = binary.BigEndian.AppendUint16(dst, uint16(f.Columns))
	dst = append(dst, byte(f.Samples))
	for i := range f.Samples {
		dst = append(dst, byte(i+1), 0x11, 0)
	}
	return dst
}

// appendScanHeader appends SOS for all components; a and b stand where the
// process wants them.
func (f *Frame) appendScanHeader(dst []byte, c, a, b byte) []byte {
	dst = append(dst, 0xFF, markerSOS, 0, byte(6+2*f.Samples), byte(f.Samples))
	for i := range f.Samples {
		dst = append(dst, byte(i+1), 0)
	}
	return append(dst, a, b, c)
}

// eachDifference gives the differences of all samples in the order of the
// stream, each from -32767 to 32768.
func (f *Frame) eachDifference(do func(int32)) {
	rows, above := lines(f.Samples, f.Columns), make([]int32, f.Samples)
	for i := range above {
		above[i] = 1 << (f.Allocated - 1)
	}
	left := make([]int32, f.Samples)
	for y := range f.Rows {
		for i, row := range rows {
			f.row(y, i, row)
			left[i], above[i] = above[i], row[0]
		}
		for x := range f.Columns {
			for i, row := range rows {
				d := int32(int16(row[x] - left[i]))
				if d == -1<<15 {
					d = 1 << 15
				}
				left[i] = row[x]
				do(d)
			}
		}
	}
}

func categoryOf(d int32) int {
	if d < 0 {
		d = -d
	}
	return bits.Len32(uint32(d))
}

func (f *Frame) categories() (count [17]int) {
	f.eachDifference(func(d int32) { count[categoryOf(d)]++ })
	return count
}

// bitWriter writes entropy-coded bits with a zero after each FF.
type bitWriter struct {
	out []byte
	acc uint64
	n   int
}

func (w *bitWriter) put(v uint32, n int) {
	w.acc = w.acc<<n | uint64(v)
	for w.n += n; w.n >= 8; w.n -= 8 {
		c := byte(w.acc >> (w.n - 8))
		if w.out = append(w.out, c); c == 0xFF {
			w.out = append(w.out, 0)
		}
	}
}

// end fills the last byte with ones.
func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.put(1<<(8-w.n)-1, 8-w.n)
	}
	return w.out
}
