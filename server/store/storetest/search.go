package storetest

import (
	"math"
	"strings"

	"tenon/server/access"
	"tenon/server/search"
)

var searchTests = map[string]func(*fixture){
	"token":         tokens,
	"string":        stringsOf,
	"date":          dates,
	"number":        numbersOf,
	"reference":     references,
	"uri":           uris,
	"missing":       missings,
	"_id":           ids,
	"_lastUpdated":  lastUpdated,
	"and, or":       andOr,
	"chain":         chains,
	"_has":          hasTests,
	"include":       includes,
	"revinclude":    revincludes,
	"several types": severalTypes,
}

func tokens(f *fixture) {
	long := strings.Repeat("x", 5000)
	f.put(
		Make("Observation", "1", 1, Token("code", "http://loinc.org", "a")),
		Make("Observation", "2", 1, Token("code", "", "a"), Token("code", "http://snomed.info/sct", "a")),
		Make("Observation", "3", 1, Token("code", "http://loinc.org", "b"), Token("code", "http://loinc.org", "b")),
		Make("Observation", "4", 1),
		Make("Observation", "5", 1, Token("status", "http://loinc.org", "a"), Token("code", "s", long+"1")),
	)
	key := search.KeyOf("Observation", "code")
	is := func(m ...search.TokenMatch) search.Clause { return search.Token{Key: key, Any: m} }
	for name, c := range map[string]struct {
		clause search.Clause
		want   []string
	}{
		"code":             {Code("Observation", "code", "*", "a"), []string{"Observation/1", "Observation/2"}},
		"system and code":  {Code("Observation", "code", "http://loinc.org", "a"), []string{"Observation/1"}},
		"|code":            {Code("Observation", "code", "", "a"), []string{"Observation/2"}},
		"system|":          {is(search.TokenMatch{System: ptr("http://loinc.org")}), []string{"Observation/1", "Observation/3"}},
		"either":           {is(search.TokenMatch{Code: ptr("b")}, search.TokenMatch{System: ptr(""), Code: ptr("a")}), []string{"Observation/2", "Observation/3"}},
		"not":              {search.Token{Key: key, Not: true, Any: []search.TokenMatch{{Code: ptr("a")}}}, []string{"Observation/3", "Observation/4", "Observation/5"}},
		"case matters":     {Code("Observation", "code", "*", "A"), nil},
		"long":             {Code("Observation", "code", "s", long+"1"), []string{"Observation/5"}},
		"long and other":   {Code("Observation", "code", "s", long+"2"), nil},
		"no alternative":   {is(), nil},
		"not text of ours": {Code("Observation", "code", "*", "\x00\xff'; DROP TABLE resource; --"), nil},
	} {
		f.want(name, f.find(plan("Observation", c.clause)), c.want...)
	}
}

func stringsOf(f *fixture) {
	long := strings.Repeat("ab ", 400)
	f.put(
		Make("Patient", "1", 1, String("name", "Müller")),
		Make("Patient", "2", 1, String("name", "MULLER"), String("name", "Muller-Lüdenscheidt")),
		Make("Patient", "3", 1, String("name", "王小东")),
		Make("Patient", "4", 1, String("name", "100% A_B")),
		Make("Patient", "5", 1, String("name", long+"end")),
		Make("Patient", "6", 1, String("name", long+"other")),
	)
	for name, c := range map[string]struct {
		mode  search.StringMode
		value string
		want  []string
	}{
		"prefix":            {search.Prefix, "mul", []string{"Patient/1", "Patient/2"}},
		"prefix in Chinese": {search.Prefix, "王", []string{"Patient/3"}},
		"contains":          {search.Contains, "小", []string{"Patient/3"}},
		"contains inside":   {search.Contains, "scheid", []string{"Patient/2"}},
		"exact":             {search.Exact, "Müller", []string{"Patient/1"}},
		"exact, other case": {search.Exact, "MULLER", []string{"Patient/2"}},
		"no wildcards":      {search.Prefix, "m%", nil},
		"no wildcards in":   {search.Contains, "_", nil},
		"prefix, long":      {search.Prefix, search.Fold(long + "en"), []string{"Patient/5"}},
		"contains, long":    {search.Contains, "ab other", []string{"Patient/6"}},
		"exact, long":       {search.Exact, long + "other", []string{"Patient/6"}},
	} {
		clause := search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Mode: c.mode, Value: c.value}}}
		f.want(name, f.find(plan("Patient", clause)), c.want...)
	}
}

// dates has the resource intervals [10,20], [15,15], [20,30], [-∞,12] and
// [18,∞], and asks for [15,20] with each prefix of
// https://hl7.org/fhir/R4/search.html#prefix
func dates(f *fixture) {
	f.put(
		Make("Observation", "a", 1, Date("date", 10, 20)),
		Make("Observation", "b", 1, Date("date", 15, 15)),
		Make("Observation", "c", 1, Date("date", 20, 30)),
		Make("Observation", "d", 1, Date("date", math.MinInt64, 12)),
		Make("Observation", "e", 1, Date("date", 18, math.MaxInt64)),
	)
	for op, want := range map[search.Op]string{
		search.Equal: "b", search.NotEqual: "acde", search.Greater: "ce", search.Less: "ad",
		search.GreaterOrEq: "bce", search.LessOrEq: "abd", search.StartsAfter: "", search.EndsBefore: "d",
		search.Overlaps: "abce",
	} {
		clause := search.Date{Key: search.KeyOf("Observation", "date"), Any: []search.Range{{Op: op, Low: 15, High: 20}}}
		if got := letters(f.find(plan("Observation", clause))); got != want {
			f.Errorf("prefix %d finds %q, want %q", op, got, want)
		}
	}
}

// letters joins the ids.
func letters(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(n[strings.IndexByte(n, '/')+1:])
	}
	return b.String()
}

func numbersOf(f *fixture) {
	const ucum = "http://unitsofmeasure.org"
	f.put(
		Make("Observation", "a", 1, Number("value", 5.4, 5.4, ucum, "mg")),
		Make("Observation", "b", 1, Number("value", 5.4, 5.4, ucum, "kg")),
		Make("Observation", "c", 1, Number("value", 1, 2, "", "")),
		Make("Observation", "d", 1, Number("value", 100, math.Inf(1), ucum, "mg")),
		Make("Observation", "e", 1, Number("value", math.NaN(), 1, ucum, "mg")),
	)
	key := search.KeyOf("Observation", "value")
	for name, c := range map[string]struct {
		m    search.NumberMatch
		want string
	}{
		"eq, any unit":  {search.NumberMatch{Low: 5.35, High: 5.45}, "ab"},
		"eq mg":         {search.NumberMatch{Low: 5.35, High: 5.45, System: ptr(ucum), Code: ptr("mg")}, "a"},
		"gt mg":         {search.NumberMatch{Op: search.Greater, Low: 5, High: 5, System: ptr(ucum), Code: ptr("mg")}, "ad"},
		"lt":            {search.NumberMatch{Op: search.Less, Low: 2, High: 2}, "c"},
		"none of these": {search.NumberMatch{Op: search.EndsBefore, Low: 1, High: 1}, ""},
		"canonical":     {search.NumberMatch{Low: 0, High: 1000, Canonical: true}, ""},
	} {
		clause := search.Number{Key: key, Any: []search.NumberMatch{c.m}}
		if got := letters(f.find(plan("Observation", clause))); got != c.want {
			f.Errorf("%s finds %q, want %q", name, got, c.want)
		}
	}
}

func references(f *fixture) {
	f.put(
		Make("Observation", "a", 1, Refer("subject", "Patient", "1")),
		Make("Observation", "b", 1, Refer("subject", "Group", "1")),
		Make("Observation", "c", 1, Refer("performer", "Patient", "1")),
	)
	key := search.KeyOf("Observation", "subject")
	for name, c := range map[string]struct {
		m    search.ReferenceMatch
		want string
	}{
		"type and id": {search.ReferenceMatch{Type: "Patient", ID: "1"}, "a"},
		"id alone":    {search.ReferenceMatch{ID: "1"}, "ab"},
		"url":         {search.ReferenceMatch{URL: "1"}, ""},
		"other":       {search.ReferenceMatch{Type: "Patient", ID: "2"}, ""},
	} {
		clause := search.Reference{Key: key, Any: []search.ReferenceMatch{c.m}}
		if got := letters(f.find(plan("Observation", clause))); got != c.want {
			f.Errorf("%s finds %q, want %q", name, got, c.want)
		}
	}
}

func uris(f *fixture) {
	f.put(
		Make("ValueSet", "a", 1, URI("url", "http://acme.org/fhir")),
		Make("ValueSet", "b", 1, URI("url", "http://acme.org/fhir/ValueSet/1")),
		Make("ValueSet", "c", 1, URI("url", "http://acme.org/fhirx")),
		Make("ValueSet", "d", 1, URI("url", "urn:oid:1.2.3")),
	)
	for name, c := range map[string]struct {
		m    search.URIMatch
		want string
	}{
		"equal":          {search.URIMatch{URI: "urn:oid:1.2.3"}, "d"},
		"below":          {search.URIMatch{URI: "http://acme.org/fhir", Below: true}, "ab"},
		"below, slash":   {search.URIMatch{URI: "http://acme.org/fhir/", Below: true}, "b"},
		"above":          {search.URIMatch{URI: "http://acme.org/fhir/ValueSet/1/x", Above: true}, "ab"},
		"above, no path": {search.URIMatch{URI: "urn:oid:1.2.3", Above: true}, "d"},
	} {
		clause := search.URI{Key: search.KeyOf("ValueSet", "url"), Any: []search.URIMatch{c.m}}
		if got := letters(f.find(plan("ValueSet", clause))); got != c.want {
			f.Errorf("%s finds %q, want %q", name, got, c.want)
		}
	}
}

func missings(f *fixture) {
	f.put(
		Make("Observation", "a", 1, Token("p", "", "x")), Make("Observation", "b", 1, String("p", "x")),
		Make("Observation", "c", 1, Date("p", 1, 1)), Make("Observation", "d", 1, Number("p", 1, 1, "", "")),
		Make("Observation", "e", 1, Refer("p", "Patient", "1")), Make("Observation", "f", 1, URI("p", "x")),
	)
	all := "abcdef"
	for i, kind := range []string{"token", "string", "date", "number", "reference", "uri"} {
		c := search.Missing{Key: search.KeyOf("Observation", "p"), Kind: kind}
		if got, want := letters(f.find(plan("Observation", c))), all[i:i+1]; got != want {
			f.Errorf("%s:missing=false finds %q, want %q", kind, got, want)
		}
		c.Missing = true
		if got, want := letters(f.find(plan("Observation", c))), all[:i]+all[i+1:]; got != want {
			f.Errorf("%s:missing=true finds %q, want %q", kind, got, want)
		}
	}
}

func ids(f *fixture) {
	f.put(Make("Patient", "a", 1), Make("Patient", "b", 1), Make("Patient", "c", 1), Make("Device", "a", 1))
	f.want("_id", f.find(plan("Patient", search.IDs{IDs: []string{"c", "a", "x"}})), "Patient/a", "Patient/c")
	f.want("_id of none", f.find(plan("Patient", search.IDs{})))
}

func lastUpdated(f *fixture) {
	f.put(Make("Patient", "a", 1, Updated(Start)), Make("Patient", "b", 1, Updated(Start.Add(1e9))))
	at := Start.UnixMicro()
	f.want("gt", f.find(plan("Patient", search.Updated{Any: []search.Range{{Op: search.Greater, Low: at, High: at}}})), "Patient/b")
	f.want("eq", f.find(plan("Patient", search.Updated{Any: []search.Range{{Low: at, High: at + 999}}})), "Patient/a")
	f.want("no range", f.find(plan("Patient", search.Updated{})))
}

func andOr(f *fixture) {
	f.put(
		Make("Observation", "a", 1, Token("code", "", "x"), Token("status", "", "final")),
		Make("Observation", "b", 1, Token("code", "", "x"), Token("status", "", "draft")),
		Make("Observation", "c", 1, Token("code", "", "y"), Token("status", "", "final")),
	)
	f.want("and", f.find(plan("Observation", Code("Observation", "code", "*", "x"), Code("Observation", "status", "*", "final"))), "Observation/a")
	f.want("and of nothing", f.find(plan("Observation", Code("Observation", "code", "*", "y"), Code("Observation", "status", "*", "draft"))))
	p := plan("Observation", Code("Observation", "code", "*", "x"))
	p.Total = true
	page, err := f.Search(f.ctx(), p)
	if err != nil || *page.Total != 2 || len(page.Hits) != 0 {
		f.Errorf("Search(total only) = %+v, %v, want 2 and no hits", page, err)
	}
}

// family is Patient ← Observation ← DiagnosticReport.
func family(f *fixture) {
	f.put(
		Make("Patient", "p", 1, String("name", "Li")), Make("Patient", "q", 1, String("name", "Wang")),
		Make("Observation", "o", 1, Refer("subject", "Patient", "p"), Token("code", "", "x")),
		Make("Observation", "n", 1, Refer("subject", "Patient", "q"), Token("code", "", "y")),
		Make("DiagnosticReport", "r", 1, Refer("result", "Observation", "o")),
		Make("DiagnosticReport", "s", 1, Refer("result", "Observation", "n")),
		Make("Observation", "m", 1, Refer("subject", "Patient", "absent")),
	)
}

func named(name string) search.Clause {
	return search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Value: name}}}
}

func target(reach access.Predicate, typ string, where ...search.Clause) *search.Alias {
	return &search.Alias{Types: []string{typ}, Reach: reach, Where: where}
}

func subject(reach access.Predicate, where ...search.Clause) search.Clause {
	return search.Reference{Key: search.KeyOf("Observation", "subject"), Target: target(reach, "Patient", where...)}
}

func chains(f *fixture) {
	family(f)
	f.want("chain", f.find(plan("Observation", subject(Everything, named("li")))), "Observation/o")
	f.want("two hops", f.find(plan("DiagnosticReport", search.Reference{
		Key: search.KeyOf("DiagnosticReport", "result"), Target: target(Everything, "Observation", subject(Everything, named("wang"))),
	})), "DiagnosticReport/s")
	f.want("no such target", f.find(plan("Observation", subject(Everything, named("zhao")))))
	f.want("any type", f.find(plan("Observation", search.Reference{
		Key: search.KeyOf("Observation", "subject"), Target: &search.Alias{Reach: Everything, Where: []search.Clause{search.IDs{IDs: []string{"q"}}}},
	})), "Observation/n")
	f.put(Make("Patient", "p", 2, Deleted))
	f.want("deleted target", f.find(plan("Observation", subject(Everything))), "Observation/n")
}

func has(reach access.Predicate, where ...search.Clause) search.Clause {
	return search.Has{Key: search.KeyOf("Observation", "subject"), Source: *target(reach, "Observation", where...)}
}

func hasTests(f *fixture) {
	family(f)
	f.want("_has", f.find(plan("Patient", has(Everything, Code("Observation", "code", "*", "x")))), "Patient/p")
	f.want("_has any", f.find(plan("Patient", has(Everything))), "Patient/p", "Patient/q")
	f.want("_has in _has", f.find(plan("Patient", has(Everything, search.Has{
		Key: search.KeyOf("DiagnosticReport", "result"), Source: *target(Everything, "DiagnosticReport", search.IDs{IDs: []string{"s"}}),
	}))), "Patient/q")
	f.want("_has none", f.find(plan("Patient", has(Everything, Code("Observation", "code", "*", "z")))))
}

func includes(f *fixture) {
	family(f)
	p := plan("DiagnosticReport", search.IDs{IDs: []string{"r"}})
	p.Include = []search.Include{{Source: "DiagnosticReport", Key: search.KeyOf("DiagnosticReport", "result"), Reach: Everything}}
	f.want("include", f.find(p), "DiagnosticReport/r", "+Observation/o")
	p.Include = append(p.Include, search.Include{Source: "Observation", Key: search.KeyOf("Observation", "subject"), Target: "Patient", Iterate: true, Reach: Everything})
	f.want("iterate", f.find(p), "DiagnosticReport/r", "+Observation/o", "+Patient/p")
	p.Include[1].Target = "Group"
	f.want("other target", f.find(p), "DiagnosticReport/r", "+Observation/o")
	p.Include = []search.Include{{Source: "DiagnosticReport", Any: true, Reach: Everything}}
	f.want("every reference", f.find(p), "DiagnosticReport/r", "+Observation/o")
	p = plan("Observation")
	p.Include = []search.Include{{Source: "Observation", Key: search.KeyOf("Observation", "subject"), Reach: Everything}}
	f.put(Make("Observation", "l", 1, Refer("subject", "Patient", "p")))
	f.want("each once", f.find(p), "Observation/o", "Observation/n", "Observation/m", "Observation/l", "+Patient/p", "+Patient/q")
}

func revincludes(f *fixture) {
	family(f)
	p := plan("Patient", search.IDs{IDs: []string{"p"}})
	p.Include = []search.Include{{Source: "Observation", Key: search.KeyOf("Observation", "subject"), Reverse: true, Reach: Everything}}
	f.want("revinclude", f.find(p), "Patient/p", "+Observation/o")
	p.Include = append(p.Include, search.Include{Source: "DiagnosticReport", Any: true, Reverse: true, Iterate: true, Reach: Everything})
	f.want("iterate", f.find(p), "Patient/p", "+Observation/o", "+DiagnosticReport/r")
	p.Include[0].Target = "Group"
	f.want("other target", f.find(p), "Patient/p")
}

func severalTypes(f *fixture) {
	f.put(Make("Patient", "1", 1), Make("Device", "1", 1), Make("Task", "1", 1))
	f.want("two types", f.find(&search.Plan{Root: search.Alias{Types: []string{"Task", "Patient"}, Reach: Everything}}), "Patient/1", "Task/1")
	f.want("all types", f.find(&search.Plan{Root: search.Alias{Reach: Everything}}), "Patient/1", "Device/1", "Task/1")
	f.want("TypeIn", f.find(&search.Plan{Root: search.Alias{Reach: access.TypeIn{"Device"}}}), "Device/1")
	f.want("_id", f.find(&search.Plan{Root: search.Alias{Reach: Everything, Where: []search.Clause{search.IDs{IDs: []string{"1"}}}}}), "Patient/1", "Device/1", "Task/1")
}
