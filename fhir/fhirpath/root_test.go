package fhirpath_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// TestRootChangesNothing: that the type of the focus is known makes expressions
// faster, not different. TENON_R4_PACKAGE names the unpacked package
// hl7.fhir.r4.examples for a run over all of it.
func TestRootChangesNothing(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.json")
	if dir := os.Getenv("TENON_R4_PACKAGE"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		files = append(files, more...)
	}
	compared := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc tree.Doc
		if len(src) > 1<<20 || doc.Parse(src, tree.Limits{}) != nil {
			continue
		}
		kind := doc.Root().Field("resourceType").Str()
		if !r4.Model().IsResource(kind) {
			continue
		}
		for _, pair := range pairsOf(t, kind) {
			with, err := pair[0].Eval(nil, doc.Root())
			without, err2 := pair[1].Eval(nil, doc.Root())
			if compared++; !slices.Equal(plainItems(with), plainItems(without)) || (err == nil) != (err2 == nil) {
				t.Errorf("%s: %s = %v, %v with a root, %v, %v without", file, pair[0], with, err, without, err2)
			}
		}
	}
	if compared < 100 {
		t.Errorf("%d comparisons", compared)
	}
	t.Logf("%d comparisons", compared)
}

var pairs = map[string][][2]*fhirpath.Expr{}

// pairsOf compiles the search parameters and invariants of a resource type with
// a root and without.
func pairsOf(t *testing.T, kind string) [][2]*fhirpath.Expr {
	if known, ok := pairs[kind]; ok {
		return known
	}
	expressions := []string{
		"descendants().where($this is string).count()", "children().select(type().name)",
		kind + ".text.exists()", kind + ".contained.id.empty()", "Patient.name.exists() or " + kind + ".meta.exists()", kind + ".id.hasValue()",
	}
	for _, sp := range r4.Model().SearchParameters() {
		if sp.Expression != "" && slices.Contains(sp.Base, kind) {
			expressions = append(expressions, sp.Expression)
		}
	}
	for of := r4.Model().Type(kind); of != nil; of = of.Base {
		for _, i := range of.Invariants {
			expressions = append(expressions, i.Expression)
		}
	}
	for _, x := range expressions {
		with, err := fhirpath.Compile(x, &fhirpath.Env{Model: r4.Model(), Root: kind, FilterAs: true})
		if err != nil {
			t.Fatal(err)
		}
		pairs[kind] = append(pairs[kind], [2]*fhirpath.Expr{with, fhirpath.MustCompile(x, r4Env)})
	}
	return pairs[kind]
}

func plainItems(c fhirpath.Collection) []string {
	var list []string
	for _, v := range c {
		n, _ := v.Node()
		list = append(list, v.Type()+string(n.Raw())+string(v.Twin().Raw())+v.Str())
	}
	return list
}
