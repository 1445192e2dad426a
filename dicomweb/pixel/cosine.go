package pixel

import "math"

// zigzag gives the place in a block, row by row, of the coefficients in the
// order of the stream.
var zigzag = [64]int{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// cosines[u][x] is C(u)/2 · cos((2x+1)uπ/16).
var cosines = func() (c [8][8]float64) {
	for u := range 8 {
		scale := 0.5
		if u == 0 {
			scale = 0.5 / math.Sqrt2
		}
		for x := range 8 {
			c[u][x] = scale * math.Cos(float64(2*x+1)*float64(u)*math.Pi/16)
		}
	}
	return c
}()

// inverse is the inverse discrete cosine transform of a block (A.3.3).
func inverse(in *[64]int32) *[64]float64 {
	var rows, out [64]float64
	for v := range 8 {
		for u := range 8 {
			if c := float64(in[v*8+u]); c != 0 {
				for x := range 8 {
					rows[v*8+x] += c * cosines[u][x]
				}
			}
		}
	}
	for v := range 8 {
		for y := range 8 {
			for x := range 8 {
				out[y*8+x] += rows[v*8+x] * cosines[v][y]
			}
		}
	}
	return &out
}
