package rest_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
	"tenon/server/search"
)

const (
	fhirXML    = "Content-Type: application/fhir+xml"
	acceptXML  = "Accept: application/fhir+xml"
	xmlPatient = `<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="true"/></Patient>`
)

// inXML reads an answer in XML, which must be one resource of FHIR.
func inXML(t *testing.T, w *httptest.ResponseRecorder) tree.Node {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/fhir+xml; fhirVersion=4.0" {
		t.Fatalf("Content-Type = %q in %d %s, want XML", got, w.Code, w.Body)
	}
	if got, want := w.Header().Get("Content-Length"), itoa(w.Body.Len()); got != want {
		t.Errorf("Content-Length = %s, want %s", got, want)
	}
	body, err := xml.ToJSON(w.Body.Bytes(), r4.Model(), xml.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.Root(), d.Root().Field("resourceType").Str())
	return d.Root()
}

// Which format a request is answered in.
// https://hl7.org/fhir/R4/http.html#mime-type and RFC 9110 §12.5.1
func TestFormats(t *testing.T) {
	const j, x = "application/fhir+json; fhirVersion=4.0", "application/fhir+xml; fhirVersion=4.0"
	for _, c := range []struct {
		name, query string
		accept      []string
		status      int
		want        string
	}{
		{"nothing said", "", nil, 200, j},
		{"json", "", []string{"application/fhir+json"}, 200, j},
		{"xml", "", []string{"application/fhir+xml"}, 200, x},
		{"plain xml", "", []string{"application/xml"}, 200, x},
		{"text xml", "", []string{"text/xml"}, 200, x},
		{"xml of DSTU2", "", []string{"application/xml+fhir"}, 200, x},
		{"case and blanks", "", []string{" Application/FHIR+XML ; Q=0.9 "}, 200, x},
		{"xml weighs more", "", []string{"application/fhir+json;q=0.8, application/fhir+xml"}, 200, x},
		{"json weighs more", "", []string{"application/fhir+xml;q=0.8, application/fhir+json;q=0.9"}, 200, j},
		{"two headers", "", []string{"application/fhir+json;q=0.1", "application/fhir+xml;q=0.2"}, 200, x},
		{"same weight, first named", "", []string{"application/fhir+xml, application/fhir+json"}, 200, x},
		{"named before star", "", []string{"*/*, application/fhir+xml"}, 200, x},
		{"star with more weight", "", []string{"*/*, application/fhir+xml;q=0.5"}, 200, j},
		{"the specific range counts", "", []string{"*/*;q=0.9, application/fhir+json;q=0.1"}, 200, x},
		{"json refused", "", []string{"*/*, application/fhir+json;q=0"}, 200, x},
		{"both refused", "", []string{"*/*, application/fhir+json;q=0, application/fhir+xml;q=0"}, 406, j},
		{"R4 in xml", "", []string{"application/fhir+xml; fhirVersion=4.0"}, 200, x},
		{"R5 in xml, R4 in json", "", []string{"application/fhir+xml; fhirVersion=5.0, application/fhir+json;fhirVersion=4.0;q=0.1"}, 200, j},
		{"R5", "", []string{"application/fhir+xml; fhirVersion=5.0"}, 406, j},
		{"charset", "", []string{"application/fhir+xml;charset=utf-8"}, 200, x},
		{"turtle", "", []string{"text/turtle"}, 406, j},
		{"weight above 1", "", []string{"application/fhir+xml;q=7"}, 406, j},
		{"_format xml", "xml", []string{"application/fhir+json"}, 200, x},
		{"_format json", "json", []string{"application/fhir+xml"}, 200, j},
		{"_format text/xml", "text/xml", nil, 200, x},
		{"_format application/xml", "application/xml", nil, 200, x},
		{"_format in full", "application/fhir+xml", []string{"text/html"}, 200, x},
		{"_format with version", "application/fhir+xml; fhirVersion=4.0", nil, 200, x},
		{"_format with another version", "application/fhir+xml; fhirVersion=3.0", nil, 406, j},
		{"_format html", "html", []string{"application/fhir+xml"}, 406, j},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, h := door(t)
			path := "/fhir/Patient/1"
			if c.query != "" {
				path += "?_format=" + url.QueryEscape(c.query)
			}
			var headers []string
			for _, a := range c.accept {
				headers = append(headers, "Accept: "+a)
			}
			w := do(h, "GET", path, "", headers...)
			if got := w.Header().Get("Content-Type"); w.Code != c.status || got != c.want {
				t.Errorf("GET %s %q = %d %s, want %d %s", path, c.accept, w.Code, got, c.status, c.want)
			}
		})
	}
	_, h := door(t)
	if w := do(h, "GET", "/fhir/Patient/1?_format=application/fhir+xml", ""); w.Header().Get("Content-Type") != x {
		t.Error("a plus in _format that was not escaped is not understood")
	}
}

// Every interaction speaks XML.
func TestInteractionsInXML(t *testing.T) {
	const bundle = `<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/></Bundle>`
	const parameters = `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="resource"/><resource><Patient/></resource></parameter></Parameters>`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string // type of the answer
		text                     string // in the XML
	}{
		{"read", "GET", "/fhir/Patient/1", "", nil, 200, "Patient", `<valueDecimal value="1.00"/>`},
		{"read, pretty", "GET", "/fhir/Patient/1?_pretty=true", "", nil, 200, "Patient", "\n  <active value=\"true\"/>"},
		{"read, elements", "GET", "/fhir/Patient/1?_elements=active", "", nil, 200, "Patient", `"SUBSETTED"`},
		{"vread", "GET", "/fhir/Patient/1/_history/1", "", nil, 200, "Patient", `<versionId value="1"/>`},
		{"history", "GET", "/fhir/Patient/1/_history", "", nil, 200, "Bundle", `<type value="history"/>`},
		{"read of nothing", "GET", "/fhir/Patient/2", "", nil, 404, "OperationOutcome", "not-found"},
		{"no token", "GET", "/fhir/Patient/1", "", []string{"Nobody: x"}, 401, "OperationOutcome", "no-token"},
		{"unknown path", "GET", "/fhir/Patient/b/c/d", "", nil, 404, "OperationOutcome", "unknown-path"},
		{"search", "GET", "/fhir/Patient", "", nil, 200, "Bundle", `<family value="Zhang"/>`},
		{"search by form", "POST", "/fhir/Patient/_search", "active=true", []string{"Content-Type: application/x-www-form-urlencoded"}, 200, "Bundle", `<type value="searchset"/>`},
		{"metadata", "GET", "/fhir/metadata", "", nil, 200, "CapabilityStatement", `<format value="application/fhir+xml"/>`},
		{"create", "POST", "/fhir/Patient", xmlPatient, []string{fhirXML}, 201, "Patient", `<active value="true"/>`},
		{"create as text/xml", "POST", "/fhir/Patient", xmlPatient, []string{"Content-Type: text/xml; charset=UTF-8"}, 201, "Patient", ""},
		{"create as application/xml", "POST", "/fhir/Patient", xmlPatient, []string{"Content-Type: application/xml; fhirVersion=4.0"}, 201, "Patient", ""},
		{"create, outcome", "POST", "/fhir/Patient", xmlPatient, []string{fhirXML, "Prefer: return=OperationOutcome"}, 201, "OperationOutcome", "done"},
		{"create in R5", "POST", "/fhir/Patient", xmlPatient, []string{"Content-Type: application/fhir+xml; fhirVersion=5.0"}, 415, "OperationOutcome", "http-content-type"},
		{"create in UTF-16", "POST", "/fhir/Patient", xmlPatient, []string{"Content-Type: application/fhir+xml; charset=UTF-16"}, 415, "OperationOutcome", "http-content-type"},
		{"create of nothing XML", "POST", "/fhir/Patient", `{}`, []string{fhirXML}, 400, "OperationOutcome", "xml-"},
		{"create out of order", "POST", "/fhir/Patient", `<Patient xmlns="http://hl7.org/fhir"><active value="true"/><id value="1"/></Patient>`, []string{fhirXML}, 400, "OperationOutcome", "xml-order"},
		{"create with a bomb", "POST", "/fhir/Patient", `<!DOCTYPE a [<!ENTITY b "c">]><Patient xmlns="http://hl7.org/fhir"/>`, []string{fhirXML}, 400, "OperationOutcome", "xml-doctype"},
		{"create too long", "POST", "/fhir/Patient", strings.Repeat(" ", 5000), []string{fhirXML}, 413, "OperationOutcome", "http-body-limit"},
		{"update", "PUT", "/fhir/Patient/1", xmlPatient, []string{fhirXML, `If-Match: W/"1"`}, 200, "Patient", `<versionId value="2"/>`},
		{"update by criteria", "PUT", "/fhir/Patient?identifier=a%7Cb", xmlPatient, []string{fhirXML}, 201, "Patient", ""},
		{"patch stays JSON Patch", "PATCH", "/fhir/Patient/1", `[]`, []string{"Content-Type: application/json-patch+json"}, 200, "Patient", ""},
		{"patch in XML", "PATCH", "/fhir/Patient/1", "<Patch/>", []string{"Content-Type: application/xml-patch+xml"}, 415, "OperationOutcome", "http-content-type"},
		{"transaction", "POST", "/fhir", bundle, []string{fhirXML}, 200, "Bundle", `<type value="transaction-response"/>`},
		{"apply", "POST", "/fhir/PlanDefinition/p/$apply", `<Parameters xmlns="http://hl7.org/fhir"/>`, []string{fhirXML}, 201, "Task", ""},
		{"case", "GET", "/fhir/Task/root/$case", "", nil, 200, "Parameters", ""},
		{"validate", "POST", "/fhir/Patient/$validate", parameters, []string{fhirXML}, 200, "OperationOutcome", ""},
		{"validate what is no XML", "POST", "/fhir/Patient/$validate", `<Patient xmlns="http://hl7.org/fhir"><colour/></Patient>`, []string{fhirXML}, 200, "OperationOutcome", "xml-unknown-element"},
		{"delete, outcome", "DELETE", "/fhir/Patient/1", "", []string{"Prefer: return=OperationOutcome"}, 200, "OperationOutcome", "done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, h := door(t)
			m.page = &search.Page{Hits: []search.Hit{{Type: "Patient", ID: "1", Body: []byte(`{"resourceType":"Patient","id":"1","name":[{"family":"Zhang"}]}`)}}}
			w := do(h, c.method, c.path, c.body, append(c.headers, acceptXML)...)
			if w.Code != c.status {
				t.Fatalf("%s %s = %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
			}
			if got := inXML(t, w).Field("resourceType").Str(); got != c.want || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("%s %s = %s, want a %s with %s", c.method, c.path, w.Body, c.want, c.text)
			}
		})
	}
}

// The recorder gets JSON, with what only XML could lose kept.
func TestXMLIsStoredAsJSON(t *testing.T) {
	m, h := door(t)
	do(h, "POST", "/fhir/Observation", `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value id="v" value="1.00"/></valueQuantity></Observation>`, fhirXML)
	if got, want := string(m.draft.Ops[0].Body), `{"resourceType":"Observation","valueQuantity":{"value":1.00,"_value":{"id":"v"}}}`; got != want {
		t.Errorf("body = %s, want %s", got, want)
	}
}

// Without a word in Accept the answer is in the format of the request.
func TestAnswerLikeRequest(t *testing.T) {
	_, h := door(t)
	for _, headers := range [][]string{{fhirXML}, {fhirXML, "Accept: */*"}} {
		inXML(t, do(h, "POST", "/fhir/Patient", xmlPatient, headers...))
	}
	if w := do(h, "POST", "/fhir/Patient", xmlPatient, fhirXML, "Accept: application/fhir+json"); !strings.HasPrefix(w.Header().Get("Content-Type"), "application/fhir+json") {
		t.Errorf("answer = %s, want JSON", w.Header())
	}
}

// _format in the form of a search counts, also where Accept cannot be met.
func TestFormatInForm(t *testing.T) {
	m, h := door(t)
	m.page = &search.Page{}
	const form = "Content-Type: application/x-www-form-urlencoded"
	inXML(t, do(h, "POST", "/fhir/Patient/_search", "_format=xml", form))
	inXML(t, do(h, "POST", "/fhir/Patient/_search", "_format=application%2Ffhir%2Bxml", form, "Accept: text/html"))
	if w := do(h, "POST", "/fhir/Patient/_search", "active=true", form, "Accept: text/html"); w.Code != 406 || outcome(t, w.Body.Bytes()) != "http-accept" {
		t.Errorf("search = %d, want 406", w.Code)
	}
	if w := do(h, "POST", "/fhir/Patient/_search", "_format=ttl", form); w.Code != 406 {
		t.Errorf("search = %d, want 406", w.Code)
	}
}

// What XML cannot carry: asked for, it is a 406; done, it is told in JSON.
func TestNotInXML(t *testing.T) {
	m, h := door(t)
	m.put("Patient", "c", `{"resourceType":"Patient","name":[{"text":"a\u0001b"}]}`)
	w := do(h, "GET", "/fhir/Patient/c", "", acceptXML)
	if root := inXML(t, w); w.Code != 406 || root.Path("issue", "expression").First().Str() != "Patient.name[0].text" {
		t.Errorf("read = %d %s, want 406 with the element", w.Code, w.Body)
	}
	w = do(h, "PUT", "/fhir/Patient/c", `{"resourceType":"Patient","name":[{"text":"a\u0001b"}]}`, fhirJSON, acceptXML)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/fhir+json; fhirVersion=4.0" || !strings.Contains(w.Body.String(), `\u0001`) {
		t.Errorf("update = %d %s, want 200 in JSON", w.Code, w.Body)
	}
}

// HEAD says what GET would.
func TestHeadInXML(t *testing.T) {
	_, h := door(t)
	get, head := do(h, "GET", "/fhir/Patient/1", "", acceptXML), do(h, "HEAD", "/fhir/Patient/1", "", acceptXML)
	if head.Body.Len() != 0 || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") {
		t.Errorf("HEAD = %v, want the header of %v", head.Header(), get.Header())
	}
}

// Stored bytes are JSON and stay so.
func TestStoredBytesAreNotXML(t *testing.T) {
	_, h := door(t)
	for path, want := range map[string]int{"/fhir/Patient/1/$bytes": 406, "/fhir/Patient/1/$bytes?_format=xml": 406, "/fhir/Task/1/$dossier": 406} {
		if w := do(h, "GET", path, "", acceptXML); w.Code != want || outcome(t, w.Body.Bytes()) != "http-accept" {
			t.Errorf("GET %s = %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
	if w := do(h, "GET", "/fhir/Patient/1/$bytes", "", "Accept: application/fhir+xml, application/fhir+json;q=0.1"); w.Code != 200 || w.Body.Bytes()[0] != '{' {
		t.Errorf("$bytes = %d %s, want JSON", w.Code, w.Body)
	}
}

// A Binary is content, or a resource in either format.
func TestBinaryInXML(t *testing.T) {
	const binary = `<Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/><data value="aGk="/></Binary>`
	m, h := door(t)
	for _, media := range []string{"application/fhir+xml", "application/xml", "text/xml"} {
		m.content = nil
		w := do(h, "POST", "/fhir/Binary", binary, "Content-Type: "+media)
		if w.Code != 201 || m.content != nil || !strings.Contains(string(m.draft.Ops[0].Body), `"data":"aGk="`) {
			t.Errorf("create as %s = %d, %q stored as content, want a resource", media, w.Code, m.content)
		}
	}
	if w := do(h, "POST", "/fhir/Binary", "<html/>", "Content-Type: text/xml"); w.Code != 201 || string(m.content) != "<html/>" {
		t.Errorf("create = %d with content %q, want the XML as content", w.Code, m.content)
	}
	if w := do(h, "POST", "/fhir/Binary", "<html/>", fhirXML); w.Code != 400 {
		t.Errorf("create of no Binary as FHIR = %d, want 400", w.Code)
	}
	m.content = []byte("hello")
	v := m.put("Binary", "b", `{"resourceType":"Binary","contentType":"text/plain"}`)
	v.Blob = "00"
	for _, accept := range []string{acceptXML, acceptXML + ";q=0.5"} {
		if got := inXML(t, do(h, "GET", "/fhir/Binary/b", "", accept)).Field("data").Str(); got != "aGVsbG8=" {
			t.Errorf("data = %q, want the content", got)
		}
	}
	inXML(t, do(h, "GET", "/fhir/Binary/b?_format=xml&_pretty=true", ""))
	if w := do(h, "GET", "/fhir/Binary/b", "", "Accept: text/xml, */*"); w.Body.String() != "hello" {
		t.Errorf("Binary = %s, want its content", w.Body)
	}
}
