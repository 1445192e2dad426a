package record

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// HistoryQuery asks for versions, newest first: of one instance (Type and ID),
// of a type (Type) or of the whole system. Zero times do not filter.
// https://hl7.org/fhir/R4/http.html#history
type HistoryQuery struct {
	Type, ID string
	Since    time.Time // versions made at or after it
	// From and To are the period of _at, To outside: versions that were current
	// at some moment of it, deletions too.
	From, To time.Time
	// Before is the version behind which the page begins, "" on the first one.
	// The place of a version in this order never changes, so that pages neither
	// miss nor repeat one, whatever is written meanwhile.
	Before VersionRef
	Count  int
}

// VersionRef names a version; the zero value names none.
type VersionRef struct {
	Type, ID string
	Version  int64
}

// String is "Patient/1/_history/2".
func (v VersionRef) String() string {
	return v.Type + "/" + v.ID + "/_history/" + strconv.FormatInt(v.Version, 10)
}

// ParseVersionRef reads what String wrote.
func ParseVersionRef(s string) (v VersionRef, ok bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 || parts[0] == "" || parts[1] == "" || parts[2] != "_history" {
		return v, false
	}
	n, err := strconv.ParseInt(parts[3], 10, 64)
	return VersionRef{parts[0], parts[1], n}, err == nil && n > 0
}

// HistoryPage is a page of versions. More tells that others come behind the
// last one.
type HistoryPage struct {
	Versions []Version
	More     bool
}

// History returns versions newest first. Each is judged by the caller's reach as
// it was then and as the resource is now.
// https://hl7.org/fhir/R4/http.html#history
// Failures: not-found (404) for an instance that is not there, not-found (400)
// where Before is not there (any more).
func (r *Recorder) History(ctx context.Context, who *access.Context, q HistoryQuery) (*HistoryPage, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	if q.Type != "" {
		if err := r.knownType(q.Type); err != nil {
			return nil, err
		}
	}
	verb := access.Search // https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html: type and system history
	if q.ID != "" {
		verb = access.Read
	}
	if err := who.Permit(verb, q.Type); err != nil {
		return nil, r.closeRead(ctx, r.audit(who, "R", "history", q.Type+"/"+q.ID, 403), q.Type, q.ID, err)
	}
	page, err := r.o.Store.HistoryOf(ctx, r.inPart(who.ReachTo(verb), q.Type), q)
	if q.ID != "" {
		row := r.audit(who, "R", "history-instance", q.Type+"/"+q.ID, 200)
		if page != nil && len(page.Versions) > 0 {
			row.Patient = page.Versions[0].Patient
		}
		return page, r.closeRead(ctx, row, q.Type, q.ID, err)
	}
	if errors.Is(err, ErrAbsent) {
		return nil, issue.Errorf(issue.NotFound, "The page begins behind %s, which is not there or no longer in your reach; begin again.", q.Before).
			WithStatus(400).Rule("history-place").Chinese("分页位置已失效，请从第一页重新开始。")
	}
	if err != nil {
		return nil, fmt.Errorf("record: history of %q: %w", q.Type, err)
	}
	if err := r.o.Store.Audit(ctx, r.auditHistory(who, q.Type, page)); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return page, nil
}

// auditHistory is one row for the question and one for every patient disclosed
// by it, as for a search.
func (r *Recorder) auditHistory(who *access.Context, typ string, page *HistoryPage) []Audit {
	operation := "history-type"
	if typ == "" {
		operation = "history-system"
	}
	rows := []Audit{r.audit(who, "E", operation, typ, 200)}
	seen := map[string]bool{"": true}
	for i := range page.Versions {
		patient := page.Versions[i].Patient
		if seen[patient] {
			continue
		}
		seen[patient] = true
		row := r.audit(who, "E", operation, typ, 200)
		row.Patient = patient
		rows = append(rows, row)
	}
	return rows
}
