package pixel_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"tenon/dicomweb/pixel"
)

var lossless = []string{pixel.RLELossless, pixel.JPEGLosslessSV1, pixel.JPEGLSLossless, pixel.JPEG2000Lossless}

func frameOf(rows, columns, samples, bits int, fill func(i int) byte) *pixel.Frame {
	f := &pixel.Frame{Format: pixel.Format{Rows: rows, Columns: columns, Samples: samples, Allocated: bits, Stored: bits,
		High: bits - 1, Photometric: pixel.Monochrome2}, Data: make([]byte, rows*columns*samples*bits/8)}
	for i := range f.Data {
		f.Data[i] = fill(i)
	}
	return f
}

// What is encoded decodes to the same samples, whatever they are. That other
// programs read the streams is shown where the door writes files.
func TestEncodeWithoutLoss(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	fills := map[string]func(int) byte{
		"zero":   func(int) byte { return 0 },
		"ones":   func(int) byte { return 0xFF },
		"noise":  func(int) byte { return byte(random.Uint32()) },
		"ramp":   func(i int) byte { return byte(i / 2) },
		"rare":   func(i int) byte { return byte(random.Uint32() >> 24 >> min(8, i%97)) },
		"checks": func(i int) byte { return byte(-(i & 1)) },
		"steps":  func(i int) byte { return byte(i / 129 * 200) },
	}
	shapes := [][2]int{{1, 1}, {1, 300}, {300, 1}, {3, 5}, {64, 64}, {2, 129}}
	for name, fill := range fills {
		for _, shape := range shapes {
			for _, kind := range [][2]int{{1, 8}, {1, 16}, {3, 8}, {3, 16}} {
				f := frameOf(shape[0], shape[1], kind[0], kind[1], fill)
				for _, syntax := range lossless {
					same(t, fmt.Sprint(name, shape, kind, syntax), syntax, f)
				}
			}
		}
	}
	ct := load(t, "CTImage.dcm_LittleEndianExplicit*").decode(t, 0)
	rgb := load(t, "TestPattern_RGB.dcm").decode(t, 0)
	for _, syntax := range lossless {
		t.Logf("%s: CT in %d bytes of %d", syntax, same(t, "CT", syntax, ct), len(ct.Data))
		t.Logf("%s: RGB in %d bytes of %d", syntax, same(t, "RGB", syntax, rgb), len(rgb.Data))
	}
}

func same(t *testing.T, name, syntax string, f *pixel.Frame) int {
	t.Helper()
	stream, err := pixel.Encode(syntax, f)
	if err != nil {
		t.Fatal(err)
	}
	if len(stream)%2 != 0 {
		t.Errorf("%s: a stream of odd length", name)
	}
	got, err := pixel.Decode(syntax, f.Format, stream)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !bytes.Equal(got.Data, f.Data) {
		t.Errorf("%s: the samples differ at byte %d", name, firstDifference(got.Data, f.Data))
	}
	return len(stream)
}

// Words of 32 bits have a place in RLE only.
func TestEncodeRefuses(t *testing.T) {
	f := frameOf(2, 2, 1, 32, func(i int) byte { return byte(i) })
	same(t, "32 bits", pixel.RLELossless, f)
	for _, syntax := range []string{pixel.JPEGLosslessSV1, pixel.JPEGLSLossless, pixel.JPEG2000Lossless, pixel.JPEGBaseline} {
		if _, err := pixel.Encode(syntax, f); err == nil {
			t.Errorf("%s took words of 32 bits", syntax)
		}
	}
}

// Samples of fewer bits than their words keep what stands in the other bits.
func TestEncodeWavelet(t *testing.T) {
	for _, tc := range []struct {
		signed bool
		stored int
		fill   func(i int) byte
		depth  byte // of the stream
	}{
		{false, 12, func(i int) byte { return byte(i) & 0x0F }, 11},
		{false, 12, func(i int) byte { return byte(i) }, 15},
		{true, 12, func(i int) byte { return byte(-(i / 2 & 1)) }, 0x80 | 11},
		{true, 16, func(i int) byte { return byte(i * 37) }, 0x80 | 15},
	} {
		f := frameOf(20, 30, 1, 16, tc.fill)
		f.Signed, f.Stored, f.High = tc.signed, tc.stored, tc.stored-1
		same(t, fmt.Sprint(tc.signed, tc.stored), pixel.JPEG2000Lossless, f)
		if b, err := pixel.Encode(pixel.JPEG2000Lossless, f); err != nil || b[42] != tc.depth {
			t.Errorf("%v %d: depth %#x, %v, want %#x", tc.signed, tc.stored, b[42], err, tc.depth)
		}
	}
}

func BenchmarkPixels(b *testing.B) {
	for _, pattern := range []string{"CTImage.dcm_LittleEndianExplicit*", "CTImage.dcm_RLELossless*", "CTImage.dcm_JPEGProcess14SV1*",
		"CTImage.dcm_JPEGLSLossless*", "CTImage.dcm_JPEGProcess1T*", "CTImage.dcm_JPEGProcess2_4*"} {
		p := load(b, pattern)
		b.Run("Decode/"+p.syntax, func(b *testing.B) {
			b.SetBytes(512 * 512 * int64(p.format.Allocated/8))
			b.ReportAllocs()
			for b.Loop() {
				p.decode(b, 0)
			}
		})
	}
	f := load(b, "CTImage.dcm_LittleEndianExplicit*").decode(b, 0)
	for _, syntax := range lossless {
		b.Run("Encode/"+syntax, func(b *testing.B) {
			b.SetBytes(int64(len(f.Data)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = pixel.Encode(syntax, f)
			}
		})
	}
}
