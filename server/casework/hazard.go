package casework

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"tenon/fhir/fhirpath"
)

// A document that a plan marks with a hazard (extension hazard, a FHIRPath
// expression over the document) reports a problem of the device by itself when
// the expression holds: skin that the socket hurts, pressure or pain after
// doffing (003: 5.4.1, 5.5.5). The server records it as a DetectedIssue, which
// opens the nonconformity like one that a person wrote.

// hazardous tells whether a document says what its plan calls a hazard. What
// cannot be judged is none: the conditions of the stage refuse it.
func (v *view) hazardous(d *Document, r *Resource) bool {
	if d.hazard == nil || r == nil {
		return false
	}
	ctx := &fhirpath.Context{Now: v.s.Now, Resolve: v.resolve, Vars: v.vars(), Data: &evaluation{view: v}}
	result, err := d.hazard.Eval(ctx, r.Root)
	yes, ok := result.Bool()
	return err == nil && ok && yes
}

// detectHazards records the hazards that the change brought.
func (d *decider) detectHazards() {
	for _, s := range d.plan.Stages {
		for i := range s.Outputs {
			doc := &s.Outputs[i]
			if doc.hazard == nil {
				continue
			}
			for _, r := range d.after.documents("output", s.Code, doc.Code) {
				if d.after.hazardous(doc, r) && !d.knownHazard(s, doc, r) {
					d.detect(r)
				}
			}
		}
	}
}

func (d *decider) knownHazard(s *Stage, doc *Document, r *Resource) bool {
	for _, was := range d.before.documents("output", s.Code, doc.Code) {
		if was.Ref() == r.Ref() && d.before.hazardous(doc, was) {
			return true
		}
	}
	return false
}

type (
	detected struct {
		ResourceType       string       `json:"resourceType"`
		ID                 string       `json:"id"`
		Extension          []caseMember `json:"extension"`
		Status             string       `json:"status"`
		Code               concept      `json:"code"`
		Severity           string       `json:"severity"`
		Patient            *reference   `json:"patient,omitempty"`
		IdentifiedDateTime string       `json:"identifiedDateTime"`
		Implicated         []reference  `json:"implicated"`
		Evidence           []evidence   `json:"evidence"`
		Detail             string       `json:"detail"`
	}
	evidence struct {
		Detail []reference `json:"detail"`
	}
)

// detect writes a DetectedIssue about what the patient wears and quarantines it.
// Its id follows from the version that shows the hazard, so that the Task of the
// nonconformity can name it.
func (d *decider) detect(r *Resource) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/_history/%d", r.Ref(), r.Version))
	problem := &Resource{Type: "DetectedIssue", ID: fmt.Sprintf("%x", sum[:16])}
	issue := detected{
		ResourceType: "DetectedIssue", ID: problem.ID, Extension: []caseMember{{extensionPrefix + "case", reference{d.after.root.Ref()}}}, Status: "preliminary",
		Code: concept{Text: "Hazard 危害"}, Severity: "high", Patient: to(d.after.patient), IdentifiedDateTime: instant(d.after.s.Now),
		Evidence: []evidence{{[]reference{{r.Ref()}}}}, Detail: r.Ref() + " shows a hazard to the patient.",
	}
	devices := d.after.worn()
	for _, device := range devices {
		issue.Implicated = append(issue.Implicated, reference{device.Ref()})
	}
	if len(devices) == 0 {
		return
	}
	body, err := json.Marshal(issue)
	if err != nil {
		panic("casework: " + err.Error())
	}
	d.effects = append(d.effects, Effect{Update: body})
	for _, device := range devices {
		d.quarantine(device, problem)
	}
}

// worn are the devices of the case that are no part of another one and may still
// be used.
func (v *view) worn() []*Resource {
	var all []*Resource
	for _, device := range v.devices() {
		if endedAs(device) == "" && referenceOf(device.Root.Field("parent")) == "" {
			all = append(all, device)
		}
	}
	return all
}
