package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/casework"
)

// Case tells the state of every stage of a case and what holds up those that
// are blocked: the operation Task/{root}/$case.
func (r *Recorder) Case(ctx context.Context, who *access.Context, root string) ([]byte, error) {
	data, err := r.caseData(ctx, who, root, "case")
	if err != nil {
		return nil, err
	}
	s, err := r.asSeen(ctx, data)
	if err != nil {
		return nil, err
	}
	return json.Marshal(r.o.Engine.Report(s).Parameters())
}

// Judge computes the judgement of a case as it is now, and tells whether the
// verdict that was stored still stands: the operation Task/{root}/$judge. Nothing
// is written but the audit row of the read.
func (r *Recorder) Judge(ctx context.Context, who *access.Context, root string) ([]byte, error) {
	data, err := r.caseData(ctx, who, root, "judge")
	if err != nil {
		return nil, err
	}
	s, err := r.asSeen(ctx, data)
	if err != nil {
		return nil, err
	}
	judged, err := r.o.Engine.Judge(s)
	if err != nil {
		return nil, issue.Errorf(issue.BusinessRule, "The case has no plan that can run: %v", err).Rule("plan").WithStatus(409).Chinese("病例没有可执行的流程计划。")
	}
	return json.Marshal(judged.Parameters())
}

// caseData loads a case that the caller reaches, with the audit row of the read.
func (r *Recorder) caseData(ctx context.Context, who *access.Context, root, operation string) (*CaseData, error) {
	if err := r.entry(who, "Task"); err != nil {
		return nil, err
	}
	if err := who.PermitAll(access.Read); err != nil {
		return nil, r.closeRead(ctx, r.audit(who, "R", operation, "Task/"+root, 403), "Task", root, err)
	}
	v, err := r.o.Store.Read(ctx, who.Reach(), "Task", root)
	if _, err := r.told(ctx, who, operation, "Task/"+root, v, err); err != nil {
		return nil, err
	}
	data, err := r.o.Store.Snapshot(ctx, root)
	if errors.Is(err, ErrAbsent) {
		return nil, absent("Task", root)
	}
	return data, err
}

// Dossier streams the provable export of a case: Task/{root}/$dossier.
func (r *Recorder) Dossier(ctx context.Context, who *access.Context, root string, w io.Writer) error {
	data, err := r.caseData(ctx, who, root, "dossier")
	if err != nil {
		return err
	}
	if r.o.Dossiers == nil {
		return errors.New("record: no dossier writer is configured")
	}
	s, err := r.asSeen(ctx, data)
	if err != nil {
		return err
	}
	if err := r.o.Dossiers.Write(ctx, w, data, s, r.o.Engine.Report(s)); err != nil {
		return fmt.Errorf("record: dossier of %s: %w", root, err)
	}
	return nil
}

// Snapshot is a case as casework sees it, for rooms that export (grading).
func (r *Recorder) Snapshot(ctx context.Context, who *access.Context, root string) (*casework.Snapshot, error) {
	data, err := r.caseData(ctx, who, root, "export")
	if err != nil {
		return nil, err
	}
	return r.asSeen(ctx, data)
}
