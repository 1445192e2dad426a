package terminology_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// The systems and sets of the tests. Animals is a tree with a concept of two
// parents: a bat is a mammal and a flyer.
//
//	living ┬ animal* ┬ mammal ┬ dog (retired)
//	       │         │        └ bat
//	       │         └ flyer ── bird
//	       └ plant
const animals = `{"resourceType":"CodeSystem","url":"http://x/animals","version":"2.1","name":"Animals","status":"active","content":"complete",
"caseSensitive":true,"valueSet":"http://x/all-animals","language":"en","hierarchyMeaning":"is-a",
"property":[{"code":"legs","type":"integer","description":"how many"},{"code":"up","uri":"http://hl7.org/fhir/concept-properties#parent","type":"code"},{"code":"eats","type":"code"},{"code":"origin","type":"Coding"}],
"concept":[{"code":"living","display":"Living being","concept":[
 {"code":"animal","display":"Animal","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
  {"code":"mammal","display":"Mammal","definition":"Has hair.","concept":[
   {"code":"dog","display":"Dog","property":[{"code":"inactive","valueBoolean":true},{"code":"legs","valueInteger":4}]},
   {"code":"bat","display":"Bat","designation":[{"language":"zh-CN","value":"蝙蝠"},{"language":"zh-TW","use":{"system":"http://terminology.hl7.org/CodeSystem/designation-usage","code":"display"},"value":"蝙蝠（繁）"},{"language":"de","value":"Fledermaus"}],
    "property":[{"code":"legs","valueInteger":2},{"code":"up","valueCode":"flyer"},{"code":"origin","valueCoding":{"system":"urn:iso:std:iso:3166","code":"AU"}}]}]},
  {"code":"flyer","display":"Flying animal","concept":[{"code":"bird","display":"Bird","property":[{"code":"legs","valueInteger":2},{"code":"eats","valueCode":"plant"}]}]}]},
 {"code":"plant","display":"Plant"}]}]}`

const colours = `{"resourceType":"CodeSystem","url":"http://x/colours","status":"active","content":"complete","caseSensitive":false,
"concept":[{"code":"red","display":"Red"},{"code":"Blue","display":"Blue"},{"code":"dog","display":"Dog-coloured"}]}`

const part = `{"resourceType":"CodeSystem","url":"http://x/part","status":"active","content":"fragment","concept":[{"code":"a","display":"A"}]}`

const absent = `{"resourceType":"CodeSystem","url":"http://x/absent","status":"active","content":"not-present"}`

// compose makes a value set of includes and excludes.
func compose(url, body string) string {
	return fmt.Sprintf(`{"resourceType":"ValueSet","url":%q,"status":"active","compose":{%s}}`, url, body)
}

func library(t testing.TB, resources ...string) *definition.Library {
	t.Helper()
	var list []*definition.Resource
	for _, body := range append([]string{animals, colours, part, absent}, resources...) {
		r, err := definition.Read([]byte(body), "")
		if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		list = append(list, r)
	}
	return definition.NewLibrary(list...)
}

func read(t testing.TB, body string) *definition.Resource {
	t.Helper()
	r, err := definition.Read([]byte(body), "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func server(t testing.TB, resources ...string) *terminology.Server {
	t.Helper()
	return terminology.New(library(t, resources...), terminology.Options{})
}

func parse(t testing.TB, body string) tree.Node {
	t.Helper()
	d, err := tree.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return d.Root()
}

// members lists which of the codes a value set has: "?" behind a code that is
// Unknown.
func members(s *terminology.Server, valueSet string, codes ...string) string {
	var out []string
	for _, code := range codes {
		switch s.ValidateCode(valueSet, terminology.Coding{System: "http://x/animals", Code: code}, &terminology.CodeOptions{Abstract: true}).Verdict {
		case terminology.Member:
			out = append(out, code)
		case terminology.Unknown:
			out = append(out, code+"?")
		}
	}
	return strings.Join(out, " ")
}

var allAnimals = []string{"living", "animal", "mammal", "dog", "bat", "flyer", "bird", "plant"}

func expand(t testing.TB, s *terminology.Server, valueSet string, o *terminology.ExpandOptions) string {
	t.Helper()
	e, err := s.Expand(valueSet, o)
	if err != nil {
		return "error: " + err.Error()
	}
	return show(e.Contains)
}

// show writes codes; what is nested stands in brackets.
func show(list []terminology.Contains) string {
	var out []string
	for _, c := range list {
		one := c.Code
		if len(c.Contains) > 0 {
			one += "(" + show(c.Contains) + ")"
		}
		out = append(out, one)
	}
	return strings.Join(out, " ")
}
