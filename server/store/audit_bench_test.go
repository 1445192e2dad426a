package store_test

import (
	"fmt"
	"syscall"
	"testing"

	"tenon/server/record"
)

// BenchmarkAuditOfPatients is what the audit of a search costs that tells of 50
// patients: their rows in one batch, with an index row for each, beside the same
// rows about nobody. cpu-us/op is processor time, which a busy machine does not
// stretch.
func BenchmarkAuditOfPatients(b *testing.B) {
	for name, open := range engines {
		s := open(b)
		for _, about := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/patients=%v", name, about), func(b *testing.B) {
				begun := spent()
				for i := range b.N {
					rows := make([]record.Audit, 51)
					for n := range rows {
						rows[n] = auditOf("x")
						if rows[n].Patient = ""; about && n > 0 {
							rows[n].Patient = fmt.Sprintf("Patient/p%d", (i*50+n)%5000)
						}
					}
					if err := s.Audit(b.Context(), rows); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(spent()-begun)/float64(b.N), "cpu-us/op")
			})
		}
	}
}

// spent is the processor time of this process in microseconds.
func spent() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano()/1000 + u.Stime.Nano()/1000
}
