package pixel_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"tenon/dicomweb/pixel"
)

// scene is a picture with soft and hard parts and noise.
func scene(w, h int, colour bool) image.Image {
	chance := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	grey, rgba := image.NewGray(image.Rect(0, 0, w, h)), image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := 120 + 80*math.Sin(float64(x)/9)*math.Cos(float64(y)/17) + 12*chance.NormFloat64()
			if (x/31+y/23)%7 == 3 {
				v = 40 // flat blocks
			}
			if (x/31+y/23)%5 == 0 {
				v = 255 - v
			}
			c := func(f float64) uint8 { return uint8(min(max(f, 0), 255)) }
			grey.SetGray(x, y, color.Gray{c(v)})
			rgba.SetRGBA(x, y, color.RGBA{c(v), c(220 - v/2), c(v*v/255 + 20), 255})
		}
	}
	if colour {
		return rgba
	}
	return grey
}

// decoded reads a stream with the standard library and gives the mean squared
// error beside the picture.
func decoded(t *testing.T, b []byte, want image.Image) float64 {
	t.Helper()
	got, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("size %v, want %v", got.Bounds(), want.Bounds())
	}
	sum, n := 0.0, 0.0
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, g, b, _ := got.At(x, y).RGBA()
			r2, g2, b2, _ := want.At(x, y).RGBA()
			for _, d := range [3]float64{float64(r) - float64(r2), float64(g) - float64(g2), float64(b) - float64(b2)} {
				sum, n = sum+d*d/257/257, n+1
			}
		}
	}
	return sum / n
}

// Beside the encoder of the standard library: the same tables, no more bytes to
// speak of and no less likeness.
func TestEncodeJPEGAgainstAnotherEncoder(t *testing.T) {
	for _, colour := range []bool{false, true} {
		for _, size := range []image.Point{{200, 151}, {1, 1}, {7, 9}, {8, 8}, {16, 17}, {33, 15}} {
			img := scene(size.X, size.Y, colour)
			for _, quality := range []int{1, 10, 50, 75, 90, 100} {
				name := fmt.Sprintf("%T %v quality %d", img, size, quality)
				got, err := pixel.EncodeJPEG(img, quality)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				var b bytes.Buffer
				if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				ours, theirs := decoded(t, got, img), decoded(t, b.Bytes(), img)
				allowed := 1.01 // 0.05 dB
				if colour && size.X*size.Y < 1000 {
					allowed = 1.15 // chance decides on a few pixels of chroma
				}
				if ours > allowed*theirs+0.1 {
					t.Errorf("%s: mean squared error %.3f, the other's %.3f", name, ours, theirs)
				}
				if size.X*size.Y > 1000 && float64(len(got)) > 1.03*float64(b.Len()) {
					t.Errorf("%s: %d bytes, the other %d", name, len(got), b.Len())
				}
			}
		}
	}
}

// Blocks with the greatest coefficients of each kind, and chance, survive quality
// 100 within the rounding of the transform.
func TestEncodeJPEGExtremes(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	img := image.NewGray(image.Rect(0, 0, 512, 64))
	for i := range img.Pix {
		x, y := i%512, i/512
		u, v := x/8%8, y/8
		switch wave := math.Cos(float64(2*(x%8)+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*(y%8)+1)*float64(v)*math.Pi/16); {
		case x >= 256 && chance.IntN(2) == 0, x < 64 && wave > 0, x >= 64 && x < 128 && wave <= 0:
			img.Pix[i] = 255
		case x >= 128 && x < 256:
			img.Pix[i] = byte(chance.IntN(256))
		}
	}
	b, err := pixel.EncodeJPEG(img, 100)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range got.(*image.Gray).Pix {
		if d := int(p) - int(img.Pix[i]); d < -3 || d > 3 {
			t.Fatalf("pixel %d is %d, want %d", i, p, img.Pix[i])
		}
	}
}

// A part of a picture has a stride of its own.
func TestEncodeJPEGOfAPart(t *testing.T) {
	for _, img := range []image.Image{scene(64, 48, false), scene(64, 48, true)} {
		part := img.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(image.Rect(5, 7, 30, 40))
		b, err := pixel.EncodeJPEG(part, 95)
		if err != nil {
			t.Fatal(err)
		}
		whole := image.NewRGBA(image.Rect(0, 0, 25, 33))
		for i := range 25 * 33 {
			whole.Set(i%25, i/25, part.At(5+i%25, 7+i/25))
		}
		other, err := pixel.EncodeJPEG(pixel.Scale(whole, pixel.View{Width: 25, Height: 33}), 95)
		if ours, theirs := decoded(t, b, whole), decoded(t, other, whole); err != nil || ours > theirs+1 {
			t.Errorf("%T: mean squared error %.1f, of the same alone %.1f, %v", part, ours, theirs, err)
		}
	}
	for _, img := range []image.Image{image.NewGray(image.Rectangle{}), image.NewAlpha(image.Rect(0, 0, 4, 4)), image.NewGray(image.Rect(0, 0, 1<<16, 1))} {
		if _, err := pixel.EncodeJPEG(img, 90); err == nil {
			t.Errorf("%T %v was encoded", img, img.Bounds())
		}
	}
}

func BenchmarkEncodeJPEG(b *testing.B) {
	img := scene(512, 512, false)
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			_, _ = pixel.EncodeJPEG(img, 90)
		}
	})
	b.Run("standard", func(b *testing.B) {
		var out bytes.Buffer
		for b.Loop() {
			out.Reset()
			_ = jpeg.Encode(&out, img, &jpeg.Options{Quality: 90})
		}
	})
}
