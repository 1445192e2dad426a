package imaging

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
)

// heldRow is one line of the list.
type heldRow struct{ ID, State, PatientID, Instance, Sender, Patient, Judge, Note string }

func (w *ward) held(t *testing.T, token, query string) (list []heldRow) {
	t.Helper()
	a := w.Expect(t, 200, as(token, w.get("/quarantine"+query)))
	if err := json.Unmarshal(a.Body, &list); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return list
}

// testQuarantine: what has a foreign Patient ID is in nobody's record until a
// person of the hospital says whose it is.
func testQuarantine(t *testing.T, w *ward) {
	img, des := w.Token(t, "PractitionerRole/img-li"), w.designer
	s := sample.New(sample.Options{Seed: 31, Slices: 3, PatientID: "ELSEWHERE-7", PatientName: "Doe^Jane"})
	files := [][]byte{s.Slice(0), s.Slice(1), s.Slice(2)}
	a := w.Expect(t, 409, w.stow(files...))
	if n := strings.Count(string(a.Body), "held in quarantine as"); n != 3 {
		t.Fatalf("%d instances are told as held, want 3: %s", n, a.Body)
	}
	w.Expect(t, 409, w.stow(files[0])) // again: it is held already
	list := w.held(t, img, "")
	if len(list) != 3 || list[0].PatientID != "ELSEWHERE-7" || list[0].Sender != "PractitionerRole/clin-wang" || list[0].State != "held" {
		t.Fatalf("the quarantine holds %+v", list)
	}
	t.Run("is in no answer of the archive", func(t *testing.T) {
		if a := w.Expect(t, 200, w.get("/studies?PatientID=ELSEWHERE-7")); string(a.Body) != "[]" {
			t.Errorf("QIDO-RS finds %s", a.Body)
		}
		w.Expect(t, 404, w.get(instance(s, 0)))
	})
	t.Run("R001-046 attacks", func(t *testing.T) {
		w.Expect(t, 403, as(des, w.get("/quarantine")))
		w.Expect(t, 403, w.get("/quarantine")) // a clinician sends, but does not judge
		w.Expect(t, 401, as("", w.get("/quarantine")))
		release := "/quarantine/" + list[0].ID + "/release"
		w.Expect(t, 403, w.post(release+"?patient="+w.patients[0], "text/plain", nil))
		w.Expect(t, 400, as(img, w.post(release, "text/plain", nil)))
		w.Expect(t, 404, as(img, w.post(release+"?patient=Patient/nobody", "text/plain", nil)))
		w.Expect(t, 404, as(img, w.post("/quarantine/x/release?patient="+w.patients[0], "text/plain", nil)))
		w.Expect(t, 400, as(img, w.post("/quarantine/"+list[0].ID+"/reject", "text/plain", nil)))
		w.Expect(t, 400, as(img, w.get("/quarantine?state=open")))
		if n := len(w.held(t, img, "")); n != 3 {
			t.Errorf("%d are held after the attacks, want 3", n)
		}
	})
	byInstance := map[string]string{}
	for _, h := range list {
		byInstance[h.Instance] = h.ID
	}
	t.Run("released to a patient", func(t *testing.T) {
		path := "/quarantine/" + byInstance[s.InstanceUID(0)] + "/release?patient=" + w.patients[1]
		w.Expect(t, 200, as(img, w.post(path, "text/plain", nil)))
		w.Expect(t, 409, as(img, w.post(path, "text/plain", nil)))
		if a := w.Expect(t, 200, w.get(instance(s, 0), "Accept", "application/dicom")); !bytes.Equal(a.Body, files[0]) {
			t.Error("what was released has other bytes")
		}
		w.Expect(t, 200, w.stow(files[0])) // the sender asks again: stored
		released := w.held(t, img, "?state=released")
		if len(released) != 1 || released[0].Patient != w.patients[1] || released[0].Judge != "PractitionerRole/img-li" {
			t.Errorf("released: %+v", released)
		}
		if got := w.subject(t, s.StudyUID); got != w.patients[1] {
			t.Errorf("the study is of %s, want %s", got, w.patients[1])
		}
	})
	t.Run("never into another patient's study", func(t *testing.T) {
		path := "/quarantine/" + byInstance[s.InstanceUID(1)] + "/release?patient="
		w.Expect(t, 409, as(img, w.post(path+w.patients[0], "text/plain", nil)))
		if n := len(w.held(t, img, "")); n != 2 {
			t.Errorf("%d are held, want 2", n)
		}
	})
	t.Run("rejected", func(t *testing.T) {
		id := byInstance[s.InstanceUID(2)]
		w.Expect(t, 200, as(img, w.post("/quarantine/"+id+"/reject", "text/plain", []byte("wrong hospital"))))
		w.Expect(t, 409, as(img, w.post("/quarantine/"+id+"/release?patient="+w.patients[1], "text/plain", nil)))
		if a := w.Expect(t, 409, w.stow(files[2])); !strings.Contains(string(a.Body), "rejected") {
			t.Errorf("sent again: %s", a.Body)
		}
		if r := w.held(t, img, "?state=rejected"); len(r) != 1 || r[0].Note != "wrong hospital" {
			t.Errorf("rejected: %+v", r)
		}
	})
	t.Run("R001-044 audited", func(t *testing.T) {
		for operation, want := range map[string]int{"quarantine": 3, "quarantine-release": 1, "quarantine-reject": 1} {
			if got := w.audited(t, operation); got < want {
				t.Errorf("%d audit rows of %s, want %d", got, operation, want)
			}
		}
	})
}
