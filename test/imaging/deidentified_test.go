package imaging

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

// testDeidentified makes a de-identified copy of a study.
func testDeidentified(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 85, Slices: 2, PatientID: "P-1", PatientName: "Geheim^Greta=秘^密", BirthDate: "19610713"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1)))
	img := w.Token(t, "PractitionerRole/img-li")
	key := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	ask := func(token, path string, key []byte) servertest.Request {
		return servertest.Request{Token: token, Method: "POST", Path: "/dicomweb" + path, Body: key, Header: map[string]string{"Content-Type": "application/octet-stream"}}
	}
	path := "/studies/" + s.StudyUID + "/deidentify"
	w.Expect(t, 401, ask("", path, key))
	w.Expect(t, 403, ask(w.designer, path, key))
	w.Expect(t, 403, ask(w.clin, path, key)) // no role for it
	w.Expect(t, 404, ask(img, "/studies/1.2.3/deidentify", key))
	w.Expect(t, 400, ask(img, path, key[:31]))
	w.Expect(t, 400, ask(img, path, make([]byte, 64)))
	w.Expect(t, 400, ask(img, path, bytes.Repeat(key, 1000)))
	w.Expect(t, 400, ask(img, path+"?retain=names", key))
	w.Expect(t, 400, ask(img, path+"?retain=full-dates,modified-dates", key))
	w.Expect(t, 400, ask(img, path+"?key=x", key))
	before := w.audited(t, "deidentify")
	a := w.Expect(t, 200, ask(img, path, key))
	if got := w.audited(t, "deidentify"); got != before+1 {
		t.Errorf("R001-046 %d audit rows, want %d", got, before+1)
	}
	files := unzipped(t, a.Body)
	var report struct {
		Files []struct{ File, Pseudonym string }
	}
	if err := json.Unmarshal(files["report.json"], &report); err != nil || len(report.Files) != 2 || len(files) != 3 {
		t.Fatalf("%v: %d files, report %s", err, len(files), files["report.json"])
	}
	for _, f := range report.Files {
		b := files[f.File]
		valid(t, b)
		read, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if read.String(dicom.PatientID) != f.Pseudonym || f.Pseudonym != report.Files[0].Pseudonym || read.String(0x00120062) != "YES" {
			t.Errorf("%s: patient %s, pseudonym %s", f.File, read.String(dicom.PatientID), f.Pseudonym)
		}
		for _, secret := range []string{"Geheim", "秘", "19610713", "P-1 ", s.StudyUID, s.SeriesUID, s.InstanceUID(0), s.InstanceUID(1)} {
			if bytes.Contains(b, []byte(secret)) || strings.Contains(f.File, secret) || bytes.Contains(files["report.json"], []byte(secret)) {
				t.Errorf("%s tells %q", f.File, secret)
			}
		}
	}
	again := unzipped(t, w.Expect(t, 200, ask(img, path, key)).Body)
	other := unzipped(t, w.Expect(t, 200, ask(img, path, append([]byte("another"), key...))).Body)
	for name, b := range files {
		if !bytes.Equal(again[name], b) {
			t.Errorf("%s differs under the same key", name)
		}
		if other[name] != nil && name != "report.json" {
			t.Errorf("%s is the same under another key", name)
		}
	}
	kept := unzipped(t, w.Expect(t, 200, ask(img, instance(s, 1)+"/deidentify?retain=uids,patient", key)).Body)
	if kept[s.SeriesUID+"/"+s.InstanceUID(1)+".dcm"] == nil || len(kept) != 2 {
		t.Errorf("one instance with its UIDs retained: %d files", len(kept))
	}
	if got := w.Expect(t, 200, w.get(instance(s, 0))); !bytes.Contains(got.Body, []byte("Geheim")) {
		t.Error("the original has changed")
	}
}

func unzipped(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		c, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(c); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
