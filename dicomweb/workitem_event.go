package dicomweb

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// Subscriptions to work items, and the channel of events. An AE title is a name of
// the principal that uses it: no other one is told under it, and what is out of
// reach when it happens is not told at all. Events go to the channels that are
// open on this server; what happens while none is open is not kept.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_11.10
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.10

// UIDs of the global subscriptions (PS3.4 §CC.2.3).
const (
	globalSubscription   = "1.2.840.10008.5.1.4.34.5"
	filteredSubscription = "1.2.840.10008.5.1.4.34.5.1"
)

// Kinds of events (PS3.4 table CC.2.4-1).
const (
	eventState    = 1
	eventCancel   = 2
	eventProgress = 3
	eventAssigned = 5
)

// Attributes of events.
const (
	stepStation    dicom.Tag = 0x00404025 // Scheduled Station Name Code Sequence
	stepPerformers dicom.Tag = 0x00404034 // Scheduled Human Performers Sequence
	stepProgress   dicom.Tag = 0x00741002 // Procedure Step Progress Information Sequence
)

// subscribe answers POST and DELETE /workitems/{uid}/subscribers/{title}.
func (d *Door) subscribe(w http.ResponseWriter, r *request) error {
	if err := r.who.Permit(access.Read, "Task"); err != nil {
		return err
	}
	s, err := d.subscription(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodDelete {
		found, err := d.o.Workitems.Unsubscribe(r.Context(), s)
		if err == nil && !found {
			err = absent()
		}
		return err
	}
	if err := d.audit(r, "workitem-subscribe", "workitem/"+s.Workitem, ""); err != nil {
		return err
	}
	if err := d.o.Workitems.Subscribe(r.Context(), s); err != nil {
		return fmt.Errorf("dicomweb: subscription: %w", err)
	}
	w.Header().Set("Content-Location", "ws"+strings.TrimPrefix(r.base, "http")+"/subscribers/"+s.Title)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// subscription reads what the URL says; a work item must be in reach.
func (d *Door) subscription(r *request) (*index.Subscriber, error) {
	s := &index.Subscriber{Principal: r.who.Principal, Title: r.PathValue("title"), Workitem: r.PathValue("workitem")}
	if d.o.Workitems == nil {
		return nil, absent()
	}
	if s.Title == "" || len(s.Title) > 16 || strings.ContainsFunc(s.Title, func(c rune) bool { return c < ' ' || c > '~' || c == '\\' }) {
		return nil, issue.Errorf(issue.Invalid, "%.20q is no AE title: 1 to 16 printable characters of ASCII, no backslash.", s.Title).Rule("title").WithStatus(http.StatusBadRequest)
	}
	given, err := r.parameters()
	if err != nil {
		return nil, err
	}
	for name, values := range given {
		switch v := values[0]; {
		case name == "deletionlock" && (v == "true" || v == "false"):
			s.Locked = v == "true"
		case name == "filter" && s.Workitem == filteredSubscription && len(v) <= 2048:
			s.Filter = v
		default:
			return nil, unknownParameter(name)
		}
	}
	if _, err := queryOf(s); err != nil {
		return nil, err
	}
	if s.Workitem != globalSubscription && s.Workitem != filteredSubscription && r.Method != http.MethodDelete {
		_, _, err = d.workitem(r, access.Read)
	}
	return s, err
}

// queryOf reads the filter of a filtered global subscription.
func queryOf(s *index.Subscriber) (*stepQuery, error) {
	values, err := url.ParseQuery(strings.ReplaceAll(s.Filter, ",", "&"))
	if err != nil {
		return nil, badStep("the filter is no query")
	}
	return readStepQuery(values)
}

// channelOf answers GET /subscribers/{title}: the channel of events.
func (d *Door) channelOf(w http.ResponseWriter, r *request) error {
	if d.o.Stream == nil || d.o.Workitems == nil {
		return absent()
	}
	if err := r.who.Permit(access.Read, "Task"); err != nil {
		return err
	}
	c := &channel{title: r.PathValue("title"), r: r}
	list, err := d.o.Workitems.Subscriptions(r.Context(), r.who.Principal, c.title)
	if err != nil {
		return fmt.Errorf("dicomweb: subscriptions: %w", err)
	}
	if len(list) == 0 {
		return absent()
	}
	if !d.events.add(c) {
		return issue.Errorf(issue.Throttled, "Too many channels are open.").Rule("channels").WithStatus(http.StatusServiceUnavailable)
	}
	defer d.events.drop(c)
	stream, err := d.o.Stream(w, r.Request)
	if err != nil {
		return nil //nolint:nilerr // answered
	}
	defer stream.Close()
	if c.begin(context.WithoutCancel(r.Context()), stream) {
		<-stream.Done()
	}
	return nil
}

// tell sends an event to the channels that are subscribed, and says to how many.
// Each is asked anew who it is and what it reaches. One that cannot be told is
// closed, so that its client knows that it has missed something.
func (e *events) tell(r *request, d *Door, item *index.Workitem, s step, kind int64) (told int) {
	number := e.next()
	ctx := context.WithoutCancel(r.Context())
	for _, c := range e.list() {
		who, err := d.o.Caller(c.r.Request)
		if err != nil || who == nil || who.Principal != c.r.who.Principal || who.Tenant != r.who.Tenant {
			c.close()
			continue
		}
		if wanted, err := d.subscribed(ctx, who, c.title, item, s); err != nil {
			d.o.Log(ctx, "dicomweb events", err)
			c.close()
		} else if wanted && c.send(ctx, report(item, s, kind, number)) == nil {
			told++
		} else if wanted {
			c.close()
		}
	}
	return told
}

// subscribed tells whether a title is to be told of a work item.
func (d *Door) subscribed(ctx context.Context, who *access.Context, title string, item *index.Workitem, s step) (bool, error) {
	if !who.Permits(access.Read, "Task") {
		return false, nil
	}
	list, err := d.o.Workitems.Subscriptions(ctx, who.Principal, title)
	if err != nil {
		return false, err
	}
	wanted := false
	for _, one := range list {
		switch one.Workitem {
		case item.UID, globalSubscription:
			wanted = true
		case filteredSubscription:
			q, err := queryOf(one)
			seen, unseen := d.seenItem(ctx, who, item, s)
			if unseen != nil {
				return false, unseen
			}
			wanted = wanted || err == nil && q.meets(seen)
		}
	}
	if !wanted {
		return false, nil
	}
	reached, err := d.o.Workitems.Workitems(ctx, who.Reach(), index.WorkitemQuery{UIDs: []string{item.UID}}, [2]string{}, 1)
	return len(reached) > 0, err
}

// report is the data set of an event (PS3.18 §8.10.5).
func report(item *index.Workitem, s step, kind, number int64) []byte {
	var j objectWriter
	j.begin()
	j.element(0x00000002, dicom.UI, dicom.AppendString(nil, "1.2.840.10008.5.1.4.34.6.4")) // UPS Event
	j.element(0x00000100, dicom.US, []byte("256"))
	j.element(0x00000110, dicom.US, fmt.Append(nil, number&0xFFFF))
	j.element(0x00001000, dicom.UI, dicom.AppendString(nil, item.UID))
	j.element(0x00001002, dicom.US, fmt.Append(nil, kind))
	for _, of := range []struct {
		kind int64
		tag  dicom.Tag
	}{{eventAssigned, stepStation}, {eventAssigned, stepPerformers}} {
		if a := s[of.tag.String()]; a != nil && kind == of.kind {
			raw, _ := marshal(a) // JSON before
			j.raw(of.tag, raw)
		}
	}
	j.text(stepReadiness, s.text(stepReadiness))
	j.text(stepState, item.State)
	if a := s[stepProgress.String()]; a != nil && kind == eventProgress {
		raw, _ := marshal(a) // JSON before
		j.raw(stepProgress, raw)
	}
	if reason := s.text(stepCancelReason); reason != "" && kind != eventProgress {
		j.text(stepCancelReason, reason)
	}
	j.end()
	return j.out
}
