package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/server/access"
)

// judgementMethods are how a person may judge (clause 8.3.2).
var judgementMethods = []string{"visual", "measured", "test-report"}

// person makes a family that a person judges: an Observation of that code of
// urn:tenon:judgement among the results of the device's judgement.
func person(code string) family {
	return func(v *view) []item {
		return []item{*v.byPerson(code, func(r *Resource) bool { return hasCode(r.Root.Field("code"), systemJudgement, code) })}
	}
}

// byPerson takes the verdict of the clinician's Observations that fit: each says
// conform or nonconform, by which method, and who judged. Whoever wrote it down
// is who judged, and holds the role of a clinician in the team.
func (v *view) byPerson(id string, fits func(r *Resource) bool) *item {
	it := &item{id: id, verdict: conform, basis: byPerson}
	found := 0
	for _, r := range v.results("device-judgement", "process-judgement") {
		if !fits(r) {
			continue
		}
		found++
		it.rest(r)
		v.oneJudgement(it, r)
	}
	if found == 0 {
		it.fall(notEvaluated, fmt.Sprintf("Nobody judged %s: the judgement names no Observation of it.", id), fmt.Sprintf("%s 尚无人判定：判定报告未引用相应观察。", id))
	}
	return it
}

func (v *view) oneJudgement(it *item, r *Resource) {
	switch said := codeOf(r.Root.Field("valueCodeableConcept"), systemVerdict); said {
	case string(conform), "pass":
	case string(nonconform), "fail":
		it.fall(nonconform, fmt.Sprintf("%s says %s.", r.Ref(), said), fmt.Sprintf("%s 判定为不合格。", r.Ref()))
	default:
		it.fall(notEvaluated, fmt.Sprintf("%s says neither conform nor nonconform.", r.Ref()), fmt.Sprintf("%s 未载明合格或不合格。", r.Ref()))
	}
	if method := codeOf(r.Root.Field("method"), systemMethod); slices.Contains(judgementMethods, method) {
		it.method = method
	} else {
		it.fall(notEvaluated, fmt.Sprintf("%s states no method (%s: %s).", r.Ref(), systemMethod, strings.Join(judgementMethods, ", ")), fmt.Sprintf("%s 未载明判定方法。", r.Ref()))
	}
	by := referencesOf(r.Root.Field("performer"))
	if len(by) != 1 || by[0] != r.Author || !v.clinicianOf(by[0]) {
		it.fall(notEvaluated, fmt.Sprintf("%s was not written down by the clinician who judged (performer).", r.Ref()), fmt.Sprintf("%s 不是由判定医生本人记录。", r.Ref()))
		return
	}
	it.by = by[0]
}

// clinicianOf tells whether someone is a clinician of the team.
func (v *view) clinicianOf(principal string) bool {
	return slices.ContainsFunc(v.members(), func(m participant) bool { return m.ref == principal && m.role == access.CLIN })
}

// microStructure: a porous or lattice structure is judged in its micro-structure
// (clause 8.3.4 b).
func microStructure(v *view) []item {
	if !v.porous() {
		return nil
	}
	return person("micro-structure")(v)
}

// anatomy: what the order says of the anatomy that the device stands in for is
// judged (clause 8.3.4 c).
func anatomy(v *view) []item {
	for _, param := range []string{"anatomical-function", "reconstruction-extent", "resection-extent"} {
		if len(v.required(param)) > 0 {
			return person("anatomy")(v)
		}
	}
	return nil
}

// biocompatibility: a report on a part of GB/T 16886 that passes, and the grade of
// cytotoxicity. Grade 0 is none; any other is held against the hospital's limit,
// for the source says only "no cytotoxicity" (clause 8.3.5 a).
func biocompatibility(v *view) []item {
	is := func(code string) func(r *Resource) bool {
		return func(r *Resource) bool { return hasCode(r.Root.Field("code"), systemJudgement, code) }
	}
	report := v.byPerson("biocompatibility", is("biocompatibility"))
	for _, r := range v.results("device-judgement") {
		if is("biocompatibility")(r) {
			v.rests(report, r)
		}
	}
	grade := computed("cytotoxicity")
	found := 0
	for _, m := range v.measures() {
		if !hasCode(m.code, systemJudgement, "cytotoxicity") {
			continue
		}
		found++
		grade.rest(m.of)
		v.cytotoxic(grade, m)
	}
	if found == 0 {
		grade.fall(notEvaluated, "No report names a grade of cytotoxicity.", "没有报告载明细胞毒性分级。")
	}
	return []item{*report, *grade}
}

// rests refuses a judgement of biocompatibility without the test report that it
// rests on and the part of the standard.
func (v *view) rests(it *item, r *Resource) {
	papers := 0
	for _, ref := range referencesOf(r.Root.Field("derivedFrom")) {
		if paper := v.byRef[ref]; paper != nil && paper.Type == "DocumentReference" {
			papers++
			it.rest(paper)
		}
	}
	if papers == 0 {
		it.fall(notEvaluated, r.Ref()+" cites no test report (derivedFrom).", r.Ref()+" 未引用检验报告。")
	}
	if valueOf(extension(r.Root, extensionPrefix+"standard-part")).Str() == "" {
		it.fall(notEvaluated, r.Ref()+" does not say which part of GB/T 16886 (extension standard-part).", r.Ref()+" 未载明 GB/T 16886 的部分。")
	}
}

func (v *view) cytotoxic(it *item, m measure) {
	if m.fault.english != "" || !m.figure.single() {
		it.fall(notEvaluated, m.of.Ref()+" states no grade.", m.of.Ref()+" 未载明分级。")
		return
	}
	it.value = m.figure.text
	if m.figure.low.Sign() == 0 {
		return
	}
	if l, ok := v.limit("cytotoxicity-grade"); ok {
		it.required = l.bounds.String()
		it.held(l, m.figure)
	}
}

// cellResponse: the surface suits the cells, and pores are connected (clause
// 8.3.5 a): a person judges the one, the other is a figure where it is porous.
func cellResponse(v *view) []item {
	all := person("cell-response")(v)
	if !v.porous() {
		return all
	}
	it := computed("pore-connectivity", v.named("order")...)
	l, _ := v.limit("pore-connectivity")
	found := 0
	for _, m := range v.measures() {
		if hasCode(m.code, systemCharacteristic, "pore-connectivity") && m.fault.english == "" {
			found++
			it.rest(m.of)
			it.value = m.figure.text
			if l.bounds.configured() {
				it.held(l, m.figure)
			}
		}
	}
	if found == 0 {
		it.fall(notEvaluated, "No report names the connectivity of the pores.", "没有报告载明孔隙连通率。")
	}
	return append(all, *it)
}

// critical: every characteristic that the design marks as critical to safe use
// has a result that passes (clause 5.3.3.2).
func critical(v *view) []item {
	var all []item
	for _, design := range v.named("design-definition") {
		for p := range design.Root.Field("property").Items() {
			if !valueOf(extension(p, extensionPrefix+"safety-critical")).Bool() {
				continue
			}
			q := requirementOf(design, p, codeOf(p.Field("type"), systemParameter), p.Field("type"), p.Field("valueQuantity").Index(0))
			q.alone = true
			all = append(all, *v.passes(q))
		}
	}
	return all
}

// passes takes the verdict that results state themselves: interpretation or value.
func (v *view) passes(q requirement) *item {
	it := computed("critical/"+q.id(), q.from)
	found := 0
	for _, m := range v.measures() {
		if !q.answers(m) {
			continue
		}
		found++
		it.rest(m.of)
		said := append(codesOf(m.at.Field("interpretation"), systemVerdict), codesOf(m.at.Field("valueCodeableConcept"), systemVerdict)...)
		if len(said) == 0 || slices.ContainsFunc(said, func(s string) bool { return s != "pass" && s != string(conform) }) {
			it.fall(nonconform, m.of.Ref()+" does not pass.", m.of.Ref()+" 未通过。")
		}
	}
	if found == 0 {
		it.fall(notEvaluated, "No report names a result of "+q.id()+".", "没有报告载明 "+q.id()+" 的结果。")
	}
	return it
}

// methods: every Observation that a judgement names states its method (clause
// 8.3.2).
func methods(v *view) []item {
	var all []item
	for _, r := range v.results("device-judgement") {
		it := &item{id: "method/" + r.ID, verdict: conform, basis: byPerson}
		it.rest(r)
		if _, fault := figureOf(valueOf(r.Root)); fault.english != "" {
			v.oneJudgement(it, r)
		} else if !r.Root.Field("method").Exists() {
			it.fall(notEvaluated, r.Ref()+" states no method.", r.Ref()+" 未载明方法。")
		}
		all = append(all, *it)
	}
	return all
}

// objects: the six objects of judgement (clause 8.3.1) each have a result that is
// about them: Observation.focus names the document or, for the device, subject.
func objects(v *view) []item {
	about := map[string][]*Resource{}
	for _, r := range v.results("device-judgement", "process-judgement") {
		for _, ref := range append(referencesOf(r.Root.Field("focus")), referencesOf(r.Root.Field("subject"))...) {
			about[ref] = append(about[ref], r)
		}
	}
	var all []item
	for _, o := range []struct {
		id        string
		documents []string
	}{
		{"object/device", []string{"device"}}, {"object/images", []string{"image-study"}}, {"object/plan", []string{"treatment-plan"}},
		{"object/requirements", []string{"order"}}, {"object/design", []string{"design-model", "design-output", "design-definition", "design-scheme"}},
		{"object/production", []string{"device-history-record", "inspection-report"}}, {"object/label", []string{"label"}},
	} {
		it := &item{id: o.id, verdict: conform, basis: byPerson}
		known := 0
		judged := false
		for _, document := range o.documents {
			for _, r := range v.named(document) {
				known++
				for _, by := range about[r.Ref()] {
					judged = true
					it.rest(by, r)
				}
			}
		}
		if known == 0 {
			continue
		}
		if !judged {
			it.fall(notEvaluated, "No result of the judgement is about "+strings.Join(o.documents, " or ")+" (Observation.focus).", "判定结果未涉及 "+strings.Join(o.documents, " 或 ")+"。")
		}
		all = append(all, *it)
	}
	return all
}
