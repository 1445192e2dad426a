package dicomweb_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
	"tenon/dicomweb/sample"
)

// readers are the programs of dcmtk, and the one of OpenJPEG, that read a
// transfer syntax.
var readers = map[string]string{
	dicom.ImplicitLittleEndian: "dcmconv", dicom.ExplicitLittleEndian: "dcmconv", dicom.DeflatedExplicit: "dcmconv",
	pixel.RLELossless: "dcmdrle", pixel.JPEGLosslessSV1: "dcmdjpeg", pixel.JPEGLSLossless: "dcmdjpls",
	pixel.JPEG2000Lossless: "opj_decompress",
}

// attributes are the attributes of a file without its pixels. That the reader
// sees what dcmtk sees is shown in package dicom; dcm2json refuses compressed
// pixels.
func attributes(t *testing.T, file []byte) map[string]any {
	t.Helper()
	f, err := dicom.Read(bytes.NewReader(file), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 20})
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	delete(d, "7FE00010")
	if f.Syntax.Implicit { // which tells no VR of private elements
		maps.DeleteFunc(d, func(k string, _ any) bool { return private(k) })
		d["implicit"] = true
	}
	return d
}

func private(tag string) bool {
	t, _ := dicom.ParseTag(tag)
	return t.Private()
}

func sameAttributes(t *testing.T, got, want map[string]any) {
	t.Helper()
	keys := slices.Collect(maps.Keys(want))
	for k := range got {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		if k == "implicit" || got["implicit"] != nil && private(k) {
			continue
		}
		a, _ := json.Marshal(got[k])
		b, _ := json.Marshal(want[k])
		if !bytes.Equal(a, b) {
			t.Errorf("%s = %.200s, want %.200s", k, a, b)
		}
	}
}

// native gives the pixels of a file that dcmtk made uncompressed.
func native(t *testing.T, program string, file []byte) []byte {
	t.Helper()
	if program == "opj_decompress" {
		return unwaved(t, file)
	}
	out := dcmtk(t, program, file, "+te")
	f, err := dicom.Read(bytes.NewReader(out), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out[f.Pixels.Offset : f.Pixels.Offset+f.Pixels.Length]
}

// unwaved gives the pixels of the only frame of a file as OpenJPEG decodes them.
func unwaved(t *testing.T, file []byte) []byte {
	t.Helper()
	at := bytes.Index(file, []byte{0xFF, 0x4F, 0xFF, 0x51})
	if at < 0 {
		t.Fatal("no stream of JPEG 2000")
	}
	path, err := exec.LookPath("opj_decompress")
	if err != nil {
		t.Skip("opj_decompress is not installed (package libopenjp2-tools)")
	}
	in, out := filepath.Join(t.TempDir(), "in.j2k"), filepath.Join(t.TempDir(), "out.rawl")
	if err := os.WriteFile(in, file[at:], 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), path, "-i", in, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// One CT comes out in each transfer syntax from each in which it came in:
// another program reads the file and finds the same pixels and the same
// attributes.
func TestTranscodeWithoutLoss(t *testing.T) {
	reference := load(t, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicit*.dcm")
	want, pixels := attributes(t, reference), reference[len(reference)-512*512*2:]
	for _, name := range []string{"LittleEndianExplicit", "LittleEndianImplicit", "BigEndianExplicit", "DeflatedExplicitVR", "RLELossless",
		"JPEGProcess14SV1", "JPEGProcess14T", "JPEGLSLossless", "JPEG2000Lossless"} {
		c := open(t)
		source := load(t, "transfer-syntaxes/CTImage.dcm_"+name+"*.dcm")
		path := c.storeFile(t, source)
		for target, program := range readers {
			t.Run("R000-024 "+name+" to "+target, func(t *testing.T) {
				accept := "application/dicom; transfer-syntax=" + target
				a := c.get(t, path, accept)
				if a.StatusCode != 200 || a.Header.Get("Content-Type") != accept {
					t.Fatalf("status %d, %s: %.200s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
				}
				if got := native(t, program, a.body); !bytes.Equal(got, pixels) {
					t.Errorf("%d bytes of other pixels", len(got))
				}
				if name == "LittleEndianExplicit" || name == "BigEndianExplicit" || name == "DeflatedExplicitVR" {
					sameAttributes(t, attributes(t, a.body), want)
				}
				p := c.get(t, path, `multipart/related; type="application/dicom"; transfer-syntax=`+target).parts(t)
				if len(p) != 1 || !bytes.Equal(p[0].body, a.body) || p[0].typ != accept {
					t.Errorf("as a part: %d parts", len(p))
				}
			})
		}
		if a := c.get(t, path, "application/dicom; transfer-syntax=*"); !bytes.Equal(a.body, source) {
			t.Errorf("%s: transfer-syntax=* gives other bytes than the stored ones", name)
		}
	}
}

// A picture that lost something stays marked, and tells its new photometric
// interpretation.
func TestTranscodeWithLoss(t *testing.T) {
	for name, change := range map[string]string{
		"CTImage.dcm_JPEGLSLossy": "", "CTImage.dcm_JPEGProcess1T": "", "CTImage.dcm_JPEGProcess2_4": "", "CTImage.dcm_JPEGProcess10_12": "", "CTImage.dcm_JPEG2000Transfer": "", "CT0012": "",
		"TestPattern_JPEG-Baseline_YBR422": pixel.RGB, "TestPattern_JPEG-LS-NearLossless": "", "US-YBR_FULL_422-EVRLE": pixel.YBRFull,
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			source := load(t, "transfer-syntaxes/"+name+"*.dcm")
			path := c.storeFile(t, source)
			want := attributes(t, source)
			if change != "" {
				want["00280004"] = map[string]any{"vr": "CS", "Value": []string{change}}
			}
			var pixels []byte
			for _, target := range []string{dicom.ExplicitLittleEndian, pixel.RLELossless, pixel.JPEGLosslessSV1, pixel.JPEGLSLossless} {
				a := c.get(t, path, "application/dicom; transfer-syntax="+target)
				if a.StatusCode != 200 {
					t.Fatalf("%s: status %d: %s", target, a.StatusCode, a.body)
				}
				if bytes.Equal(a.body, source) {
					continue // as it is stored
				}
				sameAttributes(t, attributes(t, a.body), want)
				if change == pixel.YBRFull && target == pixel.JPEGLosslessSV1 {
					continue // dcmdjpeg converts the colour on its own
				}
				got := native(t, readers[target], a.body)
				if pixels == nil {
					pixels = got
				}
				if !bytes.Equal(got, pixels) {
					t.Errorf("%s: other pixels", target)
				}
			}
		})
	}
}

// Frames alone, uncompressed and compressed.
func TestTranscodeFrames(t *testing.T) {
	reference := load(t, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicit*.dcm")
	want := reference[len(reference)-512*512*2:]
	for _, name := range []string{"LittleEndianExplicit", "BigEndianExplicit", "RLELossless", "JPEGProcess14SV1", "JPEGLSLossless"} {
		c := open(t)
		path := c.storeFile(t, load(t, "transfer-syntaxes/CTImage.dcm_"+name+"*.dcm"))
		for _, tc := range []struct{ accept, typ, syntax string }{
			{`multipart/related; type="application/octet-stream"`, "application/octet-stream", dicom.ExplicitLittleEndian},
			{`multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1`, "application/octet-stream", dicom.ExplicitLittleEndian},
			{`multipart/related; type="image/dicom-rle"; transfer-syntax=1.2.840.10008.1.2.5`, "image/dicom-rle", pixel.RLELossless},
			{`multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70`, "image/jpeg", pixel.JPEGLosslessSV1},
			{`multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90`, "image/jp2", pixel.JPEG2000Lossless},
			{`multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.80`, "image/jls", pixel.JPEGLSLossless},
			{`multipart/related; type="image/jp2", multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80; q=0.5`, "image/jls", pixel.JPEGLSLossless},
		} {
			t.Run("R000-024 "+name+" "+tc.accept, func(t *testing.T) {
				p := c.get(t, path+"/frames/1", tc.accept).parts(t)
				if len(p) != 1 || p[0].typ != tc.typ+"; transfer-syntax="+tc.syntax || p[0].location != c.url+path+"/frames/1" {
					t.Fatalf("%d parts: %+v", len(p), p[0].typ)
				}
				f, err := pixel.Decode(tc.syntax, pixel.Format{Rows: 512, Columns: 512, Samples: 1, Allocated: 16, Stored: 16, High: 15,
					Signed: true, Photometric: pixel.Monochrome2}, p[0].body)
				if err != nil || !bytes.Equal(f.Data, want) {
					t.Errorf("other pixels, %v", err)
				}
			})
		}
		if a := c.get(t, path+"/frames/1", "application/octet-stream"); a.StatusCode != 200 || !bytes.Equal(a.body, want) {
			t.Errorf("%s as one part: status %d, %d bytes", name, a.StatusCode, len(a.body))
		}
		if a := c.get(t, path+"/frames/1", "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"); a.StatusCode != 406 {
			t.Errorf("%s as JPEG 2000: status %d", name, a.StatusCode)
		}
	}
}

// Sequences, private elements and long values survive, in a series of which all
// instances are converted.
func TestTranscodeSeries(t *testing.T) {
	c, s := archive(t)
	series := "/studies/" + s[0].StudyUID + "/series/" + s[0].SeriesUID
	for target, program := range readers {
		if target == dicom.ExplicitLittleEndian {
			continue // as it is stored
		}
		p := c.get(t, series, `multipart/related; type="application/dicom"; transfer-syntax=`+target).parts(t)
		if len(p) != 3 {
			t.Fatalf("%s: %d parts", target, len(p))
		}
		for i, part := range p {
			want := s[0].Slice(i)
			sameAttributes(t, attributes(t, part.body), attributes(t, want))
			if got := native(t, program, part.body); !bytes.Equal(got, want[len(want)-64*64*2:]) {
				t.Errorf("%s: other pixels in part %d", target, i+1)
			}
		}
	}
	for _, name := range []string{"TestPattern_RGB", "TestPattern_Palette_16", "no-pixel-spacing"} {
		source := load(t, "transfer-syntaxes/"+name+"*.dcm")
		path := c.storeFile(t, source)
		for _, target := range []string{dicom.ImplicitLittleEndian, dicom.DeflatedExplicit, pixel.RLELossless, pixel.JPEGLSLossless} {
			if a := c.get(t, path, "*/*;q=0.1, application/dicom; transfer-syntax="+target); a.StatusCode != 200 {
				t.Errorf("%s: status %d", name, a.StatusCode)
			} else {
				sameAttributes(t, attributes(t, a.body), attributes(t, source))
			}
		}
	}
	for _, name := range []string{"no-pixel-data"} {
		path := c.storeFile(t, load(t, "transfer-syntaxes/"+name+"*.dcm"))
		if a := c.get(t, path, "application/dicom; transfer-syntax="+pixel.RLELossless); a.StatusCode != 406 {
			t.Errorf("%s as RLE: status %d", name, a.StatusCode)
		}
	}
}

// BenchmarkTranscode retrieves one CT of 512×512×16 bits, as stored and
// transcoded.
func BenchmarkTranscode(b *testing.B) {
	s := sample.New(sample.Options{Slices: 1, Rows: 512, Columns: 512, PatientID: "P-1"})
	c := open(b)
	c.stow(b, "/studies", s.Slice(0))
	instance := "/studies/" + s.StudyUID + "/series/" + s.SeriesUID + "/instances/" + s.InstanceUID(0)
	for _, target := range []string{"*", dicom.ImplicitLittleEndian, pixel.RLELossless, pixel.JPEGLosslessSV1, pixel.JPEGLSLossless} {
		b.Run(target, func(b *testing.B) {
			for b.Loop() {
				if a := c.get(b, instance, "application/dicom; transfer-syntax="+target); a.StatusCode != 200 {
					b.Fatalf("status %d", a.StatusCode)
				}
			}
		})
	}
	for _, target := range []string{"/rendered", "/thumbnail"} {
		b.Run(target, func(b *testing.B) {
			for b.Loop() {
				if a := c.get(b, instance+target); a.StatusCode != 200 {
					b.Fatalf("status %d", a.StatusCode)
				}
			}
		})
	}
}

// HTJ2K of the three transfer syntaxes: the picture in testdata was written by
// OpenJPH; its sample in column x of row y is 7·x·y modulo 3000, less 1024.
func TestTranscodeHighThroughput(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "htj2k.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for y := range 48 {
		for x := range 64 {
			want = binary.LittleEndian.AppendUint16(want, uint16(7*x*y%3000-1024))
		}
	}
	for _, syntax := range []string{pixel.HTJ2KLossless, pixel.HTJ2KLosslessRPCL, pixel.HTJ2K} {
		t.Run("R000-024 "+syntax, func(t *testing.T) {
			c := open(t)
			path := c.storeFile(t, bytes.Replace(source, []byte(pixel.HTJ2KLosslessRPCL), []byte(syntax), 1))
			if a := c.get(t, path+"/frames/1", "application/octet-stream"); !bytes.Equal(a.body, want) {
				t.Errorf("frame: status %d, %d bytes of other pixels", a.StatusCode, len(a.body))
			}
			if a := c.get(t, path+"/frames/1", "image/jphc"); a.StatusCode != 200 || a.Header.Get("Content-Type") != "image/jphc; transfer-syntax="+syntax {
				t.Errorf("as stored: status %d, %s", a.StatusCode, a.Header.Get("Content-Type"))
			}
			if a := c.get(t, path+"/rendered", "image/png"); a.StatusCode != 200 || decodePNG(t, a.body).Bounds().Dx() != 64 {
				t.Errorf("rendered: status %d", a.StatusCode)
			}
			a := c.get(t, path, "application/dicom; transfer-syntax="+pixel.JPEGLSLossless)
			if a.StatusCode != 200 || !bytes.Equal(native(t, "dcmdjpls", a.body), want) {
				t.Errorf("as JPEG-LS: status %d, other pixels", a.StatusCode)
			}
			lossy, _ := attributes(t, a.body)["00282110"].(map[string]any)
			if marked := lossy != nil; marked != (syntax == pixel.HTJ2K) {
				t.Errorf("LossyImageCompression %v", lossy)
			}
		})
	}
}
