package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
	"tenon/server/search"
)

// outcome checks that an answer is one valid OperationOutcome and returns its
// first rule.
func outcome(t *testing.T, body []byte) string {
	t.Helper()
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatalf("the answer %q is not JSON: %v", body, err)
	}
	valid(t, d.Root(), "OperationOutcome")
	return d.Root().Path("issue", "details", "coding", "code").Str()
}

func valid(t *testing.T, n tree.Node, typ string) {
	t.Helper()
	plan, err := validate.Compile(r4.Model(), typ)
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range plan.Validate(n, nil) {
		t.Errorf("the answer is not valid FHIR: %s", is)
	}
}

// One line of the specification each: method, address, headers, body → status
// and headers. https://hl7.org/fhir/R4/http.html
func TestInteractions(t *testing.T) {
	const patient = `{"resourceType":"Patient","id":"1","active":false}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     map[string]string // header → value; "body" → part of it; "rule"
	}{
		{"read", "GET", "/fhir/Patient/1", "", nil, 200, map[string]string{"ETag": `W/"1"`, "Last-Modified": "Wed, 01 May 2024 08:30:10 GMT",
			"Content-Type": "application/fhir+json; fhirVersion=4.0", "X-Request-Id": "req-1", "X-Content-Type-Options": "nosniff", "body": `"valueDecimal":1.00`}},
		{"head", "HEAD", "/fhir/Patient/1", "", nil, 200, map[string]string{"ETag": `W/"1"`}},
		{"read of nothing", "GET", "/fhir/Patient/2", "", nil, 404, map[string]string{"rule": "not-found"}},
		{"read without a token", "GET", "/fhir/Patient/1", "", []string{"Nobody: x"}, 401, map[string]string{"WWW-Authenticate": `Bearer realm="fhir"`, "rule": "no-token"}},
		{"unchanged by tag", "GET", "/fhir/Patient/1", "", []string{`If-None-Match: W/"9", W/"1"`}, 304, map[string]string{"ETag": `W/"1"`}},
		{"changed by tag", "GET", "/fhir/Patient/1", "", []string{`If-None-Match: W/"2"`}, 200, nil},
		{"unchanged by date", "GET", "/fhir/Patient/1", "", []string{"If-Modified-Since: Wed, 01 May 2024 08:30:10 GMT"}, 304, nil},
		{"changed by date", "GET", "/fhir/Patient/1", "", []string{"If-Modified-Since: Wed, 01 May 2024 08:30:09 GMT"}, 200, nil},
		{"pretty", "GET", "/fhir/Patient/1?_pretty=true", "", nil, 200, map[string]string{"body": "\n  \"active\": true"}},
		{"elements", "GET", "/fhir/Patient/1?_elements=active", "", nil, 200, map[string]string{"body": `"SUBSETTED"`}},
		{"unknown element", "GET", "/fhir/Patient/1?_elements=colour", "", nil, 400, map[string]string{"rule": "read-elements"}},
		{"unknown parameter, lenient", "GET", "/fhir/Patient/1?colour=blue", "", nil, 200, nil},
		{"unknown parameter, strict", "GET", "/fhir/Patient/1?colour=blue", "", []string{"Prefer: handling=strict"}, 400, map[string]string{"rule": "read-parameter"}},
		{"vread", "GET", "/fhir/Patient/1/_history/1", "", nil, 200, map[string]string{"ETag": `W/"1"`}},
		{"vread of nothing", "GET", "/fhir/Patient/1/_history/9", "", nil, 404, nil},
		{"vread of no number", "GET", "/fhir/Patient/1/_history/x", "", nil, 404, nil},
		{"history", "GET", "/fhir/Patient/1/_history", "", nil, 200, map[string]string{"body": `"type":"history"`}},
		{"history since", "GET", "/fhir/Patient/1/_history?_since=yesterday", "", nil, 400, map[string]string{"rule": "history-parameter"}},
		{"history since", "GET", "/fhir/Patient/1/_history?_since=2020", "", nil, 200, nil},
		{"history of a type", "GET", "/fhir/Patient/_history", "", nil, 200, map[string]string{"body": `"type":"history"`}},
		{"history that is posted", "POST", "/fhir/Patient/_history", "", nil, 400, map[string]string{"rule": "interaction-not-supported"}},

		{"create", "POST", "/fhir/Patient", `{"resourceType":"Patient"}`, []string{fhirJSON}, 201, map[string]string{"Location": base + "/Patient/new/_history/1", "ETag": `W/"1"`, "body": `"id":"new"`}},
		{"create, minimal", "POST", "/fhir/Patient", `{"resourceType":"Patient"}`, []string{fhirJSON, "Prefer: return=minimal"}, 201, map[string]string{"body": "", "Location": base + "/Patient/new/_history/1"}},
		{"create, outcome", "POST", "/fhir/Patient", `{"resourceType":"Patient"}`, []string{fhirJSON, "Prefer: return=OperationOutcome"}, 201, map[string]string{"rule": "done"}},
		{"create, unknown preference", "POST", "/fhir/Patient", `{}`, []string{fhirJSON, "Prefer: return=everything"}, 400, map[string]string{"rule": "http-prefer"}},
		{"create in Turtle", "POST", "/fhir/Patient", `a fhir:Patient .`, []string{"Content-Type: application/fhir+turtle"}, 415, map[string]string{"rule": "http-content-type"}},
		{"create in R5", "POST", "/fhir/Patient", `{}`, []string{"Content-Type: application/fhir+json;fhirVersion=5.0"}, 415, nil},
		{"create in R4 with charset", "POST", "/fhir/Patient", `{"resourceType":"Patient"}`, []string{"Content-Type: application/fhir+json; fhirVersion=4.0; charset=UTF-8"}, 201, nil},
		{"create in Latin-1", "POST", "/fhir/Patient", `{}`, []string{"Content-Type: application/json; charset=latin1"}, 415, nil},
		{"create without type", "POST", "/fhir/Patient", `{}`, nil, 415, nil},
		{"create without body", "POST", "/fhir/Patient", ``, []string{fhirJSON}, 400, map[string]string{"rule": "http-body"}},
		{"create too long", "POST", "/fhir/Patient", strings.Repeat(" ", 5000), []string{fhirJSON}, 413, map[string]string{"rule": "http-body-limit"}},
		{"create compressed", "POST", "/fhir/Patient", `{}`, []string{fhirJSON, "Content-Encoding: br"}, 415, nil},

		{"update", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-Match: W/"1"`}, 200, map[string]string{"ETag": `W/"2"`, "Location": base + "/Patient/1/_history/2"}},
		{"update, strong tag", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-Match: "1"`}, 200, nil},
		{"update, stale", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-Match: W/"7"`}, 412, map[string]string{"rule": "stale-if-match"}},
		{"update, any", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-Match: *`}, 200, nil},
		{"update, any of nothing", "PUT", "/fhir/Patient/2", `{"resourceType":"Patient","id":"2"}`, []string{fhirJSON, `If-Match: *`}, 412, nil},
		{"update, two tags", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-Match: W/"1", W/"2"`}, 400, nil},
		{"update, no tag", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-Match: 1`}, 400, nil},
		{"update, If-None-Match", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-None-Match: *`}, 412, map[string]string{"rule": "exists-already"}},
		{"update, If-None-Match of a tag", "PUT", "/fhir/Patient/1", patient, []string{fhirJSON, `If-None-Match: W/"1"`}, 400, map[string]string{"rule": "http-condition"}},
		{"delete, If-None-Match", "DELETE", "/fhir/Patient/1", "", []string{`If-None-Match: *`}, 400, map[string]string{"rule": "http-condition"}},
		{"update by criteria", "PUT", "/fhir/Patient?identifier=a%7Cb", `{"resourceType":"Patient"}`, []string{fhirJSON}, 201, nil},
		{"update by nothing", "PUT", "/fhir/Patient", patient, []string{fhirJSON}, 400, map[string]string{"rule": "criteria-empty"}},
		{"patch", "PATCH", "/fhir/Patient/1", `[]`, []string{"Content-Type: application/json-patch+json"}, 200, nil},
		{"patch as FHIR", "PATCH", "/fhir/Patient/1", `{}`, []string{fhirJSON}, 200, nil},
		{"delete", "DELETE", "/fhir/Patient/1", "", nil, 204, map[string]string{"body": "", "ETag": `W/"2"`}},
		{"delete, outcome", "DELETE", "/fhir/Patient/1", "", []string{"Prefer: return=OperationOutcome"}, 200, map[string]string{"rule": "done"}},

		{"not acceptable", "GET", "/fhir/Patient/1", "", []string{"Accept: application/fhir+turtle"}, 406, map[string]string{"rule": "http-accept"}},
		{"acceptable second", "GET", "/fhir/Patient/1", "", []string{"Accept: application/fhir+turtle, application/fhir+json;q=0.5"}, 200, nil},
		{"acceptable by star", "GET", "/fhir/Patient/1", "", []string{"Accept: text/html, */*;q=0.1"}, 200, nil},
		{"refused by weight", "GET", "/fhir/Patient/1", "", []string{"Accept: application/fhir+json;q=0"}, 406, nil},
		{"acceptable version", "GET", "/fhir/Patient/1", "", []string{"Accept: application/fhir+json; fhirVersion=4.0"}, 200, nil},
		{"other version", "GET", "/fhir/Patient/1", "", []string{"Accept: application/fhir+json; fhirVersion=5.0"}, 406, nil},
		{"_format overrides", "GET", "/fhir/Patient/1?_format=json", "", []string{"Accept: text/html"}, 200, nil},
		{"_format with plus", "GET", "/fhir/Patient/1?_format=application/fhir+json", "", nil, 200, nil},
		{"_format ttl", "GET", "/fhir/Patient/1?_format=ttl", "", nil, 406, nil},

		{"transaction", "POST", "/fhir", `{"resourceType":"Bundle"}`, []string{fhirJSON}, 200, nil},
		{"transaction with slash", "POST", "/fhir/", `{"resourceType":"Bundle"}`, []string{fhirJSON}, 200, nil},
		{"metadata without a token", "GET", "/fhir/metadata", "", []string{"Nobody: x"}, 200, nil},
		{"metadata, terminology", "GET", "/fhir/metadata?mode=terminology", "", nil, 400, nil},
		{"options", "OPTIONS", "/fhir/Patient/1", "", []string{"Nobody: x"}, 204, map[string]string{"Allow": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"}},
		{"wrong method", "DELETE", "/fhir/Patient/1/_history/1", "", nil, 405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
		{"method not of a search", "DELETE", "/fhir/metadata", "", nil, 405, nil},
		{"unknown path", "GET", "/fhir/Patient/b/c/d", "", nil, 404, map[string]string{"rule": "unknown-path"}},
		{"unknown type", "GET", "/fhir/Wizard/1", "", nil, 404, map[string]string{"rule": "unknown-type"}},
		{"create of an unknown type", "POST", "/fhir/Wizard", "{}", []string{fhirJSON}, 404, map[string]string{"rule": "unknown-type"}},
		{"search of an unknown type", "GET", "/fhir/wizard?name=x", "", nil, 404, map[string]string{"rule": "unknown-type"}},
		{"unknown operation", "POST", "/fhir/Patient/1/$explode", "{}", []string{fhirJSON}, 404, map[string]string{"rule": "unknown-operation"}},
		{"unknown path without a token", "GET", "/fhir/a/b/c/d", "", []string{"Nobody: x"}, 401, nil},
		{"search across types", "GET", "/fhir?_type=Patient,Device", "", nil, 200, map[string]string{"body": "Bundle"}},
		{"search across types, unknown", "GET", "/fhir?_type=Wizard", "", nil, 400, map[string]string{"rule": "search-value"}},
		{"search of a compartment", "GET", "/fhir/Patient/1/Observation", "", nil, 200, map[string]string{"body": "/Patient/1/Observation"}},
		{"search of all in a compartment", "GET", "/fhir/Patient/1/*", "", nil, 200, map[string]string{"body": "Bundle"}},
		{"search outside a compartment", "GET", "/fhir/Patient/1/ValueSet", "", nil, 400, map[string]string{"rule": "search-compartment"}},
		{"no compartment", "GET", "/fhir/Medication/1/Observation", "", nil, 404, map[string]string{"rule": "search-compartment"}},
		{"nothing within", "GET", "/fhir/Patient/1/wizard", "", nil, 404, map[string]string{"rule": "unknown-path"}},

		{"apply", "POST", "/fhir/PlanDefinition/p/$apply", `{"resourceType":"Parameters"}`, []string{fhirJSON}, 201, map[string]string{"Location": base + "/Task/root/_history/1"}},
		{"case", "GET", "/fhir/Task/root/$case", "", nil, 200, map[string]string{"body": "Parameters"}},
		{"sign", "POST", "/fhir/Task/root/$sign", `{"resourceType":"Parameters"}`, []string{fhirJSON}, 403, map[string]string{"rule": "signing-secret", "body": "签名口令错误"}},
		{"R001-205 judge", "GET", "/fhir/Task/root/$judge", "", nil, 200, map[string]string{"body": "Parameters"}},
		{"case with escaped dollar", "GET", "/fhir/Task/root/%24case", "", nil, 200, map[string]string{"body": "Parameters"}},
		{"unknown operation, escaped", "GET", "/fhir/Task/root/%24no", "", nil, 404, map[string]string{"rule": "unknown-operation"}},
		{"validate", "POST", "/fhir/Patient/$validate", `{"resourceType":"Patient"}`, []string{fhirJSON}, 200, map[string]string{"rule": "valid"}},
		{"validate faults", "POST", "/fhir/Patient/$validate", `{"resourceType":"Patient","gender":7}`, []string{fhirJSON}, 200, map[string]string{"body": "Patient.gender"}},
		{"validate parameters", "POST", "/fhir/Patient/1/$validate", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient"}}]}`, []string{fhirJSON}, 200, map[string]string{"rule": "valid"}},
		{"validate of any type", "POST", "/fhir/Resource/$validate", `{"resourceType":"Patient"}`, []string{fhirJSON}, 200, map[string]string{"rule": "valid"}},
		{"validate by an unknown mode", "POST", "/fhir/Patient/$validate?mode=often", `{"resourceType":"Patient"}`, []string{fhirJSON}, 400, nil},
		{"validate by an unknown parameter", "POST", "/fhir/Patient/$validate", `{"resourceType":"Parameters","parameter":[{"name":"profil","valueUri":"http://x"}]}`, []string{fhirJSON}, 400, nil},
		{"validate what is no JSON", "POST", "/fhir/Patient/$validate", `{"a":1,"a":2}`, []string{fhirJSON}, 200, map[string]string{"rule": "json-duplicate-key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, h := door(t)
			w := do(h, c.method, c.path, c.body, c.headers...)
			if w.Code != c.status {
				t.Fatalf("%s %s = %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
			}
			for name, want := range c.want {
				switch name {
				case "rule":
					if got := outcome(t, w.Body.Bytes()); got != want {
						t.Errorf("rule = %q, want %q", got, want)
					}
				case "body":
					if got := w.Body.String(); !strings.Contains(got, want) || want == "" && got != "" {
						t.Errorf("body = %q, want %q in it", got, want)
					}
				default:
					if got := w.Header().Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			}
			if c.status >= 400 && c.method != "HEAD" {
				outcome(t, w.Body.Bytes())
			}
			if c.method == "HEAD" && w.Body.Len() > 0 {
				t.Error("HEAD has a body")
			}
		})
	}
}

// The recorder is told what the request said.
func TestDrafts(t *testing.T) {
	m, h := door(t)
	do(h, "POST", "/fhir/Patient", `{"resourceType":"Patient"}`, fhirJSON, "If-None-Exist: identifier=a|b")
	if op := m.draft.Ops[0]; op.IfNoneExist != "identifier=a|b" || op.Method != "POST" || m.draft.Door != "fhir" || m.draft.Operation != "create" {
		t.Errorf("draft = %+v", m.draft)
	}
	do(h, "DELETE", "/fhir/Patient?_format=json&identifier=a%7Cb", "", `If-Match: W/"3"`)
	if op := m.draft.Ops[0]; op.Criteria != "identifier=a%7Cb" || op.IfMatch != "3" {
		t.Errorf("op = %+v, want the criteria without _format", op)
	}
}

// What is no failure is answered without a word of it.
func TestServerFault(t *testing.T) {
	m, h := door(t)
	m.fault = errDatabase
	w := do(h, "GET", "/fhir/Patient/1", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "Zhang") || !strings.Contains(w.Body.String(), "req-1") {
		t.Errorf("fault = %d %s, want 500 with nothing but the request id", w.Code, w.Body)
	}
	if w.Header().Get("ETag") != "" {
		t.Error("a failure has an ETag")
	}
}

func TestSearchset(t *testing.T) {
	m, h := door(t)
	total := int64(2)
	body := []byte(`{"resourceType":"Patient","id":"1","meta":{"versionId":"1"},"birthDate":"2000","name":[{"family":"张"}],"multipleBirthInteger":2}`)
	m.page = &search.Page{Total: &total, Next: &search.Cursor{Row: 7}, Hits: []search.Hit{
		{Type: "Patient", ID: "1", Body: body, Level: 3},
		{Type: "Provenance", ID: "p", Body: []byte(`{"resourceType":"Provenance","id":"p","meta":{}}`), Included: true},
	}}
	w := do(h, "GET", "/fhir/Patient?name=%E5%BC%A0&colour=blue&_count=1&_elements=name&_pretty=false", "")
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil || w.Code != 200 {
		t.Fatalf("search = %d %s", w.Code, w.Body)
	}
	root := d.Root()
	if got := root.Field("total").Text(); got != "2" {
		t.Errorf("total = %q, want 2", got)
	}
	self, next := root.Field("link").Index(0), root.Field("link").Index(1)
	if got, want := self.Field("url").Str(), base+"/Patient?name=%E5%BC%A0&_count=1&_elements=name"; self.Field("relation").Str() != "self" || got != want {
		t.Errorf("self = %q, want %q", got, want)
	}
	if got := next.Field("url").Str(); next.Field("relation").Str() != "next" || !strings.HasPrefix(got, self.Field("url").Str()+"&_cursor=") {
		t.Errorf("next = %q", got)
	}
	modes := []string{}
	for e := range root.Field("entry").Items() {
		modes = append(modes, e.Path("search", "mode").Str())
	}
	if got := strings.Join(modes, " "); got != "match include outcome" {
		t.Errorf("modes = %s, want match include outcome", got)
	}
	match := root.Field("entry").Index(0)
	if match.Field("fullUrl").Str() != base+"/Patient/1" || match.Path("resource", "birthDate").Exists() || match.Path("resource", "name", "family").Str() != "张" {
		t.Errorf("match = %s", match.Raw())
	}
	again := do(h, "GET", strings.TrimPrefix(next.Field("url").Str(), "https://hospital.example"), "")
	if again.Code != 200 {
		t.Errorf("the next link = %d %s", again.Code, again.Body)
	}

	strict := do(h, "GET", "/fhir/Patient?colour=blue", "", "Prefer: handling=strict")
	if strict.Code != 400 || outcome(t, strict.Body.Bytes()) != "search-unknown-parameter" {
		t.Errorf("strict = %d %s", strict.Code, strict.Body)
	}
	post := do(h, "POST", "/fhir/Patient/_search?_count=1", "name=a+b&gender=male", "Content-Type: application/x-www-form-urlencoded")
	if post.Code != 200 || !strings.Contains(post.Body.String(), "Patient?_count=1\\u0026name=a+b\\u0026gender=male") {
		t.Errorf("POST _search = %d %s", post.Code, post.Body)
	}
	if w := do(h, "POST", "/fhir/Patient/_search", "{}", fhirJSON); w.Code != 415 {
		t.Errorf("POST _search in JSON = %d, want 415", w.Code)
	}
	if w := do(h, "GET", "/fhir/Patient?_format=xml", ""); w.Code != 406 {
		t.Errorf("search as XML = %d, want 406", w.Code)
	}
	m.page = &search.Page{}
	empty, err := tree.Parse(do(h, "GET", "/fhir/Patient", "").Body.Bytes())
	if err != nil || empty.Root().Field("total").Exists() || empty.Root().Field("entry").Exists() {
		t.Errorf("empty page = %s, %v, want neither total nor entry", empty.Src(), err)
	}
	valid(t, empty.Root(), "Bundle")
}

func TestHistoryPages(t *testing.T) {
	m, h := door(t)
	for range 4 {
		m.put("Patient", "1", `{"resourceType":"Patient"}`)
	}
	path, seen := "/fhir/Patient/1/_history?_count=2", []string{}
	for path != "" {
		d, err := tree.Parse(do(h, "GET", path, "").Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		valid(t, d.Root(), "Bundle")
		for e := range d.Root().Field("entry").Items() {
			seen = append(seen, e.Path("response", "etag").Str())
		}
		path = ""
		for l := range d.Root().Field("link").Items() {
			if l.Field("relation").Str() == "next" {
				path = strings.TrimPrefix(l.Field("url").Str(), "https://hospital.example")
			}
		}
	}
	if got := strings.Join(seen, " "); got != `W/"5" W/"4" W/"3" W/"2" W/"1"` {
		t.Errorf("pages = %s, want every version once, newest first", got)
	}
}

func TestBytesAreExact(t *testing.T) {
	m, h := door(t)
	w := do(h, "GET", "/fhir/Patient/1/$bytes", "")
	if w.Body.String() != string(m.versions["Patient/1"][0].Body) || !strings.HasPrefix(w.Header().Get("Content-Digest"), "sha-256=:") {
		t.Errorf("$bytes = %s", w.Body)
	}
	if read := do(h, "GET", "/fhir/Patient/1", "").Body.String(); !strings.Contains(read, "urn:tenon:data-level") {
		t.Errorf("read = %s, want the labels of the grade", read)
	}
	if old := do(h, "GET", "/fhir/Patient/1/_history/1/$bytes", ""); old.Body.String() != w.Body.String() {
		t.Errorf("$bytes of version 1 = %s", old.Body)
	}
}

func TestDossierStreams(t *testing.T) {
	m, h := door(t)
	m.dossier = func(w io.Writer) error {
		_, err := io.WriteString(w, `{"resourceType":"Bundle"}`)
		return err
	}
	w := do(h, "GET", "/fhir/Task/r/$dossier", "")
	if w.Code != 200 || w.Body.String() != `{"resourceType":"Bundle"}` || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("dossier = %d %s", w.Code, w.Body)
	}
	m.dossier = func(io.Writer) error { return absent("Task", "r") }
	if w := do(h, "GET", "/fhir/Task/r/$dossier", ""); w.Code != 404 || outcome(t, w.Body.Bytes()) != "not-found" {
		t.Errorf("absent dossier = %d %s", w.Code, w.Body)
	}
	m.dossier = func(w io.Writer) error {
		_, _ = io.WriteString(w, `{"resourceType":`)
		return errDatabase
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("a dossier that breaks off is not cut")
		}
	}()
	do(h, "GET", "/fhir/Task/r/$dossier", "")
}

func TestCapabilities(t *testing.T) {
	_, h := door(t)
	w := do(h, "GET", "/fhir/metadata", "")
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.Root(), "CapabilityStatement")
	var s struct {
		Rest []struct {
			Resource []struct {
				Type        string
				SearchParam []struct{ Name string }
				Operation   []struct{ Name string }
				Interaction []struct{ Code string }
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if got := len(s.Rest[0].Resource); got != len(r4.Model().Resources()) {
		t.Errorf("%d resource types, want all %d", got, len(r4.Model().Resources()))
	}
	for _, r := range s.Rest[0].Resource {
		if r.Type == "AuditEvent" { // a view of the audit: read and found, never written
			if len(r.Interaction) != 2 || r.Interaction[0].Code != "read" || r.Interaction[1].Code != "search-type" || len(r.Operation) > 0 {
				t.Errorf("AuditEvent promises %v %v", r.Interaction, r.Operation)
			}
			continue
		}
		if len(r.Interaction) != 9 {
			t.Errorf("%s has %d interactions, want 9", r.Type, len(r.Interaction))
		}
		for _, p := range r.SearchParam {
			if p.Name == "_query" {
				t.Errorf("%s promises %s, which is not served", r.Type, p.Name)
			}
		}
		has := map[string]bool{}
		for _, o := range r.Operation {
			has[o.Name] = true
		}
		for name, on := range map[string]string{"apply": "PlanDefinition", "case": "Task", "dossier": "Task", "expand": "ValueSet", "lookup": "CodeSystem"} {
			if has[name] != (r.Type == on) {
				t.Errorf("%s promises $%s: %v; it is of %s", r.Type, name, has[name], on)
			}
		}
		if !has["sign"] || !has["meta"] || !has["validate"] {
			t.Errorf("%s lacks an operation of every type: %v", r.Type, has)
		}
	}
}
