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
	typ, q, _ := strings.Cut(query, "?")
	params, err := search.ParseQuery(q)
	if err != nil {
		return nil, nil, err
	}
	return registry().Parse(search.Request{Type: typ, Params: params, Strict: true, Principal: "p", Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		MaxCount: 1000, DefaultCount: 1000, Reach: func(string) access.Predicate { return access.Everything{} }})
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
