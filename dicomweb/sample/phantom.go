package sample

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// Hounsfield units of the phantom.
const (
	air    = -1000
	tissue = 40
	bone   = 1100
)

// pixels draws one slice in Hounsfield units, 16 bits signed little endian.
func (s *Series) pixels(slice int) []byte {
	noise := rand.New(rand.NewPCG(uint64(s.o.Seed), uint64(slice))) //nolint:gosec // a picture, not a secret
	out := make([]byte, 0, 2*s.o.Rows*s.o.Columns)
	for row := range s.o.Rows {
		for column := range s.o.Columns {
			value := s.at(slice, row, column) + noise.IntN(21) - 10
			out = binary.LittleEndian.AppendUint16(out, uint16(int16(value))) //nolint:gosec // two's complement is meant
		}
	}
	return out
}

// at is the phantom without noise: an ellipsoid of tissue in a shell of bone,
// with a round hole in the shell.
func (s *Series) at(slice, row, column int) int {
	x := 2*float64(column)/float64(max(1, s.o.Columns-1)) - 1
	y := 2*float64(row)/float64(max(1, s.o.Rows-1)) - 1
	z := float64(slice)/float64(max(1, s.o.Slices-1)) - 0.5 // the middle of a head
	radius := math.Sqrt((x/0.78)*(x/0.78) + (y/0.92)*(y/0.92) + z*z)
	angle := float64(s.o.Seed%12) * math.Pi / 6
	hole := math.Hypot(x-0.78*math.Cos(angle), y-0.92*math.Sin(angle))
	switch {
	case radius > 1:
		return air
	case radius > 0.97 || radius < 0.87 || math.Hypot(hole, z) < 0.3:
		return tissue
	}
	return bone
}
