package dicomweb

import (
	"encoding/json"
	"net/http"

	"tenon/dicomweb/dicom"
	"tenon/fhir/issue"
)

// changeState answers PUT /workitems/{uid}/state.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_11.7
func (d *Door) changeState(w http.ResponseWriter, r *request) error {
	item, s, asked, err := d.changing(r, true)
	if err != nil {
		return err
	}
	next, transaction := asked.text(stepState), asked.text(stepTransaction)
	if transaction != "" && !validUID(transaction) {
		return badStep("TransactionUID (0008,1195) is no UID")
	}
	switch {
	case next != stepInProgress && next != stepCompleted && next != stepCanceled:
		return badStep("ProcedureStepState (0074,1000) is none of IN PROGRESS, COMPLETED, CANCELED")
	case transaction == "":
		return locked(w, item, "")
	case item.State == next && next != stepInProgress:
		if err := locked(w, item, transaction); err != nil {
			return err
		}
		w.Header().Set("Warning", warnedBy+"The UPS is already in the requested state of "+next+".")
		w.WriteHeader(http.StatusOK)
		return nil
	case next == stepInProgress && item.State == stepScheduled:
		item.Transaction = transaction
	case next != stepInProgress && item.State == stepInProgress:
		if err := locked(w, item, transaction); err != nil {
			return err
		}
		if err := final(s, next); err != nil {
			return err
		}
	default:
		return inconsistent(w)
	}
	item.State = next
	if err := d.putWorkitem(r, item, s, nil); err != nil {
		if contended(err) {
			return inconsistent(w)
		}
		return err
	}
	d.events.tell(r, d, item, s, eventState)
	w.WriteHeader(http.StatusOK)
	return nil
}

// final demands what a completed work item must tell: when it was performed
// (PS3.4 table CC.2.5-3, final state).
func final(s step, next string) error {
	if next != stepCompleted {
		return nil
	}
	var performed []step
	if a := s[stepPerformed.String()]; a != nil {
		for _, raw := range a.Value {
			var one step
			if json.Unmarshal(raw, &one) == nil {
				performed = append(performed, one)
			}
		}
	}
	for _, p := range performed {
		if p.text(0x00404050) != "" && p.text(0x00404051) != "" {
			return nil
		}
	}
	return issue.Errorf(issue.Conflict, "The work item cannot be completed: UnifiedProcedureStepPerformedProcedureSequence (0074,1216) tells no start (0040,4050) and end (0040,4051).").
		Rule("workitem-final").WithStatus(http.StatusConflict).Chinese("工作项缺少执行起止时间，不能完成。")
}

// requestCancel answers POST /workitems/{uid}/cancelrequest: what nobody performs
// is cancelled; who performs it is asked.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_11.8
func (d *Door) requestCancel(w http.ResponseWriter, r *request) error {
	item, s, asked, err := d.changing(r, false)
	if err != nil {
		return err
	}
	for _, t := range []dicom.Tag{stepCancelReason, 0x0074100E} {
		if a := asked[t.String()]; a != nil {
			s[t.String()] = a
		}
	}
	switch item.State {
	case stepScheduled:
		item.State = stepCanceled
		if err := d.putWorkitem(r, item, s, nil); err != nil {
			return err
		}
		d.events.tell(r, d, item, s, eventState)
	case stepInProgress:
		if d.events.tell(r, d, item, s, eventCancel) == 0 {
			w.Header().Set("Warning", warnedBy+"The performer of the work item is not connected; nobody was told.")
		}
	case stepCanceled:
		w.Header().Set("Warning", warnedBy+"The UPS is already in the requested state of CANCELED.")
	default:
		return inconsistent(w)
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
