package terminology_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/terminology"
)

func TestValidateCode(t *testing.T) {
	s := server(t, compose("http://x/all", `"include":[{"system":"http://x/animals"},{"system":"http://x/colours"}]`),
		compose("http://x/named", `"include":[{"system":"http://x/animals","concept":[{"code":"bird","display":"Feathered friend","designation":[{"language":"fr","value":"Oiseau"}]},{"code":"animal"}]}]`))
	for _, c := range []struct {
		name, set string
		coding    terminology.Coding
		o         *terminology.CodeOptions
		want      terminology.Answer // Text "…" is any
	}{
		{"member", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Bat"}},
		{"display in the language", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat"}, &terminology.CodeOptions{Language: "zh-CN"}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "蝙蝠"}},
		{"display in a wider language", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat"}, &terminology.CodeOptions{Language: "de-AT"}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Fledermaus"}},
		{"display in a variant", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat"}, &terminology.CodeOptions{Language: "zh-Hant-TW"}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "蝙蝠（繁）"}},
		{"display in no such language", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat"}, &terminology.CodeOptions{Language: "fr"}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Bat"}},
		{"display in the system's language", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat"}, &terminology.CodeOptions{Language: "en-GB"}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Bat"}},
		{"right display, other case and space", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "flyer", Display: "FLYING   animal"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Flying animal"}},
		{"designation as display", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat", Display: "fledermaus"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Bat"}},
		{"wrong display", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "bat", Display: "Bird"}, nil, terminology.Answer{Verdict: terminology.Member, Problem: terminology.WrongDisplay, System: "http://x/animals", Display: "Bat", Displays: []string{"Bat", "蝙蝠", "蝙蝠（繁）", "Fledermaus"}, Text: "…"}},
		{"display of the value set", "http://x/named", terminology.Coding{System: "http://x/animals", Code: "bird", Display: "feathered friend"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Feathered friend"}},
		{"designation of the value set", "http://x/named", terminology.Coding{System: "http://x/animals", Code: "bird", Display: "Oiseau"}, &terminology.CodeOptions{Language: "fr"}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Oiseau"}},
		{"wrong display of the value set", "http://x/named", terminology.Coding{System: "http://x/animals", Code: "bird", Display: "Fish"}, nil, terminology.Answer{Verdict: terminology.Member, Problem: terminology.WrongDisplay, System: "http://x/animals", Display: "Feathered friend", Displays: []string{"Bird", "Feathered friend", "Oiseau"}, Text: "…"}},
		{"retired", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "dog"}, nil, terminology.Answer{Verdict: terminology.Member, Problem: terminology.Inactive, System: "http://x/animals", Display: "Dog", Text: "…"}},
		{"retired where active ones count", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "dog"}, &terminology.CodeOptions{ActiveOnly: true}, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.NotInValueSet, System: "http://x/animals", Text: "…"}},
		{"abstract", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "animal"}, nil, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.Abstract, System: "http://x/animals", Text: "…"}},
		{"abstract, allowed", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "animal"}, &terminology.CodeOptions{Abstract: true}, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Animal"}},
		{"abstract, listed", "http://x/named", terminology.Coding{System: "http://x/animals", Code: "animal"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Animal"}},
		{"abstract, of the system", "", terminology.Coding{System: "http://x/animals", Code: "animal"}, nil, terminology.Answer{Verdict: terminology.Member, Problem: terminology.Abstract, System: "http://x/animals", Display: "Animal", Text: "…"}},
		{"no such code", "http://x/all", terminology.Coding{System: "http://x/animals", Code: "Bat"}, nil, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.UnknownCode, System: "http://x/animals", Text: "…"}},
		{"case does not count there", "http://x/all", terminology.Coding{System: "http://x/colours", Code: "BLUE"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/colours", Display: "Blue"}},
		{"not in it", "http://x/named", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.NotInValueSet, System: "http://x/animals", Text: "…"}},
		{"another system", "http://x/named", terminology.Coding{System: "http://x/colours", Code: "red"}, nil, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.NotInValueSet, System: "http://x/colours", Text: "…"}},
		{"no system, one has it", "http://x/all", terminology.Coding{Code: "red"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/colours", Display: "Red"}},
		{"no system, two have it", "http://x/all", terminology.Coding{Code: "dog"}, nil, terminology.Answer{Verdict: terminology.Unknown, Problem: terminology.NoSystem, Text: "…"}},
		{"no system, none has it", "http://x/all", terminology.Coding{Code: "ghost"}, nil, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.NotInValueSet, Text: "…"}},
		{"no system and no set", "", terminology.Coding{Code: "dog"}, nil, terminology.Answer{Verdict: terminology.Unknown, Problem: terminology.NoSystem, Text: "…"}},
		{"no set", "http://x/nowhere", terminology.Coding{System: "http://x/animals", Code: "dog"}, nil, terminology.Answer{Verdict: terminology.Unknown, Problem: terminology.UnknownValueSet, Text: "…"}},
		{"of the system", "", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil, terminology.Answer{Verdict: terminology.Member, System: "http://x/animals", Display: "Bat"}},
		{"not of the system", "", terminology.Coding{System: "http://x/animals", Code: "ghost"}, nil, terminology.Answer{Verdict: terminology.NotMember, Problem: terminology.UnknownCode, System: "http://x/animals", Text: "…"}},
		{"of no system here", "", terminology.Coding{System: "http://x/none", Code: "ghost"}, nil, terminology.Answer{Verdict: terminology.Unknown, Problem: terminology.UnknownSystem, Text: "…"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.ValidateCode(c.set, c.coding, c.o)
			if c.want.Text == "…" && got.Text != "" && got.Chinese != "" {
				got.Text = "…"
			}
			got.Chinese = ""
			if got.Verdict != c.want.Verdict || got.Problem != c.want.Problem || got.System != c.want.System || got.Display != c.want.Display ||
				got.Text != c.want.Text || !slices.Equal(got.Displays, c.want.Displays) {
				t.Errorf("ValidateCode(%s, %v) = %+v, want %+v", c.set, c.coding, got, c.want)
			}
		})
	}
}

func TestValidateConcept(t *testing.T) {
	s := server(t, compose("http://x/birds", `"include":[{"system":"http://x/animals","concept":[{"code":"bird"},{"code":"dog"}]}]`))
	animal := func(code, display string) terminology.Coding {
		return terminology.Coding{System: "http://x/animals", Code: code, Display: display}
	}
	for _, c := range []struct {
		name    string
		codings []terminology.Coding
		at      int
		verdict terminology.Verdict
		problem terminology.Problem
	}{
		{"none", nil, -1, terminology.NotMember, terminology.NotInValueSet},
		{"second is right", []terminology.Coding{animal("bat", ""), animal("bird", "")}, 1, terminology.Member, terminology.NoProblem},
		{"right before retired", []terminology.Coding{animal("dog", ""), animal("bird", "Bird")}, 1, terminology.Member, terminology.NoProblem},
		{"retired before wrong", []terminology.Coding{animal("bat", ""), animal("dog", "")}, 1, terminology.Member, terminology.Inactive},
		{"without system is none", []terminology.Coding{{Code: "bird"}}, 0, terminology.NotMember, terminology.NoSystem},
		{"first when all are wrong", []terminology.Coding{animal("bat", ""), {System: "http://x/none", Code: "1"}}, 0, terminology.NotMember, terminology.NotInValueSet},
	} {
		a, at := s.ValidateConcept("http://x/birds", c.codings, nil)
		if at != c.at || a.Verdict != c.verdict || a.Problem != c.problem || a.Text == "" && a.Problem != 0 {
			t.Errorf("%s: ValidateConcept = %+v at %d, want %v %v at %d", c.name, a, at, c.verdict, c.problem, c.at)
		}
	}
}

// The systems that are a grammar or a short list known everywhere.
func TestSystemsOfTheStandard(t *testing.T) {
	s := server(t)
	for _, c := range []struct {
		system, code string
		want         terminology.Verdict
	}{
		{"http://unitsofmeasure.org", "mm[Hg]", terminology.Member},
		{"http://unitsofmeasure.org", "10*3/uL", terminology.Member},
		{"http://unitsofmeasure.org", "fortnight", terminology.NotMember},
		{"urn:ietf:bcp:13", "image/png", terminology.Member},
		{"urn:ietf:bcp:13", "application/fhir+json; fhirVersion=4.0", terminology.Member},
		{"urn:ietf:bcp:13", "model/vnd.tenon.v1+stl", terminology.Member},
		{"urn:ietf:bcp:13", "png", terminology.NotMember},
		{"urn:ietf:bcp:13", "image/", terminology.NotMember},
		{"urn:ietf:bcp:13", "image/p ng", terminology.NotMember},
		{"urn:ietf:bcp:13", " image/png", terminology.NotMember},
		{"urn:ietf:bcp:47", "zh-Hans-CN", terminology.Member},
		{"urn:ietf:bcp:47", "en", terminology.Member},
		{"urn:ietf:bcp:47", "de-CH-1996", terminology.Member},
		{"urn:ietf:bcp:47", "es-419", terminology.Member},
		{"urn:ietf:bcp:47", "x-private", terminology.Member},
		{"urn:ietf:bcp:47", "english", terminology.NotMember},
		{"urn:ietf:bcp:47", "en_US", terminology.NotMember},
		{"urn:ietf:bcp:47", "en-xyzzy", terminology.NotMember},
		{"urn:ietf:bcp:47", "", terminology.NotMember},
		{"urn:iso:std:iso:3166", "CN", terminology.Member},
		{"urn:iso:std:iso:3166", "CHN", terminology.Member},
		{"urn:iso:std:iso:3166", "156", terminology.Member},
		{"urn:iso:std:iso:3166", "XY", terminology.NotMember},
		{"urn:iso:std:iso:3166:-2", "CN-31", terminology.Unknown},
		{"urn:iso:std:iso:3166:-2", "XY-31", terminology.NotMember},
		{"urn:iso:std:iso:3166:-2", "Shanghai", terminology.NotMember},
		{"urn:iso:std:iso:4217", "CNY", terminology.Member},
		{"urn:iso:std:iso:4217", "RMB", terminology.NotMember},
		{"urn:iso:std:iso:4217", "DEM", terminology.Member}, // retired
		{"urn:ietf:rfc:3986", "urn:oid:1.2.3", terminology.Member},
		{"urn:ietf:rfc:3986", "not a uri", terminology.NotMember},
		{"urn:ietf:rfc:3986", "relative", terminology.Unknown},
		{"http://snomed.info/sct", "73211009", terminology.Unknown},
		{"http://loinc.org", "8480-6", terminology.Unknown},
	} {
		if a := s.ValidateCode("", terminology.Coding{System: c.system, Code: c.code}, nil); a.Verdict != c.want {
			t.Errorf("%s#%s = %v %s, want %v", c.system, c.code, a.Verdict, a.Text, c.want)
		}
	}
	if a := s.ValidateCode("", terminology.Coding{System: "urn:iso:std:iso:3166", Code: "CN", Display: "中国"}, &terminology.CodeOptions{Language: "zh"}); a.Problem != terminology.NoProblem || a.Display != "中国" {
		t.Errorf("China = %+v", a)
	}
	for code, names := range map[string][]string{"US": {"United States of America", "United States of America (the)"}, "BO": {"Bolivia, Plurinational State of", "Bolivia (Plurinational State of)"}} {
		for _, name := range names {
			if a := s.ValidateCode("", terminology.Coding{System: "urn:iso:std:iso:3166", Code: code, Display: name}, nil); a.Problem != terminology.NoProblem {
				t.Errorf("%s %q = %+v", code, name, a)
			}
		}
	}
	if a := s.ValidateCode("", terminology.Coding{System: "urn:iso:std:iso:4217", Code: "DEM"}, nil); a.Problem != terminology.Inactive {
		t.Errorf("DEM = %v, want Inactive", a.Problem)
	}
}

// https://hl7.org/fhir/R4/valueset.html#implicit
func TestImplicitValueSets(t *testing.T) {
	const sct = `{"resourceType":"CodeSystem","url":"http://snomed.info/sct","version":"http://snomed.info/sct/900000000000207008/version/20240101","status":"active","content":"fragment","concept":[{"code":"1","display":"Root","concept":[{"code":"2","display":"Leaf"}]},{"code":"3","display":"Other"}]}`
	const loinc = `{"resourceType":"CodeSystem","url":"http://loinc.org","status":"active","content":"fragment","concept":[{"code":"LP1-2","display":"Part","concept":[{"code":"1-8","display":"One"}]},{"code":"9-9","display":"Nine"}]}`
	s := server(t, sct, loinc)
	for _, c := range []struct {
		set, system, code string
		want              terminology.Verdict
	}{
		{"http://x/all-animals", "http://x/animals", "bat", terminology.Member},
		{"http://x/all-animals|2.1", "http://x/animals", "bat", terminology.Member},
		{"http://x/all-animals|2", "http://x/animals", "bat", terminology.Member},
		{"http://x/all-animals|7", "http://x/animals", "bat", terminology.Unknown},
		{"http://x/all-animals", "http://x/animals", "ghost", terminology.NotMember},
		{"http://x/all-animals", "http://x/colours", "red", terminology.NotMember},
		{"http://x/animals?fhir_vs", "http://x/animals", "bat", terminology.Member},
		{"http://x/animals?fhir_vs=isa/flyer", "http://x/animals", "bat", terminology.Member},
		{"http://x/animals?fhir_vs=isa/flyer", "http://x/animals", "dog", terminology.NotMember},
		{"http://snomed.info/sct?fhir_vs", "http://snomed.info/sct", "2", terminology.Member},
		{"http://snomed.info/sct?fhir_vs", "http://snomed.info/sct", "77", terminology.Unknown},
		{"http://snomed.info/sct?fhir_vs=isa/1", "http://snomed.info/sct", "2", terminology.Member},
		{"http://snomed.info/sct?fhir_vs=isa/1", "http://snomed.info/sct", "3", terminology.NotMember},
		{"http://snomed.info/sct/900000000000207008/version/20240101?fhir_vs=isa/1", "http://snomed.info/sct", "2", terminology.Member},
		{"http://snomed.info/sct?fhir_vs=refset/1", "http://snomed.info/sct", "2", terminology.Unknown},
		{"http://snomed.info/sct?fhir_vs=ecl/<<1", "http://snomed.info/sct", "2", terminology.Unknown},
		{"http://loinc.org/vs", "http://loinc.org", "9-9", terminology.Member},
		{"http://loinc.org/vs/LP1-2", "http://loinc.org", "1-8", terminology.Member},
		{"http://loinc.org/vs/LP1-2", "http://loinc.org", "9-9", terminology.NotMember},
		{"http://loinc.org/vs/LL12-3", "http://loinc.org", "9-9", terminology.Unknown},
		{"http://unitsofmeasure.org/vs", "http://unitsofmeasure.org", "km", terminology.Member},
		{"http://unitsofmeasure.org/vs/m", "http://unitsofmeasure.org", "km", terminology.Member},
		{"http://unitsofmeasure.org/vs/m", "http://unitsofmeasure.org", "kg", terminology.NotMember},
	} {
		if a := s.ValidateCode(c.set, terminology.Coding{System: c.system, Code: c.code}, nil); a.Verdict != c.want {
			t.Errorf("%s of %s = %v %s, want %v", c.code, c.set, a.Verdict, a.Text, c.want)
		}
	}
}

// Supplements bring designations, Chinese ones first of all.
func TestSupplement(t *testing.T) {
	s := server(t, `{"resourceType":"CodeSystem","url":"http://x/animals-zh","status":"active","content":"supplement","supplements":"http://x/animals|2.1","language":"zh-CN",
		"concept":[{"code":"bird","designation":[{"language":"zh-CN","value":"鸟"}],"property":[{"code":"eats","valueCode":"mammal"}]},{"code":"plant","display":"植物"},{"code":"ghost","display":"鬼"}]}`,
		compose("http://x/eaters", `"include":[{"system":"http://x/animals","filter":[{"property":"eats","op":"=","value":"mammal"}]}]`))
	zh := &terminology.CodeOptions{Language: "zh-CN"}
	for code, want := range map[string]string{"bird": "鸟", "plant": "植物", "bat": "蝙蝠"} {
		if a := s.ValidateCode("", terminology.Coding{System: "http://x/animals", Code: code, Display: want}, zh); a.Display != want || a.Problem != terminology.NoProblem {
			t.Errorf("%s = %+v, want the display %s", code, a, want)
		}
	}
	if a := s.ValidateCode("", terminology.Coding{System: "http://x/animals", Code: "ghost"}, zh); a.Verdict != terminology.NotMember {
		t.Error("a supplement must not add codes")
	}
	if got := expand(t, s, "http://x/eaters", nil); got != "bird" {
		t.Errorf("by the supplement's property: %q, want bird", got)
	}
	if got := expand(t, s, "http://x/all-animals", &terminology.ExpandOptions{Filter: "鸟"}); got != "bird" {
		t.Errorf("filter 鸟 = %q, want bird", got)
	}
}

// A preferred name comes before a synonym of the same language.
func TestPreferredName(t *testing.T) {
	s := server(t, `{"resourceType":"CodeSystem","url":"http://x/names","status":"active","content":"complete","concept":[{"code":"1","display":"One","designation":[
		{"language":"zh-CN","use":{"system":"http://snomed.info/sct","code":"900000000000013009"},"value":"壹"},
		{"language":"zh-CN","use":{"system":"http://terminology.hl7.org/CodeSystem/designation-usage","code":"display"},"value":"一"}]}]}`)
	if a := s.ValidateCode("", terminology.Coding{System: "http://x/names", Code: "1"}, &terminology.CodeOptions{Language: "zh-CN"}); a.Display != "一" {
		t.Errorf("display = %q, want the preferred one", a.Display)
	}
	s = server(t, `{"resourceType":"CodeSystem","url":"http://x/plain","status":"active","content":"complete","concept":[{"code":"1","display":"One","designation":[{"language":"en","value":"Unity"}]}]}`)
	if a := s.ValidateCode("", terminology.Coding{System: "http://x/plain", Code: "1"}, &terminology.CodeOptions{Language: "en-US"}); a.Display != "One" {
		t.Errorf("display = %q, want the system's own for English", a.Display)
	}
}

// Texts for a person say the code and the value set.
func TestTexts(t *testing.T) {
	s := server(t, compose("http://x/birds", `"include":[{"system":"http://x/animals","concept":[{"code":"bird"}]}]`))
	a := s.ValidateCode("http://x/birds", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil)
	for _, text := range []string{a.Text, a.Chinese} {
		if !strings.Contains(text, "http://x/animals#bat") || !strings.Contains(text, "http://x/birds") {
			t.Errorf("text = %q, want code and value set in it", text)
		}
	}
	if !strings.Contains(a.Chinese, "不在值集") {
		t.Errorf("Chinese = %q", a.Chinese)
	}
}
