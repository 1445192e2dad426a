package imaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/test/servertest"
)

// TestClients asks with clients that others have written, and as OHIF does.
func TestClients(t *testing.T) {
	w := &ward{Server: servertest.Start(t, app.Config{Sample: true})}
	w.clin, w.designer = w.Token(t, "PractitionerRole/clin-wang"), w.Token(t, "PractitionerRole/des-zhang")
	for _, id := range []string{"P-1", "P-2"} {
		w.patients = append(w.patients, w.Create(t, w.clin, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"`+id+`"}],"name":[{"text":"`+id+`"}]}`))
	}
	w.fill(t)
	t.Run("R000-024 OHIF", func(t *testing.T) { w.ohif(t) })
	t.Run("R000-024 dicomweb-client and dcmjs", func(t *testing.T) { w.foreignClients(t) })
}

// ohif is the sequence of requests of the viewer OHIF for a worklist and a study.
func (w *ward) ohif(t *testing.T) {
	s := w.studies[0]
	const fields = "&includefield=00081030,00080060,00080090,00100030"
	const model = "application/dicom+json"
	list := w.Expect(t, 200, w.get("/studies?limit=101&offset=0&fuzzymatching=false"+fields, "Accept", model))
	if n := len(arrayOf(t, list)); n != 3 {
		t.Errorf("the worklist has %d studies", n)
	}
	for query, want := range map[string]string{
		"PatientName=*Wang*": s.StudyUID, "00100010=*wang*": s.StudyUID, "PatientID=P-1*": s.StudyUID, "StudyDate=20260101-20260101": s.StudyUID,
		"ModalitiesInStudy=CT&StudyDate=20260103-20260103": w.studies[2].StudyUID, "AccessionNumber=*none*": "",
		"StudyInstanceUID=" + s.StudyUID + "," + w.studies[2].StudyUID: w.studies[2].StudyUID + " " + s.StudyUID, "StudyInstanceUID=" + s.StudyUID + `%5C1.2.3`: s.StudyUID,
	} {
		a := w.Expect(t, 200, w.get("/studies?limit=101&offset=0&fuzzymatching=true"+fields+"&"+query, "Accept", model))
		if got := uids(t, a, "0020000D"); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	for _, tag := range []string{"0020000D", "00080020", "00080030", "00080050", "00100020", "00100010", "00100030", "00201208", "00081030", "00080061", "00080090"} {
		if !bytes.Contains(list.Body, []byte(`"`+tag+`"`)) {
			t.Errorf("the worklist does not tell %s", tag)
		}
	}
	study := "/studies/" + s.StudyUID
	series := w.Expect(t, 200, w.get(study+"/series?includefield=0008103E,00080021", "Accept", model))
	for _, tag := range []string{"0020000E", "00080060", "00200011", "00080021", "00201209", "0008103E"} {
		if !bytes.Contains(series.Body, []byte(`"`+tag+`"`)) {
			t.Errorf("the series do not tell %s", tag)
		}
	}
	series = w.Expect(t, 200, w.get(study+"/series/"+s.SeriesUID+"/metadata", "Accept", model))
	if n := len(arrayOf(t, series)); n != s.Len() {
		t.Errorf("metadata of %d instances", n)
	}
	for _, tag := range []string{"00200032", "00200037", "00280030", "00280010", "00280011", "00280100", "00280101", "00280102", "00280103", "00281050", "00281051", "00281052", "00281053", "00200052"} {
		if !bytes.Contains(series.Body, []byte(`"`+tag+`":{"vr":"`)) {
			t.Errorf("the metadata lack %s", tag)
		}
	}
	for accept, want := range map[string]string{
		"multipart/related; type=application/octet-stream; transfer-syntax=*":                 "multipart/related",
		`multipart/related; type="application/octet-stream"`:                                  "multipart/related",
		"multipart/related; type=application/octet-stream, application/dicom+json, */*;q=0.1": "multipart/related",
		"application/octet-stream": "application/octet-stream",
	} {
		for _, path := range []string{"/frames/1", "/bulkdata/7FE00010"} {
			a := w.Send(t, w.get(instance(s, 0)+path, "Accept", accept))
			if path == "/bulkdata/7FE00010" && a.Status == 404 {
				continue // pixel data are named by their frames
			}
			if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), want) {
				t.Errorf("%s as %s = %d %s", path, accept, a.Status, a.Header.Get("Content-Type"))
			}
		}
	}
	for _, path := range []string{study + "/series/" + s.SeriesUID, instance(s, 0)} {
		if a := w.Expect(t, 200, w.get(path+"/thumbnail", "Accept", "image/*,*/*")); !strings.HasPrefix(a.Header.Get("Content-Type"), "image/") {
			t.Errorf("thumbnail of %s is %s", path, a.Header.Get("Content-Type"))
		}
	}
	if a := w.Expect(t, 200, as(w.designer, w.get("/studies?limit=101&offset=0&fuzzymatching=false"+fields, "Accept", model))); string(a.Body) != "[]" {
		t.Errorf("R001-046 a designer's worklist is %s", a.Body)
	}
}

// foreignClients runs the script of clients/.
func (w *ward) foreignClients(t *testing.T) {
	folder := servertest.Scripts(t, "TENON_IMAGING_CLIENTS")
	s := sample.New(sample.Options{Seed: 97, Slices: 3, Rows: 32, Columns: 32, PatientID: "P-1", PatientName: "Wang^XiaoDong=王^小东"})
	args := []string{"dicomweb.mjs"}
	var want []string
	for i := range s.Len() {
		name := filepath.Join(t.TempDir(), "one.dcm")
		if err := os.WriteFile(name, s.Slice(i), 0o600); err != nil {
			t.Fatal(err)
		}
		args, want = append(args, name), append(want, s.InstanceUID(i))
	}
	slices.Sort(want)
	run := exec.CommandContext(t.Context(), "node", args...) //nolint:gosec // ours
	run.Dir = folder
	run.Env = append(os.Environ(), "BASE="+w.URL+"/dicomweb", "TOKEN="+w.clin, "STUDY="+s.StudyUID, "WRITTEN=1.2.97.1")
	var wrong bytes.Buffer
	run.Stderr = &wrong
	text, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, text, wrong.String())
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for name, value := range map[string]any{
		"studies": []string{s.StudyUID}, "series": []string{s.SeriesUID}, "instances": want, "metadata": 3, "seriesMetadata": 3, "rows": 32, "read": want[0],
		"wholeStudy": 3, "wholeSeries": 3, "frame": 32 * 32 * 2, "rendered": true, "written": []string{"1.2.97.1"}, "absent": 404,
	} {
		if one, other := canonical(t, got[name]), canonical(t, value); one != other {
			t.Errorf("%s = %s, want %s", name, one, other)
		}
	}
	if name := fmt.Sprint(got["name"]); !strings.Contains(name, "王^小东") {
		t.Errorf("the name is %s", name)
	}
}
