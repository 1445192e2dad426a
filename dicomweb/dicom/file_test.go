package dicom_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tenon/dicomweb/dicom"
)

func TestEveryTransferSyntaxGivesTheSameDataSet(t *testing.T) {
	const base = "transfer-syntaxes/CTImage.dcm_"
	want := toJSON(t, sample(t, base+"LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm"))
	for _, name := range []string{
		"LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm",
		"BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm",
		"DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
	} {
		if got := toJSON(t, sample(t, base+name)); got != want {
			t.Errorf("%s reads otherwise:\n%s", name, firstDifference(got, want))
		}
	}
}

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return a[max(0, i-60):min(len(a), i+60)] + "\n" + b[max(0, i-60):min(len(b), i+60)]
}

func TestSamplesReadWholeAndInSmallPieces(t *testing.T) {
	for _, folder := range []string{"transfer-syntaxes", "charsets"} {
		for _, name := range testdata(t, folder) {
			b := sample(t, folder+name[strings.LastIndexByte(name, '/'):])
			whole := toJSON(t, b)
			f, err := dicom.Read(iotest.OneByteReader(bytes.NewReader(b)), dicom.Options{})
			if err != nil {
				t.Errorf("%s byte by byte: %v", name, err)
				continue
			}
			if got, _ := f.AppendJSON(nil, jsonOptions); string(got) != whole {
				t.Errorf("%s reads otherwise byte by byte", name)
			}
		}
	}
}

func TestStopAtPixelsReadsNoFurther(t *testing.T) {
	pixels := strings.Repeat("\x01\x02", 1<<20)
	b := explicit(explicitLE.el(dicom.Rows, "US", explicitLE.words(1)), explicitLE.el(dicom.PixelData, "OW", pixels))
	r := &counter{r: bytes.NewReader(b)}
	f, err := dicom.Read(r, dicom.Options{StopAtPixels: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := (dicom.Piece{Offset: int64(len(b) - len(pixels)), Length: int64(len(pixels))}); f.Pixels.Offset != want.Offset || f.Pixels.Length != want.Length {
		t.Errorf("pixels at %d, %d bytes; want %v", f.Pixels.Offset, f.Pixels.Length, want)
	}
	if r.n > 128<<10 {
		t.Errorf("read %d bytes to find the pixel data", r.n)
	}
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// Every prefix of a file is an error with a reason, but for those that end
// between two elements of the data set.
func TestTruncatedFiles(t *testing.T) {
	c := explicitLE
	parts := [][]byte{
		c.el(dicom.SOPInstanceUID, "UI", "1.2\x00"),
		c.openSQ(0x00081140, "SQ", c.open(c.el(0x00081155, "UI", "1.3\x00")), c.item(c.el(0x00081155, "UI", "1.4\x00"))),
		c.sq(0x00082218, c.item(c.el(0x00080100, "SH", "T-AA"))),
		c.openSQ(dicom.PixelData, "OB", c.item(), c.item([]byte("\xFF\xD8\xFF\xD9"))),
	}
	whole := explicit(parts...)
	var complete []int
	n := len(explicit())
	for _, p := range parts {
		n += len(p)
		complete = append(complete, n)
	}
	for n := range len(whole) {
		_, err := dicom.Read(bytes.NewReader(whole[:n]), dicom.Options{})
		if slices.Contains(complete, n) {
			if err != nil {
				t.Errorf("the first %d bytes: %v", n, err)
			}
			continue
		}
		f := dicom.AsFault(err)
		if n == len(explicit()) || n < 132 {
			if f == nil {
				t.Errorf("the first %d bytes (no data set) gave %v", n, err)
			}
			continue
		}
		if f == nil || f.Reason != dicom.Truncated {
			t.Errorf("the first %d of %d bytes gave %v, want Truncated", n, len(whole), err)
		}
	}
}

func TestReaderErrorsAreNotFaults(t *testing.T) {
	b := explicit(explicitLE.el(dicom.SOPInstanceUID, "UI", "1.2\x00"))
	broken := errors.New("connection lost")
	for _, n := range []int{0, 50, 140, len(b) - 2} {
		_, err := dicom.Read(io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(broken)), dicom.Options{})
		if !errors.Is(err, broken) || dicom.AsFault(err) != nil {
			t.Errorf("after %d bytes: %v, want the reader's own error", n, err)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	c := explicitLE
	deep := func(levels int) []byte {
		var b []byte
		for range levels {
			b = append(append(b, c.head(0x00081140, "SQ", undefined)...), c.head(dicom.ItemTag, "", undefined)...)
		}
		return b
	}
	many := bytes.Repeat(c.el(0x00081155, "UI", ""), 1<<20)
	for name, tc := range map[string]struct {
		file   []byte
		reason dicom.Reason
	}{
		"no prefix":                     {make([]byte, 200), dicom.Malformed},
		"empty":                         {nil, dicom.Malformed},
		"private syntax":                {part10("1.2.840.113619.5.2", c.el(dicom.PatientID, "LO", "1 ")), dicom.Unsupported},
		"deep sequences":                {explicit(deep(33)), dicom.TooLarge},
		"many elements":                 {explicit(many), dicom.TooLarge},
		"four gigabytes in text":        {explicit(c.head(0x00409096, "UT", 0xFFFFFFF0)), dicom.Truncated},
		"four gigabytes in pixels":      {explicit(c.head(dicom.PixelData, "OW", 0xFFFFFFF0)), dicom.Truncated},
		"value past its item":           {explicit(c.sq(0x00081140, c.item(c.head(0x00081155, "UI", 200)))), dicom.Malformed},
		"item past its sequence":        {explicit(c.sq(0x00081140, c.head(dicom.ItemTag, "", 90)), c.el(0x00100020, "LO", strings.Repeat("x", 100))), dicom.Malformed},
		"item past its sequence, whole": {explicit(append(c.head(0x00081140, "SQ", 8), c.item(c.el(0x00081155, "UI", ""))...)), dicom.Malformed},
		"sequence past its item":        {explicit(c.sq(0x00081140, c.item(c.head(0x00081140, "SQ", 90))), c.el(0x00100020, "LO", strings.Repeat("x", 100))), dicom.Malformed},
		"undefined length of text":      {explicit(c.head(0x00409096, "UT", undefined)), dicom.Malformed},
		"fragment without length":       {explicit(c.head(dicom.PixelData, "OB", undefined), c.head(dicom.ItemTag, "", undefined)), dicom.Malformed},
		"item outside a sequence":       {explicit(c.item()), dicom.Malformed},
		"delimiter outside":             {explicit(c.head(dicom.SequenceDelimiter, "", 0)), dicom.Malformed},
		"item delimiter, defined item":  {explicit(c.sq(0x00081140, c.item(c.head(dicom.ItemDelimiter, "", 0)))), dicom.Malformed},
		"element in a sequence":         {explicit(c.openSQ(0x00081140, "SQ", c.el(0x00081155, "UI", "1.2\x00"))), dicom.Malformed},
		"letters that are no VR":        {explicit(c.el(0x00100020, "a1", "12")), dicom.Malformed},
		"text behind the data set":      {explicit(c.el(0x00100020, "LO", "12"), make([]byte, 9), []byte("x")), dicom.Malformed},
		"deflated rubbish":              {part10(dicom.DeflatedExplicit, []byte("\xFF\xFF\xFF\xFF\xFF")), dicom.Malformed},
		"long UID as transfer syntax":   {part10(strings.Repeat("1.2.", 30)+"3", nil), dicom.Malformed},
		"offset table without end":      {explicit(c.head(dicom.PixelData, "OB", undefined), c.head(dicom.ItemTag, "", 0xFFFFFF00)), dicom.TooLarge},
		"no transfer syntax":            {append(append(make([]byte, 128), "DICM"...), c.el(dicom.PatientID, "LO", "1 ")...), dicom.Malformed},
		"implicit, undefined PixelData": {part10(dicom.ImplicitLittleEndian, implicitLE.head(dicom.PixelData, "", undefined)), dicom.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dicom.Read(bytes.NewReader(tc.file), dicom.Options{})
			f := dicom.AsFault(err)
			if f == nil || f.Reason != tc.reason {
				t.Errorf("Read = %v, want reason %d", err, tc.reason)
			}
		})
	}
}

func TestInflationIsLimited(t *testing.T) {
	b := deflated(explicitLE.el(0x00280010, "US", "\x01\x00"), explicitLE.el(dicom.PixelData, "OW", strings.Repeat("\x00", 8<<20)))
	if len(b) > 1<<16 {
		t.Fatalf("the bomb takes %d bytes", len(b))
	}
	_, err := dicom.Read(bytes.NewReader(b), dicom.Options{Limits: dicom.Limits{Inflated: 1 << 20}})
	if f := dicom.AsFault(err); f == nil || f.Reason != dicom.TooLarge {
		t.Errorf("Read = %v, want TooLarge", err)
	}
	if _, err := dicom.Read(bytes.NewReader(b), dicom.Options{}); err != nil {
		t.Errorf("Read = %v within the limit", err)
	}
}

func TestKeptValuesAreLimited(t *testing.T) {
	c := explicitLE
	b := explicit(bytes.Repeat(c.el(0x00204000, "LT", strings.Repeat("x", 60<<10)), 20))
	_, err := dicom.Read(bytes.NewReader(b), dicom.Options{Limits: dicom.Limits{Kept: 1 << 20}})
	if f := dicom.AsFault(err); f == nil || f.Reason != dicom.TooLarge {
		t.Errorf("Read = %v, want TooLarge", err)
	}
}

func TestUnknownAndUndefined(t *testing.T) {
	c := explicitLE
	inner := implicitLE.item(implicitLE.el(0x00100020, "", "ID"))
	for name, tc := range map[string]struct{ file, want string }{
		"UN of undefined length is a sequence in implicit coding (PS3.5 6.2.2)": {
			string(explicit(c.openSQ(0x00091001, "UN", inner))),
			`{"00091001":{"vr":"SQ","Value":[{"00100020":{"vr":"LO","Value":["ID"]}}]}}`},
		"UN of a known element takes the VR of the dictionary": {
			string(explicit(c.el(0x00100020, "UN", "ID"), c.el(0x00081140, "UN", string(inner)))),
			`{"00081140":{"vr":"SQ","Value":[{"00100020":{"vr":"LO","Value":["ID"]}}]},"00100020":{"vr":"LO","Value":["ID"]}}`},
		"UN in big endian is little endian": {
			string(part10(dicom.ExplicitBigEndian, explicitBE.el(dicom.Rows, "UN", "\x02\x01"), explicitBE.el(dicom.Columns, "US", "\x02\x01"))),
			`{"00280010":{"vr":"US","Value":[258]},"00280011":{"vr":"US","Value":[513]}}`},
		"a VR that is not known yet has a long length": {
			string(explicit(c.el(0x00091001, "ZZ", "ab"), c.el(0x00100020, "LO", "ID"))),
			`{"00091001":{"vr":"UN","InlineBinary":"YWI="},"00100020":{"vr":"LO","Value":["ID"]}}`},
		"implicit coding: private creator, private, choice by PixelRepresentation": {
			string(part10(dicom.ImplicitLittleEndian, implicitLE.el(0x00090010, "", "ACME"), implicitLE.el(0x00091001, "", "ab"),
				implicitLE.el(dicom.PixelRepresentation, "", "\x01\x00"), implicitLE.el(0x00280106, "", "\xFF\xFF"))),
			`{"00090010":{"vr":"LO","Value":["ACME"]},"00091001":{"vr":"UN","InlineBinary":"YWI="},"00280103":{"vr":"US","Value":[1]},"00280106":{"vr":"SS","Value":[-1]}}`},
		"zeros behind the data set are padding": {
			string(explicit(c.el(0x00100020, "LO", "ID"), make([]byte, 13))),
			`{"00100020":{"vr":"LO","Value":["ID"]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := toJSON(t, []byte(tc.file)); got != tc.want {
				t.Errorf("JSON = %s\nwant   %s", got, tc.want)
			}
		})
	}
}

func TestRepeatedElementsAreSeen(t *testing.T) {
	c := explicitLE
	f := read(t, explicit(c.el(dicom.PatientID, "LO", "1 "), c.el(0x00100030, "DA", ""), c.el(dicom.PatientID, "LO", "2 "), c.el(0x00100030, "DA", "")))
	if got := f.Repeated(); !slices.Equal(got, []dicom.Tag{dicom.PatientID}) {
		t.Errorf("Repeated = %v, want PatientID", got)
	}
	j, _ := f.AppendJSON(nil, jsonOptions)
	if want := `{"00100020":{"vr":"LO","Value":["1"]},"00100030":{"vr":"DA"}}`; string(j) != want {
		t.Errorf("JSON = %s, want %s", j, want)
	}
}
