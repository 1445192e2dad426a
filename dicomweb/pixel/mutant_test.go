package pixel_test

import (
	"flag"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"tenon/dicomweb/pixel"
)

var mutants = flag.Int("mutants", 12, "damaged streams of each file of the corpus")

// What a damaged stream of a common picture may take.
const (
	mutantMemory = 64 << 20
	mutantTime   = 10 * time.Second // on a machine with other work; a second on an idle one
)

// Damaged streams of every transfer syntax are refused or decoded within the
// memory and time of a picture of that size.
func TestDecodeMutated(t *testing.T) {
	for _, file := range slices.Concat(testdata(t, "C*.dcm"), testdata(t, "T*.dcm"), testdata(t, "U*.dcm")) {
		p := load(t, filepath.Base(file))
		if len(p.frames) == 0 || !pixel.CanDecode(p.syntax) {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			random := rand.New(rand.NewPCG(11, uint64(len(file))))
			for range *mutants {
				mutant := mutated(random, p.frames[random.IntN(len(p.frames))])
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				f, err := pixel.Decode(p.syntax, p.format, mutant)
				took := time.Since(began)
				runtime.ReadMemStats(&after)
				if made := after.TotalAlloc - before.TotalAlloc; made > mutantMemory || took > mutantTime {
					t.Errorf("a stream of %d bytes took %d bytes and %v: %v", len(mutant), made, took, err)
				}
				if (f == nil) == (err == nil) {
					t.Errorf("a frame and an error, or neither: %v", err)
				}
			}
		})
	}
}

// mutated is a stream with some bytes changed, most of them near the beginning,
// where its headers are; or cut, doubled or shifted.
func mutated(random *rand.Rand, stream []byte) []byte {
	b := append([]byte{}, stream...)
	for range 1 + random.IntN(8) {
		at := random.IntN(len(b))
		if random.IntN(2) == 0 {
			at = random.IntN(min(len(b), 200))
		}
		switch random.IntN(6) {
		case 0:
			b[at] ^= 1 << random.IntN(8)
		case 1:
			b[at] = 0xFF
		case 2:
			b[at] = byte(random.Uint32())
		case 3:
			b = append(b[:at], b[min(at+1+random.IntN(16), len(b)):]...)
		case 4:
			b = append(b[:at:at], append(append([]byte{}, b[max(0, at-20):at]...), b[at:]...)...)
		default:
			if random.IntN(8) == 0 {
				b = b[:at]
			}
		}
		if len(b) == 0 {
			return b
		}
	}
	return b
}
