package imaging

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"tenon/test/servertest"
)

func partsOf(t *testing.T, a *servertest.Answer) (parts [][]byte) {
	t.Helper()
	typ, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || typ != "multipart/related" {
		t.Fatalf("Content-Type = %q", a.Header.Get("Content-Type"))
	}
	r := multipart.NewReader(bytes.NewReader(a.Body), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, b)
	}
}

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestRetrieve is WADO-RS on both engines.
func TestRetrieve(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *ward) {
		w.fill(t)
		s := w.studies[0]
		study, series, one := "/studies/"+s.StudyUID, "/studies/"+s.StudyUID+"/series/"+s.SeriesUID, instance(s, 0)
		t.Run("ZIP", func(t *testing.T) {
			for _, path := range []string{study, series} {
				a := w.Expect(t, 200, w.get(path, "Accept", "application/zip"))
				z, err := zip.NewReader(bytes.NewReader(a.Body), int64(len(a.Body)))
				if err != nil || len(z.File) != 3 {
					t.Fatalf("GET %s: %v", path, err)
				}
				for i, f := range z.File {
					r, err := f.Open()
					if err != nil {
						t.Fatal(err)
					}
					if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, s.Slice(i)) || f.Name != s.SeriesUID+"/"+s.InstanceUID(i)+".dcm" {
						t.Errorf("file %q: %v, %d bytes", f.Name, err, len(b))
					}
				}
			}
		})
		t.Run("multipart", func(t *testing.T) {
			for _, accept := range []string{`multipart/related; type="application/dicom"; transfer-syntax=*`, "multipart/related; type=application/dicom", "*/*", "multipart/related"} {
				parts := partsOf(t, w.Expect(t, 200, w.get(study, "Accept", accept)))
				if len(parts) != 3 || !bytes.Equal(parts[2], s.Slice(2)) {
					t.Errorf("Accept %s: %d parts", accept, len(parts))
				}
			}
		})
		t.Run("metadata as XML", func(t *testing.T) {
			for path, n := range map[string]int{study: 3, series: 3, one: 1} {
				parts := partsOf(t, w.Expect(t, 200, w.get(path+"/metadata", "Accept", `multipart/related; type="application/dicom+xml"`)))
				if len(parts) != n || !bytes.Contains(parts[0], []byte(`keyword="ImagePositionPatient"`)) || !bytes.Contains(parts[0], []byte("<Ideographic><FamilyName>王</FamilyName>")) {
					t.Errorf("GET %s: %d parts: %.300s", path, len(parts), parts[0])
				}
			}
		})
		t.Run("metadata, compressed", func(t *testing.T) {
			plain := w.Expect(t, 200, w.get(study+"/metadata"))
			a := w.Expect(t, 200, w.get(study+"/metadata", "Accept-Encoding", "br, gzip;q=0.5"))
			if a.Header.Get("Content-Encoding") != "gzip" || !bytes.Equal(gunzip(t, a.Body), plain.Body) || len(arrayOf(t, plain)) != 3 {
				t.Errorf("Content-Encoding = %q", a.Header.Get("Content-Encoding"))
			}
			if a := w.Expect(t, 200, w.get(study+"/metadata", "Accept-Encoding", "gzip;q=0")); a.Header.Get("Content-Encoding") != "" {
				t.Errorf("gzip was refused")
			}
		})
		t.Run("accept as a parameter", func(t *testing.T) {
			for _, accept := range []string{`application/dicom;transfer-syntax=*`, "application%2Fdicom%3Btransfer-syntax%3D*", `multipart/related;type="application/octet-stream"&accept=application/dicom`} {
				a := w.Expect(t, 200, w.get(one+"?accept="+strings.ReplaceAll(accept, `"`, "%22"), "Accept", "text/html;q=0.9"))
				if !bytes.Equal(a.Body, s.Slice(0)) {
					t.Errorf("accept=%s: %d bytes of %s", accept, len(a.Body), a.Header.Get("Content-Type"))
				}
			}
			w.Expect(t, 200, w.get("/studies?accept=application/dicom+json;charset=utf-8&PatientID=P-1", "Accept", "text/html"))
		})
		t.Run("R001-046 entity tags", func(t *testing.T) {
			for path, accept := range map[string]string{study: "*/*", series: "application/zip", one: "application/dicom", study + "/metadata": "application/dicom+json",
				one + "/metadata": `multipart/related; type="application/dicom+xml"`, one + "/frames/1": "application/octet-stream", one + "/bulkdata/7FE00010": "*/*",
				one + "/rendered": "image/png", one + "/thumbnail": "image/jpeg"} {
				tag := w.Expect(t, 200, w.get(path, "Accept", accept)).Header.Get("ETag")
				if a := w.Expect(t, 304, w.get(path, "Accept", accept, "If-None-Match", `"x", `+tag)); tag == "" || len(a.Body) != 0 {
					t.Errorf("GET %s: ETag %q", path, tag)
				}
				w.Expect(t, 404, as(w.designer, w.get(path, "Accept", accept, "If-None-Match", tag)))
				w.Expect(t, 404, as(w.designer, w.get(path, "Accept", accept, "If-None-Match", "*")))
			}
		})
		t.Run("a new instance changes the tags above it", func(t *testing.T) {
			s := w.studies[1]
			path := "/studies/" + s.StudyUID + "/metadata"
			tag := w.Expect(t, 200, w.get(path)).Header.Get("ETag")
			more := bytes.ReplaceAll(s.Slice(0), []byte(s.InstanceUID(0)), []byte(strings.Repeat("9", len(s.InstanceUID(0))-2)+".1"))
			w.Expect(t, 200, w.stow(more))
			if a := w.Expect(t, 200, w.get(path, "If-None-Match", tag)); len(arrayOf(t, a)) != 3 {
				t.Errorf("metadata = %.300s", a.Body)
			}
		})
		t.Run("ranges", func(t *testing.T) {
			whole := s.Slice(0)
			a := w.Expect(t, 206, w.get(one, "Accept", "application/dicom", "Range", "bytes=100-199"))
			if !bytes.Equal(a.Body, whole[100:200]) || a.Header.Get("Content-Range") != fmt.Sprintf("bytes 100-199/%d", len(whole)) {
				t.Errorf("Content-Range = %q", a.Header.Get("Content-Range"))
			}
			pixels := w.Expect(t, 200, w.get(one+"/bulkdata/7FE00010")).Body
			if a := w.Expect(t, 206, w.get(one+"/bulkdata/7FE00010", "Range", "bytes=-10")); !bytes.Equal(a.Body, pixels[len(pixels)-10:]) {
				t.Errorf("the last bytes = %x", a.Body)
			}
			w.Expect(t, 416, w.get(one+"/bulkdata/7FE00010", "Range", "bytes=99999999-"))
		})
	})
}

// TestWadoURI is WADO-URI on both engines.
func TestWadoURI(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *ward) {
		w.fill(t)
		s := w.studies[0]
		base := "/wado?requestType=WADO&studyUID=" + s.StudyUID + "&seriesUID=" + s.SeriesUID + "&objectUID=" + s.InstanceUID(0)
		if a := w.Expect(t, 200, w.get(base+"&contentType=application/dicom")); !bytes.Equal(a.Body, s.Slice(0)) || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/dicom") {
			t.Errorf("file: %d bytes of %q", len(a.Body), a.Header.Get("Content-Type"))
		}
		if a := w.Expect(t, 200, w.get(base+"&contentType=application%2Fdicom&transferSyntax=1.2.840.10008.1.2")); !strings.HasSuffix(a.Header.Get("Content-Type"), "=1.2.840.10008.1.2") {
			t.Errorf("implicit: %q", a.Header.Get("Content-Type"))
		}
		for query, want := range map[string]image.Point{
			"": {X: 64, Y: 64}, "&contentType=image/png": {X: 64, Y: 64}, "&contentType=image/png&columns=32": {X: 32, Y: 32},
			"&rows=16&columns=100": {X: 16, Y: 16}, "&windowCenter=40&windowWidth=400&frameNumber=1&imageQuality=50": {X: 64, Y: 64},
			"&region=0.25,0.5,0.75,1": {X: 32, Y: 32}, "&region=0,0,0.5,1&rows=16": {X: 8, Y: 16},
		} {
			a := w.Expect(t, 200, w.get(base+query))
			c, format, err := image.DecodeConfig(bytes.NewReader(a.Body))
			if err != nil || (image.Point{X: c.Width, Y: c.Height}) != want || a.Header.Get("Content-Type") != "image/"+format {
				t.Errorf("%s: %v, %s of %d×%d, want %v", query, err, format, c.Width, c.Height, want)
			}
		}
		for query, status := range map[string]int{
			"&anonymize=yes": 400, "&windowCenter=1": 400, "&region=1,1,0,0": 400, "&region=NaN,0,1,1": 400, "&rows=x": 400, "&frameNumber=2": 404,
			"&frameNumber=1,1": 400, "&contentType=text/html": 406, "&transferSyntax=1.2.3&contentType=application/dicom": 406, "&surprise=1": 400, "&studyUID=1.2": 400,
		} {
			w.Expect(t, status, w.get(base+query))
		}
		w.Expect(t, 400, w.get(strings.Replace(base, "WADO&", "X&", 1)))
		w.Expect(t, 400, w.get("/wado?requestType=WADO&studyUID="+url.QueryEscape(s.StudyUID)))
		w.Expect(t, 404, as(w.designer, w.get(base)))
	})
}
