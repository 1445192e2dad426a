package pixel_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"tenon/dicomweb/pixel"
)

// The CT that was coded with loss is what OpenJPEG makes of it.
func TestDecodeWaveletWithLoss(t *testing.T) {
	p := load(t, "CTImage.dcm_JPEG2000Transfer*")
	got := p.decode(t, 0)
	in := filepath.Join(t.TempDir(), "in.j2k")
	if err := os.WriteFile(in, p.frames[0], 0o600); err != nil {
		t.Fatal(err)
	}
	b := written(t, "opj_decompress", "libopenjp2-tools", in, ".rawl")
	want := &pixel.Frame{Format: got.Format, Data: b}
	if d := farthest(got, want); d > 1 || len(b) != 512*512*2 {
		t.Errorf("samples differ by up to %d", d)
	}
}

// A few bytes that tell of a huge picture are refused before it gets its room.
func TestDecodeWorth(t *testing.T) {
	p := load(t, "CTImage.dcm_JPEG2000Lossless*")
	stream := append([]byte{}, p.frames[0][:2000]...)
	f := p.format
	f.Rows, f.Columns = 10000, 6000
	for i, v := range []uint32{6000, 10000} {
		binary.BigEndian.PutUint32(stream[8+4*i:], v)
		binary.BigEndian.PutUint32(stream[24+4*i:], v)
	}
	clear(stream[130:134]) // the part of the tile reaches to the end
	refused(t, p.syntax, f, stream, pixel.ErrTooLarge)
}
