package pixel

import "fmt"

// Photometric interpretations.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.3.1.2
const (
	Monochrome1 = "MONOCHROME1"
	Monochrome2 = "MONOCHROME2"
	Palette     = "PALETTE COLOR"
	RGB         = "RGB"
	YBRFull     = "YBR_FULL"
	YBRFull422  = "YBR_FULL_422"
	YBRICT      = "YBR_ICT"
	YBRRCT      = "YBR_RCT"
)

// Format is how the samples of a frame are laid out: the attributes of the
// Image Pixel module (group 0028) of the same names.
type Format struct {
	Rows, Columns int
	Samples       int // SamplesPerPixel: 1 or 3
	Allocated     int // BitsAllocated: 1, 8, 16 or 32
	Stored        int // BitsStored
	High          int // HighBit
	Signed        bool
	Planar        bool // PlanarConfiguration 1: all of one colour, then the next
	Photometric   string
	Subsampled    bool // native YBR_FULL_422: two pixels share their colour
}

// MaxFrame bounds the bytes of one decoded frame.
const MaxFrame = 256 << 20

// Check judges the format; nothing is decoded or allocated before it passes.
func (f *Format) Check() error {
	switch {
	case f.Rows < 1 || f.Columns < 1 || f.Rows > 1<<16-1 || f.Columns > 1<<16-1:
		return malformed("Rows %d and Columns %d must be from 1 to 65535", f.Rows, f.Columns)
	case f.Samples != 1 && f.Samples != 3:
		return unsupported("SamplesPerPixel %d; 1 and 3 can be read", f.Samples)
	case f.Allocated != 1 && f.Allocated != 8 && f.Allocated != 16 && f.Allocated != 32:
		return unsupported("BitsAllocated %d; 1, 8, 16 and 32 can be read", f.Allocated)
	case f.Allocated == 1 && f.Samples != 1:
		return unsupported("colour of single bits")
	case f.Stored < 1 || f.Stored > f.Allocated || f.High < f.Stored-1 || f.High >= f.Allocated:
		return malformed("BitsStored %d and HighBit %d do not fit BitsAllocated %d", f.Stored, f.High, f.Allocated)
	case int64(f.Rows)*int64(f.Columns)*int64(f.Samples)*int64(f.word()) > MaxFrame:
		return fmt.Errorf("pixel: %w: a frame of %d × %d × %d samples of %d bits; at most %d bytes are decoded",
			ErrTooLarge, f.Rows, f.Columns, f.Samples, f.Allocated, MaxFrame)
	}
	return nil
}

// What a frame may take beyond what a short stream is worth: as much as a
// picture of common size, then memoryPerByte for each byte of its stream.
const (
	ownMemory     = 48 << 20
	memoryPerByte = 1024
)

// worth judges the memory that decoding a stream takes, so that a few forged
// bytes cannot ask for hundreds of megabytes.
func worth(need, stream int) error {
	if need > ownMemory && need/memoryPerByte > stream {
		return fmt.Errorf("pixel: %w: %d bytes of memory for a frame that is stored in %d bytes", ErrTooLarge, need, stream)
	}
	return nil
}

// word is the number of bytes of a decoded sample.
func (f *Format) word() int { return (f.Allocated + 7) / 8 }

func (f *Format) pixels() int { return f.Rows * f.Columns }

// size is the number of bytes of a decoded frame.
func (f *Format) size() int { return f.pixels() * f.Samples * f.word() }

// Frame is a decoded frame: samples pixel by pixel, row by row, little endian,
// one, two or four bytes each. Its Format is that of Data: never planar, never
// subsampled, never of single bits.
type Frame struct {
	Format
	Data []byte
}

// newFrame allocates the frame of a checked format.
func newFrame(f Format) *Frame {
	f.Planar, f.Subsampled = false, false
	if f.Allocated == 1 {
		f.Allocated, f.Stored, f.High = 8, 1, 0
	}
	return &Frame{Format: f, Data: make([]byte, f.size())}
}
