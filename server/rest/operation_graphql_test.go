package rest_test

// https://hl7.org/fhir/R4/graphql.html

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// graph posts a query and returns its answer with the status.
func graph(t *testing.T, h *house, at, query, variables string, headers ...string) (int, map[string]any) {
	t.Helper()
	body := fmt.Sprintf(`{"query":%q`, query)
	if variables != "" {
		body += `,"variables":` + variables
	}
	w := do(h, "POST", "/fhir/"+at+"$graphql", body+"}", append(headers, "Content-Type: application/json")...)
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("%s: Content-Type = %s, want application/json", query, got)
	}
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s = %s: %v", query, w.Body, err)
	}
	return w.Code, answer
}

// wants runs a query whose data is known.
func wants(t *testing.T, h *house, at, query, variables, want string, headers ...string) {
	t.Helper()
	code, got := graph(t, h, at, query, variables, headers...)
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if code != 200 || !reflect.DeepEqual(got["data"], wanted) {
		text, _ := json.Marshal(got)
		t.Errorf("%s = %d %s, want %s", query, code, text, want)
	}
}

// refuses runs a query that is refused, in the form of GraphQL.
func refuses(t *testing.T, h *house, at, query string, status int, headers ...string) {
	t.Helper()
	code, got := graph(t, h, at, query, "", headers...)
	list, _ := got["errors"].([]any)
	if code != status || len(list) != 1 {
		t.Errorf("%s = %d %v, want an error with status %d", query, code, got, status)
		return
	}
	first, _ := list[0].(map[string]any)
	extensions, _ := first["extensions"].(map[string]any)
	outcome, _ := extensions["resource"].(map[string]any)
	if first["message"] == "" || outcome["resourceType"] != "OperationOutcome" {
		t.Errorf("%s = %v, want an OperationOutcome in the extensions", query, got)
	}
}

func TestGraphQL(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		p := create(t, h, `{"resourceType":"Patient","active":true,"name":[{"family":"张","given":["三"]}],"address":[{"city":"Leiden"}],"extension":[{"url":"http://d.example","valueDecimal":1.00}]}`, "As: clin")
		q := create(t, h, `{"resourceType":"Patient","active":false,"name":[{"family":"李"}],"address":[{"city":"Delft"}]}`, "As: clin")
		o := create(t, h, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"subject":{"reference":"Patient/`+p+`"},"valueQuantity":{"value":1.50,"unit":"kg"}}`, "As: clin")
		secret := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"of others"},"subject":{"reference":"Patient/`+p+`"}}`)
		broken := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"https://elsewhere.example/fhir/Patient/1"}}`, "As: clin")

		t.Run("reads", func(t *testing.T) {
			wants(t, h, "", `{ Patient(id: "`+p+`") { id resourceType __typename name { family } } }`, "", `{"Patient":{"id":"`+p+`","resourceType":"Patient","__typename":"Patient","name":[{"family":"张"}]}}`, "As: clin")
			wants(t, h, "Patient/"+p+"/", `{ id active }`, "", `{"id":"`+p+`","active":true}`, "As: clin")
			wants(t, h, "Observation/"+o+"/", `{ subject { resource { ... on Patient { active } } } }`, "", `{"subject":{"resource":{"active":true}}}`, "As: clin")
			wants(t, h, "", `query q($id: ID!) { Patient(id: $id) { active } }`, `{"id":"`+q+`"}`, `{"Patient":{"active":false}}`, "As: clin")
			w := must(t, h, 200, "GET", "/fhir/Patient/"+p+"/$graphql?query="+url.QueryEscape("{ extension { valueDecimal } }"), "", "As: clin")
			if got := w.Body.String(); got != `{"data":{"extension":[{"valueDecimal":1.00}]}}` {
				t.Errorf("GET = %s: a decimal keeps its precision", got)
			}
			for _, body := range [][2]string{{"application/graphql", "{ active }"}, {"application/fhir+json", `{"resourceType":"Parameters","parameter":[{"name":"query","valueString":"{ active }"}]}`},
				{"application/fhir+xml", `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="query"/><valueString value="{ active }"/></parameter></Parameters>`}} {
				w := must(t, h, 200, "POST", "/fhir/Patient/"+p+"/$graphql", body[1], "As: clin", "Content-Type: "+body[0])
				if got := w.Body.String(); got != `{"data":{"active":true}}` {
					t.Errorf("POST of %s = %s", body[0], got)
				}
			}
		})
		t.Run("searches", func(t *testing.T) {
			wants(t, h, "", `{ PatientList(active: true) { id } }`, "", `{"PatientList":[{"id":"`+p+`"}]}`, "As: clin")
			wants(t, h, "", `{ PatientList(address_city: "Delft") { id } }`, "", `{"PatientList":[{"id":"`+q+`"}]}`, "As: clin")
			wants(t, h, "", `{ PatientList(address_city: ["Delft", "Leiden"], _sort: "family") { address { city } } }`, "", `{"PatientList":[{"address":[{"city":"Leiden"}]},{"address":[{"city":"Delft"}]}]}`, "As: clin")
			wants(t, h, "", `{ PatientList(name: "nobody") { id } }`, "", `{"PatientList":[]}`, "As: clin")
			wants(t, h, "Patient/"+p+"/", `{ ObservationList(_reference: patient, code: "29463-7") { id } }`, "", `{"ObservationList":[{"id":"`+o+`"}]}`, "As: clin")
			wants(t, h, "", `{ PatientList(active: true) { ObservationList(_reference: subject) { valueQuantity { value } } } }`, "", `{"PatientList":[{"ObservationList":[{"valueQuantity":{"value":1.5}}]}]}`, "As: clin")
		})
		t.Run("pages", func(t *testing.T) {
			seen, cursor := []string{}, ""
			for range 4 {
				arg := ""
				if cursor != "" {
					arg = `, _cursor: "` + cursor + `"`
				}
				_, got := graph(t, h, "", `{ PatientConnection(_count: 1, _sort: "-family"`+arg+`) { count offset pagesize edges { mode resource { id } } next } }`, "", "As: clin")
				page := got["data"].(map[string]any)["PatientConnection"].(map[string]any)
				if page["count"] != 2.0 || page["pagesize"] != 1.0 {
					t.Fatalf("page = %v, want count 2, pagesize 1", page)
				}
				for _, e := range page["edges"].([]any) {
					seen = append(seen, e.(map[string]any)["resource"].(map[string]any)["id"].(string))
				}
				if cursor, _ = page["next"].(string); cursor == "" {
					break
				}
			}
			if fmt.Sprint(seen) != fmt.Sprint([]string{q, p}) && fmt.Sprint(seen) != fmt.Sprint([]string{p, q}) {
				t.Errorf("pages hold %v, want %s and %s once each", seen, p, q)
			}
		})
		t.Run("refuses", func(t *testing.T) {
			refuses(t, h, "", `{ Patient(id: "none") { id } }`, 404, "As: clin")
			refuses(t, h, "", `{ Patient(id: "`+p+`") { nonsense } }`, 400, "As: clin")
			refuses(t, h, "", `{ PatientList(nonsense: 1) { id } }`, 400, "As: clin")
			refuses(t, h, "", `{ PatientList(_cursor: "made-up") { id } }`, 400, "As: clin")
			refuses(t, h, "", `{ PatientList(birthdate: "yesterday") { id } }`, 400, "As: clin")
			refuses(t, h, "", `{`, 400, "As: clin")
			refuses(t, h, "Patient/none/", `{ id }`, 404, "As: clin")
			refuses(t, h, "Observation/"+broken+"/", `{ subject { resource { id } } }`, 404, "As: clin")
			wants(t, h, "Observation/"+broken+"/", `{ subject { resource(optional: true) { id } } }`, "", `{"subject":{}}`, "As: clin")
			must(t, h, 400, "GET", "/fhir/$graphql", "", "As: clin")
			must(t, h, 415, "POST", "/fhir/$graphql", "{ a }", "As: clin", "Content-Type: text/plain")
			must(t, h, 405, "GET", "/fhir/$graphql?query="+url.QueryEscape(`mutation { PatientDelete(id: "`+p+`") { information { id } } }`), "", "As: clin")
			must(t, h, 401, "POST", "/fhir/$graphql", `{"query":"{ __schema { queryType { name } } }"}`, "As: nobody", "Content-Type: application/json")
		})
		t.Run("out of reach reads as absent", func(t *testing.T) {
			refuses(t, h, "", `{ Patient(id: "`+p+`") { id } }`, 404, "As: stranger")
			refuses(t, h, "Patient/"+p+"/", `{ id }`, 404, "As: stranger")
			refuses(t, h, "", `{ Observation(id: "`+secret+`") { id } }`, 404, "As: clin")
			wants(t, h, "", `{ PatientList { id } }`, "", `{"PatientList":[]}`, "As: stranger")
			wants(t, h, "", `{ PatientConnection { count edges { resource { id } } } }`, "", `{"PatientConnection":{"count":0,"edges":[]}}`, "As: stranger")
			wants(t, h, "Patient/"+p+"/", `{ ObservationConnection(_reference: patient) { count } }`, "", `{"ObservationConnection":{"count":1}}`, "As: clin")
			list := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"hasMember":[{"reference":"Observation/`+secret+`"}]}`)
			refuses(t, h, "Observation/"+list+"/", `{ hasMember { resource { id } } }`, 404, "As: clin")
			// A reference leads the stranger nowhere, though the Observation is the stranger's own.
			own := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+p+`"}}`, "As: stranger")
			refuses(t, h, "Observation/"+own+"/", `{ subject { resource { ... on Patient { name { family } } } } }`, 404, "As: stranger")
			wants(t, h, "Observation/"+own+"/", `{ subject { resource(optional: true) { id } } }`, "", `{"subject":{}}`, "As: stranger")
		})
	})
}

// Mutations go through the recorder like every other write.
// https://hl7.org/fhir/R4/graphql.html#mutations
func TestGraphQLMutations(t *testing.T) {
	h := realDoor(t).(*house)
	code, got := graph(t, h, "", `mutation { PatientCreate(resource: {active: true}) { location resource { id } } }`, "", "As: clin")
	made, _ := got["data"].(map[string]any)["PatientCreate"].(map[string]any)
	if code != 200 || made == nil {
		t.Fatalf("create = %d %v", code, got)
	}
	id := made["resource"].(map[string]any)["id"].(string)
	if want := base + "/Patient/" + id + "/_history/1"; made["location"] != want {
		t.Errorf("location = %v, want %s", made["location"], want)
	}
	refuses(t, h, "", `mutation { PatientUpdate(id: "`+id+`", resource: {active: false}) { location } }`, 404, "As: stranger")
	refuses(t, h, "", `mutation { PatientDelete(id: "`+id+`") { information { issue { code } } } }`, 404, "As: stranger")
	refuses(t, h, "", `mutation { PatientCreate(resource: {nonsense: 1}) { location } }`, 422, "As: clin")
	wants(t, h, "", `mutation { PatientUpdate(id: "`+id+`", resource: {active: false}) { resource { active } } }`, "", `{"PatientUpdate":{"resource":{"active":false}}}`, "As: clin")
	wants(t, h, "", `mutation { PatientDelete(id: "`+id+`") { information { issue { severity } } } }`, "", `{"PatientDelete":{"information":{"issue":[{"severity":"information"}]}}}`, "As: clin")
	must(t, h, 410, "GET", "/fhir/Patient/"+id, "", "As: clin")
}
