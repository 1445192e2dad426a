package jpeg2000_test

import (
	"errors"
	"testing"

	"tenon/dicomweb/pixel/jpeg2000"
)

// longLength is a stream whose packet header tells a length of more than 31 bits
// for a block (found among a million damaged ones).
const longLength = `ff4fff51002900000000000b0000000900000000000000000000000b00000009000000000000000000010f0101ff52000c00010001000304040001ff
5c000d4080888890888890888890ff90000a0000000000fd0001ff93cffc30280778634ec31e1a74db7fc1ff400163ff0602c007e004011b2d597f04
5d1849bf02efc7fe18271f7fff7ffef0c0e00dd54d17b1ccc82f425c75c208bbdcc31227e30d9dc9216854ae48fed4fa51fe0c20f31c774a089f007d
519a440fcffc48c67fe24693ff0c0f0028f0f41cfb0d71fb7508805ebe4e92affba8ef9b17d559b677a6bff515a2791cd031a0481cc20e8bfe31ce5d
73996395371e7428a750637e52aace33e208b09aca636e0382b7e9e68b968f1d3ddd3af3d91bf76801284fa27ba8fb55abb81e0366f801a9792402f7
57ea8af9b1fbf1b31054dbe46fccfc64a466e983b2cf4fc0fb3f7fffd900`

func TestLengthOfMoreBitsThanAnIndexIsMalformed(t *testing.T) {
	t.Parallel()
	c, err := jpeg2000.Open(unhex(t, longLength))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(func(_, _, _ int, _ []int32) {}); !errors.Is(err, jpeg2000.ErrMalformed) {
		t.Errorf("Decode = %v, want %v", err, jpeg2000.ErrMalformed)
	}
}
