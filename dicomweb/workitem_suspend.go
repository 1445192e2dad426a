package dicomweb

import (
	"fmt"
	"net/http"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// suspend answers POST /workitems/{global UID}/subscribers/{title}/suspend: what is
// created from now on is told no more, what is there still is. The global
// subscription becomes one for each work item that it is for and that has not
// ended.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_11.12
func (d *Door) suspend(w http.ResponseWriter, r *request) error {
	if err := r.who.Permit(access.Read, "Task"); err != nil {
		return err
	}
	uid := r.PathValue("workitem")
	if d.o.Workitems == nil {
		return absent()
	}
	if uid != globalSubscription && uid != filteredSubscription {
		return issue.Errorf(issue.Invalid, "Only the subscriptions to %s and %s are suspended.", globalSubscription, filteredSubscription).Rule("subscription").WithStatus(http.StatusBadRequest)
	}
	list, err := d.o.Workitems.Subscriptions(r.Context(), r.who.Principal, r.PathValue("title"))
	if err != nil {
		return fmt.Errorf("dicomweb: subscriptions: %w", err)
	}
	var global *index.Subscriber
	for _, s := range list {
		if s.Workitem == uid {
			global = s
		}
	}
	if global == nil {
		return absent()
	}
	if err := d.audit(r, "workitem-suspend", "workitem/"+uid, ""); err != nil {
		return err
	}
	for _, state := range []string{stepScheduled, stepInProgress} {
		if err := d.subscribeEach(r, global, state); err != nil {
			return err
		}
	}
	if _, err := d.o.Workitems.Unsubscribe(r.Context(), global); err != nil {
		return fmt.Errorf("dicomweb: subscription: %w", err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// subscribeEach subscribes to the work items in a state that a global subscription
// is for.
func (d *Door) subscribeEach(r *request, global *index.Subscriber, state string) error {
	q, err := queryOf(global)
	if err != nil {
		return err
	}
	const page = 500
	behind := [2]string{}
	for seen := 0; seen < mostSteps; seen += page {
		list, err := d.o.Workitems.Workitems(r.Context(), r.who.Reach(), index.WorkitemQuery{State: state}, behind, page)
		if err != nil {
			return fmt.Errorf("dicomweb: work items: %w", err)
		}
		for _, item := range list {
			behind = [2]string{item.Scheduled, item.UID}
			s, err := d.stepOf(item)
			if err != nil {
				return err
			}
			if !q.meets(s) {
				continue
			}
			one := &index.Subscriber{Principal: global.Principal, Title: global.Title, Workitem: item.UID, Locked: global.Locked}
			if err := d.o.Workitems.Subscribe(r.Context(), one); err != nil {
				return fmt.Errorf("dicomweb: subscription: %w", err)
			}
		}
		if len(list) < page {
			return nil
		}
	}
	return nil
}
