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
	root := doc.Root()
	run := func() {
		for _, e := range exprs {
			if _, err := e.Eval(nil, root); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
	ratios(b, data, run)
	b.ReportMetric(float64(len(exprs)), "parameters")
}

// fastest is the time of one call in nanoseconds: the least of many rounds, so
// that a busy machine does not blur a ratio.
func fastest(calls int, f func()) float64 {
	best := time.Duration(1 << 62)
	for range 200 {
		start := time.Now()
		for range calls {
			f()
		}
		best = min(best, time.Since(start))
	}
	return float64(best.Nanoseconds()) / float64(calls)
}

// decodeTime is how many nanoseconds encoding/json takes for the same bytes.
func decodeTime(b *testing.B, data []byte) float64 {
	return fastest(5, func() {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	})
}

// ratios reports the least time of f and what share of a decoding it is.
func ratios(b *testing.B, data []byte, f func()) {
	each := fastest(10, f)
	b.ReportMetric(each, "ns-best")
	b.ReportMetric(each/decodeTime(b, data), "x-decode")
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
