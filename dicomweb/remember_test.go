package dicomweb_test

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"tenon/dicomweb/sample"
)

// TestStowOneByOne: the door remembers the study that it stored into; what others
// store meanwhile is neither lost nor doubled.
func TestStowOneByOne(t *testing.T) {
	c := open(t)
	s := sample.New(sample.Options{Seed: 5, Slices: 6, PatientID: "P-1"})
	other := door(c.house) // a second server on the same store
	for i := range 6 {
		if i == 3 {
			w := httptest.NewRecorder()
			if other.ServeHTTP(w, stowRequest(t.Context(), s.Slice(i))); w.Code != 200 {
				t.Fatalf("the other server: status %d: %s", w.Code, w.Body)
			}
			continue
		}
		if a := c.stow(t, "/studies", s.Slice(i)); a.StatusCode != 200 {
			t.Fatalf("slice %d: status %d: %s", i, a.StatusCode, a.body)
		}
	}
	study := c.studies[s.StudyUID]
	if *study.Instances != 6 || *study.Series != 1 || len(c.instances) != 6 {
		t.Errorf("%d instances in %d series, %d rows; want 6 in 1", *study.Instances, *study.Series, len(c.instances))
	}
	versions := c.versions["ImagingStudy/"+study.Resource]
	if body := versions[len(versions)-1].Body; bytes.Count(body, []byte(`"sopClass"`)) != 6 {
		t.Errorf("the ImagingStudy lists %d instances: %s", bytes.Count(body, []byte(`"sopClass"`)), body)
	}
	if a := c.stow(t, "/studies", s.Slice(3)); a.StatusCode != 200 || *c.studies[s.StudyUID].Instances != 6 {
		t.Errorf("a repetition: status %d: %s", a.StatusCode, a.body)
	}
	changed := bytes.Replace(s.Slice(1), []byte("SAMPLE"), []byte("sample"), 1)
	changed[len(changed)-1] ^= 1
	if a := c.stow(t, "/studies", changed); a.StatusCode != 409 {
		t.Errorf("other bytes: status %d: %s", a.StatusCode, a.body)
	}
	if a := c.stow(t, "/studies", bytes.ReplaceAll(s.Slice(0), []byte(s.InstanceUID(0)), []byte(s.InstanceUID(0)[:len(s.InstanceUID(0))-2]+".0"))); a.StatusCode != 200 || *c.studies[s.StudyUID].Instances != 7 {
		t.Errorf("one more: status %d: %s", a.StatusCode, a.body)
	}
}
