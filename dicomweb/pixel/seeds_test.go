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

// twelveBits is an extended JPEG by hand: every block is one DC coefficient.
func twelveBits() []byte {
	b := []byte{0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0}
	b = append(b, bytes.Repeat([]byte{8}, 64)...)
	b = append(b, 0xFF, 0xC1, 0, 11, 12, 0, 9, 0, 11, 1, 1, 0x11, 0)
	dht := func(class byte, value byte) {
		b = append(b, 0xFF, 0xC4, 0, 20, class)
		b = append(append(b, 1), make([]byte, 15)...)
		b = append(b, value)
	}
	dht(0x00, 4) // the code 0: a difference of four bits
	dht(0x10, 0) // the code 0: end of block
	b = append(b, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0)
	// Four blocks: 0, 1010 (+10), 0; 0, 1000 (+8), 0; 0, 0111 (-8), 0; 0, 1000 (+8), 0.
	return append(b, 0b01010001, 0b00000011, 0b10010000, 0xFF, 0xD9)
}
