package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/app"
	writing "tenon/server/record"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// proveStow tells that `make prove-stow` runs: fifty kills and a dated report.
var proveStow = os.Getenv("TENON_PROVE_STOW") != ""

// TestStowKill kills the server with kill -9 while clients store images, again and
// again: instance by instance into one study, forty in a request, and more in one
// request than a unit holds. Every acknowledged instance is there with its bytes;
// no study is there by half: its ImagingStudy, QIDO-RS and WADO-RS agree, and what
// they name can be read; contents of nothing are swept.
func TestStowKill(t *testing.T) {
	kills := 1
	if proveStow {
		kills = 50
	}
	var mu sync.Mutex
	var rows []string
	t.Run("engines", func(t *testing.T) {
		for _, engine := range []string{"sqlite", "postgres"} {
			t.Run("R000-002 "+engine, func(t *testing.T) {
				t.Parallel()
				database := "sqlite"
				if engine == "postgres" {
					database = pgtest.Database(t, "empty", nil)
				}
				k := newKilling(t, database)
				token := k.writers[0].(*resources).token
				p := &studies{via: via{k.sender, token}, patients: k.writers[3].(*images)}
				k.writers = []writer{&stower{studies: p, each: 1}, &stower{studies: p, each: 1}, &stower{studies: p, each: 40}, &stower{studies: p, each: 300}}
				for range kills {
					k.life()
				}
				swept := k.endStow(p)
				t.Logf("%d kills; %s; %d contents of nothing swept", kills, k.tally(), swept)
				mu.Lock()
				defer mu.Unlock()
				rows = append(rows, fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %v |", engine, kills, k.writers[0].count()+k.writers[1].count(),
					k.writers[2].count(), k.writers[3].count(), p.unacknowledged, len(p.all), swept, time.Since(k.began).Round(time.Second)))
			})
		}
	})
	if proveStow && !t.Failed() {
		writeReport(t, "stowkill.md", header("kill -9 while images are stored", "make prove-stow")+
			`The real binary serves; four clients store at once, each into studies of its own, though two of them share theirs: single instances one after the other, requests of 40 instances, requests of 300 (a unit holds 256). After 0.2 to 2.2 seconds the process gets SIGKILL. Then database and files are judged as the kill left them (`+"`tenon verify`, `tenon check`"+`), the server is started again, and every study of the life is read back, at the end all of them: each acknowledged instance is there with its bytes (SHA-256); ImagingStudy.numberOfInstances, QIDO-RS and WADO-RS hold the same instances, each whole, acknowledged or not. At the end what no row needs is swept, and what is left in the file store are the contents of the instances that were found, no more and no less.

| engine | kills | single instances acknowledged | of requests of 40 | of requests of 300 | found, though the answer was lost | studies | orphans swept | took |
|---|---|---|---|---|---|---|---|---|
`+strings.Join(rows, "\n")+"\n")
	}
}

// studies are all that were sent, and what must be there of them.
type studies struct {
	via
	patients *images // makes the patient

	mu             sync.Mutex
	all            []*sent
	unacknowledged int
	contents       map[[32]byte]bool // found at the end
}

// sent is one study.
type sent struct {
	series  *sample.Series
	acked   map[int]bool
	settled bool // nobody stores into it any more, and it was compared
}

// begin makes a study, or gives the one that another client stores into.
func (p *studies) begin(n int, shared bool) *sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.all) - 1; shared && last >= 0 && p.all[last].series.Len() == n && !p.all[last].settled && len(p.all[last].acked) < n/2 {
		return p.all[last]
	}
	s := &sent{acked: map[int]bool{}, series: sample.New(sample.Options{Seed: int64(len(p.all) + 1), Slices: n, Rows: 32, Columns: 32, PatientID: "KILL"})}
	p.all = append(p.all, s)
	return s
}

// stower is a client that stores so many instances with each request.
type stower struct {
	*studies
	each int
	now  *sent
	next int
	acks int
}

func (w *stower) name() string { return fmt.Sprintf("instances by %d", w.each) }
func (w *stower) count() int   { return w.acks }

func (w *stower) step(ctx context.Context, c *servertest.Client) error {
	w.mu.Lock()
	patient := w.patients.patient
	w.mu.Unlock()
	if patient == "" {
		return errUnexpected
	}
	if w.now == nil || w.now.settled || w.next >= w.now.series.Len() {
		w.now, w.next = w.begin(max(w.each, 30), w.each == 1), 0
	}
	const boundary = "kill-frontier"
	var body bytes.Buffer
	var these []int
	for range w.each {
		fmt.Fprintf(&body, "--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n", boundary, w.now.series.Slice(w.next))
		these = append(these, w.next)
		w.next++
	}
	fmt.Fprintf(&body, "--%s--\r\n", boundary)
	_, err := w.send(ctx, c, 200, servertest.Request{Token: w.token, Method: "POST", Path: "/dicomweb/studies?patient=" + patient, Body: body.Bytes(),
		Header: map[string]string{"Content-Type": `multipart/related; type="application/dicom"; boundary=` + boundary, "Accept": "application/dicom+json"}})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range these {
		w.now.acked[i] = true
	}
	w.acks += len(these)
	return nil
}

// settle compares what was stored since the last time; the first client does it
// for all. The patient is made before anybody stores.
func (w *stower) settle(t *testing.T, c *servertest.Client) {
	if w.patients.patient == "" {
		if err := w.patients.step(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range w.all {
		if !s.settled {
			s.settled = true
			w.compare(t, c, s)
		}
	}
}

// compare reads one study back in every way.
func (p *studies) compare(t *testing.T, c *servertest.Client, s *sent) {
	t.Helper()
	base := "/dicomweb/studies/" + s.series.StudyUID
	listed := map[string]bool{}
	if a := c.Send(t, servertest.Request{Token: p.token, Method: "GET", Path: base + "/instances", Header: map[string]string{"Accept": "application/dicom+json"}}); a.Status == 200 {
		var rows []map[string]struct{ Value []any }
		if err := json.Unmarshal(a.Body, &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			listed[r["00080018"].Value[0].(string)] = true
		}
	} else if a.Status != 204 && a.Status != 404 {
		t.Errorf("QIDO-RS of %s = %d", s.series.StudyUID, a.Status)
	}
	var found struct {
		Entry []struct {
			Resource struct{ NumberOfInstances int }
		}
	}
	a := c.Expect(t, 200, servertest.Request{Token: p.token, Method: "GET", Path: "/fhir/ImagingStudy?identifier=urn:dicom:uid%7Curn:oid:" + s.series.StudyUID})
	if err := json.Unmarshal(a.Body, &found); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range found.Entry {
		told += e.Resource.NumberOfInstances
	}
	if told != len(listed) || len(found.Entry) > 1 {
		t.Errorf("study %s by half: %d ImagingStudy with %d instances, QIDO-RS lists %d", s.series.StudyUID, len(found.Entry), told, len(listed))
	}
	read := p.read(t, c, base, len(listed) > 0)
	for i := range s.series.Len() {
		uid, content := s.series.InstanceUID(i), sha256.Sum256(s.series.Slice(i))
		switch {
		case s.acked[i] && !listed[uid]:
			t.Errorf("instance %d of %s was acknowledged and is not there", i, s.series.StudyUID)
		case listed[uid] && !read[content]:
			t.Errorf("instance %d of %s is listed, and its bytes cannot be read", i, s.series.StudyUID)
		case listed[uid] && p.contents != nil:
			p.contents[content] = true
			if !s.acked[i] {
				p.unacknowledged++
			}
		}
		delete(listed, uid)
		delete(read, content)
	}
	if len(listed)+len(read) > 0 {
		t.Errorf("%s: %v and %d contents were never sent", s.series.StudyUID, listed, len(read))
	}
}

// read gives the hashes of what WADO-RS answers for a study.
func (p *studies) read(t *testing.T, c *servertest.Client, base string, there bool) map[[32]byte]bool {
	t.Helper()
	a := c.Send(t, servertest.Request{Token: p.token, Method: "GET", Path: base, Header: map[string]string{"Accept": `multipart/related; type="application/dicom"; transfer-syntax=*`}})
	sums := map[[32]byte]bool{}
	if a.Status == 404 && !there {
		return sums
	}
	_, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || a.Status != 200 {
		t.Errorf("WADO-RS of %s = %d %v", base, a.Status, err)
		return sums
	}
	for parts := multipart.NewReader(bytes.NewReader(a.Body), params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return sums
		}
		if err != nil {
			t.Errorf("WADO-RS of %s: %v", base, err)
			return sums
		}
		sum := sha256.New()
		_, _ = io.Copy(sum, part) // what is cut off has another hash
		sums[[32]byte(sum.Sum(nil))] = true
	}
}

// endStow reads everything a last time, stops the server, and sweeps.
func (k *killing) endStow(p *studies) (orphans int) {
	server := spawn(k.t, k.config, binary(k.t), "serve")
	p.contents = map[[32]byte]bool{}
	for _, s := range p.all {
		s.settled = false
	}
	k.settle(server)
	if code := server.stop(); code != 0 {
		k.t.Errorf("the server stopped with %d\n%s", code, server.told())
	}
	k.prove()
	a, err := app.Open(k.t.Context(), k.config)
	if err != nil {
		k.t.Fatal(err)
	}
	defer a.Close()
	swept, err := a.Sweep(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	left := 0
	for digest := range p.contents {
		r, err := a.Blobs.Open(k.t.Context(), digest)
		if err != nil {
			k.t.Errorf("after the sweep %x cannot be opened: %v", digest, err)
			continue
		}
		left++
		_ = r.Close()
	}
	if n := stored(a); n != left {
		k.t.Errorf("%d contents in the file store after the sweep, the instances have %d", n, left)
	}
	return swept.Objects
}

// stored counts the contents in the file store.
func stored(a *app.App) (n int) {
	a.Blobs.Each(func(writing.BlobRow) { n++ })
	return n
}
