package rest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

// parameter finds the values of a parameter in an answer, parts of a name too.
func parametersOf(n tree.Node, name string) (list []tree.Node) {
	member := "parameter"
	if n.Field("part").Exists() {
		member = "part"
	}
	for p := range n.Field(member).Items() {
		if p.Field("name").Str() == name {
			list = append(list, p)
		}
	}
	return list
}

// valueOf is the text of the first value of a parameter.
func valueOf(n tree.Node, name string) string {
	for _, p := range parametersOf(n, name) {
		for member, v := range p.Fields() {
			if strings.HasPrefix(member, "value") {
				if v.Kind() == tree.Object {
					return v.Field("code").Str()
				}
				return v.Text()
			}
		}
	}
	return ""
}

// operate runs an operation and returns its answer, checked to be valid FHIR.
func operate(t *testing.T, h http.Handler, status int, method, path, body string, headers ...string) tree.Node {
	t.Helper()
	if body != "" {
		headers = append(headers, fhirJSON)
	}
	w := do(h, method, "/fhir"+path, body, headers...)
	if w.Code != status {
		t.Fatalf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	valid(t, d.Root(), d.Root().Field("resourceType").Str())
	return d.Root()
}

func input(parameters string) string {
	return `{"resourceType":"Parameters","parameter":[` + parameters + `]}`
}

const (
	gender    = "http://hl7.org/fhir/administrative-gender"
	genders   = "http://hl7.org/fhir/ValueSet/administrative-gender"
	actCode   = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	ownSystem = `{"resourceType":"CodeSystem","url":"http://x/woods","version":"1","name":"Woods","status":"active","content":"complete","property":[{"code":"hard","type":"boolean","description":"is hardwood"}],"concept":[
		{"code":"wood","display":"Wood","concept":[{"code":"oak","display":"Oak","definition":"A hard wood.","designation":[{"language":"zh-CN","value":"橡木"}],"property":[{"code":"hard","valueBoolean":true}]},{"code":"pine","display":"Pine"}]}]}`
	ownSet = `{"resourceType":"ValueSet","status":"active","id":"own","compose":{"include":[{"system":"http://hl7.org/fhir/administrative-gender","concept":[{"code":"male"},{"code":"female"}]}]}}`
	ownMap = `{"resourceType":"ConceptMap","id":"m","url":"http://x/map","status":"active","group":[{"source":"http://x/a","target":"http://x/b","element":[{"code":"1","target":[{"code":"2","equivalence":"wider","dependsOn":[{"property":"http://x/p","value":"9"}]},{"code":"3","equivalence":"equal","product":[{"property":"http://x/q","system":"http://x/c","value":"7"}]}]}]}]}`
)

// https://hl7.org/fhir/R4/codesystem-operation-lookup.html
func TestLookup(t *testing.T) {
	_, h := door(t)
	query := "?system=" + url.QueryEscape(actCode) + "&code=AMB"
	for name, n := range map[string]tree.Node{
		"GET":    operate(t, h, 200, "GET", "/CodeSystem/$lookup"+query, ""),
		"coding": operate(t, h, 200, "POST", "/CodeSystem/$lookup", input(`{"name":"coding","valueCoding":{"system":"`+actCode+`","code":"AMB"}}`)),
		"code":   operate(t, h, 200, "POST", "/CodeSystem/$lookup", input(`{"name":"code","valueCode":"AMB"},{"name":"system","valueUri":"`+actCode+`"}`)),
	} {
		if valueOf(n, "name") != "ActCode" && valueOf(n, "name") == "" || valueOf(n, "display") != "ambulatory" || valueOf(n, "version") == "" {
			t.Errorf("%s: name %q, display %q, version %q", name, valueOf(n, "name"), valueOf(n, "display"), valueOf(n, "version"))
		}
		parent := ""
		for _, p := range parametersOf(n, "property") {
			if valueOf(p, "code") == "parent" {
				parent = valueOf(p, "value")
			}
		}
		if parent != "_ActEncounterCode" {
			t.Errorf("%s: parent = %q, want _ActEncounterCode", name, parent)
		}
	}
	n := operate(t, h, 200, "GET", "/CodeSystem/$lookup"+query+"&property=definition", "")
	if list := parametersOf(n, "property"); len(list) != 1 || valueOf(list[0], "code") != "definition" {
		t.Errorf("properties = %d, want the definition alone", len(list))
	}
	for _, c := range []struct {
		path, body, rule string
		status           int
	}{
		{"?system=" + url.QueryEscape(actCode) + "&code=NONE", "", "code-unknown", 404},
		{"?system=http://loinc.org&code=8480-6", "", "codesystem-unknown", 404},
		{"?code=AMB", "", "code-system", 400},
		{"", "", "operation-parameter", 400},
		{query + "&colour=blue", "", "operation-parameter", 400},
		{query + "&date=2020", "", "operation-parameter", 400},
		{"", `{"resourceType":"Patient"}`, "operation-body", 400},
		{"", input(`{"name":"coding"}`), "operation-body", 400},
		{query, input(`{"name":"coding","valueCoding":{"system":"http://x","code":"1"}}`), "operation-parameter", 400},
	} {
		method := "GET"
		if c.body != "" {
			method = "POST"
		}
		w := do(h, method, "/fhir/CodeSystem/$lookup"+c.path, c.body, fhirJSON)
		if got := outcome(t, w.Body.Bytes()); w.Code != c.status || got != c.rule {
			t.Errorf("%s %s = %d %s, want %d %s", c.path, c.body, w.Code, got, c.status, c.rule)
		}
	}
}

// https://hl7.org/fhir/R4/valueset-operation-validate-code.html and that of
// CodeSystem.
func TestValidateCode(t *testing.T) {
	m, h := door(t)
	m.put("ValueSet", "own", ownSet)
	m.put("CodeSystem", "g", `{"resourceType":"CodeSystem","url":"`+gender+`","status":"active","content":"not-present"}`)
	m.put("CodeSystem", "nine", `{"resourceType":"CodeSystem","url":"`+gender+`","version":"9.9","status":"active","content":"not-present"}`)
	at := func(typ string, kv ...string) string {
		q := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			q.Add(kv[i], kv[i+1])
		}
		return "/" + typ + "/$validate-code?" + q.Encode()
	}
	for _, c := range []struct{ name, method, path, body, result, display, message string }{
		{"code", "GET", at("ValueSet", "url", genders, "system", gender, "code", "female"), "", "true", "Female", ""},
		{"code without system", "GET", at("ValueSet", "url", genders, "code", "female"), "", "true", "Female", ""},
		{"version of the value set", "GET", at("ValueSet", "url", genders, "valueSetVersion", "4.0.1", "code", "female"), "", "true", "Female", ""},
		{"wrong code", "GET", at("ValueSet", "url", genders, "system", gender, "code", "woman"), "", "false", "", "woman"},
		{"wrong display", "GET", at("ValueSet", "url", genders, "system", gender, "code", "female", "display", "Male"), "", "false", "Female", "Female"},
		{"abstract", "GET", at("ValueSet", "url", "http://terminology.hl7.org/ValueSet/v3-TrustPolicy", "system", actCode, "code", "ActTrustPolicyType"), "", "false", "", "abstract"},
		{"abstract, allowed", "GET", at("ValueSet", "url", "http://terminology.hl7.org/ValueSet/v3-TrustPolicy", "system", actCode, "code", "ActTrustPolicyType", "abstract", "true"), "", "true", "trust policy", ""},
		{"coding", "POST", "/ValueSet/$validate-code", input(`{"name":"url","valueUri":"` + genders + `"},{"name":"coding","valueCoding":{"system":"` + gender + `","code":"other"}}`), "true", "Other", ""},
		{"concept", "POST", "/ValueSet/$validate-code", input(`{"name":"url","valueUri":"` + genders + `"},{"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"http://x","code":"1"},{"system":"` + gender + `","code":"male"}]}}`), "true", "Male", ""},
		{"concept without coding", "POST", "/ValueSet/$validate-code", input(`{"name":"url","valueUri":"` + genders + `"},{"name":"codeableConcept","valueCodeableConcept":{"text":"x"}}`), "false", "", "coding"},
		{"value set sent along", "POST", "/ValueSet/$validate-code", input(`{"name":"valueSet","resource":` + ownSet + `},{"name":"coding","valueCoding":{"system":"` + gender + `","code":"other"}}`), "false", "", "not in the value set"},
		{"stored value set", "GET", strings.Replace(at("ValueSet", "system", gender, "code", "male"), "/$", "/own/$", 1), "", "true", "Male", ""},
		{"stored value set, other code", "GET", strings.Replace(at("ValueSet", "system", gender, "code", "other"), "/$", "/own/$", 1), "", "false", "", ""},
		{"code system", "GET", at("CodeSystem", "url", gender, "code", "female"), "", "true", "Female", ""},
		{"no such code", "GET", at("CodeSystem", "url", gender, "code", "woman"), "", "false", "", "woman"},
		{"stored code system", "GET", strings.Replace(at("CodeSystem", "code", "female"), "/$", "/g/$", 1), "", "true", "Female", ""},
		{"code system sent along", "POST", "/CodeSystem/$validate-code", input(`{"name":"codeSystem","resource":` + ownSystem + `},{"name":"code","valueCode":"oak"}`), "true", "Oak", ""},
		{"display in Chinese", "POST", "/CodeSystem/$validate-code", input(`{"name":"codeSystem","resource":` + ownSystem + `},{"name":"code","valueCode":"oak"},{"name":"displayLanguage","valueCode":"zh-CN"}`), "true", "橡木", ""},
		{"message in Chinese", "POST", "/CodeSystem/$validate-code", input(`{"name":"codeSystem","resource":` + ownSystem + `},{"name":"code","valueCode":"elm"},{"name":"displayLanguage","valueCode":"zh-CN"}`), "false", "", "没有代码"},
		{"unit", "GET", at("CodeSystem", "url", "http://unitsofmeasure.org", "code", "mm[Hg]"), "", "true", "", ""},
		{"unit that is none", "GET", at("CodeSystem", "url", "http://unitsofmeasure.org", "code", "inchworms"), "", "false", "", "inchworms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := operate(t, h, 200, c.method, c.path, c.body)
			if got := valueOf(n, "result"); got != c.result {
				t.Errorf("result = %s (%s), want %s", got, valueOf(n, "message"), c.result)
			}
			if got := valueOf(n, "display"); got != c.display {
				t.Errorf("display = %q, want %q", got, c.display)
			}
			if got := valueOf(n, "message"); !strings.Contains(got, c.message) || (got == "") != (c.message == "") && c.result == "true" {
				t.Errorf("message = %q, want %q in it", got, c.message)
			}
		})
	}
	for _, c := range []struct {
		name, path, rule string
		status           int
	}{
		{"version of the value set that is not here", at("ValueSet", "url", genders, "valueSetVersion", "9.9", "code", "female"), "valueset-unknown", 404},
		{"stored code system of a version that is not here", strings.Replace(at("CodeSystem", "code", "female"), "/$", "/nine/$", 1), "code-unjudged", 404},
		{"value set that is not here", at("ValueSet", "url", "http://x/none", "code", "a"), "valueset-unknown", 404},
		{"system that is not here", at("CodeSystem", "url", "http://loinc.org", "code", "8480-6"), "code-unjudged", 404},
		{"value set over it", at("ValueSet", "url", "http://hl7.org/fhir/ValueSet/observation-codes", "system", "http://loinc.org", "code", "8480-6"), "code-unjudged", 404},
		{"no value set", at("ValueSet", "code", "a"), "operation-parameter", 400},
		{"no code", at("ValueSet", "url", genders), "operation-parameter", 400},
		{"no boolean", at("ValueSet", "url", genders, "code", "female", "abstract", "perhaps"), "operation-parameter", 400},
		{"stored one that is not there", "/ValueSet/none/$validate-code?code=a", "not-found", 404},
	} {
		w := do(h, "GET", "/fhir"+c.path, "")
		if got := outcome(t, w.Body.Bytes()); w.Code != c.status || got != c.rule {
			t.Errorf("%s = %d %s, want %d %s", c.name, w.Code, got, c.status, c.rule)
		}
	}
}

func TestTooManyCodings(t *testing.T) {
	_, h := door(t)
	w := do(h, "POST", "/fhir/ValueSet/$validate-code", input(`{"name":"url","valueUri":"`+genders+`"},{"name":"codeableConcept","valueCodeableConcept":{"coding":[`+strings.Repeat(`{"code":"a"},`, 100)+`{"code":"a"}]}}`), fhirJSON)
	if got := outcome(t, w.Body.Bytes()); w.Code != 403 || got != "operation-limit" {
		t.Errorf("101 codings = %d %s, want 403 operation-limit", w.Code, got)
	}
}

// https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
func TestSubsumes(t *testing.T) {
	m, h := door(t)
	m.put("CodeSystem", "act", `{"resourceType":"CodeSystem","url":"`+actCode+`","status":"active","content":"not-present"}`)
	q := "?system=" + url.QueryEscape(actCode)
	for query, want := range map[string]string{"&codeA=_ActEncounterCode&codeB=AMB": "subsumes", "&codeA=AMB&codeB=_ActEncounterCode": "subsumed-by", "&codeA=AMB&codeB=AMB": "equivalent", "&codeA=AMB&codeB=EMER": "not-subsumed"} {
		if got := valueOf(operate(t, h, 200, "GET", "/CodeSystem/$subsumes"+q+query, ""), "outcome"); got != want {
			t.Errorf("%s = %s, want %s", query, got, want)
		}
		if got := valueOf(operate(t, h, 200, "GET", "/CodeSystem/act/$subsumes?"+query[1:], ""), "outcome"); got != want {
			t.Errorf("stored %s = %s, want %s", query, got, want)
		}
	}
	pair := func(a, b string) string {
		return input(`{"name":"codingA","valueCoding":{"system":"` + a + `","code":"_ActEncounterCode"}},{"name":"codingB","valueCoding":{"system":"` + b + `","code":"AMB"}}`)
	}
	if got := valueOf(operate(t, h, 200, "POST", "/CodeSystem/$subsumes", pair(actCode, actCode)), "outcome"); got != "subsumes" {
		t.Errorf("codings = %s, want subsumes", got)
	}
	operate(t, h, 400, "POST", "/CodeSystem/$subsumes", pair(actCode, gender))
	operate(t, h, 400, "GET", "/CodeSystem/$subsumes"+q+"&codeA=AMB", "")
	operate(t, h, 404, "GET", "/CodeSystem/$subsumes"+q+"&codeA=AMB&codeB=NONE", "")
	operate(t, h, 400, "POST", "/CodeSystem/act/$subsumes", pair(gender, actCode))
	operate(t, h, 400, "POST", "/CodeSystem/act/$subsumes", pair(actCode, gender))
	operate(t, h, 400, "GET", "/CodeSystem/act/$subsumes?system=http://x&codeA=AMB&codeB=EMER", "")
}

func contains(n tree.Node) string {
	var out []string
	for c := range n.Field("contains").Items() {
		one := c.Field("code").Str()
		if inner := contains(c); inner != "" {
			one += "(" + inner + ")"
		}
		out = append(out, one)
	}
	return strings.Join(out, " ")
}

// https://hl7.org/fhir/R4/valueset-operation-expand.html
func TestExpand(t *testing.T) {
	m, h := door(t)
	m.put("ValueSet", "own", ownSet)
	vs := "?url=" + url.QueryEscape(genders)
	for _, c := range []struct{ name, method, path, body, want, total string }{
		{"by url", "GET", "/ValueSet/$expand" + vs, "", "male female other unknown", "4"},
		{"by url and version", "GET", "/ValueSet/$expand" + vs + "%7C4.0.1", "", "male female other unknown", "4"},
		{"page", "GET", "/ValueSet/$expand" + vs + "&offset=1&count=2", "", "female other", "4"},
		{"total", "GET", "/ValueSet/$expand" + vs + "&count=0", "", "", "4"},
		{"filter", "GET", "/ValueSet/$expand" + vs + "&filter=ale", "", "male female", "2"},
		{"parameters", "POST", "/ValueSet/$expand", input(`{"name":"url","valueUri":"` + genders + `"},{"name":"filter","valueString":"unk"},{"name":"count","valueInteger":5}`), "unknown", "1"},
		{"value set as the body", "POST", "/ValueSet/$expand", ownSet, "male female", "2"},
		{"value set sent along", "POST", "/ValueSet/$expand", input(`{"name":"valueSet","resource":` + ownSet + `}`), "male female", "2"},
		{"stored", "GET", "/ValueSet/own/$expand", "", "male female", "2"},
		{"implied", "GET", "/ValueSet/$expand?url=" + url.QueryEscape(gender+"?fhir_vs"), "", "male female other unknown", "4"},
		{"nested", "GET", "/ValueSet/$expand?url=" + url.QueryEscape(actCode+"?fhir_vs=isa/_ActEncounterCode") + "&filter=&displayLanguage=", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := operate(t, h, 200, c.method, c.path, c.body)
			e := n.Field("expansion")
			if c.name == "nested" {
				if got := contains(e); !strings.HasPrefix(got, "_ActEncounterCode(AMB") {
					t.Errorf("contains = %s", got)
				}
				if !e.Field("contains").Index(0).Field("abstract").Bool() {
					t.Error("_ActEncounterCode is not abstract")
				}
				return
			}
			if got := contains(e); got != c.want || e.Field("total").Text() != c.total {
				t.Errorf("contains = %q of %s, want %q of %s", got, e.Field("total").Text(), c.want, c.total)
			}
			if e.Field("timestamp").Str() == "" || n.Field("compose").Exists() || n.Field("status").Str() != "active" {
				t.Errorf("the answer is %s", n.Raw())
			}
		})
	}
	n := operate(t, h, 200, "GET", "/ValueSet/$expand"+vs+"&offset=1&count=2", "")
	if off := n.Path("expansion", "offset").Text(); off != "1" {
		t.Errorf("offset = %q, want 1", off)
	}
	said := string(n.Path("expansion", "parameter").Raw())
	for _, want := range []string{`"used-codesystem"`, gender + "|4.0.1", `"valueInteger":2`} {
		if !strings.Contains(said, want) {
			t.Errorf("parameters %s lack %s", said, want)
		}
	}
	if n.Path("expansion").Field("extension").Exists() {
		t.Error("a whole expansion says that it is not")
	}
	part := operate(t, h, 200, "GET", "/ValueSet/$expand?url="+url.QueryEscape("http://terminology.hl7.org/CodeSystem/v3-mediaType?fhir_vs"), "")
	if !part.Path("expansion", "extension", "valueBoolean").Bool() {
		t.Error("the expansion of a fragment does not say that it is one")
	}
	t.Run("languages", func(t *testing.T) {
		q := "/ValueSet/$expand?url=" + url.QueryEscape("urn:iso:std:iso:3166?fhir_vs") + "&filter=China&count=1"
		for _, c := range []struct{ query, header, want string }{{"", "", "China"}, {"&displayLanguage=zh-CN", "", "中国"}, {"", "Accept-Language: de;q=0.5, zh", "中国"}, {"&displayLanguage=en", "Accept-Language: zh", "China"}} {
			var headers []string
			if c.header != "" {
				headers = []string{c.header}
			}
			n := operate(t, h, 200, "GET", q+c.query, "", headers...)
			if got := n.Path("expansion", "contains", "display").Str(); got != c.want {
				t.Errorf("%s %s: %s, want %s", c.query, c.header, got, c.want)
			}
		}
		n := operate(t, h, 200, "GET", q+"&designation="+url.QueryEscape("urn:ietf:bcp:47|zh-CN"), "")
		if got := n.Path("expansion", "contains", "designation", "value").Str(); got != "中国" {
			t.Errorf("designation = %q", got)
		}
	})
	for _, c := range []struct {
		path, rule string
		status     int
	}{
		{"?url=http://x/none", "valueset-unknown", 404},
		{"?url=http://hl7.org/fhir/ValueSet/observation-codes", "codesystem-unknown", 404},
		{"?url=http://hl7.org/fhir/ValueSet/ucum-units", "expansion-endless", 403},
		{"", "operation-parameter", 400},
		{vs + "&count=-1", "operation-parameter", 400},
		{vs + "&count=many", "operation-parameter", 400},
		{vs + "&count=99999999", "expansion-limit", 403},
		{vs + "&context=Patient.gender", "operation-parameter", 400},
		{vs + "&check-system-version=" + url.QueryEscape(gender+"|9"), "codesystem-version", 422},
	} {
		w := do(h, "GET", "/fhir/ValueSet/$expand"+c.path, "")
		if got := outcome(t, w.Body.Bytes()); w.Code != c.status || got != c.rule {
			t.Errorf("%s = %d %s, want %d %s", c.path, w.Code, got, c.status, c.rule)
		}
	}
}

// https://hl7.org/fhir/R4/conceptmap-operation-translate.html
func TestTranslate(t *testing.T) {
	m, h := door(t)
	m.put("ConceptMap", "m", ownMap)
	home := "system=" + url.QueryEscape("http://hl7.org/fhir/address-use") + "&code=home"
	target := "targetsystem=" + url.QueryEscape("http://terminology.hl7.org/CodeSystem/v3-AddressUse")
	n := operate(t, h, 200, "GET", "/ConceptMap/$translate?"+home+"&"+target, "")
	if match := parametersOf(n, "match"); valueOf(n, "result") != "true" || len(match) == 0 || valueOf(match[0], "concept") != "H" || valueOf(match[0], "equivalence") == "" || valueOf(match[0], "source") == "" {
		t.Errorf("home = %s", n.Raw())
	}
	n = operate(t, h, 200, "GET", "/ConceptMap/m/$translate?system=http://x/a&code=1", "")
	if match := parametersOf(n, "match"); len(match) != 1 || valueOf(match[0], "concept") != "3" || len(parametersOf(match[0], "product")) != 1 {
		t.Errorf("without dependency = %s", n.Raw())
	}
	body := input(`{"name":"conceptMap","resource":` + ownMap + `},{"name":"coding","valueCoding":{"system":"http://x/a","code":"1"}},
		{"name":"dependency","part":[{"name":"element","valueUri":"http://x/p"},{"name":"concept","valueCodeableConcept":{"coding":[{"code":"9"}]}}]}`)
	if n = operate(t, h, 200, "POST", "/ConceptMap/$translate", body); len(parametersOf(n, "match")) != 2 {
		t.Errorf("with dependency = %s", n.Raw())
	}
	n = operate(t, h, 200, "GET", "/ConceptMap/m/$translate?system=http://x/b&code=2&reverse=true", "")
	if match := parametersOf(n, "match"); len(match) != 1 || valueOf(match[0], "equivalence") != "narrower" {
		t.Errorf("reverse = %s", n.Raw())
	}
	n = operate(t, h, 200, "GET", "/ConceptMap/m/$translate?system=http://x/a&code=77", "")
	if valueOf(n, "result") != "false" || valueOf(n, "message") == "" {
		t.Errorf("unknown code = %s", n.Raw())
	}
	operate(t, h, 404, "GET", "/ConceptMap/$translate?url=http://x/none&system=http://x/a&code=1", "")
	operate(t, h, 404, "GET", "/ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/sc-account-status&conceptMapVersion=9.9&system=http://x/a&code=1", "")
	operate(t, h, 200, "GET", "/ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/sc-account-status&conceptMapVersion=4.0.1&system=http://x/a&code=1", "")
	operate(t, h, 400, "GET", "/ConceptMap/$translate?system=http://x/a&code=1", "")
	operate(t, h, 400, "GET", "/ConceptMap/m/$translate?system=http://x/a", "")
}

// Operations on definitions need a token like everything else, and answer in
// XML too.
func TestTerminologyDoor(t *testing.T) {
	_, h := door(t)
	for _, path := range []string{"/CodeSystem/$lookup", "/CodeSystem/$validate-code", "/CodeSystem/$subsumes", "/ValueSet/$expand", "/ValueSet/$validate-code", "/ConceptMap/$translate", "/ValueSet/1/$expand"} {
		for _, method := range []string{"GET", "POST"} {
			if w := do(h, method, "/fhir"+path, "", "Nobody: x"); w.Code != 401 {
				t.Errorf("%s %s without a token = %d, want 401", method, path, w.Code)
			}
		}
	}
	w := do(h, "GET", "/fhir/ValueSet/$expand?url="+url.QueryEscape(genders), "", "Accept: application/fhir+xml")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `<code value="female"/>`) {
		t.Errorf("XML = %d %s", w.Code, w.Body)
	}
	w = do(h, "POST", "/fhir/CodeSystem/$validate-code", `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="coding"/><valueCoding><system value="`+gender+`"/><code value="male"/></valueCoding></parameter></Parameters>`, "Content-Type: application/fhir+xml")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `<valueBoolean value="true"/>`) {
		t.Errorf("Parameters in XML = %d %s", w.Code, w.Body)
	}
	w = do(h, "GET", "/fhir/metadata", "")
	for _, want := range []string{"CodeSystem-lookup", "CodeSystem-validate-code", "ValueSet-validate-code", "ValueSet-expand", "CodeSystem-subsumes", "ConceptMap-translate"} {
		if !strings.Contains(w.Body.String(), "http://hl7.org/fhir/OperationDefinition/"+want) {
			t.Errorf("metadata lacks %s", want)
		}
	}
}
