package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// atOnce bounds one transaction of the load, in entries and bytes.
const (
	atOnce    = 200
	atOnceLen = 8 << 20
)

// TestExamples creates every resource of the npm package
// hl7.fhir.r4.examples@4.0.1, whose unpacked folder TENON_FHIR_EXAMPLES names,
// through the FHIR door and reads it back: byte for byte but for id and meta,
// which the server sets. What is refused stands in results/examples.tsv with its
// reason; TENON_WRITE_RESULTS=1 writes that file and the report anew.
func TestExamples(t *testing.T) {
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" {
		t.Skip("TENON_FHIR_EXAMPLES does not name an unpacked folder of hl7.fhir.r4.examples@4.0.1")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) < 5000 {
		t.Fatalf("%d files in %s, want the whole package", len(files), dir)
	}
	began := time.Now()
	c := &corpus{t: t, server: servertest.Start(t, app.Config{Dev: true, UpdateAsCreate: true, Validation: app.Validation{Policy: "warn"}}), listed: readRefusals(t), found: map[string]refusal{}}
	for _, file := range files {
		c.take(file)
	}
	c.flush()
	c.judge()
	t.Logf("%d examples created and read back byte for byte, %d by a batch because they exceed the limit of one resource; %d refused as listed; %d files are no resource",
		c.same, c.large, len(c.found), c.others)
	if os.Getenv("TENON_WRITE_RESULTS") != "" {
		writeRefusals(t, c.found)
		c.report(time.Since(began))
	}
}

// corpus is the state of one run.
type corpus struct {
	t       *testing.T
	server  *servertest.Server
	listed  map[string]refusal
	found   map[string]refusal
	waiting []example
	size    int

	same, large, others int
}

type example struct {
	name, ref string
	body      []byte
}

// take loads one file, alone when it is expected to be refused or is large.
func (c *corpus) take(file string) {
	body, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	var head struct{ ResourceType, ID string }
	if err := json.Unmarshal(body, &head); err != nil {
		c.t.Fatalf("%s: %v", file, err)
	}
	if head.ResourceType == "" { // the package's own manifest
		c.others++
		return
	}
	e := example{strings.TrimSuffix(filepath.Base(file), ".json"), head.ResourceType + "/" + head.ID, body}
	if _, listed := c.listed[e.name]; listed || len(body) > atOnceLen {
		c.alone(e)
		return
	}
	if slices.ContainsFunc(c.waiting, func(w example) bool { return w.ref == e.ref }) || c.size+len(body) > atOnceLen {
		c.flush()
	}
	c.waiting, c.size = append(c.waiting, e), c.size+len(body)
	if len(c.waiting) == atOnce {
		c.flush()
	}
}

// alone puts one resource. One that is larger than a resource may be goes in as
// the entry of a batch.
func (c *corpus) alone(e example) {
	a := c.server.Send(c.t, servertest.Request{Method: "PUT", Path: "/fhir/" + e.ref, Body: e.body, Header: minimal})
	if a.Status == 413 {
		a = c.server.Expect(c.t, 200, servertest.Request{Method: "POST", Path: "/fhir", Body: bundle("batch", e)})
		if !bytes.Contains(a.Body, []byte(`"status":"201"`)) {
			c.t.Errorf("%s in a batch: %.500s", e.name, a.Body)
			return
		}
		c.large++
		c.read(e)
		return
	}
	if a.Status >= 300 {
		c.found[e.name] = refusalOf(a, e.ref)
		return
	}
	c.read(e)
}

// flush creates what waits in one transaction. When that is refused, each goes
// alone, so that the refused ones are known by name.
func (c *corpus) flush() {
	waiting := c.waiting
	c.waiting, c.size = nil, 0
	if len(waiting) == 0 {
		return
	}
	a := c.server.Send(c.t, servertest.Request{Method: "POST", Path: "/fhir", Body: bundle("transaction", waiting...)})
	for _, e := range waiting {
		if a.Status != 200 {
			c.alone(e)
		} else {
			c.read(e)
		}
	}
}

var minimal = map[string]string{"Prefer": "return=minimal"}

// bundle holds each example as it stands in its file.
func bundle(kind string, examples ...example) []byte {
	b := fmt.Appendf(nil, `{"resourceType":"Bundle","type":%q,"entry":[`, kind)
	for i, e := range examples {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"resource":%s,"request":{"method":"PUT","url":%q}}`, bytes.TrimSpace(e.body), e.ref)
	}
	return append(b, "]}"...)
}

// sealed stands where a Subscription had a secret: it is kept apart, and never
// shown again.
var sealed = regexp.MustCompile(`urn:tenon:secret:[0-9a-f-]{36}`)

// read compares what the server has with the file.
func (c *corpus) read(e example) {
	path := "/fhir/" + e.ref
	if strings.HasPrefix(e.ref, "Subscription/") {
		path += "/_history/1" // the server may have told the state of the channel since
	}
	a := c.server.Expect(c.t, 200, servertest.Request{Method: "GET", Path: path, Header: map[string]string{"Accept": "application/fhir+json"}})
	want, err := without(bytes.TrimSpace(e.body), "id", "meta")
	if err != nil {
		c.t.Fatalf("%s: %v", e.name, err)
	}
	got, err := without(bytes.TrimSpace(a.Body), "id", "meta")
	if err != nil {
		c.t.Errorf("%s as read: %v", e.name, err)
		return
	}
	if at := sealed.FindIndex(got); at != nil && len(want)-len(got)+at[1] >= at[0] {
		got = slices.Concat(got[:at[0]], want[at[0]:len(want)-len(got)+at[1]], got[at[1]:])
	}
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		c.t.Errorf("%s: byte %d is the first that differs: read %.60q, file %.60q", e.name, at, got[at:], want[at:])
		return
	}
	c.same++
}

// judge compares the refusals with the list.
func (c *corpus) judge() {
	for _, name := range slices.Sorted(maps.Keys(c.found)) {
		if got, want := c.found[name], c.listed[name]; got.verdict() != want.verdict() {
			c.t.Errorf("%s is refused with %s, results/examples.tsv says %q", name, got.verdict(), want.verdict())
		}
	}
	for name, want := range c.listed {
		if _, refused := c.found[name]; !refused {
			c.t.Errorf("%s is accepted, results/examples.tsv says %s", name, want.verdict())
		}
	}
}
