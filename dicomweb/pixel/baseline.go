package pixel

import (
	"encoding/binary"
	"image"
)

// Pictures as baseline JPEG with the tables of Annex K, for rendered answers: the
// marker segments. The transform is in forward.go, the entropy coder in
// coefficient.go.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (Annexes A, F, K)
// https://www.w3.org/Graphics/JPEG/jfif3.pdf

// EncodeJPEG writes a picture as JFIF: grey, or colour with halved chroma. Quality
// goes from 1 to 100 on the scale that is common for JPEG (table K.1 and K.2 are
// 50). It takes what Render and Scale give: *image.Gray and *image.RGBA.
func EncodeJPEG(img image.Image, quality int) ([]byte, error) {
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > 1<<16-1 || size.Y > 1<<16-1 {
		return nil, unsupported("JPEG of %d × %d pixels", size.X, size.Y)
	}
	var planes []plane
	switch img := img.(type) {
	case *image.Gray:
		planes = []plane{{img.Pix, img.Stride, size.X, size.Y}}
	case *image.RGBA:
		planes = separated(img)
	default:
		return nil, unsupported("JPEG of a picture of type %T", img)
	}
	tables := []*divisors{divisorsOf(&luminance, quality), divisorsOf(&chrominance, quality)}
	out := append(make([]byte, 0, size.X*size.Y/4+2048), 0xFF, markerSOI)
	out = append(out, "\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"...)
	out = appendTables(out, tables[:min(len(planes), 2)])
	out = append(out, 0xFF, markerSOF0, 0, byte(8+3*len(planes)), 8)
	out = binary.BigEndian.AppendUint16(out, uint16(size.Y))
	out = binary.BigEndian.AppendUint16(out, uint16(size.X))
	out = append(out, byte(len(planes)))
	sampling := [3]byte{0x11, 0x11, 0x11}
	if len(planes) > 1 {
		sampling[0] = 0x22
	}
	scan := append([]byte(nil), 0xFF, markerSOS, 0, byte(6+2*len(planes)), byte(len(planes)))
	for i := range planes {
		table := byte(min(i, 1))
		out = append(out, byte(i+1), sampling[i], table)
		scan = append(scan, byte(i+1), table<<4|table)
	}
	out = append(append(out, scan...), 0, 63, 0)
	s := &scanWriter{out: out}
	if len(planes) == 1 {
		s.grey(&planes[0], tables[0])
	} else {
		s.colour(planes, tables)
	}
	return append(s.end(), 0xFF, markerEOI), nil
}

// appendTables appends DQT and DHT.
func appendTables(out []byte, tables []*divisors) []byte {
	out = append(out, 0xFF, markerDQT, 0, byte(2+65*len(tables)))
	for i, t := range tables {
		out = append(append(out, byte(i)), t.steps[:]...)
	}
	for i := range tables {
		for class, h := range [2]*standardTable{standardDC[i], standardAC[i]} {
			out = append(out, 0xFF, markerDHT, 0, byte(19+len(h.values)), byte(class<<4|i))
			out = append(append(out, h.counts[:]...), h.values...)
		}
	}
	return out
}

// plane is one component: samples of 8 bits, row by row.
type plane struct {
	pix           []byte
	stride        int
	width, height int
}

// separated makes Y, and CB and CR of half the width and height (JFIF p. 3 and 4).
func separated(img *image.RGBA) []plane {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	y := plane{make([]byte, w*h), w, w, h}
	cb, cr := plane{make([]byte, cw*ch), cw, cw, ch}, plane{make([]byte, cw*ch), cw, cw, ch}
	for i := range h {
		in, out := img.Pix[i*img.Stride:][:4*w], y.pix[i*w:][:w]
		for x := range out {
			p := in[4*x : 4*x+3 : 4*x+3]
			out[x] = byte((19595*int32(p[0]) + 38470*int32(p[1]) + 7471*int32(p[2]) + 1<<15) >> 16)
		}
	}
	for i := range ch {
		upper := img.Pix[2*i*img.Stride:]
		lower := img.Pix[min(2*i+1, h-1)*img.Stride:]
		for x := range cw {
			a, b := 8*x, 4*min(2*x+1, w-1)
			var c [3]int32 // four times the colour of four pixels
			for k := range c {
				c[k] = int32(upper[a+k]) + int32(upper[b+k]) + int32(lower[a+k]) + int32(lower[b+k])
			}
			const half = 1 << 17
			cb.pix[i*cw+x] = byte((-11056*c[0] - 21712*c[1] + 32768*c[2] + 512<<16 + half - 1) >> 18)
			cr.pix[i*cw+x] = byte((32768*c[0] - 27440*c[1] - 5328*c[2] + 512<<16 + half - 1) >> 18)
		}
	}
	return []plane{y, cb, cr}
}
