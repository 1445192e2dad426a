package ledger_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
)

// world is a server with one case in it, among other records.
type world struct {
	t        testing.TB
	keys     *ledger.Keys
	store    *ledgertest.Memory
	seq      *ledger.Sequencer
	dossier  *ledger.Dossier
	contents map[[32]byte][]byte
	early    ledger.Checkpoint // before the case
}

// body is a resource as the store holds it.
func body(typ, id string, version int64, rest string) []byte {
	return fmt.Appendf(nil, `{"resourceType":%q,"id":%q,"meta":{"versionId":"%d","lastUpdated":"2026-03-01T08:00:00.123Z"}%s}`, typ, id, version, rest)
}

func version(typ, id string, n int64, rest string) ledger.VersionRow {
	b := body(typ, id, n, rest)
	return ledger.VersionRow{Type: typ, ID: id, Version: n, Updated: now, Body: b, Digest: sha256.Sum256(b),
		Salt: [16]byte(sha256.New().Sum([]byte(typ + id + fmt.Sprint(n) + "salt of sixteen b"))[:16])}
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, keys: keys(t), store: ledgertest.NewMemory(), contents: map[[32]byte][]byte{}}
	w.seq = w.keys.Sequencer(w.store, func() time.Time { return now })
	for n := range 37 {
		w.store.Put(t.Context(), now, version("Patient", fmt.Sprintf("other%d", n), 1, ""))
	}
	w.sequence()
	w.early = *w.store.Last
	w.fill()
	w.sequence()
	return w
}

func (w *world) sequence() {
	if _, err := w.seq.Once(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) blob(b []byte) ledger.BlobRow {
	d := sha256.Sum256(b)
	w.contents[d] = b
	return ledger.BlobRow{Digest: d, Size: int64(len(b))}
}

// fill makes the case: order, design with two versions, a deletion, one
// signature over the design, files, and audit that tells of others too.
func (w *world) fill() {
	p := signer(w.t, w.keys, "PractitionerRole/clin")
	small, large := w.blob([]byte("solid x\nendsolid x\n")), w.blob(bytes.Repeat([]byte("stl"), 1000))
	gone := ledger.VersionRow{Type: "Observation", ID: "o", Version: 2, Updated: now, Deleted: true, Salt: [16]byte{9}}
	rows := []ledger.VersionRow{
		version("Task", "root", 1, `,"status":"requested"`), version("Task", "root", 2, `,"status":"in-progress"`),
		version("DocumentReference", "d", 1, `,"description":"1.0"`), version("DocumentReference", "d", 2, `,"description":"1.00 \u003c 定制"`),
		version("Observation", "o", 1, ""), gone,
		version("Device", "x", 1, ""),
	}
	spaced := version("DeviceRequest", "r", 1, "")
	spaced.Body = append(append([]byte(" \n"), spaced.Body...), "\n"...)
	spaced.Digest = sha256.Sum256(spaced.Body)
	rows = append(rows, spaced, w.provenance(p, rows[3], large))
	audit := []ledger.CaseBatch{w.batch("audit/1", 1, 0), w.batch("audit/2", 7, 1, 4, 6)}
	for _, r := range rows {
		w.store.Put(context.Background(), now, r)
	}
	for _, a := range audit {
		w.store.Put(context.Background(), now, a.AuditBatch)
	}
	w.store.Put(context.Background(), now, small, large)
	w.dossier = &ledger.Dossier{
		Case: "Task/root", Base: "http://localhost/fhir", Created: now.Add(time.Hour), Whole: true, Versions: rows, Audit: audit,
		Blobs:   []ledger.DossierBlob{{BlobRow: small, ContentType: "model/stl", Embed: true}, {BlobRow: large}},
		Content: w.content,
		Since:   []int64{w.early.Size},
	}
}

func (w *world) content(_ context.Context, digest [32]byte) (io.ReadCloser, error) {
	b, ok := w.contents[digest]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (w *world) batch(ref string, rows int, shown ...int) ledger.CaseBatch {
	b := ledger.AuditBatch{Ref: ref, Key: sha256.Sum256([]byte(ref))}
	for i := range rows {
		b.Rows = append(b.Rows, fmt.Appendf(nil, `{"operation":"read","entity":"Task/root/%d","principal":"PractitionerRole/p%d"}`, i, i))
	}
	return ledger.CaseBatch{AuditBatch: b, Positions: shown}
}

// provenance signs one version with one content.
func (w *world) provenance(p person, of ledger.VersionRow, content ledger.BlobRow) ledger.VersionRow {
	m := manifest()
	m.Case, m.Entries = "root", []ledger.ManifestEntry{{Reference: of.Ref(), Digest: of.Digest}}
	m.Attachments = []ledger.Attachment{{Reference: "Binary/b", Digest: content.Digest}}
	jws, err := ledger.SignManifest(p.key, p.cert, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return version("Provenance", "s", 1, fmt.Sprintf(`,"target":[{"reference":%q}],"signature":[{"who":{"reference":"PractitionerRole/clin"},"sigFormat":"application/jose","data":%q}]`,
		of.Ref(), base64.StdEncoding.EncodeToString([]byte(jws))))
}

func (w *world) write() []byte {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.dossier.Write(context.Background(), &b, w.store, w.keys); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) trust() *ledger.Trust { return w.keys.Trust(&w.early) }

func verify(t testing.TB, text []byte, trust *ledger.Trust, o ledger.VerifyOptions) *ledger.Report {
	t.Helper()
	r, err := ledger.VerifyDossier(t.Context(), bytes.NewReader(text), trust, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// edited takes a dossier apart, lets the test change it, and puts it together
// again as a forger would who can write JSON but has no key.
type edited struct {
	head    string
	entries []string
	proofs  map[string]any
}

func edit(t testing.TB, text []byte, change func(*edited)) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(text), "\n]}\n"), "\n{\"fullUrl\"")
	e := &edited{head: lines[0]}
	for _, l := range lines[1:] {
		e.entries = append(e.entries, `{"fullUrl"`+strings.TrimSuffix(l, ","))
	}
	const mark = `"data":"`
	at := strings.Index(e.entries[1], mark) + len(mark)
	end := at + strings.Index(e.entries[1][at:], `"`)
	raw, err := base64.StdEncoding.DecodeString(e.entries[1][at:end])
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&e.proofs); err != nil {
		t.Fatal(err)
	}
	change(e)
	if raw, err = json.Marshal(e.proofs); err != nil {
		t.Fatal(err)
	}
	e.entries[1] = e.entries[1][:at] + base64.StdEncoding.EncodeToString(raw) + e.entries[1][end:]
	return []byte(e.head + "\n" + strings.Join(e.entries, ",\n") + "\n]}\n")
}

// entry finds the entry of a version.
func (e *edited) entry(t testing.TB, ref string) int {
	t.Helper()
	part := strings.Split(ref, "/")
	for i, text := range e.entries {
		if strings.Contains(text, fmt.Sprintf(`"resourceType":%q,"id":%q,"meta":{"versionId":%q`, part[0], part[1], part[3])) {
			return i
		}
	}
	t.Fatalf("no entry %s", ref)
	return 0
}

// of finds the proof of a ref in a list of proofs.
func (e *edited) of(t testing.TB, list, ref string) map[string]any {
	t.Helper()
	for _, p := range e.proofs[list].([]any) {
		if p.(map[string]any)["ref"] == ref {
			return p.(map[string]any)
		}
	}
	t.Fatalf("no proof of %s in %s", ref, list)
	return nil
}

// flip changes one bit of a base64 value.
func flip(t testing.TB, m map[string]any, key string) {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(m[key].(string))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	m[key] = base64.StdEncoding.EncodeToString(b)
}
