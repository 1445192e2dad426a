package dicomweb_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tenon/server/access"
)

// dcmtk runs a program of dcmtk, the independent reader, and gives what it wrote.
func dcmtk(t testing.TB, program string, in []byte, options ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed (package dcmtk)", program)
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "in.dcm"), filepath.Join(dir, "out")
	if err := os.WriteFile(from, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), path, append(options, from, to)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, text)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pgm are the greys or colours of a picture by dcmj2pnm.
func pgm(t testing.TB, b []byte) []byte {
	t.Helper()
	for lines := 0; lines < 3; {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		if b = rest; len(line) > 0 && line[0] != '#' {
			lines++
		}
	}
	return b
}

func decodePNG(t testing.TB, b []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%v in %.100q", err, b)
	}
	return img
}

// greys are the pixels of a grey picture.
func greys(t testing.TB, img image.Image) []byte {
	t.Helper()
	g, ok := img.(*image.Gray)
	if !ok {
		t.Fatalf("the picture is %T", img)
	}
	return g.Pix
}

// most is the greatest difference of two pictures.
func most(a, b []byte) int {
	if len(a) != len(b) {
		return 1 << 10
	}
	d := 0
	for i := range a {
		d = max(d, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return d
}

// The picture is the one that dcmtk makes, in every transfer syntax that can be
// decoded, with the window of the instance and with that of the request.
func TestRenderedAgainstAnotherRenderer(t *testing.T) {
	reference := load(t, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicit*.dcm")
	own, wide := pgm(t, dcmtk(t, "dcmj2pnm", reference, "+Wi", "1")), pgm(t, dcmtk(t, "dcmj2pnm", reference, "+Ww", "300", "2000"))
	for _, name := range []string{"LittleEndianExplicit", "LittleEndianImplicit", "BigEndianExplicit", "DeflatedExplicitVR", "RLELossless",
		"JPEGProcess14SV1", "JPEGProcess14T", "JPEGLSLossless", "JPEG2000Lossless"} {
		t.Run("R000-024 "+name, func(t *testing.T) {
			c := open(t)
			path := c.storeFile(t, load(t, "transfer-syntaxes/CTImage.dcm_"+name+"*.dcm"))
			for query, want := range map[string][]byte{"": own, "?window=300,2000,linear": wide} {
				a := c.get(t, path+"/rendered"+query, "image/png")
				if d := most(greys(t, decodePNG(t, a.body)), want); a.StatusCode != 200 || d > 1 {
					t.Errorf("rendered%s: status %d, greys differ by up to %d", query, a.StatusCode, d)
				}
			}
			if a := c.get(t, path+"/frames/1/rendered"); a.Header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("frame: %s", a.Header.Get("Content-Type"))
			} else if img, err := jpeg.Decode(bytes.NewReader(a.body)); err != nil || most(greys(t, img), own) > 40 {
				t.Errorf("frame as JPEG: %v, differs by up to %d", err, most(greys(t, img), own))
			}
		})
	}
}

// Media types, parts and what is refused.
func TestRenderedNegotiation(t *testing.T) {
	c, s := archive(t)
	study := "/studies/" + s[0].StudyUID
	series := study + "/series/" + s[0].SeriesUID
	instance := series + "/instances/" + s[0].InstanceUID(1)
	for _, tc := range []struct {
		target, accept string
		status         int
		typ            string // media type of the answer, or of its parts
		parts          int
	}{
		{instance + "/rendered", "", 200, "image/jpeg", 0},
		{instance + "/rendered", "image/*", 200, "image/jpeg", 0},
		{instance + "/rendered", "image/webp, image/png;q=0.9, */*;q=0.1", 200, "image/png", 0},
		{instance + "/rendered", "image/gif", 200, "image/gif", 0},
		{instance + "/rendered", `multipart/related; type="image/png"`, 200, "image/png", 1},
		{instance + "/frames/1/rendered", "image/png", 200, "image/png", 0},
		{series + "/rendered", `multipart/related; type=image/jpeg`, 200, "image/jpeg", 3},
		{study + "/rendered", `multipart/related; type="image/jpeg"`, 200, "image/jpeg", 3},
		{study + "/rendered", "*/*", 200, "image/jpeg", 3},
		{study + "/rendered?accept=multipart/related%3Btype=%22image/png%22", "", 200, "image/png", 3},
		{study + "/rendered", "image/jpeg", 406, "", 0},
		{instance + "/rendered", "image/jp2", 406, "", 0},
		{instance + "/rendered", "application/dicom", 406, "", 0},
		{instance + "/frames/2/rendered", "image/jpeg", 404, "", 0},
		{instance + "/frames/0/rendered", "image/jpeg", 400, "", 0},
		{series + "/instances/1.2.3/rendered", "image/jpeg", 404, "", 0},
		{"/studies/1.2.3/thumbnail", "", 404, "", 0},
		{study + "/thumbnail", "", 200, "image/jpeg", 0},
		{series + "/thumbnail", "image/png", 200, "image/png", 0},
		{instance + "/thumbnail", "image/gif", 200, "image/gif", 0},
		{instance + "/frames/1/thumbnail", "image/jpeg", 200, "image/jpeg", 0},
		{instance + "/frames/2/thumbnail", "image/jpeg", 404, "", 0},
		{study + "/thumbnail", "text/plain", 406, "", 0},
	} {
		t.Run("R000-024 "+tc.target+" "+tc.accept, func(t *testing.T) {
			var accept []string
			if tc.accept != "" {
				accept = []string{tc.accept}
			}
			a := c.get(t, tc.target, accept...)
			if a.StatusCode != tc.status {
				t.Fatalf("status %d: %.200s", a.StatusCode, a.body)
			}
			if tc.status != 200 {
				return
			}
			pictures := [][]byte{a.body}
			typ := a.Header.Get("Content-Type")
			if tc.parts > 0 {
				pictures = nil
				for _, p := range a.parts(t) {
					pictures, typ = append(pictures, p.body), p.typ
				}
			}
			if typ != tc.typ || len(pictures) != max(tc.parts, 1) {
				t.Errorf("%d pictures of type %s", len(pictures), typ)
			}
			for _, b := range pictures {
				if _, format, err := image.DecodeConfig(bytes.NewReader(b)); err != nil || "image/"+format != tc.typ {
					t.Errorf("a picture of type %s: %v", format, err)
				}
			}
		})
	}
}

// Parameters that ask for what cannot be done are refused, never dropped.
func TestRenderedParameters(t *testing.T) {
	c, s := archive(t)
	instance := "/studies/" + s[0].StudyUID + "/series/" + s[0].SeriesUID + "/instances/" + s[0].InstanceUID(0)
	for _, query := range []string{"window=40", "window=40,0,linear", "window=40,400,cubic", "window=a,400,linear", "window=NaN,400,linear",
		"window=1,2,linear,3", "window=40,0.5,linear", "viewport=0,10", "viewport=10", "viewport=10,10,1", "viewport=9999,1", "viewport=a,b",
		"viewport=8,8,900,0,4,4", "viewport=8,8,0,0,0,4", "viewport=8,8,-1,0,4,4", "quality=0", "quality=101", "quality=x",
		"annotation=patient", "iccprofile=srgb", "presentationUID=1.2", "quality=1&quality=2", "window=%zz"} {
		if a := c.get(t, instance+"/rendered?"+query, "image/png"); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", query, a.StatusCode)
		}
	}
	size := func(query string) image.Point {
		a := c.get(t, instance+query, "image/png")
		if a.StatusCode != 200 {
			t.Fatalf("%s: status %d: %s", query, a.StatusCode, a.body)
		}
		return decodePNG(t, a.body).Bounds().Size()
	}
	for query, want := range map[string]image.Point{
		"/rendered?iccprofile=no": {64, 64}, "/rendered?viewport=32,100": {32, 32}, "/rendered?viewport=128,200": {128, 128},
		"/rendered?viewport=40,40,10,10,20,10": {40, 20}, "/rendered?viewport=16,16,32,,,": {8, 16}, "/rendered?viewport=64,64,,,-64,64": {64, 64},
		"/thumbnail": {128, 128}, "/thumbnail?viewport=20,30": {20, 20},
	} {
		if got := size(query); got != want {
			t.Errorf("%s is %v, want %v", query, got, want)
		}
	}
	whole, mirrored := decodePNG(t, c.get(t, instance+"/rendered", "image/png").body), decodePNG(t, c.get(t, instance+"/rendered?viewport=64,64,,,-64,64", "image/png").body)
	for _, p := range []image.Point{{0, 0}, {10, 33}, {63, 5}} {
		if whole.At(p.X, p.Y) != mirrored.At(63-p.X, p.Y) {
			t.Errorf("pixel %v is not mirrored", p)
		}
	}
	low, high := c.get(t, instance+"/rendered?quality=5", "image/jpeg"), c.get(t, instance+"/rendered?quality=100", "image/jpeg")
	if len(low.body)*2 > len(high.body) {
		t.Errorf("quality 5 takes %d bytes, quality 100 %d", len(low.body), len(high.body))
	}
}

// Frames of one instance: as parts, one by one, and as a moving picture.
func TestRenderedFrames(t *testing.T) {
	c := open(t)
	path := c.storeFile(t, load(t, "transfer-syntaxes/CT0012*.dcm"))
	if p := c.get(t, path+"/rendered", `multipart/related; type="image/png"`).parts(t); len(p) != 2 || p[1].location != c.url+path+"/frames/2/rendered" {
		t.Errorf("%d parts", len(p))
	}
	if p := c.get(t, path+"/frames/2,1/rendered", "*/*").parts(t); len(p) != 2 || p[0].location != c.url+path+"/frames/2/rendered" {
		t.Errorf("%d parts", len(p))
	}
	one, two := c.get(t, path+"/frames/1/rendered", "image/png"), c.get(t, path+"/frames/2/rendered", "image/png")
	for target, frames := range map[string]int{"/rendered": 2, "/frames/1,2/rendered": 2, "/frames/2/rendered": 1} {
		a := c.get(t, path+target, "image/gif")
		g, err := gif.DecodeAll(bytes.NewReader(a.body))
		if err != nil || len(g.Image) != frames {
			t.Fatalf("%s: status %d, %v", target, a.StatusCode, err)
		}
		want := decodePNG(t, two.body)
		if at := image.Pt(200, 250); color.GrayModel.Convert(g.Image[frames-1].At(at.X, at.Y)) != want.At(at.X, at.Y) {
			t.Errorf("%s: the last frame is another picture", target)
		}
	}
	if bytes.Equal(one.body, two.body) {
		t.Error("both frames are the same picture")
	}
	if a := c.get(t, path+"/frames/1,2/rendered", "image/png"); a.StatusCode != 406 {
		t.Errorf("two frames as one PNG: status %d", a.StatusCode)
	}
}

// Colour comes out as colour, and what cannot be rendered says so.
func TestRenderedColour(t *testing.T) {
	c := open(t)
	for name, want := range map[string]int{"TestPattern_RGB": 200, "TestPattern_Palette": 200, "TestPattern_JPEG-Baseline_YBR422": 200,
		"TestPattern_JPEG-LS-NearLossless": 200, "no-pixel-data": 406} {
		path := c.storeFile(t, load(t, "transfer-syntaxes/"+name+"*.dcm"))
		a := c.get(t, path+"/rendered", "image/png")
		if a.StatusCode != want {
			t.Errorf("%s: status %d: %.200s", name, a.StatusCode, a.body)
		}
		if want != 200 {
			continue
		}
		if img := decodePNG(t, a.body); img.ColorModel() == color.GrayModel {
			t.Errorf("%s is grey", name)
		}
	}
}

// A picture that the caller has is not made again; a thumbnail of the same
// bytes is made once. Every look is audited, and out of reach is absent.
func TestRenderedReach(t *testing.T) {
	c, s := archive(t)
	study := "/studies/" + s[0].StudyUID
	instance := study + "/series/" + s[0].SeriesUID + "/instances/" + s[0].InstanceUID(0)
	a := c.get(t, instance+"/rendered", "image/png")
	for target, want := range map[string]int{"/rendered": 304, "/rendered?quality=50": 200, "/rendered?window=1,2": 200, "/thumbnail": 200} {
		if n := c.do(t, "GET", instance+target, nil, "Accept", "image/png", "If-None-Match", a.Header.Get("ETag")); n.StatusCode != want {
			t.Errorf("%s with the tag of another: status %d, want %d", target, n.StatusCode, want)
		}
	}
	first, again := c.get(t, study+"/thumbnail"), c.get(t, study+"/thumbnail")
	if !bytes.Equal(first.body, again.body) || first.Header.Get("ETag") == "" {
		t.Error("a thumbnail is not the same twice")
	}
	targets := []string{study + "/rendered", study + "/thumbnail", instance + "/rendered", instance + "/frames/1/rendered", instance + "/thumbnail"}
	for _, target := range targets {
		c.audits = nil
		a := c.get(t, target)
		if a.StatusCode != 200 || len(c.audits) != 1 || c.audits[0].Patient != "Patient/p1" || !strings.HasPrefix(c.audits[0].Operation, "wado-") {
			t.Errorf("GET %s: status %d, audit %+v", target, a.StatusCode, c.audits)
		}
	}
	c.who = &access.Context{Kind: access.Person, Principal: "PractitionerRole/d", Organization: "Organization/m", Side: access.Manufacturer, Roles: []access.Role{access.DES}}
	for _, target := range targets {
		if a := c.get(t, target); a.StatusCode != 404 {
			t.Errorf("R001-046 GET %s out of reach: status %d", target, a.StatusCode)
		}
	}
}
