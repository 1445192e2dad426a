package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
)

// A study that a DIMSE peer was told to send here for a patient and a case: what
// arrives of it meanwhile, at whichever server of the database, is judged as if its
// sender had named them, so that he must reach both and the rule of STOW-RS holds for
// the Patient ID.
//
//	pull → awaited for 2 min, renewed every 30 s → peer sends → no more awaited
//
// A server that dies leaves a row that counts 2 minutes at most.

const (
	awaitFor   = 2 * time.Minute
	awaitAgain = 30 * time.Second
)

// expect awaits a study for a patient or a case, until done is called. One study is
// awaited by one pull.
func (d *Door) expect(ctx context.Context, study string, s *subject) (done func(), err error) {
	if s.patient == "" && s.task == "" {
		return func() {}, nil
	}
	if d.o.Awaiting == nil {
		return nil, issue.Errorf(issue.NotSupported, "This server cannot await a study for a patient.").Rule("dicom-pull")
	}
	a := &index.Awaited{Study: study, Pull: uuid.NewString(), Patient: s.patient, Task: s.task}
	ok, err := d.o.Awaiting.Await(ctx, a, d.o.Clock(), d.o.Clock().Add(awaitFor))
	if err != nil {
		return nil, fmt.Errorf("dicomweb: awaited: %w", err)
	}
	if !ok {
		return nil, issue.Errorf(issue.Conflict, "The study is being pulled already.").Rule("dicom-pull").WithStatus(http.StatusConflict).Chinese("该检查正在调取中。")
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.renew(ctx, a)
	}()
	return func() {
		cancel()
		<-ended // a renewal after the end would await it again
		if err := d.o.Awaiting.AwaitNoMore(context.WithoutCancel(ctx), a); err != nil {
			d.o.Log(ctx, "dicomweb awaited", err)
		}
	}, nil
}

var errTaken = errors.New("dicomweb: the study is awaited by another pull now")

// renew keeps the study awaited while its pull goes on.
func (d *Door) renew(ctx context.Context, a *index.Awaited) {
	t := time.NewTicker(awaitAgain)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		ok, err := d.o.Awaiting.Await(ctx, a, d.o.Clock(), d.o.Clock().Add(awaitFor))
		if err == nil && !ok {
			err = errTaken
		}
		if err != nil && ctx.Err() == nil {
			d.o.Log(ctx, "dicomweb awaited", err)
		}
	}
}

// expected names patient and case of what a peer sends because it was told to.
func (in *ingest) expected(study string) error {
	if in.r.door == "" || in.door.o.Awaiting == nil {
		return nil
	}
	a, err := in.door.o.Awaiting.AwaitedNow(in.r.Context(), study, in.door.o.Clock())
	if err != nil {
		return fmt.Errorf("dicomweb: awaited: %w", err)
	}
	if a == nil {
		return nil
	}
	s := in.subject
	if err := s.read("patient", "Patient", a.Patient); err != nil {
		return err
	}
	if err := s.read("task", "Task", a.Task); err != nil {
		return err
	}
	s.patient, s.task = a.Patient, a.Task
	return nil
}
