package pixel_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
)

// pnm renders with dcmtk and gives the bytes of the picture.
func pnm(t *testing.T, pattern string, options ...string) []byte {
	t.Helper()
	b := written(t, "dcmj2pnm", "dcmtk", testdata(t, pattern)[0], ".pnm", options...)
	for lines := 0; lines < 3; {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		if b = rest; len(line) > 0 && line[0] != '#' {
			lines++
		}
	}
	return b
}

// bytesOf are the samples of a picture without alpha.
func bytesOf(img image.Image) []byte {
	if g, ok := img.(*image.Gray); ok {
		return g.Pix
	}
	var out []byte
	for p := img.(*image.RGBA).Pix; len(p) > 0; p = p[4:] {
		out = append(out, p[:3]...)
	}
	return out
}

// palette reads the palette of a sample.
func palette(t *testing.T, f *dicom.File) *[3]pixel.LUT {
	t.Helper()
	var p [3]pixel.LUT
	for i := range p {
		d, _ := f.Find(-1, dicom.Tag(0x00281101+i))
		e, _ := f.Find(-1, dicom.Tag(0x00281201+i))
		if d == nil || e == nil {
			return nil
		}
		n := func(k int) int { return int(binary.LittleEndian.Uint16(f.Bytes(d)[2*k:])) }
		l, err := pixel.NewLUT(n(0), n(1), n(2), f.Bytes(e))
		if err != nil {
			t.Fatal(err)
		}
		p[i] = *l
	}
	return &p
}

// The pictures are those that dcmtk makes, within one grey of rounding.
func TestRenderAgainstAnotherRenderer(t *testing.T) {
	soft := &pixel.Window{Center: 40, Width: 400}
	for _, tc := range []struct {
		pattern string
		look    pixel.Look
		most    int
		options []string
	}{
		{"CTImage.dcm_LittleEndianExplicit*", pixel.Look{Window: soft}, 1, []string{"+Ww", "40", "400"}},
		{"CTImage.dcm_LittleEndianExplicit*", pixel.Look{Window: &pixel.Window{Center: 300, Width: 2000}}, 1, []string{"+Ww", "300", "2000"}},
		// A step of the lossy stream is 32 of the modality, so a grey here: the rounding of the transform shows.
		{"CTImage.dcm_JPEGProcess1T*", pixel.Look{Window: &pixel.Window{Center: 1000, Width: 8000}}, 2, []string{"+Ww", "1000", "8000"}},
		{"TestPattern_RGB.dcm", pixel.Look{}, 0, nil},
		{"TestPattern_Palette.dcm", pixel.Look{}, 0, nil},
		{"TestPattern_Palette_16.dcm", pixel.Look{}, 0, nil},
		{"no-pixel-spacing.dcm", pixel.Look{}, 0, nil},
		{"US-YBR_FULL_422-EVRLE.dcm", pixel.Look{}, 2, nil},
	} {
		t.Run("R000-024 "+tc.pattern+fmt.Sprint(tc.options), func(t *testing.T) {
			want := pnm(t, tc.pattern, tc.options...)
			p := load(t, tc.pattern)
			tc.look.Palette = palette(t, p.file)
			if i, err := parseSlope(p.file); err == nil {
				tc.look.Slope, tc.look.Intercept = i[0], i[1]
			}
			img, err := pixel.Render(p.decode(t, 0), &tc.look)
			if err != nil {
				t.Fatal(err)
			}
			got := bytesOf(img)
			if len(got) != len(want) {
				t.Fatalf("%d samples, want %d", len(got), len(want))
			}
			most, at := 0, 0
			for i := range got {
				if d := max(int(got[i])-int(want[i]), int(want[i])-int(got[i])); d > most {
					most, at = d, i
				}
			}
			if most > tc.most {
				t.Errorf("samples differ by up to %d (at %d: %d, want %d)", most, at, got[at], want[at])
			}
		})
	}
}

// parseSlope reads RescaleSlope and RescaleIntercept.
func parseSlope(f *dicom.File) (v [2]float64, err error) {
	_, err = fmt.Sscan(f.String(0x00281053)+" "+f.String(0x00281052), &v[0], &v[1])
	return v, err
}

// Values of PS3.3 C.11.2.1.2 and C.11.2.1.3 by hand: the example of the standard
// for LINEAR (c 2048, w 4096 and c 2048, w 1), exact and sigmoid ones.
func TestWindow(t *testing.T) {
	gray := func(w pixel.Window, v int) byte {
		f := frameOf(1, 1, 1, 16, func(i int) byte { return byte(v >> (8 * i)) })
		img, err := pixel.Render(f, &pixel.Look{Window: &w})
		if err != nil {
			t.Fatal(err)
		}
		return bytesOf(img)[0]
	}
	for _, tc := range []struct {
		w    pixel.Window
		v    int
		want float64
	}{
		{pixel.Window{Center: 2048, Width: 4096}, 0, 0},
		{pixel.Window{Center: 2048, Width: 4096}, 4095, 255},
		{pixel.Window{Center: 2048, Width: 4096}, 1000, (1000 - 2047.5) / 4095 * 255},
		{pixel.Window{Center: 2048, Width: 1}, 2047, 0},
		{pixel.Window{Center: 2048, Width: 1}, 2048, 255},
		{pixel.Window{Center: 0, Width: 100}, 0, (0.5/99 + 0.5) * 255},
		{pixel.Window{Center: 0, Width: 100}, 49, 255},
		{pixel.Window{Center: 100, Width: 100, Function: pixel.LinearExact}, 100, 127.5},
		{pixel.Window{Center: 100, Width: 100, Function: pixel.LinearExact}, 50, 0},
		{pixel.Window{Center: 100, Width: 100, Function: pixel.LinearExact}, 150, 255},
		{pixel.Window{Center: 100, Width: 100, Function: pixel.Sigmoid}, 100, 127.5},
		{pixel.Window{Center: 100, Width: 100, Function: pixel.Sigmoid}, 150, 255 / (1 + math.Exp(-2))},
	} {
		want := tc.want
		if tc.v == 1000 {
			want += 127.5
		}
		if got := gray(tc.w, tc.v); math.Abs(float64(got)-want) > 0.51 {
			t.Errorf("%+v of %d = %d, want %.1f", tc.w, tc.v, got, want)
		}
	}
}

// The steps before and behind the window.
func TestRenderSteps(t *testing.T) {
	f := frameOf(1, 4, 1, 16, func(i int) byte { return []byte{0, 0xF0, 1, 0xF0, 0xFF, 0x0F, 0, 0x08}[i] })
	f.Stored, f.High, f.Signed = 12, 11, true // 0, 1, -1, -2048; the upper four bits are no part of it
	exact := func(c, w float64) *pixel.Window {
		return &pixel.Window{Center: c, Width: w, Function: pixel.LinearExact}
	}
	voi := &pixel.LUT{First: -1, Bits: 8, Data: []uint16{10, 20, 30}}
	for _, tc := range []struct {
		name        string
		photometric string
		look        pixel.Look
		want        [4]byte
	}{
		{"signed of 12 bits", pixel.Monochrome2, pixel.Look{Window: exact(0, 2)}, [4]byte{128, 255, 0, 0}},
		{"MONOCHROME1", pixel.Monochrome1, pixel.Look{Window: exact(0, 2)}, [4]byte{128, 0, 255, 255}},
		{"INVERSE", pixel.Monochrome2, pixel.Look{Window: exact(0, 2), Inverse: true}, [4]byte{128, 0, 255, 255}},
		{"MONOCHROME1 with INVERSE", pixel.Monochrome1, pixel.Look{Window: exact(0, 2), Inverse: true}, [4]byte{128, 0, 255, 255}},
		{"rescale", pixel.Monochrome2, pixel.Look{Slope: 2, Intercept: 10, Window: exact(10, 8)}, [4]byte{128, 191, 64, 0}},
		{"modality table", pixel.Monochrome2, pixel.Look{Modality: voi, Window: exact(20, 20)}, [4]byte{128, 255, 0, 0}},
		{"VOI table", pixel.Monochrome2, pixel.Look{VOI: voi}, [4]byte{20, 30, 10, 10}},
		{"whole range", pixel.Monochrome2, pixel.Look{}, [4]byte{255, 255, 255, 0}},
		{"whole range without padding", pixel.Monochrome2, pixel.Look{Padding: &[2]int{-2048, -2048}}, [4]byte{128, 255, 0, 0}},
	} {
		f.Photometric = tc.photometric
		img, err := pixel.Render(f, &tc.look)
		if err != nil || !bytes.Equal(bytesOf(img), tc.want[:]) {
			t.Errorf("%s: %v, %v, want %v", tc.name, bytesOf(img), err, tc.want)
		}
	}
	flat := frameOf(2, 2, 1, 8, func(int) byte { return 9 })
	if img, err := pixel.Render(flat, &pixel.Look{}); err != nil || len(bytesOf(img)) != 4 {
		t.Errorf("a flat picture: %v", err)
	}
	flat.Photometric = "YBR_PARTIAL_420"
	if _, err := pixel.Render(flat, &pixel.Look{}); err == nil {
		t.Error("an unknown photometric interpretation was rendered")
	}
}

// Words of every layout by table, and the same in four bytes a sample, value by
// value, agree.
func TestRenderByTable(t *testing.T) {
	for _, tc := range []struct {
		allocated, stored, high int
		signed                  bool
	}{{8, 8, 7, false}, {8, 8, 7, true}, {8, 5, 6, true}, {8, 1, 0, false}, {16, 16, 15, false}, {16, 16, 15, true}, {16, 12, 11, true}, {16, 12, 13, false}, {16, 10, 15, true}} {
		f := frameOf(50, 61, 1, tc.allocated, func(i int) byte { return byte(i * i * 7 / 5) })
		f.Stored, f.High, f.Signed = tc.stored, tc.high, tc.signed
		wide := frameOf(50, 61, 1, 32, func(i int) byte {
			if word := tc.allocated / 8; i%4 < word {
				return f.Data[i/4*word+i%4]
			}
			return 0
		})
		wide.Stored, wide.High, wide.Signed = tc.stored, tc.high, tc.signed
		for _, look := range []pixel.Look{
			{Slope: 0.5, Intercept: -3, Window: &pixel.Window{Center: 10, Width: 90}}, {}, {Padding: &[2]int{-100, 3}, Inverse: true},
			{VOI: &pixel.LUT{First: -20, Bits: 10, Data: []uint16{0, 700, 300, 1023}}},
		} {
			a, err := pixel.Render(f, &look)
			b, err2 := pixel.Render(wide, &look)
			if err != nil || err2 != nil || !bytes.Equal(bytesOf(a), bytesOf(b)) {
				t.Errorf("%+v %+v: the two ways differ (%v, %v)", tc, look, err, err2)
			}
		}
	}
}

func TestScale(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 4, 2))
	copy(img.Pix, []byte{0, 0, 200, 200, 100, 100, 40, 40})
	for _, tc := range []struct {
		name string
		view pixel.View
		size image.Point
		want []byte // nil: only the size
	}{
		{"as it is", pixel.View{Width: 4, Height: 2}, image.Pt(4, 2), img.Pix},
		{"fits the width", pixel.View{Width: 8, Height: 100}, image.Pt(8, 4), nil},
		{"fits the height", pixel.View{Width: 100, Height: 1}, image.Pt(2, 1), nil},
		{"a part", pixel.View{Width: 2, Height: 2, Source: image.Rect(2, 0, 4, 2)}, image.Pt(2, 2), []byte{200, 200, 40, 40}},
		{"mirrored", pixel.View{Width: 4, Height: 2, FlipX: true}, image.Pt(4, 2), []byte{200, 200, 0, 0, 40, 40, 100, 100}},
		{"upside down", pixel.View{Width: 4, Height: 2, FlipY: true}, image.Pt(4, 2), []byte{100, 100, 40, 40, 0, 0, 200, 200}},
		{"a pixel", pixel.View{Width: 1, Height: 1}, image.Pt(1, 1), nil},
	} {
		got := pixel.Scale(img, tc.view).(*image.Gray)
		if got.Bounds().Size() != tc.size || tc.want != nil && !bytes.Equal(got.Pix, tc.want) {
			t.Errorf("%s: %v %v, want %v %v", tc.name, got.Bounds(), got.Pix, tc.size, tc.want)
		}
	}
	flat := image.NewRGBA(image.Rect(0, 0, 301, 207))
	for i := range flat.Pix {
		flat.Pix[i] = byte(50 + i%4)
	}
	small := pixel.Scale(flat, pixel.View{Width: 37, Height: 41}).(*image.RGBA)
	for i, v := range small.Pix {
		if v != byte(50+i%4) {
			t.Fatalf("a flat picture became %d at %d", v, i)
		}
	}
	if small.Bounds().Size() != image.Pt(37, 25) {
		t.Errorf("301 × 207 in 37 × 41 is %v", small.Bounds())
	}
}
