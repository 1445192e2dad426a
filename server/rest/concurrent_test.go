package rest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What stands still while others write: each walk must see all of it, once.
const still = 40

// storm is the state that several clients fight over.
type storm struct {
	h       http.Handler
	patient string
	counter string       // a Basic whose language of tags counts updates
	added   atomic.Int64 // updates of the counter that were acknowledged
	pairs   atomic.Int64
	over    chan struct{}
	mu      sync.Mutex
	faults  []string
}

func (s *storm) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) < 10 {
		s.faults = append(s.faults, fmt.Sprintf(format, args...))
	}
}

// Writers of every kind beside readers that page, sort, count and include: no
// update is lost, no condition makes two, no transaction is seen by half, no page
// drops or repeats what nobody touched. Run it under the race detector too
// (make race).
func TestConcurrentClients(t *testing.T) {
	length := 1500 * time.Millisecond
	if testing.Short() {
		length /= 4
	}
	onEngines(t, func(t *testing.T, h *house) {
		s := &storm{h: h, over: make(chan struct{})}
		s.patient = create(t, h, `{"resourceType":"Patient","name":[{"family":"静"}]}`)
		s.counter = create(t, h, `{"resourceType":"Basic","code":{"text":"0"}}`)
		for i := range still {
			create(t, h, s.observation("still", i))
		}
		var wg sync.WaitGroup
		for n, client := range []func(*rand.Rand){s.conditional, s.conditional, s.update, s.update, s.update, s.transact, s.transact, s.churn, s.churn, s.walk, s.walk, s.look} {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // a test
				for {
					select {
					case <-s.over:
						return
					default:
						client(random)
					}
				}
			})
		}
		time.Sleep(length)
		close(s.over)
		wg.Wait()
		s.settle(t)
	})
}

func (s *storm) observation(code string, n int) string {
	value := ""
	if n%3 > 0 { // some have none: a sort by it keeps them
		value = fmt.Sprintf(`,"valueQuantity":{"value":%d}`, n%7)
	}
	return fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:s","code":%q}]},"subject":{"reference":"Patient/%s"}%s}`, code, s.patient, value)
}

// do sends a request; statuses other than these are faults.
func (s *storm) do(method, path, body string, headers string, statuses ...int) (int, []byte) {
	w := do(s.h, method, "/fhir/"+path, body, fhirJSON, headers)
	for _, status := range statuses {
		if w.Code == status {
			return w.Code, w.Body.Bytes()
		}
	}
	s.fault("%s %s = %d %.300s", method, path, w.Code, w.Body)
	return w.Code, nil
}

// conditional makes what is not there yet, always one of the same few.
func (s *storm) conditional(r *rand.Rand) {
	n := r.IntN(50)
	if r.IntN(2) == 0 {
		s.do("POST", "Patient", fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"urn:one","value":"%d"}]}`, n), fmt.Sprintf("If-None-Exist: identifier=urn:one|%d", n), 200, 201)
		return
	}
	s.do("PUT", fmt.Sprintf("Patient?identifier=urn:one%%7C%d", n), fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"urn:one","value":"%d"}]}`, n), "X: 1", 200, 201, 409)
}

// update reads a number and writes the next one, on what was read alone.
func (s *storm) update(*rand.Rand) {
	_, body := s.do("GET", "Basic/"+s.counter, "", "X: 1", 200)
	var b struct {
		Meta struct{ VersionID string }
		Code struct{ Text string }
	}
	if json.Unmarshal(body, &b) != nil {
		return
	}
	var n int
	_, _ = fmt.Sscan(b.Code.Text, &n)
	status, _ := s.do("PUT", "Basic/"+s.counter, fmt.Sprintf(`{"resourceType":"Basic","id":%q,"code":{"text":"%d"}}`, s.counter, n+1), `If-Match: W/"`+b.Meta.VersionID+`"`, 200, 412, 409)
	if status == 200 {
		s.added.Add(1)
	}
}

// transact makes two that belong together, or takes both away.
func (s *storm) transact(r *rand.Rand) {
	n := s.pairs.Add(1)
	half := func(i int) string {
		return fmt.Sprintf(`{"resource":{"resourceType":"Device","identifier":[{"system":"urn:pair","value":"%d"}],"serialNumber":"%d"},"request":{"method":"POST","url":"Device"}}`, n, i)
	}
	s.do("POST", "", transaction(half(1), half(2)), "X: 1", 200)
	if r.IntN(3) == 0 {
		s.do("POST", "", transaction(half(1), `{"resource":{"resourceType":"Device","status":"no code"},"request":{"method":"POST","url":"Device"}}`), "X: 1", 400, 422)
	}
}

// churn makes and deletes around what stands still.
func (s *storm) churn(r *rand.Rand) {
	w := do(s.h, "POST", "/fhir/Observation", s.observation("churn", r.IntN(100)), fhirJSON)
	if w.Code != 201 {
		s.fault("create = %d %s", w.Code, w.Body)
		return
	}
	_, path, _ := strings.Cut(w.Header().Get("Location"), "/fhir/")
	path, _, _ = strings.Cut(path, "/_history")
	s.do("DELETE", path, "", "X: 1", 204)
}

// walk pages through what stands still among all that changes.
func (s *storm) walk(r *rand.Rand) {
	sorts := []string{"", "&_sort=-value-quantity", "&_sort=value-quantity,-_id", "&_sort=code,-_lastUpdated"}
	query := "Observation?subject=Patient/" + s.patient + "&_count=7&_total=accurate&_include=Observation:subject" + sorts[r.IntN(len(sorts))]
	seen := map[string]int{}
	for query != "" {
		page := s.page(query)
		if page == nil {
			return
		}
		query = page.next()
		if page.Total == nil || *page.Total < still {
			s.fault("a total below %d", still)
		}
		included := false
		for _, e := range page.Entry {
			if e.Search.Mode == "include" {
				included = included || e.Resource.ID == s.patient
			} else if e.Resource.Code.Coding[0].Code == "still" {
				seen[e.Resource.ID]++
			}
		}
		if !included && len(page.Entry) > 0 {
			s.fault("%s: the page does not include the patient", query)
		}
	}
	for id, n := range seen {
		if n != 1 {
			s.fault("%s was on %d pages", id, n)
		}
	}
	if len(seen) != still {
		s.fault("a walk saw %d of %d", len(seen), still)
	}
}

// look asks for a pair: there are both or none.
func (s *storm) look(r *rand.Rand) {
	n := s.pairs.Load()
	if n == 0 {
		return
	}
	if page := s.page(fmt.Sprintf("Device?identifier=urn:pair%%7C%d", n-r.Int64N(min(n, 4)))); page != nil && len(page.Entry)%2 != 0 {
		s.fault("half of a transaction was seen")
	}
}

// bundle is what the storm reads of a searchset.
type bundle struct {
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		Search   struct{ Mode string }
		Resource struct {
			ID   string
			Code struct{ Coding []struct{ Code string } }
		}
	}
}

func (s *storm) page(query string) *bundle {
	_, body := s.do("GET", query, "", "X: 1", 200)
	b := &bundle{}
	if json.Unmarshal(body, b) != nil {
		return nil
	}
	return b
}

func (b *bundle) next() string {
	for _, l := range b.Link {
		if l.Relation == "next" {
			return strings.TrimPrefix(l.URL, base+"/")
		}
	}
	return ""
}

// settle judges what the storm left.
func (s *storm) settle(t *testing.T) {
	t.Helper()
	for _, f := range s.faults {
		t.Error(f)
	}
	var b struct{ Code struct{ Text string } }
	_ = json.Unmarshal(must(t, s.h, 200, "GET", "/fhir/Basic/"+s.counter, "").Body.Bytes(), &b)
	if want := fmt.Sprint(s.added.Load()); b.Code.Text != want {
		t.Errorf("the counter stands at %s after %s acknowledged updates", b.Code.Text, want)
	}
	for n := range 50 {
		if ids, _, _ := find(t, s.h, fmt.Sprintf("Patient?identifier=urn:one%%7C%d", n)); len(ids) > 1 {
			t.Errorf("the conditions on %d made %v", n, ids)
		}
	}
	if page := s.page("Device?_summary=count"); page == nil || page.Total == nil || int64(*page.Total) != 2*s.pairs.Load() {
		t.Errorf("the devices are counted as %v, want two of each of %d pairs", page, s.pairs.Load())
	}
	if s.added.Load() == 0 || s.pairs.Load() == 0 {
		t.Errorf("nothing happened: %d updates, %d pairs", s.added.Load(), s.pairs.Load())
	}
	t.Logf("%d updates, %d pairs", s.added.Load(), s.pairs.Load())
}
