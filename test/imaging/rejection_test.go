package imaging

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

// note is a rejection note over instances of one series.
func note(uid, code, patient, study, series string, instances ...string) []byte {
	var list []string
	for _, i := range instances {
		list = append(list, fmt.Sprintf(`{"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00081155":{"vr":"UI","Value":[%q]}}`, i))
	}
	return fmt.Appendf(nil, `[{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.88.59"]},"00080018":{"vr":"UI","Value":[%q]},"00080060":{"vr":"CS","Value":["KO"]},
		"0020000D":{"vr":"UI","Value":[%q]},"0020000E":{"vr":"UI","Value":[%q]},"00100020":{"vr":"LO","Value":[%q]},
		"0040A043":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":[%q]},"00080102":{"vr":"SH","Value":["DCM"]},"00080104":{"vr":"LO","Value":["Rejected"]}}]},
		"0040A375":{"vr":"SQ","Value":[{"0020000D":{"vr":"UI","Value":[%q]},"00081115":{"vr":"SQ","Value":[{"0020000E":{"vr":"UI","Value":[%q]},"00081199":{"vr":"SQ","Value":[%s]}}]}}]}}]`,
		uid, study, uid+".1", patient, code, study, series, strings.Join(list, ","))
}

func (w *ward) reject(b []byte) servertest.Request {
	return w.post("/studies", "application/dicom+json", b)
}

// testRejection hides instances by rejection notes, and takes one back.
func testRejection(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 71, Slices: 4, PatientID: "P-1"})
	foreign := sample.New(sample.Options{Seed: 72, Slices: 1, PatientID: "P-2"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1), s.Slice(2), s.Slice(3)))
	w.Expect(t, 200, w.stow(foreign.Slice(0)))
	study := "/studies/" + s.StudyUID
	of := func(uid, code string, instances ...int) []byte {
		var list []string
		for _, i := range instances {
			list = append(list, s.InstanceUID(i))
		}
		return note(uid, code, "P-1", s.StudyUID, s.SeriesUID, list...)
	}
	reasonOf := func(a *servertest.Answer) string {
		_, rest, _ := strings.Cut(string(a.Body), `"00081197":{"vr":"US","Value":[`)
		code, _, _ := strings.Cut(rest, "]")
		return code
	}
	seen := func(want ...int) {
		t.Helper()
		var list []string
		for _, i := range want {
			list = append(list, s.InstanceUID(i))
		}
		a := w.Expect(t, 200, w.get(study+"/instances"))
		if got := uids(t, a, "00080018"); got != strings.Join(list, " ") {
			t.Errorf("QIDO-RS finds %s, want %v", got, want)
		}
		for i := range s.Len() {
			status := 404
			for _, x := range want {
				if x == i {
					status = 200
				}
			}
			w.Expect(t, status, w.get(instance(s, i)))
			w.Expect(t, status, w.get(instance(s, i)+"/metadata", "Accept", "application/dicom+json"))
			w.Expect(t, status, w.get(instance(s, i)+"/rendered", "Accept", "image/jpeg"))
			w.Expect(t, status, w.get("/wado?requestType=WADO&studyUID="+s.StudyUID+"&seriesUID="+s.SeriesUID+"&objectUID="+s.InstanceUID(i)+"&contentType=application/dicom"))
			if body := string(w.study(t, s.StudyUID)); strings.Contains(body, s.InstanceUID(i)+`"`) != (status == 200) {
				t.Errorf("instance %d (%d) in the ImagingStudy: %s", i, status, body)
			}
		}
	}
	t.Run("R001-046 attacks", func(t *testing.T) {
		for name, c := range map[string]struct {
			token, reason string
			status        int
			body          []byte
		}{
			"nobody":                     {"", "", 401, of("1.2.71.90", "113037", 0)},
			"a designer":                 {w.designer, "", 403, of("1.2.71.91", "113037", 0)},
			"another patient's":          {w.clin, "274", 409, note("1.2.71.92", "113037", "P-1", foreign.StudyUID, foreign.SeriesUID, foreign.InstanceUID(0))},
			"what is not here":           {w.clin, "274", 409, note("1.2.71.93", "113037", "P-1", "1.2.3", "1.2.4", "1.2.5")},
			"nothing":                    {w.clin, "272", 409, note("1.2.71.94", "113037", "P-1", s.StudyUID, s.SeriesUID)},
			"for nobody who is known":    {w.clin, "43264", 409, note("1.2.71.95", "113037", "P-77", s.StudyUID, s.SeriesUID, s.InstanceUID(0))},
			"instances of wrong studies": {w.clin, "274", 409, note("1.2.71.96", "113037", "P-1", foreign.StudyUID, s.SeriesUID, s.InstanceUID(0))},
		} {
			a := w.Expect(t, c.status, as(c.token, w.reject(c.body)))
			if got := reasonOf(a); got != c.reason {
				t.Errorf("%s: reason %q, want %q: %s", name, got, c.reason, a.Body)
			}
		}
		seen(0, 1, 2, 3)
		w.Expect(t, 200, w.get(instance(foreign, 0)))
	})
	t.Run("a key object selection with another title is stored as it is", func(t *testing.T) {
		w.Expect(t, 200, w.reject(of("1.2.71.80", "113000", 0)))
		w.Expect(t, 200, w.get("/studies/"+s.StudyUID+"/series/1.2.71.80.1/instances/1.2.71.80"))
		w.Expect(t, 204, w.remove("/studies/"+s.StudyUID+"/series/1.2.71.80.1"))
		seen(0, 1, 2, 3)
	})
	w.Expect(t, 200, w.reject(of("1.2.71.1", "113001", 1)))
	seen(0, 2, 3)
	w.Expect(t, 200, w.reject(of("1.2.71.1", "113001", 1))) // the same note again
	t.Run("R001-046 whose was rejected is not told to others", func(t *testing.T) {
		taken := fmt.Appendf(nil, `[{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00080018":{"vr":"UI","Value":[%q]},"00080060":{"vr":"CS","Value":["CT"]},
			"0020000D":{"vr":"UI","Value":["1.2.71.7"]},"0020000E":{"vr":"UI","Value":["1.2.71.7.1"]},"00100020":{"vr":"LO","Value":["P-2"]}}]`, s.InstanceUID(1))
		if a := w.Expect(t, 409, w.reject(taken)); reasonOf(a) != "45070" || strings.Contains(string(a.Body), "rejected") {
			t.Errorf("another patient's instance of that UID: %s", a.Body)
		}
	})
	w.Expect(t, 404, w.get("/studies/"+s.StudyUID+"/series/1.2.71.1.1/instances/1.2.71.1"))
	if a := w.Expect(t, 409, w.reject(of("1.2.71.1", "113037", 0))); reasonOf(a) != "45070" {
		t.Errorf("another note of the same UID: %s", a.Body)
	}
	w.Expect(t, 409, w.stow(s.Slice(1))) // refused for good
	missing := note("1.2.71.2", "113039", "P-1", s.StudyUID, s.SeriesUID, s.InstanceUID(3), "1.2.3.4.5")
	if a := w.Expect(t, 202, w.reject(missing)); !strings.Contains(string(a.Body), "1 of the 2 instances") {
		t.Errorf("a note that names what is not here: %s", a.Body)
	}
	seen(0, 2)
	w.Expect(t, 200, w.stow(s.Slice(3))) // may be stored again
	seen(0, 2, 3)
	w.Expect(t, 200, w.reject(of("1.2.71.3", "113037", 0, 1, 2, 3, 3))) // one was hidden before
	w.rejectedWhole(t, s, seen)
	if got := w.audited(t, "reject-images"); got < 6 {
		t.Errorf("%d audit rows of reject-images", got)
	}
	t.Run("what a case relies on", func(t *testing.T) { w.rejectInCase(t) })
}

// rejectedWhole judges a study all of whose instances are hidden, and takes the
// last note back.
func (w *ward) rejectedWhole(t *testing.T, s *sample.Series, seen func(...int)) {
	t.Helper()
	if a := w.Expect(t, 200, w.get("/studies?StudyInstanceUID="+s.StudyUID)); string(a.Body) != "[]" {
		t.Errorf("QIDO-RS finds %s", a.Body)
	}
	w.Expect(t, 404, w.get("/studies/"+s.StudyUID))
	if body := string(w.study(t, s.StudyUID)); !strings.Contains(body, `"status":"entered-in-error"`) || !strings.Contains(body, `"numberOfInstances":0`) {
		t.Errorf("ImagingStudy of what is hidden: %s", body)
	}
	for i := range s.Len() {
		if !w.needs(t, s.Slice(i)) {
			t.Errorf("the bytes of hidden instance %d are not needed any more", i)
		}
	}
	img, other := w.Token(t, "PractitionerRole/img-li"), w.Token(t, "PractitionerRole/log-ma")
	w.Expect(t, 403, as(w.designer, w.get("/rejections")))
	w.Expect(t, 403, as(other, w.get("/rejections")))
	w.Expect(t, 401, as("", w.get("/rejections")))
	w.Expect(t, 400, as(img, w.get("/rejections?state=held")))
	var notes []struct{ ID, Instance, Code, State string }
	if err := json.Unmarshal(w.Expect(t, 200, as(img, w.get("/rejections"))).Body, &notes); err != nil || len(notes) != 3 || notes[2].Instance != "1.2.71.3" || notes[2].Code != "113037" {
		t.Fatalf("%v in %+v", err, notes)
	}
	revoke := servertest.Request{Token: img, Method: "POST", Path: "/dicomweb/rejections/" + notes[2].ID + "/revoke"}
	w.Expect(t, 403, as(w.designer, revoke))
	w.Expect(t, 403, as(other, revoke))
	w.Expect(t, 401, as("", revoke))
	w.Expect(t, 404, servertest.Request{Token: img, Method: "POST", Path: "/dicomweb/rejections/none/revoke"})
	w.Expect(t, 200, revoke)
	w.Expect(t, 404, revoke)
	seen(0, 2, 3)
	if body := string(w.study(t, s.StudyUID)); !strings.Contains(body, `"status":"available"`) {
		t.Errorf("ImagingStudy after the note was revoked: %s", body)
	}
}

// rejectInCase: poor quality takes nothing away that a case relies on; the safety
// of the patient does.
func (w *ward) rejectInCase(t *testing.T) {
	s := sample.New(sample.Options{Seed: 73, Slices: 2, PatientID: "P-1"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1)))
	var study struct{ ID string }
	if err := json.Unmarshal(w.study(t, s.StudyUID), &study); err != nil {
		t.Fatal(err)
	}
	root := w.open(t, "C-REJECT")
	w.Create(t, w.clin, fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":%q},
		"content":[{"attachment":{"contentType":"text/plain","data":"eA=="}}],"context":{"related":[{"reference":%q},{"reference":"ImagingStudy/%s"}]}}`, w.patients[0], root, study.ID))
	for i, c := range []struct {
		code   string
		status int
	}{{"113001", 409}, {"113039", 409}, {"113038", 200}} {
		w.Expect(t, c.status, w.reject(note(fmt.Sprintf("1.2.73.%d", i), c.code, "P-1", s.StudyUID, s.SeriesUID, s.InstanceUID(1))))
		status := 200
		if c.status == 200 {
			status = 404
		}
		w.Expect(t, status, w.get(instance(s, 1)))
	}
	w.Expect(t, 200, w.get(instance(s, 0)))
}
