package record

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/search"
)

// evaluationsKind is the kind of the timer that belongs to no case: one message of
// the outbox a day, at 00:00 UTC, which looks at every family. Each day's one
// leaves that of the next behind, and a start of the server that of the day, under
// the same key: a chain that broke goes on.
const evaluationsKind = "evaluations"

// evaluationCode marks the Task that reminds, beside the code of an erasure's.
const evaluationCode = "evaluation-due"

// ScheduleEvaluations leaves the timer of the day in the outbox, unless it is there
// or was carried out.
func (r *Recorder) ScheduleEvaluations(ctx context.Context) error {
	return r.scheduleEvaluations(ctx, r.now().UTC().Truncate(24*time.Hour))
}

func (r *Recorder) scheduleEvaluations(ctx context.Context, day time.Time) error {
	name := evaluationsKind + "/" + day.Format(time.DateOnly)
	if seen, err := r.o.Store.KeySeen(ctx, "deadline", name); err != nil || seen != nil {
		return err
	}
	d := &Draft{Door: "deadline", Operation: "remind", Keys: []Key{{Door: "deadline", Key: name, Digest: sha256.Sum256([]byte(name)), Ref: "Task/" + evaluationsKind}}}
	m := dispatch.Message{Tenant: r.o.Tenant, Sink: "deadline", Kind: evaluationsKind, Key: name, Body: []byte("{}"), Created: r.now(), Due: day}
	_, err := r.submit(ctx, r.itself(), d, internal{trusted: true, messages: []dispatch.Message{m}})
	if err != nil {
		return fmt.Errorf("record: timer %s: %w", name, err)
	}
	return nil
}

// remindEvaluations is what the day's timer does: one unit for each evaluation,
// under a key of its own, so that a delivery that was cut off, or two servers at
// once, remind nobody twice.
func (r *Recorder) remindEvaluations(ctx context.Context) error {
	all, err := r.evaluationsOf(ctx, "")
	if err != nil {
		return err
	}
	now := r.now()
	var errs []error
	for i := range all {
		d := &all[i]
		if d.last != "" {
			errs = append(errs, r.settleLate(ctx, d))
		}
		if !d.since().After(now) {
			errs = append(errs, r.remindOf(ctx, d))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return r.scheduleEvaluations(ctx, now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1))
}

// remindOf writes the Task of one evaluation that is due, and tells of it outside.
func (r *Recorder) remindOf(ctx context.Context, d *dueEvaluation) error {
	key := strings.Join([]string{"evaluation", d.family, d.reporter, d.end.Format(time.DateOnly)}, "/")
	if seen, err := r.o.Store.KeySeen(ctx, "deadline", key); err != nil || seen != nil {
		return err
	}
	id, err := r.newID()
	if err != nil {
		return err
	}
	now := r.now().Format("2006-01-02T15:04:05.000Z07:00")
	body, err := json.Marshal(map[string]any{
		"resourceType": "Task", "id": id, "status": "requested", "intent": "order",
		"code":        map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:record", "code": evaluationCode}}},
		"description": fmt.Sprintf("Evaluate the type of device for %s to %s 请完成该类器械的定期评价", d.start.Format(time.DateOnly), d.end.Format(time.DateOnly)),
		"focus":       map[string]any{"reference": d.family}, "owner": map[string]any{"reference": d.reporter}, "authoredOn": now,
		"executionPeriod": d.period(), "performerType": d.performers(),
	})
	if err != nil {
		return err
	}
	who := r.itself()
	who.Organization = d.reporter // its people read the Task
	notice, err := json.Marshal(casework.Notice{Kind: evaluationCode, About: []string{"Task/" + id, d.family}, Recipient: []string{d.reporter}, Sent: now,
		Text: "The periodic evaluation of a type of device is due.", Chinese: "器械类型定期评价已到期。"})
	if err != nil {
		return err
	}
	_, err = r.submit(ctx, who, &Draft{Door: "deadline", Operation: "remind",
		Ops:  []Op{{Method: "PUT", Type: "Task", ID: id, Body: body}},
		Keys: []Key{{Door: "deadline", Key: key, Digest: sha256.Sum256([]byte(key)), Ref: "Task/" + id}},
	}, internal{trusted: true, messages: []dispatch.Message{{Tenant: r.o.Tenant, Sink: "notice", Kind: evaluationCode, Key: key, Body: notice, Created: r.now()}}})
	return err
}

// performers are the roles that see to it: quality and signatory of the maker,
// contact and custodian of the hospital.
func (d *dueEvaluation) performers() []any {
	roles := []access.Role{access.HOSP, access.DBA}
	if d.maker {
		roles = []access.Role{access.QA, access.MFR}
	}
	all := make([]any, len(roles))
	for i, role := range roles {
		all[i] = map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:role", "code": string(role)}}}
	}
	return all
}

// settled are the reminders of an organisation that a report until a day settles.
func (r *Recorder) settled(ctx context.Context, family, org string, end time.Time) (tasks []*Version, err error) {
	if org == "" || !r.now().After(end.AddDate(0, 0, 1)) {
		return nil, nil // a report made before its days were over settles nothing
	}
	query := "status=requested&code=urn:tenon:record|" + evaluationCode + "&focus=DeviceDefinition/" + family + "&owner=" + org
	err = r.each(ctx, "Task", query, func(h search.Hit) error {
		v, err := r.current(ctx, access.OwnedBy{Organization: org}, "Task", h.ID)
		if err != nil || v == nil || v.Deleted {
			return err
		}
		task, err := parsed(v.Body)
		if err != nil {
			return err
		}
		if of, err := time.Parse(time.DateOnly, task.Path("executionPeriod", "end").Str()); err != nil || of.After(end) {
			return nil //nolint:nilerr // what the server did not write is left alone
		}
		tasks = append(tasks, v)
		return nil
	})
	return tasks, err
}

// completes makes them completed, as they stand when the unit is prepared.
func (r *Recorder) completes(family, org string, end time.Time) func(*preparation) ([][]byte, error) {
	return func(p *preparation) (bodies [][]byte, err error) {
		tasks, err := r.settled(p.ctx, family, org, end)
		for _, v := range tasks {
			body, err := completed(v.Body)
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, body)
			p.unit.Reads.Versions = append(p.unit.Reads.Versions, VersionRead{Type: v.Type, ID: v.ID, Version: v.Version})
		}
		return bodies, err
	}
}

// settleLate completes what a report settled that was filed by other ways than
// $evaluate-type.
func (r *Recorder) settleLate(ctx context.Context, d *dueEvaluation) error {
	family := strings.TrimPrefix(d.family, "DeviceDefinition/")
	end := d.start.AddDate(0, 0, -1)
	tasks, err := r.settled(ctx, family, d.reporter, end)
	if err != nil || len(tasks) == 0 {
		return err
	}
	key := strings.Join([]string{"evaluated", d.family, d.reporter, d.last}, "/")
	_, err = r.submit(ctx, r.itself(), &Draft{Door: "deadline", Operation: "remind",
		Keys: []Key{{Door: "deadline", Key: key, Digest: sha256.Sum256([]byte(key)), Ref: d.last}}}, internal{trusted: true, follows: r.completes(family, d.reporter, end)})
	return err
}

// completed is a Task with that status, all else as it was.
func completed(task []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(task, &members); err != nil {
		return nil, err
	}
	delete(members, "meta")
	members["status"] = json.RawMessage(`"completed"`)
	return json.Marshal(members)
}
