package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

var errUnexpected = errors.New("an answer that was not expected")

type sender func(ctx context.Context, c *servertest.Client, status int, q servertest.Request) (*servertest.Answer, error)

// via is how a writer sends.
type via struct {
	send  sender
	token string
}

// body reads an answer as JSON.
func body(t *testing.T, a *servertest.Answer) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(a.Body, &o); err != nil {
		t.Fatalf("%v: %.300s", err, a.Body)
	}
	return o
}

// found are the references that a search gives.
func (v via) found(t *testing.T, c *servertest.Client, query string) []string {
	t.Helper()
	a := c.Expect(t, 200, servertest.Request{Token: v.token, Method: "GET", Path: "/fhir/" + query})
	var o struct {
		Entry []struct {
			Resource struct{ ResourceType, ID string }
		}
	}
	if err := json.Unmarshal(a.Body, &o); err != nil {
		t.Fatalf("%s: %v: %.500s", query, err, a.Body)
	}
	var refs []string
	for _, e := range o.Entry {
		refs = append(refs, e.Resource.ResourceType+"/"+e.Resource.ID)
	}
	return refs
}

// observation carries a number that tells its version.
func observation(id, tag string, value int) []byte {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return fmt.Appendf(nil, `{"resourceType":"Observation",%s"status":"final","code":{"text":"kill"},"identifier":[{"system":"urn:kill","value":%q}],"valueInteger":%d}`, id, tag, value)
}

// resources creates, updates and deletes Observations one by one.
type resources struct {
	via
	dice  *rand.Rand
	known map[string]*known // by tag
	tags  []string
	cut   string // tag of the step that was cut off
	acks  int
}

// known is what an Observation must be like: the value is the version.
type known struct {
	ref     string
	version int
	deleted bool
	delete  bool // the step under way deletes
}

func (w *resources) name() string { return "resource versions" }
func (w *resources) count() int   { return w.acks }

func (w *resources) step(ctx context.Context, c *servertest.Client) error {
	if len(w.tags) == 0 || w.dice.IntN(3) == 0 {
		w.cut = fmt.Sprintf("r%d", len(w.tags))
		w.tags = append(w.tags, w.cut)
		w.known[w.cut] = &known{}
		a, err := w.send(ctx, c, 201, servertest.Request{Token: w.token, Method: "POST", Path: "/fhir/Observation", Body: observation("", w.cut, 1)})
		if err != nil {
			return err
		}
		*w.known[w.cut] = known{ref: a.Ref(), version: 1}
		return w.done()
	}
	tag := w.tags[w.dice.IntN(len(w.tags))]
	k := w.known[tag]
	if k.deleted || k.ref == "" {
		return nil
	}
	w.cut = tag
	q := servertest.Request{Token: w.token, Path: "/fhir/" + k.ref}
	status := 200
	if k.delete = w.dice.IntN(10) == 0; k.delete {
		q.Method, status = "DELETE", 204
	} else {
		q.Method, q.Body = "PUT", observation(strings.TrimPrefix(k.ref, "Observation/"), tag, k.version+1)
		q.Header = map[string]string{"If-Match": fmt.Sprintf(`W/"%d"`, k.version)}
	}
	if _, err := w.send(ctx, c, status, q); err != nil {
		return err
	}
	k.version++
	k.deleted = k.delete
	return w.done()
}

func (w *resources) done() error {
	w.cut = ""
	w.acks++
	return nil
}

func (w *resources) settle(t *testing.T, c *servertest.Client) {
	for _, tag := range w.tags {
		k := w.known[tag]
		if k.ref == "" { // its create was cut off, now or before
			w.adopt(t, c, tag, k)
			continue
		}
		a := c.Send(t, servertest.Request{Token: w.token, Method: "GET", Path: "/fhir/" + k.ref})
		version, _ := strconv.Atoi(strings.Trim(a.Header.Get("ETag"), `W/"`))
		if gone := a.Status == 410; gone && !k.deleted && tag == w.cut && k.delete {
			k.deleted = true
			k.version++
			continue
		} else if gone && k.deleted {
			continue
		}
		if a.Status == 200 && tag == w.cut && !k.delete && version == k.version+1 {
			k.version++ // it was written, the answer was lost
		}
		if k.deleted || a.Status != 200 || version != k.version || !bytes.Contains(a.Body, fmt.Appendf(nil, `"valueInteger":%d}`, version)) {
			t.Errorf("%s (%s): acknowledged version %d deleted %v, found %d %s", k.ref, tag, k.version, k.deleted, a.Status, a.Body)
		}
	}
	w.cut = ""
}

func (w *resources) adopt(t *testing.T, c *servertest.Client, tag string, k *known) {
	refs := w.found(t, c, "Observation?identifier=urn:kill%7C"+tag)
	if len(refs) > 1 || len(refs) == 1 && tag != w.cut {
		t.Errorf("%s, whose create was cut off, is %v", tag, refs)
	}
	if len(refs) == 1 {
		*k = known{ref: refs[0], version: 1}
	}
}

// transactions writes five Observations and counts up a sixth, whole or not.
type transactions struct {
	via
	counter string // its version is one more than the transactions
	n       int
	under   bool
}

const inTransaction = 5

func (w *transactions) name() string { return "transactions" }
func (w *transactions) count() int   { return w.n }

func (w *transactions) step(ctx context.Context, c *servertest.Client) error {
	if w.counter == "" {
		a, err := w.send(ctx, c, 201, servertest.Request{Token: w.token, Method: "POST", Path: "/fhir/Observation", Body: observation("", "counter", 1)})
		if err == nil {
			w.counter = a.Ref()
		}
		return err
	}
	b := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for range inTransaction {
		b = fmt.Appendf(b, `{"resource":%s,"request":{"method":"POST","url":"Observation"}},`, observation("", fmt.Sprintf("t%d", w.n+1), 1))
	}
	b = fmt.Appendf(b, `{"resource":%s,"request":{"method":"PUT","url":%q,"ifMatch":"W/\"%d\""}}]}`,
		observation(strings.TrimPrefix(w.counter, "Observation/"), "counter", w.n+2), w.counter, w.n+1)
	w.under = true
	if _, err := w.send(ctx, c, 200, servertest.Request{Token: w.token, Method: "POST", Path: "/fhir", Body: b}); err != nil {
		return err
	}
	w.n++
	w.under = false
	return nil
}

func (w *transactions) settle(t *testing.T, c *servertest.Client) {
	if w.counter == "" {
		if refs := w.found(t, c, "Observation?identifier=urn:kill%7Ccounter"); len(refs) > 0 {
			w.counter = refs[0]
		}
		return
	}
	a := c.Expect(t, 200, servertest.Request{Token: w.token, Method: "GET", Path: "/fhir/" + w.counter})
	version, _ := strconv.Atoi(strings.Trim(a.Header.Get("ETag"), `W/"`))
	if w.under && version == w.n+2 {
		w.n++
	}
	if version != w.n+1 {
		t.Errorf("%d transactions were acknowledged, the counter stands at version %d", w.n, version)
	}
	w.under = false
	for n := 1; n <= w.n+1; n++ {
		want := inTransaction
		if n > w.n {
			want = 0
		}
		if refs := w.found(t, c, fmt.Sprintf("Observation?identifier=urn:kill%%7Ct%d", n)); len(refs) != want {
			t.Errorf("transaction %d of %d left %d of %d resources", n, w.n, len(refs), inTransaction)
		}
	}
}

// files stores contents of some hundred kilobytes.
type files struct {
	via
	dice *rand.Rand
	sums map[string][32]byte
}

func (w *files) name() string { return "files" }
func (w *files) count() int   { return len(w.sums) }

func (w *files) step(ctx context.Context, c *servertest.Client) error {
	content := make([]byte, 1000+w.dice.IntN(2<<20))
	for i := range content {
		content[i] = byte(w.dice.Uint32())
	}
	a, err := w.send(ctx, c, 201, servertest.Request{Token: w.token, Method: "POST", Path: "/fhir/Binary", Body: content,
		Header: map[string]string{"Content-Type": "application/octet-stream"}})
	if err == nil {
		w.sums[a.Ref()] = sha256.Sum256(content)
	}
	return err
}

func (w *files) settle(t *testing.T, c *servertest.Client) {
	for ref, sum := range w.sums {
		a := c.Expect(t, 200, servertest.Request{Token: w.token, Method: "GET", Path: "/fhir/" + ref, Header: map[string]string{"Accept": "*/*"}})
		if sha256.Sum256(a.Body) != sum {
			t.Errorf("%s: %d bytes that are not those acknowledged", ref, len(a.Body))
		}
	}
}

// images stores DICOM slices.
type images struct {
	via
	patient string
	tried   int
	stored  map[string][32]byte // by path of the instance
}

func (w *images) name() string { return "images" }
func (w *images) count() int   { return len(w.stored) }

func (w *images) step(ctx context.Context, c *servertest.Client) error {
	if w.patient == "" {
		a, err := w.send(ctx, c, 201, servertest.Request{Token: w.token, Method: "POST", Path: "/fhir/Patient",
			Body: []byte(`{"resourceType":"Patient","identifier":[{"value":"KILL"}]}`)})
		if err == nil {
			w.patient = a.Ref()
		}
		return err
	}
	w.tried++
	series := sample.New(sample.Options{Seed: int64(w.tried / 3), Slices: 3, Rows: 64, Columns: 64, PatientID: "KILL"})
	i := w.tried % 3
	slice := series.Slice(i)
	_, err := w.send(ctx, c, 200, servertest.Request{Token: w.token, Method: "POST", Path: "/dicomweb/studies?patient=" + w.patient, Body: slice,
		Header: map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}})
	if err == nil {
		w.stored["/dicomweb/studies/"+series.StudyUID+"/series/"+series.SeriesUID+"/instances/"+series.InstanceUID(i)] = sha256.Sum256(slice)
	}
	return err
}

func (w *images) settle(t *testing.T, c *servertest.Client) {
	for path, sum := range w.stored {
		a := c.Expect(t, 200, servertest.Request{Token: w.token, Method: "GET", Path: path, Header: map[string]string{"Accept": "application/dicom; transfer-syntax=*"}})
		if sha256.Sum256(a.Body) != sum {
			t.Errorf("%s: %d bytes that are not those acknowledged", path, len(a.Body))
		}
	}
}
