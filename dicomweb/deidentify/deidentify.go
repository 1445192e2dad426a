package deidentify

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"tenon/dicomweb/dicom"
)

// Options say how a file is de-identified. Key is needed.
type Options struct {
	Key    Key
	Retain Option
	Limits dicom.Limits
}

// Report tells what was done, by tag and number of elements, never a value.
type Report struct {
	Pseudonym string
	Instance  string // SOP Instance UID of the result
	Removed   int
	Emptied   int
	Replaced  int
	Shifted   int
	// Risks are what a person must look at.
	Risks []string
}

// longest is the longest value that is held; what is longer, beside pixel data,
// is refused.
const longest = 64 << 20

var errTooLong = errors.New("deidentify: a value outside the pixel data is longer than 64 MiB")

// Apply writes the file without what tells whose it is, in explicit little
// endian, or with its compressed pixels as they are. r is read twice. Uncompressed
// pixels and fragments are held one value at a time.
func Apply(w io.Writer, r io.ReadSeeker, o Options) (*Report, error) {
	if len(o.Key) < 32 {
		return nil, errShortKey
	}
	if o.Retain&FullDates != 0 && o.Retain&ModifiedDates != 0 {
		return nil, errors.New("deidentify: dates are retained in full, or modified, not both")
	}
	head, err := dicom.Read(r, dicom.Options{Limits: o.Limits, StopAtPixels: true})
	if err != nil {
		return nil, err
	}
	patient := head.String(dicom.PatientID)
	if patient == "" {
		patient = "study " + head.String(dicom.StudyInstanceUID) // no two persons share a replacement
	}
	p := &pass{o: o, report: &Report{Pseudonym: o.Key.Pseudonym(patient), Risks: risks(head)}, days: o.Key.Shift(patient)}
	p.report.Instance = p.uid(head.String(dicom.SOPInstanceUID))
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	p.w = writer{w: out}
	if err := p.file(r, head); err != nil {
		return nil, err
	}
	return p.report, out.Flush()
}

// pass is one file on its way.
type pass struct {
	o      Options
	report *Report
	days   int
	w      writer
	signed bool
	marked bool // what was done is written into the file
	timed  bool // and what became of dates
}

func (p *pass) file(r io.Reader, head *dicom.File) error {
	syntax := head.Syntax.UID
	if !head.Syntax.Encapsulated {
		syntax = dicom.ExplicitLittleEndian
	}
	p.w.meta(head.String(dicom.SOPClassUID), p.report.Instance, syntax)
	s, err := dicom.NewScanner(r, p.o.Limits)
	if err != nil {
		return err
	}
	for {
		t, err := s.Next()
		if errors.Is(err, io.EOF) {
			p.mark(0xFFFFFFFF)
			return p.w.err
		}
		if err != nil {
			return err
		}
		if t.Tag.Group() == 2 && t.Depth == 0 {
			continue
		}
		if err := p.token(s, *t); err != nil {
			return err
		}
		if p.w.err != nil {
			return p.w.err
		}
	}
}

// token writes one token, or leaves out what it begins.
func (p *pass) token(s *dicom.Scanner, t dicom.Token) error {
	switch t.Kind {
	case dicom.ItemBegin:
		p.w.item(dicom.ItemTag, undefined)
		return nil
	case dicom.ItemEnd:
		p.w.item(dicom.ItemDelimiter, 0)
		return nil
	case dicom.SequenceEnd, dicom.PixelsEnd:
		p.w.item(dicom.SequenceDelimiter, 0)
		return nil
	case dicom.Fragment:
		return p.fragment(s, t)
	}
	if t.Depth == 0 {
		p.mark(t.Tag)
	}
	if t.Tag.Element() == 0 || t.Depth == 0 && ours(t.Tag) || t.Tag == dicom.TrailingPadding {
		return p.leave(s, t)
	}
	a := actionOf(t.Tag, p.o.Retain)
	switch {
	case a == remove:
		p.report.Removed++
		return p.leave(s, t)
	case t.Kind == dicom.PixelsBegin:
		p.w.head(t.Tag, t.VR, undefined)
		return nil
	case t.Kind == dicom.SequenceBegin && a == empty:
		p.report.Emptied++
		p.w.value(t.Tag, dicom.SQ, nil)
		return p.leave(s, t)
	case t.Kind == dicom.SequenceBegin: // kept or replaced: by its elements
		p.w.head(t.Tag, dicom.SQ, undefined)
		return nil
	}
	return p.element(s, t, a)
}

// leave passes over a sequence or fragments; a value passes by itself.
func (p *pass) leave(s *dicom.Scanner, t dicom.Token) error {
	for depth := 0; t.Kind != dicom.Value; {
		switch t.Kind {
		case dicom.SequenceBegin, dicom.PixelsBegin:
			depth++
		case dicom.SequenceEnd, dicom.PixelsEnd:
			depth--
		}
		if depth == 0 {
			return nil
		}
		for {
			next, err := s.Next()
			if err != nil {
				return unfinished(err)
			}
			if t = *next; t.Kind != dicom.Value {
				break
			}
		}
	}
	return nil
}

func unfinished(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (p *pass) fragment(s *dicom.Scanner, t dicom.Token) error {
	b, err := s.Value(nil)
	if err != nil {
		return err
	}
	p.w.item(dicom.ItemTag, uint32(len(b)+len(b)%2)) //nolint:gosec // the length of a fragment has 32 bits
	p.w.bytes(b)
	p.w.bytes(make([]byte, len(b)%2))
	return nil
}

// element writes one element that is no sequence.
func (p *pass) element(s *dicom.Scanner, t dicom.Token, a action) error {
	pixels := t.Depth == 0 && t.Tag.IsPixelData()
	if t.Length > longest && !pixels {
		return errTooLong
	}
	value, err := s.Value(nil)
	if err != nil {
		return err
	}
	if word := t.VR.WordSize(); !t.Little && word > 1 {
		value = dicom.Swap(value, word)
	}
	if t.Tag == dicom.PixelRepresentation && len(value) > 1 {
		p.signed = value[0] == 1
	}
	if t.Choice != 0 && p.signed {
		t.VR = t.Choice
	}
	switch a {
	case empty:
		value = p.emptied(t.Tag)
		p.report.Emptied++
	case newUID:
		value = []byte(p.uids(strings.TrimRight(string(value), "\x00 ")))
		p.report.Replaced++
	case dummy:
		value = p.dummy(&t, len(value))
		p.report.Replaced++
	case shift:
		value = p.shifted(&t, string(value))
		p.report.Shifted++
	}
	p.w.value(t.Tag, t.VR, value)
	return nil
}

// emptied is the value of what may be empty: Patient ID and name carry the
// pseudonym, so that files of one patient stay together.
func (p *pass) emptied(t dicom.Tag) []byte {
	if t == dicom.PatientID || t == dicom.PatientName {
		return []byte(p.report.Pseudonym)
	}
	return nil
}

// uid is the replacement of one UID.
func (p *pass) uid(uid string) string {
	if p.o.Retain&UIDs != 0 {
		return uid
	}
	return p.o.Key.UID(uid)
}

func (p *pass) uids(list string) string {
	values := strings.Split(list, `\`)
	for i, v := range values {
		values[i] = p.o.Key.UID(strings.Trim(v, " \x00"))
	}
	return strings.Join(values, `\`)
}

// shifted moves dates back and keeps times of day; what is no date is emptied.
func (p *pass) shifted(t *dicom.Token, value string) []byte {
	if t.VR == dicom.TM {
		return []byte(value)
	}
	if t.VR != dicom.DA && t.VR != dicom.DT {
		return p.dummy(t, len(value))
	}
	values := strings.Split(strings.TrimRight(value, " \x00"), `\`)
	for i, v := range values {
		values[i] = ShiftDate(strings.TrimSpace(v), p.days)
	}
	return []byte(strings.Join(values, `\`))
}

// dummy is a value that says nothing, in the form of the VR; an empty value
// stays empty.
func (p *pass) dummy(t *dicom.Token, n int) []byte {
	switch {
	case t.Tag == dicom.PatientID || t.Tag == dicom.PatientName:
		return []byte(p.report.Pseudonym)
	case n == 0:
		return nil
	}
	switch t.VR {
	case dicom.DA:
		return []byte("19000101")
	case dicom.DT:
		return []byte("19000101000000")
	case dicom.TM:
		return []byte("000000")
	case dicom.AS:
		return []byte("000Y")
	case dicom.IS, dicom.DS:
		return []byte("0")
	case dicom.UI:
		return []byte(p.o.Key.UID("dummy"))
	}
	if t.VR.Text() {
		return []byte("REMOVED")
	}
	return make([]byte, max(2, t.VR.WordSize()))
}
