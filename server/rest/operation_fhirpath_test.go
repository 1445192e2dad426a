package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

const labPatient = `{"resourceType":"Patient","id":"x","name":[{"use":"official","family":"Li","given":["Na","Anna"]},{"given":["娜"]}],
 "birthDate":"1961-04-30","_birthDate":{"extension":[{"url":"http://u","valueString":"v"}]},"deceasedBoolean":false,
 "contact":[{"gender":"male"}],"extension":[{"url":"http://w","valueQuantity":{"value":1.80,"unit":"m"}}]}`

// ask posts an expression and its further parameters.
func ask(h http.Handler, expression, more string, headers ...string) (int, []byte) {
	text, _ := json.Marshal(expression)
	body := `{"resourceType":"Parameters","parameter":[{"name":"expression","valueString":` + string(text) + `}` + more + `]}`
	w := do(h, "POST", "/fhir/$fhirpath", body, append(headers, "Content-Type: application/fhir+json")...)
	return w.Code, w.Body.Bytes()
}

const resourceParameter = `,{"name":"resource","resource":` + labPatient + `}`

// results are the parts of the answer's results, as JSON, one line each.
func results(t *testing.T, body []byte) []string {
	t.Helper()
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	var lines []string
	for p := range d.Root().Field("parameter").Items() {
		if p.Field("name").Str() != "result" {
			continue
		}
		for part := range p.Field("part").Items() {
			lines = append(lines, p.Field("valueString").Str()+string(part.Raw()))
		}
	}
	return lines
}

const at = `{"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/resource-path","valueString":"`

// TestFHIRPathLab: https://github.com/brianpos/fhirpath-lab/blob/master/server-api.md
func TestFHIRPathLab(t *testing.T) {
	_, h := door(t)
	for _, row := range []struct{ expression, more, want string }{
		{"name.given", "", at + `Patient.name[0].given[0]"}],"name":"string","valueString":"Na"}` + "\n" +
			at + `Patient.name[0].given[1]"}],"name":"string","valueString":"Anna"}` + "\n" + at + `Patient.name[1].given[0]"}],"name":"string","valueString":"娜"}`},
		{"family", `,{"name":"context","valueString":"name"}`, `Patient.name[0]` + at + `Patient.name[0].family"}],"name":"string","valueString":"Li"}`},
		{"$this & '!'", `,{"name":"context","valueString":"name.given.select(upper())"}`,
			`name.given.select(upper())[0]{"name":"string","valueString":"NA!"}` + "\n" + `name.given.select(upper())[1]{"name":"string","valueString":"ANNA!"}` + "\n" +
				`name.given.select(upper())[2]{"name":"string","valueString":"娜!"}`},
		{"birthDate", "", `{"_valueDate":{"extension":[{"url":"http://u","valueString":"v"}]},"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/resource-path","valueString":"Patient.birthDate"}],"name":"date","valueDate":"1961-04-30"}`},
		{"deceased", "", at + `Patient.deceased"}],"name":"boolean","valueBoolean":false}`},
		{"extension.value", "", at + `Patient.extension[0].value"}],"name":"Quantity","valueQuantity":{"value":1.80,"unit":"m"}}`},
		{"contact", "", `{"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/json-value","valueString":"{\"gender\":\"male\"}"},{"url":"http://fhir.forms-lab.com/StructureDefinition/resource-path","valueString":"Patient.contact[0]"}],"name":"Patient.contact"}`},
		{"name.count() + 1", "", `{"name":"integer","valueInteger":3}`},
		{"1.50 | 5 'mg' | 2 days | @2026-01-01 | @T10:00:00 | @2026-01-01T10", "", `{"name":"decimal","valueDecimal":1.50}` + "\n" +
			`{"name":"Quantity","valueQuantity":{"code":"mg","system":"http://unitsofmeasure.org","unit":"mg","value":5}}` + "\n" +
			`{"name":"Quantity","valueQuantity":{"unit":"days","value":2}}` + "\n" + `{"name":"date","valueDate":"2026-01-01"}` + "\n" +
			`{"name":"time","valueTime":"10:00:00"}` + "\n" + `{"name":"dateTime","valueString":"2026-01-01T10"}`},
		{"'' | true", "", `{"name":"empty-string"}` + "\n" + `{"name":"boolean","valueBoolean":true}`},
		{"name.first().trace('trc', given).use", "", at + `Patient.name[0].use"}],"name":"code","valueCode":"official"}` + "\n" +
			`{"name":"trace","part":[` + at + `Patient.name[0].given[0]"}],"name":"string","valueString":"Na"},` + at + `Patient.name[0].given[1]"}],"name":"string","valueString":"Anna"}],"valueString":"trc"}`},
		{"%x & %y.given.first()", `,{"name":"variables","part":[{"name":"x","valueString":"a"},{"name":"y","valueHumanName":{"given":["b"]}}]}`, `{"name":"string","valueString":"ab"}`},
		{"photo", "", ""},
		{"type()", "", `{"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/json-value","valueString":"{\"name\":\"Patient\",\"namespace\":\"FHIR\"}"}],"name":"TypeInfo"}`},
		{"%context.id & %resource.id & %rootResource.id", "", `{"name":"string","valueString":"xxx"}`},
		{"%context.family & %resource.id", `,{"name":"context","valueString":"name[0]"}`, `Patient.name[0]{"name":"string","valueString":"Lix"}`},
	} {
		status, body := ask(h, row.expression, row.more+resourceParameter)
		if got := strings.Join(results(t, body), "\n"); status != http.StatusOK || got != row.want {
			t.Errorf("%s: %d\n%s\nwant\n%s", row.expression, status, got, row.want)
		}
	}
}

// TestFHIRPathLabAbout: the part parameters tells what was evaluated, and how.
func TestFHIRPathLabAbout(t *testing.T) {
	_, h := door(t)
	_, body := ask(h, "name.given.first()", `,{"name":"validate","valueBoolean":true},{"name":"variables","part":[{"name":"x","valueString":"a"}]}`+resourceParameter)
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	about := map[string]tree.Node{}
	for p := range d.Root().Field("parameter").First().Field("part").Items() {
		about[p.Field("name").Str()] = p
	}
	for name, want := range map[string]string{"expression": "name.given.first()", "expectedReturnType": "string", "parseDebug": "fits the definitions", "evaluator": "Tenon"} {
		if got := about[name].Field("valueString").Str(); !strings.Contains(got, want) {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if d.Root().Field("id").Str() != "fhirpath" || about["resource"].Field("resource").Field("id").Str() != "x" || about["variables"].Field("part").Len() != 1 {
		t.Errorf("the answer is %s", body)
	}
	var syntax struct {
		ExpressionType, Name string
		Position             int
		Arguments            []json.RawMessage
	}
	if err := json.Unmarshal([]byte(about["parseDebugTree"].Field("valueString").Str()), &syntax); err != nil || syntax.ExpressionType != "FunctionCallExpression" || syntax.Name != "first" || syntax.Position != 11 {
		t.Errorf("the tree is %+v, %v", syntax, err)
	}
	_, body = ask(h, "name.nosuch", `,{"name":"validate","valueBoolean":true}`+resourceParameter)
	if !strings.Contains(string(body), "HumanName has no element nosuch") {
		t.Errorf("validate says nothing of an element that is none: %s", body)
	}
}

// TestFHIRPathLabResource: by reference the caller's own reading is what counts.
func TestFHIRPathLabResource(t *testing.T) {
	_, h := door(t)
	for _, row := range []struct {
		resource string
		status   int
		want     string
	}{
		{`"valueString":"Patient/1"`, 200, "张"},
		{`"valueReference":{"reference":"Patient/1"}`, 200, "张"},
		{`"valueUri":"` + base + `/Patient/1"`, 200, "张"},
		{`"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/json-value","valueString":"{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"J\"}]}"}]`, 200, `"J"`},
		{`"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/xml-value","valueString":"<Patient xmlns=\"http://hl7.org/fhir\"><name><family value=\"X\"/></name></Patient>"}]`, 200, `"X"`},
		{`"valueString":"Patient/2"`, 404, "not-found"},
		{`"valueString":"http://elsewhere.example/fhir/Patient/1"`, 400, "fhirpath-parameter"},
		{`"valueString":"Patient/../1"`, 400, "fhirpath-parameter"},
		{`"valueString":"Patient/1/_history/1"`, 400, "fhirpath-parameter"},
		{`"valueBoolean":true`, 400, "fhirpath-parameter"},
		{`"extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/json-value","valueString":"{"}]`, 400, "structure"},
	} {
		status, body := ask(h, "name.family", `,{"name":"resource",`+row.resource+`}`)
		if status != row.status || !strings.Contains(string(body), row.want) {
			t.Errorf("%s: %d %s, want %d %s", row.resource, status, body, row.status, row.want)
		}
	}
}

// TestFHIRPathLabFailures: what cannot be evaluated is an OperationOutcome.
func TestFHIRPathLabFailures(t *testing.T) {
	_, h := door(t)
	for _, row := range []struct{ expression, more, want string }{
		{"name.given(", resourceParameter, "column 12"},
		{"name.nosuch()", resourceParameter, "there is no function nosuch()"},
		{"%nosuch", resourceParameter, "there is no variable"},
		{"(1 | 2) + 1", resourceParameter, "takes single items"},
		{"", resourceParameter, "needs the parameter expression"},
		{"name", "", "needs the parameter resource"},
		{"name", `,{"name":"context","valueString":"name("}` + resourceParameter, "column"},
		{"repeatAll($this)", resourceParameter, "narrow the expression"},
		{"descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.name)))", resourceParameter, "more than 10000 values"},
		{"iif(true, '0123456789').trace('x').combine('a').repeatAll($this)", resourceParameter, "narrow the expression"},
		{"(descendants() | %resource).trace('x').repeatAll($this).trace('y')", resourceParameter, ""},
	} {
		status, body := ask(h, row.expression, row.more)
		outcome(t, body)
		if status < 400 || status >= 500 || !strings.Contains(string(body), row.want) {
			t.Errorf("%s: %d %.300s, want a refusal that says %q", row.expression, status, body, row.want)
		}
	}
	if w := do(h, "POST", "/fhir/$fhirpath", `{"resourceType":"Patient"}`, "Content-Type: application/fhir+json"); w.Code != 400 {
		t.Errorf("a Patient for Parameters: %d", w.Code)
	}
	if status, _ := ask(h, "1", resourceParameter, "Nobody: x"); status != 401 {
		t.Errorf("without a token: %d, want 401", status)
	}
	if w := do(h, "GET", "/fhir/$fhirpath", ""); w.Code < 400 {
		t.Errorf("GET: %d", w.Code)
	}
}

// FuzzFHIRPathLab: whatever is sent, the answer is JSON and no fault of the
// server.
func FuzzFHIRPathLab(f *testing.F) {
	f.Add("name.given", "name", `{"resourceType":"Patient","name":[{"given":["a"]}]}`)
	f.Add("trace('x', $this).type() | %x", "", `{"resourceType":"Patient","_birthDate":{"id":"1"}}`)
	f.Add("children()", "descendants()", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"X"}}]}`)
	f.Add("1 'mg' | @T10 | {} | '' | $this", "", `{"resourceType":"Observation","valueQuantity":{"value":1E400}}`)
	_, h := door(f)
	f.Fuzz(func(t *testing.T, expression, context, resource string) {
		text, _ := json.Marshal(context)
		status, body := ask(h, expression, `,{"name":"variables","part":[{"name":"x","valueString":"v"}]},{"name":"context","valueString":`+string(text)+`},{"name":"resource","resource":`+resource+`}`)
		if !json.Valid(body) || status >= 500 {
			t.Errorf("%d %.300s", status, body)
		}
	})
}
