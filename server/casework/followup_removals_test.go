package casework_test

import (
	"maps"
	"slices"
	"time"
)

// What judgement, acceptance, release, follow-up and feedback ask for since their
// documents have profiles and follow-up has a plan: how a case of either process
// can lack it.
var followUpRemovals = map[string][]removal{
	"judgements-follow": {
		put("Observation/j-form", "focus", nil), put("Observation/j-structure", "method", nil), put("Observation/j-process-legality", "component", nil),
		put("Observation/j-process-order", "effectiveDateTime", nil), put("Observation/j-fit", "valueCodeableConcept", concept("urn:tenon:verdict", "pass")),
	},
	// S16
	"acceptance-lists": {
		listed("device"), listed("design", "Composition/form"), listed("device", "Device/implant/_history/99"), listed("requirements", "DeviceRequest/order/_history/0"),
		listed("production-record", "Composition/history/_history/x"), listed("images"), listed("plan"), listed("label", "DocumentReference/ifu"),
	},
	"objects-accepted":       {decided("design", "rejected"), decided("device", "later")},
	"label-received":         {listed("label", "DocumentReference/label"), labelPart("site"), labelPart("image-date")},
	"third-party-laboratory": {thirdParty("Organization/hospital", "pass"), thirdParty("Organization/lab", "fail"), thirdParty("Organization/nobody", "pass")},
	// S17
	"followup-visits-planned":   {planned("scheduledTiming", obj{"repeat": obj{"count": 1}}), planned("scheduledTiming", obj{"repeat": obj{"frequency": 2}})},
	"followup-duration-planned": {put("CarePlan/followup", "period", obj{"start": "2026-03-01T08:00:00Z", "end": "2026-03-01T08:00:00Z"}), put("CarePlan/followup", "period", obj{"start": "2026-03-01"})},
	"followup-responsible": {
		put("CarePlan/followup", "author", ref(clin2.Principal)), put("CarePlan/followup", "author", nil), planned("performer", arr{ref(clin2.Principal)}), planned("performer", nil),
		put("CarePlan/followup", "subject", ref(other)),
	},
	"followup-like-type": {
		put("CarePlan/followup", "instantiatesCanonical", arr{"urn:hospital:plan:other"}), put("CarePlan/followup", "instantiatesCanonical", nil), firstActivityGone,
		planned("scheduledTiming", obj{"repeat": obj{"count": 1}}), longerReference, noReference,
	},
	// S18
	"used-in-hospital": {
		put("Procedure/use", "performer", arr{obj{"actor": ref(clin.Principal), "onBehalfOf": ref("Organization/another")}}),
		put("Procedure/use", "performer", arr{obj{"actor": ref(clin.Principal)}}), put("Procedure/use", "performer", nil),
	},
	"use-reported":          {put("DeviceUseStatement/usage", "device", ref("Device/another")), put("DeviceUseStatement/usage", "subject", ref(other)), drop("DeviceUseStatement/usage")},
	"planned-visits-made":   {planned("scheduledTiming", obj{"repeat": obj{"count": 3}}), put("Encounter/visit-2", "status", "cancelled")},
	"plan-followed-to-end":  {put("CarePlan/followup", "period", obj{"start": "2026-03-01", "end": "2026-12-31"}), both(futureVisit("visit-1"), futureVisit("visit-2"))},
	"planned-findings-made": {planned("code", concept("urn:tenon:followup", "pain"))},
	"harm-recorded":         {put("ClinicalImpression/harm", "finding", arr{obj{"itemCodeableConcept": concept("urn:tenon:harm", "mild")}})},
	"participation-answered": {
		invited("completed", des.Principal, nil), invited("rejected", prod.Principal, nil), invited("requested", des.Principal, arr{obj{"text": "seen"}}),
		invited("completed", clin2.Principal, arr{obj{"text": "seen"}}),
	},
	"record-covers": {
		recorded("visits", "Encounter/visit-1"), recorded("use"), recorded("findings", "Observation/f-strength-in-use"), recorded("harm"),
	},
	// S19
	"feedback-about":   {put("Communication/feedback", "about", arr{ref("Device/another")}), put("Communication/feedback", "about", nil)},
	"feedback-in-time": {put("Communication/feedback", "sent", "2026-04-20T08:00:00Z"), acknowledged("DES"), acknowledged("PROD"), put("Communication/feedback", "sent", nil)},
}

func init() {
	maps.Copy(removals, followUpRemovals)
	removals["imaged-after-use"] = []removal{
		put("Observation/f-shape-change", "derivedFrom", arr{ref("ImagingStudy/ct")}), put("Observation/f-shape-change", "derivedFrom", arr{ref("ImagingStudy/nowhere")}),
		put("ImagingStudy/after", "started", nil), put("Procedure/use", "performedDateTime", nil),
	}
}

// listed lets a section of the acceptance record list this and nothing else;
// recorded does so with the record of follow-up.
func listed(section string, refs ...string) removal {
	return inSection("Composition/acceptance", section, refs)
}

func recorded(section string, refs ...string) removal {
	return inSection("Composition/followup", section, refs)
}

func inSection(record, section string, refs []string) removal {
	return ofSection(record, section, func(s obj) {
		entries := arr{}
		for _, r := range refs {
			entries = append(entries, ref(r))
		}
		s["entry"] = entries
	})
}

func ofSection(record, section string, change func(s obj)) removal {
	return func(w *world) {
		w.alter(record, func(b obj) {
			for _, s := range b["section"].([]any) {
				if is("code", section)(s.(obj)) {
					change(s.(obj))
				}
			}
		})
	}
}

func decided(section, decision string) removal {
	return ofSection("Composition/acceptance", section, func(s obj) { s["extension"] = arr{ext("acceptance-decision", "valueCode", decision)} })
}

// thirdParty is a report by an organisation.
func thirdParty(by, outcome string) removal {
	return func(w *world) {
		r := as("third-party-report", passed("third-party", outcome, w))
		r["performer"] = arr{ref(by)}
		w.lay(r, clin.Principal)
		addOutput(w, "S16", "third-party-report", "DiagnosticReport/third-party")
	}
}

// planned sets an element of every activity of the plan of follow-up.
func planned(element string, value any) removal {
	return func(w *world) {
		w.alter("CarePlan/followup", func(b obj) {
			for _, a := range b["activity"].([]any) {
				detail := a.(obj)["detail"].(obj)
				if detail[element] = value; value == nil {
					delete(detail, element)
				}
			}
		})
	}
}

func firstActivityGone(w *world) {
	w.alter("CarePlan/followup", func(b obj) { b["activity"] = b["activity"].([]any)[1:] })
}

// references changes the reference plans of follow-up.
func references(w *world, change func(b obj)) {
	for _, r := range slices.Clone(w.directory) {
		if r.Type == "PlanDefinition" && r.Root.Path("type", "coding", "code").Str() == "followup-reference" {
			w.alterDirectory(r.Ref(), change)
		}
	}
}

func noReference(w *world) { references(w, func(b obj) { b["status"] = "retired" }) }

func longerReference(w *world) {
	references(w, func(b obj) {
		b["action"].([]any)[0].(obj)["timingTiming"] = obj{"repeat": obj{"count": 1, "boundsDuration": unit(60, "d")}}
	})
}

// invited is somebody who was asked to take part in follow-up.
func invited(status, who string, note arr) removal {
	return func(w *world) {
		task := obj{"resourceType": "Task", "id": "invited", "status": status, "intent": "order", "code": concept("urn:tenon:document", "participation"), "for": ref("Patient/p"),
			"requester": ref(clin.Principal), "owner": ref(who), "reasonCode": obj{"text": "screw"}, "restriction": obj{"period": obj{"end": "2026-05-01"}}}
		if note != nil {
			task["note"] = note
		}
		w.lay(task, clin.Principal)
		addOutput(w, "S18", "participation", "Task/invited")
	}
}

// acknowledged lets a role have acknowledged too late.
func acknowledged(role string) removal {
	return func(w *world) {
		w.signatures = slices.Clone(w.signatures)
		for i := range w.signatures {
			if s := &w.signatures[i]; s.Purpose == "acknowledgement" && string(s.Role) == role {
				s.When = s.When.Add(8 * 24 * time.Hour)
			}
		}
	}
}
