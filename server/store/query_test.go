package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/storetest"
)

var registry = sync.OnceValue(func() *search.Registry {
	r, err := search.NewRegistry(r4.Model(), search.WithBase("https://hospital.example/fhir"), search.WithCursorKey([]byte("tests")))
	if err != nil {
		panic(err)
	}
	return r
})

// world is a store that holds resources as they are indexed in earnest.
type world struct {
	testing.TB
	*store.Store
	at time.Time
}

func (w *world) hold(bodies ...string) {
	w.Helper()
	var versions []record.Version
	for _, body := range bodies {
		doc, err := tree.Parse([]byte(body))
		if err != nil {
			w.Fatal(err)
		}
		root := doc.Root()
		w.at = w.at.Add(time.Second)
		v := storetest.Make(root.Field("resourceType").Str(), root.Field("id").Str(), 1, storetest.Body(body), storetest.Updated(w.at))
		if v.Rows, err = registry().Index(root); err != nil {
			w.Fatal(err)
		}
		versions = append(versions, v)
	}
	u := &record.Unit{At: w.at, Versions: versions, Leaves: storetest.Leaves(versions)}
	for i := range versions {
		u.Reads.Versions = append(u.Reads.Versions, record.VersionRead{Type: versions[i].Type, ID: versions[i].ID})
	}
	if err := w.Commit(w.Context(), u); err != nil {
		w.Fatalf("Commit() = %v", err)
	}
}

// plan parses "Type?query".
func (w *world) plan(query string) (*search.Plan, *search.Told, error) {
	return w.planWith(query, func(string) access.Predicate { return access.Everything{} })
}

// planWith parses it for who reaches of each type what is given.
func (w *world) planWith(query string, reach func(typ string) access.Predicate) (*search.Plan, *search.Told, error) {
	typ, q, _ := strings.Cut(query, "?")
	params, err := search.ParseQuery(q)
	if err != nil {
		return nil, nil, err
	}
	return registry().Parse(search.Request{Type: typ, Params: params, Strict: true, Principal: "p", Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		MaxCount: 1000, DefaultCount: 1000, Reach: reach})
}

// ask finds the ids of matches in order, included ones with a plus sign and type.
func (w *world) ask(query string) string {
	w.Helper()
	plan, _, err := w.plan(query)
	if err != nil {
		w.Fatalf("Parse(%s) = %v", query, err)
	}
	page, err := w.Search(context.Background(), plan)
	if err != nil {
		w.Fatalf("Search(%s) = %v", query, err)
	}
	var ids []string
	for _, h := range page.Hits {
		id := h.ID
		if h.Included {
			id = "+" + h.Type + "/" + h.ID
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// check asks each query and compares the ids found, whose order counts.
func (w *world) check(t *testing.T, wants map[string]string) {
	t.Helper()
	for query, want := range wants {
		if got := w.ask(query); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
}

// worlds runs a test on each engine.
func worlds(t *testing.T, test func(t *testing.T, w *world)) {
	for _, name := range slices.Sorted(slices.Values([]string{"SQLite", "PostgreSQL"})) {
		t.Run(name, func(t *testing.T) {
			test(t, &world{TB: t, Store: engines[name](t), at: storetest.Start})
		})
	}
}

const ucum = "http://unitsofmeasure.org"

func quantity(value, code string) string {
	return fmt.Sprintf(`{"value":%s,"system":%q,"code":%q,"unit":%q}`, value, ucum, code, code)
}

func codeable(code string) string {
	return fmt.Sprintf(`{"coding":[{"system":"http://loinc.org","code":%q}]}`, code)
}

// https://hl7.org/fhir/R4/search.html#composite: the parts of a composite are
// correlated, "not just that the individual parts match somewhere".
func TestComposite(t *testing.T) {
	pressure := func(id, systolic, diastolic string) string {
		return `{"resourceType":"Observation","id":"` + id + `","code":` + codeable("85354-9") + `,"component":[
			{"code":` + codeable("8480-6") + `,"valueQuantity":` + quantity(systolic, "mm[Hg]") + `},
			{"code":` + codeable("8462-4") + `,"valueQuantity":` + quantity(diastolic, "mm[Hg]") + `}]}`
	}
	worlds(t, func(t *testing.T, w *world) {
		w.hold(pressure("a", "120", "80"), pressure("b", "80", "120"),
			`{"resourceType":"Observation","id":"c","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"},{"system":"urn:x","code":"weight"}]},"valueQuantity":`+quantity("72.5", "kg")+`}`,
			`{"resourceType":"Observation","id":"d","code":`+codeable("29463-7")+`}`,
			`{"resourceType":"Observation","id":"e","code":`+codeable("t")+`,"valueString":"Faint Line"}`,
			`{"resourceType":"Observation","id":"f","code":`+codeable("t")+`,"valueDateTime":"2024-05-06"}`,
			`{"resourceType":"Observation","id":"g","code":`+codeable("t")+`,"valueCodeableConcept":`+codeable("LA1")+`}`,
			`{"resourceType":"Group","id":"g1","type":"person","actual":true,"characteristic":[
				{"code":{"coding":[{"code":"gender"}]},"valueCodeableConcept":{"coding":[{"code":"mixed"}]}},
				{"code":{"coding":[{"code":"owner"}]},"valueCodeableConcept":{"coding":[{"code":"john"}]}},
				{"code":{"coding":[{"code":"dead"}]},"valueBoolean":false}]}`,
			`{"resourceType":"DocumentReference","id":"d1","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/x"}},{"code":"appends","target":{"reference":"DocumentReference/y"}}]}`,
			`{"resourceType":"MolecularSequence","id":"m1","referenceSeq":{"chromosome":{"coding":[{"code":"1"}]},"windowStart":10,"windowEnd":20},"variant":[{"start":100,"end":200},{"start":300,"end":400}]}`,
			`{"resourceType":"ValueSet","id":"v1","useContext":[{"code":{"code":"age"},"valueRange":{"low":`+quantity("10", "a")+`,"high":`+quantity("20", "a")+`}},{"code":{"code":"gender"},"valueCodeableConcept":{"coding":[{"code":"f"}]}}]}`)
		w.check(t, map[string]string{
			"Observation?component-code-value-quantity=8480-6$gt100":                                         "a",
			"Observation?component-code-value-quantity=8462-4$gt100":                                         "b",
			"Observation?component-code-value-quantity=http://loinc.org|8480-6$lt100":                        "b",
			"Observation?component-code-value-quantity=8480-6$gt100,8480-6$lt100":                            "a b",
			"Observation?component-code-value-quantity=8480-6$120|http://unitsofmeasure.org|mm[Hg]":          "a",
			"Observation?component-code-value-quantity=8480-6$12.0|http://unitsofmeasure.org|cm[Hg]":         "a",
			"Observation?component-code-value-quantity=8480-6$gt100&component-code-value-quantity=8462-4$80": "a",
			"Observation?code-value-quantity=29463-7$gt70":                                                   "c",
			"Observation?code-value-quantity=urn:x|weight$72500|http://unitsofmeasure.org|g":                 "c",
			"Observation?code-value-quantity=85354-9$gt70":                                                   "",
			"Observation?combo-code-value-quantity=29463-7$gt70,8480-6$gt100":                                "a c",
			"Observation?combo-code-value-quantity=85354-9$gt70":                                             "",
			"Observation?code-value-string=t$faint":                                                          "e",
			"Observation?code-value-date=t$2024-05":                                                          "f",
			"Observation?code-value-date=t$gt2024-06":                                                        "",
			"Observation?code-value-concept=t$LA1":                                                           "g",
			"Observation?code-value-concept=t$LA2":                                                           "",
			"Observation?code-value-quantity:missing=false":                                                  "c",
			"Observation?component-code-value-quantity:missing=true":                                         "c d e f g",
			"Group?characteristic-value=gender$mixed":                                                        "g1",
			"Group?characteristic-value=owner$mixed":                                                         "",
			"Group?characteristic-value=dead$false":                                                          "g1",
			"DocumentReference?relationship=DocumentReference/x$replaces":                                    "d1",
			"DocumentReference?relationship=DocumentReference/x$appends":                                     "",
			"MolecularSequence?chromosome-variant-coordinate=1$lt150$gt150":                                  "m1",
			"MolecularSequence?chromosome-variant-coordinate=1$100$400":                                      "",
			"MolecularSequence?chromosome-window-coordinate=1$10$20":                                         "m1",
			"ValueSet?context-type-quantity=age$gt15":                                                        "v1",
			"ValueSet?context-type-quantity=gender$gt15":                                                     "",
			"ValueSet?context-type-value=gender$f":                                                           "v1",
			"ValueSet?context-type-value=age$f":                                                              "",
			"Observation?code-value-quantity=29463-7$gt70&_sort=-_id&code=29463-7":                           "c",
		})
		for _, bad := range []string{"code-value-quantity=a", "code-value-quantity=a$b$c", "code-value-quantity=a$", "code-value-quantity=a$x", "code-value-quantity:not=a$1", "_sort=code-value-quantity"} {
			if _, _, err := w.plan("Observation?" + bad); err == nil {
				t.Errorf("Parse(%s) is taken", bad)
			}
		}
	})
}

// https://hl7.org/fhir/R4/search.html#modifiers and #token
func TestModifiers(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.hold(
			`{"resourceType":"Condition","id":"a","subject":{"reference":"Patient/1"},"code":{"text":"Acute Headache","coding":[{"system":"http://snomed.info/sct","code":"25064002","display":"Cephalgia"}]}}`,
			`{"resourceType":"Condition","id":"b","subject":{"identifier":{"system":"urn:mrn","value":"77"}},"code":{"coding":[{"code":"x","display":"急性头痛"}]}}`,
			`{"resourceType":"Condition","id":"c","subject":{"reference":"Group/1"},"severity":{"text":"headache"}}`,
			`{"resourceType":"Patient","id":"1","identifier":[{"type":{"text":"Record number","coding":[{"system":"urn:t","code":"MR"}]},"system":"urn:mrn","value":"77"}],"name":[{"family":"Ångström-Bo","given":["Eve"]}]}`,
			`{"resourceType":"Patient","id":"2","identifier":[{"value":"77"}],"name":[{"family":"angstrom"}]}`,
			`{"resourceType":"ValueSet","id":"v","url":"http://acme.org/fhir/ValueSet/123"}`)
		w.check(t, map[string]string{
			"Condition?code:text=headache":                                    "a",
			"Condition?code:text=cephal":                                      "a",
			"Condition?code:text=头痛":                                          "b",
			"Condition?code:text=CEPHALGIA,头痛":                                "a b",
			"Condition?severity:text=headache":                                "c",
			"Condition?code:missing=true":                                     "c",
			"Condition?code:not=x":                                            "a c",
			"Condition?subject:identifier=urn:mrn|77":                         "b",
			"Condition?subject:Patient=1":                                     "a",
			"Condition?subject:Group=1":                                       "c",
			"Condition?_id:missing=true":                                      "",
			"Condition?_id:missing=false":                                     "a b c",
			"Condition?_lastUpdated:missing=true":                             "",
			"Patient?identifier:of-type=urn:t|MR|77":                          "1",
			"Patient?identifier:text=record":                                  "1",
			"Patient?identifier=urn:mrn|77":                                   "1",
			"Patient?identifier=|77":                                          "2",
			"Patient?name:exact=Ångström-Bo":                                  "1",
			"Patient?name:exact=angstrom":                                     "2",
			"Patient?name=ANGSTROM":                                           "1 2",
			"Patient?name:contains=strom":                                     "1 2",
			"Patient?given:missing=true":                                      "2",
			"ValueSet?url:below=http://acme.org/fhir":                         "v",
			"ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5": "v",
			"ValueSet?url:below=http://acme.org/fhi":                          "",
		})
		for _, bad := range []string{"Patient?gender:text=x", "Patient?telecom:text=x", "Condition?code:text=", "Condition?onset-date:text=x", "Patient?birthdate:exact=2000"} {
			if _, _, err := w.plan(bad); err == nil {
				t.Errorf("Parse(%s) is taken", bad)
			}
		}
	})
}

// https://hl7.org/fhir/R4/search.html#prefix, #date, #number and #quantity
func TestPrefixes(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		dated := func(id, at string) string {
			return `{"resourceType":"Observation","id":"` + id + `","code":` + codeable("t") + `,` + at + `}`
		}
		w.hold(
			dated("day", `"effectiveDateTime":"2013-01-14"`),
			dated("minute", `"effectiveDateTime":"2013-01-14T10:00:00Z"`),
			dated("month", `"effectiveDateTime":"2013-01"`),
			dated("open", `"effectivePeriod":{"start":"2013-01-14T11:00:00Z"}`),
			dated("past", `"effectivePeriod":{"end":"2013-01-13"}`),
			`{"resourceType":"RiskAssessment","id":"r1","prediction":[{"probabilityDecimal":0.8}]}`,
			`{"resourceType":"RiskAssessment","id":"r2","prediction":[{"probabilityDecimal":0.84}]}`,
			`{"resourceType":"RiskAssessment","id":"r3","prediction":[{"probabilityDecimal":100}]}`,
			dated("five", `"valueQuantity":`+quantity("5.4", "mg")),
			dated("gram", `"valueQuantity":`+quantity("0.0054", "g")),
			dated("less", `"valueQuantity":{"value":5,"comparator":"<","system":"http://unitsofmeasure.org","code":"mg"}`))
		w.check(t, map[string]string{
			"Observation?date=2013-01-14":                                    "day minute",
			"Observation?date=2013-01-14T10:00":                              "minute",
			"Observation?date=2013-01":                                       "day minute month",
			"Observation?date=ne2013-01-14":                                  "month open past",
			"Observation?date=gt2013-01-14":                                  "month open",
			"Observation?date=lt2013-01-14T10:00":                            "day month past",
			"Observation?date=ge2013-01-14":                                  "day minute month open",
			"Observation?date=le2013-01-13":                                  "month past",
			"Observation?date=sa2013-01-14T10:30":                            "open",
			"Observation?date=sa2013-01-13":                                  "day minute open",
			"Observation?date=eb2013-01-14":                                  "past",
			"Observation?date=ge2013-01-14&date=le2013-01-14":                "day minute month",
			"RiskAssessment?probability=0.8":                                 "r1 r2",
			"RiskAssessment?probability=0.80":                                "r1",
			"RiskAssessment?probability=gt0.8":                               "r2 r3",
			"RiskAssessment?probability=ge0.8":                               "r1 r2 r3",
			"RiskAssessment?probability=lt0.84":                              "r1",
			"RiskAssessment?probability=ne0.80":                              "r2 r3",
			"RiskAssessment?probability=1e2":                                 "r3",
			"RiskAssessment?probability=99":                                  "",
			"RiskAssessment?probability=ap0.78":                              "r1 r2",
			"RiskAssessment?probability=ap92":                                "r3",
			"RiskAssessment?probability=ap90":                                "",
			"Observation?value-quantity=5.4|http://unitsofmeasure.org|mg":    "five gram",
			"Observation?value-quantity=5.4||mg":                             "five",
			"Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg":  "",
			"Observation?value-quantity=ge5400|http://unitsofmeasure.org|ug": "five gram",
			"Observation?value-quantity=lt3|http://unitsofmeasure.org|mg":    "less",
			"Observation?value-quantity=sa5|http://unitsofmeasure.org|mg":    "five gram",
			"Observation?value-quantity=ap5|http://unitsofmeasure.org|mg":    "five gram less",
		})
	})
}

// https://hl7.org/fhir/R4/search.html#list, #has, #chaining, #include and
// https://hl7.org/fhir/R4/http.html#vsearch
func TestPlaces(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.hold(
			`{"resourceType":"Patient","id":"p","name":[{"family":"Zhang"}],"generalPractitioner":[{"reference":"Practitioner/d"}],"active":true}`,
			`{"resourceType":"Patient","id":"q","name":[{"family":"Li"}],"link":[{"other":{"reference":"Patient/p"},"type":"seealso"}]}`,
			`{"resourceType":"Practitioner","id":"d","name":[{"family":"Doctor"}],"active":true}`,
			`{"resourceType":"Organization","id":"o","name":"Main","partOf":{"reference":"Organization/o2"}}`,
			`{"resourceType":"Organization","id":"o2","name":"Top"}`,
			`{"resourceType":"Observation","id":"x","code":`+codeable("a")+`,"subject":{"reference":"Patient/p"},"performer":[{"reference":"Organization/o"}]}`,
			`{"resourceType":"Observation","id":"y","code":`+codeable("b")+`,"subject":{"reference":"Patient/q"},"hasMember":[{"reference":"Observation/x"}]}`,
			`{"resourceType":"Observation","id":"z","code":`+codeable("c")+`,"performer":[{"reference":"Patient/p"}],"hasMember":[{"reference":"Observation/y"}]}`,
			`{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Observation/x"}},{"item":{"reference":"Patient/q"}}]}`,
			`{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/p"}}]}`)
		w.check(t, map[string]string{
			"Observation?_list=l":                               "x",
			"Patient?_list=l":                                   "q",
			"Patient?_list=other":                               "",
			"?_list=l":                                          "q x",
			"?_type=Patient,Organization":                       "p q o o2",
			"?_type=Patient,Practitioner&active=true":           "p d",
			"?_type=Patient,Practitioner&family=zh,doc":         "p d",
			"?_type=Patient,Practitioner&family=zh&active=true": "p",
			"?_id=p,x,o":                                        "p o x",
			"?_type=Patient,Observation&_sort=-_id":             "z y x q p",
			"Patient/p/Observation":                             "x z",
			"Patient/p/Observation?code=a":                      "x",
			"Patient/p/*":                                       "p q x z g",
			"Patient/q/Patient":                                 "q",
			"Patient/none/*":                                    "",
			"Practitioner/d/Patient":                            "p",
			"Patient?_has:Observation:patient:code=a":           "p",
			"Patient?_has:Observation:subject:_has:Observation:has-member:code=b":                                           "p",
			"Patient?_has:Group:member:_id=g":                                                                               "p",
			"Observation?patient._has:Group:member:_id=g":                                                                   "x",
			"Patient?_has:Observation:subject:performer:Organization.partof.name=top":                                       "p",
			"Observation?patient.general-practitioner:Practitioner.family=doctor":                                           "x",
			"Observation?has-member.has-member.patient.family=zhang":                                                        "z",
			"Observation?has-member:Observation.has-member:Observation.performer:Organization.partof:Organization.name=Top": "z",
			"Observation?code=z&_include=*":                                                                                 "",
			"Observation?code=a&_include=*":                                                                                 "x +Patient/p +Organization/o",
			"Observation?code=c&_include=Observation:has-member":                                                            "z +Observation/y",
			"Observation?code=c&_include:iterate=Observation:has-member":                                                    "z +Observation/y +Observation/x",
			"Observation?code=c&_include=Observation:has-member&_include:iterate=Observation:patient":                       "z +Observation/y +Patient/q",
			"Observation?code=a&_include:iterate=*":                                                                         "x +Patient/p +Organization/o +Practitioner/d +Organization/o2",
			"Patient?_id=q&_revinclude=*":                                                                                   "q +Observation/y +List/l",
			"Patient?_id=p&_revinclude=Observation:subject&_revinclude:iterate=Observation:has-member":                      "p +Observation/x +Observation/y +Observation/z",
		})
	})
}

// https://hl7.org/fhir/R4/search.html#sort: quantities sort in base units, and
// what has no value comes last, up or down.
func TestSortQuantity(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		q := func(id, v string) string {
			return `{"resourceType":"Observation","id":"` + id + `","code":` + codeable("t") + v + `}`
		}
		w.hold(q("a", `,"valueQuantity":`+quantity("2", "g")), q("b", `,"valueQuantity":`+quantity("300", "mg")), q("c", ``), q("d", `,"valueQuantity":`+quantity("0.001", "kg")),
			q("e", `,"valueQuantity":{"value":1.5}`))
		w.check(t, map[string]string{
			"Observation?_sort=value-quantity":       "b d e a c",
			"Observation?_sort=-value-quantity":      "a e d b c",
			"Observation?_sort=-value-quantity,_id":  "a e d b c",
			"Observation?_sort=code,-value-quantity": "a e d b c",
			"Observation?_sort=value-date,-_id":      "e d c b a",
		})
	})
}

// https://hl7.org/fhir/R4/search_filter.html
func TestFilter(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.hold(
			`{"resourceType":"Patient","id":"a","active":true,"gender":"male","birthDate":"1990-05-01","name":[{"family":"Zhang","given":["Wei"]}],"generalPractitioner":[{"reference":"Practitioner/d"}]}`,
			`{"resourceType":"Patient","id":"b","active":false,"gender":"female","birthDate":"2001-02-03","name":[{"family":"Zhangson"}]}`,
			`{"resourceType":"Patient","id":"c","gender":"male","name":[{"family":"Müller"}]}`,
			`{"resourceType":"Practitioner","id":"d","name":[{"family":"Doctor (old)"}]}`)
		for filter, want := range map[string]string{
			`family eq zhang`:                      "a",
			`family ne zhang`:                      "b c",
			`family sw "ZHANG"`:                    "a b",
			`family ew son`:                        "b",
			`family co "ulle"`:                     "c",
			`gender eq male and birthdate lt 2000`: "a",
			`gender eq female or family eq muller`: "b c",
			`gender eq male and active eq true or family eq zhangson`:   "a b",
			`gender eq male and (active eq true or family eq zhangson)`: "a",
			`not (gender eq male)`:   "b",
			`not(birthdate pr true)`: "c",
			`birthdate pr false`:     "c",
			`birthdate po 1990`:      "a",
			`birthdate ge 1990-05-01 and birthdate le 2001-02-03`:      "a b",
			`general-practitioner eq Practitioner/d`:                   "a",
			`general-practitioner re Practitioner/d`:                   "a",
			`general-practitioner:Practitioner.name eq "Doctor (old)"`: "a",
			`active eq http://hl7.org/fhir/special-values|true`:        "a",
			`_id eq b or _id eq c`:                                     "b c",
			`_lastUpdated gt 2100`:                                     "",
		} {
			if got := w.ask("Patient?" + search.EncodeQuery([]search.Param{{Name: "_filter", Value: filter}})); got != want {
				t.Errorf("_filter=%s finds %q, want %q", filter, got, want)
			}
		}
		for _, bad := range []string{"", "name", "name eq", "name eq a b", "(name eq a", "name xx a", "nothing eq 1", "gender gt male", `name eq "a`, "not name eq a and", "birthdate co 1", strings.Repeat("(", 50) + "name eq a" + strings.Repeat(")", 50), "name[a eq b].c eq 1"} {
			if _, _, err := w.plan("Patient?" + search.EncodeQuery([]search.Param{{Name: "_filter", Value: bad}})); err == nil {
				t.Errorf("_filter=%s is taken", bad)
			}
		}
	})
}

// https://hl7.org/fhir/R4/location.html#search: distances by the great circle;
// Beijing to Tianjin is about 110 km, over the date line about 222 km.
func TestNear(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		at := func(id, lat, lon string) string {
			return `{"resourceType":"Location","id":"` + id + `","position":{"latitude":` + lat + `,"longitude":` + lon + `}}`
		}
		w.hold(at("beijing", "39.9042", "116.4074"), at("tianjin", "39.0842", "117.2010"), at("east", "0", "179"), `{"resourceType":"Location","id":"none"}`)
		w.check(t, map[string]string{
			"Location?near=39.9042|116.4074|0":         "beijing",
			"Location?near=39.9042|116.4074":           "beijing",
			"Location?near=39.9042|116.4074|100|km":    "beijing",
			"Location?near=39.9042|116.4074|120|km":    "beijing tianjin",
			"Location?near=39.9042|116.4074|120000|m":  "beijing tianjin",
			"Location?near=39.9042|116.4074|75|[mi_i]": "beijing tianjin",
			"Location?near=0|-179|230":                 "east",
			"Location?near=0|-179|220":                 "",
			"Location?near=0|-179|230,39.9|116.4|10":   "beijing east",
			"Location?near:missing=true":               "none",
		})
	})
}
