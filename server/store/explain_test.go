package store_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/storetest"
	"tenon/test/bench/hospital"
)

// explained are searches of every kind. Whole says that one cannot begin with a
// value: it reads all rows of its parameter, or all resources of its type.
var explained = []struct {
	name, query string
	whole       bool
}{
	{"token", "Observation?code=http://loinc.org|8867-4", false},
	{"token of any system", "Observation?code=8867-4", false},
	{"token, two values", "Observation?code=8867-4,8310-5", false},
	{"token, not", "Observation?code:not=8867-4", true},
	{"identifier", "Patient?identifier=" + hospital.MRN + "|M0000007", false},
	{"string", "Patient?family=王", false},
	{"string, exact", "Patient?family:exact=王", false},
	{"string, contains", "Patient?family:contains=王", true},
	{"date, equal", "Observation?date=2023-05-01", false},
	{"date, ge", "Observation?date=ge2024-09-01", false},
	{"date, lt", "Observation?date=lt2022-01-10", false},
	{"date, sa", "Observation?date=sa2024-09-01", false},
	{"date, eb", "Observation?date=eb2022-01-10", false},
	{"date, ap", "Observation?date=ap2023-05-01", false},
	{"date, ne", "Observation?date=ne2023-05-01", true},
	{"quantity, gt", "Observation?value-quantity=gt110|http://unitsofmeasure.org|kg", false},
	{"quantity, equal", "Observation?value-quantity=80|http://unitsofmeasure.org|kg", false},
	{"composite", "Observation?code-value-quantity=http://loinc.org|8867-4$gt135", false},
	{"composite of components", "Observation?component-code-value-quantity=http://loinc.org|8480-6$gt172", false},
	{"reference", "Observation?subject=Patient/r00007-0", false},
	{"compartment", "Patient/r00007-0/Observation?", false},
	{"chain", "Observation?subject:Patient.family=欧阳", false},
	{"chain of two", "Observation?encounter:Encounter.subject:Patient.family=欧阳", false},
	{"_has", "Patient?_has:Observation:subject:method=" + hospital.Method + "|m42", false},
	{"_id", "Patient?_id=r00007-0", false},
	{"_lastUpdated", "Patient?_lastUpdated=ge2026-01-01", true},
	{"missing", "Patient?general-practitioner:missing=false", true},
	{"two tokens", "Observation?code=http://loinc.org|8867-4&method=" + hospital.Method + "|m42", false},
	{"token and date", "Observation?code=http://loinc.org|8867-4&date=ge2024-09-01", false},
	{"chain and token", "Observation?subject:Patient.family=欧阳&code=8867-4", false},
	{"_include", "Observation?method=" + hospital.Method + "|m42&_include=Observation:subject", false},
	{"_revinclude", "Patient?identifier=" + hospital.MRN + "|M0000007&_revinclude=Observation:subject", false},
	{"no parameter", "Observation?", true},
	{"_sort=-_lastUpdated", "Observation?_sort=-_lastUpdated", true},
	{"_sort=-date", "Observation?_sort=-date", true},
	{"token, _sort=-date", "Observation?method=" + hospital.Method + "|m42&_sort=-date", false},
	{"token, _sort=date,_id", "Observation?method=" + hospital.Method + "|m42&_sort=date,_id", false},
	{"token, _total", "Observation?method=" + hospital.Method + "|m42&_total=accurate", false},
	{"token, count alone", "Observation?code=http://loinc.org|8867-4&_summary=count", false},
}

// TestExplain compares how each database runs every kind of search with the
// golden files, on 5,000 resources: as who reaches everything and as a person
// with 20 cases. No plan of a clause with a value reads a whole table.
//
//	go test ./server/store -run TestExplain -update
func TestExplain(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			fillExplained(t, s)
			major, err := s.Major(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			head := fmt.Sprintf("# %s %s\n", name, major)
			var b strings.Builder
			b.WriteString(head)
			for _, q := range explained {
				b.WriteString(explain(t, s, q.name, q.query, q.whole, access.Everything{}))
				b.WriteString(explain(t, s, q.name+", 20 cases", q.query, q.whole, ofPerson))
			}
			b.WriteString(explainSets(t, s, name == "SQLite"))
			golden := filepath.Join("testdata", "explain", strings.ToLower(name)+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(want), head) {
				t.Skipf("the golden file is of another version than %s", strings.TrimSpace(head))
			}
			if diff := firstDifference(string(want), b.String()); diff != "" {
				t.Errorf("plans are not those of %s: run with -update and look at the difference: %s", golden, diff)
			}
		})
	}
}

// ofPerson is what a person of the maker's with 20 cases reaches.
var ofPerson = access.AnyOf{access.OwnedBy{Organization: "Organization/maker"}, access.InCase{Principals: []string{person}}}

// firstDifference tells the first search that is run in another way.
func firstDifference(want, got string) string {
	wants, gots := strings.Split(want, "\n## "), strings.Split(got, "\n## ")
	for i := range min(len(wants), len(gots)) {
		if wants[i] != gots[i] {
			return fmt.Sprintf("\nwas %s\nis %s", wants[i], gots[i])
		}
	}
	if len(wants) != len(gots) {
		return fmt.Sprintf("%d searches, want %d", len(gots), len(wants))
	}
	return ""
}

func explain(t *testing.T, s *store.Store, name, query string, whole bool, reach access.Predicate) string {
	t.Helper()
	w := &world{TB: t, Store: s}
	plan, _, err := w.planFor(query, reach)
	if err != nil {
		t.Fatalf("Parse(%s) = %v", query, err)
	}
	steps, err := s.Explained(t.Context(), plan)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return told(t, name, query, whole, steps)
}

// explainSets tells how those statements are run that are no search: who uses a
// product family, and what is loaded of a case. On SQLite the sets of the latter
// look like tables.
func explainSets(t *testing.T, s *store.Store, lite bool) string {
	t.Helper()
	all, err := s.ExplainedFamilyUses(t.Context(), "family", "")
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.ExplainedFamilyUses(t.Context(), "family", "Organization/maker")
	if err != nil {
		t.Fatal(err)
	}
	of, err := s.ExplainedCase(t.Context(), "case7")
	if err != nil {
		t.Fatal(err)
	}
	return told(t, "FamilyUses", "family", false, all) + told(t, "FamilyUses, one organisation", "family", false, one) + told(t, "Snapshot", "case7", lite, of)
}

func told(t *testing.T, name, query string, whole bool, steps [][]string) string {
	t.Helper()
	out := "\n## " + name + ": " + query + "\n"
	for i, step := range steps {
		for k, line := range step {
			line = literals.ReplaceAllString(line, "'{…}'")
			out += fmt.Sprintf("%d %s\n", i+1, line)
			next := ""
			if k+1 < len(step) {
				next = step[k+1]
			}
			if why := scans(line, next); why != "" && !whole {
				t.Errorf("%s: %s: %s", name, why, line)
			}
		}
	}
	return out
}

// literals are lists of row numbers.
var literals = regexp.MustCompile(`'\{[0-9,]*\}'`)

var (
	liteScan  = regexp.MustCompile(`\bSCAN (\S+)( USING|$)`)
	litePart  = regexp.MustCompile(`\(tenant=\?( AND key=\?| AND type=\?)?( AND rid>\?)?\)$`)
	pgIndex   = regexp.MustCompile(`Index (Only )?Scan( Backward)? using `)
	pgSeqScan = regexp.MustCompile(`Seq Scan on (\S+)`)
)

// scans tells why a line of a plan reads more than the values that were asked
// for: a whole table or index, or all rows of a parameter.
func scans(line, next string) string {
	if m := liteScan.FindStringSubmatch(line); m != nil && m[1] != "json_each" && m[1] != "x" && m[1] != "y" && m[1] != "q" {
		return "a whole table is read"
	}
	if pgSeqScan.MatchString(line) {
		return "a whole table is read"
	}
	if pgIndex.MatchString(line) && !strings.Contains(next, "Index Cond:") {
		return "a whole index is read"
	}
	if litePart.MatchString(line) && !strings.Contains(line, "resource_type") {
		return "all rows of a parameter are read"
	}
	return ""
}

// fillExplained holds 100 patients of the made-up hospital, each with a case of
// ten resources; the person has 20 of them. Ten resources have old versions.
func fillExplained(t *testing.T, s *store.Store) {
	t.Helper()
	h := hospital.New(1, 100)
	at := storetest.Start
	for i := range h.Patients() {
		var bundle struct {
			Entry []struct {
				FullURL  string `json:"fullUrl"`
				Resource json.RawMessage
				Request  struct{ URL string }
			}
		}
		body := h.Bundle(i)
		if err := json.Unmarshal(body, &bundle); err != nil {
			t.Fatal(err)
		}
		var known []string
		for k, e := range bundle.Entry {
			if e.FullURL != "" {
				known = append(known, e.FullURL, fmt.Sprintf("%s/r%05d-%d", e.Request.URL, i, k))
			}
		}
		local := strings.NewReplacer(known...)
		u, root := &record.Unit{At: at}, fmt.Sprintf("case%d", i)
		for k, e := range bundle.Entry {
			doc, err := tree.Parse([]byte(local.Replace(string(e.Resource))))
			if err != nil {
				t.Fatal(err)
			}
			v := storetest.Make(e.Request.URL, fmt.Sprintf("r%05d-%d", i, k), 1, storetest.Updated(at))
			if v.Rows, err = registry().Index(doc.Root()); err != nil {
				t.Fatal(err)
			}
			u.Versions = append(u.Versions, v)
			if k < 10 {
				u.Members = append(u.Members, record.Member{Case: root, Type: v.Type, ID: v.ID})
			}
		}
		u.Cases = append(u.Cases, root)
		u.Grants = append(u.Grants, record.CaseGrants{Case: root, Grants: granted(i)})
		if err := s.Commit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		at = at.Add(1e9)
	}
	older := &record.Unit{At: at}
	for i := range 10 {
		for n := range int64(100) {
			older.Versions = append(older.Versions, storetest.Make("Basic", fmt.Sprintf("older%d", i), n+1))
		}
	}
	if err := s.Commit(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if err := s.Analyze(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// granted lets twenty people into each case, the person into every fifth.
func granted(i int) (all []casework.Grant) {
	for k := range 20 {
		all = append(all, casework.Grant{Principal: fmt.Sprintf("PractitionerRole/%d", (i+k)%50), Ceiling: 3})
	}
	if i%5 == 0 {
		all = append(all, casework.Grant{Principal: person, Ceiling: 3})
	}
	return all
}

// planFor parses "Type?query" for a caller, pages of 20.
func (w *world) planFor(query string, reach access.Predicate) (*search.Plan, *search.Told, error) {
	typ, q, _ := strings.Cut(query, "?")
	params, err := search.ParseQuery(q)
	if err != nil {
		return nil, nil, err
	}
	return registry().Parse(search.Request{Type: typ, Params: params, Strict: true, Principal: "p", Now: storetest.Start,
		MaxCount: 1000, DefaultCount: 20, Reach: func(string) access.Predicate { return reach }})
}
