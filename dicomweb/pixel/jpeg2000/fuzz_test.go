package jpeg2000_test

import (
	"errors"
	"slices"
	"testing"

	"tenon/dicomweb/pixel/jpeg2000"
)

// maxFuzzed bounds the pictures that the fuzzer decodes; the caller of Open
// bounds them by what the data set says.
const maxFuzzed = 1 << 16

// FuzzDecode checks that a stream is refused or gives every sample once.
func FuzzDecode(f *testing.F) {
	for _, s := range slices.Concat(corpus, corpusHT) {
		f.Add(unhex(f, s.stream))
	}
	f.Add(unhex(f, longLength))
	f.Fuzz(func(t *testing.T, stream []byte) {
		c, err := jpeg2000.Open(stream)
		if err != nil {
			known(t, err)
			return
		}
		if c.Width*c.Height > maxFuzzed {
			return
		}
		n := 0
		if err := c.Decode(func(_, _, _ int, row []int32) { n += len(row) }); err != nil {
			known(t, err)
		} else if want := c.Width * c.Height * len(c.Components); n != want {
			t.Errorf("%d samples, want %d", n, want)
		}
	})
}

func known(t *testing.T, err error) {
	if !errors.Is(err, jpeg2000.ErrMalformed) && !errors.Is(err, jpeg2000.ErrUnsupported) && !errors.Is(err, jpeg2000.ErrTooLarge) {
		t.Errorf("an error of another kind: %v", err)
	}
}
