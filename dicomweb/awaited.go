package dicomweb

import "sync"

// A study that a DIMSE peer was told to send here for a patient and a case: what
// arrives of it meanwhile is judged as if its sender had named them, so that he must
// reach both and the rule of STOW-RS holds for the Patient ID. It is known to this
// process alone; with several servers behind one address the peer's own registration
// decides as ever.

type awaiting struct{ patient, task string }

// awaited are those by tenant and study.
type awaited struct {
	mu sync.Mutex
	by map[string]*awaiting
}

// expect notes a study; it is false where it is awaited for others already. done
// ends it.
func (a *awaited) expect(tenant, study string, w *awaiting) (done func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := tenant + "|" + study
	if a.by[key] != nil {
		return func() {}, false
	}
	if a.by == nil {
		a.by = map[string]*awaiting{}
	}
	a.by[key] = w
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.by, key)
	}, true
}

func (a *awaited) of(tenant, study string) *awaiting {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.by[tenant+"|"+study]
}

// expected names patient and case of what a peer sends because it was told to.
func (in *ingest) expected(study string) error {
	if in.r.door == "" {
		return nil
	}
	w := in.door.awaited.of(in.tenant(), study)
	if w == nil {
		return nil
	}
	s := in.subject
	if err := s.read("patient", "Patient", w.patient); err != nil {
		return err
	}
	if err := s.read("task", "Task", w.task); err != nil {
		return err
	}
	s.patient, s.task = w.patient, w.task
	return nil
}
