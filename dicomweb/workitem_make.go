package dicomweb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
)

// newItem is what a new work item rests on.
type newItem struct {
	uid, patient, task string
	order              *imagingOrder
	subject            *subject
}

// newWorkitem reads the parameters of a creation.
func (d *Door) newWorkitem(r *request) (*newItem, error) {
	given, err := r.parameters()
	if err != nil {
		return nil, err
	}
	n := &newItem{subject: &subject{door: d, r: r, seen: map[string]finding{}}}
	for name, values := range given {
		switch {
		case len(values) != 1:
			return nil, unknownParameter(name)
		case name == "workitem" || name == "AffectedSOPInstanceUID":
			n.uid = values[0]
		case name == "request" || name == "patient" || name == "task":
		case validUID(name) && values[0] == "": // POST /workitems?1.2.3
			n.uid = name
		default:
			return nil, unknownParameter(name)
		}
	}
	if n.subject.patient, err = n.subject.named("patient", "Patient"); err != nil {
		return nil, err
	}
	if n.task, err = n.subject.named("task", "Task"); err != nil {
		return nil, err
	}
	ref, err := n.subject.named("request", "ServiceRequest")
	if err != nil || ref == "" {
		return n, err
	}
	v, err := d.o.Records.Read(r.Context(), r.who, "ServiceRequest", strings.TrimPrefix(ref, "ServiceRequest/"))
	if err != nil {
		return nil, err
	}
	if n.order, err = d.orderOf(r.Context(), r.who, v.ID, v.Body); err != nil {
		return nil, err
	}
	if n.order.Modality == "" {
		return nil, issue.Errorf(issue.BusinessRule, "%s is no imaging order: its code is no modality of %s.", ref, systemDCM).At("request").Rule("workitem-order").WithStatus(http.StatusUnprocessableEntity)
	}
	if n.task == "" {
		n.task = n.order.Task
	}
	return n, nil
}

// complete fills the data set from the order and judges it (PS3.4 table CC.2.5-3).
func (d *Door) complete(r *request, n *newItem, s step) error {
	if n.order != nil {
		n.order.fill(s)
	}
	for _, t := range []dicom.Tag{dicom.SOPInstanceUID} {
		if told := s.text(t); n.uid == "" {
			n.uid = told
		} else if told != "" && told != n.uid {
			return badStep("SOPInstanceUID (0008,0018) is not the UID of the URL")
		}
	}
	if n.uid == "" {
		n.uid = uidFrom("workitem|" + uuid.NewString())
	}
	if !validUID(n.uid) {
		return badStep("its UID is none")
	}
	if state := s.text(stepState); state != stepScheduled && (state != "" || n.order == nil) {
		return badStep("ProcedureStepState (0074,1000) of a new work item is SCHEDULED")
	}
	if s.text(stepTransaction) != "" {
		return badStep("TransactionUID (0008,1195) of a new work item has no value")
	}
	for _, c := range []struct {
		tag  dicom.Tag
		name string
	}{{stepPriority, "ScheduledProcedureStepPriority"}, {stepLabel, "ProcedureStepLabel"}, {stepStart, "ScheduledProcedureStepStartDateTime"}, {stepReadiness, "InputReadinessState"}} {
		if s.text(c.tag) == "" {
			return badStep(c.name + " " + c.tag.String() + " has no value")
		}
	}
	if p := s.text(stepPriority); p != "HIGH" && p != "MEDIUM" && p != "LOW" {
		return badStep("ScheduledProcedureStepPriority (0074,1200) is none of HIGH, MEDIUM, LOW")
	}
	delete(s, stepTransaction.String())
	delete(s, dicom.CharacterSet.String())
	s.set(dicom.SOPClassUID, classPush)
	s.set(dicom.SOPInstanceUID, n.uid)
	return d.concerns(n, s)
}

// concerns finds whose the work item is: the order's patient, or who is known by
// the Patient ID.
func (d *Door) concerns(n *newItem, s step) error {
	if n.order != nil {
		if p := n.subject.patient; p != "" && p != n.order.Patient {
			return badStep("the order is for another patient")
		}
		if id := s.text(dicom.PatientID); id != n.order.PatientID {
			return badStep("PatientID (0010,0020) is not that of the patient of the order")
		}
		n.patient = n.order.Patient
		return nil
	}
	patient, refused, err := n.subject.of(s.text(dicom.PatientID), s.text(0x00100021))
	if err != nil {
		return err
	}
	if refused != nil {
		return badStep(refused.text)
	}
	n.patient = patient
	return nil
}

// fill writes what the order says where the request says nothing.
func (o *imagingOrder) fill(s step) {
	put := func(t dicom.Tag, values ...any) {
		if s[t.String()] == nil && len(values) > 0 && values[0] != "" {
			s.set(t, values...)
		}
	}
	item := func(values map[dicom.Tag]string) map[string]any {
		m := map[string]any{}
		for t, v := range values {
			if v != "" {
				d, _ := dicom.Lookup(t)
				m[t.String()] = map[string]any{"vr": d.VR.String(), "Value": []string{v}}
			}
		}
		return m
	}
	if o.PatientName != "" {
		put(dicom.PatientName, groups(o.PatientName))
	}
	put(dicom.PatientID, o.PatientID)
	put(0x00100030, o.BirthDate)
	put(0x00100040, o.Sex)
	put(dicom.StudyInstanceUID, o.StudyUID)
	put(0x00404018, item(map[dicom.Tag]string{0x00080100: o.Modality, 0x00080102: "DCM", 0x00080104: o.Description}))
	put(0x0040A370, item(map[dicom.Tag]string{dicom.StudyInstanceUID: o.StudyUID, 0x00080050: o.Accession, 0x00401001: o.ProcedureID, 0x00321060: o.Description}))
	if s[stepStation.String()] == nil && o.Stations != "" {
		var items []any
		for t := range strings.SplitSeq(o.Stations, `\`) {
			items = append(items, code(t, "L", t))
		}
		s.set(stepStation, items...)
	}
	put(stepPriority, o.Priority)
	put(stepLabel, o.Description)
	put(0x00741202, "imaging")
	put(stepStart, o.Start)
	put(stepReadiness, "READY")
}

// taskStatus are the states as a Task tells them.
var taskStatus = map[string]string{stepScheduled: "requested", stepInProgress: "in-progress", stepCompleted: "completed", stepCanceled: "cancelled"}

// taskOf makes the next version of the Task of a work item.
// https://hl7.org/fhir/R4/task.html
func (d *Door) taskOf(r *request, item *index.Workitem, s step, made *newItem) ([]byte, error) {
	o := map[string]json.RawMessage{}
	put := func(name string, v any) {
		raw, _ := marshal(v) // texts
		o[name] = raw
	}
	if made == nil {
		v, err := d.o.Records.Read(r.Context(), r.who, "Task", item.Resource)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(v.Body, &o); err != nil {
			return nil, fmt.Errorf("dicomweb: stored Task: %w", err)
		}
		delete(o, "meta")
	} else {
		put("resourceType", "Task")
		put("id", item.Resource)
		put("identifier", []object{{"system": systemUID, "value": "urn:oid:" + item.UID}})
		put("intent", "order")
		put("for", reference{item.Patient})
		if made.order != nil {
			put("basedOn", []reference{{made.order.Ref}})
		}
		if made.task != "" {
			put("extension", []object{{"url": extensionCase, "valueReference": reference{made.task}}})
		}
	}
	put("status", taskStatus[item.State])
	put("description", s.text(stepLabel))
	if reason := s.text(stepCancelReason); reason != "" && item.State == stepCanceled {
		put("statusReason", object{"text": reason})
	}
	if item.State == stepCompleted {
		if output, err := d.outputs(r, s); err != nil {
			return nil, err
		} else if output != nil {
			put("output", output)
		}
	}
	return render(o)
}

// outputs are the studies that were made, as far as they are stored here.
func (d *Door) outputs(r *request, s step) ([]object, error) {
	var performed []struct {
		Output struct {
			Value []struct {
				Study struct{ Value []string } `json:"0020000D"`
			}
		} `json:"00404033"`
	}
	if a := s[stepPerformed.String()]; a != nil {
		raw, err := json.Marshal(a.Value)
		if err != nil {
			return nil, err
		}
		if json.Unmarshal(raw, &performed) != nil {
			return nil, badStep("UnifiedProcedureStepPerformedProcedureSequence (0074,1216) is none")
		}
	}
	var list []object
	seen := map[string]bool{}
	for _, p := range performed {
		for _, o := range p.Output.Value {
			for _, uid := range o.Study.Value {
				if seen[uid] || !validUID(uid) {
					continue
				}
				seen[uid] = true
				study, err := d.o.Index.Standing(r.Context(), r.who.Reach(), uid)
				if err != nil {
					return nil, fmt.Errorf("dicomweb: index: %w", err)
				}
				if study != nil {
					list = append(list, object{"type": object{"text": "images"}, "valueReference": reference{"ImagingStudy/" + study.Resource}})
				}
			}
		}
	}
	return list, nil
}
