package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tenon/server/dispatch"
	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
	"tenon/server/record"
	"tenon/server/store"
)

var proofTests = map[string]func(*fixture){
	"R000-018 audit has a leaf and stays as written": auditBatches,
	"audit of a case":             caseAudit,
	"audit of a stale unit":       auditOfStale,
	"concurrent audit is grouped": auditGroups,
	"the age of what waits":       pendingAge,
	"records for verification":    records,
	"a sequencer dies":            sequencerDies,
}

// log is the store as the suite of the ledger drives it.
type log struct{ *store.Store }

func (l log) Add(ctx context.Context, leaves ...ledger.Leaf) error {
	return l.Commit(ctx, &record.Unit{At: Start, Leaves: leaves})
}

func runLedger(t *testing.T, open func(*testing.T) *store.Store) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Store { return log{open(t)} })
}

func auditRow(n int, caseID string) record.Audit {
	return record.Audit{
		At: Start, RequestID: fmt.Sprint("r", n), Principal: "PractitionerRole/a", Door: "fhir", Action: "R",
		Operation: "read", Entity: "Patient/\"\n\x01é王", Patient: "Patient/1", Case: caseID, Outcome: 200,
	}
}

// batches checks every batch against its leaf and returns the rows.
func (f *fixture) batches() (rows [][]byte, n int) {
	f.Helper()
	hashes := map[string][32]byte{}
	r, err := f.Records(f.ctx())
	if err != nil {
		f.Fatal(err)
	}
	defer r.Close()
	if err := r.Waiting(f.ctx(), func(p ledger.Pending) error { hashes[p.Ref] = p.Hash; return nil }); err != nil {
		f.Fatal(err)
	}
	err = f.EachAuditBatch(f.ctx(), func(b ledger.AuditBatch) error {
		n++
		if got := b.Leaf(Start).Hash; got != hashes[b.Ref] {
			f.Errorf("the leaf of %s is %x, its rows give %x", b.Ref, hashes[b.Ref], got)
		}
		if b.Key == [32]byte{} {
			f.Errorf("%s has no secret", b.Ref)
		}
		rows = append(rows, b.Rows...)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return rows, n
}

func auditBatches(f *fixture) {
	u := f.unit(Make("Patient", "1", 1))
	u.Audit = []record.Audit{auditRow(1, ""), auditRow(2, "c")}
	f.commit(u)
	if err := f.Audit(f.ctx(), []record.Audit{auditRow(3, "")}); err != nil {
		f.Fatal(err)
	}
	if err := f.Audit(f.ctx(), nil); err != nil {
		f.Errorf("Audit(nothing) = %v", err)
	}
	rows, n := f.batches()
	if len(rows) != 3 || n != 2 {
		f.Fatalf("%d rows in %d batches, want 3 in 2", len(rows), n)
	}
	for i, row := range rows {
		var got struct{ Request, Entity, Principal, At, Operation string }
		if err := json.Unmarshal(row, &got); err != nil {
			f.Fatalf("row %d: %v", i, err)
		}
		want := auditRow(i+1, "")
		if got.Request != want.RequestID || got.Entity != want.Entity || got.Principal != want.Principal || got.At != "2026-03-01T08:00:00.000000Z" {
			f.Errorf("row %d = %s", i, row)
		}
		if bytes.IndexByte(row, '\n') >= 0 {
			f.Errorf("row %d holds a line break", i)
		}
	}
}

func caseAudit(f *fixture) {
	if err := f.Audit(f.ctx(), []record.Audit{auditRow(1, ""), auditRow(2, "c"), auditRow(3, "d"), auditRow(4, "c")}); err != nil {
		f.Fatal(err)
	}
	if err := f.Audit(f.ctx(), []record.Audit{auditRow(5, "d")}); err != nil {
		f.Fatal(err)
	}
	for id, want := range map[string]string{"c": "4 [1 3]", "d": "4 [2]1 [0]", "e": ""} {
		got := ""
		err := f.CaseAudit(f.ctx(), id, func(b ledger.AuditBatch, positions []int) error {
			got += fmt.Sprint(len(b.Rows), positions)
			return nil
		})
		if err != nil || got != want {
			f.Errorf("CaseAudit(%s) = %q, %v, want %q", id, got, err, want)
		}
	}
}

func auditOfStale(f *fixture) {
	u := f.unit(Make("Patient", "1", 2))
	u.Audit = []record.Audit{auditRow(1, "")}
	f.stale(u)
	if rows, _ := f.batches(); len(rows) != 0 {
		f.Errorf("a stale unit left %d audit rows", len(rows))
	}
}

func auditGroups(f *fixture) {
	const writers, each = 16, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				if err := f.Audit(f.ctx(), []record.Audit{auditRow(w*each+n, "")}); err != nil {
					f.Errorf("Audit() = %v", err)
				}
			}
		})
	}
	wg.Wait()
	rows, n := f.batches()
	if len(rows) != writers*each || n >= len(rows) {
		f.Errorf("%d rows in %d batches, want %d in fewer", len(rows), n, writers*each)
	}
}

func pendingAge(f *fixture) {
	if age, err := f.PendingAge(f.ctx()); age != 0 || err != nil {
		f.Errorf("PendingAge() of an empty log = %v, %v", age, err)
	}
	u := f.unit(Make("Patient", "1", 1))
	u.Leaves[0].At = time.Now().Add(-time.Minute)
	f.commit(u)
	if age, err := f.PendingAge(f.ctx()); age < time.Minute || age > time.Hour || err != nil {
		f.Errorf("PendingAge() = %v, %v, want about a minute", age, err)
	}
	if _, err := ledgertest.NewSequencer(f.T, f).Once(f.ctx()); err != nil {
		f.Fatal(err)
	}
	if age, err := f.PendingAge(f.ctx()); age != 0 || err != nil {
		f.Errorf("PendingAge() when all are sequenced = %v, %v", age, err)
	}
}

// records reads everything from one state while others write.
func records(f *fixture) {
	f.put(Make("Patient", "1", 1), Make("Patient", "2", 1), Make("Patient", "1", 2), Make("Patient", "1", 3, Deleted))
	for i := range 150 {
		f.put(Make("Device", fmt.Sprintf("d%03d", i), 1))
	}
	u := f.unit()
	u.Blobs = []record.BlobRow{{Digest: [32]byte{9}, Size: 5}, {Digest: [32]byte{8}, Size: 4}, {Digest: [32]byte{9}, Size: 5}}
	f.commit(u)
	r, err := f.Records(f.ctx())
	if err != nil {
		f.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			_ = r.Close() // or closing the store waits for it
		}
	}()
	f.put(Make("Patient", "3", 1))
	var seen []string
	err = r.Versions(f.ctx(), func(v ledger.VersionRow) error {
		seen = append(seen, v.Ref())
		leaf := ledger.VersionLeaf(v)
		found, err := r.Pending(f.ctx(), []string{leaf.Ref}) // asked while streaming
		if err != nil || len(found) != 1 || found[0].Hash != leaf.Hash {
			f.Errorf("leaf of %s = %v, %v", leaf.Ref, found, err)
		}
		return nil
	})
	if err != nil || len(seen) != 154 {
		f.Fatalf("Versions() gives %d, %v, want 154", len(seen), err)
	}
	f.want("versions", seen[:4], "Patient/1/_history/1", "Patient/1/_history/2", "Patient/1/_history/3", "Patient/2/_history/1")
	has := func(kind string, refs ...string) string {
		got, err := r.Has(f.ctx(), kind, refs)
		if err != nil {
			f.Errorf("Has() = %v", err)
		}
		return fmt.Sprint(got)
	}
	f.want("Has", []string{
		has(ledger.KindVersion, "Patient/1/_history/1", "Patient/1/_history/3", "Patient/1/_history/4", "Patient/3/_history/1", "Patient/1", "x"),
		has(ledger.KindBlob, ledger.BlobRef([32]byte{9}), ledger.BlobRef([32]byte{7}), "sha-256/zz"),
		has(ledger.KindAudit, "audit/1", "audit/x"),
	}, "[true true false false false false]", "[true false false]", "[false false]")
	var blobs []int64
	if err := r.Blobs(f.ctx(), func(b ledger.BlobRow) error { blobs = append(blobs, b.Size); return nil }); err != nil || fmt.Sprint(blobs) != "[4 5]" {
		f.Errorf("Blobs() = %v, %v", blobs, err)
	}
	stop := errors.New("stop")
	if err := r.Versions(f.ctx(), func(ledger.VersionRow) error { return stop }); !errors.Is(err, stop) {
		f.Errorf("Versions() with an error of each = %v", err)
	}
	closed = true
	if err := r.Close(); err != nil {
		f.Errorf("Close() = %v", err)
	}
	n := 0
	if err := f.EachVersion(f.ctx(), func(record.Version) error { n++; return nil }); err != nil || n != 155 {
		f.Errorf("EachVersion() gives %d, %v, want 155", n, err)
	}
}

// sequencerDies between commits: leaves that it did not reach are given their
// index by the next one, none twice.
func sequencerDies(f *fixture) {
	for i := range 10 {
		f.put(Make("Patient", fmt.Sprint(i), 1))
	}
	q := ledgertest.NewSequencer(f.T, f)
	died := errors.New("died")
	_, err := f.Sequence(f.ctx(), 4, func(*ledger.Checkpoint, []ledger.Node, []ledger.Pending) (*ledger.Batch, error) { return nil, died })
	if !errors.Is(err, died) {
		f.Errorf("Sequence() = %v, want the error", err)
	}
	ctx, cancel := context.WithCancel(f.ctx())
	_, err = f.Sequence(ctx, 4, func(last *ledger.Checkpoint, _ []ledger.Node, pending []ledger.Pending) (*ledger.Batch, error) {
		if last != nil || len(pending) != 4 {
			f.Errorf("after a death: last %v, %d pending", last, len(pending))
		}
		cancel()
		return nil, ctx.Err()
	})
	if err == nil {
		f.Error("Sequence() of a cancelled turn is taken")
	}
	if n, err := q.Once(f.ctx()); n != 10 || err != nil {
		f.Errorf("Once() = %v, %v, want 10", n, err)
	}
	seen := map[string]int{}
	if err := f.Range(f.ctx(), 0, 100, func(e ledger.Entry) error { seen[e.Ref]++; return nil }); err != nil || len(seen) != 10 {
		f.Errorf("Range() gives %v, %v", seen, err)
	}
}

var outboxTests = map[string]func(*fixture){
	"lease, retry, done, dead":  outbox,
	"several claim at once":     claimRace,
	"a key is sent once a sink": outboxKey,
}

func (f *fixture) send(keys ...string) {
	f.Helper()
	u := f.unit()
	for _, k := range keys {
		u.Outbox = append(u.Outbox, dispatch.Message{Sink: "mes", Kind: "job-order", Key: k, Case: "c", Body: []byte(`{"k":1}`)})
	}
	f.commit(u)
}

func (f *fixture) claim(limit int, lease time.Duration) []dispatch.Message {
	f.Helper()
	ms, err := f.Claim(f.ctx(), limit, lease)
	if err != nil {
		f.Fatalf("Claim() = %v", err)
	}
	return ms
}

func outbox(f *fixture) {
	f.send("a", "b", "c")
	got := f.claim(2, time.Hour)
	if len(got) != 2 || got[0].Key != "a" || got[1].Key != "b" || got[0].Attempts != 1 || string(got[0].Body) != `{"k":1}` || got[0].Tenant != "main" || got[0].Case != "c" {
		f.Fatalf("Claim() = %+v", got)
	}
	if rest := f.claim(10, 0); len(rest) != 1 || rest[0].Key != "c" {
		f.Errorf("Claim() while two are leased = %+v", rest)
	}
	if again := f.claim(10, time.Hour); len(again) != 1 || again[0].Key != "c" || again[0].Attempts != 2 {
		f.Errorf("Claim() after a lease has ended = %+v", again)
	}
	now := time.Now()
	for _, err := range []error{
		f.Done(f.ctx(), got[0].ID), f.Retry(f.ctx(), got[1].ID, now.Add(-time.Second), "busy"),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	again := f.claim(10, time.Hour)
	if len(again) != 1 || again[0].Key != "b" || again[0].LastErr != "busy" || again[0].Attempts != 2 {
		f.Fatalf("Claim() after retry = %+v", again)
	}
	if err := f.Dead(f.ctx(), again[0].ID, "refused"); err != nil {
		f.Fatal(err)
	}
	if dead, err := f.DeadLetters(f.ctx(), 10); err != nil || len(dead) != 1 || dead[0].LastErr != "refused" {
		f.Errorf("DeadLetters() = %+v, %v", dead, err)
	}
	if none := f.claim(10, time.Hour); len(none) != 0 {
		f.Errorf("Claim() at the end = %+v", none)
	}
	if err := f.Revive(f.ctx(), again[0].ID); err != nil {
		f.Fatal(err)
	}
	if back := f.claim(10, time.Hour); len(back) != 1 {
		f.Errorf("Claim() after Revive = %+v", back)
	}
}

func claimRace(f *fixture) {
	var keys []string
	for i := range 40 {
		keys = append(keys, fmt.Sprint("k", i))
	}
	f.send(keys...)
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				ms, err := f.Claim(f.ctx(), 3, time.Hour)
				if err != nil {
					f.Errorf("Claim() = %v", err)
				}
				mu.Lock()
				for _, m := range ms {
					seen[m.Key]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if seen[k] != 1 {
			f.Errorf("%s was claimed %d times, want once", k, seen[k])
		}
	}
}

func outboxKey(f *fixture) {
	f.send("a")
	f.send("a", "b")
	if got := f.claim(10, time.Hour); len(got) != 2 {
		f.Errorf("Claim() = %+v, want two", got)
	}
}
