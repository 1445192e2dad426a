package dicomweb_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tenon/dicomweb"
	"tenon/server/access"
)

// Many senders of single instances of one study: none is refused, none is lost,
// and those that wait go into one version together.
func TestSendersOfOneStudy(t *testing.T) {
	const senders = 40
	h := newHouse()
	h.slow = 5 * time.Millisecond
	d := door(h)
	s := ct(1, senders)
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			w := httptest.NewRecorder()
			d.ServeHTTP(w, stowRequest(t.Context(), s.Slice(i)))
			if w.Code != http.StatusOK {
				t.Errorf("slice %d: status %d: %s", i, w.Code, w.Body)
			}
		})
	}
	all.Wait()
	if n := *h.studies[s.StudyUID].Instances; n != senders || len(h.instances) != senders {
		t.Errorf("%d instances are counted, %d stored, want %d", n, len(h.instances), senders)
	}
	if len(h.drafts) > senders/2 {
		t.Errorf("%d versions of the ImagingStudy for %d instances that waited for each other", len(h.drafts), senders)
	}
}

func stowRequest(ctx context.Context, file []byte) *http.Request {
	r := httptest.NewRequestWithContext(ctx, "POST", "/studies", bytes.NewReader(file))
	r.Header.Set("Content-Type", "application/dicom")
	return r
}

// What one caller stores is never written in the name of another.
func TestSendersOfSeveralCallers(t *testing.T) {
	h := newHouse()
	h.slow = 20 * time.Millisecond
	callers := map[string]*access.Context{}
	for _, name := range []string{"a", "b"} {
		callers[name] = &access.Context{Kind: access.Person, Principal: "PractitionerRole/" + name, Organization: "Organization/h", Side: access.Hospital, Roles: []access.Role{access.IMG}}
	}
	d := dicomweb.New(dicomweb.Options{Records: h, Index: imaging{h}, Blobs: h, Auditor: h,
		Caller: func(r *http.Request) (*access.Context, error) { return callers[r.Header.Get("Caller")], nil }})
	s := ct(1, 10)
	for _, c := range callers {
		h.visible[c.Principal] = []string{"Patient/p1", "ImagingStudy/" + studyID(t, s.StudyUID)}
	}
	var all sync.WaitGroup
	for i := range s.Len() {
		all.Go(func() {
			r := stowRequest(t.Context(), s.Slice(i))
			r.Header.Set("Caller", []string{"a", "b"}[i%2])
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("slice %d: status %d: %s", i, w.Code, w.Body)
			}
		})
	}
	all.Wait()
	by := map[string]string{}
	for i, draft := range h.drafts {
		for _, uid := range instancesOf(draft) {
			by[uid] = h.submitters[i]
		}
	}
	for i := range s.Len() {
		if want := callers[[]string{"a", "b"}[i%2]].Principal; by[s.InstanceUID(i)] != want {
			t.Errorf("slice %d was stored by %s, want %s", i, by[s.InstanceUID(i)], want)
		}
	}
}

// A sender that goes away while it waits holds up nobody.
func TestASenderThatLeaves(t *testing.T) {
	h := newHouse()
	h.slow = 50 * time.Millisecond
	d := door(h)
	s := ct(1, 4)
	var all sync.WaitGroup
	for i := range s.Len() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if i == 1 {
			cancel()
		}
		all.Go(func() {
			defer cancel()
			w := httptest.NewRecorder()
			d.ServeHTTP(w, stowRequest(ctx, s.Slice(i)))
			if i != 1 && w.Code != http.StatusOK {
				t.Errorf("slice %d: status %d: %s", i, w.Code, w.Body)
			}
		})
	}
	all.Wait()
	for _, i := range []int{0, 2, 3} {
		if h.instances[s.InstanceUID(i)] == nil {
			t.Errorf("slice %d is not stored", i)
		}
	}
}

// What an app stores is never written under the grant of another app of the same
// person, which may do more.
func TestSendersOfSeveralApps(t *testing.T) {
	h := newHouse()
	h.slow = 20 * time.Millisecond
	callers := map[string]*access.Context{}
	for app, scope := range map[string]string{"wide": "user/*.cruds", "narrow": "user/ImagingStudy.cruds"} {
		one, err := access.ParseScope(scope)
		if err != nil {
			t.Fatal(err)
		}
		callers[app] = &access.Context{Kind: access.Person, Principal: "PractitionerRole/a", Organization: "Organization/h", Side: access.Hospital, Roles: []access.Role{access.IMG},
			Scopes: &access.Scopes{Client: app, List: []access.Scope{one}}}
	}
	d := dicomweb.New(dicomweb.Options{Records: h, Index: imaging{h}, Blobs: h, Auditor: h,
		Caller: func(r *http.Request) (*access.Context, error) { return callers[r.Header.Get("Caller")], nil }})
	s := ct(1, 10)
	h.visible["PractitionerRole/a"] = []string{"Patient/p1", "ImagingStudy/" + studyID(t, s.StudyUID)}
	apps := []string{"wide", "narrow"}
	var all sync.WaitGroup
	for i := range s.Len() {
		all.Go(func() {
			r := stowRequest(t.Context(), s.Slice(i))
			r.Header.Set("Caller", apps[i%2])
			w := httptest.NewRecorder()
			if d.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("slice %d: status %d: %s", i, w.Code, w.Body)
			}
		})
	}
	all.Wait()
	by := map[string]string{}
	for i, draft := range h.drafts {
		for _, uid := range instancesOf(draft) {
			by[uid] = h.apps[i]
		}
	}
	for i := range s.Len() {
		if got := by[s.InstanceUID(i)]; got != apps[i%2] {
			t.Errorf("slice %d was stored by the app %q, want %q", i, got, apps[i%2])
		}
	}
}
