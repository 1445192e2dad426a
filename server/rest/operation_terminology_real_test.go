package rest_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/labstack/echo/v4"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/revision"
	"tenon/server/store"
	"tenon/server/store/blob"
)

// definedDoor is the door over a real database in which posted definitions
// count.
func definedDoor(t *testing.T) http.Handler {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(dir, "db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = blobs.Close() })
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	k, err := revision.New(t.Context(), revision.Options{Base: r4.Library(), Model: r4.Model(), Search: reg, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.New(record.Options{Store: s, Blobs: blobs, Model: r4.Model(), Definitions: k, Engine: casework.NewEngine(), BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	d, err := rest.New(rest.Options{Record: r, Definitions: k.Current, Model: r4.Model(), BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	d.Register(e.Group("/fhir", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			rest.SetWho(c, people[c.Request().Header.Get("As")])
			return next(c)
		}
	}))
	return e
}

// Definitions that are posted count at once: for everyone who has a token, and
// no longer than they are there.
func TestPostedTerminology(t *testing.T) {
	h := definedDoor(t)
	const woods = `{"resourceType":"CodeSystem","url":"http://tenon.test/woods","version":"1","name":"Woods","status":"active","content":"complete","property":[{"code":"hard","type":"boolean","description":"is hardwood"},{"code":"age","type":"integer"}],"concept":[
		{"code":"wood","display":"Wood","concept":[{"code":"oak","display":"Oak","designation":[{"language":"zh-CN","value":"橡木"}],"property":[{"code":"hard","valueBoolean":true},{"code":"age","valueInteger":300}]},{"code":"pine","display":"Pine"}]}]}`
	const hard = `{"resourceType":"ValueSet","url":"http://tenon.test/hard","status":"active","compose":{"include":[{"system":"http://tenon.test/woods","filter":[{"property":"concept","op":"descendent-of","value":"wood"}]}]}}`
	const trees = `{"resourceType":"ConceptMap","url":"http://tenon.test/trees","status":"active","group":[{"source":"http://tenon.test/woods","target":"http://tenon.test/trees","element":[{"code":"oak","target":[{"code":"Quercus","equivalence":"equivalent"}]}]}]}`
	expansion := "/fhir/ValueSet/$expand?url=" + url.QueryEscape("http://tenon.test/hard")
	must(t, h, 404, "GET", expansion, "", "As: stranger")
	system, set, concepts := create(t, h, woods), create(t, h, hard), create(t, h, trees)
	ask := func(path string) tree.Node {
		t.Helper()
		d, err := tree.Parse(must(t, h, 200, "GET", "/fhir/"+path, "", "As: stranger").Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return d.Root()
	}
	if got := contains(ask(expansion[len("/fhir/"):]).Field("expansion")); got != "oak pine" {
		t.Errorf("expansion = %q, want oak pine", got)
	}
	if got := contains(ask("ValueSet/" + set + "/$expand?filter=" + url.QueryEscape("橡")).Field("expansion")); got != "oak" {
		t.Errorf("expansion of 橡 = %q, want oak", got)
	}
	if got := valueOf(ask("ValueSet/"+set+"/$validate-code?code=wood&system=http://tenon.test/woods"), "result"); got != "false" {
		t.Errorf("wood is in the set: %s", got)
	}
	if got := valueOf(ask("CodeSystem/"+system+"/$subsumes?codeA=wood&codeB=oak"), "outcome"); got != "subsumes" {
		t.Errorf("wood and oak: %s", got)
	}
	if got := valueOf(ask("CodeSystem/$lookup?system=http://tenon.test/woods&code=oak&displayLanguage=zh-CN"), "display"); got != "橡木" {
		t.Errorf("display = %q", got)
	}
	told := map[string]tree.Kind{}
	for _, p := range parametersOf(ask("CodeSystem/$lookup?system=http://tenon.test/woods&code=oak"), "property") {
		for _, v := range parametersOf(p, "value") {
			told[valueOf(p, "code")] = v.Field("valueBoolean").Kind() + v.Field("valueInteger").Kind()
		}
	}
	if told["hard"] != tree.Bool || told["age"] != tree.Number {
		t.Errorf("properties are told as %v, want a boolean and a number", told)
	}
	if got := valueOf(ask("ConceptMap/"+concepts+"/$translate?system=http://tenon.test/woods&code=oak"), "result"); got != "true" {
		t.Errorf("oak is not translated: %s", got)
	}
	must(t, h, http.StatusOK, "PUT", "/fhir/CodeSystem/"+system, `{"resourceType":"CodeSystem","id":"`+system+`",`+woods[len(`{"resourceType":"CodeSystem",`):len(woods)-len(`]}]}`)]+`,{"code":"elm","display":"Elm"}]}]}`)
	if got := contains(ask(expansion[len("/fhir/"):]).Field("expansion")); got != "oak pine elm" {
		t.Errorf("expansion after the change = %q, want elm too", got)
	}
	must(t, h, http.StatusNoContent, "DELETE", "/fhir/ValueSet/"+set, "")
	must(t, h, 404, "GET", expansion, "")
}
