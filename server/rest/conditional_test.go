package rest_test

// https://hl7.org/fhir/R4/http.html#concurrency, #ccreate, #cond-update and #trules

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/record"
	"tenon/server/rest"
)

func TestPreconditions(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		id := create(t, h, `{"resourceType":"Patient"}`)
		at, body := "/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`"}`
		must(t, h, 200, "PUT", at, body, "If-Match: *")
		must(t, h, 412, "PUT", at, body, "If-None-Match: *")
		must(t, h, 400, "PUT", at, body, `If-None-Match: W/"1"`)
		must(t, h, 412, "PUT", "/fhir/Patient/new", `{"resourceType":"Patient","id":"new"}`, "If-Match: *")
		must(t, h, 201, "PUT", "/fhir/Patient/new", `{"resourceType":"Patient","id":"new"}`, "If-None-Match: *")
		must(t, h, 412, "PATCH", at, `{"active":true}`, merge, `If-Match: W/"1"`)
		must(t, h, 412, "DELETE", at, "", `If-Match: W/"1"`)
		modified := must(t, h, 200, "GET", at, "").Header().Get("Last-Modified")
		must(t, h, 304, "GET", at, "", "If-Modified-Since: "+modified)
		must(t, h, 200, "GET", at, "", "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT")
		must(t, h, 304, "GET", at, "", `If-None-Match: W/"2"`)
		must(t, h, 304, "GET", at, "", `If-None-Match: *`)
		must(t, h, 200, "GET", at, "", `If-None-Match: W/"1"`, "If-Modified-Since: "+modified)
		must(t, h, 204, "DELETE", at, "", "If-Match: *")
		must(t, h, 412, "PUT", at, body, "If-Match: *")
		must(t, h, 201, "PUT", at, body, "If-None-Match: *")
	})
}

func TestConditionals(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		patient := func(more string) string {
			return `{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"1"}]` + more + `}`
		}
		const by = "/fhir/Patient?identifier=urn:h%7C1"
		must(t, h, 404, "PATCH", by, `{"active":true}`, merge)
		must(t, h, 404, "DELETE", by, "")
		must(t, h, 201, "PUT", by, patient(`,"id":"mine"`))
		must(t, h, 200, "PUT", by, patient(`,"id":"mine","active":true`))
		must(t, h, 200, "PUT", by, patient(``))
		must(t, h, 400, "PUT", by, patient(`,"id":"other"`))
		must(t, h, 409, "PUT", "/fhir/Patient?identifier=urn:h%7C2", patient(`,"id":"mine"`))
		must(t, h, 412, "PUT", by, patient(``), `If-Match: W/"1"`)
		if w := must(t, h, 200, "POST", "/fhir/Patient", patient(``), "If-None-Exist: identifier=urn:h|1"); !strings.Contains(w.Header().Get("Location"), "/Patient/mine/") {
			t.Errorf("Location = %q, want that of the one that is there", w.Header().Get("Location"))
		}
		must(t, h, 201, "POST", "/fhir/Patient", patient(``))
		for _, c := range []struct{ method, path, body, header string }{
			{"PUT", by, patient(``), fhirJSON}, {"PATCH", by, `{"active":true}`, merge}, {"DELETE", by, "", fhirJSON},
			{"POST", "/fhir/Patient", patient(``), "If-None-Exist: identifier=urn:h|1"},
		} {
			must(t, h, 412, c.method, c.path, c.body, c.header)
		}
		must(t, h, 400, "PUT", "/fhir/Patient?colour=red", patient(``))
		must(t, h, 400, "DELETE", "/fhir/Patient", "")
		must(t, h, 400, "DELETE", "/fhir/Patient?_format=json", "")
	})
}

// Equal conditional writes at the same time make one resource.
func TestConditionalRaces(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		for round := range 3 {
			for _, c := range []struct{ name, method, path, header string }{
				{"create", "POST", "/fhir/Patient", "If-None-Exist: identifier=urn:create|%d&gender:missing=true"},
				{"update", "PUT", "/fhir/Patient?identifier=urn:update%%7C%d&gender:missing=true", "X: %d"},
			} {
				var wg sync.WaitGroup
				var mu sync.Mutex
				made := map[int]int{}
				for k := range 8 {
					wg.Go(func() {
						path, header := fill(c.path, round), fill(c.header, round)
						if k%2 > 0 { // the same criteria in another spelling
							path, header = respelled(path), respelled(header)
						}
						w := do(h, c.method, path, fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"urn:%s","value":"%d"}]}`, c.name, round), fhirJSON, header)
						mu.Lock()
						made[w.Code]++
						mu.Unlock()
					})
				}
				wg.Wait()
				ids, _, _ := find(t, h, fmt.Sprintf("Patient?identifier=urn:%s%%7C%d", c.name, round))
				if len(ids) != 1 || made[201] != 1 || made[200]+made[201]+made[409] != 8 {
					t.Errorf("%s, round %d: %d resources, answers %v; want one, made once", c.name, round, len(ids), made)
				}
			}
		}
	})
}

// respelled turns round the criteria of the races and codes them otherwise.
func respelled(s string) string {
	at := strings.Index(s, "identifier=")
	if at < 0 {
		return s
	}
	first, second, _ := strings.Cut(s[at:], "&")
	return s[:at] + second + "&" + strings.NewReplacer("|", "%7c", "%7C", "%7c", ":", "%3A").Replace(first)
}

func fill(format string, n int) string {
	if strings.Contains(format, "%d") {
		return fmt.Sprintf(format, n)
	}
	return format
}

func transaction(entries ...string) string {
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

// entries sends a Bundle and returns the entries of the answer.
func entries(t *testing.T, h http.Handler, status int, bundle string) []tree.Node {
	t.Helper()
	w := must(t, h, status, "POST", "/fhir", bundle)
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var all []tree.Node
	for e := range d.Root().Field("entry").Items() {
		all = append(all, e)
	}
	return all
}

func TestTransactionConditions(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		body := `{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"7"}]}`
		update := `{"resource":` + body + `,"request":{"method":"PUT","url":"Patient?identifier=urn:h%7C7"}}`
		must(t, h, 400, "POST", "/fhir", transaction(update, update))
		must(t, h, 400, "POST", "/fhir", transaction(update, strings.Replace(update, "identifier=urn:h%7C7", "identifier=urn%3Ah|7", 1)))
		if ids, _, _ := find(t, h, "Patient"); len(ids) != 0 {
			t.Errorf("a refused transaction left %v", ids)
		}
		make := `{"fullUrl":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-00000000000%d","resource":` + body + `,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:h|7"}}`
		answer := entries(t, h, 200, transaction(fmt.Sprintf(make, 1), fmt.Sprintf(make, 2),
			`{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000002"}},"request":{"method":"POST","url":"Observation"}}`))
		first, second := answer[0].Path("response", "location").Str(), answer[1].Path("response", "location").Str()
		if first != second || answer[0].Path("response", "status").Str() != "201" || answer[1].Path("response", "status").Str() != "200" {
			t.Errorf("two equal conditional creates gave %s and %s", answer[0].Raw(), answer[1].Raw())
		}
		id := strings.Split(first, "/")[1]
		if ids, _, _ := find(t, h, "Observation?subject=Patient/"+id); len(ids) != 1 {
			t.Errorf("the reference to the second finds %v", ids)
		}
		must(t, h, 400, "POST", "/fhir", transaction(update, `{"resource":{"resourceType":"Patient","id":"`+id+`"},"request":{"method":"PUT","url":"Patient/`+id+`"}}`))
		must(t, h, 412, "POST", "/fhir", transaction(`{"resource":{"resourceType":"Patient","id":"`+id+`"},"request":{"method":"PUT","url":"Patient/`+id+`","ifMatch":"W/\"9\""}}`))
		must(t, h, 412, "POST", "/fhir", transaction(`{"resource":{"resourceType":"Patient","id":"`+id+`"},"request":{"method":"PUT","url":"Patient/`+id+`","ifNoneMatch":"*"}}`))
		answer = entries(t, h, 200, transaction(`{"request":{"method":"GET","url":"Patient/`+id+`","ifNoneMatch":"W/\"1\""}}`, `{"request":{"method":"GET","url":"Patient/`+id+`/_history/1"}}`))
		if answer[0].Path("response", "status").Str() != "304" || answer[1].Path("resource", "id").Str() != id {
			t.Errorf("conditional read, vread = %s, %s", answer[0].Raw(), answer[1].Raw())
		}
	})
}

func TestTransactionReferences(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		org := create(t, h, `{"resourceType":"Organization","identifier":[{"system":"urn:o","value":"1"}],"name":"x"}`)
		observation := func(subject, rest string) string {
			return `{"fullUrl":"https://far.example/r4/Observation/9","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"` + subject + `"}` + rest + `},"request":{"method":"POST","url":"Observation"}}`
		}
		patient := `{"fullUrl":"https://far.example/r4/Patient/1","resource":{"resourceType":"Patient","identifier":[{"system":"https://far.example/r4/Patient/1","value":"https://far.example/r4/Patient/1"}],"managingOrganization":{"reference":"Organization?identifier=urn:o|1"}},"request":{"method":"POST","url":"Patient"}}`
		for _, subject := range []string{"https://far.example/r4/Patient/1", "Patient/1"} {
			answer := entries(t, h, 200, transaction(observation(subject, `,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"https://far.example/r4/Patient/1\">p</a></div>"}`), patient))
			p := strings.Join(strings.Split(answer[1].Path("response", "location").Str(), "/")[:2], "/")
			o := strings.Join(strings.Split(answer[0].Path("response", "location").Str(), "/")[:2], "/")
			stored := must(t, h, 200, "GET", "/fhir/"+o, "").Body.String()
			if !strings.Contains(stored, `"subject":{"reference":"`+p+`"}`) || !strings.Contains(stored, `href=\"`+p+`\"`) {
				t.Errorf("subject %s = %s, want %s", subject, stored, p)
			}
			stored = must(t, h, 200, "GET", "/fhir/"+p, "").Body.String()
			if !strings.Contains(stored, `"reference":"Organization/`+org+`"`) || !strings.Contains(stored, `"system":"`+p+`"`) || !strings.Contains(stored, `"value":"https://far.example/r4/Patient/1"`) {
				t.Errorf("patient = %s, want the organisation found, the uri rewritten and the string left alone", stored)
			}
		}
		for _, missing := range []string{"Organization?identifier=urn:o|2", "Patient?identifier:exact=x", "Patient?"} {
			w := do(h, "POST", "/fhir", transaction(observation(missing, "")), fhirJSON)
			if w.Code != 412 && w.Code != 400 {
				t.Errorf("reference %q = %d %s, want it refused", missing, w.Code, w.Body)
			}
		}
		organization := `{"resource":{"resourceType":"Organization","identifier":[{"system":"urn:o","value":"%s"}],"name":"new"},"request":{"method":"POST","url":"Organization"}}`
		answer := entries(t, h, 200, transaction(observation("Patient/"+create(t, h, `{"resourceType":"Patient"}`), `,"performer":[{"reference":"Organization?identifier=urn:o|new"}]`), fmt.Sprintf(organization, "new")))
		made := strings.Join(strings.Split(answer[1].Path("response", "location").Str(), "/")[:2], "/")
		if ids, _, _ := find(t, h, "Observation?performer="+made); len(ids) != 1 {
			t.Errorf("a conditional reference to what the transaction creates finds %v", ids)
		}
		must(t, h, 412, "POST", "/fhir", transaction(patient, fmt.Sprintf(organization, "1"))) // the one that is there, and the new one
		must(t, h, 412, "POST", "/fhir", transaction(observation("Organization?identifier=urn:o|two", ""), fmt.Sprintf(organization, "two"), fmt.Sprintf(organization, "two")))
		create(t, h, `{"resourceType":"Organization","identifier":[{"system":"urn:o","value":"1"}],"name":"y"}`)
		must(t, h, 412, "POST", "/fhir", transaction(patient))
	})
}

// A patch in a transaction may refer to an entry, wherever the reference stands in it.
func TestTransactionPatchReferences(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		id := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`)
		for i, patch := range []string{
			`[{"op":"add","path":"/subject","value":{"reference":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001"}}]`,
			`[{"op":"replace","path":"/subject/reference","value":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001"}]`,
		} {
			answer := entries(t, h, 200, transaction(
				`{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"`+base64.StdEncoding.EncodeToString([]byte(patch))+`"},"request":{"method":"PATCH","url":"Observation/`+id+`"}}`,
				`{"fullUrl":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`))
			patient := strings.Join(strings.Split(answer[1].Path("response", "location").Str(), "/")[:2], "/")
			if ids, _, _ := find(t, h, "Observation?subject="+patient); len(ids) != 1 {
				stored := must(t, h, 200, "GET", "/fhir/Observation/"+id, "")
				t.Errorf("patch %d: %s does not refer to %s", i, stored.Body, patient)
			}
		}
	})
}

// What a transaction deletes, it deletes first: conditions of its other entries
// match it no more.
func TestTransactionDeletesFirst(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		body := `{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"1"}]}`
		old := create(t, h, body)
		answer := entries(t, h, 200, transaction(
			`{"resource":`+body+`,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:h|1"}}`,
			`{"request":{"method":"DELETE","url":"Patient/`+old+`"}}`))
		if got := answer[0].Path("response", "status").Str(); got != "201" {
			t.Errorf("the create beside the delete of what it matches answers %s, want 201", got)
		}
		if ids, _, _ := find(t, h, "Patient?identifier=urn:h%7C1"); len(ids) != 1 || ids[0] == old {
			t.Errorf("left are %v, want the new one alone", ids)
		}
	})
}

// Deletes come first, then creates, updates, patches, and reads at last, whatever
// the order of the entries; the answer keeps the order of the request.
func TestTransactionOrder(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		old := create(t, h, `{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"1"}]}`)
		answer := entries(t, h, 200, transaction(
			`{"request":{"method":"GET","url":"Patient?identifier=urn:h%7C2"}}`,
			`{"resource":{"resourceType":"Patient","id":"put"},"request":{"method":"PUT","url":"Patient/put"}}`,
			`{"resource":{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"2"}]},"request":{"method":"POST","url":"Patient"}}`,
			`{"request":{"method":"DELETE","url":"Patient/`+old+`"}}`))
		var got []string
		for _, e := range answer {
			got = append(got, e.Path("response", "status").Str())
		}
		if strings.Join(got, " ") != "200 201 201 204" || answer[0].Path("resource", "entry").Len() != 1 {
			t.Errorf("answers = %v, the read found %s", got, answer[0].Raw())
		}
	})
}

// By default a conditional delete of several is refused; a policy lets so many
// go, together, and no more. https://hl7.org/fhir/R4/http.html#delete
func TestConditionalDeleteOfSeveral(t *testing.T) {
	dir := t.TempDir()
	for most, want := range map[int]struct{ status, left int }{0: {412, 2}, 2: {204, 0}, 5: {204, 0}} {
		h := houseOn(t, fmt.Sprintf("sqlite://%s/%d", dir, most), func(r *record.Options, d *rest.Options) { r.DeleteSeveral, d.DeleteSeveral = most, most > 1 })
		for range 2 {
			create(t, h, `{"resourceType":"Patient","gender":"other"}`)
		}
		single := create(t, h, `{"resourceType":"Patient","gender":"male"}`)
		must(t, h, want.status, "DELETE", "/fhir/Patient?gender=other", "")
		if ids, _, _ := find(t, h, "Patient?gender=other"); len(ids) != want.left {
			t.Errorf("policy %d: %d are left, want %d", most, len(ids), want.left)
		}
		must(t, h, 204, "DELETE", "/fhir/Patient?gender=male", "")
		must(t, h, 410, "GET", "/fhir/Patient/"+single, "")
		stated := must(t, h, 200, "GET", "/fhir/metadata", "").Body.String()
		if got := strings.Contains(stated, `"conditionalDelete":"multiple"`); got != (most > 1) {
			t.Errorf("policy %d: multiple is stated: %v", most, got)
		}
		for range most + 1 {
			create(t, h, `{"resourceType":"Patient","gender":"unknown"}`)
		}
		if most > 1 {
			must(t, h, 412, "DELETE", "/fhir/Patient?gender=unknown", "")
			if ids, _, _ := find(t, h, "Patient?gender=unknown"); len(ids) != most+1 {
				t.Errorf("policy %d: a refused delete left %d of %d", most, len(ids), most+1)
			}
		}
		create(t, h, `{"resourceType":"Device","status":"active"}`)
		must(t, h, 404, "DELETE", "/fhir/Patient?gender=other&active=true", "")
	}
}
