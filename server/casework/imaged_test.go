package casework_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// imagingCase is a case at work on a stage, with a protocol and what the server
// measured of the images, and without a waiver.
func imagingCase(t *testing.T, point, waiver string) *world {
	w := stop(t, point)
	unwaived(waiver)(w)
	w.alter(w.task("S02"), func(b obj) {
		b["output"] = slices.DeleteFunc(b["output"].([]any), func(o any) bool { return is("type", "examination-request")(o.(obj)) })
	})
	w.lay(obj{"resourceType": "ServiceRequest", "id": "protocol", "status": "active", "intent": "order", "subject": ref("Patient/p"),
		"bodySite": arr{obj{"coding": arr{obj{"system": "urn:tenon:body-site", "code": "SKULL"}}}},
		"extension": arr{obj{"url": "urn:tenon:extension:protocol", "extension": arr{
			obj{"url": "slice-thickness", "valueQuantity": unit(1, "mm")}, obj{"url": "slice-spacing", "valueQuantity": unit(1, "mm")},
			obj{"url": "pixel-spacing", "valueQuantity": unit(0.5, "mm")}, obj{"url": "kernel", "valueString": "BONE"}, obj{"url": "algorithm", "valueString": "ITERATIVE"},
		}}}}, clin.Principal)
	addOutput(w, "S02", "examination-request", "ServiceRequest/protocol")
	w.lay(measurement(w), "server")
	return w
}

func measurement(w *world) obj {
	part := func(code, element string, value any) obj {
		return obj{"code": concept("urn:tenon:image", code), element: value}
	}
	study := w.members["ImagingStudy/ct"]
	components := arr{
		part("slice-thickness", "valueQuantity", unit(0.75, "mm")), part("slice-spacing", "valueQuantity", unit(0.75, "mm")),
		part("pixel-spacing", "valueQuantity", unit(0.5, "mm")), part("gantry-tilt", "valueQuantity", unit(0, "deg")),
		part("kernel", "valueString", "BONE"), part("algorithm", "valueString", "ITERATIVE"), part("site", "valueString", "HEAD"),
	}
	for _, count := range []string{"missing-slices", "lossy", "derived", "burned-in", "not-rescaled", "site-unsaid", "unread"} {
		components = append(components, part(count, "valueInteger", 0))
	}
	return obj{"resourceType": "Observation", "id": "images", "status": "final", "code": concept("urn:tenon:image", "geometry"), "subject": ref("Patient/p"),
		"extension": arr{ext("sha-256", "valueString", hex.EncodeToString(study.Digest[:]))}, "derivedFrom": arr{ref("ImagingStudy/ct")}, "component": components}
}

// showing changes one value that was measured; nil takes it away.
func showing(code, element string, value any) removal {
	return func(w *world) {
		w.alter("Observation/images", func(b obj) {
			for _, c := range b["component"].([]any) {
				if c := c.(obj); is("code", code)(c) {
					delete(c, element)
					if value != nil {
						c[element] = value
					}
				}
			}
		})
	}
}

func without(code string) removal { return cut("Observation/images", "component", is("code", code)) }

// requested changes one part of the protocol; nil takes it away.
func requested(part, element string, value any) removal {
	return func(w *world) {
		w.alter("ServiceRequest/protocol", func(b obj) {
			p := b["extension"].([]any)[0].(obj)
			p["extension"] = slices.DeleteFunc(p["extension"].([]any), func(e any) bool { return e.(obj)["url"] == part })
			if value != nil {
				p["extension"] = append(p["extension"].([]any), obj{"url": part, element: value})
			}
		})
	}
}

// TestImaged: what was measured is held against the protocol; a violation cannot
// be waived, what is not known can.
func TestImaged(t *testing.T) {
	type row struct {
		name   string
		change removal
		state  casework.State // of the condition
	}
	sound := func(*world) {}
	for _, gate := range []struct {
		point, stage, id string
		role             access.Role
		by               *access.Context
		rows             []row
	}{
		{"S02 working", "S02", "protocol-limits", access.CLIN, clin, []row{
			{"R001-097 all is within", sound, casework.Satisfied},
			{"R001-097 a slice is too thick", showing("slice-thickness", "valueQuantity", unit(1.01, "mm")), casework.Unsatisfied},
			{"R001-097 in another unit", showing("slice-thickness", "valueQuantity", unit(0.1, "cm")), casework.Satisfied},
			{"R001-097 thickness is not said", showing("slice-thickness", "valueQuantity", nil), casework.NotEvaluated},
			{"R001-097 no thickness is asked for", requested("slice-thickness", "", nil), casework.NotEvaluated},
			{"R001-097 slices are too far apart", showing("slice-spacing", "valueQuantity", unit(1.5, "mm")), casework.Unsatisfied},
			{"R001-097 no spacing is asked for", requested("slice-spacing", "", nil), casework.Satisfied},
			{"R001-097 a slice is missing", showing("missing-slices", "valueInteger", 1), casework.Unsatisfied},
			{"R001-097 a header cannot be read", showing("unread", "valueInteger", 1), casework.Unsatisfied},
			{"R001-097 missing slices were not counted", without("missing-slices"), casework.NotEvaluated},
			{"R001-097 the stack leans", showing("gantry-tilt", "valueQuantity", unit(12, "deg")), casework.NotEvaluated},
			{"R001-098 pixels are too coarse", showing("pixel-spacing", "valueQuantity", unit(0.51, "mm")), casework.Unsatisfied},
			{"R001-098 no resolution is asked for", requested("pixel-spacing", "", nil), casework.NotEvaluated},
			{"R001-099 another filter", showing("kernel", "valueString", "SOFT"), casework.Unsatisfied},
			{"R001-099 the filter is not said", without("kernel"), casework.NotEvaluated},
			{"R001-099 no filter is asked for", requested("kernel", "", nil), casework.NotEvaluated},
			{"R001-100 another algorithm", showing("algorithm", "valueString", "FILTER_BACK_PROJ"), casework.Unsatisfied},
			{"R001-100 no algorithm", without("algorithm"), casework.Satisfied},
			{"R001-100 derived images", showing("derived", "valueInteger", 3), casework.Unsatisfied},
			{"R001-100 derived images may be used", func(w *world) {
				showing("derived", "valueInteger", 3)(w)
				requested("derived", "valueBoolean", true)(w)
			}, casework.Satisfied},
			{"R001-101 grey values are not rescaled", showing("not-rescaled", "valueInteger", 108), casework.Unsatisfied},
			{"lossy images", showing("lossy", "valueInteger", 1), casework.Unsatisfied},
			{"lossy images may be used", func(w *world) { showing("lossy", "valueInteger", 1)(w); requested("lossy", "valueBoolean", true)(w) }, casework.Satisfied},
			{"text is burned in", showing("burned-in", "valueInteger", 1), casework.Unsatisfied},
			{"nothing was measured", func(w *world) { delete(w.members, "Observation/images") }, casework.NotEvaluated},
			{"somebody else measured", func(w *world) { w.alterAuthor("Observation/images", img.Principal) }, casework.NotEvaluated},
			{"the study changed since", func(w *world) {
				r := w.members["ImagingStudy/ct"]
				r.Digest[0]++
				w.members["ImagingStudy/ct"] = r
			}, casework.NotEvaluated},
			{"another study was measured", put("Observation/images", "derivedFrom", arr{ref("ImagingStudy/other")}), casework.NotEvaluated},
		}},
		{"S03b working", "S03b", "image-quality", access.DES, des, []row{
			{"R001-211 all is within", sound, casework.Satisfied},
			{"R001-211 resolution", showing("pixel-spacing", "valueQuantity", unit(0.6, "mm")), casework.Unsatisfied},
			{"R001-211 precision", showing("slice-thickness", "valueQuantity", unit(2, "mm")), casework.Unsatisfied},
			{"R001-211 another site", showing("site", "valueString", "KNEE"), casework.Unsatisfied},
			{"R001-211 the site itself", showing("site", "valueString", "SKULL"), casework.Satisfied},
			{"R001-211 a part of the site", showing("site", "valueString", "ORBIT"), casework.Unsatisfied},
			{"R001-211 some images do not say the site", showing("site-unsaid", "valueInteger", 1), casework.NotEvaluated},
			{"R001-211 no site is asked for", put("ServiceRequest/protocol", "bodySite", nil), casework.NotEvaluated},
		}},
	} {
		for _, c := range gate.rows {
			t.Run(c.name, func(t *testing.T) {
				w := imagingCase(t, gate.point, gate.id)
				c.change(w)
				state := stateOf(w.try(gate.stage, casework.Stop), gate.id)
				if state != c.state {
					t.Fatalf("%s is %s, want %s: %s", gate.id, state, c.state, told(w.try(gate.stage, casework.Stop).Refusal))
				}
				if state == casework.Satisfied {
					return
				}
				_, refusal := w.sign(gate.by, "Task/root", gate.role, "waive:"+gate.id)
				if state == casework.Unsatisfied && len(refusal) == 0 {
					t.Error("a violation was waived")
				}
				if after := stateOf(w.try(gate.stage, casework.Stop), gate.id); state == casework.NotEvaluated && after != casework.Satisfied {
					t.Errorf("%s signed for it, and %s is %s", gate.role, gate.id, after)
				}
			})
		}
	}
}

// stateOf is what a decision says of a condition.
func stateOf(d casework.Decision, id string) casework.State {
	for _, u := range d.Refusal {
		if u.Condition == id {
			return u.State
		}
	}
	return casework.Satisfied
}

func (w *world) alterAuthor(ref, author string) {
	r := w.members[ref]
	r.Author = author
	w.members[ref] = r
}
