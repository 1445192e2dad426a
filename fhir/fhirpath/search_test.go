package fhirpath_test

import (
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/profiles/r4"
)

// R4's own expressions use as() on collections.
var r4Env = &fhirpath.Env{Model: r4.Model(), FilterAs: true}

func TestSearchParametersCompile(t *testing.T) {
	compiled := 0
	for _, sp := range r4.Model().SearchParameters() {
		expressions := []string{sp.Expression}
		for _, c := range sp.Components {
			expressions = append(expressions, c.Expression)
		}
		for _, x := range expressions {
			if x == "" {
				continue
			}
			if _, err := fhirpath.Compile(x, r4Env); err != nil {
				t.Errorf("%s: %s: %v", sp.URL, x, err)
			}
			compiled++
		}
	}
	if compiled < 1400 {
		t.Errorf("%d expressions, want the 1,400 of R4", compiled)
	}
}

// TestInvariantsCompile compiles every constraint of the base definitions with
// the type that it stands on as root.
func TestInvariantsCompile(t *testing.T) {
	m := r4.Model()
	compiled := map[string]bool{}
	check := func(root, key, expression string) {
		if compiled[root+expression] || expression == "" {
			return
		}
		compiled[root+expression] = true
		env := *r4Env
		env.Root = root
		if _, err := fhirpath.Compile(expression, &env); err != nil {
			t.Errorf("%s on %s: %s: %v", key, root, expression, err)
		}
	}
	visited := map[*schema.Type]bool{}
	var visit func(typ *schema.Type)
	visit = func(typ *schema.Type) {
		if typ == nil || visited[typ] {
			return
		}
		visited[typ] = true
		for _, i := range typ.Invariants {
			check(typ.Name, i.Key, i.Expression)
		}
		visit(typ.Base)
		for _, e := range typ.Elements {
			root := "" // a choice
			if e.Type != nil {
				root = e.Type.Name
			}
			for _, i := range e.Invariants {
				check(root, i.Key, i.Expression)
			}
			for _, r := range e.Types {
				visit(r.Type)
			}
		}
	}
	for _, name := range m.Resources() {
		visit(m.Type(name))
	}
	t.Logf("%d invariants compile", len(compiled))
	if len(compiled) < 230 { // those of resources, data types and their parts
		t.Errorf("%d invariants, want all of R4", len(compiled))
	}
}
