package casework_test

import (
	"maps"
	"slices"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
)

// What judgement, acceptance and release ask for since the server computes the
// verdicts itself: how a case can lack it.
func init() {
	maps.Copy(removals, map[string][]removal{
		"judged-by-attending": {signedByColleague("DiagnosticReport/device-judgement", "judgement-report"), signedByColleague("DiagnosticReport/process-judgement", "judgement-report")},
		"accuracy-computed": {
			reads("m-thickness", "3.11", "mm"), reads("m-thickness", "2.89", "mm"), reads("m-thickness", "0.311", "cm"), reads("m-thickness", "3", "mm"),
			reads("m-thickness", "3.02", "s"), put("Observation/m-thickness", "valueQuantity", obj{"value": 3.02, "unit": "mm"}),
			put("Observation/m-thickness", "extension", arr{ext("resolution", "valueQuantity", quantity("0.2", "mm"))}), put("Observation/m-thickness", "extension", nil),
			put("Observation/m-thickness", "status", "preliminary"), put("Observation/m-thickness", "subject", ref("Device/another")), put("Observation/m-thickness", "subject", ref(other)),
			uncited("m-thickness"), orderedAs("dimension", "valueRange", nil), orderedAs("dimension", "code", figured("dimension", "length")), keyOfDesign,
			cut("DeviceRequest/order", "parameter", is("code", "dimension")),
		},
		"fit-judged": {
			put("Observation/j-fit", "code", obj{"text": "x"}), put("Observation/j-fit", "method", nil), put("Observation/j-fit", "performer", arr{ref(clin2.Principal)}),
			put("Observation/j-fit", "performer", arr{ref(des.Principal)}), authoredBy("Observation/j-fit", des), uncited("j-fit"),
			put("Observation/j-fit", "valueCodeableConcept", concept("urn:tenon:verdict", "nonconform")), put("Observation/j-fit", "valueCodeableConcept", obj{"text": "fine"}),
		},
		"shrinkage-computed": {
			shrinking("3.30", "4", "1", "9"), shrinking("3.00", "4", "1", "5"), shrinking("3.02", "4", "0", "5"), shrinking("3.125", "4", "5", "9"), shrinking("3.125", "100", "1", "5"), shrinking("", "4", "1", "5"),
			shrinking("3.125", "", "1", "5"), both(shrinking("3.125", "4", "1", "5"), cut("DeviceRequest/order", "parameter", is("code", "shrinkage-min-range"))),
			both(shrinking("3.125", "4", "1", "5"), reads("m-thickness", "3.12", "mm")), both(shrinking("3.125", "4", "1", "5"), measuredShrinkage("7", "%")),
			both(shrinking("3.125", "4", "1", "5"), measuredShrinkage("2", "mm")),
		},
		"surface-computed": {
			reads("m-roughness", "6.4", "um"), reads("m-roughness", "0.0064", "mm"), uncited("m-roughness"), put("Observation/m-roughness", "code", obj{"text": "x"}),
			orderedAs("roughness", "valueRange", obj{"low": quantity("6", "um"), "high": quantity("7", "um")}), coated, smoothInWords,
			cut("DeviceRequest/order", "parameter", is("code", "roughness")), put("Observation/m-roughness", "extension", arr{ext("zone", "valueString", "inside")}), inZone("outside"),
		},
		"pores-computed":         {porousWithoutPores, porousOf("300", "600", "250", "500"), porousOf("300", "600", "300", ""), porousOf("300", "600", "", "")},
		"micro-structure-judged": {porousOf("300", "600", "350", "500")},
		"anatomy-judged":         {put("Observation/j-anatomy", "code", figured("anatomical-function", "x")), uncited("j-anatomy"), put("Observation/j-anatomy", "method", nil)},
		"function-computed": {
			reads("m-yield", "799.9", "MPa"), reads("m-yield", "0.7", "GPa"), uncited("m-yield"), uncited("j-anatomy"),
			orderedAs("mechanical", "valueRange", obj{"low": quantity("900", "MPa"), "high": quantity("950", "MPa")}),
		},
		"biocompatibility-judged": {
			put("Observation/j-biocompatibility", "derivedFrom", nil), put("Observation/j-biocompatibility", "extension", nil), put("Observation/j-biocompatibility", "code", obj{"text": "x"}),
			put("Observation/j-biocompatibility", "valueCodeableConcept", concept("urn:tenon:verdict", "nonconform")), put("Observation/j-cytotoxicity", "valueInteger", 1),
			put("Observation/j-cytotoxicity", "valueInteger", nil), uncited("j-cytotoxicity"), both(put("Observation/j-cytotoxicity", "valueInteger", 3), ownDefinition(ownLimit("cytotoxicity-grade", "1", "0", "2"))),
		},
		"cell-response-judged": {put("Observation/j-cell-response", "code", obj{"text": "x"}), porousOf("300", "600", "350", "500"),
			both(porousOf("300", "600", "350", "500"), connected("60"), ownDefinition(ownLimit("pore-connectivity", "%", "90", nil)))},
		"strength-computed": {unwaived("strength-computed"), both(ownDefinition(ownLimit("yield-strength", "MPa", "900", nil)), cut("DeviceRequest/order", "parameter", is("code", "mechanical"))),
			both(orderedAs("mechanical", "valueQuantity", quantity("900", "MPa")))},
		"critical-judged": criticalUnjudged,
		"label-computed":  {labelPart("use"), labelPart("site"), labelPart("anatomy-check"), labelDate("image-date", "2026-02-28"), labelDate("design-date", "2026-03-09")},
		"process-order-computed": {
			handedOver("S07", "2026-01-01T00:00:00.000Z"), finishedAt("S06", "2027-01-01T00:00:00.000Z"), signedLate("Composition/form", "design-confirmation"), signedLate("ImagingStudy/ct", "acquisition"),
			put("Task/op-print", "executionPeriod", nil), put("Task/op-cleaning", "executionPeriod", obj{"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z"}),
			put("Task/op-print", "executionPeriod", obj{"start": "2026-03-09T00:00:00Z", "end": "2026-03-08T01:00:00Z"}), anew("S12"), judgedEarly("S07"),
		},
		"process-conformity-computed": {citing("S07", "urn:tenon:plan:other|1"), signedOlder("Composition/form", "design-confirmation"), unsigned("DeviceRequest/order", "order", access.MFR), answering("urn:tenon:questionnaire:data-confirmation|0.1")},
		"process-legality-computed": {
			put("DocumentReference/ethics", "context", obj{"period": obj{"end": "2026-02-01"}}), put("Consent/consent", "status", "inactive"), put("Substance/ti64-lot", "status", "inactive"),
			verificationGone("Substance/ti64-lot"), verificationGone("Device/cad"), put("Device/cad", "extension", nil), put("Device/cad", "version", arr{obj{"value": "6.0"}}),
		},
		"process-completeness-computed": {unjudgedBy("S07", access.DES), unsigned("DeviceRequest/order", "order", access.MFR), anew("S12"), withoutOutput("S10", "design-scheme")},
		"objects-judged":                {unfocused("DocumentReference/label"), unfocused("ImagingStudy/ct"), unfocused("CarePlan/plan"), unfocused("DeviceRequest/order"), unfocused("Composition/scheme"), unfocused("Composition/history"), unfocused("Device/implant")},
		"methods-recorded":              {put("Observation/j-structure", "method", nil), put("Observation/j-structure", "method", concept("urn:tenon:judgement-method", "guess")), put("Observation/j-cytotoxicity", "method", nil)},
		"verdict-current":               {nextVersion("Observation/m-thickness"), nextVersion("Device/implant"), nextVersion("DeviceRequest/order"), withoutVerdict, clientsVerdict, otherRule},
		"verdict-still-current":         {nextVersion("Device/implant"), nextVersion("Observation/j-fit"), withoutVerdict},
	})
}

// reads lets an Observation have another value.
func reads(id, value, unit string) removal {
	return put("Observation/"+id, "valueQuantity", quantity(value, unit))
}

// uncited takes an Observation out of the results of every report.
func uncited(id string) removal {
	return func(w *world) {
		found := false
		for _, report := range []string{"DiagnosticReport/inspection", "DiagnosticReport/device-judgement"} {
			w.alter(report, func(b obj) {
				items := b["result"].([]any)
				kept := slices.DeleteFunc(slices.Clone(items), func(i any) bool { return i.(obj)["reference"] == "Observation/"+id })
				found = found || len(kept) < len(items)
				b["result"] = kept
			})
		}
		if !found {
			w.t.Fatalf("no report names %s", id)
		}
	}
}

// orderedAs gives a parameter of the order another value, and no other one.
func orderedAs(code, name string, value any) removal {
	return func(w *world) {
		found := false
		w.alter("DeviceRequest/order", func(b obj) {
			for _, p := range b["parameter"].([]any) {
				if !is("code", code)(p.(obj)) {
					continue
				}
				found = true
				if name != "code" {
					for _, kind := range []string{"valueRange", "valueQuantity", "valueCodeableConcept"} {
						delete(p.(obj), kind)
					}
				}
				if value != nil {
					p.(obj)[name] = value
				}
			}
		})
		if !found {
			w.t.Fatalf("the order has no parameter %s", code)
		}
	}
}

// asked adds a parameter to the order.
func asked(code string, value obj) removal {
	kind := "valueCodeableConcept"
	if value["low"] != nil {
		kind = "valueRange"
	}
	return func(w *world) {
		w.alter("DeviceRequest/order", func(b obj) {
			b["parameter"] = append(b["parameter"].([]any), obj{"code": concept("urn:tenon:parameter", code), kind: value})
		})
	}
}

func designProperty(w *world, p obj) {
	w.alter("DeviceDefinition/design", func(b obj) { b["property"] = append(b["property"].([]any), p) })
}

// keyOfDesign: the designer adds a key dimension that nobody measured.
func keyOfDesign(w *world) {
	designProperty(w, obj{"type": figured("dimension", "width"), "valueQuantity": arr{quantity("60.0", "mm")}, "extension": arr{ext("key-dimension", "valueBoolean", true)}})
}

// criticalUnjudged: what the design calls critical to safe use has no result, or
// none that passes.
var criticalUnjudged = []removal{
	criticalProperty("porosity"), both(criticalProperty("thickness"), put("Observation/m-thickness", "interpretation", arr{concept("urn:tenon:verdict", "fail")})),
	both(criticalProperty("thickness"), put("Observation/m-thickness", "interpretation", nil)),
}

func criticalProperty(characteristic string) removal {
	return func(w *world) {
		designProperty(w, obj{"type": concept("urn:tenon:characteristic", characteristic), "valueCode": arr{obj{"text": "x"}}, "extension": arr{ext("safety-critical", "valueBoolean", true)}})
	}
}

// shrinking makes the design one that shrinks: the model's thickness, the stated
// shrinkage in per cent, and the range that is ordered. 3.0 mm wanted and 4 %
// make a model of 3.125 mm, and 3.02 mm measured a shrinkage of 3.36 %.
func shrinking(model, ratio, low, high string) removal {
	return func(w *world) {
		asked("shrinkage-min-range", obj{"low": quantity(low, "%"), "high": quantity(high, "%")})(w)
		if ratio != "" {
			designProperty(w, obj{"type": concept("urn:tenon:parameter", "shrinkage-ratio"), "valueQuantity": arr{quantity(ratio, "%")}})
		}
		cut("DeviceDefinition/design", "property", is("type", "dimension"))(w)
		p := obj{"type": figured("dimension", "thickness"), "valueQuantity": arr{quantity("3.0", "mm")}}
		if model != "" {
			p["extension"] = arr{ext("model-dimension", "valueQuantity", quantity(model, "mm"))}
		}
		designProperty(w, p)
	}
}

func measuredShrinkage(value, unit string) removal {
	return func(w *world) { inspectionFound(w, "m-shrinkage", "shrinkage", "valueQuantity", quantity(value, unit)) }
}

// inspectionFound adds a measured value to the inspection.
func inspectionFound(w *world, id, characteristic, kind string, value any) {
	w.lay(obj{"resourceType": "Observation", "id": id, "status": "final", "subject": ref("Device/implant"), "code": concept("urn:tenon:characteristic", characteristic), kind: value}, qa.Principal)
	w.alter("DiagnosticReport/inspection", func(b obj) { b["result"] = append(b["result"].([]any), ref("Observation/"+id)) })
}

func coated(w *world) {
	orderedAs("surface-treatment", "valueCodeableConcept", concept("urn:tenon:surface-treatment", "coat"))(w)
	put("Observation/m-roughness", "effectiveDateTime", "2026-03-01T00:00:00Z")(w)
}

func smoothInWords(w *world) {
	orderedAs("roughness", "valueCodeableConcept", obj{"text": "mirror finish"})(w)
	uncited("m-roughness")(w)
}

// inZone lets the order ask for two zones of which one is measured.
func inZone(zone string) removal {
	return func(w *world) {
		w.alter("DeviceRequest/order", func(b obj) {
			b["parameter"] = append(b["parameter"].([]any), obj{"code": concept("urn:tenon:parameter", "roughness"), "valueQuantity": quantity("1.0", "um"), "extension": arr{ext("zone", "valueString", zone)}})
		})
	}
}

// porousOf orders pores and lets them be measured; "" measures nothing there.
func porousOf(low, high, least, most string) removal {
	return func(w *world) {
		porousWithoutPores(w)
		asked("pore-size", obj{"low": quantity(low, "um"), "high": quantity(high, "um")})(w)
		size := obj{}
		for name, v := range map[string]string{"low": least, "high": most} {
			if v != "" {
				size[name] = quantity(v, "um")
			}
		}
		if len(size) > 0 {
			inspectionFound(w, "m-pores", "pore-size", "valueRange", size)
		}
	}
}

func connected(percent string) removal {
	return func(w *world) {
		inspectionFound(w, "m-connectivity", "pore-connectivity", "valueQuantity", quantity(percent, "%"))
	}
}

func ownDefinition(d obj) removal {
	return func(w *world) {
		r := resource(mustJSON(w.t, d), 1)
		r.Author = "PractitionerRole/admin"
		w.directory = append(w.directory, r)
	}
}

func authoredBy(ref string, who *access.Context) removal {
	return func(w *world) {
		r := w.members[ref]
		r.Author = who.Principal
		w.members[ref] = r
	}
}

func handedOver(stage, at string) removal {
	return func(w *world) { w.alter(w.task(stage), func(b obj) { b["authoredOn"] = at }) }
}

func finishedAt(stage, at string) removal {
	return func(w *world) { w.alter(w.task(stage), func(b obj) { b["executionPeriod"].(obj)["end"] = at }) }
}

func citing(stage, plan string) removal {
	return func(w *world) { w.alter(w.task(stage), func(b obj) { b["instantiatesCanonical"] = plan }) }
}

// resigned changes the signatures of a purpose over a resource.
func resigned(ref, purpose string, change func(s *casework.Signature)) removal {
	return func(w *world) {
		w.signatures = slices.Clone(w.signatures)
		for i := range w.signatures {
			if s := &w.signatures[i]; s.Target == ref && s.Purpose == purpose {
				change(s)
			}
		}
	}
}

func signedLate(ref, purpose string) removal {
	return resigned(ref, purpose, func(s *casework.Signature) { s.When = s.When.Add(300 * 24 * time.Hour) })
}

func signedOlder(ref, purpose string) removal {
	return resigned(ref, purpose, func(s *casework.Signature) { s.Version-- })
}

// judgedEarly lets who took a stage over have judged it before there was one.
func judgedEarly(stage string) removal {
	return func(w *world) {
		resigned(w.task(stage), "judgement", func(s *casework.Signature) { s.When = s.When.Add(-24 * time.Hour) })(w)
	}
}

// unjudgedBy takes away the judgement of whoever took a stage over.
func unjudgedBy(stage string, by access.Role) removal {
	return func(w *world) { w.unsign(w.task(stage), "judgement", by) }
}

func withoutOutput(stage, document string) removal {
	return func(w *world) { cut(w.task(stage), "output", is("type", document))(w) }
}

func answering(form string) removal {
	return put("QuestionnaireResponse/checklist", "questionnaire", form)
}

// unfocused lets no result of a judgement be about that document.
func unfocused(target string) removal {
	return func(w *world) {
		for r := range w.members {
			if len(r) < 14 || r[:14] != "Observation/j-" {
				continue
			}
			w.alter(r, func(b obj) {
				focus, _ := b["focus"].([]any)
				b["focus"] = slices.DeleteFunc(slices.Clone(focus), func(f any) bool { return f.(obj)["reference"] == target })
				if b["subject"].(obj)["reference"] == target {
					b["subject"] = ref("Patient/p")
				}
			})
		}
	}
}

// nextVersion is a change of a resource that leaves everything as it was.
func nextVersion(ref string) removal {
	return func(w *world) {
		r := w.members[ref]
		r.Version++
		w.members[ref] = r
	}
}

func verdictOf(w *world) string {
	for ref, r := range w.members {
		if r.Type == "DiagnosticReport" && r.Root.Path("code", "coding").Index(0).Field("code").Str() == "computed-judgement" {
			return ref
		}
	}
	w.t.Fatal("no stored verdict")
	return ""
}

func withoutVerdict(w *world) { delete(w.members, verdictOf(w)) }

func clientsVerdict(w *world) { authoredBy(verdictOf(w), clin)(w) }

func otherRule(w *world) {
	w.alter(verdictOf(w), func(b obj) {
		for _, e := range b["extension"].([]any) {
			if hasURL("rule")(e.(obj)) {
				e.(obj)["valueCanonical"] = "urn:tenon:plan:implant|0.0.1"
			}
		}
	})
}
