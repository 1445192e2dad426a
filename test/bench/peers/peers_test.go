package peers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	peer "github.com/gofhir/fhirpath"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// load reads a resource of the engine's own tests.
func load(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "fhir", "fhirpath", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// fastest is the least time of one call in nanoseconds, over a fifth of a second.
func fastest(f func()) float64 {
	best := time.Duration(1 << 62)
	for began := time.Now(); time.Since(began) < time.Second/5; {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	return float64(best.Nanoseconds())
}

// measure reports ours, with and without parsing, the peer and encoding/json.
func measure(b *testing.B, data []byte, ours, theirs func()) {
	doc := new(tree.Doc)
	parse := func() {
		if err := doc.Parse(data, tree.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
	parse()
	for b.Loop() {
		ours()
	}
	mine := fastest(ours)
	whole := mine + fastest(parse)
	decode := fastest(func() {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	})
	b.ReportMetric(mine, "ns-ours")
	b.ReportMetric(whole, "ns-ours-with-parse")
	b.ReportMetric(decode/whole, "x-encoding/json")
	if theirs != nil {
		peers := fastest(theirs)
		b.ReportMetric(peers, "ns-gofhir")
		b.ReportMetric(peers/whole, "x-gofhir")
	}
}

// BenchmarkPath evaluates single expressions, compiled before. The peer starts
// from bytes: it has no other way.
func BenchmarkPath(b *testing.B) {
	for _, row := range []struct{ name, file, expr string }{
		{"given", "bench-patient.json", "Patient.name.given"},
		{"where", "bench-patient.json", "Patient.telecom.where(system = 'phone').value"},
		{"category", "bench-observation.json", "Observation.category.coding.code"},
		{"component", "bench-observation.json", "Observation.component.where(code.coding.code = '8480-6').exists()"},
		{"pat-1", "bench-patient.json", "Patient.contact.all(name.exists() or telecom.exists() or address.exists() or organization.exists())"},
		{"descendants", "bench-observation.json", "Observation.descendants().count()"},
	} {
		b.Run(row.name, func(b *testing.B) {
			data := load(b, row.file)
			doc, err := tree.Parse(data)
			if err != nil {
				b.Fatal(err)
			}
			mine, err := fhirpath.Compile(row.expr, &fhirpath.Env{Model: r4.Model()})
			if err != nil {
				b.Fatal(err)
			}
			theirs, err := peer.Compile(row.expr)
			if err != nil {
				b.Fatal(err)
			}
			measure(b, data,
				func() {
					if _, err := mine.Eval(nil, doc.Root()); err != nil {
						b.Fatal(err)
					}
				},
				func() {
					if _, err := theirs.Evaluate(data); err != nil {
						b.Fatal(err)
					}
				})
		})
	}
}

// BenchmarkSearchParameters evaluates all search parameters of a resource. The
// peer gets those that it can compile and evaluate; how many is a metric.
func BenchmarkSearchParameters(b *testing.B) {
	for _, row := range [][2]string{{"Observation", "bench-observation.json"}, {"Patient", "bench-patient.json"}} {
		b.Run(row[0], func(b *testing.B) {
			data := load(b, row[1])
			doc, err := tree.Parse(data)
			if err != nil {
				b.Fatal(err)
			}
			var mine []*fhirpath.Expr
			var theirs []*peer.Expression
			for _, sp := range r4.Model().SearchParameters() {
				if sp.Expression == "" || !slices.Contains(sp.Base, row[0]) && !slices.Contains(sp.Base, "Resource") && !slices.Contains(sp.Base, "DomainResource") {
					continue
				}
				e, err := fhirpath.Compile(sp.Expression, &fhirpath.Env{Model: r4.Model(), Root: row[0], FilterAs: true})
				if err != nil {
					b.Fatal(err)
				}
				mine = append(mine, e)
				if p, err := peer.Compile(sp.Expression); err == nil {
					if _, err := p.Evaluate(data); err == nil {
						theirs = append(theirs, p)
					}
				}
			}
			measure(b, data,
				func() {
					for _, e := range mine {
						if _, err := e.Eval(nil, doc.Root()); err != nil {
							b.Fatal(err)
						}
					}
				},
				func() {
					for _, e := range theirs {
						_, _ = e.Evaluate(data)
					}
				})
			b.ReportMetric(float64(len(mine)), "parameters")
			b.ReportMetric(float64(len(theirs)), "gofhir-parameters")
		})
	}
}
