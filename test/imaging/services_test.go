package imaging

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/test/servertest"
)

// TestServices runs the services beside STOW, QIDO and WADO on one server for
// each engine.
func TestServices(t *testing.T) {
	eachEngine(t, func(*app.Config) {}, func(t *testing.T, w *ward) {
		w.fill(t)
		for _, s := range []struct {
			name string
			test func(t *testing.T, w *ward)
		}{
			{"R000-024 STOW-RS of metadata and bulk data", testModels},
		} {
			t.Run(s.name, func(t *testing.T) { s.test(t, w) })
		}
	})
}

// post is a request of the clinician with a body.
func (w *ward) post(path, contentType string, body []byte) servertest.Request {
	return servertest.Request{Token: w.clin, Method: "POST", Path: "/dicomweb" + path, Body: body, Header: map[string]string{"Content-Type": contentType}}
}

// testModels stores a series as metadata and bulk data and takes it back as files.
func testModels(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 21, Slices: 2, PatientID: "P-1"})
	var sets []string
	var body strings.Builder
	for i := range s.Len() {
		f, err := dicom.Read(bytes.NewReader(s.Slice(i)), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 10, MaxBulk: 1, URI: s.InstanceUID(i) + "/"})
		sets = append(sets, string(text))
		body.WriteString("--frontier\r\nContent-Type: application/octet-stream\r\nContent-Location: " + s.InstanceUID(i) + "/7FE00010\r\n\r\n")
		body.Write(s.Slice(i)[f.Pixels.Offset : f.Pixels.Offset+f.Pixels.Length])
		body.WriteString("\r\n")
	}
	whole := []byte("--frontier\r\nContent-Type: application/dicom+json\r\n\r\n[" + strings.Join(sets, ",") + "]\r\n" + body.String() + "--frontier--\r\n")
	q := w.post("/studies", `multipart/related; type="application/dicom+json"; boundary=frontier`, whole)
	w.Expect(t, 403, as(w.designer, q))
	w.Expect(t, 200, q)
	w.Expect(t, 200, q) // again: stored already
	for i := range s.Len() {
		a := w.Expect(t, 200, w.get(instance(s, i), "Accept", "application/dicom"))
		f, err := dicom.Read(bytes.NewReader(a.Body), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 10, MaxBulk: 1, URI: s.InstanceUID(i) + "/"})
		var got, want any
		if json.Unmarshal(text, &got) != nil || json.Unmarshal([]byte(sets[i]), &want) != nil || !bytes.HasSuffix(a.Body, s.Slice(i)[len(s.Slice(i))-512:]) {
			t.Fatalf("instance %d: %s", i, text)
		}
		if one, other := canonical(t, got), canonical(t, want); one != other {
			t.Errorf("instance %d = %s\nwant %s", i, one, other)
		}
	}
	w.Expect(t, 404, as(w.designer, w.get(instance(s, 0), "Accept", "application/dicom")))
}

func canonical(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
