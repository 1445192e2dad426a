package profiles_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// mutant is a profile with one rule taken out.
type mutant struct {
	rule, element string // as in an example's name; rule "" for a member with several
	of            string // what was taken out
	sd            []byte
}

// TestEveryRuleIsProven takes each rule out of each profile in turn: an example
// must notice. So no element, invariant or binding stands there unproven.
func TestEveryRuleIsProven(t *testing.T) {
	for _, e := range guide(t) {
		t.Run(strings.TrimPrefix(e.url, "urn:tenon:profile:"), func(t *testing.T) {
			t.Parallel()
			all := mutants(t, e.profile)
			t.Logf("%d rules taken away", len(all))
			for _, m := range all {
				r, err := definition.Read(m.sd, "")
				if err != nil {
					t.Fatal(err)
				}
				if !noticed(t, newSet(library().With(r)), e, m) {
					t.Errorf("no example notices that %s is gone from %s %s", m.of, m.element, m.rule)
				}
			}
		})
	}
}

// noticed tells whether an example comes out differently: those first that are
// named after the rule.
func noticed(t *testing.T, set *validate.Set, e examples, m mutant) bool {
	t.Helper()
	named := func(x example) bool {
		return m.rule != "" && x.rule == m.rule && x.element == "" || x.element == m.element && m.rule == ""
	}
	for _, first := range []bool{true, false} {
		for _, x := range e.invalid {
			if named(x) != first {
				continue
			}
			found := judged(t, set, parse(t, x.resource), e.url)
			if len(found) == 0 || found[0].Rule != x.rule {
				return true
			}
		}
	}
	return slices.ContainsFunc(e.valid, func(x example) bool { return len(judged(t, set, parse(t, x.resource), e.url)) > 0 })
}

// mutants are the profile without each of its rules.
func mutants(t *testing.T, sd tree.Node) (list []mutant) {
	t.Helper()
	elements := sd.Path("differential", "element")
	for i := range elements.Len() {
		e := elements.Index(i)
		for name := range e.Fields() {
			m := mutant{element: shortID(sd, e), of: name}
			switch {
			case name == "min" && e.Field("min").Text() == "0", name == "max" && e.Field("max").Str() == "*":
			case name == "binding" && e.Path("binding", "strength").Str() != "required":
			case name == "constraint":
				for k := range e.Field("constraint").Len() {
					m.rule = e.Field("constraint").Index(k).Field("key").Str()
					m.sd = without(t, sd, i, name, k)
					list = append(list, m)
				}
			case name == "min", name == "max", name == "type", name == "binding", strings.HasPrefix(name, "fixed"), strings.HasPrefix(name, "pattern"),
				strings.HasPrefix(name, "minValue"), strings.HasPrefix(name, "maxValue"), name == "maxLength":
				m.sd = without(t, sd, i, name, -1)
				list = append(list, m)
			}
		}
	}
	return list
}

// without leaves a member of the i-th element out, or the k-th item of it.
func without(t *testing.T, sd tree.Node, i int, name string, k int) []byte {
	t.Helper()
	doc := decode(t, sd.Raw()).(map[string]any)
	e := doc["differential"].(map[string]any)["element"].([]any)[i].(map[string]any)
	if k >= 0 {
		e[name] = slices.Delete(e[name].([]any), k, k+1)
	} else {
		delete(e, name)
	}
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
