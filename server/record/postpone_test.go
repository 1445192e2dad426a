package record_test

import (
	"context"
	"testing"

	"tenon/server/record"
	"tenon/server/search"
)

// audited are the audit rows of an operation so far.
func audited(t *testing.T, s *server, operation string) (n int) {
	t.Helper()
	batches, err := s.store.AuditBatches(t.Context(), record.AuditRange{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		for _, row := range b.Rows {
			if row.Operation == operation {
				n++
			}
		}
	}
	return n
}

func TestR000_AuditOfWhatIsReadOnTheWayGoesWithTheWrite(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.must(clin, post(`{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"P-1"}]}`))
	look := func(ctx context.Context) {
		t.Helper()
		if _, _, err := s.Search(ctx, clin, "Patient", []search.Param{{Name: "identifier", Value: "P-1"}}, true); err != nil {
			t.Fatal(err)
		}
	}
	submit := func(ctx context.Context, body string) error {
		_, err := s.Submit(ctx, clin, &record.Draft{Door: "dicomweb", Operation: "stow", Ops: []record.Op{post(body)}})
		return err
	}

	ctx, reads := record.Postpone(t.Context())
	before := audited(t, s, "search-type")
	look(ctx)
	if n := audited(t, s, "search-type"); n != before {
		t.Errorf("%d rows before anything is written, want %d", n, before)
	}
	if err := submit(ctx, `{"resourceType":"Patient","gender":"nobody"}`); err == nil {
		t.Fatal("a wrong code was taken")
	}
	if n := audited(t, s, "search-type"); n != before {
		t.Errorf("%d rows after a refusal, want %d: they wait", n, before)
	}
	if err := submit(ctx, `{"resourceType":"Patient"}`); err != nil {
		t.Fatal(err)
	}
	if n := audited(t, s, "search-type"); n != before+2 { // the query, and the patient that it found
		t.Errorf("%d rows with the unit, want %d", n, before+2)
	}
	if err := reads.Keep(ctx, s.store); err != nil || audited(t, s, "search-type") != before+2 {
		t.Errorf("Keep = %v, %d rows; want nothing more", err, audited(t, s, "search-type"))
	}

	look(ctx)
	if err := reads.Keep(ctx, s.store); err != nil || audited(t, s, "search-type") != before+4 {
		t.Errorf("Keep without a unit = %v, %d rows, want %d", err, audited(t, s, "search-type"), before+4)
	}
	look(ctx)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := reads.Keep(cancelled, s.store); err == nil {
		t.Error("rows that cannot be kept are no error")
	}
}
