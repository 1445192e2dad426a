package pixel

import "slices"

// native reads uncompressed little endian samples.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_8.1
func native(f Format, stream []byte) (*Frame, error) {
	if f.Subsampled {
		return halved(f, stream)
	}
	if f.Allocated == 1 {
		out := newFrame(f)
		return out, singleBits(out.Data, stream)
	}
	if len(stream) < f.size() {
		return nil, errShort
	}
	if !f.Planar || f.Samples == 1 {
		f.Planar = false
		return &Frame{Format: f, Data: stream[:f.size():f.size()]}, nil
	}
	out := newFrame(f)
	word, plane := f.word(), f.pixels()*f.word()
	for s := range f.Samples {
		in := stream[s*plane : (s+1)*plane]
		for p, o := 0, s*word; p < len(in); p, o = p+word, o+f.Samples*word {
			copy(out.Data[o:o+word], in[p:p+word])
		}
	}
	return out, nil
}

// bigEndian reads uncompressed big endian samples.
func bigEndian(f Format, stream []byte) (*Frame, error) {
	out, err := native(f, stream)
	if err != nil || f.word() == 1 {
		return out, err
	}
	out.Data = slices.Clone(out.Data)
	for i := 0; i < len(out.Data); i += f.word() {
		slices.Reverse(out.Data[i : i+f.word()])
	}
	return out, nil
}

// singleBits spreads bits, the lowest of a byte first, to a byte each.
func singleBits(out, stream []byte) error {
	if len(stream)*8 < len(out) {
		return errShort
	}
	for i := range out {
		out[i] = stream[i>>3] >> (i & 7) & 1
	}
	return nil
}

// halved reads YBR_FULL_422: Y Y CB CR for every two pixels of a row.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.3.1.2
func halved(f Format, stream []byte) (*Frame, error) {
	if f.Samples != 3 || f.Allocated != 8 || f.Planar || f.Columns%2 != 0 {
		return nil, unsupported("subsampled colour that is not of 8 bits, by pixel and of even width")
	}
	out := newFrame(f)
	if len(stream) < f.pixels()*2 {
		return nil, errShort
	}
	for o, i := 0, 0; o < len(out.Data); o, i = o+6, i+4 {
		y1, y2, cb, cr := stream[i], stream[i+1], stream[i+2], stream[i+3]
		copy(out.Data[o:o+6], []byte{y1, cb, cr, y2, cb, cr})
	}
	out.Photometric = YBRFull
	return out, nil
}
