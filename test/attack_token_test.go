package test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// withoutToken: every door but the open paths wants a token, and says no more.
func (w *town) withoutToken(t *testing.T) {
	id := strings.TrimPrefix(w.patient, "Patient/")
	study := "/dicomweb/studies/" + w.study.StudyUID
	for _, q := range []servertest.Request{
		{Method: "GET", Path: "/fhir/Patient"},
		{Method: "GET", Path: "/fhir/Patient/" + id},
		{Method: "HEAD", Path: "/fhir/Patient/" + id},
		{Method: "GET", Path: "/fhir/Patient/" + id + "/_history"},
		{Method: "GET", Path: "/fhir/Patient/" + id + "/_history/1"},
		{Method: "GET", Path: "/fhir/Patient/" + id + "/$bytes"},
		{Method: "GET", Path: "/fhir/" + w.binary},
		{Method: "GET", Path: "/fhir/" + w.root + "/$case"},
		{Method: "GET", Path: "/fhir/" + w.root + "/$dossier"},
		{Method: "POST", Path: "/fhir/" + w.root + "/$sign", Body: []byte(`{}`)},
		{Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: []byte(`{}`)},
		{Method: "POST", Path: "/fhir/Patient", Body: []byte(`{"resourceType":"Patient"}`)},
		{Method: "POST", Path: "/fhir/Patient/_search", Body: []byte("name=x"), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		{Method: "POST", Path: "/fhir/Patient/$validate", Body: []byte(`{"resourceType":"Patient"}`)},
		{Method: "PUT", Path: "/fhir/Patient/" + id, Body: []byte(`{"resourceType":"Patient"}`)},
		{Method: "PATCH", Path: "/fhir/Patient/" + id, Body: []byte(`[]`)},
		{Method: "DELETE", Path: "/fhir/Patient/" + id},
		{Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"batch"}`)},
		{Method: "POST", Path: "/fhir/Binary", Body: []byte("x"), Header: map[string]string{"Content-Type": "text/plain"}},
		{Method: "GET", Path: "/dicomweb/studies"},
		{Method: "GET", Path: study},
		{Method: "GET", Path: study + "/metadata"},
		{Method: "GET", Path: study + "/series/" + w.study.SeriesUID + "/instances/" + w.study.InstanceUID(0) + "/frames/1"},
		{Method: "POST", Path: "/dicomweb/studies", Body: w.study.Slice(0), Header: map[string]string{"Content-Type": "application/dicom"}},
		{Method: "POST", Path: "/adapters/mes/news", Body: []byte(`{"id":"1"}`), Header: map[string]string{"Content-Type": "application/json"}},
	} {
		t.Run("R000-010 "+q.Method+" "+strings.NewReplacer(id, "ID", w.study.StudyUID, "STUDY").Replace(q.Path), func(t *testing.T) {
			w.closed(t, q)
		})
	}
	for path, want := range map[string]int{"/fhir/metadata": 200, "/healthz": 200, "/readyz": 200, "/": 200, "/adapters/mes/orders": 401, "/nothing": 404, "/metrics": 404, "/debug/pprof/": 404} {
		a := w.Send(t, servertest.Request{Method: "GET", Path: path})
		if a.Status != want && !(want == 401 && a.Status == 404) {
			t.Errorf("GET %s = %d, want %d", path, a.Status, want)
		}
		discreet(t, servertest.Request{}, a)
	}
}

// closed sends a request without a token, with a wrong one, and with what looks
// like one.
func (w *town) closed(t *testing.T, q servertest.Request) {
	news := strings.HasPrefix(q.Path, "/adapters/")
	for name, header := range map[string]string{
		"none": "", "unknown": "Bearer tn_unknown", "basic": "Basic b3BlcmF0b3I6", "empty": "Bearer ", "the hash": "Bearer operator", "two": "Bearer a, Bearer " + w.token["clin"],
	} {
		p := q
		p.Header = map[string]string{}
		for n, v := range q.Header {
			p.Header[n] = v
		}
		if header != "" {
			p.Header["Authorization"] = header
		}
		a := w.Send(t, p)
		if a.Status != 401 {
			t.Errorf("%s token: %d %.300s, want 401", name, a.Status, a.Body)
		}
		if a.Header.Get("WWW-Authenticate") == "" && !news {
			t.Errorf("%s token: no WWW-Authenticate", name)
		}
		discreet(t, servertest.Request{}, a)
	}
}

// ownOnly: a patient's token reaches the patient's own record and the directory.
func (w *town) ownOnly(t *testing.T) {
	victim := w.token["victim"]
	get := func(token, path string) *servertest.Answer {
		return w.Send(t, servertest.Request{Token: token, Method: "GET", Path: "/fhir/" + path})
	}
	t.Run("R000-010 R001-150 a patient reads the own record alone", func(t *testing.T) {
		for path, want := range map[string]int{w.patient: 200, w.own["rival"]: 404, w.foreign: 404, "PractitionerRole/clin-wang": 200} {
			if a := get(victim, path); a.Status != want {
				t.Errorf("GET %s = %d, want %d", path, a.Status, want)
			}
		}
		a := get(victim, "Patient?_total=accurate")
		if !strings.Contains(string(a.Body), `"total":1,`) && !strings.Contains(string(a.Body), `"total":1}`) || !strings.Contains(string(a.Body), secretName) {
			t.Errorf("a patient finds %.500s", a.Body)
		}
		if refs := (via{nil, w.token["patient"]}).found(t, w.Client, "Patient?_count=100"); fmt.Sprint(refs) != fmt.Sprint([]string{w.own["patient"]}) {
			t.Errorf("another patient finds %v", refs)
		}
	})
	t.Run("R000-010 a patient changes no record", func(t *testing.T) {
		for _, q := range []servertest.Request{
			{Method: "PUT", Path: "/fhir/" + w.patient, Body: []byte(`{"resourceType":"Patient","id":"` + strings.TrimPrefix(w.patient, "Patient/") + `"}`)},
			{Method: "DELETE", Path: "/fhir/" + w.patient},
			{Method: "POST", Path: "/fhir/DeviceRequest", Body: []byte(`{"resourceType":"DeviceRequest","intent":"order","codeCodeableConcept":{"text":"x"},"subject":{"reference":"` + w.patient + `"}}`)},
			{Method: "POST", Path: "/fhir/PractitionerRole", Body: []byte(`{"resourceType":"PractitionerRole"}`)},
			{Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: []byte(applying(w.patient, "X"))},
		} {
			q.Token = victim
			if a := w.Send(t, q); a.Status != 403 {
				t.Errorf("%s %s = %d %.300s, want 403", q.Method, q.Path, a.Status, a.Body)
			}
		}
	})
}

// TestOperatorNeverSigns: with --dev a request without a token acts as the
// operator, who reads and imports, and cannot put a signature or move a stage.
func TestOperatorNeverSigns(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, appDev)
	clin := s.Token(t, "PractitionerRole/clin-wang")
	if err := s.App.IssueSigner(t.Context(), "PractitionerRole/clin-wang", "secret of clin-wang"); err != nil {
		t.Fatal(err)
	}
	patient := s.Create(t, clin, `{"resourceType":"Patient","name":[{"text":"x"}]}`)
	root := s.Expect(t, 201, servertest.Request{Token: clin, Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: []byte(applying(patient, "C-1"))}).Ref()
	stage := via{nil, clin}.found(t, s.Client, "Task?part-of="+root)[0]
	sign := []byte(`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"cancel"},{"name":"secret","valueString":"secret of clin-wang"}]}`)
	s.Expect(t, 200, servertest.Request{Method: "GET", Path: "/fhir/" + stage})
	task := s.Expect(t, 200, servertest.Request{Method: "GET", Path: "/fhir/" + stage}).Body
	moved := strings.Replace(string(task), `"status":"requested"`, `"status":"received"`, 1)
	for name, q := range map[string]servertest.Request{
		"sign":            {Method: "POST", Path: "/fhir/" + root + "/$sign", Body: sign},
		"move by patch":   patches("", stage, `[{"op":"replace","path":"/status","value":"received"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"received"}]}}]`),
		"cancel":          patches("", root, `[{"op":"replace","path":"/status","value":"cancelled"}]`),
		"move by put":     {Method: "PUT", Path: "/fhir/" + stage, Body: []byte(moved)},
		"move in a batch": {Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + moved + `,"request":{"method":"PUT","url":"` + stage + `"}}]}`)},
		"remove a stage":  {Method: "DELETE", Path: "/fhir/" + stage},
		"remove a case":   {Method: "DELETE", Path: "/fhir/" + root},
	} {
		t.Run("R000-007 "+name, func(t *testing.T) {
			if moved == string(task) && strings.HasPrefix(name, "move by put") {
				t.Fatalf("the Task is not as thought: %s", task)
			}
			a := s.Send(t, q)
			if a.Status != 403 && a.Status != 409 && a.Status != 422 {
				t.Errorf("%s %s = %d %.400s, want a refusal", q.Method, q.Path, a.Status, a.Body)
			}
			if after := s.Expect(t, 200, servertest.Request{Token: clin, Method: "GET", Path: "/fhir/" + stage}).Body; string(after) != string(task) {
				t.Errorf("the stage was changed: %s", after)
			}
		})
	}
}
