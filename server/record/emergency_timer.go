package record

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
)

// escalationKind is the kind of the timer that follows an emergency access. It goes
// into the outbox with the Task of the review, so that no access is without one:
//
//	given ── 4 h without a review ──→ the hospital's signatory ── 24 h ──→ the administrators
//	   └──────── reviewed: the next timer ends, and nobody else is told
//
// What those are told names the review and who had the access, no patient: the
// review itself stays with the security of the hospital.
const escalationKind = "emergency"

// unreviewedCode marks the Task of an escalation.
const unreviewedCode = "emergency-unreviewed"

// escalation is to whom an access goes that nobody has reviewed, and when.
var escalation = []struct {
	after time.Duration
	to    access.Role
}{
	{4 * time.Hour, access.HOSP},
	{reviewWithin, access.ADMIN},
}

// escalates is the timer of a step, for an access that was given at a moment.
func (r *Recorder) escalates(review string, given time.Time, step int) dispatch.Message {
	return dispatch.Message{Tenant: r.o.Tenant, Sink: "deadline", Kind: escalationKind, Key: escalationKind + "/" + review + "/" + strconv.Itoa(step),
		Body: []byte("{}"), Created: r.now(), Due: given.Add(escalation[step].after)}
}

// escalate is what a timer does: where the review is still open, it tells the next
// and leaves the timer of the step behind that, once, however often it is delivered.
func (r *Recorder) escalate(ctx context.Context, m dispatch.Message) error {
	review, number, _ := strings.Cut(strings.TrimPrefix(m.Key, escalationKind+"/"), "/")
	step, err := strconv.Atoi(number)
	if err != nil || step < 0 || step >= len(escalation) {
		return &dispatch.Permanent{Err: fmt.Errorf("record: timer %q names no step of an escalation", m.Key)}
	}
	if seen, err := r.o.Store.KeySeen(ctx, "deadline", m.Key); err != nil || seen != nil {
		return err
	}
	v, err := r.o.Store.Read(ctx, access.Everything{}, "Task", review)
	if errors.Is(err, ErrAbsent) || err == nil && v.Deleted {
		return nil
	}
	if err != nil {
		return err
	}
	root, err := parsed(v.Body)
	if err != nil {
		return err
	}
	given, err := time.Parse(time.RFC3339, root.Field("authoredOn").Str())
	if err != nil || !access.IsSecurity(v.Owner) {
		return &dispatch.Permanent{Err: fmt.Errorf("record: Task/%s is no emergency access", review)}
	}
	if root.Field("status").Str() != "requested" {
		return nil // reviewed
	}
	d, more, err := r.unreviewed(v, root.Path("requester", "reference").Str(), given, step)
	if err != nil {
		return err
	}
	d.Keys = []Key{{Door: "deadline", Key: m.Key, Digest: sha256.Sum256([]byte(m.Key)), Ref: "Task/" + review}}
	who := r.itself()
	who.Organization = access.SecuredBy(v.Owner) // its people read the Task
	// A review that is closed meanwhile fails the unit; the timer, delivered again, finds it closed.
	unchanged := func(p *preparation) ([][]byte, error) {
		p.unit.Reads.Versions = append(p.unit.Reads.Versions, VersionRead{Type: v.Type, ID: v.ID, Version: v.Version})
		return nil, nil
	}
	if _, err = r.submit(ctx, who, d, internal{trusted: true, messages: more, follows: unchanged}); err != nil {
		if issue.As(err) != nil {
			return fmt.Errorf("record: timer %s: %w", m.Key, err)
		}
		return err
	}
	if r.o.Unreviewed != nil {
		r.o.Unreviewed(ctx, "Task/"+review, escalation[step].to)
	}
	return nil
}

// unreviewed is what a step writes and sends.
func (r *Recorder) unreviewed(review *Version, requester string, given time.Time, step int) (*Draft, []dispatch.Message, error) {
	id, err := r.newID()
	if err != nil {
		return nil, nil, err
	}
	to, hospital := escalation[step].to, access.SecuredBy(review.Owner)
	now := r.now().Format("2006-01-02T15:04:05.000Z07:00")
	body, err := json.Marshal(map[string]any{
		"resourceType": "Task", "id": id, "status": "requested", "intent": "order", "priority": "stat", "authoredOn": now,
		"code":        map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:record", "code": unreviewedCode}}},
		"description": fmt.Sprintf("An emergency access of %s is not reviewed: see that the security administrator does it 紧急访问尚未审查，请督促安全管理员完成审查", given.UTC().Format(time.RFC3339)),
		"focus":       map[string]any{"reference": "Task/" + review.ID}, "requester": map[string]any{"reference": requester}, "owner": map[string]any{"reference": hospital},
		"performerType": []any{map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:role", "code": string(to)}}}},
		"restriction":   map[string]any{"period": map[string]any{"end": given.Add(reviewWithin).UTC().Format(time.RFC3339)}},
	})
	if err != nil {
		return nil, nil, err
	}
	notice, err := json.Marshal(casework.Notice{Kind: unreviewedCode, About: []string{"Task/" + id, "Task/" + review.ID}, Recipient: []string{hospital}, Sent: now,
		Text: "An emergency access is not reviewed.", Chinese: "紧急访问尚未审查。"})
	if err != nil {
		return nil, nil, err
	}
	more := []dispatch.Message{{Tenant: r.o.Tenant, Sink: "notice", Kind: unreviewedCode, Key: fmt.Sprintf("%s/%s/%d", unreviewedCode, review.ID, step), Body: notice, Created: r.now()}}
	if step+1 < len(escalation) {
		more = append(more, r.escalates(review.ID, given, step+1))
	}
	return &Draft{Door: "deadline", Operation: "escalate", Ops: []Op{{Method: "PUT", Type: "Task", ID: id, Body: body}}}, more, nil
}
