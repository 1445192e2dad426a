package pixel

import (
	"image"
	"math"
)

// View is the part of a picture that is shown and the size of the place for it.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.5.1.5
type View struct {
	Width, Height int
	// Source is the part that is shown, in pixels of the picture; empty: all.
	Source image.Rectangle
	// FlipX and FlipY mirror the part.
	FlipX, FlipY bool
}

// Scale shows the part of a picture as large as it fits into the place, with
// the shape of its pixels kept. The answer has the type of the picture:
// *image.Gray or *image.RGBA, nothing else is taken.
func Scale(img image.Image, v View) image.Image {
	source := v.Source.Intersect(img.Bounds())
	if v.Source.Empty() {
		source = img.Bounds()
	}
	ratio := min(float64(v.Width)/float64(source.Dx()), float64(v.Height)/float64(source.Dy()))
	width := min(max(int(math.Round(float64(source.Dx())*ratio)), 1), v.Width)
	height := min(max(int(math.Round(float64(source.Dy())*ratio)), 1), v.Height)
	across := weigh(source.Min.X, source.Dx(), width, v.FlipX)
	down := weigh(source.Min.Y, source.Dy(), height, v.FlipY)
	size := image.Rect(0, 0, width, height)
	switch img := img.(type) {
	case *image.Gray:
		out := image.NewGray(size)
		resample(out.Pix, out.Stride, img.Pix, img.Stride, 1, across, down)
		return out
	case *image.RGBA:
		out := image.NewRGBA(size)
		resample(out.Pix, out.Stride, img.Pix, img.Stride, 4, across, down)
		return out
	}
	return img
}

// weights are the pixels of the source that make one pixel, from the first on.
type weights struct {
	first int
	of    []float32
}

// weigh computes those of a row or column: a tent of the size of a pixel of the
// coarser grid, so that nothing is skipped where the picture shrinks.
func weigh(from, length, size int, flip bool) []weights {
	list := make([]weights, size)
	step := float64(length) / float64(size)
	support := max(step, 1)
	for i := range list {
		center := (float64(i)+0.5)*step - 0.5
		lo, hi := max(int(math.Ceil(center-support)), 0), min(int(math.Floor(center+support)), length-1)
		w := weights{first: from + lo}
		sum := float32(0)
		for j := lo; j <= hi; j++ {
			x := float32(max(1-math.Abs(float64(j)-center)/support, 0))
			w.of = append(w.of, x)
			sum += x
		}
		for j := range w.of {
			w.of[j] /= sum
		}
		if flip {
			list[size-1-i] = w
		} else {
			list[i] = w
		}
	}
	return list
}

// resample works across, then down, holding one row of the source at a time.
func resample(out []byte, outStride int, in []byte, inStride, channels int, across, down []weights) {
	width := len(across) * channels
	rows := map[int][]float32{} // rows of the source that were resampled across and are still needed
	sum := make([]float32, width)
	for y, d := range down {
		clear(sum)
		for j, w := range d.of {
			row := rows[d.first+j]
			if row == nil {
				row = narrow(in[(d.first+j)*inStride:], channels, across)
				rows[d.first+j] = row
			}
			for x := range sum {
				sum[x] += row[x] * w
			}
		}
		for x, v := range sum {
			out[y*outStride+x] = byte(min(max(v+0.5, 0), 255))
		}
		if y+1 < len(down) {
			forget(rows, down[y+1])
		}
	}
}

// forget drops the rows that the next one does not need.
func forget(rows map[int][]float32, next weights) {
	for y := range rows {
		if y < next.first || y >= next.first+len(next.of) {
			delete(rows, y)
		}
	}
}

func narrow(in []byte, channels int, across []weights) []float32 {
	row := make([]float32, len(across)*channels)
	for x, a := range across {
		for c := range channels {
			v := float32(0)
			for j, w := range a.of {
				v += float32(in[(a.first+j)*channels+c]) * w
			}
			row[x*channels+c] = v
		}
	}
	return row
}
