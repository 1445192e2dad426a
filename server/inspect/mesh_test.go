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

// TestLimbs: what the server says of a scan of a stump and of the socket made
// around it (003 clauses 5.1.4 c and 5.2.4 b).
func TestLimbs(t *testing.T) {
	l := newLab(t)
	stump := sample.Stump(1, sample.LimbOptions{})
	two := mesh.Mesh{Vertices: append([][3]float32(nil), stump.Vertices...), Triangles: append([][3]uint32(nil), stump.Triangles...)}
	n := uint32(len(two.Vertices))
	for _, v := range stump.Vertices {
		two.Vertices = append(two.Vertices, [3]float32{v[0] + 500, v[1], v[2]})
	}
	for _, f := range stump.Triangles {
		two.Triangles = append(two.Triangles, [3]uint32{f[0] + n, f[1] + n, f[2] + n})
	}
	two.Solids = []mesh.Solid{{Name: "two", Count: len(two.Triangles)}}
	models := map[string]*mesh.Mesh{
		"R003-020 a stump": stump, "R003-077 a stump with a hole": sample.Stump(1, sample.LimbOptions{Holes: 1}), "R003-020 something beside the stump": &two,
		"R003-033 a socket": sample.Socket(stump, 4), "R003-033 a socket that cuts itself": sample.Socket(stump, -80),
	}
	documents := map[string]string{}
	for name, m := range models {
		documents[name] = l.file(stl(t, m), "model/stl")
	}
	l.deliver(1)
	for name, want := range map[string][3]string{
		"R003-020 a stump":                    {"true", "true", "false"},
		"R003-077 a stump with a hole":        {"true", "false", "false"},
		"R003-020 something beside the stump": {"false", "false", "false"},
		"R003-033 a socket":                   {"true", "true", "true"},
		"R003-033 a socket that cuts itself":  {"true", "true", "false"},
	} {
		t.Run(name, func(t *testing.T) {
			got := l.findings(documents[name])
			if ([3]string{got["one-surface"], got["one-opening"], got["no-self-intersection"]}) != want {
				t.Errorf("one-surface, one-opening, no-self-intersection = %v, want %v", got, want)
			}
		})
	}
}
