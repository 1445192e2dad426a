package pacs

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/test/servertest"
)

func TestEcho(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		for _, title := range []string{"SCANNER", "DEAF"} {
			if code, out := h.run(t, "echoscu", title); code != 0 || !strings.Contains(out, "Received Echo Response (Success)") {
				t.Errorf("echoscu as %s = %d, want success:\n%s", title, code, out)
			}
		}
		for title, want := range map[string]string{"STRANGER": "Calling AE Title Not Recognized", "ELSEWHERE": "Calling AE Title Not Recognized"} {
			if code, out := h.run(t, "echoscu", title); code == 0 || !strings.Contains(out, want) {
				t.Errorf("echoscu as %s = %d, want a rejection %q:\n%s", title, code, want, out)
			}
		}
		if code, out := h.run(t, "echoscu", "SCANNER", "-aec", "OTHER"); code == 0 || !strings.Contains(out, "Called AE Title Not Recognized") {
			t.Errorf("echoscu to another title = %d:\n%s", code, out)
		}
	})
}

func TestStore(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		code, out := h.run(t, "storescu", "SCANNER", append([]string{"--"}, h.files...)...)
		if code != 0 || count(out, "Received Store Response (Success)") != len(h.files) {
			t.Fatalf("storescu = %d, want %d successes:\n%s", code, len(h.files), out)
		}
		if got := count(h.stored(t, h.study.StudyUID), `"00080018"`); got != len(h.files) {
			t.Errorf("QIDO-RS finds %d instances, want %d", got, len(h.files))
		}
		h.verbatim(t)
		h.again(t)
		h.denied(t)
		a := h.Expect(t, 200, servertest.Request{Token: h.clin, Path: "/fhir/ImagingStudy?identifier=urn:dicom:uid|urn:oid:" + h.study.StudyUID})
		if !bytes.Contains(a.Body, []byte(`"numberOfInstances":6`)) {
			t.Errorf("the ImagingStudy does not list 6 instances: %.400s", a.Body)
		}
	})
}

// verbatim compares data sets as sent and as given back.
func (h *house) verbatim(t *testing.T) {
	t.Helper()
	for i, name := range h.files {
		sent, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := dicom.Read(bytes.NewReader(sent), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		path := "/dicomweb/studies/" + h.study.StudyUID + "/series/" + f.String(dicom.SeriesInstanceUID) + "/instances/" + f.String(dicom.SOPInstanceUID)
		got := h.Expect(t, http.StatusOK, servertest.Request{Token: h.clin, Path: path, Header: map[string]string{"Accept": "application/dicom; transfer-syntax=*"}}).Body
		g, err := dicom.Read(bytes.NewReader(got), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sent[f.DataStart:], got[g.DataStart:]) || f.Syntax != g.Syntax {
			t.Errorf("file %d: the data set is not the one that was sent", i)
		}
	}
}

// again sends what is there: nothing new, also after STOW-RS with other file
// meta information; other bytes under a stored UID are refused.
func (h *house) again(t *testing.T) {
	t.Helper()
	code, out := h.run(t, "storescu", "SCANNER", "--", h.files[0])
	if code != 0 || count(out, "Received Store Response (Success)") != 1 {
		t.Errorf("storescu of a stored instance = %d, want success:\n%s", code, out)
	}
	stow := map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
	other := h.newStudy(t, 6, mrn)
	h.Expect(t, 200, servertest.Request{Token: h.clin, Method: "POST", Path: "/dicomweb/studies", Body: other.bytes, Header: stow})
	if code, out = h.run(t, "storescu", "SCANNER", "--", other.name); code != 0 || count(out, "Received Store Response (Success)") != 1 {
		t.Errorf("storescu of what STOW-RS has stored = %d, want success:\n%s", code, out)
	}
	changed := bytes.Replace(other.bytes, []byte("19610713"), []byte("19610714"), 1)
	if err := os.WriteFile(other.name, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out = h.run(t, "storescu", "SCANNER", "-d", "--", other.name); !strings.Contains(out, "0x0111") {
		t.Errorf("storescu of other bytes under a stored UID does not tell 0111:\n%s", out)
	}
}

// denied are stores that must fail, each with its status.
func (h *house) denied(t *testing.T) {
	t.Helper()
	unknown := h.newStudy(t, 7, "NOBODY")
	if _, out := h.run(t, "storescu", "SCANNER", "-d", "--", unknown.name); !strings.Contains(out, "0xa900") && !strings.Contains(out, "0xA900") {
		t.Errorf("an unknown Patient ID is not refused with A900:\n%s", out)
	}
	if code, out := h.run(t, "storescu", "DEAF", "--", h.files[0]); code == 0 || !strings.Contains(out, "No Acceptable Presentation Contexts") {
		t.Errorf("storescu of a peer without the permission = %d:\n%s", code, out)
	}
	mine := h.newStudy(t, 8, mrn)
	if _, out := h.run(t, "storescu", "DESIGNER", "-d", "--", mine.name); strings.Contains(out, "Received Store Response (Success)") {
		t.Errorf("a designer stores for a patient out of reach:\n%s", out)
	}
	short := filepath.Join(t.TempDir(), "short.dcm")
	if err := os.WriteFile(short, mine.bytes[:len(mine.bytes)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, uid := range []string{unknown.study, mine.study} {
		if got := h.stored(t, uid); strings.Contains(got, `"00080018"`) {
			t.Errorf("a refused instance is there: %s", got)
		}
	}
}
