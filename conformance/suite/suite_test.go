package suite_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"tenon/conformance/suite"
)

// The issue asks for 400 cases over interactions and search; those that are
// made for each type come on top.
const least = 400

func TestCases(t *testing.T) {
	cases, err := suite.Cases()
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^[a-z-]+/[A-Za-z0-9-]+$`)
	groups := map[string]int{}
	for _, c := range cases {
		group, _, _ := strings.Cut(c.ID, "/")
		groups[group]++
		if !id.MatchString(c.ID) {
			t.Errorf("%q is no id of a case", c.ID)
		}
		if c.Title == "" || !strings.HasPrefix(c.Clause, "https://") {
			t.Errorf("%s: title %q, clause %q", c.ID, c.Title, c.Clause)
		}
		if !slices.Contains([]suite.Level{suite.Shall, suite.Should, suite.May}, c.Level) {
			t.Errorf("%s: level %q", c.ID, c.Level)
		}
	}
	if written := len(cases) - groups["claims"]; written < least {
		t.Errorf("%d cases are written, want at least %d", written, least)
	}
	if groups["claims"] < 140 {
		t.Errorf("%d types are swept", groups["claims"])
	}
}

func TestReadRefuses(t *testing.T) {
	head := "group g\nclause http.html\n"
	for _, tt := range []struct{ name, text, want string }{
		{"a word that is none", head + "case a b\nGET Patient/1\nhope 200", `unknown word "hope"`},
		{"an expectation before a request", head + "case a b\nstatus 200", "no request"},
		{"a case before a group", "case a b", "before any group"},
		{"a request before a case", head + "GET Patient", "before any case"},
		{"a case without requests", head + "case a b", "needs steps"},
		{"a case without a clause", "group g\ncase a b\nGET metadata", "needs steps, clause"},
		{"a capability that is none", head + "case a b\nneeds Patient !!", "no capability"},
		{"a query without an end", head + "query a: Patient?x=y", "what it finds"},
		{"a fixture that is no JSON", head + `p = Patient {"a":}`, "invalid character"},
		{"a case that adds to the fixture", "group g\nclause http.html\np = Patient {}\ncase a b\nq = Patient {}", "change the fixture"},
		{"a comparison that is none", head + "case a b\nGET metadata\nbody a.b like c", "compared"},
		{"a save without a name", head + "case a b\nGET metadata\nsave body x", "want NAME"},
		{"a save with a bad pattern", head + "case a b\nGET metadata\nsave x body y ~ (", "missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := suite.Read("f.txt", tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Read(%q) = %v, want an error with %q", tt.text, err, tt.want)
			}
		})
	}
}

func TestNeedsFollowFromRequests(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"GET Patient/1", "Patient read"},
		{"GET Patient/1/_history/2", "Patient vread"},
		{"GET Patient/1/_history", "Patient history-instance"},
		{"GET Patient/_history", "Patient history-type"},
		{"GET _history", "system history-system"},
		{"GET ?_type=Patient", "system search-system"},
		{"GET Patient?name:exact=x&_sort=-birthdate&_tag=y", "Patient search-type, Patient ?name, Patient ?birthdate"},
		{"GET Patient?_has:Observation:subject:code=1", "Patient search-type, Observation ?subject, Observation ?code"},
		{"GET Observation?_include=Observation:subject:Patient", "Observation search-type, Observation include Observation:subject"},
		{"GET Patient?_revinclude=Observation:subject", "Patient search-type, Patient revinclude Observation:subject"},
		{"PUT Patient?identifier=1", "Patient update, Patient conditional-update, Patient ?identifier"},
		{"DELETE Patient?identifier=1", "Patient delete, Patient conditional-delete, Patient ?identifier"},
		{"POST Patient\n  If-None-Exist: identifier=1\n  {}", "Patient create, Patient conditional-create"},
		{"GET Patient/1\n  If-None-Match: W/\"1\"", "Patient read, Patient conditional-read"},
		{"POST \n  {\"type\":\"batch\"}", "system batch"},
		{"GET Patient/1/$everything", "Patient $everything"},
		{"GET $export", "system $export"},
		{"p = Patient {}\nPATCH ${p}", "Patient create, Patient patch"},
		{"GET metadata", ""},
	} {
		cases, err := suite.Read("f.txt", "group g\nclause http.html\ncase a b\n"+tt.text+"\nstatus 200")
		if tt.text[0] == 'p' {
			cases, err = suite.Read("f.txt", "group g\nclause http.html\ncase a b\n"+tt.text)
		}
		if err != nil {
			t.Errorf("Read(%q): %v", tt.text, err)
			continue
		}
		var got []string
		for _, n := range cases[0].Needs {
			got = append(got, string(n))
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("needs of %q = %q, want %q", tt.text, s, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("group g\nclause http.html\nbase Patient {\"active\":true}\np = Patient {}\nquery a: Patient?x=1 => p\nneeds Patient ?x\n")
	f.Add("group g\nclause http.html\ncase a title\nPOST Patient x3\n  If-None-Exist: a=b\n  {\"resourceType\":\"Patient\"}\nstatuses 201:1\nsave at header Location ~ (.*)\nbody a[b=c].d has e\n")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := suite.Read("f.txt", text)
		for _, c := range cases {
			if err == nil && (c.Clause == "" || c.Level == "") {
				t.Errorf("a case without clause or level is read: %+v", c)
			}
		}
	})
}
