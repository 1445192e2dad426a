package pixel_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// seed is a stream for the fuzzer that no encoder here writes.
type seed struct {
	syntax, samples, bits uint8
	stream                []byte
}

var seeds = []seed{
	{3, 1, 8, baseline(false)},
	{3, 3, 8, baseline(true)},
	{4, 1, 16, twelveBits()},
	{9, 1, 16, progressive()},
}

// baseline is a JPEG of 9 × 11 pixels.
func baseline(colour bool) []byte {
	var b bytes.Buffer
	var img image.Image = image.NewGray(image.Rect(0, 0, 11, 9))
	if colour {
		rgba := image.NewRGBA(image.Rect(0, 0, 11, 9))
		rgba.Set(3, 4, color.RGBA{200, 30, 20, 255})
		img = rgba
	}
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// twelveHead is the beginning of a stream of 9 × 11 samples of 12 bits; each
// Huffman table has one code, which is 0.
func twelveHead(process, dc, ac byte) []byte {
	b := []byte{0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0}
	b = append(b, bytes.Repeat([]byte{8}, 64)...)
	b = append(b, 0xFF, process, 0, 11, 12, 0, 9, 0, 11, 1, 1, 0x11, 0)
	for i, value := range []byte{dc, ac} {
		b = append(b, 0xFF, 0xC4, 0, 20, byte(i<<4), 1)
		b = append(append(b, make([]byte, 15)...), value)
	}
	return b
}

// twelveBits is an extended JPEG by hand: every block is one DC coefficient.
func twelveBits() []byte {
	b := append(twelveHead(0xC1, 4, 0), 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0)
	// Four blocks: 0, 1010 (+10), 0; 0, 1000 (+8), 0; 0, 0111 (-8), 0; 0, 1000 (+8), 0.
	return append(b, 0b01010001, 0b00000011, 0b10010000, 0xFF, 0xD9)
}

// progressive is the same by four scans: DC by its upper bits, the first AC
// coefficients as a run of four blocks that have none, the last bits of DC, the
// last bits of AC.
func progressive() []byte {
	b := append(twelveHead(0xC2, 3, 0x20), 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 1)
	// 0, 101 (+5); 0, 100 (+4); 0, 011 (-4); 0, 100 (+4).
	b = append(b, 0b01010100, 0b00110100)
	b = append(b, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 1, 0b00011111)
	b = append(b, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0x10, 0b10101111)
	b = append(b, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0x10, 0b00011111)
	return append(b, 0xFF, 0xD9)
}
