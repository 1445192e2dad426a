package fhirpath_test

import (
	"strings"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// check is one invariant and one element that it judges.
type check struct {
	key   string
	expr  *fhirpath.Expr
	focus fhirpath.Value
	ctx   *fhirpath.Context
}

// checks lists every invariant of the base definitions for every element of a
// resource, as a validator meets them.
type checks struct {
	tb       testing.TB
	list     []check
	compiled map[string]*fhirpath.Expr
	ctx      *fhirpath.Context
}

func checksOf(tb testing.TB, root tree.Node) []check {
	t := r4.Model().Type(root.Field("resourceType").Str())
	c := &checks{tb: tb, compiled: map[string]*fhirpath.Expr{}}
	c.ctx = &fhirpath.Context{Now: suiteNow, Resource: fhirpath.Element(root, t), RootResource: fhirpath.Element(root, t)}
	c.element(root, tree.Node{}, t, nil)
	return c.list
}

func (c *checks) element(n, twin tree.Node, t *schema.Type, extra []schema.Invariant) {
	focus := fhirpath.Element(n, t, twin)
	for of := t; of != nil; of = of.Base {
		c.add(focus, t.Name, of.Invariants)
	}
	c.add(focus, t.Name, extra)
	if t.Kind == schema.Primitive {
		return
	}
	for name, field := range n.Fields() {
		e := t.Element(strings.TrimPrefix(name, "_"))
		if e == nil || e.Type == nil || strings.HasPrefix(name, "_") && n.Field(name[1:]).Exists() {
			continue
		}
		et := e.Type
		for item := range field.Items() {
			if et.Kind == schema.Resource {
				et = r4.Model().Type(item.Field("resourceType").Str())
			}
			var sibling tree.Node
			if et.Kind == schema.Primitive {
				sibling = n.Field("_" + name)
			}
			c.element(item, sibling, et, e.Invariants)
		}
	}
}

func (c *checks) add(focus fhirpath.Value, root string, invariants []schema.Invariant) {
	for _, i := range invariants {
		key := root + "\x00" + i.Expression
		if c.compiled[key] == nil {
			e, err := fhirpath.Compile(i.Expression, &fhirpath.Env{Model: r4.Model(), Root: root, FilterAs: true})
			if err != nil {
				c.tb.Fatal(err)
			}
			c.compiled[key] = e
		}
		c.list = append(c.list, check{i.Key, c.compiled[key], focus, c.ctx})
	}
}

// TestInvariants: our two examples break no rule of the base.
func TestInvariants(t *testing.T) {
	for _, name := range []string{"testdata/bench-observation.json", "testdata/bench-patient.json"} {
		doc, _ := parsed(t, name)
		list := checksOf(t, doc.Root())
		if len(list) < 30 {
			t.Fatalf("%s: %d checks", name, len(list))
		}
		for _, c := range list {
			if ok, err := c.expr.Holds(c.ctx, c.focus); err != nil || !ok {
				t.Errorf("%s: %s: %v, %v", name, c.key, ok, err)
			}
		}
	}
}

// BenchmarkInvariants judges all of them; x-decode is the share of one decoding
// of the same bytes by encoding/json.
func BenchmarkInvariants(b *testing.B) {
	for _, name := range []string{"testdata/bench-observation.json", "testdata/bench-patient.json"} {
		b.Run(strings.TrimSuffix(strings.TrimPrefix(name, "testdata/bench-"), ".json"), func(b *testing.B) {
			doc, data := parsed(b, name)
			list := checksOf(b, doc.Root())
			run := func() {
				for i := range list {
					if ok, err := list[i].expr.Holds(list[i].ctx, list[i].focus); err != nil || !ok {
						b.Fatal(list[i].key, ok, err)
					}
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
			ratios(b, data, run)
			b.ReportMetric(float64(len(list)), "checks")
			b.ReportMetric(float64(len(data)), "bytes")
		})
	}
}
