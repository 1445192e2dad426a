package casework_test

import (
	"maps"
	"slices"
	"time"

	"tenon/server/access"
)

// socketRemovals are the removals of the implant's process for the conditions that
// both share, and those of the socket's own.
var socketRemovals = func() map[string][]removal {
	all := maps.Clone(removals)
	maps.Copy(all, followUpRemovals)
	maps.Copy(all, socketOwn)
	return all
}()

// within changes the value of a component of an Observation.
func inPart(ref, code string, value any) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			found := false
			for _, c := range b["component"].([]any) {
				if !is("code", code)(c.(obj)) {
					continue
				}
				found = true
				for name := range c.(obj) {
					if name != "code" {
						c.(obj)[name] = value
					}
				}
			}
			if !found {
				w.t.Fatalf("%s has no component %s", ref, code)
			}
		})
	}
}

func partGone(ref, code string) removal { return cut(ref, "component", is("code", code)) }

// nested changes a member of the first item of a list.
func nested(ref, list, name string, value any) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			item := b[list].([]any)[0].(obj)
			if value == nil {
				delete(item, name)
				return
			}
			item[name] = value
		})
	}
}

// answer changes the answer to one item of a form; nil takes the item out.
func answer(ref, link string, value any) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			b["item"] = slices.DeleteFunc(b["item"].([]any), func(i any) bool { return value == nil && i.(obj)["linkId"] == link })
			for _, i := range b["item"].([]any) {
				if i.(obj)["linkId"] == link {
					i.(obj)["answer"] = arr{obj{"valueBoolean": value}}
				}
			}
		})
	}
}

// atLevel makes the case one of another amputation level.
func atLevel(level string) removal {
	return func(w *world) {
		w.alter("Procedure/acquisition", func(b obj) { b["bodySite"] = sites(level, "left") })
		if _, ok := w.members["DeviceRequest/order"]; ok {
			inParameter("amputation-level", sites(level, "left")[0].(obj))(w)
		}
	}
}

func inParameter(code string, value obj) removal {
	return func(w *world) {
		w.alter("DeviceRequest/order", func(b obj) {
			for _, p := range b["parameter"].([]any) {
				if is("code", code)(p.(obj)) {
					p.(obj)["valueCodeableConcept"] = value
				}
			}
		})
	}
}

// asSyme lets the case be one of the level Syme with an alignment that is right.
func asSyme(w *world) {
	atLevel("syme")(w)
	for _, ref := range []string{"Observation/alignment", "Observation/design-alignment"} {
		if _, ok := w.members[ref]; ok {
			put(ref, "component", arr{
				socketPart("frontal-position", "valueCodeableConcept", concept("urn:tenon:foot-position", "between-toe-1-and-2")),
				socketPart("sagittal-angle", "valueQuantity", unit(5, "deg")), socketPart("sagittal-offset", "valueQuantity", mm(4)),
				socketPart("rotation", "valueQuantity", unit(6.5, "deg")),
			})(w)
		}
	}
}

// syme removes something in a case of the level Syme, whose foot is joined so.
func syme(joint string, removals ...removal) removal {
	return func(w *world) {
		asSyme(w)
		w.alter("DeviceDefinition/design", func(b obj) {
			b["property"] = append(b["property"].([]any), property("urn:tenon:socket-property", "foot-joint", "valueCode", arr{concept("urn:tenon:foot-joint", joint)}))
		})
		for _, r := range removals {
			r(w)
		}
	}
}

func tested(strength, reference float64, verdict string) removal {
	return func(w *world) {
		o := observed("joint", w, obj{
			"component":      arr{socketPart("strength", "valueQuantity", unit(strength, "N")), socketPart("reference", "valueQuantity", unit(reference, "N"))},
			"interpretation": arr{concept("urn:tenon:verdict", verdict)},
		})
		w.lay(o, qa.Principal)
		addOutput(w, "S11", "joint-test", "Observation/joint")
	}
}

// glued records the adhesive of the assembly.
func glued(w *world) {
	put("Task/op-assembly", "input", arr{processParameter("adhesive", "valueString", "epoxy E-90")})(w)
}

// limited is what a hospital does who holds the licence of a standard: it loads
// the limits of an alignment, here so that the measured one does not hold.
func limited(level string) removal {
	return func(w *world) {
		asLevel := atLevel(level)
		if level != "transtibial" {
			asLevel(w)
		}
		for _, p := range planes {
			w.directory = append(w.directory, resource([]byte(sprintf(`{"resourceType":"ObservationDefinition","id":"own-%s","code":{"coding":[{"system":"urn:tenon:limit","code":"alignment-%s-%s"}]},
				"quantitativeDetails":{"unit":{"coding":[{"system":"http://unitsofmeasure.org","code":"%s"}]}},
				"qualifiedInterval":[{"range":{"low":{"value":6,"system":"http://unitsofmeasure.org","code":"%[4]s"},"high":{"value":9,"system":"http://unitsofmeasure.org","code":"%[4]s"}}}]}`,
				p, level, p, map[bool]string{true: "mm", false: "deg"}[p == "frontal-offset" || p == "sagittal-offset"])), 1))
		}
	}
}

func filamentLot(removals ...removal) removal {
	return func(w *world) {
		w.alter("Substance/pa12-lot", func(b obj) {
			b["category"], b["extension"] = arr{concept("urn:tenon:material-form", "filament")}, arr{ext("moisture-limit", "valueQuantity", unit(0.2, "%"))}
		})
		for _, r := range removals {
			r(w)
		}
	}
}

func inOperation(code, parameter, kind string, value any) removal {
	return func(w *world) {
		w.alter("Task/op-"+code, func(b obj) {
			list, _ := b["input"].([]any)
			list = slices.DeleteFunc(list, func(i any) bool { return is("type", parameter)(i.(obj)) })
			if value != nil {
				list = append(list, processParameter(parameter, kind, value))
			}
			b["input"] = list
		})
	}
}

func processIs(code string) removal {
	return func(w *world) {
		w.alter(w.task("S11"), func(b obj) {
			for _, in := range b["input"].([]any) {
				if is("type", "process")(in.(obj)) && in.(obj)["valueCodeableConcept"] != nil {
					in.(obj)["valueCodeableConcept"] = concept("urn:tenon:am-process", code)
				}
			}
		})
	}
}

// otherFormat lets a model be of a format that the server does not read.
func otherFormat(ref, contentType, format string) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			c := b["content"].([]any)[0].(obj)
			c["attachment"].(obj)["contentType"] = contentType
			if c["format"] = (obj{"system": "urn:tenon:file-format", "code": format}); format == "" {
				delete(c, "format")
			}
		})
	}
}

func unmeasured(ref string) removal { return put(ref, "method", nil) }

func nonconform(ref string) removal {
	return put(ref, "valueCodeableConcept", concept("urn:tenon:verdict", "nonconform"))
}

// unsignedRequest takes the patient's own wish on the foot length away.
var unsignedRequest = unsigned("Communication/foot-request", "special-request", access.PAT)

var socketOwn = map[string][]removal{
	// S01, S02
	"consent-covers-photographs": {withPurposes("examination", "custom-device-treatment", "follow-up")},
	"photographs-consented":      {withPurposes("examination", "custom-device-treatment", "follow-up"), put("Consent/consent", "status", "inactive")},
	"equipment-harmless":         {put("Device/scanner", "safety", nil), nested("Device/scanner", "safety", "text", nil), nested("Device/scanner", "safety", "coding", nil), drop("Device/scanner")},
	"consent-before-examination": {put("Procedure/acquisition", "performedDateTime", "2026-02-01T08:00:00Z"), put("Procedure/acquisition", "performedDateTime", nil)},
	"examination-in-time": {
		sliced(put("ServiceRequest/examination", "authoredOn", "2026-02-01T08:00:00Z")), sliced(put("ServiceRequest/examination", "authoredOn", "2026-12-01T08:00:00Z")),
		sliced(drop("ServiceRequest/examination")),
	},
	"examination-as-asked":   {sliced(put("ServiceRequest/examination", "code", concept("http://dicom.nema.org/resources/ontology/DCM", "MR"))), sliced(put("ImagingStudy/ct", "modality", nil))},
	"images-anew":            {afterDemand(time.Hour), both(afterDemand(-time.Hour), put("Procedure/acquisition", "performedDateTime", nil))},
	"images-of-patient":      {put("DocumentReference/scan", "subject", ref(other)), put("DocumentReference/scan", "subject", nil)},
	"images-available":       {registeredStudy},
	"protocol-limits":        {registeredStudy},
	"scan-intact":            {content("DocumentReference/scan", "another stump")},
	"acquisition-of-patient": {put("Procedure/acquisition", "subject", ref(other)), put("Media/photo-1", "subject", ref(other)), put("Observation/landmark-1", "subject", nil), put("Observation/measure-2", "subject", ref(other)), put("Observation/accuracy", "subject", ref(other))},
	"level-acquired":         {put("Procedure/acquisition", "bodySite", sites("forearm", "left")), put("Procedure/acquisition", "bodySite", nil), put("Procedure/acquisition", "bodySite", arr{concept("urn:tenon:amputation-level", "transtibial")}), put("Procedure/acquisition", "bodySite", append(sites("transtibial", "left"), sites("syme", "right")...))},
	"acquisition-method":     {put("Procedure/acquisition", "usedCode", nil), put("Procedure/acquisition", "usedCode", arr{concept("urn:tenon:acquisition-method", "other")})},
	"acquisition-mode":       {put("Procedure/acquisition", "code", nil), put("Procedure/acquisition", "code", obj{"text": "by hand"})},
	"indirect-model-marked":  {put("Procedure/acquisition", "code", concept("urn:tenon:acquisition-mode", "cast-negative")), put("Procedure/acquisition", "code", concept("urn:tenon:acquisition-mode", "cast-positive")), put("DocumentReference/scan", "category", nil)},
	"equipment-used":         {put("Procedure/acquisition", "usedReference", nil), put("Procedure/acquisition", "usedReference", arr{ref("Device/other")})},
	"photographs-protected":  {put("Media/photo-1", "meta", nil), cut("Media/photo-2", "extension", hasURL("identity-masked")), put("Media/photo-1", "extension", arr{ext("identity-masked", "valueBoolean", false), ext("posture", "valueCodeableConcept", concept("urn:tenon:posture", "sitting"))})},
	"acquisition-checklist-complete": {
		answer("QuestionnaireResponse/acquisition-checklist", "posture", nil), answer("QuestionnaireResponse/acquisition-checklist", "uncovered", false),
		answer("QuestionnaireResponse/acquisition-checklist", "complete", false), put("QuestionnaireResponse/acquisition-checklist", "status", "in-progress"),
	},
	"landmarks-placed":     {partGone("Observation/landmark-1", "z"), put("Observation/landmark-2", "code", obj{"text": "mark"})},
	"photographs-sitting":  {put("Media/photo-2", "view", concept("urn:tenon:photo-view", "sagittal")), standing("photo-1"), put("Media/photo-1", "type", obj{"coding": arr{obj{"code": "video"}}})},
	"photographs-standing": {atLevel("syme"), atLevel("hip-disarticulation"), both(atLevel("transfemoral"), standing("photo-1")), atLevel("knee-disarticulation")},
	"contour-accuracy":     {put("Observation/accuracy", "valueQuantity", mm(0.51)), put("Observation/accuracy", "valueQuantity", mm(-0.6)), put("Observation/accuracy", "valueQuantity", unit(0.06, "cm")), put("Observation/accuracy", "valueQuantity", nil)},
	"measured-thrice":      {put("Observation/measure-1", "valueQuantity", mm(312.5)), partsOf("Observation/measure-1", 312.1, 313), partsOf("Observation/measure-1", 312.1, 312.4, 313, 312.4), partsOf("Observation/measure-1", 312, 312.2, 313)},
	"stump-model-present":  {otherFormat("DocumentReference/scan", "text/plain", "STL"), otherFormat("DocumentReference/scan", "model/stl", "")},
	"stump-model-readable": {put("Observation/check-scan-readable", "valueBoolean", false), drop("Observation/check-scan-readable")},
	"stump-model-judged":   {otherFormat("DocumentReference/scan", "model/iges", "IGES")},
	// S03a
	"landmarks-in-model":      {put("Observation/landmark-2", "derivedFrom", nil), put("Observation/landmark-1", "derivedFrom", arr{ref("DocumentReference/other")}), put("Observation/model-landmarks-visible", "valueCodeableConcept", concept("urn:tenon:verdict", "fail"))},
	"contour-complete":        {put("Observation/check-scan-one-surface", "valueBoolean", false), put("Observation/check-scan-one-opening", "valueBoolean", false), drop("Observation/check-scan-one-opening")},
	"contour-confirmed":       {put("Observation/model-irrelevant-removed", "valueCodeableConcept", concept("urn:tenon:verdict", "fail"))},
	"stump-model-checked":     {put("Observation/model-smooth", "valueCodeableConcept", nil), drop("Observation/model-no-holes"), put("Observation/model-nothing-missing", "code", obj{"text": "x"}), put("Observation/model-no-distortion", "valueCodeableConcept", concept("urn:tenon:verdict", "fail")), put("DiagnosticReport/model-check", "status", "preliminary")},
	"accuracy-measured-again": {inPart("Observation/rescan", "tape", mm(311.8)), partGone("Observation/rescan", "tape"), inPart("Observation/rescan", "software", unit(31.24, "cm/s"))},
	// S06
	"order-domain":       {put("DeviceRequest/order", "extension", arr{ext("device-domain", "valueCode", "bone")})},
	"order-parameters":   {cut("DeviceRequest/order", "parameter", is("code", "amputation-level")), cut("DeviceRequest/order", "parameter", is("code", "structure"))},
	"order-images":       {put("DeviceRequest/order", "supportingInfo", arr{ref("ImagingStudy/another")})},
	"order-level":        {inParameter("amputation-level", sites("transfemoral", "left")[0].(obj)), inParameter("amputation-level", sites("transtibial", "right")[0].(obj)), inParameter("amputation-level", concept("urn:tenon:amputation-level", "transtibial")), put("Condition/defect", "bodySite", sites("syme", "left")), inParameter("amputation-level", sites("finger", "left")[0].(obj))},
	"override-requested": {put("Communication/foot-request", "subject", ref(other)), drop("Communication/foot-request")},
	// S07
	"input-sections":  {cut("Composition/input", "section", is("code", "treatment-plan"))},
	"input-of-lesion": {put("Procedure/acquisition", "bodySite", sites("transtibial", "right")), put("Condition/defect", "bodySite", nil), put("Condition/defect", "bodySite", sites("syme", "left"))},
	// S08
	"output-files-intact":    {content("DocumentReference/model", "model 2"), content("DocumentReference/surface", "other")},
	"output-confidentiality": {put("DocumentReference/surface", "securityLabel", nil)},
	"output-device-name":     {put("DeviceDefinition/design", "deviceName", arr{obj{"name": "transfemoral socket", "type": "user-friendly-name"}})},
	"brim-designed":          {cut("Composition/design-output", "section", is("code", "brim-design")), brimWithoutScan},
	"dimensions-fit":         {drop("Observation/socket-1"), put("Observation/socket-2", "derivedFrom", arr{ref("Observation/measure-1")}), put("Observation/socket-1", "component", nil), put("Observation/socket-1", "code", concept("urn:tenon:stump-measure", "width"))},
	"zones-designed":         {cut("DeviceDefinition/design", "property", is("type", "relief")), cut("DeviceDefinition/design", "property", is("type", "suspension")), cut("DeviceDefinition/design", "property", is("type", "load-bearing")), cut("Composition/design-output", "section", is("code", "biomechanical-zones"))},
	"thickness-reasoned":     {cut("DeviceDefinition/design", "property", is("type", "thickness")), thickness(mm(0), true), thickness(mm(4), false), thickness(unit(4, "cm"), true)},
	"alignment-designed":     {partGone("Observation/design-alignment", "rotation"), both(asSyme, partGone("Observation/design-alignment", "frontal-position"))},
	"design-alignment-within": {
		unwaived("design-alignment-within"), limited("transtibial"), both(unwaived("design-alignment-within"), limited("transfemoral")),
		limited("knee-disarticulation"), limited("hip-disarticulation"),
	},
	"connection-fits":   {drop("DeviceDefinition/adapter"), put("Observation/connection", "interpretation", arr{concept("urn:tenon:verdict", "fail")}), put("DeviceDefinition/adapter", "property", arr{property("urn:tenon:socket-property", "interface", "valueCode", arr{obj{"coding": arr{obj{"code": "thread"}}}})})},
	"connection-within": {unwaived("connection-within")},
	"personalised":      {cut("DeviceDefinition/design", "property", is("type", "personalisation")), twoWishes},
	"foot-joint-chosen": {asSyme},
	"output-list-files": {
		cut("Composition/design-output", "section", is("code", "output-list")), refile("DocumentReference/surface", "surface 2"), refile("DocumentReference/drawing", "drawing 2"),
	},
	// S09
	"tool-chain": {
		putAll("extension", nil, "DocumentReference/model", "DocumentReference/surface", "DocumentReference/drawing", "DiagnosticReport/analysis"),
		otherVersion("DocumentReference/model"), otherVersion("DocumentReference/surface"),
	},
	"surface-complete":    {cut("Composition/design-output", "section", is("code", "dimension-design")), cut("Composition/design-output", "section", is("code", "brim-design"))},
	"solid-complete":      {cut("Composition/design-output", "section", is("code", "thickness-design")), cut("Composition/design-output", "section", is("code", "alignment-connection"))},
	"solid-sound":         {put("Observation/check-model-no-self-intersection", "valueBoolean", false), put("Observation/check-model-watertight", "valueBoolean", false), withoutUnit, drop("Observation/check-model-no-self-intersection")},
	"solid-judged":        {otherFormat("DocumentReference/model", "model/amf", "AMF")},
	"solid-format":        {otherFormat("DocumentReference/model", "model/gltf-binary", "GLB"), otherFormat("DocumentReference/model", "model/stl", "")},
	"shape-compared":      {put("DiagnosticReport/shape", "conclusion", nil), put("DiagnosticReport/shape", "extension", arr{ext("compared", "valueReference", ref("DocumentReference/model"))}), put("DiagnosticReport/shape", "extension", arr{ext("compared", "valueReference", ref("DocumentReference/scan"))}), failed("DiagnosticReport/shape")},
	"dimensions-measured": {partGone("Observation/socket-dimension", "physical"), unmeasured("Observation/socket-dimension")},
	// S10
	"scheme-sections": {cut("Composition/scheme", "section", is("code", "flow-chart"))},
	// S11a
	"build-file-intact":    {content("DocumentReference/build", "other slices")},
	"build-file-linked":    {put("DocumentReference/build", "context", nil), put("DocumentReference/build", "relatesTo", nil), refile("DocumentReference/model", "model 2")},
	"machining-parameters": {answer("QuestionnaireResponse/machining", "layer-thickness", nil), answer("QuestionnaireResponse/machining", "print-direction", nil), answer("QuestionnaireResponse/machining", "procedure", false), answer("QuestionnaireResponse/machining", "mechanical", false)},
	// S11
	"machine-recorded":        {put("Device/printer-polymer", "serialNumber", nil), put("Substance/pa12-lot", "category", nil), directory("ActivityDefinition/pbf-pa12", "status", "draft")},
	"type-inspection-current": {verificationGone("DeviceDefinition/family-transtibial-socket")},
	"operations-documented":   {put("Task/op-cleaning", "requester", nil), put("Task/op-finishing", "output", nil), put("Task/op-print", "executionPeriod", nil)},
	"operations-in-order": {
		timed("support-removal", early), timed("finishing", early), timed("cleaning", early), timed("assembly", early), timed("packaging", early), timed("warehouse-in", early),
		timed("warehouse-out", "2030-01-01T00:00:00Z"),
	},
	"process-recorded": {withParameter("preheat", 300), withParameter("layer-thickness", 1), put("Task/op-print", "input", nil)},
	"history-complete": {
		cut("Composition/history", "section", is("code", "machine")), cut("Composition/history", "section", is("code", "process-parameters")),
		cut("Composition/history", "section", is("code", "build-file")),
	},
	"machine-validated":   {input("machine", "Device/printer"), verificationGone("Device/printer-polymer")},
	"material-permitted":  {input("material", "Substance/skin-lacquer"), put("Substance/pa12-lot", "status", "inactive")},
	"material-ordered":    {put("Substance/pa12-lot", "code", concept("urn:tenon:material", "PP"))},
	"process-validated":   {verification("vr-polymer-process", "status", "val-fail")},
	"build-file-ready":    {anew("S11a"), content("DocumentReference/build", "other slices"), input("machine", "Device/printer")},
	"parameters-checked":  {unsigned("QuestionnaireResponse/machining", "machining-check", access.PROD)},
	"material-known":      {put("Substance/pa12-lot", "code", concept("urn:tenon:material", "Ta")), put("Substance/pa12-lot", "code", concept("urn:tenon:material", "other"))},
	"process-known":       {processIs("VPP"), processIs("lathe"), put("Device/printer-polymer", "property", nil)},
	"material-form-suits": {filamentLot(), processIs("VPP"), put("Substance/pa12-lot", "category", arr{concept("urn:tenon:material-form", "pellet")}), put("Substance/pa12-lot", "category", nil)},
	"material-safe":       {put("DiagnosticReport/safe-pa12", "extension", arr{ext("about-material", "valueReference", ref("Substance/other"))}), failed("DiagnosticReport/safe-pa12"), drop("DiagnosticReport/safe-pa12"), put("DiagnosticReport/safe-pa12", "status", "preliminary")},
	"material-fresh":      {nested("Substance/pa12-lot", "instance", "expiry", "2026-02-28"), nested("Substance/pa12-lot", "instance", "expiry", nil)},
	"operations-recorded": {drop("Task/op-print"), drop("Task/op-assembly"), put("Task/op-finishing", "status", "in-progress")},
	"recycled-powder":     {inOperation("print", "recycled-powder-ratio", "", nil), inOperation("print", "recycled-powder-ratio", "valueQuantity", unit(51, "%")), inOperation("print", "recycled-powder-ratio", "valueQuantity", unit(-1, "%")), inOperation("print", "powder-reuse-count", "", nil), put("Substance/pa12-lot", "extension", nil)},
	"filament-dry":        {filamentLot(), filamentLot(inOperation("print", "moisture", "valueQuantity", unit(0.3, "%")))},
	"print-without-defect": {
		inPart("Observation/print-inspection", "warping", concept("urn:tenon:presence", "present")), inPart("Observation/print-inspection", "layer-shift", concept("urn:tenon:presence", "present")),
		inPart("Observation/print-inspection", "missing-face", concept("urn:tenon:presence", "present")), partGone("Observation/print-inspection", "missing-face"),
	},
	"inspected-before-post-processing": {put("Observation/print-inspection", "effectiveDateTime", "2026-03-01T00:00:00Z"), put("Observation/print-inspection", "effectiveDateTime", "2026-12-01T00:00:00Z"), put("Observation/print-inspection", "effectiveDateTime", nil)},
	"supports-removed":                 {drop("Task/op-support-removal"), both(put("Task/op-support-removal", "owner", nil), put("Task/op-support-removal", "requester", nil)), put("Task/op-support-removal", "executionPeriod", nil), put("Task/op-support-removal", "status", "failed")},
	"surface-finished": {
		inOperation("finishing", "finish-method", "", nil), inPart("Observation/surface-inspection", "burr", concept("urn:tenon:presence", "present")),
		inPart("Observation/surface-inspection", "smooth-inner", false), inPart("Observation/surface-inspection", "smooth-outer", false), partGone("Observation/surface-inspection", "smooth-inner"),
	},
	"surface-inspected": {inPart("Observation/surface-inspection", "damage", concept("urn:tenon:presence", "present")), inPart("Observation/surface-inspection", "colour", false), partGone("Observation/surface-inspection", "colour")},
	"colour-safe":       {drop("Task/op-colouring"), put("Task/op-colouring", "input", nil), failed("DiagnosticReport/safe-lacquer")},
	"materials-safe": {
		failed("DiagnosticReport/safe-pa12"), drop("DiagnosticReport/safe-pa12"), failed("DiagnosticReport/safe-lacquer"), drop("DiagnosticReport/safe-lacquer"),
		put("Task/op-assembly", "input", arr{processParameter("adhesive", "valueReference", ref("Substance/pa6-filament"))}),
	},
	"label-and-ifu":        {content("DocumentReference/label", "other"), content("DocumentReference/ifu", "other")},
	"assembly-recorded":    {put("QuestionnaireResponse/assembly", "status", "in-progress"), put("QuestionnaireResponse/assembly", "item", arr{obj{"linkId": "1"}})},
	"assembly-transtibial": {unwaived("assembly-transtibial")},
	"assembly-thigh":       {atLevel("transfemoral"), atLevel("hip-disarticulation"), atLevel("knee-disarticulation")},
	"bond-strength":        {syme("adhesive"), syme("adhesive", glued), syme("adhesive", glued, tested(799, 800, "pass")), syme("adhesive", tested(801, 800, "pass"))},
	"one-piece-equivalent": {syme("one-piece"), syme("one-piece", tested(799, 800, "pass"))},
	"joint-strength":       {syme("metal-connector"), syme("metal-connector", tested(900, 800, "fail"))},
	"assembled":            {put("Device/socket", "parent", nil), put("Device/foot", "parent", nil), put("Device/foot", "parent", ref("Device/other")), drop("Device/foot")},
	// S11b, S13
	"fit-conform":   {put("DiagnosticReport/fit", "conclusionCode", arr{concept("urn:tenon:verdict", "nonconform")}), put("DiagnosticReport/fit", "extension", arr{ext("about-device", "valueReference", ref("Device/foot"))}), put("DiagnosticReport/fit", "status", "preliminary")},
	"fit-confirmed": {anew("S11b"), unsigned("DiagnosticReport/fit", "fit-confirmation", access.CLIN), unsigned("DiagnosticReport/fit", "fit-confirmation", access.PAT)},
	// S15
	"items-reported":                 {put("DiagnosticReport/device-judgement", "result", nil), unreported("skin-hazard")},
	"appearance-judged":              {unmeasured("Observation/appearance"), nonconform("Observation/appearance")},
	"no-skin-hazard":                 {put("Observation/skin-hazard", "valueBoolean", true), put("Observation/skin-hazard", "valueBoolean", nil)},
	"dimensions-recorded":            {partGone("Observation/printed-dimension", "measured")},
	"dimensions-within":              {inPart("Observation/printed-dimension", "measured", mm(98.71)), inPart("Observation/printed-dimension", "measured", mm(97.69))},
	"height-within":                  {inPart("Observation/height-difference", "prosthesis", mm(441.9)), inPart("Observation/height-difference", "prosthesis", mm(452.1)), partGone("Observation/height-difference", "sound"), inPart("Observation/height-difference", "prosthesis", unit(44.1, "cm"))},
	"foot-within":                    {both(unsignedRequest, inPart("Observation/foot-length-difference", "prosthesis", mm(234.9))), both(unsignedRequest, inPart("Observation/foot-length-difference", "prosthesis", mm(245.1))), both(cut("DeviceRequest/order", "parameter", is("code", "foot-length-override")), inPart("Observation/foot-length-difference", "prosthesis", mm(230))), partGone("Observation/foot-length-difference", "sound")},
	"shoe-fits":                      {put("Observation/shoe-fit", "valueBoolean", false)},
	"alignment-recorded":             {partGone("Observation/alignment", "rotation"), partGone("Observation/alignment", "frontal-offset"), both(asSyme, partGone("Observation/alignment", "sagittal-offset"))},
	"alignment-transtibial":          {unwaived("alignment-transtibial"), limited("transtibial")},
	"alignment-hip-disarticulation":  {atLevel("hip-disarticulation"), limited("hip-disarticulation")},
	"alignment-transfemoral":         {atLevel("transfemoral"), limited("transfemoral")},
	"alignment-knee-disarticulation": {atLevel("knee-disarticulation"), limited("knee-disarticulation")},
	"syme-frontal":                   {both(asSyme, inPart("Observation/alignment", "frontal-position", concept("urn:tenon:foot-position", "elsewhere")))},
	"syme-flexion":                   {both(asSyme, inPart("Observation/alignment", "sagittal-angle", unit(3.9, "deg"))), both(asSyme, inPart("Observation/alignment", "sagittal-angle", unit(6.1, "deg")))},
	"syme-plumb-line":                {both(asSyme, inPart("Observation/alignment", "sagittal-offset", mm(0))), both(asSyme, inPart("Observation/alignment", "sagittal-offset", mm(-1)))},
	"syme-rotation":                  {both(asSyme, inPart("Observation/alignment", "rotation", unit(4.9, "deg"))), both(asSyme, inPart("Observation/alignment", "rotation", unit(8.1, "deg")))},
	"odour-checked":                  {unmeasured("Observation/odour"), nonconform("Observation/odour")},
	"skin-risk-checked":              {nonconform("Observation/skin-reaction-risk")},
	"inner-diameter-gauged":          {put("Observation/inner-diameter", "method", concept("urn:tenon:examination-method", "tape")), put("Observation/inner-diameter", "extension", nil), put("Observation/inner-diameter", "device", nil), partGone("Observation/inner-diameter", "model")},
	"inner-diameter-within":          {inPart("Observation/inner-diameter", "measured", mm(98.71)), inPart("Observation/inner-diameter", "measured", mm(97.69))},
	"judged-by-attending":            {signedByColleague("DiagnosticReport/device-judgement", "judgement-report"), signedByColleague("DiagnosticReport/process-judgement", "judgement-report")},
	"critical-judged":                criticalUnjudged,
	"process-order-computed": {
		handedOver("S07", "2026-01-01T00:00:00.000Z"), finishedAt("S06", "2027-01-01T00:00:00.000Z"), signedLate("Composition/form", "design-confirmation"),
		put("Task/op-print", "executionPeriod", nil), timed("finishing", early), timed("assembly", "2026-03-09T00:00:00Z"), anew("S11b"), judgedEarly("S07"),
	},
	"process-conformity-computed": {
		citing("S07", "urn:tenon:plan:other|1"), signedOlder("Composition/form", "design-confirmation"), unsigned("DeviceRequest/order", "order", access.MFR),
		answering("urn:tenon:questionnaire:data-confirmation|0.1"),
	},
	"process-legality-computed": {
		put("Consent/consent", "status", "inactive"), put("Substance/pa12-lot", "status", "inactive"), verificationGone("Substance/pa12-lot"), verificationGone("Device/cad"),
		put("Device/cad", "extension", nil), put("Device/cad", "version", arr{obj{"value": "6.0"}}),
	},
	"process-completeness-computed": {unjudgedBy("S07", access.DES), unsigned("DeviceRequest/order", "order", access.MFR), anew("S11a"), withoutOutput("S10", "design-scheme")},
	// S16
	"verdict-current":       {nextVersion("DeviceRequest/order"), nextVersion("Device/implant"), nextVersion("Device/socket"), nextVersion("Composition/history"), nextVersion("Task/op-print"), withoutVerdict, clientsVerdict, otherRule},
	"verdict-still-current": {nextVersion("DeviceRequest/order"), nextVersion("Device/implant"), nextVersion("Composition/history"), withoutVerdict},
	"wearing-of-patient":    {put("Observation/donning", "subject", ref(other)), put("Observation/stump-skin", "subject", nil), put("Observation/gait-cycling", "subject", ref(other))},
	"donned-easily":         {nonconform("Observation/donning")},
	"sits":                  {inPart("Observation/sitting", "knee-angle", unit(89, "deg")), inPart("Observation/sitting", "knee-angle", unit(106, "deg")), inPart("Observation/sitting", "can-sit", false), partGone("Observation/sitting", "can-sit")},
	"stands-apart":          {inPart("Observation/standing", "foot-gap", mm(49)), inPart("Observation/standing", "foot-gap", mm(101)), partGone("Observation/standing", "load")},
	"loads-equally":         {inPart("Observation/standing", "load", unit(44, "%")), inPart("Observation/standing", "load", unit(56, "%"))},
	"stands-stable":         {inPart("Observation/standing", "stable", false), partGone("Observation/standing", "stable")},
	"foot-length-worn":      {both(unsignedRequest, inPart("Observation/foot-length", "prosthesis", mm(234.9))), both(unsignedRequest, inPart("Observation/foot-length", "prosthesis", mm(246)))},
	"limb-length-worn":      {inPart("Observation/limb-length", "prosthesis", mm(441)), inPart("Observation/limb-length", "prosthesis", mm(452.5))},
	"walks": {
		inPart("Observation/gait-cycling", "noise", concept("urn:tenon:normality", "abnormal")), inPart("Observation/gait-stairs-up", "stance", concept("urn:tenon:normality", "abnormal")),
		partGone("Observation/gait-squatting", "swing"), put("Observation/gait-stairs-down", "code", concept("urn:tenon:gait-activity", "stairs-up")),
	},
	"skin-after-doffing": {inPart("Observation/stump-skin", "pressure", concept("urn:tenon:presence", "present")), inPart("Observation/stump-skin", "pain", concept("urn:tenon:presence", "present")), partGone("Observation/stump-skin", "pain")},
	// S15 to S18, shared but over other stages or documents
	"process-covered": {anew("S11a"), anew("S05"), anew("S11b")},
	"image-age":       {later(31 * 24 * time.Hour), put("Procedure/acquisition", "performedDateTime", nil)},
	"shape-observed":  {put("Observation/f-stump-change", "code", obj{"text": "x"})},
	"effect-observed": {put("Goal/goal", "achievementStatus", nil), put("Observation/f-skin-condition", "code", obj{"text": "x"}), put("Observation/f-socket-fit", "code", obj{"text": "x"})},
}

// sliced adds a CT that the clinician asked for, and then removes something.
func sliced(remove removal) removal {
	return func(w *world) {
		w.lay(examination(w), clin.Principal)
		w.lay(obj{"resourceType": "ImagingStudy", "id": "ct", "status": "available", "subject": ref("Patient/p"), "started": w.stamp(0), "numberOfInstances": 108,
			"modality": arr{obj{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}}}, img.Principal)
		addOutput(w, "S02", "examination-request", "ServiceRequest/examination")
		addOutput(w, "S02", "image-study", "ImagingStudy/ct")
		remove(w)
	}
}

// registeredStudy adds CT slices that are not there yet.
func registeredStudy(w *world) {
	w.lay(obj{"resourceType": "ImagingStudy", "id": "ct", "status": "registered", "subject": ref("Patient/p"), "started": w.stamp(0), "numberOfInstances": 0}, img.Principal)
	addOutput(w, "S02", "image-study", "ImagingStudy/ct")
}

func withoutUnit(w *world) {
	w.alter("DocumentReference/model", func(b obj) {
		a := b["content"].([]any)[0].(obj)["attachment"].(obj)
		a["extension"] = slices.DeleteFunc(a["extension"].([]any), func(e any) bool { return hasURL("length-unit")(e.(obj)) })
	})
}

func standing(photo string) removal {
	return put("Media/"+photo, "extension", arr{ext("identity-masked", "valueBoolean", true), ext("posture", "valueCodeableConcept", concept("urn:tenon:posture", "standing"))})
}

func partsOf(ref string, three ...float64) removal {
	parts := arr{}
	for _, v := range three {
		parts = append(parts, socketPart("acquisition", "valueQuantity", mm(v)))
	}
	return put(ref, "component", parts)
}

func brimWithoutScan(w *world) {
	w.alter("Composition/design-output", func(b obj) {
		for _, s := range b["section"].([]any) {
			delete(s.(obj), "entry")
		}
	})
}

func thickness(value obj, reasoned bool) removal {
	return func(w *world) {
		w.alter("DeviceDefinition/design", func(b obj) {
			for _, p := range b["property"].([]any) {
				if !is("type", "thickness")(p.(obj)) {
					continue
				}
				if p.(obj)["valueQuantity"] = (arr{value}); !reasoned {
					delete(p.(obj), "extension")
				}
			}
		})
	}
}

func twoWishes(w *world) {
	w.alter("DeviceRequest/order", func(b obj) {
		b["parameter"] = append(b["parameter"].([]any), ordered("personalisation", obj{"text": "a flower on the shaft"}))
	})
}

func unreported(id string) removal {
	return func(w *world) {
		w.alter("DiagnosticReport/device-judgement", func(b obj) {
			b["result"] = slices.DeleteFunc(b["result"].([]any), func(r any) bool { return r.(obj)["reference"] == "Observation/"+id })
		})
	}
}
