package imaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

// correct is a request to correct a study.
func correct(token string, s *sample.Series, query, reason, attributes string) servertest.Request {
	return servertest.Request{Token: token, Method: "POST", Path: "/dicomweb/studies/" + s.StudyUID + "/correct" + query, Header: map[string]string{"Content-Type": "application/json"},
		Body: fmt.Appendf(nil, `{"reason":%q,"attributes":{%s}}`, reason, attributes)}
}

const (
	rightName   = `"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^Mei","Ideographic":"王^梅"}]}`
	rightValues = rightName + `,"00100030":{"vr":"DA","Value":["19700102"]},"00100040":{"vr":"CS","Value":["F"]},"00080050":{"vr":"SH","Value":["A-91"]},"00081030":{"vr":"LO","Value":["右股骨"]}`
)

// testCorrection corrects what the images of a study say of patient and study.
func testCorrection(t *testing.T, w *ward) {
	img := w.Token(t, "PractitionerRole/img-li")
	s := sample.New(sample.Options{Seed: 91, Slices: 3, PatientID: "P-1", PatientName: "Wrong^Name", BirthDate: "19500505", Sex: "M"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1), s.Slice(2)))
	w.attackCorrection(t, img, s)
	pixels := w.Expect(t, 200, w.get(instance(s, 1)+"/frames/1", "Accept", "application/octet-stream")).Body
	tag := w.Expect(t, 200, w.get(instance(s, 1), "Accept", "application/dicom")).Header.Get("ETag")
	a := w.Expect(t, 200, correct(img, s, "", "wrong worklist entry", rightValues))
	if !strings.Contains(string(a.Body), `"corrected":3,"unchanged":0`) {
		t.Fatalf("the answer is %s", a.Body)
	}
	for query, want := range map[string]bool{"PatientName=Wang*": true, "PatientName=%E7%8E%8B*": true, "PatientName=Wrong*": false, "AccessionNumber=A-91": true, "PatientBirthDate=19700102": true, "PatientSex=F": true, "PatientSex=M": false} {
		if got := strings.Contains(string(w.Expect(t, 200, w.get("/studies?"+query)).Body), s.StudyUID); got != want {
			t.Errorf("QIDO-RS by %s finds the study: %v, want %v", query, got, want)
		}
	}
	w.corrected(t, s, "Wang^Mei=王^梅", 1, "Wrong^Name")
	if b := w.Expect(t, 200, w.get(instance(s, 1)+"/frames/1", "Accept", "application/octet-stream")).Body; !bytes.Equal(b, pixels) {
		t.Error("the pixels are others")
	}
	w.Expect(t, 200, w.get(instance(s, 1), "Accept", "application/dicom", "If-None-Match", tag)) // not 304
	study := string(w.study(t, s.StudyUID))
	if !strings.Contains(study, `"description":"右股骨"`) || !strings.Contains(study, `"value":"A-91"`) || strings.Contains(study, "ACC-91") || strings.Count(study, "urn:dicom:uid") != 1 {
		t.Errorf("the ImagingStudy is %s", study)
	}
	if list := w.settled(t, s.StudyUID, 2); list[1].Action != "correct" {
		t.Errorf("the change feed tells %+v", list)
	}
	if w.audited(t, "correct-images") < 1 {
		t.Error("no audit of the correction")
	}
	w.asItWas(t, img, s, 3)
	w.Expect(t, 200, w.stow(s.Slice(0))) // as it came first: stored already
	w.corrected(t, s, "Wang^Mei=王^梅", 1, "Wrong^Name")
	if a := w.Expect(t, 200, correct(img, s, "", "again", rightValues)); !strings.Contains(string(a.Body), `"corrected":0,"unchanged":3`) {
		t.Errorf("the same again: %s", a.Body)
	}
	w.Expect(t, 200, correct(img, s, "", "typing error", `"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^May"}]}`))
	w.corrected(t, s, "Wang^May", 2, "Wang^Mei")
	w.asItWas(t, img, s, 6)
	t.Run("to another patient", func(t *testing.T) { w.correctedPatient(t, img) })
}

// corrected judges metadata and file of an instance.
func (w *ward) corrected(t *testing.T, s *sample.Series, name string, times int, before string) {
	t.Helper()
	b := w.Expect(t, 200, w.get(instance(s, 0), "Accept", "application/dicom")).Body
	f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.String(dicom.PatientName); got != name || f.String(0x00100030) != "19700102" || f.String(0x00080050) != "A-91" || f.String(dicom.SOPInstanceUID) != s.InstanceUID(0) {
		t.Errorf("the file tells %q, born %s, %s", got, f.String(0x00100030), f.String(0x00080050))
	}
	var told []struct {
		Original struct {
			Value []struct {
				Modified struct {
					Value []map[string]struct{ Value []any }
				} `json:"04000550"`
				At  struct{ Value []string } `json:"04000562"`
				By  struct{ Value []string } `json:"04000563"`
				Why struct{ Value []string } `json:"04000565"`
			}
		} `json:"04000561"`
	}
	text := w.Expect(t, 200, w.get(instance(s, 0)+"/metadata")).Body
	if err := json.Unmarshal(text, &told); err != nil || len(told[0].Original.Value) != times {
		t.Fatalf("%v in %s", err, text)
	}
	last := told[0].Original.Value[times-1]
	if got := fmt.Sprint(last.Modified.Value[0]["00100010"].Value); !strings.Contains(got, before) || last.Why.Value[0] != "CORRECT" || !strings.Contains(last.By.Value[0], "img-li") || len(last.At.Value) != 1 {
		t.Errorf("Original Attributes Sequence is %+v", last)
	}
	valid(t, b)
}

// asItWas: each file that was replaced is listed, and answered byte for byte to
// those alone who may correct.
func (w *ward) asItWas(t *testing.T, img string, s *sample.Series, want int) {
	t.Helper()
	var list []struct{ ID, Study, Instance, Judge, Reason string }
	if err := json.Unmarshal(w.Expect(t, 200, as(img, w.get("/corrections"))).Body, &list); err != nil {
		t.Fatal(err)
	}
	n, same := 0, 0
	for _, one := range list {
		if one.Study != s.StudyUID {
			continue
		}
		n++
		b := w.Expect(t, 200, as(img, w.get("/corrections/"+one.ID))).Body
		for i := range s.Len() {
			if one.Instance == s.InstanceUID(i) && bytes.Equal(b, s.Slice(i)) && one.Reason == "wrong worklist entry" && one.Judge == "PractitionerRole/img-li" {
				same++
			}
		}
		if !w.needs(t, b) {
			t.Error("the next sweep destroys a file as it came")
		}
		w.Expect(t, 403, as(w.designer, w.get("/corrections/"+one.ID)))
		w.Expect(t, 403, w.get("/corrections/"+one.ID))
	}
	if n != want || same != s.Len() {
		t.Errorf("%d files are kept, %d of them as they came; want %d and %d", n, same, want, s.Len())
	}
}

// attackCorrection: who may not, and what cannot be, corrects nothing.
func (w *ward) attackCorrection(t *testing.T, img string, s *sample.Series) {
	for _, c := range []struct {
		token, query, reason, attributes string
		status                           int
	}{
		{w.clin, "", "x", rightName, 403}, {w.designer, "", "x", rightName, 403}, {"", "", "x", rightName, 401},
		{img, "", "", rightName, 400}, {img, "", "x", "", 400}, {img, "?task=Task/none", "x", rightName, 404}, {img, "?force=1", "x", rightName, 400},
		{img, "", "x", `"00080018":{"vr":"UI","Value":["1.2.3"]}`, 400}, {img, "", "x", `"00100030":{"vr":"DA","Value":["1970-01-02"]}`, 400},
		{img, "", "x", `"00100040":{"vr":"CS","Value":["X"]}`, 400}, {img, "", "x", `"00100020":{"vr":"LO"}`, 400},
		{img, "", "x", `"00080050":{"vr":"SH","Value":["` + strings.Repeat("9", 17) + `"]}`, 400}, {img, "", "x", `"00100010":{"vr":"PN","Value":["Wang"]}`, 400},
		{img, "", "x", `"00080050":{"vr":"SH","Value":["A\\B"]}`, 400},
		{img, "", "x", `"00100020":{"vr":"LO","Value":["P-2"]}`, 422}, {img, "", "x", `"00100020":{"vr":"LO","Value":["NOBODY"]}`, 422},
		{img, "?patient=Patient/none", "x", `"00100020":{"vr":"LO","Value":["P-2"]}`, 404},
		{img, "?patient=" + w.patients[1], "x", `"00100020":{"vr":"LO","Value":["P-1"]}`, 422},
	} {
		w.Expect(t, c.status, correct(c.token, s, c.query, c.reason, c.attributes))
	}
	w.Expect(t, 404, correct(img, sample.New(sample.Options{Seed: 999, Slices: 1}), "", "x", rightName))
	if b := w.Expect(t, 200, w.get(instance(s, 0), "Accept", "application/dicom")).Body; !bytes.Equal(b, s.Slice(0)) {
		t.Error("a correction that was refused has changed the file")
	}
}

// correctedPatient: a study of the wrong patient becomes another one's where both
// are named, and stays where a case relies on it.
func (w *ward) correctedPatient(t *testing.T, img string) {
	s := sample.New(sample.Options{Seed: 92, Slices: 1, PatientID: "P-1"})
	w.Expect(t, 200, w.stow(s.Slice(0)))
	const other = `"00100020":{"vr":"LO","Value":["P-2"]}`
	w.Expect(t, 200, correct(img, s, "?patient="+w.patients[1], "wrong patient", other))
	if got := w.subject(t, s.StudyUID); got != w.patients[1] {
		t.Errorf("the ImagingStudy is of %s, want %s", got, w.patients[1])
	}
	if a := w.Expect(t, 200, w.get("/studies?PatientID=P-2&StudyInstanceUID="+s.StudyUID)); !strings.Contains(string(a.Body), s.StudyUID) {
		t.Errorf("QIDO-RS by the new Patient ID = %s", a.Body)
	}
	kept := sample.New(sample.Options{Seed: 93, Slices: 1, PatientID: "P-1"})
	w.Expect(t, 200, w.stow(kept.Slice(0)))
	var study struct{ ID string }
	if err := json.Unmarshal(w.study(t, kept.StudyUID), &study); err != nil {
		t.Fatal(err)
	}
	root := w.open(t, "C-CORRECT")
	w.Create(t, w.clin, fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":%q},
		"content":[{"attachment":{"contentType":"text/plain","data":"eA=="}}],"context":{"related":[{"reference":%q},{"reference":"ImagingStudy/%s"}]}}`, w.patients[0], root, study.ID))
	w.Expect(t, 409, correct(img, kept, "?patient="+w.patients[1], "wrong patient", other))
	w.Expect(t, 200, correct(img, kept, "", "wrong name", rightName)) // of the same patient
}
