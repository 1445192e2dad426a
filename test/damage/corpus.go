package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
	"tenon/dicomweb/sample"
)

// stream is a frame of a known format.
type stream struct {
	name, syntax string
	format       pixel.Format
	bytes        []byte
}

// corpus is what is damaged: much of what is small, some of what is large.
type corpus struct {
	files, largeFiles     [][]byte
	streams, largeStreams []stream
}

// small is up to which a file costs a few microseconds.
const small = 8 << 10

func newCorpus(testdata string) (*corpus, error) {
	c := &corpus{}
	for i := range int64(4) {
		s := sample.New(sample.Options{Seed: i, Slices: 2, Rows: 8 << i, Columns: 8 << i, PatientID: "P-1", PatientName: "王^伟=Wang^Wei"})
		c.file(s.Slice(0))
		c.file(bytes.Replace(s.Slice(1), []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.5\x00"), 1))
	}
	if err := errors.Join(c.made(), c.codestreams()); err != nil || testdata == "" {
		return c, err
	}
	paths, err := filepath.Glob(filepath.Join(testdata, "dicom", "*", "*.dcm"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		b, err := os.ReadFile(path) //nolint:gosec // the folder that the caller names
		if err != nil {
			return nil, err
		}
		c.file(b)
		c.frames(filepath.Base(path), b)
	}
	return c, nil
}

func (c *corpus) file(b []byte) {
	if len(b) <= small {
		c.files = append(c.files, b)
	} else {
		c.largeFiles = append(c.largeFiles, b)
	}
}

// made are pictures of a few pixels in each syntax that is written here.
func (c *corpus) made() error {
	for syntax := range writable() {
		for _, form := range [][2]int{{1, 8}, {3, 8}, {1, 16}, {1, 12}} {
			f := &pixel.Frame{Format: pixel.Format{Rows: 9, Columns: 11, Samples: form[0], Allocated: (form[1] + 7) / 8 * 8,
				Stored: form[1], High: form[1] - 1, Photometric: pixel.Monochrome2}}
			if form[0] == 3 {
				f.Photometric = pixel.RGB
			}
			f.Data = make([]byte, f.Rows*f.Columns*f.Samples*f.Allocated/8)
			for i := range f.Data {
				if f.Data[i] = byte(i * i / 7); form[1] == 12 && i%2 == 1 {
					f.Data[i] &= 15
				}
			}
			b, err := pixel.Encode(syntax, f)
			if err != nil {
				return fmt.Errorf("%s of %d bits: %w", syntax, form[1], err)
			}
			c.streams = append(c.streams, stream{fmt.Sprintf("%d × %d bits", form[0], form[1]), syntax, f.Format, b})
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, 11, 9))
	img.Set(3, 4, color.RGBA{200, 30, 20, 255})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		return err
	}
	f := pixel.Format{Rows: 9, Columns: 11, Samples: 3, Allocated: 8, Stored: 8, High: 7, Photometric: pixel.YBRFull422}
	for _, syntax := range []string{pixel.JPEGBaseline, pixel.JPEGExtended, pixel.JPEGProgressive} {
		c.streams = append(c.streams, stream{"3 × 8 bits", syntax, f, b.Bytes()})
	}
	return nil
}

// writable are the syntaxes that are written here.
func writable() map[string]bool {
	f := &pixel.Frame{Format: pixel.Format{Rows: 1, Columns: 1, Samples: 1, Allocated: 8, Stored: 8, High: 7, Photometric: pixel.Monochrome2}, Data: []byte{1}}
	w := map[string]bool{}
	for _, syntax := range []string{pixel.RLELossless, pixel.JPEGLossless, pixel.JPEGLosslessSV1, pixel.JPEGLSLossless, pixel.JPEG2000Lossless} {
		if _, err := pixel.Encode(syntax, f); err == nil {
			w[syntax] = true
		}
	}
	return w
}

// frames adds the first frame of a file in a compressed syntax.
func (c *corpus) frames(name string, b []byte) {
	f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
	if err != nil || f.Syntax.Deflated || !pixel.CanDecode(f.Syntax.UID) {
		return
	}
	table, _ := f.FrameTable()
	if table == nil {
		return
	}
	first, ok := table.Frame(1)
	if !ok {
		return
	}
	var all []byte
	for _, p := range first.Pieces {
		all = append(all, b[p.Offset:p.Offset+p.Length]...)
	}
	c.largeStreams = append(c.largeStreams, stream{name, f.Syntax.UID, formatOf(f), all})
}

// formatOf is the Image Pixel module of a file.
func formatOf(f *dicom.File) pixel.Format {
	n := func(tag dicom.Tag) int { v, _ := f.Int(tag); return int(v) }
	format := pixel.Format{Rows: n(dicom.Rows), Columns: n(dicom.Columns), Samples: n(dicom.SamplesPerPixel), Allocated: n(dicom.BitsAllocated),
		Stored: n(0x00280101), High: n(0x00280102), Signed: n(dicom.PixelRepresentation) == 1, Planar: n(0x00280006) == 1, Photometric: f.String(0x00280004)}
	format.Subsampled = format.Photometric == pixel.YBRFull422
	return format
}

// codestream is one of the small streams of other encoders that the tests of
// package jpeg2000 hold: width, height, components, bits, the stream.
var codestream = regexp.MustCompile("\\{kind\\{(\\d+), (\\d+), (\\d+), (\\d+), \\w+\\}, \"[^\"]*\", `([^`]*)`")

// codestreams adds these, read from the sources in the working directory.
func (c *corpus) codestreams() error {
	for name, syntax := range map[string]string{"corpus_test.go": pixel.JPEG2000, "corpusht_test.go": pixel.HTJ2K} {
		source, err := os.ReadFile(filepath.Join("dicomweb", "pixel", "jpeg2000", name))
		if err != nil {
			return fmt.Errorf("run this in the folder of the module: %w", err)
		}
		for _, found := range codestream.FindAllSubmatch(source, -1) {
			var n [4]int
			for i := range n {
				n[i], _ = strconv.Atoi(string(found[i+1]))
			}
			b, err := hex.DecodeString(strings.Join(strings.Fields(string(found[5])), ""))
			if err != nil {
				return err
			}
			f := pixel.Format{Rows: n[1], Columns: n[0], Samples: n[2], Allocated: (n[3] + 7) / 8 * 8, Stored: n[3], High: n[3] - 1, Photometric: pixel.Monochrome2}
			if n[2] == 3 {
				f.Photometric = pixel.RGB
			}
			c.streams = append(c.streams, stream{name, syntax, f, b})
		}
	}
	return nil
}
