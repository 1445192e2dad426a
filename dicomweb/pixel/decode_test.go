package pixel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"tenon/dicomweb/pixel"
)

// One CT in every transfer syntax without loss is the same picture.
func TestDecodeWithoutLoss(t *testing.T) {
	want := load(t, "CTImage.dcm_LittleEndianExplicit*").frames[0]
	for _, name := range []string{"LittleEndianExplicit", "LittleEndianImplicit", "BigEndianExplicit", "RLELossless",
		"JPEGProcess14SV1", "JPEGProcess14T", "JPEGLSLossless", "JPEG2000Lossless"} {
		t.Run("R000-024 "+name, func(t *testing.T) {
			p := load(t, "CTImage.dcm_"+name+"*")
			if got := p.decode(t, 0); !bytes.Equal(got.Data, want) {
				t.Errorf("%s: the samples differ at byte %d", p.syntax, firstDifference(got.Data, want))
			}
		})
	}
	t.Run("R000-024 colour", func(t *testing.T) {
		want := load(t, "TestPattern_RGB.dcm").decode(t, 0).Data
		for _, name := range []string{"TestPattern_JPEG-Lossless_RGB.dcm", "TestPattern_JPEG-LS-Lossless.dcm"} {
			p := load(t, name)
			if got := p.decode(t, 0); !bytes.Equal(got.Data, want) || got.Photometric != pixel.RGB {
				t.Errorf("%s: the samples differ at byte %d", name, firstDifference(got.Data, want))
			}
		}
	})
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Streams with loss decode to what dcmtk makes of them: JPEG-LS exactly, JPEG
// within the rounding that T.81 leaves to the transform.
func TestDecodeWithLoss(t *testing.T) {
	for _, tc := range []struct {
		pattern, program string
		most             int
		options          []string
	}{
		{"CTImage.dcm_JPEGLSLossy*", "dcmdjpls", 0, nil},
		{"TestPattern_JPEG-LS-NearLossless.dcm", "dcmdjpls", 0, nil},
		{"CTImage.dcm_JPEGProcess1T*", "dcmdjpeg", 1, nil},
		{"CTImage.dcm_JPEGProcess2_4*", "dcmdjpeg", 1, nil},
		{"CTImage.dcm_JPEGProcess6_8*", "dcmdjpeg", 1, nil},
		{"CTImage.dcm_JPEGProcess10_12*", "dcmdjpeg", 1, nil},
		{"CT0012*", "dcmdjpeg", 1, nil},
		{"TestPattern_JPEG-Baseline_YBRFull.dcm", "dcmdjpeg", 3, nil},
	} {
		t.Run(tc.pattern, func(t *testing.T) {
			want := convert(t, tc.program, tc.pattern, tc.options...)
			p := load(t, tc.pattern)
			for i := range p.frames {
				got := p.decode(t, i)
				if got.Photometric != want.format.Photometric {
					t.Errorf("photometric interpretation %s, want %s", got.Photometric, want.format.Photometric)
				}
				if d := farthest(got, want.decode(t, i)); d > tc.most {
					t.Errorf("frame %d: samples differ by up to %d", i+1, d)
				}
			}
		})
	}
}

// farthest is the greatest difference of two frames of one format.
func farthest(a, b *pixel.Frame) int {
	if len(a.Data) != len(b.Data) || a.Allocated != b.Allocated {
		return 1 << 30
	}
	most := 0
	for i := range len(a.Data) * 8 / a.Allocated {
		d := sample(a, i) - sample(b, i)
		most = max(most, d, -d)
	}
	return most
}

func sample(f *pixel.Frame, i int) int {
	if f.Allocated == 8 {
		return int(f.Data[i])
	}
	v := binary.LittleEndian.Uint16(f.Data[2*i:])
	if f.Signed {
		return int(int16(v))
	}
	return int(v)
}

// Formats of native samples, each with the bytes by hand.
func TestDecodeNative(t *testing.T) {
	rgb := pixel.Format{Rows: 1, Columns: 2, Samples: 3, Allocated: 8, Stored: 8, High: 7, Photometric: pixel.RGB}
	planar := rgb
	planar.Planar = true
	half := rgb
	half.Photometric, half.Subsampled = pixel.YBRFull422, true
	bits := pixel.Format{Rows: 2, Columns: 5, Samples: 1, Allocated: 1, Stored: 1, Photometric: pixel.Monochrome2}
	words := pixel.Format{Rows: 1, Columns: 2, Samples: 1, Allocated: 16, Stored: 12, High: 11, Photometric: pixel.Monochrome2}
	colourWords := pixel.Format{Rows: 1, Columns: 2, Samples: 3, Allocated: 16, Stored: 16, High: 15, Planar: true, Photometric: pixel.RGB}
	for _, tc := range []struct {
		name, syntax string
		format       pixel.Format
		in, want     []byte
	}{
		{"by pixel", pixel.ExplicitLittleEndian, rgb, []byte{1, 2, 3, 4, 5, 6}, []byte{1, 2, 3, 4, 5, 6}},
		{"by plane", pixel.ExplicitLittleEndian, planar, []byte{1, 4, 2, 5, 3, 6}, []byte{1, 2, 3, 4, 5, 6}},
		{"422", pixel.ExplicitLittleEndian, half, []byte{10, 20, 30, 40}, []byte{10, 30, 40, 20, 30, 40}},
		{"single bits", pixel.ExplicitLittleEndian, bits, []byte{0b10100101, 0b01}, []byte{1, 0, 1, 0, 0, 1, 0, 1, 1, 0}},
		{"big endian", pixel.ExplicitBigEndian, words, []byte{1, 2, 3, 4}, []byte{2, 1, 4, 3}},
		{"a padding byte", pixel.ImplicitLittleEndian, words, []byte{1, 2, 3, 4, 0}, []byte{1, 2, 3, 4}},
		{"words by plane", pixel.ExplicitLittleEndian, colourWords, []byte{1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0},
			[]byte{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}},
		{"RLE by hand", pixel.RLELossless, words, rle([]byte{0xFF, 7}, []byte{1, 8, 9}), []byte{8, 7, 9, 7}},
	} {
		got, err := pixel.Decode(tc.syntax, tc.format, tc.in)
		if err != nil || !bytes.Equal(got.Data, tc.want) {
			t.Errorf("%s: %v, %v, want %v", tc.name, got, err, tc.want)
		}
	}
}

// rle is a stream of segments that are packed already.
func rle(segments ...[]byte) []byte {
	out := make([]byte, 64)
	binary.LittleEndian.PutUint32(out, uint32(len(segments)))
	for i, s := range segments {
		binary.LittleEndian.PutUint32(out[4+4*i:], uint32(len(out)))
		out = append(out, s...)
	}
	return out
}

// What does not fit is refused before anything is allocated.
func TestDecodeRefuses(t *testing.T) {
	good := load(t, "CTImage.dcm_JPEGProcess14SV1*")
	change := func(f func(*pixel.Format)) pixel.Format {
		format := good.format
		f(&format)
		return format
	}
	for _, tc := range []struct {
		name, syntax string
		format       pixel.Format
		stream       []byte
		want         error
	}{
		{"huge", good.syntax, change(func(f *pixel.Format) { f.Rows, f.Columns, f.Allocated = 65535, 65535, 16 }), good.frames[0], pixel.ErrTooLarge},
		{"no rows", good.syntax, change(func(f *pixel.Format) { f.Rows = 0 }), good.frames[0], pixel.ErrMalformed},
		{"other size", good.syntax, change(func(f *pixel.Format) { f.Columns = 511 }), good.frames[0], pixel.ErrMalformed},
		{"other samples", good.syntax, change(func(f *pixel.Format) { f.Samples = 3 }), good.frames[0], pixel.ErrMalformed},
		{"fewer bits", good.syntax, change(func(f *pixel.Format) { f.Allocated, f.Stored, f.High = 8, 8, 7 }), good.frames[0], pixel.ErrMalformed},
		{"four samples", good.syntax, change(func(f *pixel.Format) { f.Samples = 4 }), good.frames[0], pixel.ErrUnsupported},
		{"stored beyond allocated", good.syntax, change(func(f *pixel.Format) { f.Stored = 17 }), good.frames[0], pixel.ErrMalformed},
		{"cut in the middle", good.syntax, good.format, good.frames[0][:len(good.frames[0])/2], pixel.ErrMalformed},
		{"empty", good.syntax, good.format, nil, pixel.ErrMalformed},
		{"another process", pixel.JPEGLSLossless, good.format, good.frames[0], pixel.ErrMalformed},
		{"JPEG 2000 of another process", pixel.JPEG2000, good.format, good.frames[0], pixel.ErrMalformed},
		{"no decoder", "1.2.840.10008.1.2.4.102", good.format, good.frames[0], pixel.ErrUnsupported},
		{"RLE cut", pixel.RLELossless, good.format, make([]byte, 63), pixel.ErrMalformed},
		{"RLE of other planes", pixel.RLELossless, good.format, rle([]byte{0, 0}), pixel.ErrMalformed},
		{"RLE that ends early", pixel.RLELossless, good.format, rle([]byte{0x81, 0}, []byte{0x81, 0}), pixel.ErrMalformed},
		{"native that is short", pixel.ExplicitLittleEndian, good.format, make([]byte, 512*512*2-1), pixel.ErrMalformed},
	} {
		if f, err := pixel.Decode(tc.syntax, tc.format, tc.stream); !errors.Is(err, tc.want) || f != nil {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}

// 12-bit streams by hand: DC differences of 10, 8, -8 and 8 by quantiser 8 give
// four flat blocks of 2048 + DC·8/8; in the progressive one the last bit of DC is
// 1 in the blocks on the left.
func TestDecodeTwelveBitsByHand(t *testing.T) {
	format := pixel.Format{Rows: 9, Columns: 11, Samples: 1, Allocated: 16, Stored: 12, High: 11, Photometric: pixel.Monochrome2}
	for _, tc := range []struct {
		syntax string
		stream []byte
		left   int
	}{{pixel.JPEGExtended, twelveBits(), 2058}, {pixel.JPEGProgressive, progressive(), 2059}} {
		f, err := pixel.Decode(tc.syntax, format, tc.stream)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[[2]int]int{{0, 0}: tc.left, {7, 7}: tc.left, {8, 0}: 2066, {10, 7}: 2066, {0, 8}: tc.left, {10, 8}: 2066} {
			if got := sample(f, at[1]*11+at[0]); got != want {
				t.Errorf("%s: sample at %v = %d, want %d", tc.syntax, at, got, want)
			}
		}
		refused(t, tc.syntax, format, tc.stream[:len(tc.stream)-3], pixel.ErrMalformed)
	}
}

// A progressive stream of many scans would cost the picture for each of them.
func TestDecodeManyScans(t *testing.T) {
	b := progressive()
	scan := []byte{0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 1, 0b00011111}
	b = append(b[:len(b)-2], bytes.Repeat(scan, 300)...)
	refused(t, pixel.JPEGProgressive, pixel.Format{Rows: 9, Columns: 11, Samples: 1, Allocated: 16, Stored: 12, High: 11,
		Photometric: pixel.Monochrome2}, append(b, 0xFF, 0xD9), pixel.ErrTooLarge)
}
