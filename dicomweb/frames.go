package dicomweb

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
)

// WADO-RS: frames and their media types.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.6
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.3.5

const maxFrames = 10_000

// frames answers frames of one instance: uncompressed ones in explicit little
// endian, compressed ones as they are stored.
func (d *Door) frames(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	numbers, err := frameList(r.PathValue("list"))
	if err != nil {
		return err
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	row := found.first
	if len(row.Instance.Content.Frames) == 0 {
		return absent()
	}
	table, err := dicom.ParseFrameTable(row.Instance.Content.Frames)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if _, ok := table.Frame(n); !ok {
			return issue.Errorf(issue.NotFound, "Frame %d does not exist; the instance has %d.", n, table.Count).Rule("frame").At("frames")
		}
	}
	shape, ok := chooseShape(accepted(r.Request), row, len(numbers) == 1)
	if !ok {
		return notAcceptable("frames of this instance are stored in transfer syntax " + row.Instance.TransferSyntax +
			" and are not converted to what is asked for; ask for transfer-syntax=*")
	}
	if shape.converted {
		if err := d.audit(r, "wado-frames", found.entity(), found.patient()); err != nil {
			return err
		}
		return d.convertFrames(w, r, row, numbers, shape)
	}
	var file *stored
	defer func() {
		if file != nil {
			_ = file.Close()
		}
	}()
	if err := d.disclose(r, "wado-frames", row, func() (err error) {
		if file, err = d.open(r.Context(), &row.Instance.Content); err != nil {
			return err
		}
		if first, _ := table.Frame(numbers[0]); len(first.Pieces) > 0 {
			err = file.prepare(first.Pieces[0].Offset)
		}
		return err
	}); err != nil {
		return err
	}
	return writeFrames(w, r, row, file, table, numbers, shape)
}

func frameList(list string) ([]int, error) {
	var numbers []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || len(numbers) == maxFrames {
			return nil, issue.Errorf(issue.Invalid, "frames/%.80s: frame numbers from 1 on, at most %d, divided by commas, are expected.", list, maxFrames).
				At("frames").Rule("frame-list").WithStatus(http.StatusBadRequest)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// shape is how frames are answered.
type shape struct {
	multipart bool
	media     string // media type of one frame, without parameters
	syntax    string
	converted bool // decoded, and encoded where it is compressed
}

func (s shape) contentType() string { return s.media + "; transfer-syntax=" + s.syntax }

// chooseFrame finds the first range that the stored frames satisfy. Compressed
// frames go out as application/octet-stream only where the range names their
// transfer syntax or any, since alone it means uncompressed.
func chooseFrame(ranges []media, stored string, single bool) (shape, bool) {
	x, _ := dicom.SyntaxOf(stored)
	s := shape{media: x.MediaType(), syntax: stored}
	if !x.Encapsulated {
		s.syntax = dicom.ExplicitLittleEndian
	}
	for _, m := range ranges {
		part := m
		if s.multipart = m.isMultipart() || m.name == "*/*"; s.multipart && m.name != "*/*" {
			part = m.part()
		}
		if !s.multipart && !single || !part.syntax(s.syntax) && !part.syntax(stored) {
			continue
		}
		if part.covers(s.media) {
			return s, true
		}
		if part.name == octetStream && part.params["transfer-syntax"] != "" {
			s.media = octetStream
			return s, true
		}
	}
	return s, false
}

func writeFrames(w http.ResponseWriter, r *request, row *index.Result, file *stored, table *dicom.FrameTable, numbers []int, s shape) error {
	if !s.multipart {
		body, size, err := frameBody(row, file, table, numbers[0])
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", s.contentType())
		if seeker, ok := body.(io.ReadSeeker); ok {
			tagAndServe(w, r, row, "-"+strconv.Itoa(numbers[0]), seeker)
			return nil
		}
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		_, err = io.Copy(w, body)
		return aborted(err)
	}
	out := newParts(w, s.media)
	part := out.part
	if len(numbers) == 1 {
		part = out.only
	}
	for _, n := range numbers {
		body, size, err := frameBody(row, file, table, n)
		if err == nil {
			err = part(s.contentType(), r.base+pathOf(row, index.InstanceLevel)+"/frames/"+strconv.Itoa(n), size, body)
		}
		if err != nil {
			return out.end(err)
		}
	}
	return out.end(nil)
}

// aborted breaks the connection where half an answer went out.
func aborted(err error) error {
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// maxSwapped bounds the frames that are held in memory to be shifted or swapped.
const maxSwapped = 1 << 30

// frameBody reads one frame.
func frameBody(row *index.Result, file *stored, table *dicom.FrameTable, n int) (io.Reader, int64, error) {
	frame, _ := table.Frame(n)
	var readers []io.Reader
	size := int64(0)
	for _, p := range frame.Pieces {
		section, err := file.section(p)
		if err != nil {
			return nil, 0, err
		}
		readers = append(readers, section)
		size += p.Length
	}
	word := wordOf(row)
	if frame.Bits == 0 || word == 1 && frame.Skip == 0 && frame.Bits%8 == 0 {
		if len(readers) == 1 {
			return readers[0], size, nil
		}
		return io.MultiReader(readers...), size, nil
	}
	if size > maxSwapped {
		return nil, 0, fmt.Errorf("dicomweb: a frame of %d bytes to be swapped", size)
	}
	b, err := io.ReadAll(io.MultiReader(readers...))
	if err != nil {
		return nil, 0, err
	}
	dicom.Swap(b, word)
	b = shift(b, frame.Skip, frame.Bits)
	return bytes.NewReader(b), int64(len(b)), nil
}

// wordOf is the number of bytes to swap: big endian files only.
func wordOf(row *index.Result) int {
	x, _ := dicom.SyntaxOf(row.Instance.TransferSyntax)
	if bits := row.Instance.BitsAllocated; x.BigEndian && bits != nil && *bits > 8 && *bits <= 64 {
		return int(*bits / 8)
	}
	return 1
}

// shift moves a frame of single bits to the start of a byte; the first pixel is
// the lowest bit (PS3.5 §8.1.1).
func shift(b []byte, skip int, bits int64) []byte {
	out := make([]byte, (bits+7)/8)
	for i := range out {
		out[i] = b[i] >> skip
		if i+1 < len(b) {
			out[i] |= b[i+1] << (8 - skip)
		}
	}
	if rest := bits % 8; rest != 0 {
		out[len(out)-1] &= 1<<rest - 1
	}
	return out
}
