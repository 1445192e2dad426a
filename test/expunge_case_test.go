package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/fhir/tree"
	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/test/servertest"
)

// overdue is an agreement whose validity ended long ago, in a case that waits for
// its signatures, and two administrators of the hospital that keeps it.
type overdue struct {
	*signed
	first, second, far string
	papers             []string
}

func toErase(t *testing.T, database string) *overdue {
	t.Helper()
	s := &overdue{signed: &signed{Server: servertest.Start(t, app.Config{Database: database, Sample: true, Dev: true})}}
	s.hosp, s.mfr = s.Token(t, "PractitionerRole/hosp-chen"), s.Token(t, "PractitionerRole/mfr-xu")
	issued(t, s.Server, "ES256", "hosp-chen")
	s.first, s.second, s.far = s.admin(t, "Organization/hospital"), s.admin(t, "Organization/hospital"), s.admin(t, "Organization/maker")
	s.openUntil(t, "2018-12-31", "2019-12-31")
	return s
}

// admin is the token of a new administrator of an organisation.
func (s *overdue) admin(t *testing.T, organisation string) string {
	t.Helper()
	return s.Token(t, s.Create(t, "", fmt.Sprintf(`{"resourceType":"PractitionerRole","active":true,"practitioner":{"reference":%q},"organization":{"reference":%q},
		"code":[{"coding":[{"system":"urn:tenon:role","code":"ADMIN"}]}]}`, s.Create(t, "", `{"resourceType":"Practitioner","active":true}`), organisation)))
}

// openUntil opens a case with a contract that ends on a day, and papers that ended.
func (s *overdue) openUntil(t *testing.T, end, papers string) {
	t.Helper()
	ends := time.Now().AddDate(2, 0, 0).Format(time.DateOnly) // of the contract, as acts writes it
	dated := strings.NewReplacer(ends, end, "2040-12-31", papers, "2025-01-01", "2015-01-01", time.Now().AddDate(0, -1, 0).Format(time.DateOnly), "2016-01-01")
	w := &cases{hosp: s.hosp, mfr: s.mfr, send: func(_ context.Context, _ *servertest.Client, status int, q servertest.Request) (*servertest.Answer, error) {
		q.Body = []byte(dated.Replace(string(q.Body)))
		return s.Expect(t, status, q), nil
	}}
	for w.at < 6 {
		if err := w.step(t.Context(), s.Client); err != nil {
			t.Fatal(err)
		}
	}
	s.root, s.contract, s.papers = w.root, w.contract, w.papers
}

// closes cancels the case: an agreement that never came to be.
func (s *overdue) closes(t *testing.T) {
	t.Helper()
	s.sign(t, 201, s.hosp, s.root, text("role", "HOSP"), text("purpose", "cancel"), text("secret", "secret of hosp-chen"))
	s.Expect(t, 200, patches(s.hosp, s.root, `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"no need any more"}}]`))
}

// asks is the first person's call, confirms the second's.
func (s *overdue) asks(t *testing.T, status int, token, ref string) string {
	t.Helper()
	a := s.Expect(t, status, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + ref + "/$expunge",
		Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"retention has ended"}]}`)})
	if status != 202 {
		return string(a.Body)
	}
	return a.Ref()
}

func (s *overdue) confirms(t *testing.T, status int, token, ref, task string) string {
	t.Helper()
	return string(s.Expect(t, status, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + ref + "/$expunge",
		Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"request","valueReference":{"reference":"` + task + `"}}]}`)}).Body)
}

// hold puts a legal hold on a member, or takes it off.
func (s *overdue) hold(t *testing.T, ref string, on bool) {
	t.Helper()
	operation := map[bool]string{true: "$meta-add", false: "$meta-delete"}[on]
	s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "POST", Path: "/fhir/" + ref + "/" + operation,
		Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:tenon:hold","code":"legal-hold"}]}}]}`)})
}

// certified reads the certificate that an answer names.
func (s *overdue) certified(t *testing.T, answer string) (ref string, c ledger.ErasureCertificate) {
	t.Helper()
	_, rest, _ := strings.Cut(answer, `"reference":"Binary/`)
	id, _, _ := strings.Cut(rest, `"`)
	a := s.Expect(t, 200, servertest.Request{Token: s.first, Method: "GET", Path: "/fhir/Binary/" + id, Header: map[string]string{"Accept": "application/fhir+json"}})
	doc, err := tree.Parse(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	content, err := base64.StdEncoding.DecodeString(doc.Root().Field("data").Str())
	if err == nil {
		err = json.Unmarshal(content, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "Binary/" + id, c
}

func refused(t *testing.T, answer, rule string) {
	t.Helper()
	if !strings.Contains(answer, rule) {
		t.Errorf("refusal = %.400s, want %s", answer, rule)
	}
}

// TestEraseCase: the members of a case go when its retention has ended, and
// dossier and log still prove what is left, and what is gone.
func TestEraseCase(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		s := toErase(t, database)
		t.Run("R001-166 a case that runs", func(t *testing.T) {
			refused(t, s.asks(t, 409, s.first, s.contract), "expunge-case")
			refused(t, s.asks(t, 409, s.first, s.root), "expunge-case")
		})
		s.closes(t)
		t.Run("R000-015 who may", func(t *testing.T) {
			s.asks(t, 403, s.hosp, s.contract) // of the case, but no administrator
			s.asks(t, 404, s.far, s.contract)  // of the other party, and not in the case
			s.asks(t, 404, s.far, s.root)
		})
		t.Run("R001-166 what goes last, and what proves", func(t *testing.T) {
			refused(t, s.asks(t, 409, s.first, s.contract), "expunge-basis")
			stage := s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/Task?part-of=" + s.root})
			_, rest, _ := strings.Cut(string(stage.Body), `"resource":{`)
			_, rest, _ = strings.Cut(rest, `"id":"`)
			id, _, _ := strings.Cut(rest, `"`)
			refused(t, s.asks(t, 409, s.first, "Task/"+id), "expunge-proof")
		})
		task := s.asks(t, 202, s.first, s.root)
		t.Run("R000-015 one administrator twice", func(t *testing.T) {
			refused(t, s.confirms(t, 403, s.first, s.root, task), "expunge-second")
			s.confirms(t, 404, s.far, s.root, task)
			s.confirms(t, 404, s.second, s.papers[1], task) // asked for another thing
		})
		t.Run("R000-015 a hold that comes between the two", func(t *testing.T) {
			s.hold(t, s.contract, true)
			refused(t, s.confirms(t, 409, s.second, s.root, task), "legal-hold")
			s.hold(t, s.contract, false)
		})
		answer := s.confirms(t, 200, s.second, s.root, task)
		ref, c := s.certified(t, answer)
		t.Run("R000-015 the certificate says what, by which rule, when and who", func(t *testing.T) {
			said := fmt.Sprintf("%+v", c)
			for _, want := range []string{s.contract + "/_history/1", s.papers[0] + "/_history/1", "Rule:validity", "Clause:R001-166", "Until:20", "Basis:" + s.contract, "retention has ended"} {
				if !strings.Contains(said, want) {
					t.Errorf("certificate %s does not tell %s", said, want)
				}
			}
			if c.Seal == "" || len(c.Kept) != 0 || c.RequestedBy == c.ConfirmedBy {
				t.Errorf("certificate %s", said)
			}
		})
		t.Run("R001-166 nothing of it is read any more", func(t *testing.T) {
			for _, gone := range []string{s.contract, s.contract + "/_history/1", s.papers[0]} {
				s.Expect(t, 410, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + gone})
			}
			s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.root + "/$case"})
			refused(t, s.asks(t, 409, s.first, s.root), "expunge-")
		})
		t.Run("R000-018 dossier and log explain the gap", func(t *testing.T) { s.explained(t, ref, len(c.Erased)) })
	})
}

// explained verifies dossier and database, and dossiers that somebody changed.
func (s *overdue) explained(t *testing.T, certificate string, erased int) {
	by := trust(t, s.App)
	a := s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.root + "/$dossier"})
	judge := func(text []byte) *ledger.Report {
		r, err := ledger.VerifyDossier(t.Context(), bytes.NewReader(text), by, ledger.VerifyOptions{Clock: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := judge(a.Body)
	if r.Exit() != 0 || r.Erased != erased || !strings.Contains(r.String(), certificate) {
		t.Errorf("exit %d, %d erased, want %d by %s\n%v", r.Exit(), r.Erased, erased, certificate, r)
	}
	doc, err := tree.Parse(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	for e := range doc.Root().Field("entry").Items() {
		if "Binary/"+e.Path("resource", "id").Str() != certificate {
			continue
		}
		cut := bytes.Replace(a.Body, append([]byte(",\n"), e.Raw()...), nil, 1)
		if r := judge(cut); len(cut) == len(a.Body) || !strings.Contains(r.String(), "is not in the dossier") {
			t.Errorf("without its certificate:\n%v", r)
		}
	}
	db, err := s.App.VerifyDatabase(t.Context(), by)
	if err != nil || db.Exit() != 0 || db.Erased != erased {
		t.Errorf("database: %v\n%v", err, db)
	}
}

// TestEraseKeeps: a date that was once in force counts though it was shortened, and
// with what stays, so does what says until when.
func TestEraseKeeps(t *testing.T) {
	t.Parallel()
	s := toErase(t, "")
	s.Expect(t, 200, patches(s.hosp, s.papers[0], `[{"op":"replace","path":"/context/period/end","value":"2090-12-31"}]`))
	s.Expect(t, 200, patches(s.hosp, s.papers[0], `[{"op":"replace","path":"/context/period/end","value":"2019-12-31"}]`))
	s.closes(t)
	t.Run("R001-166 the date of a paper that was changed, its file, and the contract", func(t *testing.T) {
		refused(t, s.asks(t, 409, s.first, s.papers[0]), `"retention"`)
		single := s.papers[1]
		s.confirms(t, 200, s.second, single, s.asks(t, 202, s.first, single))
		s.Expect(t, 410, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + single})
		answer := s.confirms(t, 200, s.second, s.root, s.asks(t, 202, s.first, s.root))
		_, c := s.certified(t, answer)
		var kept []string
		for _, k := range c.Kept {
			typ, _, _ := strings.Cut(k.Ref, "/")
			kept = append(kept, typ+" "+k.Rule)
		}
		slices.Sort(kept)
		if got := strings.Join(kept, ", "); got != "Binary referenced, Contract expunge-basis, DocumentReference retention" || strings.Count(answer, `"kept"`) != 3 {
			t.Errorf("kept %s in %.500s", got, answer)
		}
		s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.contract})
	})
	s.openUntil(t, "2090-12-31", "2019-12-31")
	s.Expect(t, 200, patches(s.hosp, s.contract, `[{"op":"replace","path":"/applies/end","value":"2018-12-31"}]`))
	s.closes(t)
	t.Run("R001-166 a validity that was shortened", func(t *testing.T) {
		answer := s.asks(t, 409, s.first, s.root)
		refused(t, answer, "expunge-case")
		refused(t, answer, "kept until 2096")
	})
}

// TestEraseImages: with the record of a case go its images, and what the archive
// told of them.
func TestEraseImages(t *testing.T) {
	t.Parallel()
	scenes(t, "socket:S02", func(t *testing.T, at *scene) {
		s := &overdue{signed: &signed{Server: at.Server, hosp: at.token("hosp-chen"), root: at.root}}
		for id, token := range map[string]*string{"adm-1": &s.first, "adm-2": &s.second} {
			at.operates("Practitioner", id, `{"resourceType":"Practitioner","id":"`+id+`","active":true}`)
			at.operates("PractitionerRole", id, `{"resourceType":"PractitionerRole","id":"`+id+`","active":true,"practitioner":{"reference":"Practitioner/`+id+`"},
				"organization":{"reference":"Organization/hospital"},"code":[{"coding":[{"system":"urn:tenon:role","code":"ADMIN"}]}]}`)
			*token = s.Token(t, "PractitionerRole/"+id)
		}
		mrn := at.first("Patient?_id=" + strings.TrimPrefix(at.patient, "Patient/"))["identifier"].([]any)[0].(map[string]any)["value"].(string)
		series := sample.New(sample.Options{Seed: 5, Slices: 2, Rows: 32, Columns: 32, PatientID: mrn})
		dicom := func(method, path string, body []byte) servertest.Request {
			return servertest.Request{Token: at.token("clin-wang"), Method: method, Path: "/dicomweb" + path, Body: body, Header: map[string]string{"Content-Type": "application/dicom"}}
		}
		for i := range 2 {
			s.Expect(t, 200, dicom("POST", "/studies?patient="+at.patient+"&task="+s.root, series.Slice(i)))
		}
		study := "/studies/" + series.StudyUID
		s.Expect(t, 200, dicom("GET", study, nil))
		right := dicom("POST", study+"/correct", []byte(`{"reason":"typing error","attributes":{"00081030":{"vr":"LO","Value":["Left leg"]}}}`))
		right.Token = at.token("img-li")
		s.Expect(t, 200, right) // the files as they came are kept beside those that are read now, and go too
		step := dicom("POST", "/workitems?1.2.826.0.77&task="+s.root, fmt.Appendf(nil, `[{"00100020":{"vr":"LO","Value":[%q]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Stump^Step"}]},"00741000":{"vr":"CS","Value":["SCHEDULED"]},
			"00741200":{"vr":"CS","Value":["LOW"]},"00741204":{"vr":"LO","Value":["Scan"]},"00404005":{"vr":"DT","Value":["20260301080000"]},"00404041":{"vr":"CS","Value":["READY"]}}]`, mrn))
		step.Header["Content-Type"] = "application/dicom+json"
		s.Expect(t, 201, step)
		s.Expect(t, 200, dicom("GET", "/workitems/1.2.826.0.77", nil))
		at.do(201, "clin-wang", "POST", "Device", fmt.Sprintf(`{"resourceType":"Device","patient":{"reference":%q},"expirationDate":"2015-12-31",
			"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}]}`, at.patient, s.root))
		at.signs("clin-wang", "CLIN", "cancel", s.root)
		at.do(200, "clin-wang", "PATCH", s.root, `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"no need any more"}}]`)
		answer := s.confirms(t, 200, s.second, s.root, s.asks(t, 202, s.first, s.root))
		ref, c := s.certified(t, answer)
		t.Run("R001-166 the files are in the certificate", func(t *testing.T) {
			said := fmt.Sprintf("%+v", c)
			for i := range 2 {
				if file := ledger.BlobRef(sha256.Sum256(series.Slice(i))); !strings.Contains(said, file) {
					t.Errorf("certificate %s does not tell of %s", said, file)
				}
			}
			if strings.Contains(said, "expunge-images") {
				t.Errorf("kept %v", c.Kept)
			}
		})
		t.Run("R001-166 nothing of the images is found or read", func(t *testing.T) {
			for _, path := range []string{study, study + "/metadata", study + "/series/" + series.SeriesUID + "/instances/" + series.InstanceUID(0), "/workitems/1.2.826.0.77"} {
				s.Expect(t, 404, dicom("GET", path, nil))
			}
			for _, query := range []string{"/studies?PatientID=" + mrn, "/instances?StudyInstanceUID=" + series.StudyUID} {
				if a := s.Expect(t, 200, dicom("GET", query, nil)); strings.Contains(string(a.Body), series.StudyUID) {
					t.Errorf("%s finds %s", query, a.Body)
				}
			}
			if a := s.Expect(t, 200, dicom("GET", "/changefeed", nil)); strings.Contains(string(a.Body), series.InstanceUID(0)) {
				t.Errorf("the feed still tells of them: %s", a.Body)
			}
			until(t, "the feed tells that the study is gone", func() bool {
				return strings.Contains(string(s.Expect(t, 200, dicom("GET", "/changefeed", nil)).Body), `"action":"delete"`)
			})
		})
		t.Run("R000-018 the log explains the gap", func(t *testing.T) { s.explained(t, ref, len(c.Erased)) })
	})
}
