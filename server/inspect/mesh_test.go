package inspect_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"tenon/fhir/tree"
	"tenon/mesh"
	"tenon/mesh/sample"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/inspect"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/blob"
)

var operator = &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}

// lab is a record whose outbox is delivered by hand.
type lab struct {
	*record.Recorder
	store *store.Store
	t     *testing.T
}

func newLab(t *testing.T) *lab {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(dir, "db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = blobs.Close() })
	registry, err := search.NewRegistry(r4.Model())
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.New(record.Options{Store: s, Blobs: blobs, Model: r4.Model(), Registry: registry, Engine: casework.NewEngine(), Jobs: inspect.Jobs})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{r, s, t}
}

// file stores content and a document about it.
func (l *lab) file(content []byte, contentType string) string {
	l.t.Helper()
	bin, err := l.PutContent(l.t.Context(), operator, record.Op{Method: "POST", Body: fmt.Appendf(nil, `{"resourceType":"Binary","contentType":%q}`, contentType)}, bytes.NewReader(content))
	if err != nil {
		l.t.Fatal(err)
	}
	body := fmt.Appendf(nil, `{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":%q,"url":"Binary/%s",
		"extension":[{"url":"urn:tenon:extension:sha-256","valueString":%q}]}}]}`, contentType, bin.Version.ID, bin.Version.Blob)
	out, err := l.Submit(l.t.Context(), operator, &record.Draft{Door: "fhir", Ops: []record.Op{{Method: "POST", Type: "DocumentReference", Body: body}}})
	if err != nil {
		l.t.Fatal(err)
	}
	return "DocumentReference/" + out.Results[0].Version.ID
}

// deliver runs the jobs; times tells how often each is delivered.
func (l *lab) deliver(times int) int {
	l.t.Helper()
	due, err := l.store.Claim(l.t.Context(), 10, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	sink := &inspect.Meshes{Recorder: l.Recorder}
	for _, m := range due {
		for range times {
			if err := sink.Deliver(l.t.Context(), m); err != nil {
				l.t.Fatal(err)
			}
		}
		if err := l.store.Done(l.t.Context(), m.ID); err != nil {
			l.t.Fatal(err)
		}
	}
	return len(due)
}

// findings are the values by code of the Observations about a document.
func (l *lab) findings(document string) map[string]string {
	l.t.Helper()
	page, _, err := l.Search(l.t.Context(), operator, "Observation", []search.Param{{Name: "derived-from", Value: document}}, true)
	if err != nil {
		l.t.Fatal(err)
	}
	out := map[string]string{}
	for _, hit := range page.Hits {
		doc, err := tree.Parse(hit.Body)
		if err != nil {
			l.t.Fatal(err)
		}
		code := doc.Root().Path("code", "coding", "code").Str()
		if _, twice := out[code]; twice {
			l.t.Errorf("%s was found twice", code)
		}
		out[code] = doc.Root().Field("valueBoolean").Text() + doc.Root().Path("valueQuantity", "value").Text()
	}
	return out
}

func stl(t *testing.T, m *mesh.Mesh) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := mesh.WriteBinary(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestMeshes(t *testing.T) {
	l := newLab(t)
	sound := l.file(stl(t, sample.Plate(1, sample.Options{})), "model/stl")
	holed := l.file(stl(t, sample.Plate(1, sample.Options{OpenQuads: 1})), "model/stl")
	broken := l.file([]byte("solid x\nfacet nothing"), "model/stl")
	other := l.file([]byte("%PDF-1.7"), "application/pdf")
	if n := l.deliver(2); n != 3 {
		t.Fatalf("%d jobs, want 3: one for each model", n)
	}
	for document, want := range map[string]string{sound: "true", holed: "false", broken: "false"} {
		if got := l.findings(document); got["watertight"] != want {
			t.Errorf("%s: watertight %q, want %q (%v)", document, got["watertight"], want, got)
		}
	}
	if got := l.findings(sound); got["volume"] == "" || got["box-x"] == "" || got["readable"] != "true" {
		t.Errorf("a sound model has no measures: %v", got)
	}
	if got := l.findings(holed); got["volume"] != "" {
		t.Errorf("a model with a hole has the volume %s", got["volume"])
	}
	if got := l.findings(broken); got["readable"] != "false" {
		t.Errorf("a file that is no model: %v", got)
	}
	if got := l.findings(other); len(got) != 0 {
		t.Errorf("a document that is no model was inspected: %v", got)
	}
}

func TestDeliverForGood(t *testing.T) {
	l := newLab(t)
	sink := &inspect.Meshes{Recorder: l.Recorder}
	for _, body := range []string{`{`, `{"binary":"gone","document":"DocumentReference/x"}`} {
		err := sink.Deliver(t.Context(), dispatch.Message{Body: []byte(body)})
		if _, permanent := err.(*dispatch.Permanent); !permanent { //nolint:errorlint // the type itself
			t.Errorf("Deliver(%s) = %v, want a failure for good", body, err)
		}
	}
}
