package dicom_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"tenon/dicomweb/dicom"
)

// coding writes elements under one transfer syntax, for files that no library
// would write.
type coding struct {
	implicit bool
	order    binary.AppendByteOrder
}

var (
	explicitLE = coding{order: binary.LittleEndian}
	explicitBE = coding{order: binary.BigEndian}
	implicitLE = coding{implicit: true, order: binary.LittleEndian}
)

const undefined = 0xFFFFFFFF

// head is tag, VR and length.
func (c coding) head(tag dicom.Tag, vr string, length uint32) []byte {
	b := c.order.AppendUint16(c.order.AppendUint16(nil, tag.Group()), tag.Element())
	if c.implicit || tag.Group() == 0xFFFE {
		return c.order.AppendUint32(b, length)
	}
	b = append(b, vr...)
	switch vr {
	case "OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UN", "UC", "UR", "UT", "SV", "UV", "ZZ":
		return c.order.AppendUint32(append(b, 0, 0), length)
	}
	return c.order.AppendUint16(b, uint16(length))
}

// el is an element with a value.
func (c coding) el(tag dicom.Tag, vr, value string) []byte {
	return append(c.head(tag, vr, uint32(len(value))), value...)
}

// item is an item of defined length; open is one that a delimiter ends.
func (c coding) item(parts ...[]byte) []byte {
	value := bytes.Join(parts, nil)
	return append(c.head(dicom.ItemTag, "", uint32(len(value))), value...)
}

func (c coding) open(parts ...[]byte) []byte {
	return bytes.Join([][]byte{c.head(dicom.ItemTag, "", undefined), bytes.Join(parts, nil), c.head(dicom.ItemDelimiter, "", 0)}, nil)
}

// sq is a sequence of defined length; openSQ is one that a delimiter ends.
func (c coding) sq(tag dicom.Tag, items ...[]byte) []byte {
	value := bytes.Join(items, nil)
	return append(c.head(tag, "SQ", uint32(len(value))), value...)
}

func (c coding) openSQ(tag dicom.Tag, vr string, items ...[]byte) []byte {
	return bytes.Join([][]byte{c.head(tag, vr, undefined), bytes.Join(items, nil), c.head(dicom.SequenceDelimiter, "", 0)}, nil)
}

// part10 puts preamble and file meta elements before a data set.
func part10(syntax string, parts ...[]byte) []byte {
	uid := syntax
	if len(uid)%2 == 1 {
		uid += "\x00"
	}
	meta := explicitLE.el(dicom.TransferSyntaxUID, "UI", uid)
	head := append(make([]byte, 128), "DICM"...)
	length := binary.LittleEndian.AppendUint32(nil, uint32(len(meta)))
	head = append(head, explicitLE.el(dicom.MetaGroupLength, "UL", string(length))...)
	return append(append(head, meta...), bytes.Join(parts, nil)...)
}

func explicit(parts ...[]byte) []byte { return part10(dicom.ExplicitLittleEndian, parts...) }

func deflated(parts ...[]byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(bytes.Join(parts, nil))
	w.Close()
	return part10(dicom.DeflatedExplicit, b.Bytes())
}

// words are 16-bit numbers as the value of an element.
func (c coding) words(values ...uint16) string {
	var b []byte
	for _, v := range values {
		b = c.order.AppendUint16(b, v)
	}
	return string(b)
}

func read(t testing.TB, b []byte) *dicom.File {
	t.Helper()
	f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// bulkURI makes the place of bulk values visible in expectations.
var jsonOptions = dicom.JSONOptions{Inline: 1024, URI: "bulk/", MaxBulk: 100}

func toJSON(t testing.TB, b []byte) string {
	t.Helper()
	j, _ := read(t, b).AppendJSON(nil, jsonOptions)
	return string(j)
}

// testdata finds a folder of sample files, or skips.
func testdata(t testing.TB, folder string) []string {
	t.Helper()
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	files, _ := filepath.Glob(filepath.Join(root, "dicom", folder, "*.dcm"))
	if len(files) == 0 {
		t.Skipf("no sample files dicom/%s: set TENON_TESTDATA", folder)
	}
	return files
}

func sample(t testing.TB, file string) []byte {
	t.Helper()
	for _, name := range testdata(t, filepath.Dir(file)) {
		if filepath.Base(name) == filepath.Base(file) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Skipf("no sample file %s", file)
	return nil
}
