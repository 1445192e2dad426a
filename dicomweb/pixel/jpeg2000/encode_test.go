package jpeg2000_test

import (
	"testing"

	"tenon/dicomweb/pixel/jpeg2000"
)

// What is encoded comes back, here and from OpenJPEG.
func TestEncode(t *testing.T) {
	for _, k := range append(kinds, kind{1, 1, 1, 8, false}, kind{1, 70, 1, 16, true}, kind{70, 1, 3, 8, false}, kind{65, 129, 1, 16, false}, kind{300, 260, 1, 12, true}) {
		want := k.picture()
		p := &jpeg2000.Picture{Width: k.width, Height: k.height, Row: func(component, y int, row []int32) {
			copy(row, want[(component*k.height+y)*k.width:])
		}}
		for range k.components {
			p.Components = append(p.Components, jpeg2000.Component{Bits: k.bits, Signed: k.signed})
		}
		stream, err := jpeg2000.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		got, c := decoded(t, stream)
		if d, at := farthest(got, want); d > 0 || !c.Reversible {
			t.Errorf("%v: samples differ by up to %d, at %d", k, d, at)
		}
		if d, at := farthest(k.reference(t, stream), want); d > 0 {
			t.Errorf("%v by OpenJPEG: samples differ by up to %d, at %d", k, d, at)
		}
	}
}
