package main

import (
	"fmt"
	"time"

	"tenon/dicomweb/sample"
)

// patients is how many people the studies belong to.
const patients = 30

func patientID(n int64) string { return fmt.Sprintf("BENCH-%d", n%patients) }

// archive is what is stored: the studies of the readings, and files for STOW that
// no round shares with another.
type archive struct {
	large *sample.Series // 512², of which instances, frames and pictures are read
	long  *sample.Series // 400 small slices
	seed  int64          // of the run, so that UIDs are new
	next  int64          // number of the next study
}

// series makes a study of n slices with size² pixels.
func (a *archive) series(n, size int) *sample.Series {
	a.next++
	return sample.New(sample.Options{Seed: a.seed + a.next, Slices: n, Rows: size, Columns: size, PatientID: patientID(a.next), PatientName: fmt.Sprintf("Bench^%03d", a.next),
		Acquired: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, int(a.next%300))})
}

// files are the slices of a series.
func files(s *sample.Series) [][]byte {
	list := make([][]byte, s.Len())
	for i := range list {
		list[i] = s.Slice(i)
	}
	return list
}
