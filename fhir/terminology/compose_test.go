package terminology_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/terminology"
)

// Every operator of https://hl7.org/fhir/R4/valueset-filter-operator.html, and
// how includes and excludes go together. The set is asked for each code and
// expanded; both must agree.
func TestCompose(t *testing.T) {
	include := func(filter string) string {
		return `"include":[{"system":"http://x/animals","filter":[` + filter + `]}]`
	}
	one := func(property, op, value string) string {
		return `{"property":"` + property + `","op":"` + op + `","value":"` + value + `"}`
	}
	for _, c := range []struct{ name, compose, want string }{
		{"whole system", `"include":[{"system":"http://x/animals"}]`, "living animal mammal dog bat flyer bird plant"},
		{"list", `"include":[{"system":"http://x/animals","concept":[{"code":"bird"},{"code":"dog"}]}]`, "bird dog"},
		{"list in its own order, once", `"include":[{"system":"http://x/animals","concept":[{"code":"plant"},{"code":"bird"},{"code":"plant"}]}]`, "plant bird"},
		{"is-a", include(one("concept", "is-a", "mammal")), "mammal dog bat"},
		{"is-a by the second parent", include(one("concept", "is-a", "flyer")), "bat flyer bird"},
		{"descendent-of", include(one("concept", "descendent-of", "mammal")), "dog bat"},
		{"is-not-a", include(one("concept", "is-not-a", "animal")), "living plant"},
		{"generalizes", include(one("concept", "generalizes", "bat")), "living animal mammal bat flyer"},
		{"code equals", include(one("code", "=", "bat")), "bat"},
		{"code regex is whole", include(one("code", "regex", "b.*|d")), "bat bird"},
		{"in", include(one("concept", "in", "bat, plant,ghost")), "bat plant"},
		{"not-in", include(one("concept", "not-in", "living,animal,mammal,flyer,dog")), "bat bird plant"},
		{"property equals", include(one("legs", "=", "2")), "bat bird"},
		{"property in", include(one("legs", "in", "4,6")), "dog"},
		{"property not-in", include(one("legs", "not-in", "2,4")), "living animal mammal flyer plant"},
		{"property exists", include(one("legs", "exists", "true")), "dog bat bird"},
		{"property exists not", include(one("legs", "exists", "false")), "living animal mammal flyer plant"},
		{"property regex", include(one("legs", "regex", "[2-3]")), "bat bird"},
		{"property Coding by code", include(one("origin", "=", "AU")), "bat"},
		{"property code is-a", include(one("eats", "is-a", "living")), "bird"},
		{"property code descendent-of", include(one("eats", "descendent-of", "plant")), ""},
		{"property code is-not-a", include(one("eats", "is-not-a", "animal") + "," + one("eats", "exists", "true")), "bird"},
		{"parent", include(one("parent", "=", "flyer")), "bat bird"},
		{"parent by the system's own name", include(one("up", "=", "mammal")), "dog bat"},
		{"child", include(one("child", "=", "bat")), "mammal flyer"},
		{"selectable", include(one("notSelectable", "=", "true")), "animal"},
		{"inactive property", include(one("inactive", "=", "true")), "dog"},
		{"display", include(one("display", "regex", "B.*")), "bat bird"},
		{"two filters are both", include(one("concept", "is-a", "animal") + "," + one("legs", "=", "2")), "bat bird"},
		{"union of includes, once", `"include":[{"system":"http://x/animals","filter":[` + one("concept", "is-a", "mammal") + `]},{"system":"http://x/animals","filter":[` + one("concept", "is-a", "flyer") + `]}]`, "mammal dog bat flyer bird"},
		{"exclude list", `"include":[{"system":"http://x/animals"}],"exclude":[{"system":"http://x/animals","concept":[{"code":"dog"},{"code":"living"}]}]`, "animal mammal bat flyer bird plant"},
		{"exclude filter", `"include":[{"system":"http://x/animals"}],"exclude":[{"system":"http://x/animals","filter":[` + one("concept", "is-a", "animal") + `]}]`, "living plant"},
		{"exclude another system", `"include":[{"system":"http://x/animals","concept":[{"code":"dog"}]}],"exclude":[{"system":"http://x/colours"}]`, "dog"},
		{"inactive false", `"inactive":false,"include":[{"system":"http://x/animals","filter":[` + one("concept", "is-a", "mammal") + `]}]`, "mammal bat"},
		{"inactive true", `"inactive":true,"include":[{"system":"http://x/animals","filter":[` + one("concept", "is-a", "mammal") + `]}]`, "mammal dog bat"},
		{"import", `"include":[{"valueSet":["http://x/mammals"]}]`, "mammal dog bat"},
		{"imports of one include are intersected", `"include":[{"valueSet":["http://x/mammals","http://x/flyers"]}]`, "bat"},
		{"imports across includes are united", `"include":[{"valueSet":["http://x/mammals"]},{"valueSet":["http://x/flyers"]}]`, "mammal dog bat flyer bird"},
		{"system and import", `"include":[{"system":"http://x/animals","filter":[` + one("legs", "exists", "true") + `],"valueSet":["http://x/flyers"]}]`, "bat bird"},
		{"list and import", `"include":[{"system":"http://x/animals","concept":[{"code":"bird"},{"code":"plant"}],"valueSet":["http://x/flyers"]}]`, "bird"},
		{"exclude import", `"include":[{"valueSet":["http://x/mammals"]}],"exclude":[{"valueSet":["http://x/flyers"]}]`, "mammal dog"},
		{"two includes in the order of the set", `"include":[{"system":"http://x/animals","filter":[` + one("concept", "is-a", "flyer") + `]},{"system":"http://x/animals","filter":[` + one("code", "=", "living") + `]}]`, "bat flyer bird living"},
		{"version that is here", `"include":[{"system":"http://x/animals","version":"2.1","concept":[{"code":"dog"}]}]`, "dog"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, compose("http://x/vs", c.compose), compose("http://x/mammals", include(one("concept", "is-a", "mammal"))),
				compose("http://x/flyers", include(one("concept", "is-a", "flyer"))))
			sorted := map[string]bool{}
			for code := range strings.FieldsSeq(c.want) {
				sorted[code] = true
			}
			var want []string
			for _, code := range allAnimals {
				if sorted[code] {
					want = append(want, code)
				}
			}
			if got := members(s, "http://x/vs", allAnimals...); got != strings.Join(want, " ") {
				t.Errorf("members = %q, want %q", got, strings.Join(want, " "))
			}
			if got := expand(t, s, "http://x/vs", &terminology.ExpandOptions{Flat: true}); got != c.want {
				t.Errorf("Expand = %q, want %q", got, c.want)
			}
		})
	}
}

// What can't be judged is Unknown, never false.
func TestUnknown(t *testing.T) {
	filter := func(system, property, op, value string) string {
		return `"include":[{"system":"` + system + `","filter":[{"property":"` + property + `","op":"` + op + `","value":"` + value + `"}]}]`
	}
	for _, c := range []struct {
		name, compose string
		coding        terminology.Coding
		verdict       terminology.Verdict
		problem       terminology.Problem
	}{
		{"system without content", `"include":[{"system":"http://x/absent"}]`, terminology.Coding{System: "http://x/absent", Code: "1"}, terminology.Unknown, terminology.UnknownSystem},
		{"system that is not here", `"include":[{"system":"http://loinc.org"}]`, terminology.Coding{System: "http://loinc.org", Code: "1-8"}, terminology.Unknown, terminology.UnknownSystem},
		{"another system all the same", `"include":[{"system":"http://loinc.org"}]`, terminology.Coding{System: "http://x/animals", Code: "dog"}, terminology.NotMember, terminology.NotInValueSet},
		{"listed code of a system that is not here", `"include":[{"system":"http://loinc.org","concept":[{"code":"1-8"}]}]`, terminology.Coding{System: "http://loinc.org", Code: "1-8"}, terminology.Member, terminology.NoProblem},
		{"code that is not listed", `"include":[{"system":"http://loinc.org","concept":[{"code":"1-8"}]}]`, terminology.Coding{System: "http://loinc.org", Code: "2-6"}, terminology.NotMember, terminology.NotInValueSet},
		{"fragment has it", `"include":[{"system":"http://x/part"}]`, terminology.Coding{System: "http://x/part", Code: "a"}, terminology.Member, terminology.NoProblem},
		{"fragment lacks it", `"include":[{"system":"http://x/part"}]`, terminology.Coding{System: "http://x/part", Code: "b"}, terminology.Unknown, terminology.UnknownSystem},
		{"filter on what is not here", filter("http://loinc.org", "STATUS", "=", "ACTIVE"), terminology.Coding{System: "http://loinc.org", Code: "1-8"}, terminology.Unknown, terminology.UnknownSystem},
		{"filter by an unknown property", filter("http://x/animals", "wings", "=", "2"), terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"filter by an unknown code", filter("http://x/animals", "concept", "is-a", "ghost"), terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"filter by an unknown operator", filter("http://x/animals", "concept", "resembles", "bat"), terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"regex that is not RE2", filter("http://x/animals", "code", "regex", "(?=b)bat"), terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"regex that is too long", filter("http://x/animals", "code", "regex", strings.Repeat("(b|a)*", 200)), terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"regex that grows", filter("http://x/animals", "code", "regex", "a{900}b{900}"), terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"import that is not here", `"include":[{"valueSet":["http://x/nowhere"]}]`, terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"import that is not here, but another has it", `"include":[{"valueSet":["http://x/nowhere"]},{"system":"http://x/animals"}]`, terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Member, terminology.NoProblem},
		{"intersection with what is not here", `"include":[{"valueSet":["http://x/nowhere"],"system":"http://x/animals","concept":[{"code":"bat"}]}]`, terminology.Coding{System: "http://x/animals", Code: "dog"}, terminology.NotMember, terminology.NotInValueSet},
		{"exclude of what is not here", `"include":[{"system":"http://x/animals"}],"exclude":[{"valueSet":["http://x/nowhere"]}]`, terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"a circle", `"include":[{"valueSet":["http://x/vs"]}]`, terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"no content", ``, terminology.Coding{System: "http://x/animals", Code: "bat"}, terminology.Unknown, terminology.UnknownValueSet},
		{"a version that is not here", `"include":[{"system":"http://x/animals","version":"9"}]`, terminology.Coding{System: "http://x/animals", Code: "ghost"}, terminology.Unknown, terminology.UnknownSystem},
		{"a filter on a version that is not here", `"include":[{"system":"http://x/animals","version":"9","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}]`, terminology.Coding{System: "http://x/animals", Code: "bird"}, terminology.Unknown, terminology.UnknownSystem},
		{"listed of a version that is not here", `"include":[{"system":"http://x/animals","version":"9","concept":[{"code":"ghost"}]}]`, terminology.Coding{System: "http://x/animals", Code: "ghost"}, terminology.Member, terminology.NoProblem},
		{"a code of another version keeps its meaning", `"include":[{"system":"http://x/animals","version":"9"}]`, terminology.Coding{System: "http://x/animals", Code: "bird"}, terminology.Member, terminology.NoProblem},
		{"the code's own version is not here", `"include":[{"system":"http://x/animals"}]`, terminology.Coding{System: "http://x/animals", Version: "7", Code: "bird"}, terminology.Unknown, terminology.UnknownSystem},
		{"the code's own version is another", `"include":[{"system":"http://x/animals","version":"2.1"}]`, terminology.Coding{System: "http://x/animals", Version: "7", Code: "bird"}, terminology.NotMember, terminology.NotInValueSet},
		{"the code's own version begins so", `"include":[{"system":"http://x/animals"}]`, terminology.Coding{System: "http://x/animals", Version: "2", Code: "bird"}, terminology.Member, terminology.NoProblem},
		{"no such code", `"include":[{"system":"http://x/animals","concept":[{"code":"ghost"}]}]`, terminology.Coding{System: "http://x/animals", Code: "ghost"}, terminology.NotMember, terminology.UnknownCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, compose("http://x/vs", c.compose))
			a := s.ValidateCode("http://x/vs", c.coding, nil)
			if a.Verdict != c.verdict || a.Problem != c.problem {
				t.Errorf("ValidateCode(%v) = %v %v %q, want %v %v", c.coding, a.Verdict, a.Problem, a.Text, c.verdict, c.problem)
			}
			if (a.Text == "") != (a.Problem == terminology.NoProblem) || (a.Chinese == "") != (a.Text == "") {
				t.Errorf("texts %q, %q do not go with problem %v", a.Text, a.Chinese, a.Problem)
			}
		})
	}
}

// Value sets that import one another twice over must not take for ever.
func TestManyImports(t *testing.T) {
	var sets []string
	for i := range 40 {
		next := fmt.Sprintf("http://x/vs%d", i+1)
		sets = append(sets, compose(fmt.Sprintf("http://x/vs%d", i), `"include":[{"valueSet":["`+next+`"]},{"valueSet":["`+next+`","`+next+`"]},{"valueSet":["`+next+`"]}]`))
	}
	s := server(t, sets...)
	if a := s.ValidateCode("http://x/vs0", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil); a.Verdict != terminology.Unknown {
		t.Errorf("verdict = %v, want Unknown", a.Verdict)
	}
	if got := expand(t, s, "http://x/vs0", nil); !strings.HasPrefix(got, "error: ") {
		t.Errorf("Expand = %q, want an error", got)
	}
}

// The same where all of them are there, and there is an end to it.
func TestManyPaths(t *testing.T) {
	sets := []string{compose("http://x/vs20", `"include":[{"system":"http://x/animals"}]`)}
	for i := range 20 {
		next := fmt.Sprintf("http://x/vs%d", i+1)
		sets = append(sets, compose(fmt.Sprintf("http://x/vs%d", i), `"include":[{"valueSet":["`+next+`"]},{"valueSet":["`+next+`","`+next+`"]}],"exclude":[{"valueSet":["`+next+`"],"system":"http://x/colours"}]`))
	}
	s := server(t, sets...)
	a := s.ValidateCode("http://x/vs0", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil)
	if got := expand(t, s, "http://x/vs0", &terminology.ExpandOptions{Flat: true}); a.Verdict != terminology.Member || got != strings.Join(allAnimals, " ") && !strings.HasPrefix(got, "error: ") {
		t.Errorf("bat = %+v, Expand = %q", a, got)
	}
	if a := s.ValidateCode("http://x/vs0", terminology.Coding{System: "http://x/animals", Code: "ghost"}, nil); a.Verdict == terminology.Member {
		t.Errorf("ghost = %+v", a)
	}
}

func TestStoredExpansion(t *testing.T) {
	set := func(extra string) string {
		return `{"resourceType":"ValueSet","url":"http://x/vs","status":"active","compose":{"include":[{"system":"http://loinc.org"}]},"expansion":{"timestamp":"2020-01-01","contains":[{"system":"http://loinc.org","code":"1-8","display":"One","contains":[{"system":"http://loinc.org","code":"2-6"}]}]` + extra + `}}`
	}
	for _, c := range []struct {
		extra, code string
		want        terminology.Verdict
	}{
		{"", "1-8", terminology.Member},
		{"", "2-6", terminology.Member},
		{"", "3-4", terminology.NotMember},
		{`,"total":9`, "3-4", terminology.Unknown},
		{`,"total":2`, "3-4", terminology.NotMember},
		{`,"offset":1`, "3-4", terminology.Unknown},
		{`,"parameter":[{"name":"filter","valueString":"x"}]`, "3-4", terminology.Unknown},
		{`,"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/valueset-unclosed","valueBoolean":true}]`, "3-4", terminology.Unknown},
	} {
		s := server(t, set(c.extra))
		if got := s.ValidateCode("http://x/vs", terminology.Coding{System: "http://loinc.org", Code: c.code}, nil).Verdict; got != c.want {
			t.Errorf("%s of %s = %v, want %v", c.code, c.extra, got, c.want)
		}
	}
	s := server(t, set(""))
	if got := expand(t, s, "http://x/vs", nil); got != "1-8 2-6" {
		t.Errorf("Expand = %q, want what is stored", got)
	}
	if a := s.ValidateCode("http://x/vs", terminology.Coding{System: "http://loinc.org", Code: "1-8", Display: "Two"}, nil); a.Problem != terminology.WrongDisplay {
		t.Errorf("problem = %v, want WrongDisplay", a.Problem)
	}
}

func TestContained(t *testing.T) {
	s := server(t, compose("http://x/mammals", `"include":[{"system":"http://x/animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}]`))
	n := parse(t, `{"resourceType":"Questionnaire","contained":[{"resourceType":"ValueSet","id":"vs","status":"active","compose":{"include":[{"valueSet":["http://x/mammals","#more"]}]}},
		{"resourceType":"ValueSet","id":"more","status":"active","compose":{"include":[{"system":"http://x/animals","concept":[{"code":"bat"},{"code":"bird"}]}]}}]}`)
	o := &terminology.CodeOptions{ContainedIn: n}
	for code, want := range map[string]terminology.Verdict{"bat": terminology.Member, "dog": terminology.NotMember, "bird": terminology.NotMember} {
		if a := s.ValidateCode("#vs", terminology.Coding{System: "http://x/animals", Code: code}, o); a.Verdict != want {
			t.Errorf("%s = %v %s, want %v", code, a.Verdict, a.Text, want)
		}
	}
	if a := s.ValidateCode("#other", terminology.Coding{System: "http://x/animals", Code: "bat"}, o); a.Verdict != terminology.Unknown {
		t.Errorf("#other = %v, want Unknown", a.Verdict)
	}
	if a := s.ValidateCode("#vs", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil); a.Verdict != terminology.Unknown {
		t.Errorf("#vs of nothing = %v, want Unknown", a.Verdict)
	}
}

// A code without system is not looked for in any number of systems.
func TestManySystems(t *testing.T) {
	var includes []string
	for i := range 2000 {
		includes = append(includes, fmt.Sprintf(`{"system":"http://x/s%d","concept":[{"code":"c%d"}]}`, i, i))
	}
	s := server(t, compose("http://x/vs", `"include":[`+strings.Join(includes, ",")+`]`))
	if a := s.ValidateCode("http://x/vs", terminology.Coding{Code: "c1"}, nil); a.Problem != terminology.NoSystem {
		t.Errorf("c1 = %+v, want NoSystem", a)
	}
	if a := s.ValidateCode("http://x/vs", terminology.Coding{System: "http://x/s1999", Code: "c1999"}, nil); a.Verdict != terminology.Member {
		t.Errorf("c1999 = %+v, want Member", a)
	}
}
