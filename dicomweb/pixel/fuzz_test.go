package pixel_test

import (
	"bytes"
	"testing"

	"tenon/dicomweb/pixel"
)

var readable = []string{pixel.ExplicitLittleEndian, pixel.ExplicitBigEndian, pixel.RLELossless, pixel.JPEGBaseline,
	pixel.JPEGExtended, pixel.JPEGLosslessSV1, pixel.JPEGLSLossless, pixel.JPEG2000, pixel.JPEGLossless, pixel.JPEGProgressive}

// small is a frame whose stream a corpus can hold.
func small(samples, bits int) *pixel.Frame {
	return frameOf(9, 11, samples, bits, func(i int) byte { return byte(i * i / 7) })
}

// FuzzDecode checks that every stream is either refused or gives a frame of
// just the size that the format tells.
func FuzzDecode(f *testing.F) {
	for i, syntax := range readable {
		for _, samples := range []uint8{1, 3} {
			for _, bits := range []uint8{8, 16} {
				stream, err := pixel.Encode(syntax, small(int(samples), int(bits)))
				if err != nil {
					stream = small(int(samples), int(bits)).Data
				}
				f.Add(uint8(i), uint8(9), uint8(11), samples, bits, stream)
			}
		}
	}
	for _, s := range seeds {
		f.Add(s.syntax, uint8(9), uint8(11), s.samples, s.bits, s.stream)
	}
	f.Fuzz(func(t *testing.T, syntax, rows, columns, samples, bits uint8, stream []byte) {
		format := pixel.Format{Rows: int(rows), Columns: int(columns), Samples: int(samples), Allocated: int(bits),
			Stored: int(bits), High: int(bits) - 1, Photometric: pixel.RGB}
		got, err := pixel.Decode(readable[int(syntax)%len(readable)], format, stream)
		if err != nil {
			return
		}
		if want := int(rows) * int(columns) * int(samples) * max(int(bits), 8) / 8; len(got.Data) != want {
			t.Errorf("%d bytes, want %d", len(got.Data), want)
		}
	})
}

// FuzzEncode checks that any samples come back from every encoder.
func FuzzEncode(f *testing.F) {
	f.Add(uint8(11), uint8(1), uint8(8), small(1, 8).Data)
	f.Add(uint8(3), uint8(3), uint8(8), small(3, 8).Data)
	f.Add(uint8(5), uint8(1), uint8(16), small(1, 16).Data)
	f.Add(uint8(40), uint8(3), uint8(16), bytes.Repeat([]byte{1, 0, 0xFF, 0xFF}, 300))
	f.Fuzz(func(t *testing.T, columns, samples, bits uint8, data []byte) {
		frame := frameOf(1, max(1, int(columns)), 1+int(samples)%2*2, 8+int(bits)%2*8, func(int) byte { return 0 })
		row := len(frame.Data)
		if frame.Rows = len(data) / row; frame.Rows == 0 || frame.Rows > 1<<12 {
			return
		}
		frame.Data = data[:frame.Rows*row]
		for _, syntax := range lossless {
			same(t, syntax, syntax, frame)
		}
	})
}
