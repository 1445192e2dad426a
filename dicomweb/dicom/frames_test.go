package dicom_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
)

// image is an encapsulated image of n frames with an offset table.
func image(n, table string, fragments ...string) []byte {
	c := explicitLE
	items := [][]byte{c.item([]byte(table))}
	for _, f := range fragments {
		items = append(items, c.item([]byte(f)))
	}
	return part10(dicom.JPEGBaseline, c.el(dicom.NumberOfFrames, "IS", n), c.openSQ(dicom.PixelData, "OB", items...))
}

func offsets(n ...uint32) string {
	var b []byte
	for _, v := range n {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return string(b)
}

func TestEncapsulatedFrames(t *testing.T) {
	const jpeg, more = "\xff\xd8\xff\xe0aaaa", "bbbb"
	for name, tc := range map[string]struct {
		file []byte
		want []string // nil: cannot be told apart
	}{
		"a fragment a frame":                 {image("2 ", "", jpeg, more), []string{jpeg, more}},
		"one frame in several fragments":     {image("1 ", "", jpeg, more, more), []string{jpeg + more + more}},
		"basic offset table":                 {image("2 ", offsets(0, 28), "xxxx", "yyyyyyyy"[:8], "zzzz"), []string{"xxxxyyyyyyyy", "zzzz"}},
		"no table, marked by the stream":     {image("2 ", "", jpeg, more, jpeg), []string{jpeg + more, jpeg}},
		"a table that points into fragments": {image("2 ", offsets(0, 3), jpeg, more, jpeg), []string{jpeg + more, jpeg}},
		"a table that starts late":           {image("2 ", offsets(16, 28), jpeg, more, jpeg), []string{jpeg + more, jpeg}},
		"no table and no marks":              {image("2 ", "", more, more, more), nil},
		"a video stream":                     {image("9 ", "", more), nil},
		"no fragments":                       {image("1 ", ""), nil},
		"zero frames":                        {image("0 ", "", jpeg), nil},
	} {
		t.Run(name, func(t *testing.T) {
			table, reason := read(t, tc.file).FrameTable()
			if tc.want == nil {
				if table != nil || reason == "" {
					t.Errorf("FrameTable = %v, %q; want none, with a reason", table, reason)
				}
				return
			}
			if table == nil || table.Count != len(tc.want) {
				t.Fatalf("FrameTable = %v, %q; want %d frames", table, reason, len(tc.want))
			}
			for i, want := range tc.want {
				if got := frameBytes(tc.file, table, i+1); got != want {
					t.Errorf("frame %d = %q, want %q", i+1, got, want)
				}
			}
		})
	}
}

func frameBytes(file []byte, table *dicom.FrameTable, n int) string {
	frame, _ := table.Frame(n)
	var b []byte
	for _, p := range frame.Pieces {
		b = append(b, file[p.Offset:p.Offset+p.Length]...)
	}
	return string(b)
}

func TestExtendedOffsetTable(t *testing.T) {
	c := explicitLE
	wide := func(n ...uint64) string {
		var b []byte
		for _, v := range n {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return string(b)
	}
	file := part10(dicom.JPEGBaseline, c.el(dicom.NumberOfFrames, "IS", "2 "),
		c.el(dicom.ExtendedOffsets, "OV", wide(0, 24)), c.el(dicom.ExtendedLengths, "OV", wide(8, 4)),
		c.openSQ(dicom.PixelData, "OB", c.item(), c.item([]byte("aaaa")), c.item([]byte("bbbb")), c.item([]byte("cccc"))))
	table, reason := read(t, file).FrameTable()
	if table == nil || frameBytes(file, table, 1) != "aaaabbbb" || frameBytes(file, table, 2) != "cccc" {
		t.Errorf("FrameTable = %v, %q", table, reason)
	}
}

func native(rows, columns, samples, bits uint16, frames, photometric, pixels string) []byte {
	c := explicitLE
	return explicit(c.el(dicom.SamplesPerPixel, "US", c.words(samples)), c.el(0x00280004, "CS", photometric),
		c.el(dicom.NumberOfFrames, "IS", frames), c.el(dicom.Rows, "US", c.words(rows)), c.el(dicom.Columns, "US", c.words(columns)),
		c.el(dicom.BitsAllocated, "US", c.words(bits)), c.el(dicom.PixelData, "OW", pixels))
}

func TestNativeFrames(t *testing.T) {
	file := native(2, 3, 1, 16, "2 ", "MONOCHROME2 ", "aaaaaaaaaaaabbbbbbbbbbbb")
	table, reason := read(t, file).FrameTable()
	if table == nil || frameBytes(file, table, 1) != strings.Repeat("a", 12) || frameBytes(file, table, 2) != strings.Repeat("b", 12) {
		t.Errorf("FrameTable = %v, %q", table, reason)
	}
	for _, n := range []int{-1, 0, 3} {
		if _, ok := table.Frame(n); ok {
			t.Errorf("frame %d exists", n)
		}
	}
	if table, _ := read(t, native(2, 2, 3, 8, "1 ", "YBR_FULL_422", "12345678")).FrameTable(); table == nil || table.Bits != 64 {
		t.Errorf("YBR_FULL_422: %v, want 64 bits a frame", table)
	}
	if table, _ := read(t, native(3, 3, 1, 1, "2 ", "MONOCHROME2 ", "123\x00")).FrameTable(); table == nil {
		t.Error("one bit a pixel: no table")
	} else if f, _ := table.Frame(2); f.Skip != 1 || f.Bits != 9 || f.Pieces[0].Length != 2 {
		t.Errorf("one bit a pixel: frame 2 = %+v, want 9 bits behind 1 bit in 2 bytes", f)
	}
	for name, file := range map[string][]byte{
		"shorter than said": native(2, 3, 1, 16, "3 ", "MONOCHROME2 ", "aaaaaaaaaaaabbbbbbbbbbbb"),
		"no rows":           native(0, 3, 1, 16, "1 ", "MONOCHROME2 ", "aa"),
		"many frames":       native(2, 3, 1, 16, "9223372036854775807 ", "MONOCHROME2 ", "aa"),
		"large everything":  native(65535, 65535, 65535, 65535, "9223372036854775807 ", "MONOCHROME2 ", "aa"),
	} {
		if table, reason := read(t, file).FrameTable(); table != nil || reason == "" {
			t.Errorf("%s: FrameTable = %v, %q; want none, with a reason", name, table, reason)
		}
	}
}

func TestFrameTableOfTheSamples(t *testing.T) {
	f := read(t, sample(t, "transfer-syntaxes/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm"))
	if table, reason := f.FrameTable(); table == nil || table.Count != 2 || len(table.Frames[0]) != 6 || len(table.Frames[1]) != 5 {
		t.Errorf("two frames in eleven fragments without offset table: %v, %q", table, reason)
	}
}

func TestFrameTableSurvivesCoding(t *testing.T) {
	for _, file := range [][]byte{
		native(2, 3, 1, 16, "2 ", "MONOCHROME2 ", "aaaaaaaaaaaabbbbbbbbbbbb"),
		image("2 ", offsets(0, 28), "xxxx", "yyyyyyyy", "zzzz"),
	} {
		table, _ := read(t, file).FrameTable()
		coded := table.AppendBinary(nil)
		got, err := dicom.ParseFrameTable(coded)
		if err != nil || !reflect.DeepEqual(got, table) {
			t.Errorf("ParseFrameTable = %v, %v; want %v", got, err, table)
		}
		for n := range coded {
			if _, err := dicom.ParseFrameTable(coded[:n]); err == nil {
				t.Errorf("ParseFrameTable reads %d of %d bytes", n, len(coded))
			}
		}
	}
}

func FuzzFrameTable(f *testing.F) {
	f.Add([]byte{1, 1, 2, 3, 4})
	f.Add([]byte{2, 1, 1, 5, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := dicom.ParseFrameTable(b)
		if err != nil {
			return
		}
		again, err := dicom.ParseFrameTable(table.AppendBinary(nil))
		if err != nil || again.Count != table.Count {
			t.Errorf("table %v reads back as %v, %v", table, again, err)
		}
		table.Frame(1)
	})
}

// FuzzRead checks that no file panics, that what reads is valid JSON, and that
// frames lie within the file.
func FuzzRead(f *testing.F) {
	c := explicitLE
	f.Add(explicit(c.el(dicom.PatientID, "LO", "1 "), c.openSQ(0x00081140, "SQ", c.open(c.el(0x00081155, "UI", "1.2\x00")))))
	f.Add(part10(dicom.ImplicitLittleEndian, implicitLE.el(0x00280106, "", "\xFF\xFF")))
	f.Add(part10(dicom.ExplicitBigEndian, explicitBE.el(dicom.Rows, "US", "\x00\x01")))
	f.Add(deflated(c.el(dicom.PatientID, "LO", "1 ")))
	f.Add(image("2 ", offsets(0, 28), "xxxx", "yyyyyyyy", "zzzz"))
	f.Add(native(2, 3, 1, 16, "2 ", "MONOCHROME2 ", "aaaaaaaaaaaabbbbbbbbbbbb"))
	limits := dicom.Limits{Tokens: 1 << 14, Kept: 1 << 20, Inflated: 1 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := dicom.Read(bytes.NewReader(b), dicom.Options{Limits: limits})
		if err != nil {
			if dicom.AsFault(err) == nil {
				t.Errorf("Read = %v, which is no Fault", err)
			}
			return
		}
		checkJSON(t, file)
		table, _ := file.FrameTable()
		if table == nil || file.Syntax.Deflated {
			return
		}
		for n := 1; n <= min(table.Count, 100); n++ {
			frame, _ := table.Frame(n)
			for _, p := range frame.Pieces {
				if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > int64(len(b)) {
					t.Fatalf("frame %d at %v of %d bytes", n, p, len(b))
				}
			}
		}
	})
}
