package pixel_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
)

// picture is one file read by the tokeniser: its format and its frames.
type picture struct {
	syntax string
	format pixel.Format
	frames [][]byte
	file   *dicom.File
}

func testdata(t testing.TB, pattern string) []string {
	t.Helper()
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	files, _ := filepath.Glob(filepath.Join(root, "dicom", "transfer-syntaxes", pattern))
	if len(files) == 0 {
		t.Skipf("no sample files %s: set TENON_TESTDATA", pattern)
	}
	return files
}

func load(t testing.TB, pattern string) *picture {
	t.Helper()
	b, err := os.ReadFile(testdata(t, pattern)[0])
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, b)
}

func parse(t testing.TB, b []byte) *picture {
	t.Helper()
	f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := func(tag dicom.Tag) int { v, _ := f.Int(tag); return int(v) }
	p := &picture{syntax: f.Syntax.UID, file: f, format: pixel.Format{Rows: n(dicom.Rows), Columns: n(dicom.Columns),
		Samples: n(dicom.SamplesPerPixel), Allocated: n(dicom.BitsAllocated), Stored: n(0x00280101), High: n(0x00280102),
		Signed: n(dicom.PixelRepresentation) == 1, Planar: n(0x00280006) == 1, Photometric: f.String(0x00280004)}}
	p.format.Subsampled = p.format.Photometric == pixel.YBRFull422
	table, why := f.FrameTable()
	if table == nil {
		t.Fatal(why)
	}
	if f.Syntax.Deflated {
		return p
	}
	for i := range table.Count {
		frame, _ := table.Frame(i + 1)
		var all []byte
		for _, piece := range frame.Pieces {
			all = append(all, b[piece.Offset:piece.Offset+piece.Length]...)
		}
		p.frames = append(p.frames, all)
	}
	return p
}

func (p *picture) decode(t testing.TB, i int) *pixel.Frame {
	t.Helper()
	f, err := pixel.Decode(p.syntax, p.format, p.frames[i])
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// written runs a program of a package over a file and gives what it wrote.
func written(t testing.TB, program, pack, file, suffix string, options ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed (package %s)", program, pack)
	}
	out := filepath.Join(t.TempDir(), "out"+suffix)
	args := append(options, file, out)
	if program == "opj_decompress" {
		args = []string{"-i", file, "-o", out}
	}
	if text, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refused decodes what must be refused, and for what.
func refused(t testing.TB, syntax string, f pixel.Format, stream []byte, want error) {
	t.Helper()
	if got, err := pixel.Decode(syntax, f, stream); !errors.Is(err, want) || got != nil {
		t.Errorf("%s of %d bytes: %v, want %v", syntax, len(stream), err, want)
	}
}

// convert runs a program of dcmtk over a sample and reads what it wrote.
func convert(t testing.TB, program, pattern string, options ...string) *picture {
	t.Helper()
	return convertFile(t, program, testdata(t, pattern)[0], options...)
}

func convertFile(t testing.TB, program, file string, options ...string) *picture {
	t.Helper()
	return parse(t, written(t, program, "dcmtk", file, ".dcm", options...))
}
