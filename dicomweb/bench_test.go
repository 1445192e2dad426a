package dicomweb_test

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"tenon/dicomweb/sample"
)

// BenchmarkStow stores a series of 100 slices of 512×512×16 bits in one request
// on the stand-in, which keeps everything in memory: the cost of the door alone.
func BenchmarkStow(b *testing.B) {
	s := sample.New(sample.Options{Slices: 100, Rows: 512, Columns: 512, PatientID: "P-1"})
	body := multipartBody(filesOf(s)...)
	h := newHouse()
	d := door(h)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		h.empty()
		r := httptest.NewRequest("POST", "/studies", bytes.NewReader(body))
		r.Header.Set("Content-Type", related)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatalf("status %d", w.Code)
		}
	}
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "instances/s")
}

// BenchmarkMetadata answers the metadata of a series of 100 instances.
func BenchmarkMetadata(b *testing.B) {
	s := sample.New(sample.Options{Slices: 100, Rows: 2, Columns: 2, PatientID: "P-1"})
	h := newHouse()
	d := door(h)
	r := httptest.NewRequest("POST", "/studies", bytes.NewReader(multipartBody(filesOf(s)...)))
	r.Header.Set("Content-Type", related)
	d.ServeHTTP(httptest.NewRecorder(), r)
	for b.Loop() {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest("GET", "/studies/"+s.StudyUID+"/metadata", nil))
		if w.Code != 200 {
			b.Fatalf("status %d", w.Code)
		}
	}
}
