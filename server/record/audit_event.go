package record

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"tenon/server/access"
)

// AuditReader gives audit rows back, as they were written.
type AuditReader interface {
	// AuditBatches returns batches, newest first: by when they were written, then
	// by their number.
	AuditBatches(ctx context.Context, q AuditRange) ([]AuditBatch, error)
	// AuditBatch returns one; ErrAbsent where there is none.
	AuditBatch(ctx context.Context, id int64) (AuditBatch, error)
	// OwnersOf returns, by reference, who brought in resources of a type.
	OwnersOf(ctx context.Context, typ string, ids []string) (map[string]string, error)
}

// AuditRange chooses batches of audit rows; what is empty chooses all.
type AuditRange struct {
	About       string     // "Patient/x" or a principal that one of the rows names
	From, Until time.Time  // when they were written; Until is not in it
	Behind      AuditPlace // the last one that was seen
	Limit       int        // batches
}

// AuditBatch is what was written at once.
type AuditBatch struct {
	ID   int64
	At   time.Time
	Rows []Audit
}

// AuditPlace is where a page of events ends: at an event of a batch. The zero
// value stands before the newest one.
type AuditPlace struct {
	At, ID int64 // of the batch: microseconds, number
	Row    int
}

// String is the place as it stands in a URL.
func (p AuditPlace) String() string { return fmt.Sprintf("%d.%d.%d", p.At, p.ID, p.Row) }

// ParseAuditPlace reads what String wrote.
func ParseAuditPlace(s string) (p AuditPlace, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return p, false
	}
	var errs [3]error
	p.At, errs[0] = strconv.ParseInt(parts[0], 10, 64)
	p.ID, errs[1] = strconv.ParseInt(parts[1], 10, 64)
	p.Row, errs[2] = strconv.Atoi(parts[2])
	return p, errs == [3]error{} && p.ID > 0 && p.Row >= 0 && p.At >= 0
}

// AuditEvent is one row with its place in the log.
type AuditEvent struct {
	Audit
	Batch    int64 // audit/{Batch} is the leaf that proves it
	Row      int
	Recorded time.Time
}

// ID is the logical id of the event.
func (e *AuditEvent) ID() string { return fmt.Sprintf("%d-%d", e.Batch, e.Row) }

// Place is where a page that ends with the event goes on.
func (e *AuditEvent) Place() AuditPlace {
	return AuditPlace{At: e.Recorded.UnixMicro(), ID: e.Batch, Row: e.Row}
}

// ParseAuditID reads an id of AuditEvent.ID.
func ParseAuditID(id string) (batch int64, row int, ok bool) {
	left, right, found := strings.Cut(id, "-")
	batch, err := strconv.ParseInt(left, 10, 64)
	row, err2 := strconv.Atoi(right)
	return batch, row, found && err == nil && err2 == nil && batch > 0 && row >= 0 && id == fmt.Sprintf("%d-%d", batch, row)
}

// AuditQuery asks for events, newest first.
type AuditQuery struct {
	About       string // as of AuditRange
	From, Until time.Time
	Behind      AuditPlace
	Takes       func(*AuditEvent) bool
	Count       int    // events of a page; 0: none are wanted but their number
	Shape       string // of the request, without values, for its own audit
}

// AuditPage is a page of events.
type AuditPage struct {
	Events []AuditEvent
	Total  int64       // with Count 0
	Next   *AuditPlace // where the search goes on; nil: that was all
	// Partial tells that the page ended because much was looked through, not
	// because it was full, or that Total is not all.
	Partial bool
}

// How much one page looks through.
const (
	auditTurn    = 200 // batches of one statement
	auditBatches = 20_000
	auditTime    = 3 * time.Second
)

// AuditEvents is a search of the audit by an auditor, which is audited itself: one
// row, and one for every patient of whom it tells.
func (r *Recorder) AuditEvents(ctx context.Context, who *access.Context, q AuditQuery) (*AuditPage, error) {
	if err := r.mayAudit(ctx, who, "search-type", q.Shape); err != nil {
		return nil, err
	}
	page, err := r.auditPage(ctx, who, q)
	if err != nil {
		return nil, err
	}
	rows := []Audit{r.audit(who, "E", "search-type", q.Shape, 200)}
	seen := map[string]bool{"": true}
	for i := range page.Events {
		if p := page.Events[i].Patient; !seen[p] {
			seen[p] = true
			row := rows[0]
			row.Patient = p
			rows = append(rows, row)
		}
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return page, nil
}

// AuditEvent reads one event; the read is audited. Failures: not-found (404).
func (r *Recorder) AuditEvent(ctx context.Context, who *access.Context, id string) (*AuditEvent, error) {
	if err := r.mayAudit(ctx, who, "read", "AuditEvent/"+id); err != nil {
		return nil, err
	}
	e, err := r.auditEvent(ctx, who, id)
	row := r.audit(who, "R", "read", "AuditEvent/"+id, 200)
	if err == nil {
		row.Patient = e.Patient
	}
	return e, r.closeRead(ctx, row, "AuditEvent", id, err)
}

func (r *Recorder) auditEvent(ctx context.Context, who *access.Context, id string) (*AuditEvent, error) {
	batch, row, ok := ParseAuditID(id)
	if !ok {
		return nil, ErrAbsent
	}
	b, err := r.o.Store.AuditBatch(ctx, batch)
	if err != nil {
		return nil, err
	}
	if row >= len(b.Rows) {
		return nil, ErrAbsent
	}
	b.Rows = b.Rows[row : row+1]
	shown, err := r.shownTo(ctx, who, []AuditBatch{b})
	if err != nil {
		return nil, err
	}
	if !shown(&b.Rows[0]) {
		return nil, ErrAbsent
	}
	return &AuditEvent{Audit: b.Rows[0], Batch: b.ID, Row: row, Recorded: b.At}, nil
}

// mayAudit refuses who reads no audit: as absent, like all that is out of reach.
// The attempt stays in the audit.
func (r *Recorder) mayAudit(ctx context.Context, who *access.Context, operation, entity string) error {
	if err := mustKnow(who); err != nil {
		return err
	}
	action := map[bool]string{true: "R", false: "E"}[operation == "read"]
	if !who.Audits() {
		return r.closeRead(ctx, r.audit(who, action, operation, entity, 404), "AuditEvent", "", ErrAbsent)
	}
	if err := who.Stepped(); err != nil {
		return r.closeRead(ctx, r.audit(who, action, operation, entity, 401), "AuditEvent", "", err)
	}
	return nil
}

// auditPage looks through batches until the page is full or enough was done.
func (r *Recorder) auditPage(ctx context.Context, who *access.Context, q AuditQuery) (*AuditPage, error) {
	at := AuditRange{About: q.About, From: q.From, Until: q.Until, Limit: auditTurn}
	walk := &auditWalk{AuditQuery: q, page: &AuditPage{}}
	if q.Behind.ID != 0 && q.Behind.Row > 0 { // the batch that the page before ended in goes on
		b, err := r.o.Store.AuditBatch(ctx, q.Behind.ID)
		if err != nil {
			return nil, err
		}
		if len(b.Rows) > q.Behind.Row {
			b.Rows = b.Rows[:q.Behind.Row]
		}
		if full, err := r.auditTurn(ctx, who, walk, []AuditBatch{b}); full || err != nil {
			return walk.page, err
		}
	}
	at.Behind = q.Behind
	for begun, seen := time.Now(), 0; ; {
		batches, err := r.o.Store.AuditBatches(ctx, at)
		if err != nil {
			return nil, err
		}
		if full, err := r.auditTurn(ctx, who, walk, batches); full || err != nil {
			return walk.page, err
		}
		if len(batches) < at.Limit {
			return walk.page, nil
		}
		last := batches[len(batches)-1]
		at.Behind = AuditPlace{At: last.At.UnixMicro(), ID: last.ID}
		if seen += len(batches); seen >= auditBatches || time.Since(begun) > auditTime {
			walk.page.Next, walk.page.Partial = &at.Behind, true
			return walk.page, nil
		}
	}
}

// auditWalk gathers a page.
type auditWalk struct {
	AuditQuery
	page *AuditPage
}

func (r *Recorder) auditTurn(ctx context.Context, who *access.Context, w *auditWalk, batches []AuditBatch) (full bool, err error) {
	shown, err := r.shownTo(ctx, who, batches)
	if err != nil {
		return false, err
	}
	for _, b := range batches {
		for i := len(b.Rows) - 1; i >= 0; i-- {
			e := AuditEvent{Audit: b.Rows[i], Batch: b.ID, Row: i, Recorded: b.At}
			if w.About != "" && e.Patient != w.About && e.Principal != w.About || !shown(&e.Audit) || w.Takes != nil && !w.Takes(&e) {
				continue
			}
			if w.page.Total++; w.Count == 0 {
				continue
			}
			if len(w.page.Events) == w.Count {
				next := w.page.Events[w.Count-1].Place()
				w.page.Next = &next
				return true, nil
			}
			w.page.Events = append(w.page.Events, e)
		}
	}
	return false, nil
}

// shownTo tells which rows of batches an auditor sees. One of neither party sees
// all; one of an organisation what its people did and what was done with the
// patients that it brought in, or by them; one of a hospital also what concerns the
// house and nobody in it, such as a failed sign-in.
func (r *Recorder) shownTo(ctx context.Context, who *access.Context, batches []AuditBatch) (func(*Audit) bool, error) {
	if who.AuditsAll() {
		return func(*Audit) bool { return true }, nil
	}
	ids, asked := map[string][]string{}, map[string]bool{} // by type
	for _, b := range batches {
		for i := range b.Rows {
			ref := concerned(&b.Rows[i])
			if typ, id, ok := cutRef(ref); ok && !asked[ref] && b.Rows[i].Organization != who.Organization {
				asked[ref] = true
				ids[typ] = append(ids[typ], id)
			}
		}
	}
	owners := map[string]string{}
	for typ, list := range ids {
		of, err := r.o.Store.OwnersOf(ctx, typ, list)
		if err != nil {
			return nil, err
		}
		maps.Copy(owners, of)
	}
	return func(a *Audit) bool {
		switch {
		case who.Organization == "":
			return false
		case a.Organization == who.Organization:
			return true
		case concerned(a) != "":
			return who.Side == access.Hospital && owners[concerned(a)] == who.Organization
		}
		return who.Side == access.Hospital && a.Organization == ""
	}, nil
}

// concerned is the patient whom a row is about, or who did what is about nobody.
func concerned(a *Audit) string {
	if a.Patient == "" && (strings.HasPrefix(a.Principal, "Patient/") || strings.HasPrefix(a.Principal, "RelatedPerson/")) {
		return a.Principal
	}
	return a.Patient
}
