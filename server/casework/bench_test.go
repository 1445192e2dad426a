package casework_test

import "testing"

// BenchmarkDecide measures a decision on a case near its end: about 100 members.
func BenchmarkDecide(b *testing.B) {
	w := stop(b, "S18 working")
	before := w.snapshot()
	next := w.at(b)
	next.lay(next.set("S18", clin, "completed", "completed"), clin.Principal)
	after := next.snapshot()
	b.ReportMetric(float64(len(after.Resources)), "members")
	b.ReportAllocs()
	for b.Loop() {
		if d := w.engine.Decide(before, after, clin); len(d.Refusal) > 0 {
			b.Fatal(told(d.Refusal))
		}
	}
}

// BenchmarkReport measures $case: every condition of every open stage.
func BenchmarkReport(b *testing.B) {
	w := stop(b, "S11 working")
	s := w.snapshot()
	b.ReportAllocs()
	for b.Loop() {
		w.engine.Report(s)
	}
}
