package pixel

import "encoding/binary"

// EncodeRLE writes a frame as RLE lossless. Rows are packed apart, as PS3.5
// §G.3.1 asks.
func EncodeRLE(f *Frame) ([]byte, error) {
	word := f.word()
	planes := f.Samples * word
	if planes > rleSegments {
		return nil, unsupported("%d planes of bytes in RLE", planes)
	}
	out := make([]byte, rleHeader, rleHeader+len(f.Data)/2)
	binary.LittleEndian.PutUint32(out, uint32(planes))
	row := make([]byte, f.Columns)
	for s := range planes {
		binary.LittleEndian.PutUint32(out[4+4*s:], uint32(len(out)))
		in := f.Data[s/word*word+word-1-s%word:]
		for r := range f.Rows {
			for c := range row {
				row[c] = in[(r*f.Columns+c)*planes]
			}
			out = packBits(out, row)
		}
		if len(out)%2 != 0 {
			out = append(out, 0)
		}
	}
	return out, nil
}

// packBits appends one row: runs of three and more as replicates, the rest as
// literals of at most 128 bytes.
func packBits(dst, row []byte) []byte {
	literal := 0 // where the bytes that are not written yet begin
	for i := 0; i < len(row); {
		run := 1
		for run < 128 && i+run < len(row) && row[i+run] == row[i] {
			run++
		}
		if run < 3 {
			i += run
			continue
		}
		dst = append(literals(dst, row[literal:i]), byte(1-run), row[i])
		i += run
		literal = i
	}
	return literals(dst, row[literal:])
}

func literals(dst, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), 128)
		dst = append(append(dst, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return dst
}
