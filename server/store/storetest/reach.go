package storetest

import (
	"errors"
	"fmt"
	"strings"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/search"
)

var reachTests = map[string]func(*fixture){
	"predicates":                predicates,
	"level and ceiling":         ceilings,
	"chain does not leak":       chainLeak,
	"_has does not leak":        hasLeak,
	"case does not leak":        memberLeak,
	"include does not leak":     includeLeak,
	"history does not leak":     historyLeak,
	"unknown predicate refused": unknownPredicate,
	"folding widens nothing":    folding,
	"about a patient":           aboutPatient,
	"scope conditions":          matching,
}

func grants(principal string, ceiling access.Level) []casework.Grant {
	return []casework.Grant{{Principal: principal, Ceiling: ceiling}}
}

const person = "PractitionerRole/m"

func predicates(f *fixture) {
	f.put(
		Make("Organization", "o", 1), Make("Patient", "p", 1, Owner("Organization/x")),
		Make("Patient", "q", 1), Make("Device", "s", 1, Owner("")),
	)
	f.caseOf("c", grants(person, 3), Make("Patient", "r", 1, Level(3), Owner("Organization/x")))
	all := &search.Plan{Root: search.Alias{}}
	for _, c := range []struct {
		reach access.Predicate
		want  string
	}{
		{access.Everything{}, "opqscr"},
		{access.TypeIn{"Organization", "Device"}, "os"},
		{access.TypeIn{}, ""},
		{access.OwnedBy{Organization: "Organization/x"}, "pr"},
		{access.OwnedBy{Organization: "Organization/x", Loose: true}, "p"},
		{access.AnyOf{access.OwnedBy{Organization: "Organization/x", Loose: true}, in("PractitionerRole/other")}, "p"},
		{access.OwnedBy{}, ""},
		{in(person), "cr"},
		{in("PractitionerRole/other"), ""},
		{access.InCase{Principals: []string{"PractitionerRole/other", person}}, "cr"},
		{access.InCase{}, ""},
		{access.AnyCase{Ceiling: 5}, "cr"},
		{access.AnyCase{Ceiling: 2}, "c"},
		{access.AnyCase{}, ""},
		{access.AllOf{access.TypeIn{"Patient"}, access.AnyCase{Ceiling: 3}}, "r"},
		{access.Is{Type: "Patient", ID: "q"}, "q"},
		{access.Is{Type: "Device", ID: "q"}, ""},
		{access.AnyOf{access.TypeIn{"Organization"}, access.OwnedBy{Organization: "Organization/x"}, in(person)}, "opcr"},
		{access.AllOf{access.TypeIn{"Patient"}, in(person)}, "r"},
		{access.AllOf{}, "opqscr"},
		{access.AllOf{access.AnyOf{access.OwnedBy{Organization: "Organization/x"}, in(person)}, access.TypeIn{"Patient", "Task"}}, "pcr"},
	} {
		if got := letters(f.find(reaching(all, c.reach))); got != c.want {
			f.Errorf("reach %#v finds %q, want %q", c.reach, got, c.want)
		}
		for _, ref := range []string{"Organization/o", "Patient/p", "Patient/q", "Device/s", "Task/c", "Patient/r"} {
			typ, id, _ := strings.Cut(ref, "/")
			_, err := f.Read(f.ctx(), c.reach, typ, id)
			if got, want := err == nil, strings.Contains(c.want, id); got != want {
				f.Errorf("reach %#v reads %s: %v, %v, want %v", c.reach, ref, got, err, want)
			}
			one := plan(typ, search.IDs{IDs: []string{id}})
			if got, want := len(f.find(reaching(one, c.reach))) == 1, strings.Contains(c.want, id); got != want {
				f.Errorf("reach %#v finds %s: %v, want %v", c.reach, ref, got, want)
			}
		}
	}
}

func ceilings(f *fixture) {
	f.caseOf("c", grants(person, 3), Make("Patient", "2", 1, Level(2)), Make("Patient", "3", 1, Level(3)), Make("Patient", "4", 1, Level(4)))
	f.caseOf("d", grants(person, 4))
	f.want("level 3", f.find(reaching(plan("Patient"), in(person))), "Patient/2", "Patient/3")
	u := f.unit()
	u.Members = []record.Member{{Case: "d", Type: "Patient", ID: "4"}}
	f.commit(u)
	f.want("through another case", f.find(reaching(plan("Patient"), in(person))), "Patient/2", "Patient/3", "Patient/4")
	f.put(Make("Patient", "2", 2, Level(5)))
	f.want("graded up", f.find(reaching(plan("Patient"), in(person))), "Patient/3", "Patient/4")
}

// hidden is a Patient out of reach, and what refers to it in reach.
func hidden(f *fixture) {
	f.put(Make("Patient", "secret", 1, String("name", "Li")), Make("Observation", "hidden", 1, Refer("subject", "Patient", "open"), Token("code", "", "x")))
	f.caseOf("c", grants(person, 3), Make("Observation", "o", 1, Refer("subject", "Patient", "secret")),
		Make("Patient", "open", 1, Level(2)))
}

func chainLeak(f *fixture) {
	hidden(f)
	p := reaching(plan("Observation", subject(in(person), named("li"))), in(person))
	f.want("chain through what is hidden", f.find(p))
	p.Total = true
	p.Count = 0
	page, err := f.Search(f.ctx(), p)
	if err != nil || *page.Total != 0 {
		f.Errorf("its total = %v, %v, want 0", page, err)
	}
	f.want("with a nil reach", f.find(plan("Observation", subject(nil, named("li")))))
	f.want("with reach", f.find(plan("Observation", subject(Everything, named("li")))), "Observation/o")
}

func hasLeak(f *fixture) {
	hidden(f)
	x := Code("Observation", "code", "*", "x")
	f.want("_has of what is hidden", f.find(reaching(plan("Patient", has(in(person), x)), in(person))))
	f.want("with a nil reach", f.find(plan("Patient", has(nil, x))))
	f.want("with reach", f.find(plan("Patient", has(Everything, x))), "Patient/open")
}

// memberLeak: what is in reach does not tell of a case out of reach that holds it.
func memberLeak(f *fixture) {
	f.caseOf("c", grants(person, 3), Make("Device", "shared", 1, Owner("Organization/x")), Make("Patient", "p", 1, Owner("Organization/y")))
	f.caseOf("d", grants(person, 3), Make("Patient", "q", 1, Owner("Organization/y")))
	owner := access.OwnedBy{Organization: "Organization/x", Loose: true}
	of := func(reach access.Predicate, ids ...string) search.Clause {
		return search.Member{Of: search.Alias{Types: []string{"Task"}, Reach: reach, Where: []search.Clause{search.IDs{IDs: ids}}}}
	}
	f.want("a device in reach", f.find(reaching(plan("Device"), owner)), "Device/shared")
	f.want("by a case out of reach", f.find(reaching(plan("Device", of(owner, "c")), owner)))
	f.want("by a case with a nil reach", f.find(reaching(plan("Device", of(nil, "c")), owner)))
	f.want("by a case in reach", f.find(reaching(plan("Device", of(in(person), "c")), in(person))), "Device/shared")
	f.want("by another case", f.find(reaching(plan("Device", of(in(person), "d")), in(person))))
	f.want("by several", f.find(reaching(plan("Patient", of(in(person), "c", "d", "x")), in(person))), "Patient/p", "Patient/q")
	f.want("beside another clause", f.find(reaching(plan("Patient", search.IDs{IDs: []string{"q"}}, of(in(person), "c")), in(person))))
	f.want("not", f.find(reaching(plan("Patient", search.Not{All: []search.Clause{of(in(person), "c")}}), in(person))), "Patient/q")
}

func includeLeak(f *fixture) {
	hidden(f)
	p := reaching(plan("Observation"), in(person))
	p.Include = []search.Include{{Source: "Observation", Key: search.KeyOf("Observation", "subject"), Reach: in(person)}}
	f.want("include of what is hidden", f.find(p), "Observation/o")
	p.Include[0].Reach = nil
	f.want("include with a nil reach", f.find(p), "Observation/o")
	p.Include[0].Reach = Everything
	f.want("include with reach", f.find(p), "Observation/o", "+Patient/secret")
	q := reaching(plan("Patient"), in(person))
	q.Include = []search.Include{{Source: "Observation", Any: true, Reverse: true, Reach: in(person)}}
	f.want("revinclude of what is hidden", f.find(q), "Patient/open")
	q.Include[0].Reach = nil
	f.want("revinclude with a nil reach", f.find(q), "Patient/open")
	q.Include[0].Reach = Everything
	f.want("revinclude with reach", f.find(q), "Patient/open", "+Observation/hidden")
}

// historyLeak: who cannot reach the current version cannot read an old one.
func historyLeak(f *fixture) {
	f.caseOf("c", grants(person, 3), Make("Patient", "p", 1, Level(2)))
	if vs, err := f.History(f.ctx(), in(person), "Patient", "p", 0, 9); err != nil || len(vs) != 1 {
		f.Errorf("History() in reach = %v, %v", vs, err)
	}
	f.put(Make("Patient", "p", 2, Level(4)))
	if vs, err := f.History(f.ctx(), in(person), "Patient", "p", 0, 9); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("History() out of reach = %v, %v, want ErrAbsent", vs, err)
	}
	if v, err := f.ReadVersion(f.ctx(), in(person), "Patient", "p", 1); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("ReadVersion() out of reach = %v, %v, want ErrAbsent", v, err)
	}
}

// stranger is a predicate that access does not have.
type stranger struct{ access.Predicate }

func unknownPredicate(f *fixture) {
	f.put(Make("Patient", "1", 1))
	for _, reach := range []access.Predicate{
		stranger{Everything},
		&access.Everything{},
		access.AnyOf{access.Nothing{}, stranger{}},
		access.AllOf{access.Nothing{}, stranger{}},
		access.AnyOf{Everything, stranger{}},
	} {
		if v, err := f.Read(f.ctx(), reach, "Patient", "1"); err == nil || errors.Is(err, record.ErrAbsent) {
			f.Errorf("Read(%T) = %v, %v, want a fault", reach, v, err)
		}
		if page, err := f.Search(f.ctx(), func() *search.Plan { p := reaching(plan("Patient"), reach); p.Count = 5; return p }()); err == nil {
			f.Errorf("Search(%T) = %v, want a fault", reach, page)
		}
		p := plan("Observation", subject(reach))
		p.Count = 5
		if page, err := f.Search(f.ctx(), p); err == nil {
			f.Errorf("Search(chain with %T) = %v, want a fault", reach, page)
		}
	}
}

// folding compares what is found with types named and without: the predicate is
// simplified by type in the one and not in the other.
func folding(f *fixture) {
	f.put(Make("Organization", "o", 1), Make("Patient", "p", 1, Owner("Organization/x")), Make("Patient", "q", 1), Make("Device", "d", 1))
	atoms := []access.Predicate{
		access.Everything{},
		access.Nothing{},
		access.TypeIn{"Patient"},
		access.TypeIn{"Device", "Patient"},
		access.OwnedBy{Organization: "Organization/x"},
		access.Is{Type: "Device", ID: "d"},
	}
	for _, a := range atoms {
		for _, b := range atoms {
			for _, c := range atoms {
				for _, reach := range []access.Predicate{access.AnyOf{a, access.AllOf{b, c}}, access.AllOf{a, access.AnyOf{b, c}}} {
					whole := f.find(&search.Plan{Root: search.Alias{Reach: reach}})
					var parts []string
					for _, typ := range []string{"Organization", "Patient", "Device"} {
						parts = append(parts, f.find(reaching(plan(typ), reach))...)
					}
					if fmt.Sprint(whole) != fmt.Sprint(parts) {
						f.Errorf("reach %#v finds %v over all types and %v type by type", reach, whole, parts)
					}
				}
			}
		}
	}
}

// of says whom a version is about.
func of(patient string) func(*record.Version) {
	return func(v *record.Version) { v.Patient = patient }
}

func aboutPatient(f *fixture) {
	a, b := of("Patient/a"), of("Patient/b")
	f.put(Make("Patient", "a", 1, a), Make("Patient", "b", 1, b), Make("Observation", "1", 1, a), Make("Observation", "2", 1, b), Make("Medication", "3", 1))
	root := func(id, of string) {
		f.caseOf(id, grants(person, 5), Make("Binary", "x"+id, 1), Make("Observation", "y"+id, 1, b))
		f.put(Make("Task", id, 2, func(v *record.Version) { v.Patient = of }))
	}
	root("c", "Patient/a")
	root("d", "Patient/b")
	all := &search.Plan{Root: search.Alias{}}
	about := access.About{Patient: "Patient/a"}
	f.want("about a", f.find(reaching(all, about)), "Patient/a", "Observation/1", "Task/c", "Binary/xc")
	f.want("about a, of a type", f.find(reaching(plan("Observation"), about)), "Observation/1")
	f.want("about a and in reach", f.find(reaching(all, access.AllOf{in(person), about})), "Task/c", "Binary/xc")
	for _, patient := range []string{"", "a", "Observation/1"} {
		f.want("about "+patient, f.find(reaching(all, access.About{Patient: patient})))
	}
	// A resource that was about one patient and is about another belongs to neither
	// as it was: each version is judged.
	f.put(Make("Observation", "1", 2, b))
	if v, err := f.ReadVersion(f.ctx(), about, "Observation", "1", 1); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("ReadVersion of what is about another now = %v, %v", v, err)
	}
	if v, err := f.ReadVersion(f.ctx(), access.About{Patient: "Patient/b"}, "Observation", "1", 1); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("ReadVersion of what was about another then = %v, %v", v, err)
	}
}

func matching(f *fixture) {
	lab, vital := Token("category", "", "laboratory"), Token("category", "", "vital-signs")
	f.put(Make("Observation", "1", 1, lab), Make("Observation", "2", 1, vital), Make("Condition", "3", 1, lab), Make("Observation", "4", 1, lab, Refer("subject", "Patient", "p")),
		Make("Patient", "p", 1), Make("Patient", "q", 1))
	reach := access.Matching{Type: "Observation", Condition: []search.Clause{Code("Observation", "category", "", "laboratory")}}
	f.want("matching", f.find(reaching(&search.Plan{}, reach)), "Observation/1", "Observation/4")
	f.want("matching, one type", f.find(reaching(plan("Observation"), access.AllOf{Everything, reach})), "Observation/1", "Observation/4")
	f.want("matching, other type", f.find(reaching(plan("Condition"), reach)))
	if v, err := f.Read(f.ctx(), reach, "Observation", "2"); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("Read of what does not match = %v, %v", v, err)
	}
	f.put(Make("Observation", "2", 2, lab))
	if v, err := f.ReadVersion(f.ctx(), reach, "Observation", "2", 1); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("an old version that did not match = %v, %v", v, err)
	}
	if vs, err := f.History(f.ctx(), reach, "Observation", "2", 0, 9); err != nil || len(vs) != 1 || vs[0].Version != 2 {
		f.Errorf("History() = %v, %v, want the current version alone", vs, err)
	}
	for name, condition := range map[string]any{"none": nil, "empty": []search.Clause{}, "text": "category=laboratory"} {
		f.want(name, f.find(reaching(&search.Plan{}, access.Matching{Type: "Observation", Condition: condition})))
	}
}
