package search_test

import (
	"testing"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/search"
)

// Whatever a URL holds, Parse answers with a plan whose aliases all carry the
// reach, or with a failure of status 400; a query as understood parses again.
func FuzzParse(f *testing.F) {
	for _, seed := range []struct{ typ, query string }{
		{"Patient", "name=eve&_count=2"},
		{"Patient", "_has:Observation:patient:code=a%7Cb,c"},
		{"Observation", "subject:Patient.name:contains=%E5%BC%A0&date=ge2020-01&_sort=-date"},
		{"Observation", "value-quantity=5.4%7Chttp://unitsofmeasure.org%7Cmg&_include=Observation:*"},
		{"Observation", "code=a%5C%2Cb&_elements=code&_summary=false"},
		{"ValueSet", "url:below=http://a/&_total=accurate&_cursor=AAAA"},
		{"RiskAssessment", "probability=ap1e-400"},
	} {
		f.Add(seed.typ, seed.query, false)
	}
	f.Fuzz(func(t *testing.T, typ, query string, strict bool) {
		params, err := search.ParseQuery(query)
		if err != nil {
			return
		}
		q := request("Patient", "", strict)
		q.Type, q.Params = typ, params
		plan, told, err := newRegistry(t).Parse(q)
		if err != nil {
			if issue.As(err) == nil || issue.As(err).HTTPStatus() != 400 {
				t.Fatalf("Parse = %v, want a failure with status 400", err)
			}
			return
		}
		visit(plan, func(p access.Predicate) {
			if p == nil {
				t.Fatal("an alias lacks the reach")
			}
		})
		q.Params = told.Here()
		if _, _, err := newRegistry(t).Parse(q); err != nil {
			t.Fatalf("the self link does not parse: %v", err)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{`name eq "peter" and (birthdate ge 2000 or active eq true)`, `not (gender pr false)`, `general-practitioner:Practitioner[gender eq male].family sw "a\"b"`, `a[`, `a[b eq c].d`, `((((`, "名 eq 1"} {
		f.Add(s)
	}
	r := newRegistry(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range []string{"Patient", "Observation"} {
			q := request(typ, "", true)
			q.Params = []search.Param{{Name: "_filter", Value: text}}
			if _, _, err := r.Parse(q); err != nil && issue.As(err) == nil {
				t.Errorf("_filter=%q is refused by %v, which is no issue", text, err)
			}
		}
	})
}
