package pixel

import "encoding/binary"

// RLE lossless: PackBits over planes of bytes, the most significant first.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_G

const (
	rleHeader   = 64
	rleSegments = 15
)

// runLength decodes one RLE frame.
func runLength(f Format, stream []byte) (*Frame, error) {
	if f.Allocated == 1 {
		return nil, unsupported("single bits in RLE")
	}
	if len(stream) < rleHeader {
		return nil, errShort
	}
	f.Subsampled = false
	word := f.word()
	if n := binary.LittleEndian.Uint32(stream); int64(n) != int64(f.Samples*word) {
		return nil, malformed("RLE of %d segments where the frame has %d planes of bytes", n, f.Samples*word)
	}
	out := newFrame(f)
	for s := range f.Samples * word {
		segment, err := segmentOf(stream, s, f.Samples*word)
		if err != nil {
			return nil, err
		}
		// Segment s holds byte word-1-s%word of sample s/word.
		first := s/word*word + word - 1 - s%word
		if err := unpackBits(out.Data[first:], f.Samples*word, f.pixels(), segment); err != nil {
			return nil, err
		}
	}
	if f.Photometric == YBRFull422 {
		out.Photometric = YBRFull
	}
	return out, nil
}

func segmentOf(stream []byte, i, n int) ([]byte, error) {
	from, to := int64(binary.LittleEndian.Uint32(stream[4+4*i:])), int64(len(stream))
	if i+1 < n {
		to = int64(binary.LittleEndian.Uint32(stream[8+4*i:]))
	}
	if from < rleHeader || from > to || to > int64(len(stream)) {
		return nil, malformed("RLE segment %d from byte %d to %d of %d", i+1, from, to, len(stream))
	}
	return stream[from:to], nil
}

// unpackBits writes n bytes to every step-th place of out; what a segment holds
// beyond is padding.
func unpackBits(out []byte, step, n int, in []byte) error {
	o, end := 0, n*step
	for o < end {
		if len(in) < 2 {
			return errShort
		}
		control := int8(in[0])
		switch {
		case control >= 0:
			count := int(control) + 1
			if len(in) < 1+count {
				return errShort
			}
			for _, b := range in[1 : 1+min(count, (end-o)/step)] {
				out[o] = b
				o += step
			}
			in = in[1+count:]
		case control == -128:
			in = in[1:]
		default:
			b := in[1]
			for range min(1-int(control), (end-o)/step) {
				out[o] = b
				o += step
			}
			in = in[2:]
		}
	}
	return nil
}
