package fhirpath_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// observation is a blood pressure with everything that a search parameter may
// ask for.
const observation = "testdata/observation.json"

func parsed(tb testing.TB, name string) (*tree.Doc, []byte) {
	tb.Helper()
	data, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := tree.Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	return doc, data
}

// parametersOf compiles all search parameters of a resource type.
func parametersOf(tb testing.TB, name string) []*fhirpath.Expr {
	tb.Helper()
	var exprs []*fhirpath.Expr
	env := &fhirpath.Env{Model: r4.Model(), FilterAs: true, Root: name}
	for _, sp := range r4.Model().SearchParameters() {
		if sp.Expression == "" || !slices.Contains(sp.Base, name) && !slices.Contains(sp.Base, "Resource") && !slices.Contains(sp.Base, "DomainResource") {
			continue
		}
		e, err := fhirpath.Compile(sp.Expression, env)
		if err != nil {
			tb.Fatal(err)
		}
		exprs = append(exprs, e)
	}
	return exprs
}

// BenchmarkObservationParameters evaluates every search parameter of an
// Observation; x-decode is the time as a share of one decoding of the same
// bytes by encoding/json, measured in the same run.
func BenchmarkObservationParameters(b *testing.B) {
	doc, data := parsed(b, observation)
	exprs := parametersOf(b, "Observation")
	decode := decodeTime(b, data)
	root := doc.Root()
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range exprs {
			if _, err := e.Eval(nil, root); err != nil {
				b.Fatal(err)
			}
		}
	}
	each := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	b.ReportMetric(each/decode, "x-decode")
	b.ReportMetric(float64(len(exprs)), "parameters")
}

// decodeTime is how many nanoseconds encoding/json takes for the same bytes.
func decodeTime(b *testing.B, data []byte) float64 {
	const rounds = 300
	start := time.Now()
	for range rounds {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	}
	return float64(time.Since(start).Nanoseconds()) / rounds
}

func BenchmarkEval(b *testing.B) {
	doc, _ := parsed(b, observation)
	for _, x := range []string{
		"Observation.status",
		"Observation.category.coding.code",
		"Observation.component.where(code.coding.code = '8480-6').value.ofType(Quantity).value",
		"(Observation.value as Quantity) | (Observation.value as SampledData)",
		"Observation.subject.where(resolve() is Patient)",
		"component.all(value.exists() or dataAbsentReason.exists())",
		"descendants().count()",
		"effective <= @2026-03-01 and component.value.exists($this > 100 'mm[Hg]')",
	} {
		e := fhirpath.MustCompile(x, r4Env)
		name := strings.NewReplacer("/", "_", " ", "").Replace(x)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(nil, doc.Root()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
