package casewalk

import (
	"slices"
	"strings"
)

// missing is one defect for each section.
func missing(sections []string) []Defect {
	var all []Defect
	for _, s := range sections {
		all = append(all, Defect{Name: "no section " + s, Spoil: without(s)})
	}
	return all
}

var (
	unlabelled = []Defect{{Name: "no confidentiality", Clause: []string{"R001-111"}, Spoil: set("securityLabel", nil)}}

	modelDefects = []Defect{
		{Name: "for viewing only", Spoil: set("category", Arr{coded("model-purpose", "surgical-model")})},
		{Name: "no validity", Clause: []string{"R001-108"}, Spoil: set("context", nil)},
		{Name: "no confidentiality", Clause: []string{"R001-111"}, Spoil: set("securityLabel", nil)},
	}

	passDefects = []Defect{
		{Name: "failed", Spoil: verdict("fail")},
		{Name: "preliminary", Spoil: set("status", "preliminary")},
		{Name: "no verdict", Spoil: set("conclusionCode", nil)},
	}

	validationDefects = append([]Defect{{Name: "no mode", Clause: []string{"R001-131"}, Spoil: set("category", nil)}}, passDefects...)

	formDefects = []Defect{
		{Name: "names no model", Clause: []string{"R001-133"}, Spoil: without("confirmed-design")},
		{Name: "another file", Clause: []string{"R001-133"}, Spoil: func(o Obj) {
			for _, s := range list(o, "section") {
				for _, e := range list(s, "entry") {
					e["extension"] = Arr{ext("sha-256", "valueString", digest([]byte("another file")))}
				}
			}
		}},
	}

	deviceDefects = []Defect{
		{Name: "inactive", Clause: []string{"R001-215"}, Spoil: set("status", "inactive")},
		{Name: "no batch", Clause: []string{"R001-158"}, Spoil: set("lotNumber", nil)},
		{Name: "no unique code", Clause: []string{"R001-170"}, Spoil: func(o Obj) { delete(o, "distinctIdentifier"); delete(o, "udiCarrier") }},
		{Name: "no label content", Clause: []string{"R001-203"}, Spoil: unextended("label-content")},
		{Name: "another image date", Clause: []string{"R001-203"}, Spoil: relabelled("image-date", "valueDate", "2019-01-01")},
		{Name: "another design date", Clause: []string{"R001-203"}, Spoil: relabelled("design-date", "valueDate", "2019-01-01")},
		{Name: "no site", Clause: []string{"R001-203"}, Spoil: relabelled("site", "", nil)},
		{Name: "no use", Clause: []string{"R001-203"}, Spoil: relabelled("use", "", nil)},
		{Name: "no anatomy check", Clause: []string{"R001-203"}, Spoil: relabelled("anatomy-check", "", nil)},
	}

	sampleDefects = []Defect{
		{Name: "too few", Clause: []string{"R001-164"}, Spoil: set("collection", Obj{"quantity": quantity(1, "1")})},
		{Name: "not available", Clause: []string{"R001-163", "R001-164"}, Spoil: set("status", "unavailable")},
	}

	deliveryDefects = []Defect{
		{Name: "on the way", Spoil: set("status", "in-progress")},
		{Name: "no device", Clause: []string{"R001-167"}, Spoil: func(o Obj) { delete(at(o, "suppliedItem").(Obj), "itemReference") }},
	}
)

// definitionDefects: every parameter of the order is traced (5.3.1), and what
// the output states besides.
func definitionDefects() []Defect {
	all := []Defect{
		{Name: "another device name", Clause: []string{"R001-106"}, Spoil: set("deviceName", Arr{Obj{"name": "hip cup", "type": "user-friendly-name"}})},
		{Name: "no usage period", Clause: []string{"R001-107"}, Spoil: set("shelfLifeStorage", nil)},
		{Name: "no material", Clause: []string{"R001-112"}, Spoil: set("material", nil)},
		{Name: "nothing said of safety", Clause: []string{"R001-113"}, Spoil: func(o Obj) {
			for _, p := range list(o, "property") {
				unextended("safety-critical")(p)
			}
		}},
	}
	for _, name := range orderParameters {
		if name == "mechanical" { // the order says that it does not apply
			continue
		}
		all = append(all, Defect{Name: "untraced " + name, Clause: []string{"R001-087"}, Spoil: func(o Obj) {
			kept := Arr{}
			for _, p := range list(o, "property") {
				if str(p, "type", "coding", "code") != name {
					kept = append(kept, p)
				}
			}
			o["property"] = kept
		}})
	}
	return all
}

// relabelled changes one part of the label's content, or drops it.
func relabelled(part, kind string, value any) func(Obj) {
	return func(o Obj) {
		for _, e := range list(o, "extension") {
			if str(e, "url") != tenon+"extension:label-content" {
				continue
			}
			kept := Arr{}
			for _, p := range list(e, "extension") {
				if str(p, "url") != part {
					kept = append(kept, p)
				} else if value != nil {
					kept = append(kept, Obj{"url": part, kind: value})
				}
			}
			e["extension"] = kept
		}
	}
}

// operationDefects: every controlled item has an operator, a time and a result
// (6.2.3), and printing its parameters within their windows.
func operationDefects(code string) []Defect {
	const documented = "G-RELEASE/operations-documented"
	all := []Defect{
		{Name: "still at work", Clause: []string{"R001-161", "R001-159"}, Spoil: set("status", "in-progress")},
		{Name: "no operator", Rule: documented, Clause: []string{"R001-161", "R001-162", "R001-157"}, Spoil: set("requester", nil)},
		{Name: "no time", Rule: documented, Clause: []string{"R001-161", "R001-162", "R001-157"}, Spoil: set("executionPeriod", nil)},
		{Name: "no result", Rule: documented, Clause: []string{"R001-161", "R001-162", "R001-157"}, Spoil: set("output", nil)},
	}
	if slices.Contains([]string{"post-processing", "cleaning", "warehouse-in", "warehouse-out"}, code) { // each follows on another
		all = append(all, Defect{Name: "before its turn", Rule: "G-RELEASE/operations-in-order", Spoil: set("executionPeriod", Obj{
			"start": "2020-01-01T08:00:00Z", "end": "2020-01-01T09:00:00Z",
		})})
	}
	if code == "print" {
		all = append(all, Defect{Name: "no parameters", Rule: "G-RELEASE/process-recorded", Spoil: set("input", nil)},
			Defect{Name: "a parameter outside its window", Rule: "G-RELEASE/process-recorded", Spoil: func(o Obj) {
				list(o, "input")[0]["valueQuantity"] = quantity(2800, "W")
			}})
	}
	return all
}

// lookDefects: each parameter of the order is inspected (5.3.1).
func lookDefects() []Defect {
	var all []Defect
	for _, name := range orderParameters {
		if name == "dimension" || name == "roughness" || name == "mechanical" { // measured, or not applicable
			continue
		}
		all = append(all, Defect{Name: "nothing on " + name, Rule: "G-RELEASE/order-inspected", Spoil: func(o Obj) {
			kept := Arr{}
			for _, c := range list(o, "code", "coding") {
				if str(c, "code") != name {
					kept = append(kept, c)
				}
			}
			at(o, "code").(Obj)["coding"] = kept
		}})
	}
	return append(all, Defect{Name: "not passed", Rule: "G-RELEASE/order-inspected", Spoil: set("interpretation", Arr{coded("verdict", "fail")})})
}

// historyDefects: the record of the device names what it was made with (6.4).
func historyDefects() []Defect {
	all := missing(historySections)
	for section, name := range map[string]string{"images": "the images", "model": "the model", "machine": "machine, software, material and process"} {
		all = append(all, Defect{Name: "does not name " + name, Rule: "G-RELEASE/history-complete", Clause: []string{"R001-165", "R001-063"}, Spoil: func(o Obj) {
			delete(sectionOf(o, section), "entry")
		}})
	}
	slices.SortFunc(all, func(a, b Defect) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// decoys are records of custody that do not count (7.1.4); they cannot be
// taken back, and the true one still may follow.
var decoys = []Defect{
	{Name: "without a time", Spoil: set("occurredDateTime", nil)},
	{Name: "of somebody else", Spoil: set("agent", Arr{Obj{"who": ref("PractitionerRole/qa-wu")}})},
}
