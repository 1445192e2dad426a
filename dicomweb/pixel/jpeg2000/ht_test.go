package jpeg2000_test

import (
	"errors"
	"slices"
	"testing"

	"tenon/dicomweb/pixel/jpeg2000"
)

// A picture of 4 × 4 signed samples without a wavelet, whose block OpenJPH coded:
// 5 and -3 above 2 and 7 in the middle, zeros around.
const (
	smallHead  = "ff4f ff51 0029 4000 00000004 00000004 00000000 00000000 00000004 00000004 00000000 00000000 0001 890101 ff50 0008 00020000 0000 ff52 000c 00 020001 00 00 04 04 40 01 ff5c 0004 20 48"
	smallClean = "0852 5c6c 6fd6 00"
)

// Passes that refine a block by a bit plane. The clean-up pass is moved up by one
// plane, so that its values count twice; the packet header and the bits of the
// passes are by hand. Neighbours are scanned column by column: significant become
// those at (0,0), (1,3), (3,2) with the signs +, −, +; refined by 1, 0, 1, 1 are
// those at (1,1), (1,2), (2,1), (2,2).
func TestDecodeRefinedBlock(t *testing.T) {
	for _, tc := range []struct {
		name, tile string
		want       []int32
	}{
		{"clean-up", "ff90 000a 0000 00000017 0001 ff93 c027" + smallClean,
			[]int32{0, 0, 0, 0, 0, 5, -3, 0, 0, 2, 7, 0, 0, 0, 0, 0}},
		{"propagation and refinement", "ff90 000a 0000 0000001b 0001 ff93 c071cc" + smallClean + "21240d",
			[]int32{1, 0, 0, 0, 0, 11, -7, 0, 0, 4, 15, 1, 0, -1, 0, 0}},
	} {
		stream := unhex(t, smallHead+tc.tile+"ffd9")
		if got, _ := decoded(t, stream); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
		k := kind{4, 4, 1, 10, true}
		if got := k.reference(t, stream); !slices.Equal(got, tc.want) {
			t.Errorf("%s by OpenJPEG: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// What cannot be is refused.
func TestDecodeRefusesBlocks(t *testing.T) {
	for name, tile := range map[string]string{
		"a length that lies":        "c027 0852 5c6c 6fd6 ff",
		"a picture that is cut":     "c027 0852 5c6c 6f",
		"no packet":                 "",
		"passes below the planes":   "c038e6 0852 5c6c 6fd6 00 212400",
		"more bits than planes":     "e7 0852 5c6c 6fd6 00",
		"more empty than there are": "c000 0000 0000",
	} {
		stream := unhex(t, smallHead+"ff90 000a 0000 00000000 0001 ff93"+tile)
		c, err := jpeg2000.Open(stream)
		if err == nil {
			err = c.Decode(func(int, int, int, []int32) {})
		}
		if !errors.Is(err, jpeg2000.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
