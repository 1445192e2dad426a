package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// people are the callers that the header As names; without it the operator asks.
var people = map[string]*access.Context{
	"": {Tenant: "main", Kind: access.Operator, Principal: "operator"},
	"clin": {Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/clin",
		Organization: "Organization/hospital", Roles: []access.Role{access.CLIN}},
	"stranger": {Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/far",
		Organization: "Organization/elsewhere", Roles: []access.Role{access.CLIN}},
}

// realDoor is the door over a recorder, a SQLite database and a blob store.
func realDoor(t *testing.T) http.Handler {
	t.Helper()
	return houseOn(t, "sqlite://"+filepath.Join(t.TempDir(), "db"))
}

// must sends a request and fails the test on another status.
func must(t *testing.T, h http.Handler, status int, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	if body != "" && !strings.Contains(strings.Join(headers, "\n"), "Content-Type: ") {
		headers = append(headers, fhirJSON)
	}
	w := do(h, method, path, body, headers...)
	if w.Code != status {
		t.Fatalf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	return w
}

// create posts a resource and returns its id.
func create(t *testing.T, h http.Handler, body string, headers ...string) string {
	t.Helper()
	var typ string
	_, _ = fmt.Sscanf(body, `{"resourceType":%q`, &typ)
	w := must(t, h, 201, "POST", "/fhir/"+typ, body, headers...)
	return strings.Split(strings.TrimPrefix(w.Header().Get("Location"), base+"/"), "/")[1]
}

// find runs a search and returns the ids of matches and of what they include.
func find(t *testing.T, h http.Handler, query string, headers ...string) (matches, included []string, next string) {
	t.Helper()
	w := must(t, h, 200, "GET", "/fhir/"+query, "", headers...)
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	valid(t, d.Root(), "Bundle")
	for e := range d.Root().Field("entry").Items() {
		id := e.Path("resource", "id").Str()
		switch e.Path("search", "mode").Str() {
		case "match":
			matches = append(matches, id)
		case "include":
			included = append(included, id)
		}
	}
	for l := range d.Root().Field("link").Items() {
		if l.Field("relation").Str() == "next" {
			next = strings.TrimPrefix(l.Field("url").Str(), base+"/")
		}
	}
	return matches, included, next
}

// A resource lives: create, read, update, conflict, delete, and its history.
func TestLifeOfAResource(t *testing.T) {
	h := realDoor(t)
	id := create(t, h, `{"resourceType":"Patient","active":true,"multipleBirthInteger":2}`)
	at := "/fhir/Patient/" + id
	read := must(t, h, 200, "GET", at, "")
	if read.Header().Get("ETag") != `W/"1"` || !strings.Contains(read.Body.String(), `"versionId":"1"`) {
		t.Errorf("read = %v %s", read.Header(), read.Body)
	}
	must(t, h, 304, "GET", at, "", `If-None-Match: W/"1"`)
	must(t, h, 200, "PUT", at, `{"resourceType":"Patient","id":"`+id+`","active":false}`, `If-Match: W/"1"`)
	if w := must(t, h, 412, "PUT", at, `{"resourceType":"Patient","id":"`+id+`"}`, `If-Match: W/"1"`); outcome(t, w.Body.Bytes()) != "stale-if-match" {
		t.Errorf("stale = %s", w.Body)
	}
	must(t, h, 200, "PATCH", at, `[{"op":"add","path":"/birthDate","value":"2000-02-29"}]`, "Content-Type: application/json-patch+json")
	must(t, h, 422, "PATCH", at, `[{"op":"add","path":"/birthDate","value":"2000-02-30"}]`, "Content-Type: application/json-patch+json")
	must(t, h, 400, "PUT", at, `{"resourceType":"Patient","id":"other"}`)
	must(t, h, 204, "DELETE", at, "")
	must(t, h, 410, "GET", at, "")
	must(t, h, 204, "DELETE", at, "")
	must(t, h, 200, "GET", at+"/_history/1", "")
	must(t, h, 404, "GET", at+"/_history/9", "")
	d, err := tree.Parse(must(t, h, 200, "GET", at+"/_history", "").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.Root(), "Bundle")
	story := ""
	for e := range d.Root().Field("entry").Items() {
		story += e.Path("request", "method").Str() + " " + e.Path("response", "status").Str() + ", "
	}
	if story != "DELETE 204, PATCH 200, PUT 200, POST 201, " {
		t.Errorf("history = %s", story)
	}
	if ids, _, _ := find(t, h, "Patient?_id="+id); len(ids) != 0 {
		t.Errorf("a deleted resource is found: %v", ids)
	}
	must(t, h, 404, "PUT", "/fhir/Patient/chosen", `{"resourceType":"Patient","id":"chosen"}`, "As: clin")
}

// Of two who change the same version at once, one is told so: nothing is lost.
func TestConcurrentUpdates(t *testing.T) {
	h := realDoor(t)
	id := create(t, h, `{"resourceType":"Patient"}`)
	status := make([]int, 8)
	var all sync.WaitGroup
	for i := range status {
		all.Go(func() {
			body := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"multipleBirthInteger":%d}`, id, i+1)
			status[i] = do(h, "PUT", "/fhir/Patient/"+id, body, fhirJSON, `If-Match: W/"1"`).Code
		})
	}
	all.Wait()
	won := 0
	for _, s := range status {
		switch s {
		case 200:
			won++
		case 412:
		default:
			t.Errorf("status %d, want 200 or 412", s)
		}
	}
	if won != 1 {
		t.Errorf("%d of 8 updates of one version won, want 1 (%v)", won, status)
	}
	made := make([]string, 8)
	for i := range made {
		all.Go(func() {
			w := do(h, "POST", "/fhir/Patient", `{"resourceType":"Patient","identifier":[{"system":"urn:s","value":"once"}]}`, fhirJSON, "If-None-Exist: identifier=urn:s|once")
			made[i] = fmt.Sprint(w.Code, " ", w.Header().Get("Location"))
		})
	}
	all.Wait()
	if ids, _, _ := find(t, h, "Patient?identifier=urn:s%7Conce"); len(ids) != 1 {
		t.Errorf("8 conditional creates at once made %d resources: %v", len(ids), made)
	}
}

// Searches as a client sees them, over real index rows.
// https://hl7.org/fhir/R4/search.html
func TestSearches(t *testing.T) {
	h := realDoor(t)
	eve := create(t, h, `{"resourceType":"Patient","active":true,"gender":"female","birthDate":"1970-03-30","name":[{"family":"Carreño Quiñones","given":["Eve"]}],"identifier":[{"system":"urn:mrn","value":"A1","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]}}]}`)
	zhang := create(t, h, `{"resourceType":"Patient","gender":"male","birthDate":"1980","name":[{"family":"张","given":["三"]}]}`)
	bare := create(t, h, `{"resourceType":"Patient"}`)
	doctor := create(t, h, `{"resourceType":"Practitioner","name":[{"family":"House"}]}`)
	ucum := `"system":"http://unitsofmeasure.org"`
	mg := create(t, h, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"subject":{"reference":"`+base+`/Patient/`+eve+`"},
		"performer":[{"reference":"Practitioner/`+doctor+`"}],"effectiveDateTime":"2020-05-05T10:00:00+08:00","valueQuantity":{"value":5.4,"unit":"mg",`+ucum+`,"code":"mg"}}`)
	gram := create(t, h, `{"resourceType":"Observation","status":"preliminary","code":{"text":"by hand"},"subject":{"reference":"Patient/`+zhang+`","identifier":{"system":"urn:mrn","value":"Z9"}},
		"effectivePeriod":{"start":"2020-06"},"valueQuantity":{"value":0.0054,`+ucum+`,"code":"g"}}`)
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"Patient?name=eve", []string{eve}},
		{"Patient?name=quinones", []string{eve}},
		{"Patient?family=Carreno", []string{eve}},
		{"Patient?family:exact=Carreno+Qui%C3%B1ones", nil},
		{"Patient?family:exact=Carre%C3%B1o+Qui%C3%B1ones", []string{eve}},
		{"Patient?name:contains=%E4%B8%89", []string{zhang}},
		{"Patient?name=%E5%BC%A0%E4%B8%89", []string{zhang}},
		{"Patient?gender=male,female", []string{eve, zhang}},
		{"Patient?gender:not=male", []string{eve, bare}},
		{"Patient?gender:missing=true", []string{bare}},
		{"Patient?gender=http://hl7.org/fhir/administrative-gender%7Cmale", []string{zhang}},
		{"Patient?identifier=urn:mrn%7CA1", []string{eve}},
		{"Patient?identifier=urn:mrn%7Ca1", []string{eve}},
		{"Patient?identifier=%7CA1", nil},
		{"Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203%7CMR%7CA1", []string{eve}},
		{"Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203%7CSS%7CA1", nil},
		{"Patient?birthdate=1970", []string{eve}},
		{"Patient?birthdate=gt1979", []string{zhang}},
		{"Patient?birthdate=1980-01", nil},
		{"Patient?birthdate=ge1970-03-30&birthdate=lt1981", []string{eve, zhang}},
		{"Patient?_id=" + eve + "," + bare, []string{eve, bare}},
		{"Patient?_lastUpdated=gt2020", []string{eve, zhang, bare}},
		{"Patient?_lastUpdated=lt2020", nil},
		{"Observation?code=http://loinc.org%7C1-1", []string{mg}},
		{"Observation?code:missing=false", []string{mg, gram}},
		{"Observation?subject=Patient/" + eve, []string{mg}},
		{"Observation?subject=" + base + "/Patient/" + eve, []string{mg}},
		{"Observation?patient=" + zhang, []string{gram}},
		{"Observation?subject:Patient=" + eve, []string{mg}},
		{"Observation?subject:identifier=urn:mrn%7CZ9", []string{gram}},
		{"Observation?patient.name=eve", []string{mg}},
		{"Observation?subject:Patient.birthdate=lt1975", []string{mg}},
		{"Observation?performer:Practitioner.name=house&patient.gender=female", []string{mg}},
		{"Patient?_has:Observation:patient:code=1-1", []string{eve}},
		{"Patient?_has:Observation:patient:performer:Practitioner.family=House", []string{eve}},
		{"Observation?date=2020-05-05", []string{mg}},
		{"Observation?date=2020-05-05T02:00Z", []string{mg}},
		{"Observation?date=ge2021", []string{gram}},
		{"Observation?date=sa2020-05-31", []string{gram}},
		{"Observation?value-quantity=5.4%7Chttp://unitsofmeasure.org%7Cmg", []string{mg, gram}},
		{"Observation?value-quantity=gt5.4%7Chttp://unitsofmeasure.org%7Cmg", nil},
		{"Observation?value-quantity=le5400%7Chttp://unitsofmeasure.org%7Cug", []string{mg, gram}},
		{"Observation?value-quantity=5.4", []string{mg}},
		{"Observation?value-quantity=5.4%7C%7Cmg", []string{mg}},
		{"Patient?_sort=family", []string{eve, zhang, bare}},
		{"Patient?_sort=-birthdate", []string{zhang, eve, bare}},
		{"Patient?_sort=birthdate", []string{eve, zhang, bare}},
	} {
		got, _, _ := find(t, h, c.query, "Prefer: handling=strict")
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s = %v, want %v", c.query, got, c.want)
		}
	}
	if _, included, _ := find(t, h, "Observation?_id="+mg+"&_include=Observation:patient&_include=Observation:performer"); len(included) != 2 {
		t.Errorf("included = %v, want patient and performer", included)
	}
	if _, included, _ := find(t, h, "Patient?_id="+eve+"&_revinclude=Observation:subject&_include:iterate=Observation:performer"); len(included) != 2 {
		t.Errorf("included = %v, want the observation and its performer", included)
	}
	count := must(t, h, 200, "GET", "/fhir/Patient?_count=0", "").Body.String()
	if !strings.Contains(count, `"total":3`) || strings.Contains(count, `"entry"`) {
		t.Errorf("_count=0 = %s", count)
	}
	if ids, _, _ := find(t, h, "Patient?name=eve", "As: stranger"); len(ids) != 0 {
		t.Errorf("a stranger finds %v", ids)
	}
	if ids, _, _ := find(t, h, "PractitionerRole?practitioner.name=x&_total=accurate", "As: stranger"); len(ids) != 0 {
		t.Errorf("a stranger finds %v", ids)
	}
}

// Pages cover every match once, in order, while others write.
func TestPages(t *testing.T) {
	h := realDoor(t)
	for i := range 13 {
		family := ""
		if i%3 != 0 {
			family = fmt.Sprintf(`,"name":[{"family":"F%d"}]`, i%4)
		}
		create(t, h, `{"resourceType":"Patient","active":true`+family+`}`)
	}
	for _, query := range []string{"Patient?active=true&_count=4", "Patient?active=true&_count=4&_sort=family", "Patient?active=true&_count=5&_sort=-family,-_id"} {
		seen, next := map[string]int{}, query
		for pages := 0; next != ""; pages++ {
			var ids []string
			ids, _, next = find(t, h, next)
			for _, id := range ids {
				seen[id]++
			}
			if pages > 5 {
				t.Fatalf("%s does not end", query)
			}
			create(t, h, `{"resourceType":"Patient","active":false}`)
		}
		if len(seen) != 13 {
			t.Errorf("%s: %d of 13 are seen", query, len(seen))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s is seen %d times", query, id, n)
			}
		}
	}
	_, _, next := find(t, h, "Patient?active=true&_count=4", "As: clin")
	if next != "" {
		t.Errorf("a clinician who reaches none gets a next page %q", next)
	}
	_, _, next = find(t, h, "Patient?active=true&_count=4")
	must(t, h, 400, "GET", "/fhir/"+next, "", "As: clin")
}

func TestTransactionAtBase(t *testing.T) {
	h := realDoor(t)
	w := must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001","resource":{"resourceType":"Patient","name":[{"family":"New"}]},"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001"}},"request":{"method":"POST","url":"Observation"}}]}`)
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.Root(), "Bundle")
	if ids, _, _ := find(t, h, "Observation?patient.family=new"); len(ids) != 1 {
		t.Errorf("the reference inside the transaction finds %v", ids)
	}
	must(t, h, 422, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","name":[{"family":"Lost"}]},"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Patient","gender":"wrong"},"request":{"method":"POST","url":"Patient"}}]}`)
	if ids, _, _ := find(t, h, "Patient?family=lost"); len(ids) != 0 {
		t.Errorf("half of a refused transaction is there: %v", ids)
	}
}

func TestContentOverRealBlobs(t *testing.T) {
	h := realDoor(t)
	stl := strings.Repeat("facet normal 0 0 1\n", 100_000)
	w := must(t, h, 201, "POST", "/fhir/Binary", stl, "Content-Type: model/stl")
	at := "/fhir" + strings.TrimPrefix(strings.Split(w.Header().Get("Location"), "/_history")[0], base)
	if got := must(t, h, 200, "GET", at, "").Body.String(); got != stl {
		t.Errorf("%d of %d bytes came back", len(got), len(stl))
	}
	if got := must(t, h, 206, "GET", at, "", "Range: bytes=1500000-1500018").Body.String(); got != stl[1500000:1500019] {
		t.Errorf("range = %q", got)
	}
	if got := must(t, h, 200, "GET", at, "", "Accept: application/fhir+json").Body.String(); !strings.Contains(got, `"data":"`) || !strings.Contains(got, "urn:tenon:extension:sha-256") {
		t.Errorf("JSON form = %.300s", got)
	}
	must(t, h, 404, "GET", at, "", "As: stranger")
}
