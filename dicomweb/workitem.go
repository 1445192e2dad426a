package dicomweb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// UPS-RS: work items of the Unified Procedure Step.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_11
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#chapter_CC
//
//	          state, with a Transaction UID           state, with that UID
//	SCHEDULED ─────────────────────────────▶ IN PROGRESS ─────┬──▶ COMPLETED
//	     │ cancelrequest                     (who knows the   └──▶ CANCELED
//	     └──────────▶ CANCELED                UID may update)
//
// A work item has a Task, written in the same unit: its reach is that of the Task,
// its history and its audit are those of the record, and in a case it is a member
// like any document. What it is made of is an imaging order (ServiceRequest) of
// the case: POST /workitems?request=ServiceRequest/{id}.

// States of a work item.
const (
	stepScheduled  = "SCHEDULED"
	stepInProgress = "IN PROGRESS"
	stepCompleted  = "COMPLETED"
	stepCanceled   = "CANCELED"
)

// Attributes that the service itself rules.
const (
	stepState        dicom.Tag = 0x00741000
	stepTransaction  dicom.Tag = 0x00081195
	stepPriority     dicom.Tag = 0x00741200
	stepLabel        dicom.Tag = 0x00741204
	stepStart        dicom.Tag = 0x00404005
	stepReadiness    dicom.Tag = 0x00404041
	stepPerformed    dicom.Tag = 0x00741216
	stepModified     dicom.Tag = 0x00404010
	stepCancelReason dicom.Tag = 0x00741238
	classPush                  = "1.2.840.10008.5.1.4.34.6.1" // UPS Push
)

// maxWorkitem bounds the data set of a request.
const maxWorkitem = 1 << 20

// step is the data set of a work item.
type step map[string]*stepAttribute

type stepAttribute struct {
	VR           string            `json:"vr"`
	Value        []json.RawMessage `json:"Value,omitempty"`
	InlineBinary string            `json:"InlineBinary,omitempty"`
	BulkDataURI  string            `json:"BulkDataURI,omitempty"`
}

// text is the first value of an attribute, as text.
func (s step) text(t dicom.Tag) string {
	a := s[t.String()]
	if a == nil || len(a.Value) == 0 {
		return ""
	}
	var v string
	if json.Unmarshal(a.Value[0], &v) != nil {
		return strings.Trim(string(a.Value[0]), `"`)
	}
	return v
}

func (s step) set(t dicom.Tag, values ...any) {
	d, _ := dicom.Lookup(t)
	a := &stepAttribute{VR: d.VR.String()}
	for _, v := range values {
		raw, _ := marshal(v) // texts and maps of texts
		a.Value = append(a.Value, raw)
	}
	s[t.String()] = a
}

// readStep reads the data set of a request: one object, or an array with one.
func readStep(r *request, required bool) (step, error) {
	body, err := stepBody(r)
	if err != nil {
		return nil, err
	}
	if len(strings.TrimSpace(string(body))) == 0 && !required {
		return step{}, nil
	}
	var list []step
	if json.Unmarshal(body, &list) != nil {
		var one step
		if err := json.Unmarshal(body, &one); err != nil {
			return nil, badStep("the body is no data set of the DICOM JSON model")
		}
		list = []step{one}
	}
	if len(list) != 1 || list[0] == nil {
		return nil, badStep("the body is one data set")
	}
	for name, a := range list[0] {
		if t, ok := dicom.ParseTag(name); !ok || a == nil || t.String() != name || t.Group() == 2 {
			return nil, badStep(fmt.Sprintf("%.20q is no attribute of the DICOM JSON model", name))
		}
	}
	return list[0], nil
}

// stepBody is the body of a request in the DICOM JSON model; XML is read as such,
// alone or as the only part of a message.
func stepBody(r *request) ([]byte, error) {
	m, body := parseMedia(r.Header.Get("Content-Type")), io.Reader(r.Body)
	var parts *multipart.Reader
	if m.isMultipart() && isModel(m.part().name) {
		boundary, err := boundaryOf(m)
		if err != nil {
			return nil, err
		}
		parts = multipart.NewReader(r.Body, boundary)
		p, err := parts.NextRawPart()
		if err != nil {
			return nil, badStep("the multipart body cannot be read; check the boundary and its end")
		}
		body, m = p, parseMedia(p.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(io.LimitReader(body, maxWorkitem+1))
	switch {
	case err != nil:
		return nil, badStep("the body breaks off")
	case len(text) > maxWorkitem:
		return nil, issue.Errorf(issue.TooLong, "A work item has %d bytes at most.", maxWorkitem).Rule("workitem-size")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, nil
	}
	if parts != nil {
		if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
			return nil, badStep("the message has more than one part, or breaks off")
		}
	}
	switch m.name {
	case dicomXML:
		return modelOfXML(text)
	case dicomJSON, "application/json":
		return text, nil
	}
	return nil, issue.Errorf(issue.NotSupported, "Content-Type %q is not taken here; application/dicom+json and application/dicom+xml are.", r.Header.Get("Content-Type")).
		At("Content-Type").Rule("media-type").Clause("R000-014").WithStatus(http.StatusUnsupportedMediaType)
}

func badStep(text string) *issue.Failure {
	return issue.Errorf(issue.Invalid, "The work item cannot be taken: %s.", text).Rule("workitem").WithStatus(http.StatusBadRequest)
}

// workitem finds what the URL names, in reach for a verb.
func (d *Door) workitem(r *request, v access.Verb) (*index.Workitem, step, error) {
	uid := r.PathValue("workitem")
	if d.o.Workitems == nil {
		return nil, nil, absent()
	}
	if !validUID(uid) {
		return nil, nil, issue.Errorf(issue.Invalid, "%q is no UID: digits and dots, at most 64 characters.", uid).Rule("uid").WithStatus(http.StatusBadRequest)
	}
	list, err := d.o.Workitems.Workitems(r.Context(), r.who.ReachTo(v), index.WorkitemQuery{UIDs: []string{uid}}, [2]string{}, 1)
	if err != nil {
		return nil, nil, fmt.Errorf("dicomweb: work items: %w", err)
	}
	if len(list) == 0 {
		return nil, nil, absent()
	}
	s, err := d.stepOf(list[0])
	return list[0], s, err
}

// changing finds the work item that the URL names, for who may change it, and reads
// the data set of the request.
func (d *Door) changing(r *request, required bool) (item *index.Workitem, s, asked step, err error) {
	if err = r.who.Allow(access.Update, "Task"); err == nil {
		item, s, err = d.workitem(r, access.Update)
	}
	if err == nil {
		asked, err = readStep(r, required)
	}
	return item, s, asked, err
}

func (d *Door) stepOf(w *index.Workitem) (step, error) {
	text, err := d.codec.unpack(nil, w.Body)
	if err != nil {
		return nil, err
	}
	s := step{}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("dicomweb: stored work item: %w", err)
	}
	return s, nil
}

// createWorkitem answers POST /workitems[?workitem={uid}][&request=ServiceRequest/{id}].
func (d *Door) createWorkitem(w http.ResponseWriter, r *request) error {
	if d.o.Workitems == nil {
		return absent()
	}
	if err := r.who.Allow(access.Create, "Task"); err != nil {
		return err
	}
	given, err := d.newWorkitem(r)
	if err != nil {
		return err
	}
	s, err := readStep(r, given.order == nil)
	if err != nil {
		return err
	}
	if err := d.complete(r, given, s); err != nil {
		return err
	}
	item := &index.Workitem{UID: given.uid, Resource: workitemTask(r, given.uid), Patient: given.patient, State: stepScheduled}
	if err := d.putWorkitem(r, item, s, given); err != nil {
		if contended(err) {
			return issue.Errorf(issue.Conflict, "There is a work item of this UID already.").Rule("workitem-exists").WithStatus(http.StatusConflict)
		}
		return err
	}
	d.events.tell(r, d, item, s, eventState)
	w.Header().Set("Location", r.base+"/workitems/"+given.uid)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// workitemTask derives the id of the Task from the UID.
func workitemTask(r *request, uid string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(tenantOf(r.who)+"|workitem|"+uid)).String()
}

// putWorkitem writes the data set and the next version of the Task in one unit;
// made is what a new one rests on.
func (d *Door) putWorkitem(r *request, item *index.Workitem, s step, made *newItem) error {
	s.set(stepState, item.State)
	s.set(stepModified, d.o.Clock().UTC().Format("20060102150405.000000")+"+0000")
	item.Scheduled = s.text(stepStart)
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	item.Body = d.codec.pack(text)
	op := record.Op{Method: "PUT", Type: "Task", ID: item.Resource, IfMatch: strconv.FormatInt(item.Version, 10)}
	if op.Body, err = d.taskOf(r, item, s, made); err != nil {
		return err
	}
	_, err = d.o.Records.Submit(r.Context(), r.who, &record.Draft{Door: r.name(), Operation: "workitem", Ops: []record.Op{op}, Rows: []any{item}})
	if err == nil {
		item.Version++
	}
	return err
}

// retrieveWorkitem answers GET /workitems/{uid}. The Transaction UID is never told.
func (d *Door) retrieveWorkitem(w http.ResponseWriter, r *request) error {
	if err := r.who.Permit(access.Read, "Task"); err != nil {
		return err
	}
	item, s, err := d.workitem(r, access.Read)
	if err != nil {
		return err
	}
	form := wantedModel(r)
	if form == noModel {
		return notAcceptable(stepForms)
	}
	if s, err = d.seenItem(r.Context(), r.who, item, s); err != nil {
		return err
	}
	if err := d.audit(r, "workitem-read", "Task/"+item.Resource, item.Patient); err != nil {
		return err
	}
	return writeSteps(w, []step{s}, form)
}

// seenItem is the data set of a work item without what the caller does not see of
// its patient.
func (d *Door) seenItem(ctx context.Context, who *access.Context, item *index.Workitem, s step) (step, error) {
	if item.Patient == "" {
		return s, nil
	}
	v, err := d.veilOf(ctx, who, item.Patient)
	if v == nil || err != nil {
		return s, err
	}
	text, err := marshal(s)
	if err == nil {
		text, err = v.clean(text)
	}
	if err != nil {
		return nil, err
	}
	seen := step{}
	return seen, json.Unmarshal(text, &seen)
}

const stepForms = "work items are application/dicom+json or multipart/related; type=\"application/dicom+xml\""

// writeSteps answers an array of JSON, or a part of XML for each work item.
func writeSteps(w http.ResponseWriter, list []step, form model) error {
	if form == xmlModel {
		out := newParts(w, dicomXML)
		for _, s := range list {
			object, err := marshal(s)
			var document []byte
			if err == nil {
				document, err = dicom.AppendXML(nil, object)
			}
			if err == nil {
				err = out.part(dicomXML, "", int64(len(document)), bytes.NewReader(document))
			}
			if err != nil {
				return out.end(err)
			}
		}
		return out.end(nil)
	}
	body, err := marshal(list)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", dicomJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return ignore(err)
}

// fixed are attributes that an update may not name (PS3.4 table CC.2.5-3).
var fixed = []dicom.Tag{stepState, stepTransaction, dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.PatientID, dicom.PatientName}

// updateWorkitem answers POST /workitems/{uid}[?transaction-uid=].
func (d *Door) updateWorkitem(w http.ResponseWriter, r *request) error {
	item, s, changes, err := d.changing(r, true)
	if err != nil {
		return err
	}
	given, err := r.parameters()
	if err != nil {
		return err
	}
	for _, t := range fixed {
		if changes[t.String()] != nil {
			return badStep(t.String() + " is not changed by an update")
		}
	}
	transaction := given.Get("transaction-uid")
	if transaction == "" {
		transaction = given.Get("transaction")
	}
	switch item.State {
	case stepInProgress:
		if err := locked(w, item, transaction); err != nil {
			return err
		}
	case stepScheduled:
		if transaction != "" {
			return inconsistent(w)
		}
	default:
		return inconsistent(w)
	}
	for name, a := range changes {
		s[name] = a
	}
	if err := d.putWorkitem(r, item, s, nil); err != nil {
		return err
	}
	d.events.tell(r, d, item, s, eventProgress)
	if changes[stepStation.String()] != nil || changes[stepPerformers.String()] != nil {
		d.events.tell(r, d, item, s, eventAssigned)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

const warnedBy = `299 tenon: `

// locked refuses who does not know the UID that locks the work item.
func locked(w http.ResponseWriter, item *index.Workitem, transaction string) error {
	text := "The Transaction UID is incorrect."
	switch transaction {
	case "":
		text = "The Transaction UID is missing."
	case item.Transaction:
		return nil
	}
	w.Header().Set("Warning", warnedBy+text)
	return badStep(text).Rule("workitem-transaction")
}

func inconsistent(w http.ResponseWriter) error {
	const text = "The submitted request is inconsistent with the current state of the Target Workitem."
	w.Header().Set("Warning", warnedBy+text)
	return issue.Errorf(issue.Conflict, text).Rule("workitem-state").WithStatus(http.StatusConflict).Chinese("请求与工作项当前状态不符。")
}
