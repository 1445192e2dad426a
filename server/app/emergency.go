package app

import (
	"context"
	"net/http"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// purposeHeader says what a request is for; BTG alone means something: it uses an
// emergency access (break-glass), and nothing else does.
const purposeHeader = "X-Purpose-Of-Use"

// emergency lets a request that says so read what an emergency opened. It reads
// only: who treats a patient in an emergency writes as he always does, without the
// purpose.
func (a *App) emergency(r *http.Request, who *access.Context) (*access.Context, error) {
	purpose := r.Header.Get(purposeHeader)
	switch {
	case purpose == "":
		return who, nil
	case purpose != access.PurposeEmergency:
		return nil, issue.Errorf(issue.Invalid, "The header %s takes %s, or is left out.", purposeHeader, access.PurposeEmergency).
			WithStatus(http.StatusBadRequest).At(purposeHeader).Rule("purpose").Chinese("访问目的无效。")
	case r.Method != http.MethodGet && r.Method != http.MethodHead && !(r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/_search")):
		return nil, issue.Errorf(issue.Forbidden, "Emergency access reads: send this request without the header %s.", purposeHeader).
			Rule("emergency-reads").Chinese("紧急访问仅限读取。")
	}
	return a.Recorder.Emergency(r.Context(), who)
}

// alarm tells the operator's log, which names no patient; the security
// administrators have the review Task, which a Subscription can bring to them.
func (a *App) alarm(_ context.Context, who *access.Context, task string) {
	a.log.Warn("emergency access was given", "request", who.RequestID, "to", who.Principal, "review", task)
}

// unreviewed tells the operator's log that an access was not reviewed in time, and
// to whom it went.
func (a *App) unreviewed(_ context.Context, review string, to access.Role) {
	a.log.Error("emergency access is not reviewed", "review", review, "to", to)
}
