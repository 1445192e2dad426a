package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
)

const (
	systemParameter      = "urn:tenon:parameter"
	systemCharacteristic = "urn:tenon:characteristic"
	systemMethod         = "urn:tenon:judgement-method"
	systemVerdict        = "urn:tenon:verdict"
)

// requirement is one figure that the order or the design asks for.
type requirement struct {
	param   string    // code of urn:tenon:parameter
	concept tree.Node // its code, with what tells it from others: characteristic, text
	zone    string
	alone   bool // the only one of its parameter and zone
	asked   figure
	fault   note    // why there is no figure
	nominal *figure // the middle that is meant
	key     bool
	reason  string // why it does not apply; the order's signatures cover it
	from    *Resource
}

// required are the requirements of that parameter of the orders that the case
// names.
func (v *view) required(param string) []requirement {
	var all []requirement
	for _, order := range v.named("order") {
		for p := range order.Root.Field("parameter").Items() {
			if hasCode(p.Field("code"), systemParameter, param) {
				all = append(all, requirementOf(order, p, param, p.Field("code"), valueOf(p)))
			}
		}
	}
	return toldApart(all)
}

// designed are the properties of that parameter of the designs of the case.
func (v *view) designed(param string) []requirement {
	var all []requirement
	for _, design := range v.named("design-definition") {
		for p := range design.Root.Field("property").Items() {
			if !hasCode(p.Field("type"), systemParameter, param) {
				continue
			}
			all = append(all, requirementOf(design, p, param, p.Field("type"), p.Field("valueQuantity").Index(0)))
		}
	}
	return toldApart(all)
}

func requirementOf(from *Resource, at tree.Node, param string, concept, value tree.Node) requirement {
	q := requirement{
		param: param, concept: concept, from: from, zone: valueOf(extension(at, extensionPrefix+"zone")).Str(),
		reason: inapplicableBecause(at),
	}
	q.asked, q.fault = figureOf(value)
	if n := extension(at, extensionPrefix+"nominal"); n.Exists() {
		if f, fault := figureOf(valueOf(n)); fault.english == "" {
			q.nominal = &f
		}
	}
	mark := valueOf(extension(at, extensionPrefix+"key-dimension"))
	q.key = !mark.Exists() || mark.Bool()
	return q
}

func toldApart(all []requirement) []requirement {
	for i := range all {
		all[i].alone = !slices.ContainsFunc(all, func(o requirement) bool {
			return o.from == all[i].from && o.concept.ID() != all[i].concept.ID() && o.zone == all[i].zone
		})
	}
	return all
}

// id names the requirement in a report: dimension/thickness.
func (q requirement) id() string {
	name := q.param
	if codes := codesOf(q.concept, systemCharacteristic); len(codes) > 0 {
		name += "/" + codes[0]
	} else if text := q.concept.Field("text").Str(); text != "" && !q.alone {
		name += "/" + text
	}
	if q.zone != "" {
		name += "/" + q.zone
	}
	return name
}

// measure is a value that an Observation, or a component of one, bears.
type measure struct {
	of     *Resource
	code   tree.Node
	at     tree.Node // has value[x], and the extensions
	figure figure
	fault  note
}

// answers tells whether a measured value is about the requirement: it bears its
// characteristic, or its parameter where nothing else has to be told apart, and
// is of its zone.
func (q requirement) answers(m measure) bool {
	if zone := valueOf(extension(m.at, extensionPrefix+"zone")).Str(); zone != q.zone && !(zone == "" && q.alone) {
		return false
	}
	if codes := codesOf(q.concept, systemCharacteristic); len(codes) > 0 {
		return slices.ContainsFunc(codes, func(c string) bool { return hasCode(m.code, systemCharacteristic, c) })
	}
	if !hasCode(m.code, systemParameter, q.param) && !hasCode(m.code, systemCharacteristic, q.param) {
		return false
	}
	text := words(q.concept.Field("text").Str())
	return q.alone || text != "" && text == words(m.code.Field("text").Str())
}

func words(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// reports are the documents whose results count: what inspection found, and what
// the clinician judged. An Observation that no report names counts for nothing.
var reports = []string{"inspection-report", "device-judgement", "process-judgement", "third-party-report"}

// results are the final Observations that the named reports cite, about the
// device or the patient of the case.
func (v *view) results(documents ...string) []*Resource {
	var all []*Resource
	for _, document := range documents {
		for _, report := range v.named(document) {
			for _, ref := range referencesOf(report.Root.Field("result")) {
				r := v.byRef[ref]
				if r != nil && r.Type == "Observation" && !slices.Contains(all, r) && v.counts(r) {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// counts tells whether an Observation is final and about this case's device or
// patient.
func (v *view) counts(r *Resource) bool {
	if !slices.Contains([]string{"final", "amended", "corrected"}, r.Root.Field("status").Str()) {
		return false
	}
	about := append(referencesOf(r.Root.Field("subject")), referencesOf(r.Root.Field("focus"))...)
	devices := v.named("device")
	for _, ref := range about {
		if strings.HasPrefix(ref, "Patient/") && ref != v.patient {
			return false
		}
		if strings.HasPrefix(ref, "Device/") && !slices.ContainsFunc(devices, func(d *Resource) bool { return d.Ref() == ref }) {
			return false
		}
	}
	return true
}

// measures are the values of the results.
func (v *view) measures() []measure {
	var all []measure
	for _, r := range v.results(reports...) {
		all = append(all, measureOf(r, r.Root))
		for c := range r.Root.Field("component").Items() {
			all = append(all, measureOf(r, c))
		}
	}
	return slices.DeleteFunc(all, func(m measure) bool { return !m.code.Exists() })
}

func measureOf(r *Resource, at tree.Node) measure {
	m := measure{of: r, code: at.Field("code"), at: at}
	m.figure, m.fault = figureOf(valueOf(at))
	return m
}

// answersTo are the measured values about a requirement.
func (v *view) answersTo(q requirement) []measure {
	return slices.DeleteFunc(v.measures(), func(m measure) bool { return !q.answers(m) })
}

// against judges every measured value about a requirement by its bounds.
func (v *view) against(q requirement, l limit) *item {
	it := computed(q.id(), q.from)
	it.required = strings.TrimSpace(l.bounds.String() + unitText(l.unit))
	if q.reason != "" {
		it.basis, it.required = inapplicable, q.reason
		return it
	}
	found := v.answersTo(q)
	it.measured(l, found)
	return it
}

// measured holds every figure found against the limit; none at all leaves the item
// not evaluated.
func (it *item) measured(l limit, found []measure) {
	if len(found) == 0 {
		it.fall(notEvaluated, fmt.Sprintf("No report names a measured value of %s.", it.id), fmt.Sprintf("没有报告载明 %s 的实测值。", it.id))
	}
	for _, m := range found {
		it.rest(m.of)
		if m.fault.english != "" {
			it.fall(notEvaluated, fmt.Sprintf("%s: %s.", m.of.Ref(), m.fault.english), fmt.Sprintf("%s：%s。", m.of.Ref(), m.fault.chinese))
			continue
		}
		it.value = strings.TrimPrefix(it.value+"; "+m.figure.text, "; ")
		it.held(l, m.figure)
	}
}

// askedBy is the limit that a requirement's own figure makes.
func askedBy(q requirement) limit {
	return limit{id: q.id(), unit: q.asked.unit, bounds: bounds{low: q.asked.low, high: q.asked.high}}
}

// atMost and atLeast open one end of a single figure: "Ra 6.3 µm" is a maximum,
// "800 MPa" a minimum.
func (l limit) atMost(single bool) limit {
	if single {
		l.bounds.low = nil
	}
	return l
}

func (l limit) atLeast(single bool) limit {
	if single {
		l.bounds.high = nil
	}
	return l
}
