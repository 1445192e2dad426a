package casework_test

import (
	"encoding/csv"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

var update = flag.Bool("update", false, "write the rules of the plans to testdata")

// rule is one thing that a plan asks for, as it was when the plan was last read
// against the sources: testdata/rules.tsv. The tests of what blocks go by these
// rows and not by the plan, so that a plan which loses a rule fails by its id.
type rule struct {
	plan, stage, what string // what: condition, signature, output, after
	id, gate, clauses string
	kind              casework.Kind // of a condition
	purpose, document string        // of a signature
	of                string        // stage whose document is signed
	roles             []access.Role
	flags             string // floor, optional, sealed, own, profile
}

var columns = []string{"plan", "stage", "what", "id", "gate", "clauses", "kind", "purpose", "document", "of", "roles", "flags"}

func (r rule) row() []string {
	var roles []string
	for _, role := range r.roles {
		roles = append(roles, string(role))
	}
	return []string{r.plan, r.stage, r.what, r.id, r.gate, r.clauses, string(r.kind), r.purpose, r.document, r.of, strings.Join(roles, " "), r.flags}
}

func (r rule) name() string {
	name := r.clauses + " " + r.stage + " " + r.what + " " + r.id
	if r.gate != "" {
		name = r.clauses + " " + r.gate + "/" + r.id
	}
	return name
}

// ruled are the rules of a plan as committed.
func ruled(t testing.TB, plan, what string) []rule {
	t.Helper()
	f, err := os.Open("testdata/rules.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.Comma = '\t'
	rows, err := in.ReadAll()
	if err != nil || len(rows) == 0 || !slices.Equal(rows[0], columns) {
		t.Fatalf("testdata/rules.tsv: %v, want the columns %v", err, columns)
	}
	var all []rule
	for _, c := range rows[1:] {
		if c[0] != plan || c[2] != what {
			continue
		}
		r := rule{plan: c[0], stage: c[1], what: c[2], id: c[3], gate: c[4], clauses: c[5], kind: casework.Kind(c[6]), purpose: c[7], document: c[8], of: c[9], flags: c[11]}
		for _, role := range strings.Fields(c[10]) {
			r.roles = append(r.roles, access.Role(role))
		}
		all = append(all, r)
	}
	return all
}

// rulesOf reads the rules out of a plan.
func rulesOf(t testing.TB, id string) []rule {
	t.Helper()
	p, err := casework.CompilePlan(definition(t, id).Root)
	if err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, s := range p.Stages {
		of := strings.Join(s.Clauses, " ")
		for _, c := range s.Conditions {
			all = append(all, rule{plan: id, stage: s.Code, what: "condition", id: c.ID, gate: c.Gate, clauses: strings.Join(c.Clauses, " "), kind: c.Kind,
				flags: flags("floor", c.Floor, "job", c.Job, "waiver-"+string(c.Waiver), c.Waiver != "")})
		}
		for _, g := range s.Signatures {
			all = append(all, rule{plan: id, stage: s.Code, what: "signature", id: g.ID, gate: g.Gate, clauses: strings.Join(g.Clauses, " "),
				purpose: g.Purpose, document: g.Document, of: g.Stage, roles: g.Roles, flags: flags("optional", g.Optional)})
		}
		for _, d := range s.Outputs {
			profiles := 0
			for _, list := range d.Profiles {
				profiles += len(list)
			}
			all = append(all, rule{plan: id, stage: s.Code, what: "output", id: d.Code, clauses: of,
				flags: flags("min-"+strconv.Itoa(d.Min), true, "sealed", d.Sealed, "own", d.Own, "profiles-"+strconv.Itoa(profiles), profiles > 0)})
		}
		for _, after := range s.After {
			all = append(all, rule{plan: id, stage: s.Code, what: "after", id: after, clauses: of})
		}
		all = append(all, rule{plan: id, stage: s.Code, what: "named", id: s.Code, clauses: of, roles: s.Roles, flags: flags("named", s.Named)})
	}
	for _, r := range p.Roles {
		all = append(all, rule{plan: id, what: "role", id: string(r.Role), clauses: r.Clause,
			flags: strings.TrimSpace(flags("principal", r.Principal) + " " + strings.Join(r.Qualifications, " "))})
	}
	return all
}

// flags joins the names whose condition holds.
func flags(pairs ...any) string {
	var set []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			set = append(set, pairs[i].(string))
		}
	}
	return strings.Join(set, " ")
}

// TestRulesOfPlans holds the plans against the committed rows, both ways.
func TestRulesOfPlans(t *testing.T) {
	var all []rule
	for _, id := range plans {
		all = append(all, rulesOf(t, id)...)
	}
	if *update {
		writeRules(t, all)
	}
	for _, what := range []string{"condition", "signature", "output", "after", "named", "role"} {
		for _, id := range plans {
			want := ruled(t, id, what)
			for _, r := range want {
				t.Run(r.clauses+" "+id+" "+r.stage+" "+what+" "+r.id, func(t *testing.T) {
					if !slices.ContainsFunc(all, func(o rule) bool { return slices.Equal(o.row(), r.row()) }) {
						t.Errorf("the plan lost or changed %v; if that is meant: go test ./server/casework -run Rules -update", r.row())
					}
				})
			}
			for _, o := range all {
				if o.plan == id && o.what == what && !slices.ContainsFunc(want, func(r rule) bool { return slices.Equal(o.row(), r.row()) }) {
					t.Errorf("testdata/rules.tsv lacks %v; go test ./server/casework -run Rules -update", o.row())
				}
			}
		}
	}
}

func writeRules(t *testing.T, all []rule) {
	t.Helper()
	f, err := os.Create("testdata/rules.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := csv.NewWriter(f)
	out.Comma = '\t'
	rows := [][]string{columns}
	for _, r := range all {
		rows = append(rows, r.row())
	}
	if err := out.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
}
