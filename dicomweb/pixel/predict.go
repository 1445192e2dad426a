package pixel

// The predictors of lossless JPEG.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (H.1.2.1)

// undo turns the differences of a row into samples, modulo 2^16. above is nil in
// the first row of a restart interval, where start is the first prediction.
func undo(selector byte, row, above []int32, start int32) {
	if above == nil {
		row[0] = (row[0] + start) & 0xFFFF
		selector = 1
	} else {
		row[0] = (row[0] + above[0]) & 0xFFFF
	}
	a := row[0]
	switch selector {
	case 1:
		for i := 1; i < len(row); i++ {
			a = (row[i] + a) & 0xFFFF
			row[i] = a
		}
	case 2:
		for i := 1; i < len(row); i++ {
			row[i] = (row[i] + above[i]) & 0xFFFF
		}
	case 3:
		for i := 1; i < len(row); i++ {
			row[i] = (row[i] + above[i-1]) & 0xFFFF
		}
	default:
		for i := 1; i < len(row); i++ {
			a = (row[i] + blend(selector, a, above[i], above[i-1])) & 0xFFFF
			row[i] = a
		}
	}
}

// blend is a predictor of more than one neighbour: a left, b above, c above left.
func blend(selector byte, a, b, c int32) int32 {
	switch selector {
	case 4:
		return a + b - c
	case 5:
		return a + (b-c)>>1
	case 6:
		return b + (a-c)>>1
	}
	return (a + b) >> 1
}
