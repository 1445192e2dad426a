package rest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/rest"
)

func init() {
	admin := func(name, person string) *access.Context {
		return &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/" + name,
			Person: "Practitioner/" + person, Organization: "Organization/hospital", Roles: []access.Role{access.ADMIN}}
	}
	people["admin"], people["admin2"], people["admin-again"] = admin("admin", "one"), admin("admin2", "two"), admin("admin3", "one")
	people["far-admin"] = admin("far-admin", "far")
	people["far-admin"].Organization = "Organization/elsewhere"
}

const (
	expungeReason = `{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"entered for the wrong person"}]}`
	askedWith     = `{"resourceType":"Parameters","parameter":[{"name":"request","valueReference":{"reference":"%s"}}]}`
)

// askExpunge asks and returns the Task.
func askExpunge(t *testing.T, h http.Handler, ref, as string) string {
	t.Helper()
	w := must(t, h, 202, "POST", "/fhir/"+ref+"/$expunge", expungeReason, "As: "+as)
	return strings.TrimPrefix(w.Header().Get("Location"), base+"/")
}

func confirmExpunge(t *testing.T, h http.Handler, status int, ref, task, as string) *httptest.ResponseRecorder {
	t.Helper()
	return must(t, h, status, "POST", "/fhir/"+ref+"/$expunge", fmt.Sprintf(askedWith, task), "As: "+as)
}

// goneResource is something with two versions that was deleted.
func goneResource(t *testing.T, h http.Handler, body string) string {
	t.Helper()
	var typ string
	_, _ = fmt.Sscanf(body, `{"resourceType":%q`, &typ)
	id := create(t, h, body, "As: admin")
	ref := typ + "/" + id
	must(t, h, 200, "PUT", "/fhir/"+ref, strings.Replace(body, `{`, `{"id":"`+id+`","language":"zh",`, 1), "As: admin")
	must(t, h, 204, "DELETE", "/fhir/"+ref, "", "As: admin")
	return ref
}

func TestExpunge(t *testing.T) {
	const secret = `{"resourceType":"Observation","status":"final","code":{"text":"a secret of Wang"}}`
	onEngines(t, func(t *testing.T, h *house) {
		ref := goneResource(t, h, secret)
		t.Run("who may", func(t *testing.T) {
			must(t, h, 403, "POST", "/fhir/"+ref+"/$expunge", expungeReason, "As: clin")
			must(t, h, 403, "POST", "/fhir/Observation/none/$expunge", expungeReason, "As: clin")
			must(t, h, 401, "POST", "/fhir/"+ref+"/$expunge", expungeReason, "As: nobody")
			must(t, h, 404, "POST", "/fhir/"+ref+"/$expunge", expungeReason, "As: far-admin")
			must(t, h, 404, "POST", "/fhir/Observation/none/$expunge", expungeReason, "As: admin")
		})
		t.Run("input", func(t *testing.T) {
			for _, body := range []string{`{"resourceType":"Parameters"}`, `{"resourceType":"Patient"}`,
				`{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":" "}]}`,
				`{"resourceType":"Parameters","parameter":[{"name":"everything","valueBoolean":true}]}`,
				`{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"x"},{"name":"request","valueReference":{"reference":"Task/x"}}]}`} {
				must(t, h, 400, "POST", "/fhir/"+ref+"/$expunge", body, "As: admin")
			}
			confirmExpunge(t, h, 404, ref, "Task/none", "admin")
			confirmExpunge(t, h, 400, ref, "Observation/none", "admin")
		})
		task := askExpunge(t, h, ref, "admin")
		t.Run("R000-015 one person is not enough", func(t *testing.T) {
			for _, as := range []string{"admin", "admin-again"} {
				if w := confirmExpunge(t, h, 403, ref, task, as); outcome(t, w.Body.Bytes()) != "expunge-second" {
					t.Errorf("%s: %s", as, w.Body)
				}
			}
			confirmExpunge(t, h, 403, ref, task, "") // no operator confirms
			confirmExpunge(t, h, 403, ref, task, "clin")
			confirmExpunge(t, h, 404, ref, task, "far-admin")
		})
		t.Run("a Task that somebody wrote is no request", func(t *testing.T) {
			forged := create(t, h, `{"resourceType":"Task","status":"requested","intent":"order","code":{"coding":[{"system":"urn:tenon:record","code":"expunge"}]},"focus":{"reference":"`+ref+`"},"requester":{"reference":"PractitionerRole/x"}}`, "As: clin")
			confirmExpunge(t, h, 409, ref, "Task/"+forged, "admin2") // and a Task that refers to it is in the way
			must(t, h, 204, "DELETE", "/fhir/Task/"+forged, "", "As: clin")
			confirmExpunge(t, h, 404, ref, "Task/"+forged, "admin2")
		})
		t.Run("a request is for one resource", func(t *testing.T) {
			other := goneResource(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"other"}}`)
			confirmExpunge(t, h, 404, other, task, "admin2")
		})
		t.Run("a request that was changed keeps who asked", func(t *testing.T) {
			body := must(t, h, 200, "GET", "/fhir/"+task, "", "As: admin").Body.String()
			must(t, h, 200, "PUT", "/fhir/"+task, strings.Replace(body, "PractitionerRole/admin", "PractitionerRole/other", 1), "As: admin")
			confirmExpunge(t, h, 403, ref, task, "admin")
		})
		w := confirmExpunge(t, h, 200, ref, task, "admin2")
		t.Run("nothing of it is left", func(t *testing.T) {
			for n := 1; n <= 2; n++ {
				must(t, h, 410, "GET", fmt.Sprintf("/fhir/%s/_history/%d", ref, n), "")
			}
			for _, path := range []string{ref + "/_history", "_history", "Observation/_history", "Observation?code:text=secret"} {
				if w := must(t, h, 200, "GET", "/fhir/"+path, ""); strings.Contains(w.Body.String(), "secret of Wang") {
					t.Errorf("%s still tells: %s", path, w.Body)
				}
			}
			if err := h.store.EachVersion(t.Context(), func(v record.Version) error {
				if strings.Contains(string(v.Body), "secret of Wang") || v.Type+"/"+v.ID == ref && (len(v.Body) > 0 || !v.Deleted) {
					t.Errorf("%s/%s/%d still has bytes", v.Type, v.ID, v.Version)
				}
				if v.Type+"/"+v.ID == ref && v.Version < 3 && v.Salt != ([16]byte{}) {
					t.Errorf("version %d still has its salt", v.Version)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("certificate", func(t *testing.T) {
			d, err := tree.Parse(w.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			said := map[string]string{}
			for p := range d.Root().Field("parameter").Items() {
				said[p.Field("name").Str()] = p.Path("valueReference", "reference").Str()
			}
			content, err := base64.StdEncoding.DecodeString(nodeIn(t, h, said["certificate"]+"?_format=json").Field("data").Str())
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{ref + "/_history/1", ref + "/_history/2", "entered for the wrong person", `"requestedBy":"PractitionerRole/admin"`, `"confirmedBy":"PractitionerRole/admin2"`} {
				if !strings.Contains(string(content), want) {
					t.Errorf("certificate = %s, want %s", content, want)
				}
			}
			p := nodeIn(t, h, said["provenance"])
			if p.Path("activity", "coding").Index(0).Field("code").Str() != "destroy" || p.Field("agent").Len() != 2 {
				t.Errorf("Provenance = %s", p.Raw())
			}
			if got := nodeIn(t, h, task).Field("status").Str(); got != "completed" {
				t.Errorf("the request is %s", got)
			}
			id := strings.TrimPrefix(said["certificate"], "Binary/")
			must(t, h, 403, "DELETE", "/fhir/Binary/"+id, "", "As: admin")
			must(t, h, 403, "PUT", "/fhir/Binary/"+id, `{"resourceType":"Binary","id":"`+id+`","contentType":"text/plain","data":"eA=="}`)
			must(t, h, 403, "POST", "/fhir/Binary", `{"resourceType":"Binary","contentType":"`+record.CertificateType+`","data":"eA=="}`)
		})
		t.Run("once", func(t *testing.T) {
			confirmExpunge(t, h, 409, ref, task, "admin2")
			must(t, h, 409, "POST", "/fhir/"+ref+"/$expunge", expungeReason, "As: admin")
		})
		t.Run("withdrawn", func(t *testing.T) {
			ref := goneResource(t, h, secret)
			task := askExpunge(t, h, ref, "") // an operator may ask
			must(t, h, 200, "PATCH", "/fhir/"+task, `[{"op":"replace","path":"/status","value":"cancelled"}]`, "Content-Type: application/json-patch+json")
			confirmExpunge(t, h, 409, ref, task, "admin2")
			confirmExpunge(t, h, 200, ref, askExpunge(t, h, ref, ""), "admin2")
		})
	})
}

// What the record is bound to keep is not erased, whoever asks.
func TestExpungeKeeps(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.clock = func() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }
		refused := func(t *testing.T, ref, rule string) {
			t.Helper()
			if w := must(t, h, 409, "POST", "/fhir/"+ref+"/$expunge", expungeReason, "As: admin"); outcome(t, w.Body.Bytes()) != rule {
				t.Errorf("%s: %s, want %s", ref, w.Body, rule)
			}
		}
		t.Run("what is not deleted", func(t *testing.T) {
			refused(t, "Patient/"+create(t, h, `{"resourceType":"Patient"}`, "As: admin"), "expunge-current")
		})
		for name, c := range map[string]struct{ body, rule string }{
			"R000-015 retention of the resource": {`{"resourceType":"Basic","meta":{"extension":[{"url":"urn:tenon:extension:retention-until","valueDate":"2026-06-02"}]},"code":{"text":"x"}}`, "retention"},
			"retention to the end of a year":     {`{"resourceType":"Basic","meta":{"extension":[{"url":"urn:tenon:extension:retention-until","valueDate":"2026"}]},"code":{"text":"x"}}`, "retention"},
			"R001-166 retention of a document":   {`{"resourceType":"DocumentReference","status":"current","context":{"period":{"end":"2041-01-01"}},"content":[{"attachment":{"title":"x"}}]}`, "retention"},
			"R001-166 the validity of a device":  {`{"resourceType":"Device","expirationDate":"2030-01-01"}`, "retention"},
			"legal hold by tag":                  {`{"resourceType":"Basic","meta":{"tag":[{"system":"urn:tenon:hold","code":"legal-hold"}]},"code":{"text":"x"}}`, "legal-hold"},
			"legal hold by label":                {`{"resourceType":"Basic","meta":{"security":[{"system":"urn:tenon:hold","code":"legal-hold"}]},"code":{"text":"x"}}`, "legal-hold"},
		} {
			t.Run(name, func(t *testing.T) { refused(t, goneResource(t, h, c.body), c.rule) })
		}
		t.Run("retention that is over", func(t *testing.T) {
			askExpunge(t, h, goneResource(t, h, `{"resourceType":"Basic","meta":{"extension":[{"url":"urn:tenon:extension:retention-until","valueDate":"2026-05-31"}]},"code":{"text":"x"}}`), "admin")
		})
		t.Run("legal hold on the patient", func(t *testing.T) {
			p := create(t, h, `{"resourceType":"Patient"}`, "As: admin")
			flag := func(status string) string {
				return `{"resourceType":"Flag","status":"` + status + `","code":{"coding":[{"system":"urn:tenon:hold","code":"legal-hold"}]},"subject":{"reference":"Patient/` + p + `"}}`
			}
			id := create(t, h, flag("active"), "As: stranger") // whoever sees it
			o := goneResource(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+p+`"}}`)
			refused(t, o, "legal-hold")
			must(t, h, 200, "PUT", "/fhir/Flag/"+id, strings.Replace(flag("inactive"), `{`, `{"id":"`+id+`",`, 1), "As: stranger")
			askExpunge(t, h, o, "admin")
		})
		t.Run("a hold that comes between", func(t *testing.T) {
			p := create(t, h, `{"resourceType":"Patient"}`, "As: admin")
			o := goneResource(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+p+`"}}`)
			task := askExpunge(t, h, o, "admin")
			create(t, h, `{"resourceType":"Flag","status":"active","code":{"coding":[{"system":"urn:tenon:hold","code":"legal-hold"}]},"subject":{"reference":"Patient/`+p+`"}}`)
			confirmExpunge(t, h, 409, o, task, "admin2")
		})
		t.Run("what others refer to", func(t *testing.T) {
			p := goneResource(t, h, `{"resourceType":"Patient"}`)
			hidden := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+p+`"}}`, "As: stranger")
			w := must(t, h, 409, "POST", "/fhir/"+p+"/$expunge", expungeReason, "As: admin")
			if outcome(t, w.Body.Bytes()) != "referenced" || strings.Contains(w.Body.String(), hidden) {
				t.Errorf("refusal = %s", w.Body)
			}
		})
		t.Run("R000-018 proofs", func(t *testing.T) {
			p := create(t, h, `{"resourceType":"Provenance","target":[{"reference":"Basic/x"}],"recorded":"2024-01-01T00:00:00Z","agent":[{"who":{"display":"x"}}]}`, "As: admin")
			refused(t, "Provenance/"+p, "expunge-current") // and it cannot be deleted
		})
	})
}

func TestExpungeAfterYears(t *testing.T) {
	h := houseOn(t, "sqlite://"+filepath.Join(t.TempDir(), "db"), func(r *record.Options, _ *rest.Options) { r.RetentionYears = 30 })
	h.clock = func() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }
	p := create(t, h, `{"resourceType":"Patient"}`, "As: admin")
	o := goneResource(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+p+`"}}`)
	askExpunge(t, h, goneResource(t, h, `{"resourceType":"Basic","code":{"text":"about nobody"}}`), "admin")
	h.clock = func() time.Time { return time.Date(2056, 6, 1, 11, 0, 0, 0, time.UTC) }
	if w := must(t, h, 409, "POST", "/fhir/"+o+"/$expunge", expungeReason, "As: admin"); outcome(t, w.Body.Bytes()) != "retention" {
		t.Errorf("refusal = %s", w.Body)
	}
	h.clock = func() time.Time { return time.Date(2056, 6, 1, 13, 0, 0, 0, time.UTC) }
	askExpunge(t, h, o, "admin")
}

// The content of a file goes with its last resource, and not before.
func TestExpungeContent(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		content := strings.Repeat("solid facet\n", 1000)
		upload := func() string {
			w := must(t, h, 201, "POST", "/fhir/Binary", content, "Content-Type: model/stl", "As: admin")
			return strings.Split(strings.TrimPrefix(w.Header().Get("Location"), base+"/"), "/_history")[0]
		}
		one, two := upload(), upload()
		said := ""
		for _, ref := range []string{one, two} {
			must(t, h, 204, "DELETE", "/fhir/"+ref, "", "As: admin")
			said += confirmExpunge(t, h, 200, ref, askExpunge(t, h, ref, "admin"), "admin2").Body.String()
			if ref == one {
				if got := must(t, h, 410, "GET", "/fhir/"+one, "", "As: admin"); strings.Contains(got.Body.String(), "facet") {
					t.Error("the erased file is read")
				}
			}
		}
		if !strings.Contains(said, "1 versions and 0 contents") || !strings.Contains(said, "1 versions and 1 contents") || strings.Contains(said, "next sweep") {
			t.Errorf("outcomes = %s", said)
		}
		three := upload() // the same bytes again are stored anew
		if got := must(t, h, 200, "GET", "/fhir/"+three, "", "As: admin", "Accept: model/stl"); got.Body.String() != content {
			t.Error("the same content cannot be stored again after an erasure")
		}
	})
}

// A legal hold that is written when the erasure has been judged and is about to be
// committed is seen all the same.
func TestExpungeMeanwhile(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		for name, before := range map[string]string{"R000-015 a hold that is new": "", "R000-015 a hold that was lifted": "inactive"} {
			t.Run(name, func(t *testing.T) {
				patient := create(t, h, `{"resourceType":"Patient"}`, "As: admin")
				flag := func(status string) string {
					return `{"resourceType":"Flag","status":"` + status + `","code":{"coding":[{"system":"urn:tenon:hold","code":"legal-hold"}]},"subject":{"reference":"Patient/` + patient + `"}}`
				}
				id := ""
				if before != "" {
					id = create(t, h, flag(before), "As: admin")
				}
				ref := goneResource(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+patient+`"}}`)
				task := askExpunge(t, h, ref, "admin")
				times := 0
				h.meanwhile = func(u *record.Unit) {
					for _, row := range u.Rows {
						if _, ok := row.(*record.Erasure); !ok {
							continue
						}
						if times++; times > 1 {
							return
						}
						if id == "" {
							id = create(t, h, flag("active"), "As: admin")
						} else {
							must(t, h, 200, "PUT", "/fhir/Flag/"+id, strings.Replace(flag("active"), "{", `{"id":"`+id+`",`, 1), "As: admin")
						}
					}
				}
				defer func() { h.meanwhile = nil }()
				if w := confirmExpunge(t, h, 409, ref, task, "admin2"); outcome(t, w.Body.Bytes()) != "legal-hold" || times != 1 {
					t.Errorf("%d tries: %s", times, w.Body)
				}
				must(t, h, 200, "GET", "/fhir/"+ref+"/_history/1", "", "As: admin")
				must(t, h, 200, "PUT", "/fhir/Flag/"+id, strings.Replace(flag("inactive"), "{", `{"id":"`+id+`",`, 1), "As: admin")
				confirmExpunge(t, h, 200, ref, task, "admin2")
			})
		}
	})
}
