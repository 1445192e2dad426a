package smart

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/test/servertest"
)

const laboratory = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"

// TestExport is Bulk Data by an app: what a job writes, and who may have it, is
// bound by the scopes that it was begun with, for as long as they are granted.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#security-considerations
func TestExport(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		ec := newKey(t, "ec", jose.ES384)
		for _, id := range []string{"bulk", "second"} {
			h.register(t, oauth.Client{ID: id, Method: oauth.MethodKey, Keys: jwks(t, ec), Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
		}
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.app(t, "chart", oauth.MethodNone, "launch/patient", "patient/*.rs", "user/*.rs")
		token := func(client, scope string) string {
			return h.post(t, "/oauth/token", backend(ec.sign(t, h.claims(client, nil), nil), scope)).text("access_token")
		}
		t.Run("R004-bulk a backend exports what its scopes cover", func(t *testing.T) {
			for scope, want := range map[string][]string{
				"system/Observation.rs":                                     {h.lab, h.exam, h.other},
				"system/Observation.rs?category=" + laboratory:              {h.lab, h.other},
				"system/Patient.r system/Observation.r?category=laboratory": {h.a, h.b, h.lab, h.other},
			} {
				job := h.export(t, token("bulk", scope), "/fhir/$export")
				if got := h.files(t, token("bulk", scope), job); !sameSet(got, want) {
					t.Errorf("%s exports %v, want %v", scope, got, want)
				}
			}
		})
		t.Run("a type beyond the scopes is refused, the twin within is not", func(t *testing.T) {
			narrow := token("bulk", "system/Patient.rs")
			ask := servertest.Request{Token: narrow, Path: "/fhir/$export?_type=Observation", Header: map[string]string{"Prefer": "respond-async"}}
			same(t, "Observation", h.Send(t, ask).Status, 403)
			if got := h.files(t, narrow, h.export(t, narrow, "/fhir/$export?_type=Patient")); !sameSet(got, []string{h.a, h.b}) {
				t.Errorf("Patient exports %v", got)
			}
			same(t, "no scope to read", h.Send(t, servertest.Request{Token: token("bulk", "system/*.s"), Path: "/fhir/$export", Header: ask.Header}).Status, 403)
		})
		t.Run("attack 20 the job of another", func(t *testing.T) {
			mine := token("bulk", "system/*.rs")
			job := h.export(t, mine, "/fhir/$export?_type=Patient")
			for name, other := range map[string]string{
				"another app": token("second", "system/*.rs"), "narrower scopes": token("bulk", "system/Patient.r"), "a person": h.token,
				"an app of a person": h.tokens(t, "chart", "user/*.rs", "").text("access_token"),
			} {
				for _, path := range []string{job, job + "/0.ndjson"} {
					same(t, name, h.Send(t, servertest.Request{Token: other, Path: path}).Status, 404)
				}
				same(t, name+" cancels", h.Send(t, servertest.Request{Token: other, Method: "DELETE", Path: job}).Status, 404)
			}
			same(t, "twin: another token of the app", len(h.files(t, token("bulk", "system/*.rs"), job)), 2)
			same(t, "twin: it cancels", h.Send(t, servertest.Request{Token: mine, Method: "DELETE", Path: job}).Status, 202)
			same(t, "and it is gone", h.Send(t, servertest.Request{Token: mine, Path: job}).Status, 404)
		})
		t.Run("attack 20 an app of a person, about one patient", func(t *testing.T) {
			first := h.tokens(t, "chart", "launch/patient patient/*.rs", h.a).text("access_token")
			job := h.export(t, first, "/fhir/Patient/$export?_type=Patient,Observation")
			if got := h.files(t, first, job); !sameSet(got, []string{h.a, h.lab, h.exam}) {
				t.Errorf("it exports %v", got)
			}
			other := h.tokens(t, "chart", "launch/patient patient/*.rs", h.b).text("access_token")
			same(t, "with another patient in context", h.Send(t, servertest.Request{Token: other, Path: job}).Status, 404)
			same(t, "twin: the person", h.Send(t, servertest.Request{Token: h.token, Path: job}).Status, 200)
		})
		t.Run("a request that is carried out later keeps its scopes", func(t *testing.T) {
			narrow := token("bulk", "system/Observation.rs?category="+laboratory)
			job := h.begun(t, servertest.Request{Token: narrow, Path: "/fhir/Observation", Header: map[string]string{"Prefer": "respond-async"}})
			body := string(h.done(t, narrow, job).Body)
			for ref, want := range map[string]bool{h.lab: true, h.other: true, h.exam: false} {
				_, id, _ := strings.Cut(ref, "/")
				same(t, ref, strings.Contains(body, `"id":"`+id+`"`), want)
			}
		})
		t.Run("attack 22 with the app its jobs and files go", func(t *testing.T) {
			job := h.export(t, token("second", "system/*.rs"), "/fhir/$export?_type=Patient")
			same(t, "before", len(h.files(t, token("second", "system/*.rs"), job)), 2)
			if err := h.App.RemoveApp(t.Context(), "second"); err != nil {
				t.Fatal(err)
			}
			h.register(t, oauth.Client{ID: "second", Method: oauth.MethodKey, Keys: jwks(t, ec), Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
			for _, path := range []string{job, job + "/0.ndjson"} {
				same(t, "after", h.Send(t, servertest.Request{Token: token("second", "system/*.rs"), Path: path}).Status, 404)
			}
		})
	})
}

// begun starts a job and tells its path.
func (h *house) begun(t testing.TB, q servertest.Request) string {
	t.Helper()
	a := h.Expect(t, 202, q)
	u, err := url.Parse(a.Header.Get("Content-Location"))
	if err != nil || u.Path == "" {
		t.Fatalf("Content-Location = %q", a.Header.Get("Content-Location"))
	}
	return u.Path
}

// done waits for the result of a job.
func (h *house) done(t testing.TB, token, job string) *servertest.Answer {
	t.Helper()
	for range 60 {
		a := h.Send(t, servertest.Request{Token: token, Path: job})
		if a.Status == 200 {
			return a
		}
		if a.Status != 202 && a.Status != 429 {
			t.Fatalf("%s = %d %s", job, a.Status, a.Body)
		}
		time.Sleep(300 * time.Millisecond)
	}
	t.Fatal("the job does not end")
	return nil
}

func (h *house) export(t testing.TB, token, path string) string {
	t.Helper()
	job := h.begun(t, servertest.Request{Token: token, Path: path, Header: map[string]string{"Prefer": "respond-async"}})
	h.done(t, token, job)
	return job
}

// files are the references of all resources in the files of a job, but those of
// the definitions and parties that everybody reads.
func (h *house) files(t testing.TB, token, job string) (refs []string) {
	t.Helper()
	var manifest struct {
		Output []struct{ Type, URL string }
	}
	if err := json.Unmarshal(h.done(t, token, job).Body, &manifest); err != nil {
		t.Fatal(err)
	}
	for _, f := range manifest.Output {
		u, err := url.Parse(f.URL)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(h.Expect(t, 200, servertest.Request{Token: token, Path: u.Path}).Body))
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var r struct{ ResourceType, ID string }
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if r.ResourceType != f.Type {
				t.Errorf("a file of %s holds a %s", f.Type, r.ResourceType)
			}
			refs = append(refs, r.ResourceType+"/"+r.ID)
		}
	}
	return refs
}

func sameSet(a, b []string) bool {
	set := func(list []string) map[string]int {
		m := map[string]int{}
		for _, x := range list {
			m[x]++
		}
		return m
	}
	return maps.Equal(set(a), set(b))
}
