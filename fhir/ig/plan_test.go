package ig_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/ig"
)

// of makes a manifest for R4: "name#version needs".
func of(name string, needs ...string) *ig.Manifest {
	n, v, _ := strings.Cut(name, "#")
	m := &ig.Manifest{Reference: ig.Reference{Name: n, Version: v}, FHIRVersions: []string{"4.0.1"}}
	for _, need := range needs {
		n, v, _ := strings.Cut(need, "#")
		m.Dependencies = append(m.Dependencies, ig.Reference{Name: n, Version: v})
	}
	return m
}

func TestResolve(t *testing.T) {
	const core = "hl7.fhir.r4.core#4.0.1"
	thoHave := []ig.Reference{{Name: "hl7.terminology.r4", Version: "7.0.1"}}
	for _, c := range []struct {
		name       string
		want, pool []*ig.Manifest
		have       []ig.Reference
		order      string
		missing    string
	}{
		{"nothing", nil, nil, nil, "", ""},
		{"core is here", []*ig.Manifest{of("a#1", core, "hl7.fhir.r4.core#4.0.x", "hl7.fhir.r4.examples#4.0.1")}, nil, nil, "a#1", ""},
		{"another core is not", []*ig.Manifest{of("a#1", "hl7.fhir.r5.core#5.0.0")}, nil, nil, "a#1", "hl7.fhir.r5.core#5.0.0 by a#1"},
		{"what is needed first", []*ig.Manifest{of("a#1", "b#1"), of("b#1", "c#1"), of("c#1")}, nil, nil, "c#1 b#1 a#1", ""},
		{"by name where it does not matter", []*ig.Manifest{of("c#1"), of("a#1"), of("b#1")}, nil, nil, "a#1 b#1 c#1", ""},
		{"diamond", []*ig.Manifest{of("a#1", "b#1", "c#1"), of("b#1", "d#1"), of("c#1", "d#1"), of("d#1")}, nil, nil, "d#1 b#1 c#1 a#1", ""},
		{"cycle", []*ig.Manifest{of("a#1", "b#1"), of("b#1", "a#1"), of("c#1", "a#1")}, nil, nil, "b#1 a#1 c#1", ""},
		{"needs itself", []*ig.Manifest{of("a#1", "a#1")}, nil, nil, "a#1", ""},
		{"from the pool, with what it needs", []*ig.Manifest{of("a#1", "b#1")}, []*ig.Manifest{of("x#1"), of("b#1", "c#2"), of("c#2"), of("c#1")}, nil, "c#2 b#1 a#1", ""},
		{"held already", []*ig.Manifest{of("a#1", "b#1")}, []*ig.Manifest{of("b#1")}, []ig.Reference{{Name: "b", Version: "1"}}, "a#1", ""},
		{"pattern takes the newest", []*ig.Manifest{of("a#1", "b#1.0.x")}, []*ig.Manifest{of("b#1.0.2"), of("b#1.0.10"), of("b#1.1.0"), of("b#1.0.11-beta")}, nil, "b#1.0.11-beta a#1", ""},
		{"current takes the newest", []*ig.Manifest{of("a#1", "b#current")}, []*ig.Manifest{of("b#1.0.2"), of("b#2.0.0-ballot"), of("b#1.9.0")}, nil, "b#2.0.0-ballot a#1", ""},
		{"release before its ballot", []*ig.Manifest{of("a#1", "b#current")}, []*ig.Manifest{of("b#2.0.0-ballot"), of("b#2.0.0")}, nil, "b#2.0.0 a#1", ""},
		{"exact and not there", []*ig.Manifest{of("a#1", "b#1.0.0")}, []*ig.Manifest{of("b#1.0.1"), of("b#0.9.0")}, nil, "a#1", "b#1.0.0 by a#1 other 1.0.1"},
		{"another version is held", []*ig.Manifest{of("a#1", "hl7.terminology.r4#6.5.0")}, nil, thoHave, "a#1", "hl7.terminology.r4#6.5.0 by a#1 other 7.0.1"},
		{"another version is given", []*ig.Manifest{of("a#1", "b#1"), of("b#2")}, nil, nil, "b#2 a#1", "b#1 by a#1 other 2"},
		{"missing twice", []*ig.Manifest{of("b#1", "z#1"), of("a#1", "z#1")}, nil, nil, "a#1 b#1", "z#1 by a#1, z#1 by b#1"},
		{"two versions of one", []*ig.Manifest{of("a#1", "b#1"), of("b#1"), of("b#2")}, nil, nil, "b#1 a#1 b#2", ""},
		{"pool for another FHIR", []*ig.Manifest{of("a#1", "b#1")}, []*ig.Manifest{{Reference: ig.Reference{Name: "b", Version: "1"}, FHIRVersions: []string{"5.0.0"}}}, nil, "a#1", "b#1 by a#1 other 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := ig.Resolve(c.want, c.pool, c.have)
			if err != nil {
				t.Fatal(err)
			}
			var order, missing []string
			for _, m := range plan.Order {
				order = append(order, m.String())
			}
			for _, m := range plan.Missing {
				s := fmt.Sprintf("%s by %s", m.Reference, m.By)
				if m.Other != "" {
					s += " other " + m.Other
				}
				missing = append(missing, s)
			}
			if got := strings.Join(order, " "); got != c.order {
				t.Errorf("order = %s, want %s", got, c.order)
			}
			if got := strings.Join(missing, ", "); got != c.missing {
				t.Errorf("missing = %s, want %s", got, c.missing)
			}
			slices.Reverse(c.want)
			if again, err := ig.Resolve(c.want, c.pool, c.have); err != nil || fmt.Sprint(again.Order) != fmt.Sprint(plan.Order) {
				t.Errorf("order = %v when asked the other way round, want %v", again.Order, plan.Order)
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	if _, err := ig.Resolve([]*ig.Manifest{of("a#1"), of("a#1")}, nil, nil); err == nil || first(t, err).Rule != "package-twice" {
		t.Errorf("twice = %v", err)
	}
	r5 := &ig.Manifest{Reference: ig.Reference{Name: "a", Version: "1"}, FHIRVersions: []string{"5.0.0"}}
	if _, err := ig.Resolve([]*ig.Manifest{r5}, nil, nil); err == nil || first(t, err).Rule != "package-fhir-version" {
		t.Errorf("R5 = %v", err)
	}
	var chain []*ig.Manifest
	for i := range 1000 {
		chain = append(chain, of(fmt.Sprintf("p%04d#1", i), fmt.Sprintf("p%04d#1", i+1)))
	}
	if _, err := ig.Resolve(chain, nil, nil); err == nil || first(t, err).Rule != "package-limit" {
		t.Errorf("a chain of 1000 = %v", err)
	}
}

// https://hl7.org/fhir/packages.html and https://semver.org/#spec-item-11
func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		version, asked string
		want           bool
	}{
		{"1.0.0", "1.0.0", true},
		{"1.0.0", "1.0", false},
		{"1.0.1", "1.0.0", false},
		{"1.0.1", "1.0.x", true},
		{"1.0.1", "1.0.X", true},
		{"1.0.1", "1.0.*", true},
		{"1.0.1", "1.x", true},
		{"1.0.1", "1.x.x", true},
		{"1.0.1", "1.x.1", true},
		{"1.0.1", "1.x.2", false},
		{"1.0.1", "x", true},
		{"1.0.1", "x.0", false},
		{"1.0", "x.0", true},
		{"1", "1.0.x", false},
		{"1.1.1", "1.0.x", false},
		{"11.0.1", "1.x", false},
		{"1.0.1-ballot", "1.0.x", true},
		{"1.0.1-ballot", "1.0.1", false},
		{"1.0.1-x", "1.0.1-x", true},
		{"1.0.1+7", "1.0.1", true},
		{"1.0.1", "1.0.1+7", true},
		{"0.1", "current", true},
		{"0.1", "current$branch", true},
		{"0.1", "latest", true},
		{"0.1", "dev", true},
		{"0.1", "currently", false},
		{"0.1", "", false},
		{"1.0.1", "^1.0.0", false},
	} {
		if got := ig.Satisfies(c.version, c.asked); got != c.want {
			t.Errorf("Satisfies(%q, %q) = %v, want %v", c.version, c.asked, got, c.want)
		}
	}
}
