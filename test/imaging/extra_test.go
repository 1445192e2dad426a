package imaging

import (
	"net/url"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestExtraAttributes: a server is told to index further attributes when it has
// images already; they match after it has made their rows, and new images at
// once.
func TestExtraAttributes(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *ward) {
		w.fill(t)
		s := w.studies[0]
		w.Expect(t, 400, w.get("/instances?KVP=120"))
		w.Stop(t)
		c := w.Config
		c.Images = app.Images{Index: []string{"instance:SliceLocation", "series:Manufacturer.NoSuch"}}
		if err := c.Validate(); err == nil {
			t.Errorf("Validate takes %v", c.Images.Index)
		}
		c.Images.Index = []string{"instance:KVP", "instance:ImagePositionPatient", "study:00200052", "study:ConversionType"}
		if err := c.Validate(); err == nil {
			t.Errorf("Validate takes what is a column")
		}
		c.Images.Index = []string{"instance:KVP", "instance:ImagePositionPatient", "study:PatientPosition", "series:ReferencedStudySequence.ReferencedSOPInstanceUID"}
		w.Server = servertest.Start(t, c)
		w.clin, w.designer = w.Token(t, "PractitionerRole/clin-wang"), w.Token(t, "PractitionerRole/des-zhang")
		n := func(query string) int {
			for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
				a := w.Send(t, w.get(query))
				if a.Status == 503 && time.Since(begun) < 20*time.Second {
					continue
				}
				if a.Status != 200 {
					t.Fatalf("GET %s = %d %s", query, a.Status, a.Body)
				}
				return len(arrayOf(t, a))
			}
		}
		for query, want := range map[string]int{
			"/instances?ImagePositionPatient=1": 2, "/instances?ImagePositionPatient=1.0&PatientID=P-1": 1, "/instances?ImagePositionPatient=77": 0,
			"/studies?PatientPosition=HFS": 3, "/studies?PatientPosition=H*": 3, "/studies?PatientPosition=FFS": 0, "/series?PatientPosition=HFS&PatientID=P-2": 2,
			"/series?ReferencedStudySequence.ReferencedSOPInstanceUID=1.2.3":    0,
			"/studies?fuzzymatching=true&PatientName=" + url.QueryEscape("王小东"): 1,
		} {
			if got := n(query); got != want {
				t.Errorf("GET %s: %d answers, want %d", query, got, want)
			}
		}
		w.Expect(t, 400, w.get("/studies?KVP=120"))
		w.Expect(t, 400, w.get("/instances?KVP=high"))
		if a := w.Expect(t, 200, as(w.designer, w.get("/studies?PatientPosition=HFS"))); string(a.Body) != "[]" {
			t.Errorf("R001-046 out of reach: %s", a.Body)
		}
		if got := len(arrayOf(t, w.Expect(t, 200, w.get("/studies/"+s.StudyUID+"/instances?ImagePositionPatient=0")))); got == 0 {
			t.Errorf("no instance at 0")
		}
	})
}
