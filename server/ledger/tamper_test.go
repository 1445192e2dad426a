package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
)

// want is a finding without its explanation.
func want(kind ledger.Kind, what, ref string) string { return fmt.Sprintf("%s %s %s", kind, what, ref) }

func found(r *ledger.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, want(f.Kind, f.What, f.Ref))
	}
	slices.Sort(out)
	return out
}

func findings(t *testing.T, r *ledger.Report, wanted ...string) {
	t.Helper()
	slices.Sort(wanted)
	if got := found(r); !slices.Equal(got, wanted) || r.Exit() != 1 {
		t.Errorf("Exit() = %d, found %q, want %q\n%v", r.Exit(), got, wanted, r)
	}
}

const (
	d1 = "DocumentReference/d/_history/1"
	d2 = "DocumentReference/d/_history/2"
)

// TestTamperedDossier changes a dossier in every way that its proofs must tell,
// and wants exactly what was changed to be named.
func TestTamperedDossier(t *testing.T) {
	w := newWorld(t)
	text := w.write()
	swap := func(e *edited, i, j int) { e.entries[i], e.entries[j] = e.entries[j], e.entries[i] }
	large := ledger.BlobRef(w.dossier.Blobs[1].Digest)
	small := ledger.BlobRef(w.dossier.Blobs[0].Digest)
	for name, c := range map[string]struct {
		change func(*testing.T, *edited)
		want   []string
	}{
		"one byte in a resource": {func(t *testing.T, e *edited) {
			i := e.entry(t, d2)
			e.entries[i] = strings.Replace(e.entries[i], `1.00 `, `1.01 `, 1)
		}, []string{want("changed", "version", d2)}},
		"decimal without its precision": {func(t *testing.T, e *edited) {
			i := e.entry(t, d1)
			e.entries[i] = strings.Replace(e.entries[i], `"1.0"`, `"1"`, 1)
		}, []string{want("changed", "version", d1)}},
		"white space around stored bytes": {func(t *testing.T, e *edited) {
			i := e.entry(t, "DeviceRequest/r/_history/1")
			e.entries[i] = strings.Replace(e.entries[i], " \n{", "{", 1)
		}, []string{want("changed", "version", "DeviceRequest/r/_history/1")}},
		"id of a resource": {func(t *testing.T, e *edited) {
			i := e.entry(t, "Device/x/_history/1")
			e.entries[i] = strings.Replace(e.entries[i], `"id":"x"`, `"id":"y"`, 1)
		}, []string{want("changed", "version", "Device/x/_history/1")}},
		"fullUrl": {func(t *testing.T, e *edited) {
			i := e.entry(t, "Device/x/_history/1")
			e.entries[i] = strings.Replace(e.entries[i], "/Device/x", "/Device/y", 1)
		}, []string{want("changed", "version", "Device/x/_history/1")}},
		"an entry deleted": {func(t *testing.T, e *edited) {
			i := e.entry(t, d1)
			e.entries = slices.Delete(e.entries, i, i+1)
		}, []string{want("missing", "version", d1)}},
		"the last entry deleted": {func(_ *testing.T, e *edited) {
			e.entries = e.entries[:len(e.entries)-1]
		}, []string{want("missing", "blob", small)}},
		"an entry inserted": {func(t *testing.T, e *edited) {
			e.entries = slices.Insert(e.entries, e.entry(t, d1), `{"fullUrl":"http://localhost/fhir/Patient/evil","resource":`+string(body("Patient", "evil", 1, ""))+`}`)
		}, []string{want("inserted", "version", "Patient/evil/_history/1")}},
		"a later version inserted": {func(t *testing.T, e *edited) {
			e.entries = append(e.entries, `{"fullUrl":"http://localhost/fhir/DocumentReference/d","resource":`+string(body("DocumentReference", "d", 3, ""))+`}`)
		}, []string{want("inserted", "version", "DocumentReference/d/_history/3")}},
		"an entry twice": {func(t *testing.T, e *edited) {
			e.entries = append(e.entries, e.entries[e.entry(t, d1)])
		}, []string{want("inserted", "version", d1)}},
		"two entries swapped": {func(t *testing.T, e *edited) {
			swap(e, e.entry(t, d1), e.entry(t, d2))
		}, []string{want("reordered", "version", d1)}},
		"bodies of two versions swapped": {func(t *testing.T, e *edited) {
			i, j := e.entry(t, d1), e.entry(t, d2)
			swap(e, i, j)
			e.entries[i] = strings.Replace(e.entries[i], `"versionId":"2"`, `"versionId":"1"`, 1)
			e.entries[j] = strings.Replace(e.entries[j], `"versionId":"1"`, `"versionId":"2"`, 1)
		}, []string{want("changed", "version", d1), want("changed", "version", d2)}},
		"salt": {func(t *testing.T, e *edited) { flip(t, e.of(t, "versions", d2), "salt") },
			[]string{want("changed", "version", d2)}},
		"proof": {func(t *testing.T, e *edited) {
			path := e.of(t, "versions", d2)["path"].([]any)
			b, _ := base64.StdEncoding.DecodeString(path[2].(string))
			b[7] ^= 1
			path[2] = base64.StdEncoding.EncodeToString(b)
		}, []string{want("changed", "version", d2)}},
		"proof cut": {func(t *testing.T, e *edited) {
			p := e.of(t, "versions", d2)
			p["path"] = p["path"].([]any)[1:]
		}, []string{want("changed", "version", d2)}},
		"index": {func(t *testing.T, e *edited) { e.of(t, "versions", d2)["index"] = 3 },
			[]string{want("changed", "version", d2)}},
		"negative index": {func(t *testing.T, e *edited) { e.of(t, "versions", d2)["index"] = -3 },
			[]string{want("changed", "version", d2)}},
		"proof left out": {func(t *testing.T, e *edited) {
			e.proofs["versions"] = slices.DeleteFunc(e.proofs["versions"].([]any), func(p any) bool { return p.(map[string]any)["ref"] == d2 })
		}, []string{want("missing", "version", d2)}},
		"proofs of two versions exchanged": {func(t *testing.T, e *edited) {
			a, b := e.of(t, "versions", d1), e.of(t, "versions", d2)
			a["ref"], b["ref"] = d2, d1
		}, []string{want("changed", "version", d1), want("changed", "version", d2)}},
		"time of a deletion": {func(t *testing.T, e *edited) {
			e.of(t, "versions", "Observation/o/_history/2")["updated"] = "2026-03-01T08:00:00.000000Z"
		}, []string{want("changed", "version", "Observation/o/_history/2")}},
		"signature": {func(t *testing.T, e *edited) {
			i := e.entry(t, "Provenance/s/_history/1")
			at := strings.Index(e.entries[i], `"data":"`) + 200
			e.entries[i] = e.entries[i][:at] + string(e.entries[i][at]^1) + e.entries[i][at+1:]
		}, []string{want("changed", "version", "Provenance/s/_history/1")}},
		"an event": {func(t *testing.T, e *edited) {
			flip(t, e.of(t, "batches", "audit/2")["events"].([]any)[1].(map[string]any), "row")
		}, []string{want("changed", "event", "audit/2#4")}},
		"salt of an event": {func(t *testing.T, e *edited) {
			flip(t, e.of(t, "batches", "audit/2")["events"].([]any)[1].(map[string]any), "salt")
		}, []string{want("changed", "event", "audit/2#4")}},
		"an event deleted": {func(t *testing.T, e *edited) {
			b := e.of(t, "batches", "audit/2")
			b["events"] = b["events"].([]any)[1:]
		}, []string{want("missing", "event", "audit/2#1")}},
		"an event twice": {func(t *testing.T, e *edited) {
			b := e.of(t, "batches", "audit/2")
			b["events"] = append(b["events"].([]any), b["events"].([]any)[0])
		}, []string{want("inserted", "event", "audit/2#1")}},
		"events swapped": {func(t *testing.T, e *edited) {
			slices.Reverse(e.of(t, "batches", "audit/2")["events"].([]any)[1:])
		}, []string{want("reordered", "event", "audit/2#4")}},
		"an event at another position": {func(t *testing.T, e *edited) {
			e.of(t, "batches", "audit/2")["events"].([]any)[1].(map[string]any)["position"] = 5
		}, []string{want("inserted", "event", "audit/2#5"), want("missing", "event", "audit/2#4")}},
		"root of a batch": {func(t *testing.T, e *edited) { flip(t, e.of(t, "batches", "audit/1"), "root") },
			[]string{want("changed", "audit", "audit/1"), want("changed", "event", "audit/1#0")}},
		"rows of a batch": {func(t *testing.T, e *edited) { e.of(t, "batches", "audit/1")["rows"] = 2 },
			[]string{want("changed", "audit", "audit/1"), want("changed", "event", "audit/1#0")}},
		"a batch deleted": {func(_ *testing.T, e *edited) { e.proofs["batches"] = e.proofs["batches"].([]any)[1:] },
			[]string{want("missing", "audit", "audit/1"), want("missing", "event", "audit/1#0")}},
		"a batch inserted": {func(t *testing.T, e *edited) {
			b := e.of(t, "batches", "audit/1")
			copied := map[string]any{"ref": "audit/3", "salt": b["salt"], "index": b["index"], "path": b["path"], "rows": b["rows"], "root": b["root"], "events": []any{}}
			e.proofs["batches"] = append(e.proofs["batches"].([]any), copied)
		}, []string{want("inserted", "audit", "audit/3")}},
		"content of a blob": {func(_ *testing.T, e *edited) {
			last := len(e.entries) - 1
			e.entries[last] = strings.Replace(e.entries[last], `"data":"`, `"data":"AAAA`, 1)
		}, []string{want("changed", "blob", small)}},
		"salt of a blob": {func(t *testing.T, e *edited) { flip(t, e.of(t, "blobs", large), "salt") },
			[]string{want("changed", "blob", large)}},
		"Composition": {func(_ *testing.T, e *edited) {
			e.entries[0] = strings.Replace(e.entries[0], "Dossier of", "Dossier  of", 1)
		},
			[]string{want("changed", "dossier", "Composition")}},
		"type of the Bundle": {func(_ *testing.T, e *edited) { e.head = strings.Replace(e.head, `"document"`, `"collection"`, 1) },
			[]string{want("changed", "dossier", "Bundle.type")}},
		"line left out of the inventory, entry and proof too": {func(t *testing.T, e *edited) {
			dropLine(e, d1)
			i := e.entry(t, d1)
			e.entries = slices.Delete(e.entries, i, i+1)
		}, []string{want("changed", "inventory", ""), want("missing", "version", "DocumentReference/d")}},
		"line added to the inventory": {func(t *testing.T, e *edited) {
			evil := body("Patient", "evil", 1, "")
			e.proofs["inventory"] = e.proofs["inventory"].(string) + fmt.Sprintf("version Patient/evil/_history/1 %x\n", sum(evil))
			e.entries = append(e.entries, `{"fullUrl":"http://localhost/fhir/Patient/evil","resource":`+string(evil)+`}`)
		}, nil}, // the inventory has blobs last: refused as malformed or changed, see below
		"inventory in another form": {func(_ *testing.T, e *edited) {
			e.proofs["inventory"] = strings.TrimSuffix(e.proofs["inventory"].(string), "\n")
		}, []string{want("malformed", "dossier", "")}},
		"a member of the Bundle twice": {func(_ *testing.T, e *edited) {
			e.head = strings.Replace(e.head, `"type":"document"`, `"type":"document","type":"document"`, 1)
		}, []string{want("malformed", "dossier", "")}},
		"a second list of entries": {func(_ *testing.T, e *edited) {
			e.entries[len(e.entries)-1] += "\n],\"entry\":["
		}, []string{want("malformed", "dossier", "")}},
		"seal": {func(_ *testing.T, e *edited) {
			e.proofs["seal"] = strings.Replace(e.proofs["seal"].(string), "\n— ", "\nx\n— ", 1)
		}, []string{want("changed", "inventory", "")}},
		"checkpoint in the place of the seal": {func(_ *testing.T, e *edited) { e.proofs["seal"] = e.proofs["checkpoint"] },
			[]string{want("changed", "inventory", "")}},
		"seal in the place of the checkpoint": {func(_ *testing.T, e *edited) { e.proofs["checkpoint"] = e.proofs["seal"] },
			[]string{want("changed", "checkpoint", "")}},
		"an older checkpoint": {func(_ *testing.T, e *edited) { e.proofs["checkpoint"] = string(w.early.Note) },
			nil}, // everything after it is not in it: many findings, see below
		"consistency": {func(t *testing.T, e *edited) {
			path := e.proofs["consistency"].([]any)[0].(map[string]any)["path"].([]any)
			b, _ := base64.StdEncoding.DecodeString(path[0].(string))
			b[7] ^= 1
			path[0] = base64.StdEncoding.EncodeToString(b)
		}, []string{want("forked", "checkpoint", "")}},
		"consistency left out": {func(_ *testing.T, e *edited) { delete(e.proofs, "consistency") },
			[]string{want("forked", "checkpoint", "")}},
		"log key": {func(_ *testing.T, e *edited) { e.proofs["logKey"] = keys(t).Public },
			nil},
		"signer authority": {func(t *testing.T, e *edited) {
			e.proofs["signerAuthority"] = authorityOf(t)
		}, []string{want("untrusted", "signature", "")}},
	} {
		t.Run("R000-018 "+name, func(t *testing.T) {
			forged := edit(t, text, func(e *edited) { c.change(t, e) })
			if bytes.Equal(forged, text) {
				t.Fatal("nothing was changed")
			}
			r := verify(t, forged, w.trust(), ledger.VerifyOptions{})
			if c.want != nil {
				findings(t, r, c.want...)
			} else if r.OK() {
				t.Errorf("nothing was found:\n%v", r)
			}
			if alone := verify(t, forged, nil, ledger.VerifyOptions{}); alone.Exit() == 0 {
				t.Error("without trust: exit 0")
			}
		})
	}
}

func sum(b []byte) [32]byte { return sha256.Sum256(b) }

func authorityOf(t testing.TB) string {
	var b bytes.Buffer
	if err := ledger.WriteTrust(&b, keys(t).Trust(nil)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	from, to := strings.Index(text, "-----BEGIN"), strings.Index(text, "-----END CERTIFICATE-----")
	return strings.ReplaceAll(text[from:to]+"-----END CERTIFICATE-----\n", `\n`, "\n")
}

func dropLine(e *edited, ref string) {
	var kept []string
	for line := range strings.Lines(e.proofs["inventory"].(string)) {
		if !strings.Contains(line, " "+ref+" ") {
			kept = append(kept, line)
		}
	}
	e.proofs["inventory"] = strings.Join(kept, "")
}

// TestEveryByteCounts flips bits all over a dossier: whatever a byte is of, the
// dossier no longer verifies.
func TestEveryByteCounts(t *testing.T) {
	w := newWorld(t)
	text := w.write()
	for i := 0; i < len(text); i += 1 + len(text)/1500 {
		for _, bit := range []byte{0x01, 0x20} {
			forged := bytes.Clone(text)
			forged[i] ^= bit
			if r := verify(t, forged, w.trust(), ledger.VerifyOptions{}); r.OK() && !harmless(text, i) {
				t.Fatalf("byte %d (…%q…) changed and nothing found", i, text[max(0, i-20):min(len(text), i+20)])
			}
		}
	}
}

// harmless are bytes that say nothing: white space between entries.
func harmless(text []byte, i int) bool { return bytes.IndexByte([]byte(" \n\r\t"), text[i]) >= 0 }

func TestTruncatedDossier(t *testing.T) {
	w := newWorld(t)
	text := w.write()
	for n := 0; n < len(text)-2; n += 1 + len(text)/300 {
		r := verify(t, text[:n], w.trust(), ledger.VerifyOptions{})
		if r.OK() || r.Findings[0].Kind != ledger.Malformed {
			t.Fatalf("%d of %d bytes: %v", n, len(text), r)
		}
	}
	r := verify(t, text[:bytes.Index(text, []byte(`"resourceType":"Provenance"`))], w.trust(), ledger.VerifyOptions{})
	findings(t, r, want("malformed", "dossier", ""), want("missing", "version", "Provenance/s/_history/1"),
		want("missing", "blob", ledger.BlobRef(w.dossier.Blobs[0].Digest)))
}

// TestResignedDossier makes the same case again with other keys, all of it
// consistent: only who holds the trust file can tell, and must.
func TestResignedDossier(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	text := other.write()
	if r := verify(t, text, nil, ledger.VerifyOptions{}); r.Exit() != 3 {
		t.Fatalf("the re-signed dossier is not consistent with itself:\n%v", r)
	}
	r := verify(t, text, w.trust(), ledger.VerifyOptions{})
	if r.Exit() != 1 || !slices.Contains(found(r), want("untrusted", "checkpoint", other.keys.Signer.Name())) {
		t.Errorf("Exit() = %d:\n%v", r.Exit(), r)
	}
	t.Run("under the same log key, signatures of another authority", func(t *testing.T) {
		w := newWorld(t)
		mixed := *w.keys
		mixed.Authority = other.keys.Authority
		var b bytes.Buffer
		if err := w.dossier.Write(t.Context(), &b, w.store, &mixed); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, b.Bytes(), w.trust(), ledger.VerifyOptions{}); r.Exit() != 1 {
			t.Errorf("Exit() = %d:\n%v", r.Exit(), r)
		}
	})
}

// TestSignatureElsewhere puts good signatures where they do not belong; the
// forger here writes through the server, so log and seal are good.
func TestSignatureElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(*world)
		kind  ledger.Kind
	}{
		"R000-021 moved to another version": {func(w *world) {
			w.provenanceText(func(s string) string { return strings.Replace(s, `"reference":"`+d2, `"reference":"`+d1, 1) })
		}, ledger.Changed},
		"of another person": {func(w *world) {
			w.provenanceText(func(s string) string {
				return strings.Replace(s, `"PractitionerRole/clin"`, `"PractitionerRole/des"`, 1)
			})
		}, ledger.Changed},
		"over a version that was replaced": {func(w *world) {
			w.dossier.Versions[3] = version("DocumentReference", "d", 2, `,"description":"other"`)
			w.store.Rows[len(w.store.Rows)-6] = w.dossier.Versions[3]
		}, ledger.Changed},
		"over a version that is not there": {func(w *world) {
			w.dossier.Versions = slices.Delete(w.dossier.Versions, 2, 4)
		}, ledger.Missing},
		"in another case":                  {func(w *world) { w.dossier.Case = "Task/other" }, ledger.Changed},
		"over a content that is not there": {func(w *world) { w.dossier.Blobs = w.dossier.Blobs[:1] }, ledger.Missing},
		"no base64": {func(w *world) {
			w.provenanceText(func(s string) string { return strings.Replace(s, `"data":"`, `"data":"*`, 1) })
		}, ledger.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.forge(w)
			w.relog()
			r := verify(t, w.write(), w.keys.Trust(nil), ledger.VerifyOptions{})
			if len(r.Findings) == 0 || r.Findings[0].Kind != c.kind || r.Findings[0].What != "signature" ||
				!strings.HasPrefix(r.Findings[0].Ref, "Provenance/s/_history/1 signature[0]") || r.Signed != 0 {
				t.Errorf("report:\n%v", r)
			}
		})
	}
}

// provenanceText rewrites the stored Provenance.
func (w *world) provenanceText(change func(string) string) {
	last := &w.dossier.Versions[len(w.dossier.Versions)-1]
	last.Body = []byte(change(string(last.Body)))
	last.Digest = sum(last.Body)
}

// relog makes a new log, under the same key, of what the dossier holds now.
func (w *world) relog() {
	w.store = ledgertest.NewMemory()
	for _, v := range w.dossier.Versions {
		w.store.Put(w.t.Context(), now, v)
	}
	for _, b := range w.dossier.Audit {
		w.store.Put(w.t.Context(), now, b.AuditBatch)
	}
	for _, b := range w.dossier.Blobs {
		w.store.Put(w.t.Context(), now, b.BlobRow)
	}
	w.seq = w.keys.Sequencer(w.store, func() time.Time { return now })
	w.sequence()
	w.dossier.Since, w.dossier.Whole = nil, false
}

func TestCheckpointAgainstTrust(t *testing.T) {
	w := newWorld(t)
	text := w.write()
	at := func(c ledger.Checkpoint) *ledger.Trust { return w.keys.Trust(&c) }
	t.Run("equal", func(t *testing.T) {
		if r := verify(t, text, at(*w.store.Last), ledger.VerifyOptions{}); !r.OK() {
			t.Errorf("report:\n%v", r)
		}
	})
	t.Run("forked at the same size", func(t *testing.T) {
		c, _ := ledger.SignCheckpoint(w.keys.Signer, w.store.Last.Size, [32]byte{1}, now)
		findings(t, verify(t, text, at(c), ledger.VerifyOptions{}), want("forked", "checkpoint", ""))
	})
	t.Run("forked earlier", func(t *testing.T) {
		c, _ := ledger.SignCheckpoint(w.keys.Signer, w.early.Size, [32]byte{1}, now)
		findings(t, verify(t, text, at(c), ledger.VerifyOptions{}), want("forked", "checkpoint", ""))
	})
	t.Run("no proof for this size", func(t *testing.T) {
		c, _ := ledger.SignCheckpoint(w.keys.Signer, w.early.Size-1, [32]byte{1}, now)
		r := verify(t, text, at(c), ledger.VerifyOptions{})
		findings(t, r, want("forked", "checkpoint", ""))
		if !strings.Contains(r.Findings[0].Text, fmt.Sprintf("since=%d", w.early.Size-1)) {
			t.Errorf("no advice in %q", r.Findings[0].Text)
		}
	})
	t.Run("rolled back", func(t *testing.T) { // the trust file has seen more than the dossier's log has
		older := w.store.Last.Size
		for n := range 9 {
			w.store.Put(t.Context(), now, version("Patient", fmt.Sprintf("new%d", n), 1, ""))
		}
		w.sequence()
		later := *w.store.Last
		findings(t, verify(t, text, at(later), ledger.VerifyOptions{}), want("forked", "checkpoint", ""))
		path, err := ledger.Consistency(t.Context(), w.store, older, later.Size)
		if err != nil {
			t.Fatal(err)
		}
		proof := ledger.ConsistencyProof{Size: older, To: later.Size}
		for _, h := range path {
			proof.Path = append(proof.Path, h[:])
		}
		if r := verify(t, text, at(later), ledger.VerifyOptions{Proofs: []ledger.ConsistencyProof{proof}}); !r.OK() {
			t.Errorf("an older dossier with a proof to the newer trust:\n%v", r)
		}
	})
	t.Run("empty log trusted", func(t *testing.T) {
		if r := verify(t, text, w.keys.Trust(nil), ledger.VerifyOptions{}); !r.OK() || len(r.Notes) == 0 {
			t.Errorf("report:\n%v", r)
		}
	})
}

func TestContentsApart(t *testing.T) {
	w := newWorld(t)
	text := w.write()
	d := w.dossier.Blobs[1].Digest
	for name, c := range map[string]struct {
		content []byte
		kind    ledger.Kind
	}{
		"missing": {nil, "missing"}, "changed": {append([]byte("x"), w.contents[d][1:]...), "changed"},
		"longer": {append(bytes.Clone(w.contents[d]), 'x'), "changed"}, "shorter": {w.contents[d][1:], "changed"}, "empty": {[]byte{}, "changed"},
	} {
		t.Run(name, func(t *testing.T) {
			if w.contents[d] = c.content; c.content == nil {
				delete(w.contents, d)
			}
			findings(t, verify(t, text, w.trust(), ledger.VerifyOptions{Content: w.content}), want(c.kind, "blob", ledger.BlobRef(d)))
		})
	}
}

func TestHostileDossiers(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no object": "[]", "number": "7", "two objects": "{}{}", "deep": strings.Repeat(`{"entry":[`, 100_000),
		"brackets": `{"entry":[` + strings.Repeat("[", 1<<20), "only entries": `{"resourceType":"Bundle","entry":[{},{},{}]}`,
		"member twice": `{"resourceType":"Bundle","resourceType":"Bundle"}`, "member unknown": `{"resourceType":"Bundle","link":[]}`,
		"other resource": `{"resourceType":"Patient"}`, "escaped name": `{"\u0065ntry":[]}`, "string without end": `{"resourceType":"Bun`,
		"closes nothing": `{"a":]`, "no value": `{"type":}`, "null entries": `{"entry":[null,null]}`, "entry no array": `{"entry":{}}`,
		"composition only": `{"entry":[{"resource":{"resourceType":"Composition"}}]}`,
		"proofs no base64": `{"entry":[{"resource":{"resourceType":"Composition"}},{"resource":{"resourceType":"Binary","contentType":"application/vnd.tenon.ledger+json","data":"*"}}]}`,
		"proofs no JSON":   `{"entry":[{"resource":{"resourceType":"Composition"}},{"resource":{"resourceType":"Binary","contentType":"application/vnd.tenon.ledger+json","data":"e30="}}]}`,
	} {
		if r := verify(t, []byte(text), nil, ledger.VerifyOptions{MaxEntry: 1 << 16}); r.Exit() != 1 || r.Findings[0].Kind != ledger.Malformed {
			t.Errorf("%s: Exit() = %d, %v", name, r.Exit(), r)
		}
	}
	endless := io.MultiReader(strings.NewReader(`{"entry":[{"resource":"`), zeros{})
	r, err := ledger.VerifyDossier(t.Context(), endless, nil, ledger.VerifyOptions{MaxEntry: 1 << 20})
	if err != nil || r.OK() {
		t.Errorf("an endless value: %v, %v", r, err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

func FuzzVerifyDossier(f *testing.F) {
	w := newWorld(f)
	text := w.write()
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(`{"resourceType":"Bundle","type":"document","entry":[]}`))
	trust := w.trust()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ledger.VerifyDossier(t.Context(), bytes.NewReader(b), trust, ledger.VerifyOptions{MaxEntry: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		_ = r.String()
	})
}

// FuzzProofs mutates the proofs inside an otherwise good dossier.
func FuzzProofs(f *testing.F) {
	w := newWorld(f)
	text := w.write()
	const mark = `"data":"`
	at := bytes.Index(text, []byte(mark)) + len(mark)
	end := at + bytes.IndexByte(text[at:], '"')
	raw, err := base64.StdEncoding.DecodeString(string(text[at:end]))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	trust := w.trust()
	f.Fuzz(func(t *testing.T, b []byte) {
		forged := slices.Concat(text[:at], []byte(base64.StdEncoding.EncodeToString(b)), text[end:])
		r, err := ledger.VerifyDossier(t.Context(), bytes.NewReader(forged), trust, ledger.VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_ = r.String()
	})
}
