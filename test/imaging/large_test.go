package imaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/test/servertest"
)

// maxGrowth bounds what one request of 10,000 instances may add to the heap of
// the server, which here is that of the test.
const maxGrowth = 128 << 20

// TestLargeStow stores 10,000 instances in one chunked request, in flat memory.
func TestLargeStow(t *testing.T) {
	const slices = 10_000
	w := &ward{Server: servertest.Start(t, app.Config{Sample: true})}
	w.clin = w.Token(t, "PractitionerRole/clin-wang")
	w.Create(t, w.clin, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"P-1"}],"name":[{"text":"P-1"}]}`)
	s := sample.New(sample.Options{Seed: 11, Slices: slices, Rows: 16, Columns: 16, PatientID: "P-1"})
	body, pipe := io.Pipe()
	go func() {
		for i := range slices {
			_, _ = io.WriteString(pipe, "--frontier\r\nContent-Type: application/dicom\r\n\r\n")
			_, _ = pipe.Write(s.Slice(i))
			_, _ = io.WriteString(pipe, "\r\n")
		}
		_, err := io.WriteString(pipe, "--frontier--\r\n")
		_ = pipe.CloseWithError(err)
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/dicomweb/studies", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.clin)
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=frontier`)
	peak := watchHeap(t)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %.400s, %v", res.StatusCode, answer, err)
	}
	if grown := peak(); grown > maxGrowth {
		t.Errorf("the heap grew by %d MB, at most %d are allowed", grown>>20, maxGrowth>>20)
	} else {
		t.Logf("the heap grew by %d MB", grown>>20)
	}
	var told map[string]struct{ Value []json.RawMessage }
	if err := json.Unmarshal(answer, &told); err != nil || len(told["00081199"].Value) != slices || len(told["00081198"].Value) != 0 {
		t.Errorf("%d stored, %d failed, want %d and none", len(told["00081199"].Value), len(told["00081198"].Value), slices)
	}
	a := w.Expect(t, 200, w.get("/studies/"+s.StudyUID+"/instances?InstanceNumber="+fmt.Sprint(slices)))
	if got := uids(t, a, "00080018"); got != s.InstanceUID(slices-1) {
		t.Errorf("the last instance = %q", got)
	}
	if a := w.Expect(t, 200, w.get(instance(s, slices-1), "Accept", "application/dicom")); !bytes.Equal(a.Body, s.Slice(slices-1)) {
		t.Errorf("the last instance has other bytes")
	}
}

// watchHeap gives how much the live heap grew at the most until it is asked.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var most atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most.Load() - min(before, most.Load())
	}
}
