package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
)

// mutant is one damaged file or stream.
type mutant struct {
	n      int64
	what   string // the line of the table
	bytes  []byte
	syntax string // of a stream; "": a file
	format pixel.Format
}

// One mutant in so many is of a large file or frame, which cost a thousand times
// as much as a small one.
const oneLarge = 200

// mutant makes the n-th of a seed.
func (c *corpus) mutant(seed uint64, n int64, into []byte) *mutant {
	random := rand.New(rand.NewPCG(seed, uint64(n))) //nolint:gosec // the same every time, on purpose
	files, streams := c.files, c.streams
	if random.IntN(oneLarge) == 0 && len(c.largeStreams) > 0 {
		files, streams = c.largeFiles, c.largeStreams
	}
	if random.IntN(2) == 0 {
		return &mutant{n: n, what: "file", bytes: damaged(random, append(into[:0], files[random.IntN(len(files))]...))}
	}
	s := &streams[random.IntN(len(streams))]
	m := &mutant{n: n, what: s.syntax, syntax: s.syntax, format: s.format, bytes: damaged(random, append(into[:0], s.bytes...))}
	if random.IntN(8) == 0 { // the data set tells another format than the stream
		for _, v := range []*int{&m.format.Rows, &m.format.Columns, &m.format.Stored, &m.format.High} {
			if random.IntN(2) == 0 {
				*v = max(1, *v+random.IntN(17)-8)
			}
		}
		m.format.Signed = random.IntN(2) == 0
	}
	return m
}

// damaged has some bytes changed, most of them near the beginning, where headers
// are; or is cut, doubled or shifted.
func damaged(random *rand.Rand, b []byte) []byte {
	for range 1 + random.IntN(8) {
		if len(b) == 0 {
			return b
		}
		at := random.IntN(len(b))
		if random.IntN(2) == 0 {
			at = random.IntN(min(len(b), 400))
		}
		switch random.IntN(7) {
		case 0:
			b[at] ^= 1 << random.IntN(8)
		case 1:
			b[at] = []byte{0, 0x7F, 0x80, 0xFF}[random.IntN(4)]
		case 2:
			b[at] = byte(random.Uint32())
		case 3:
			b = append(b[:at], b[min(at+1+random.IntN(16), len(b)):]...)
		case 4:
			again := bytes.Clone(b[max(0, at-40):at])
			b = append(b[:at], append(again, b[at:]...)...)
		case 5: // a length or a count
			for i := at; i < min(at+4, len(b)); i++ {
				b[i] = []byte{0xFF, 0xFE, 0x7F}[random.IntN(3)]
			}
		default:
			if random.IntN(8) == 0 {
				b = b[:at]
			}
		}
	}
	return b
}

// read does what the door does; whether it was read, and what is wrong with how.
func (m *mutant) read(rd *dicom.Reader) (read bool, err error) {
	if m.syntax == "" {
		return m.readFile(rd)
	}
	f, failed := pixel.Decode(m.syntax, m.format, m.bytes)
	if (f == nil) == (failed == nil) {
		return false, fmt.Errorf("a frame and an error, or neither: %w", failed)
	}
	if f != nil && len(f.Data) != f.Rows*f.Columns*f.Samples*f.Allocated/8 {
		return true, fmt.Errorf("%d bytes for %d × %d × %d", len(f.Data), f.Rows, f.Columns, f.Samples)
	}
	return f != nil, nil
}

// readFile makes the metadata of a file and decodes its first frame.
func (m *mutant) readFile(rd *dicom.Reader) (bool, error) {
	f, err := rd.Read(bytes.NewReader(m.bytes), dicom.Options{})
	if err != nil {
		if dicom.AsFault(err) == nil {
			return false, fmt.Errorf("no fault: %w", err)
		}
		return false, nil
	}
	text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 10, MaxBulk: 1 << 10})
	if m.n%4 == 0 {
		if _, err := dicom.AppendXML(nil, text); err != nil {
			return true, fmt.Errorf("its JSON is not read: %w", err)
		}
	}
	table, _ := f.FrameTable()
	if table == nil || f.Syntax.Deflated || !pixel.CanDecode(f.Syntax.UID) {
		return true, nil
	}
	first, ok := table.Frame(1)
	if !ok {
		return true, nil
	}
	var frame []byte
	for _, p := range first.Pieces {
		if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > int64(len(m.bytes)) {
			return true, fmt.Errorf("a frame at %d+%d of %d bytes", p.Offset, p.Length, len(m.bytes))
		}
		frame = append(frame, m.bytes[p.Offset:p.Offset+p.Length]...)
	}
	_, _ = pixel.Decode(f.Syntax.UID, formatOf(f), frame) // refusing is right, too
	return true, nil
}
