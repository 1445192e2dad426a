package imaging

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/server/record"
	"tenon/test/servertest"
)

// TestServices runs the services beside STOW, QIDO and WADO on one server for
// each engine.
func TestServices(t *testing.T) {
	eachEngine(t, func(c *app.Config) {
		c.Images.Foreign, c.Images.Delete = "quarantine", "unused"
		c.Images.Issuers = map[string]string{"HOSPITAL A": "urn:mrn:a", "HOSPITAL B": "urn:mrn:b"}
	}, func(t *testing.T, w *ward) {
		w.fill(t)
		for _, s := range []struct {
			name string
			test func(t *testing.T, w *ward)
		}{
			{"R000-024 STOW-RS of metadata and bulk data", testModels},
			{"R000-024 STOW-RS of metadata in XML", testModelsXML},
			{"R001-042 quarantine", testQuarantine},
			{"R001-042 delete and change feed", testDelete},
			{"UPS-RS", testWorkitems},
			{"documents both ways", testDocuments},
			{"R001-044 segmentations and structure sets", testDerived},
			{"R001-046 rejection notes", testRejection}, {"R001-046 correction of patient and study data", testCorrection},
			{"R001-046 de-identified copies", testDeidentified},
			{"R001-042 issuer of patient id", testIssuer},
			{"capabilities", testCapabilities},
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

// audited counts the audit rows of an operation.
func (w *ward) audited(t *testing.T, operation string) int {
	t.Helper()
	var b bytes.Buffer
	if err := w.App.WriteAudit(t.Context(), &b, ledger.AuditFilter{}, false); err != nil {
		t.Fatal(err)
	}
	return strings.Count(b.String(), `"operation":"`+operation+`"`)
}

// study is the ImagingStudy of a study.
func (w *ward) study(t *testing.T, uid string) (body []byte) {
	t.Helper()
	a := w.Expect(t, 200, servertest.Request{Token: w.clin, Method: "GET", Path: "/fhir/ImagingStudy?identifier=urn:oid:" + uid})
	var b struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(a.Body, &b); err != nil || len(b.Entry) > 1 {
		t.Fatalf("%v in %s", err, a.Body)
	}
	if len(b.Entry) == 0 {
		return nil
	}
	return b.Entry[0].Resource
}

// subject is whose study it is.
func (w *ward) subject(t *testing.T, uid string) string {
	t.Helper()
	var s struct{ Subject struct{ Reference string } }
	if err := json.Unmarshal(w.study(t, uid), &s); err != nil {
		t.Fatal(err)
	}
	return s.Subject.Reference
}

// needs tells whether anything needs a content still.
func (w *ward) needs(t *testing.T, content []byte) (needed bool) {
	t.Helper()
	sum := sha256.Sum256(content)
	err := w.App.Store.EachBlob(t.Context(), func(b record.BlobRow) error {
		needed = needed || b.Digest == sum
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return needed
}

// testModelsXML: data sets as Native DICOM Model documents, one part each, are stored
// as the same data sets in JSON are.
func testModelsXML(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 22, Slices: 2, PatientID: "P-1", PatientName: "Wang^XiaoDong=王^小东"})
	var models, bulk string
	want := make([]any, s.Len())
	for i := range s.Len() {
		f, err := dicom.Read(bytes.NewReader(s.Slice(i)), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 10, MaxBulk: 1, URI: s.InstanceUID(i) + "/"})
		document, err := dicom.AppendXML(nil, text)
		if err != nil || json.Unmarshal(text, &want[i]) != nil {
			t.Fatalf("%v in %s", err, text)
		}
		models += "--frontier\r\nContent-Type: application/dicom+xml\r\n\r\n" + string(document) + "\r\n"
		bulk += "--frontier\r\nContent-Type: application/octet-stream\r\nContent-Location: " + s.InstanceUID(i) + "/7FE00010\r\n\r\n" +
			string(s.Slice(i)[f.Pixels.Offset:f.Pixels.Offset+f.Pixels.Length]) + "\r\n"
	}
	const typ = `multipart/related; type="application/dicom+xml"; boundary=frontier`
	q := w.post("/studies", typ, []byte(models+bulk+"--frontier--\r\n"))
	w.Expect(t, 403, as(w.designer, q))
	w.Expect(t, 400, w.post("/studies", typ, []byte(strings.Replace(models, "</Native", "</", 1)+bulk+"--frontier--\r\n")))
	w.Expect(t, 400, w.post("/studies", "application/dicom+xml", []byte(`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><NativeDicomModel/>`)))
	w.Expect(t, 404, w.get("/studies/"+s.StudyUID))
	w.Expect(t, 200, q)
	w.Expect(t, 200, q) // again: stored already
	for i := range s.Len() {
		b := w.Expect(t, 200, w.get(instance(s, i), "Accept", "application/dicom")).Body
		f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 10, MaxBulk: 1, URI: s.InstanceUID(i) + "/"})
		var got any
		if err := json.Unmarshal(text, &got); err != nil || !bytes.HasSuffix(b, s.Slice(i)[len(s.Slice(i))-512:]) {
			t.Fatalf("instance %d: %v, %s", i, err, text)
		}
		if one, other := canonical(t, got), canonical(t, want[i]); one != other {
			t.Errorf("instance %d = %s\nwant %s", i, one, other)
		}
	}
}
