package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// comparison is the state of a run.
type comparison struct {
	plan     *plan
	other    *engine
	files    int
	compared int
	differ   int
	kinds    map[string]*[2]int // compared and different by kind
	groups   map[string]*group
	began    time.Time
	took     time.Duration
}

// group is the differences that have one reason.
type group struct {
	reason  string
	count   int
	names   map[string]int // of search parameters and invariants
	example string
}

// evaluationTime is what now() is for both; no expression of R4 asks for it.
var evaluationTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (r *comparison) file(name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	doc := new(tree.Doc)
	_ = doc.Parse(src, tree.Limits{}) // what is no resource has nothing to check
	checks := r.plan.checks(doc.Root())
	if len(checks) == 0 {
		return nil
	}
	theirs, err := r.other.evaluate(name, r.plan.expressions, checks)
	if err != nil {
		return err
	}
	r.files++
	root := fhirpath.Element(doc.Root(), r.plan.model.Type(doc.Root().Field("resourceType").Str()))
	ctx := &fhirpath.Context{Now: evaluationTime}
	for i := range checks {
		c := &checks[i]
		e := r.plan.expressions[c.Expr]
		if ctx.Resource, ctx.RootResource = root, root; nested(c.At) {
			ctx.Resource, ctx.RootResource = fhirpath.Value{}, fhirpath.Value{}
		}
		values, err := e.expr.EvalValues(ctx, c.focus)
		r.compare(filepath.Base(name), e, c, values, err, theirs[i])
	}
	return nil
}

func (r *comparison) compare(file string, e *expression, c *check, values fhirpath.Collection, failure error, theirs json.RawMessage) {
	r.compared++
	if r.kinds[e.kind] == nil {
		r.kinds[e.kind] = &[2]int{}
	}
	r.kinds[e.kind][0]++
	ours := plain(values)
	var failed struct {
		Error string `json:"error"`
	}
	var list []any
	if bytes.HasPrefix(theirs, []byte("{")) {
		_ = json.Unmarshal(theirs, &failed)
	} else {
		d := json.NewDecoder(bytes.NewReader(theirs))
		d.UseNumber()
		_ = d.Decode(&list)
	}
	if failure == nil && failed.Error == "" && same(ours, list) {
		return
	}
	r.differ++
	r.kinds[e.kind][1]++
	reason := reasonOf(e, ours, list, failure, failed.Error)
	g := r.groups[reason]
	if g == nil {
		g = &group{reason: reason, names: map[string]int{}, example: fmt.Sprintf("%s, %s %s at %v: %s: ours %s, theirs %s", file, e.kind, e.name, c.At, short(e.Text), show(ours, failure), short(string(theirs)))}
		r.groups[reason] = g
	}
	g.count++
	g.names[e.name]++
}

// plain writes values as JSON has them; computed ones as text.
func plain(c fhirpath.Collection) []any {
	list := []any{}
	for _, v := range c {
		if n, ok := v.Node(); ok && n.Kind() == tree.Object {
			var out any
			d := json.NewDecoder(bytes.NewReader(n.Raw()))
			d.UseNumber()
			_ = d.Decode(&out)
			list = append(list, out)
			continue
		}
		list = append(list, v.Str())
	}
	return list
}

func same(ours, theirs []any) bool {
	if len(ours) != len(theirs) {
		return false
	}
	for i := range ours {
		if !sameValue(ours[i], theirs[i]) {
			return false
		}
	}
	return true
}

// sameValue compares deeply; numbers by value.
func sameValue(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if !sameValue(x[k], y[k]) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && same(x, y)
	}
	s, t := fmt.Sprint(a), fmt.Sprint(b)
	if s == t || reflect.DeepEqual(a, b) {
		return true
	}
	m, mok := new(big.Rat).SetString(s)
	n, nok := new(big.Rat).SetString(t)
	if !mok || !nok {
		return false
	}
	x, _ := m.Float64() // the other engine reads documents with float64 numbers
	y, _ := n.Float64()
	return x == y
}

func show(values []any, failure error) string {
	if failure != nil {
		return failure.Error()
	}
	data, _ := json.Marshal(values)
	return short(string(data))
}

func short(s string) string {
	if runes := []rune(s); len(runes) > 160 {
		return string(runes[:160]) + "…"
	}
	return s
}
