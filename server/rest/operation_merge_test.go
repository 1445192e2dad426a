package rest_test

// https://hl7.org/fhir/R5/patient-operation-merge.html

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
)

func init() {
	people["custodian"] = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/dba",
		Person: "Practitioner/dba", Organization: "Organization/hospital", Roles: []access.Role{access.DBA}}
}

// mergeBody is the Parameters of a merge; more follows the reason.
func mergeBody(source, target, more string) string {
	return fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":%q}},
		{"name":"target-patient","valueReference":{"reference":%q}},{"name":"reason","valueString":"registered twice"}%s]}`, source, target, more)
}

func nodeIn(t *testing.T, h http.Handler, path string) tree.Node {
	t.Helper()
	d, err := tree.Parse(must(t, h, 200, "GET", "/fhir/"+path, "").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

func linksOf(n tree.Node) (links []string) {
	for l := range n.Field("link").Items() {
		links = append(links, l.Field("type").Str()+" "+l.Path("other", "reference").Str())
	}
	return links
}

func TestMerge(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		a := "Patient/" + create(t, h, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"A1"},{"system":"urn:id","value":"same"}],"name":[{"text":"王小明"}]}`, "As: custodian")
		b := "Patient/" + create(t, h, `{"resourceType":"Patient","active":true,"identifier":[{"system":"urn:id","value":"same"},{"system":"urn:mrn","value":"B1"}],"name":[{"text":"王小明"}]}`, "As: custodian")
		obs := "Observation/" + create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+a+`","display":"Wang"},"valueQuantity":{"value":1.00},
			"note":[{"authorReference":{"reference":"`+a+`"},"text":"n"}],"derivedFrom":[{"reference":"Observation/none"}]}`, "As: custodian")
		pinned := "Provenance/" + create(t, h, `{"resourceType":"Provenance","target":[{"reference":"`+a+`"}],"recorded":"2024-01-01T00:00:00Z","agent":[{"who":{"display":"x"}}]}`, "As: custodian")

		t.Run("who may", func(t *testing.T) {
			must(t, h, 403, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), "As: clin")
			must(t, h, 401, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), "As: nobody")
			people["far-dba"] = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/far2",
				Organization: "Organization/elsewhere", Roles: []access.Role{access.DBA}}
			must(t, h, 404, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), "As: far-dba")
		})
		t.Run("refused input", func(t *testing.T) {
			for body, status := range map[string]int{
				mergeBody(a, a, ""):                                                                       422,
				mergeBody(a, "Patient/none", ""):                                                          404,
				mergeBody(a, obs, ""):                                                                     400,
				mergeBody(a, b, `,{"name":"colour","valueCode":"red"}`):                                   400,
				mergeBody(a, b, `,{"name":"preview","valueString":"true"}`):                               400,
				strings.Replace(mergeBody(a, b, ""), "registered twice", " ", 1):                          400,
				mergeBody(a, b, `,{"name":"result-patient","resource":{"resourceType":"Patient"}}`):       422,
				mergeBody(a, b, `,{"name":"source-patient-identifier","valueIdentifier":{"value":"B1"}}`): 422,
				`{"resourceType":"Parameters"}`:                                                           400,
			} {
				must(t, h, status, "POST", "/fhir/Patient/$merge", body, "As: custodian")
			}
		})
		t.Run("preview", func(t *testing.T) {
			w := must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(a, b, `,{"name":"preview","valueBoolean":true}`), "As: custodian")
			if !strings.Contains(w.Body.String(), "1 resources would be moved") || !strings.Contains(w.Body.String(), `"replaces"`) {
				t.Errorf("preview = %s", w.Body)
			}
			for _, ref := range []string{a, b, obs} {
				if v := nodeIn(t, h, ref).Path("meta", "versionId").Str(); v != "1" {
					t.Errorf("%s is at version %s after a preview", ref, v)
				}
			}
		})
		t.Run("merge", func(t *testing.T) {
			w := must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), "As: custodian")
			d, err := tree.Parse(w.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for p := range d.Root().Field("parameter").Items() {
				names = append(names, p.Field("name").Str()+" "+p.Path("resource", "resourceType").Str())
			}
			if !slices.Equal(names, []string{"input Parameters", "outcome OperationOutcome", "result Patient"}) {
				t.Errorf("parameters = %v", names)
			}
			source, target := nodeIn(t, h, a), nodeIn(t, h, b)
			if source.Field("active").Text() != "false" || !slices.Equal(linksOf(source), []string{"replaced-by " + b}) {
				t.Errorf("source = %s", source.Raw())
			}
			if target.Field("active").Text() != "true" || !slices.Equal(linksOf(target), []string{"replaces " + a}) || target.Field("identifier").Len() != 3 {
				t.Errorf("target = %s", target.Raw())
			}
			moved := nodeIn(t, h, obs)
			if moved.Path("subject", "reference").Str() != b || !strings.Contains(string(moved.Raw()), `"authorReference":{"reference":"`+b+`"}`) ||
				!strings.Contains(string(moved.Raw()), `"value":1.00`) {
				t.Errorf("moved = %s", moved.Raw())
			}
			if old := nodeIn(t, h, obs+"/_history/1"); old.Path("subject", "reference").Str() != a {
				t.Errorf("the old version was changed: %s", old.Raw())
			}
			if p := nodeIn(t, h, pinned); p.Path("meta", "versionId").Str() != "1" {
				t.Errorf("a Provenance was rewritten: %s", p.Raw())
			}
			ids, _, _ := find(t, h, "Provenance?target="+b)
			if len(ids) != 1 {
				t.Fatalf("Provenances of the target: %v, want one", ids)
			}
			p := nodeIn(t, h, "Provenance/"+ids[0])
			if p.Path("activity", "coding").Index(0).Field("code").Str() != "merge" || p.Field("reason").Index(0).Field("text").Str() != "registered twice" ||
				p.Field("agent").Index(0).Path("who", "reference").Str() != "PractitionerRole/dba" {
				t.Errorf("Provenance = %s", p.Raw())
			}
			audited(t, h, "merge", a)
		})
		t.Run("everything of the target leads to the source", func(t *testing.T) {
			got := whole(t, h, b+"/$everything", nil)
			for _, want := range []string{b, a, obs} {
				if !slices.Contains(got, want) {
					t.Errorf("$everything has no %s: %v", want, got)
				}
			}
		})
		t.Run("a replaced patient is no match", func(t *testing.T) {
			got := matched(t, h, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"A1"}],"name":[{"text":"王小明"}]}`, "")
			if !slices.Equal(got, []string{strings.TrimPrefix(b, "Patient/") + " certain"}) {
				t.Errorf("$match = %v, want the target alone", got)
			}
		})
		t.Run("again takes what came since", func(t *testing.T) {
			late := "Observation/" + create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+a+`"}}`, "As: custodian")
			must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), "As: custodian")
			if got := nodeIn(t, h, late).Path("subject", "reference").Str(); got != b {
				t.Errorf("subject = %s, want %s", got, b)
			}
			if v := nodeIn(t, h, b).Path("meta", "versionId").Str(); v != "2" {
				t.Errorf("the target is at version %s, want 2: nothing of it changed", v)
			}
			must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), "As: custodian")
		})
		t.Run("chains", func(t *testing.T) {
			c := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, "As: custodian")
			must(t, h, 409, "POST", "/fhir/Patient/$merge", mergeBody(c, a, ""), "As: custodian") // into one that is no more
			must(t, h, 409, "POST", "/fhir/Patient/$merge", mergeBody(a, c, ""), "As: custodian") // replaced by another already
			must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(b, c, ""), "As: custodian")
			if got := nodeIn(t, h, obs).Path("subject", "reference").Str(); got != c {
				t.Errorf("subject = %s, want %s", got, c)
			}
			if got := whole(t, h, c+"/$everything", nil); !slices.Contains(got, a) || !slices.Contains(got, b) {
				t.Errorf("$everything of the last does not lead to all: %v", got)
			}
		})
	})
}

func TestMergeByIdentifierAndResult(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		a := create(t, h, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"A|1"}]}`)
		b := create(t, h, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"B1"}]}`)
		result := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"identifier":[{"system":"urn:mrn","value":"B1"},{"system":"urn:mrn","value":"A|1"}],"name":[{"text":"chosen"}],"link":[{"other":{"reference":"Patient/%s"},"type":"replaces"}]}`, b, a)
		body := func(result string) string {
			return `{"resourceType":"Parameters","parameter":[{"name":"source-patient-identifier","valueIdentifier":{"system":"urn:mrn","value":"A|1"}},
			{"name":"target-patient-identifier","valueIdentifier":{"system":"urn:mrn","value":"B1"}},{"name":"reason","valueString":"twice"},{"name":"result-patient","resource":` + result + `}]}`
		}
		for name, bad := range map[string]string{
			"without the link":      strings.Replace(result, `"replaces"`, `"refer"`, 1),
			"with another id":       strings.Replace(result, b, "other", 1),
			"without an identifier": strings.Replace(result, `,{"system":"urn:mrn","value":"A|1"}`, "", 1),
			"inactive":              strings.Replace(result, `"name"`, `"active":false,"name"`, 1),
		} {
			t.Run(name, func(t *testing.T) { must(t, h, 422, "POST", "/fhir/Patient/$merge", body(bad)) })
		}
		must(t, h, 200, "POST", "/fhir/Patient/$merge", body(result))
		if got := nodeIn(t, h, "Patient/"+b); got.Field("name").Index(0).Field("text").Str() != "chosen" {
			t.Errorf("result = %s", got.Raw())
		}
		create(t, h, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"A|1"}]}`)
		must(t, h, 422, "POST", "/fhir/Patient/$merge", body(result)) // two bear it now
	})
}

// What belongs to a case or is out of reach is not moved behind anybody's back.
func TestMergeAndCases(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		as := "As: custodian"
		a := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, as)
		b := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, as)
		put := func(status string) (root, device string) {
			root = create(t, h, `{"resourceType":"Task","status":"`+status+`","intent":"order","for":{"reference":"`+a+`"}}`, as)
			device = "Device/" + create(t, h, `{"resourceType":"Device","patient":{"reference":"`+a+`"}}`, as)
			h.enter(t, root, "PractitionerRole/clin", device)
			return root, device
		}
		_, done := put("completed")
		hidden := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+a+`"}}`, "As: stranger")
		t.Run("out of reach", func(t *testing.T) {
			w := must(t, h, 409, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), as)
			if outcome(t, w.Body.Bytes()) != "merge-reach" || strings.Contains(w.Body.String(), hidden) {
				t.Errorf("refusal = %s", w.Body)
			}
			must(t, h, 204, "DELETE", "/fhir/Observation/"+hidden, "", "As: stranger")
		})
		t.Run("an open case", func(t *testing.T) {
			c := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, as)
			root := create(t, h, `{"resourceType":"Task","status":"in-progress","intent":"order","for":{"reference":"`+c+`"}}`, as)
			h.enter(t, root, "PractitionerRole/clin")
			if w := must(t, h, 409, "POST", "/fhir/Patient/$merge", mergeBody(c, b, ""), as); outcome(t, w.Body.Bytes()) != "merge-open-case" {
				t.Errorf("refusal = %s", w.Body)
			}
			// the other way round the patient of the case stays
			d := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, as)
			must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(d, c, ""), as)
		})
		t.Run("a closed case keeps its patient", func(t *testing.T) {
			w := must(t, h, 200, "POST", "/fhir/Patient/$merge", mergeBody(a, b, ""), as)
			if !strings.Contains(w.Body.String(), "merge-kept") {
				t.Errorf("outcome = %s", w.Body)
			}
			if got := nodeIn(t, h, done); got.Path("patient", "reference").Str() != a || got.Path("meta", "versionId").Str() != "1" {
				t.Errorf("a device of a case was rewritten: %s", got.Raw())
			}
		})
	})
}
