package accesspolicy

import (
	"bytes"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// What the images of the world say of their patients.
const imagedName, imagedBirth = "Tong^Hai", "20150203"

// imaged finds a study and somebody who sees it, but of its patient only a part
// (or nothing), and somebody who sees all.
func (w *world) imaged(t *testing.T) (part, whole *person, study, patient *thing) {
	t.Helper()
	for _, x := range w.things {
		if x.typ != "ImagingStudy" {
			continue
		}
		of := w.byRef[x.now().patient]
		for _, p := range w.people {
			if p.kind == staff && !p.app && p.sees("r", x, x.now(), 1) == 9 && p.sees("r", of, of.now(), 1) < 9 && p.sees("r", of, of.now(), 1) > 2 && of.now().minor {
				return p, w.whole(t, of), x, of
			}
		}
	}
	t.Fatal("nobody sees the images of a patient whom he sees in part: choose another seed")
	return nil, nil, nil, nil
}

func (w *world) noImageTells(t *testing.T) {
	part, whole, x, of := w.imaged(t)
	study := "/dicomweb/studies/" + x.study
	const file = `multipart/related; type="application/dicom"; transfer-syntax=*`
	get := func(p *person, path, accept string, status int) string {
		return string(w.ask(t, p, servertest.Request{Method: "GET", Path: path, Header: map[string]string{"Accept": accept}}, status).Body)
	}
	instance := func() string {
		_, rest, _ := strings.Cut(get(whole, study+"/instances", "application/dicom+json", 200), `/series/`)
		path, _, _ := strings.Cut(rest, `"`)
		return study + "/series/" + path
	}()
	uids := strings.Split(instance, "/")
	uri := "/dicomweb/wado?requestType=WADO&studyUID=" + x.study + "&seriesUID=" + uids[5] + "&objectUID=" + uids[7] + "&contentType=application/dicom"
	for path, accept := range map[string]string{
		"/dicomweb/studies?StudyInstanceUID=" + x.study: "application/dicom+json", "/dicomweb/instances?includefield=all&StudyInstanceUID=" + x.study: "application/dicom+json",
		"/dicomweb/instances?includefield=00100030&StudyInstanceUID=" + x.study: `multipart/related; type="application/dicom+xml"`,
		study + "/metadata":    "application/dicom+json",
		instance + "/metadata": `multipart/related; type="application/dicom+xml"`,
		study:                  file, instance: "application/dicom", uri: "*/*",
	} {
		for range 2 { // the second answer may come from what was kept of the first
			if body := get(whole, path, accept, 200); !strings.Contains(body, imagedBirth) {
				t.Errorf("%s: who sees the whole misses %s", path, imagedBirth)
			}
			if body := get(part, path, accept, 200); strings.Contains(body, imagedBirth) || strings.Contains(body, "Tong") || !strings.Contains(body, x.study) {
				t.Errorf("%s tells %s who sees %s in part: %.2000q", path, part.principal, of.ref(), body)
			}
		}
	}
	if head := w.ask(t, part, servertest.Request{Method: "HEAD", Path: instance, Header: map[string]string{"Accept": "application/dicom"}}, 200); head.Header.Get("ETag") != "" {
		t.Errorf("HEAD names the stored bytes: %v", head.Header)
	}
	ranged := w.ask(t, part, servertest.Request{Method: "GET", Path: instance, Header: map[string]string{"Accept": "application/dicom", "Range": "bytes=0-1999"}}, 200)
	if bytes.Contains(ranged.Body, []byte(imagedBirth)) {
		t.Error("a range tells what is left out")
	}
	w.noImageIsFoundBy(t, part, whole, x)
}

// noImageIsFoundBy: what is left out is no key of a query.
func (w *world) noImageIsFoundBy(t *testing.T, part, whole *person, x *thing) {
	for _, query := range []string{"PatientBirthDate=" + imagedBirth, "PatientBirthDate=20150101-20151231", "PatientName=Tong*", "PatientName=Tong&fuzzymatching=true"} {
		for p, want := range map[*person]bool{part: false, whole: true} {
			a := w.ask(t, p, servertest.Request{Method: "GET", Path: "/dicomweb/studies?limit=100&" + query, Header: map[string]string{"Accept": "application/dicom+json"}}, 200)
			if got := strings.Contains(string(a.Body), x.study); got != want {
				t.Errorf("%s finds the study for %s: %v, want %v", query, p.principal, got, want)
			}
		}
	}
}
