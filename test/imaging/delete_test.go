package imaging

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

type feedLine struct {
	Sequence                int64
	Action, Study, Resource string
	Version                 int64
	Timestamp               time.Time
	Added, Removed          []struct{ Series, Instance string }
}

// feed reads all changes behind a number, some at a time, once the log has what
// was written: the checkpoint comes within a second.
func (w *ward) feed(t *testing.T, token string, since int64, limit int) (list []feedLine, next int64) {
	t.Helper()
	next = since
	for {
		a := w.Expect(t, 200, as(token, w.get(fmt.Sprintf("/changefeed?since=%d&limit=%d", next, limit))))
		var page struct {
			Changes []feedLine
			Next    int64
			More    bool
		}
		if err := json.Unmarshal(a.Body, &page); err != nil || len(page.Changes) > limit {
			t.Fatalf("%v in %s", err, a.Body)
		}
		list, next = append(list, page.Changes...), page.Next
		if !page.More {
			return list, next
		}
	}
}

// settled reads the feed of one study until it has so many changes.
func (w *ward) settled(t *testing.T, study string, want int) (list []feedLine) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
		list = nil
		all, _ := w.feed(t, w.clin, 0, 3)
		for _, c := range all {
			if c.Study == study {
				list = append(list, c)
			}
		}
		if len(list) >= want {
			return list
		}
	}
	t.Fatalf("the feed has %+v of study %s, want %d changes", list, study, want)
	return nil
}

func (w *ward) remove(path string) servertest.Request {
	return servertest.Request{Token: w.clin, Method: "DELETE", Path: "/dicomweb" + path}
}

// testDelete takes away an instance, a series and a study; the ImagingStudy and
// the change feed keep step.
func testDelete(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 41, Slices: 3, PatientID: "P-1"})
	study := "/studies/" + s.StudyUID
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1)))
	w.Expect(t, 200, w.stow(s.Slice(2)))
	t.Run("R001-046 attacks", func(t *testing.T) {
		w.Expect(t, 401, as("", w.remove(study)))
		w.Expect(t, 403, as(w.designer, w.remove(study)))
		w.Expect(t, 404, w.remove("/studies/1.2.3"))
		w.Expect(t, 404, w.remove(study+"/series/1.2.3"))
		w.Expect(t, 400, w.remove("/studies/1..3"))
		w.Expect(t, 200, w.get(instance(s, 0)))
	})
	w.Expect(t, 204, w.remove(instance(s, 1)))
	w.Expect(t, 404, w.remove(instance(s, 1)))
	w.Expect(t, 404, w.get(instance(s, 1)))
	w.Expect(t, 200, w.get(instance(s, 2)))
	if got := uids(t, w.Expect(t, 200, w.get(study+"/instances")), "00080018"); got != s.InstanceUID(0)+" "+s.InstanceUID(2) {
		t.Errorf("the study has %s", got)
	}
	if body := string(w.study(t, s.StudyUID)); !strings.Contains(body, `"numberOfInstances":2`) || strings.Contains(body, s.InstanceUID(1)+`"`) || !strings.Contains(body, s.InstanceUID(2)+`"`) {
		t.Errorf("ImagingStudy after one instance is gone: %s", body)
	}
	t.Run("stored again", func(t *testing.T) {
		w.Expect(t, 200, w.stow(s.Slice(1)))
		w.Expect(t, 200, w.get(instance(s, 1)))
	})
	w.Expect(t, 204, w.remove(study+"/series/"+s.SeriesUID))
	w.Expect(t, 404, w.get(study))
	if body := w.study(t, s.StudyUID); body != nil {
		t.Errorf("ImagingStudy after its only series is gone: %s", body)
	}
	if a := w.Expect(t, 200, w.get("/studies?StudyInstanceUID="+s.StudyUID)); string(a.Body) != "[]" {
		t.Errorf("QIDO-RS finds %s", a.Body)
	}
	t.Run("the study stored again", func(t *testing.T) {
		w.Expect(t, 200, w.stow(s.Slice(0)))
		w.Expect(t, 200, w.get(instance(s, 0)))
		w.Expect(t, 204, w.remove(study))
	})
	t.Run("change feed", func(t *testing.T) { w.fed(t, s) })
	t.Run("what a case relies on stays", func(t *testing.T) { w.keptForCase(t) })
	t.Run("the audit tells, and the bytes are needed no more", func(t *testing.T) {
		if got := w.audited(t, "delete-images"); got < 3 {
			t.Errorf("%d audit rows of delete-images, want 3", got)
		}
		for _, digest := range [][]byte{s.Slice(0), s.Slice(2)} {
			if w.needs(t, digest) {
				t.Error("the bytes of a deleted instance are still needed")
			}
		}
	})
}

// fed judges the changes of the study.
func (w *ward) fed(t *testing.T, s *sample.Series) {
	list := w.settled(t, s.StudyUID, 7)
	var told []string
	last := int64(0)
	for _, c := range list {
		if c.Sequence <= last || c.Timestamp.IsZero() {
			t.Errorf("sequence %d at %v behind %d", c.Sequence, c.Timestamp, last)
		}
		last = c.Sequence
		told = append(told, fmt.Sprintf("%s +%d -%d", c.Action, len(c.Added), len(c.Removed)))
	}
	want := "create +2 -0, update +1 -0, update +0 -1, update +1 -0, delete +0 -3, create +1 -0, delete +0 -1"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("the feed tells %s\nwant %s", got, want)
	}
	if got := list[2].Removed[0].Instance; got != s.InstanceUID(1) {
		t.Errorf("removed %s, want %s", got, s.InstanceUID(1))
	}
	all, next := w.feed(t, w.clin, 0, 1000)
	if rest, _ := w.feed(t, w.clin, all[2].Sequence, 1000); len(rest) != len(all)-3 || rest[0].Sequence != all[3].Sequence {
		t.Errorf("%d changes behind the third of %d", len(rest), len(all))
	}
	if none, after := w.feed(t, w.clin, next, 1000); len(none) != 0 || after != next {
		t.Errorf("behind the end: %+v, %d", none, after)
	}
	if seen, _ := w.feed(t, w.designer, 0, 1000); len(seen) != 0 {
		t.Errorf("R001-046 out of reach: %+v", seen)
	}
	w.Expect(t, 400, w.get("/changefeed?since=-1"))
	w.Expect(t, 400, w.get("/changefeed?from=1"))
	w.Expect(t, 401, as("", w.get("/changefeed")))
}

func testCapabilities(t *testing.T, w *ward) {
	a := w.Expect(t, 200, servertest.Request{Token: w.clin, Method: "OPTIONS", Path: "/dicomweb/studies"})
	if got := a.Header.Get("Allow"); got != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("Allow = %q", got)
	}
	var described struct {
		Resources struct {
			Base     string `xml:"base,attr"`
			Resource []struct {
				Path   string `xml:"path,attr"`
				Method []struct {
					Name string `xml:"name,attr"`
					ID   string `xml:"id,attr"`
				} `xml:"method"`
			} `xml:"resource"`
		} `xml:"resources"`
	}
	if err := xml.Unmarshal(a.Body, &described); err != nil || a.Header.Get("Content-Type") != "application/vnd.sun.wadl+xml" {
		t.Fatalf("%v in %s %s", err, a.Header.Get("Content-Type"), a.Body)
	}
	ids := map[string]bool{}
	for _, r := range described.Resources.Resource {
		path := strings.NewReplacer("{study}", "1.2", "{series}", "1.3", "{instance}", "1.4", "{frames}", "1", "{path}", "00420011", "{workitem}", "1.5", "{aetitle}", "X", "{subscription}", "1.5").Replace("/" + r.Path)
		allow := w.Expect(t, 200, servertest.Request{Token: w.clin, Method: "OPTIONS", Path: "/dicomweb" + path}).Header.Get("Allow")
		for _, m := range r.Method {
			if !strings.Contains(allow, m.Name) || ids[m.ID] {
				t.Errorf("%s %s is described, but OPTIONS allows %q (or %s is told twice)", m.Name, path, allow, m.ID)
			}
			ids[m.ID] = true
		}
	}
	if len(ids) < 20 {
		t.Errorf("%d methods are described", len(ids))
	}
	w.Expect(t, 200, w.get("/", "Accept", "application/json"))
	w.Expect(t, 406, w.get("/", "Accept", "image/png"))
	w.Expect(t, 401, as("", w.get("/")))
}

// keptForCase: what a document of a case refers to is not taken away, neither
// whole nor in part.
func (w *ward) keptForCase(t *testing.T) {
	s := sample.New(sample.Options{Seed: 42, Slices: 2, PatientID: "P-1"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1)))
	var study struct{ ID string }
	if err := json.Unmarshal(w.study(t, s.StudyUID), &study); err != nil {
		t.Fatal(err)
	}
	root := w.open(t, "C-1")
	document := w.Create(t, w.clin, fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":%q},
		"content":[{"attachment":{"contentType":"text/plain","data":"eA=="}}],"context":{"related":[{"reference":%q},{"reference":"ImagingStudy/%s"}]}}`, w.patients[0], root, study.ID))
	for _, path := range []string{"/studies/" + s.StudyUID, instance(s, 0)} {
		if a := w.Expect(t, 409, w.remove(path)); !strings.Contains(string(a.Body), document) {
			t.Errorf("DELETE %s = %s, which does not name %s", path, a.Body, document)
		}
	}
	w.Expect(t, 200, w.get(instance(s, 0)))
	if !w.needs(t, s.Slice(0)) {
		t.Error("the bytes of what stays are not needed any more")
	}
}

// open opens a case of the first patient.
func (w *ward) open(t *testing.T, number string) (root string) {
	t.Helper()
	return w.Expect(t, 201, servertest.Request{Token: w.clin, Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: fmt.Appendf(nil,
		`{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":%q}},{"name":"case-number","valueString":%q},
		{"name":"retained-samples","valueInteger":2},{"name":"followup-visits","valueInteger":2},
		{"name":"followup-duration","valueDuration":{"value":12,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
		{"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`, w.patients[0], number)}).Ref()
}
