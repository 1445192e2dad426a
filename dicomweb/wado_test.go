package dicomweb_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
)

// part is one part of a multipart answer.
type part struct {
	typ, location string
	body          []byte
}

func (a *answer) parts(t testing.TB) []part {
	t.Helper()
	typ, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || typ != "multipart/related" || a.StatusCode != 200 {
		t.Fatalf("status %d, %q, %v: %.300s", a.StatusCode, a.Header.Get("Content-Type"), err, a.body)
	}
	r := multipart.NewReader(bytes.NewReader(a.body), params["boundary"])
	var list []part
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, part{p.Header.Get("Content-Type"), p.Header.Get("Content-Location"), b})
	}
}

func TestRetrieve(t *testing.T) {
	c, s := archive(t)
	study := "/studies/" + s[0].StudyUID
	series := study + "/series/" + s[0].SeriesUID
	instance := series + "/instances/" + s[0].InstanceUID(1)
	for _, tc := range []struct {
		target string
		accept string
		first  int
		n      int
	}{
		{study, `multipart/related; type="application/dicom"`, 0, 3},
		{series, `multipart/related; type="application/dicom"`, 0, 3},
		{instance, `multipart/related; type="application/dicom"`, 1, 1},
		{instance, "", 1, 1},
		{instance, "*/*", 1, 1},
		{series, `multipart/related;type=application/dicom;transfer-syntax=*`, 0, 3},
		{series, `application/dicom+json, multipart/related; type=application/dicom; q=0.5`, 0, 3},
		{series, `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1`, 0, 3},
		{series + "?accept=" + `multipart/related;%20type=%22application/dicom%22`, "", 0, 3},
	} {
		t.Run("R000-024 R004-041 "+tc.target+" "+tc.accept, func(t *testing.T) {
			var accept []string
			if tc.accept != "" {
				accept = []string{tc.accept}
			}
			got := c.get(t, tc.target, accept...).parts(t)
			if len(got) != tc.n {
				t.Fatalf("%d parts, want %d", len(got), tc.n)
			}
			for i, p := range got {
				if !bytes.Equal(p.body, s[0].Slice(tc.first+i)) || p.typ != "application/dicom; transfer-syntax=1.2.840.10008.1.2.1" {
					t.Errorf("part %d (%s) is not the instance that was stored", i, p.typ)
				}
			}
		})
	}
	t.Run("a single part, with ranges", func(t *testing.T) {
		whole := s[0].Slice(1)
		a := c.get(t, instance, "application/dicom")
		if a.StatusCode != 200 || !bytes.Equal(a.body, whole) || a.Header.Get("ETag") == "" {
			t.Errorf("status %d, %d bytes, ETag %s", a.StatusCode, len(a.body), a.Header.Get("ETag"))
		}
		r := c.do(t, "GET", instance, nil, "Accept", "application/dicom", "Range", "bytes=128-131")
		if r.StatusCode != http.StatusPartialContent || string(r.body) != "DICM" {
			t.Errorf("range: status %d: %q", r.StatusCode, r.body)
		}
		n := c.do(t, "GET", instance, nil, "Accept", "application/dicom", "If-None-Match", a.Header.Get("ETag"))
		if n.StatusCode != http.StatusNotModified {
			t.Errorf("If-None-Match: status %d", n.StatusCode)
		}
	})
	for _, tc := range [][2]string{
		{series, "application/dicom"}, {instance, "image/jpeg"}, {instance, "text/html"},
		{instance, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.91"},
		{series, `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50`},
	} {
		if a := c.get(t, tc[0], tc[1]); a.StatusCode != http.StatusNotAcceptable {
			t.Errorf("GET %s as %s: status %d", tc[0], tc[1], a.StatusCode)
		}
	}
}

func TestMetadata(t *testing.T) {
	c, s := archive(t)
	study := "/studies/" + s[0].StudyUID
	instance := study + "/series/" + s[0].SeriesUID + "/instances/" + s[0].InstanceUID(2)
	for target, n := range map[string]int{study: 3, study + "/series/" + s[0].SeriesUID: 3, instance: 1} {
		a := c.get(t, target+"/metadata", "application/dicom+json")
		list := a.list(t)
		if a.StatusCode != 200 || len(list) != n {
			t.Fatalf("%s: status %d, %d objects", target, a.StatusCode, len(list))
		}
		last := list[n-1]
		if got, want := last["7FE00010"].BulkDataURI, c.url+instance+"/bulkdata/7FE00010"; got != want {
			t.Errorf("BulkDataURI = %s, want %s", got, want)
		}
		for tag, want := range map[string]string{"00080018": s[0].InstanceUID(2), "00280010": "64", "00180050": "1", "00080005": "ISO_IR 192"} {
			if got := last.value(tag); got != want {
				t.Errorf("%s = %s, want %s", tag, got, want)
			}
		}
		if _, ok := last["00020010"]; ok {
			t.Error("metadata hold group 2")
		}
	}
	if a := c.get(t, "/studies/1.2.3/metadata"); a.StatusCode != http.StatusNotFound {
		t.Errorf("no study: status %d", a.StatusCode)
	}
}

// storeFile stores a sample file for patient p1 and returns the path of its
// instance.
func (c *clinic) storeFile(t *testing.T, b []byte) string {
	t.Helper()
	a := c.stow(t, "/studies?patient=Patient/p1", b)
	items := a.object(t).items(t, "00081199")
	if len(items) != 1 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	return strings.TrimPrefix(items[0].value("00081190"), c.url)
}

func testdata(t testing.TB, pattern string) []string {
	t.Helper()
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "testdata")
	}
	files, _ := filepath.Glob(filepath.Join(root, "dicom", pattern))
	if len(files) == 0 {
		t.Skipf("no sample files dicom/%s: set TENON_TESTDATA", pattern)
	}
	return files
}

func load(t testing.TB, pattern string) []byte {
	t.Helper()
	b, err := os.ReadFile(testdata(t, pattern)[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const viewer = `multipart/related; type=application/octet-stream; transfer-syntax=*`

// The pixels of one CT come out the same whatever uncompressed transfer syntax
// they came in with.
func TestFramesOfEveryUncompressedSyntax(t *testing.T) {
	explicit := load(t, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicit*.dcm")
	want := explicit[len(explicit)-512*512*2:]
	for _, name := range []string{"LittleEndianExplicit", "LittleEndianImplicit", "BigEndianExplicit", "DeflatedExplicitVRLittleEndian"} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			path := c.storeFile(t, load(t, "transfer-syntaxes/CTImage.dcm_"+name+"*.dcm"))
			for _, accept := range []string{viewer, `multipart/related; type="application/octet-stream"`, "*/*",
				`multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1`} {
				p := c.get(t, path+"/frames/1", accept).parts(t)
				if len(p) != 1 || !bytes.Equal(p[0].body, want) || p[0].typ != "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1" {
					t.Errorf("%s: %d parts of type %s", accept, len(p), p[0].typ)
				}
			}
			if a := c.get(t, path+"/frames/1", "application/octet-stream"); !bytes.Equal(a.body, want) {
				t.Errorf("single part: status %d, %d bytes", a.StatusCode, len(a.body))
			}
			if a := c.get(t, path+"/bulkdata/7FE00010", "application/octet-stream"); !bytes.Equal(a.body, want) {
				t.Errorf("bulk data: status %d, %d bytes", a.StatusCode, len(a.body))
			}
			if p := c.get(t, path+"/bulkdata/7FE00010", viewer).parts(t); len(p) != 1 || !bytes.Equal(p[0].body, want) {
				t.Errorf("bulk data in a part: %d parts", len(p))
			}
			for _, target := range []string{"/frames/2", "/frames/1,2", "/bulkdata/00080018", "/bulkdata/7FE00010/1"} {
				if a := c.get(t, path+target, "*/*"); a.StatusCode != http.StatusNotFound {
					t.Errorf("%s: status %d, want 404", target, a.StatusCode)
				}
			}
			for _, target := range []string{"/frames/0", "/frames/x", "/frames/1,", "/frames/-1"} {
				if a := c.get(t, path+target, "*/*"); a.StatusCode != http.StatusBadRequest {
					t.Errorf("%s: status %d, want 400", target, a.StatusCode)
				}
			}
		})
	}
}

func TestRangeOfBulkData(t *testing.T) {
	c := open(t)
	file := load(t, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicit*.dcm")
	path := c.storeFile(t, file)
	pixels := file[len(file)-512*512*2:]
	a := c.do(t, "GET", path+"/bulkdata/7FE00010", nil, "Range", "bytes=100-199", "Accept", "application/octet-stream")
	if a.StatusCode != http.StatusPartialContent || !bytes.Equal(a.body, pixels[100:200]) {
		t.Errorf("status %d, %d bytes", a.StatusCode, len(a.body))
	}
}

func TestCompressedFrames(t *testing.T) {
	for _, tc := range []struct{ file, media, head string }{
		{"CTImage.dcm_JPEGProcess14SV1*", "image/jpeg", "\xff\xd8\xff"},
		{"CTImage.dcm_JPEGLSLossless*", "image/jls", "\xff\xd8\xff"},
		{"CTImage.dcm_JPEG2000Lossless*", "image/jp2", "\xff\x4f\xff\x51"},
		{"CTImage.dcm_RLELossless*", "image/dicom-rle", "\x02\x00\x00\x00"},
	} {
		t.Run(tc.media, func(t *testing.T) {
			c := open(t)
			file := load(t, "transfer-syntaxes/"+tc.file)
			path := c.storeFile(t, file)
			f, err := dicom.Read(bytes.NewReader(file), dicom.Options{})
			if err != nil {
				t.Fatal(err)
			}
			piece := f.Pixels.Fragments[0]
			want := file[piece.Offset : piece.Offset+piece.Length]
			for accept, typ := range map[string]string{
				`multipart/related; type="` + tc.media + `"`: tc.media,
				"*/*":  tc.media,
				viewer: "application/octet-stream",
				`multipart/related; type="application/octet-stream", multipart/related; type="image/*"`: tc.media,
			} {
				p := c.get(t, path+"/frames/1", accept).parts(t)
				if len(p) != 1 || !bytes.Equal(p[0].body, want) || !strings.HasPrefix(string(p[0].body), tc.head) {
					t.Errorf("%s: %d parts", accept, len(p))
				}
				if want := typ + "; transfer-syntax=" + f.Syntax.UID; p[0].typ != want {
					t.Errorf("%s: type %s, want %s", accept, p[0].typ, want)
				}
			}
			plain := http.StatusNotAcceptable
			if pixel.CanDecode(f.Syntax.UID) {
				plain = http.StatusOK
			}
			for accept, status := range map[string]int{`multipart/related; type="application/octet-stream"`: plain, "image/png": http.StatusNotAcceptable,
				`multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1`: plain} {
				if a := c.get(t, path+"/frames/1", accept); a.StatusCode != status {
					t.Errorf("%s: status %d, want %d", accept, a.StatusCode, status)
				}
			}
			if p := c.get(t, path+"/bulkdata/7FE00010", viewer).parts(t); len(p) != 1 || !bytes.Equal(p[0].body, want) {
				t.Errorf("bulk data: %d parts", len(p))
			}
		})
	}
}

func TestFragmentedFrames(t *testing.T) {
	c := open(t)
	file := load(t, "transfer-syntaxes/CT0012.fragmented*")
	path := c.storeFile(t, file)
	p := c.get(t, path+"/frames/2,1", viewer).parts(t)
	if len(p) != 2 {
		t.Fatalf("%d parts", len(p))
	}
	for i, frame := range p {
		if !bytes.HasPrefix(frame.body, []byte("\xff\xd8\xff")) || !bytes.Contains(frame.body[len(frame.body)-3:], []byte("\xff\xd9")) {
			t.Errorf("part %d is no whole JPEG: %x … %x", i, frame.body[:4], frame.body[len(frame.body)-4:])
		}
	}
	if want := c.url + path + "/frames/2"; p[0].location != want {
		t.Errorf("first part is %s, want %s", p[0].location, want)
	}
}

// element writes one element in explicit little endian.
func element(tag uint32, vr, value string) string {
	if len(value)%2 == 1 {
		value += map[bool]string{true: "\x00", false: " "}[vr == "UI" || vr == "OB"]
	}
	b := binary.LittleEndian.AppendUint16(nil, uint16(tag>>16))
	b = binary.LittleEndian.AppendUint16(b, uint16(tag))
	b = append(b, vr...)
	if vr == "OB" || vr == "OW" {
		return string(binary.LittleEndian.AppendUint32(append(b, 0, 0), uint32(len(value)))) + value
	}
	return string(binary.LittleEndian.AppendUint16(b, uint16(len(value)))) + value
}

func fileOf(elements ...string) []byte {
	meta := element(0x00020010, "UI", dicom.ExplicitLittleEndian)
	return []byte(strings.Repeat("\x00", 128) + "DICM" + meta +
		element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.66.4") + element(0x00080018, "UI", "1.2.3.4") +
		strings.Join(elements[:len(elements)-1], "") + elements[len(elements)-1])
}

func TestFramesOfSingleBits(t *testing.T) {
	c := open(t)
	word := func(n uint16) string { return string(binary.LittleEndian.AppendUint16(nil, n)) }
	// Two frames of 3×3 single bits: 1 0 1 0 1 0 1 0 1 and all ones.
	path := c.storeFile(t, fileOf(element(0x0020000D, "UI", "1.2"), element(0x0020000E, "UI", "1.2.3"),
		element(0x00280002, "US", word(1)), element(0x00280008, "IS", "2"), element(0x00280010, "US", word(3)),
		element(0x00280011, "US", word(3)), element(0x00280100, "US", word(1)),
		element(0x7FE00010, "OB", "\x55\xff\x03")))
	p := c.get(t, path+"/frames/1,2", viewer).parts(t)
	if string(p[0].body) != "\x55\x01" || string(p[1].body) != "\xff\x01" {
		t.Errorf("frames = %x, %x; want 5501, ff01", p[0].body, p[1].body)
	}
}

func TestNoPixels(t *testing.T) {
	c := open(t)
	path := c.storeFile(t, fileOf(element(0x0020000D, "UI", "1.2"), element(0x0020000E, "UI", "1.2.3")))
	for _, i := range c.instances { // a store may give back empty for nil
		i.Content.Frames, i.Content.Bulk = []byte{}, []byte{}
	}
	for _, target := range []string{"/frames/1", "/bulkdata/7FE00010"} {
		if a := c.get(t, path+target); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", target, a.StatusCode)
		}
	}
	if list := c.get(t, path+"/metadata").list(t); list[0]["7FE00010"].VR != "" {
		t.Errorf("metadata = %v", list)
	}
}

// A stored document comes back with its media type and without padding.
func TestEncapsulatedDocument(t *testing.T) {
	c := open(t)
	stl := "solid x" + strings.Repeat("\nendsolid", 200) + "!"
	length := string(binary.LittleEndian.AppendUint32(nil, uint32(len(stl))))
	path := c.storeFile(t, fileOf(element(0x0020000D, "UI", "1.2"), element(0x0020000E, "UI", "1.2.3"),
		element(0x00420011, "OB", stl), element(0x00420012, "LO", "model/stl"), element(0x00420015, "UL", length)))
	a := c.get(t, path+"/bulkdata/00420011", "model/stl")
	if a.Header.Get("Content-Type") != "model/stl" || string(a.body) != stl {
		t.Errorf("status %d, %s, %d bytes; want %d", a.StatusCode, a.Header.Get("Content-Type"), len(a.body), len(stl))
	}
	if p := c.get(t, path+"/bulkdata/00420011", `multipart/related; type="application/octet-stream"`).parts(t); string(p[0].body) != stl {
		t.Errorf("%d bytes in a part", len(p[0].body))
	}
}

// The real CT: everything in, everything out.
func TestCraniumCT(t *testing.T) {
	files := testdata(t, "cranium-ct/*.dcm")
	c := open(t)
	var bodies [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, b)
	}
	a := c.stow(t, "/studies?patient=Patient/p1", bodies...)
	if a.StatusCode != 200 || len(a.object(t).items(t, "00081199")) != 108 {
		t.Fatalf("status %d: %.500s", a.StatusCode, a.body)
	}
	study := "/studies/" + c.get(t, "/studies").list(t)[0].value("0020000D")
	t.Run("R001-042 R001-040 instances", func(t *testing.T) {
		for i, p := range c.get(t, study).parts(t) {
			if !bytes.Equal(p.body, bodies[i]) {
				t.Errorf("slice %d was changed", i+1)
			}
		}
	})
	t.Run("R001-097 R001-098 acquisition parameters", func(t *testing.T) {
		for _, d := range c.get(t, study+"/metadata").list(t) {
			if d.value("00180050") != "1.5" || d.value("00280030") != "0.9570312" {
				t.Errorf("SliceThickness %s, PixelSpacing %s", d.value("00180050"), d.value("00280030"))
			}
		}
	})
}
