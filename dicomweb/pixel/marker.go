package pixel

import "encoding/binary"

// Marker segments of JPEG and JPEG-LS.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (Annex B)
// https://www.itu.int/rec/T-REC-T.87 (Annex C)

const (
	markerSOF0  = 0xC0 // baseline
	markerSOF1  = 0xC1 // extended sequential
	markerSOF2  = 0xC2 // progressive
	markerSOF3  = 0xC3 // lossless
	markerDHT   = 0xC4
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerDQT   = 0xDB
	markerDNL   = 0xDC
	markerDRI   = 0xDD
	markerAPP14 = 0xEE
	markerSOF55 = 0xF7 // JPEG-LS
	markerLSE   = 0xF8
)

// segments walks over the marker segments of a stream.
type segments struct {
	b []byte
	i int
}

// next gives the next marker and its parameters. The parameters of markers
// that stand alone are empty.
func (s *segments) next() (marker byte, body []byte, err error) {
	for s.i < len(s.b) && s.b[s.i] != 0xFF {
		s.i++ // entropy-coded data that nobody read, or padding
	}
	for s.i < len(s.b) && s.b[s.i] == 0xFF {
		s.i++
	}
	if s.i >= len(s.b) {
		return 0, nil, errShort
	}
	marker = s.b[s.i]
	s.i++
	if marker == 0 || marker == 1 || marker >= 0xD0 && marker <= markerEOI {
		return marker, nil, nil
	}
	if len(s.b)-s.i < 2 {
		return 0, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(s.b[s.i:]))
	if n < 2 || n > len(s.b)-s.i {
		return 0, nil, malformed("a marker segment of %d bytes at byte %d of %d", n, s.i, len(s.b))
	}
	body = s.b[s.i+2 : s.i+n]
	s.i += n
	return marker, body, nil
}

// each calls do with the segments from here on until it is done; a stream that
// ends before has too little.
func (s *segments) each(do func(marker byte, body []byte) (done bool, err error)) error {
	for {
		marker, body, err := s.next()
		if err != nil {
			return err
		}
		if done, err := do(marker, body); done || err != nil {
			return err
		}
		if marker == markerEOI {
			return errShort
		}
	}
}

// parseInterval reads DRI.
func parseInterval(body []byte) (int, error) {
	if len(body) < 2 {
		return 0, errShort
	}
	return int(binary.BigEndian.Uint16(body)), nil
}

// component is one component of a frame header.
type component struct {
	id, h, v, table byte
}

// frameHeader is SOF.
type frameHeader struct {
	marker     byte
	precision  int
	rows, cols int
	components []component
}

func parseFrameHeader(marker byte, b []byte) (*frameHeader, error) {
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return nil, errShort
	}
	h := &frameHeader{marker: marker, precision: int(b[0]),
		rows: int(binary.BigEndian.Uint16(b[1:])), cols: int(binary.BigEndian.Uint16(b[3:]))}
	for i := range int(b[5]) {
		c := b[6+3*i:]
		h.components = append(h.components, component{id: c[0], h: c[1] >> 4, v: c[1] & 15, table: c[2]})
	}
	return h, nil
}

// beginFrame reads the only frame header of a stream, in which all components
// are of one size, and allocates the frame.
func beginFrame(before *frameHeader, marker byte, f Format, body []byte) (*frameHeader, *Frame, error) {
	if before != nil {
		return nil, nil, malformed("two frame headers")
	}
	h, err := parseFrameHeader(marker, body)
	if err != nil {
		return nil, nil, err
	}
	if err := h.fits(&f); err != nil {
		return nil, nil, err
	}
	for _, c := range h.components {
		if c.h != h.components[0].h || c.v != h.components[0].v {
			return nil, nil, unsupported("subsampled colour in process FF%X", marker)
		}
	}
	f.Subsampled = false
	out := newFrame(f)
	if f.Photometric == YBRFull422 {
		out.Photometric = YBRFull
	}
	return h, out, nil
}

// fits judges what the stream says of its frame against what the data set says.
func (h *frameHeader) fits(f *Format) error {
	if h.rows == 0 {
		return unsupported("a stream that tells its number of lines at its end")
	}
	if h.rows != f.Rows || h.cols != f.Columns || len(h.components) != f.Samples {
		return malformed("the stream holds %d × %d × %d samples, the data set says %d × %d × %d",
			h.rows, h.cols, len(h.components), f.Rows, f.Columns, f.Samples)
	}
	if h.precision < 2 || h.precision > f.Allocated || h.precision > 16 {
		return malformed("samples of %d bits in BitsAllocated %d", h.precision, f.Allocated)
	}
	return nil
}

// find is the index of a component, or -1.
func (h *frameHeader) find(id byte) int {
	for i, c := range h.components {
		if c.id == id {
			return i
		}
	}
	return -1
}

// scanHeader is SOS.
type scanHeader struct {
	components []int  // indices into the frame header
	tables     []byte // table selectors, one a component
	a, b, c    byte   // Ss, Se, AhAl; in JPEG-LS: NEAR, ILV, point transform
}

func parseScanHeader(h *frameHeader, b []byte) (*scanHeader, error) {
	if h == nil {
		return nil, malformed("a scan before the frame header")
	}
	if len(b) < 1 || len(b) < 4+2*int(b[0]) {
		return nil, errShort
	}
	n := int(b[0])
	if n < 1 || n > len(h.components) {
		return nil, malformed("a scan of %d components", n)
	}
	s := &scanHeader{}
	for i := range n {
		at := h.find(b[1+2*i])
		if at < 0 {
			return nil, malformed("a scan of component %d, which the frame lacks", b[1+2*i])
		}
		for _, other := range s.components {
			if other == at {
				return nil, malformed("a scan names component %d twice", b[1+2*i])
			}
		}
		s.components, s.tables = append(s.components, at), append(s.tables, b[2+2*i])
	}
	tail := b[1+2*n:]
	s.a, s.b, s.c = tail[0], tail[1], tail[2]
	return s, nil
}
