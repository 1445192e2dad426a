package casework

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// The four components of the judgement of the process (clause 8.3.6) are computed
// from the record: nobody ticks them.

// precision is how fine the record tells times to who compares them.
const precision = time.Millisecond

// judgingStage is the stage whose completion the judgement guards: the first one
// that has a report of it as output.
func (v *view) judgingStage() *Stage {
	for _, s := range v.plan.Stages {
		if s.output("process-judgement") != nil || s.output("device-judgement") != nil {
			return s
		}
	}
	return nil
}

// before are the stages that come before another, by the plan.
func (v *view) stagesBefore(s *Stage) []*Stage {
	seen := map[string]bool{}
	var walk func(codes []string)
	walk = func(codes []string) {
		for _, code := range codes {
			if b := v.plan.Stage(code); b != nil && !seen[code] {
				seen[code] = true
				walk(b.After)
			}
		}
	}
	walk(s.After)
	return slices.DeleteFunc(slices.Clone(v.plan.Stages), func(o *Stage) bool { return !seen[o.Code] })
}

// processOrder: no stage began before those before it were completed and their
// documents signed, no judgement was signed before there was something to judge,
// and the operations of production followed one another (clause 8.3.6 a).
func processOrder(v *view) []item {
	s := v.judgingStage()
	if s == nil {
		return nil
	}
	var all []item
	for _, b := range v.stagesBefore(s) {
		it := computed("process-order/" + b.Code)
		v.inOrder(it, b)
		all = append(all, *it)
	}
	return append(all, v.operationsInOrder()...)
}

func (v *view) inOrder(it *item, s *Stage) {
	task := v.current(s.Code)
	if task == nil || !v.completed(s.Code) {
		it.fall(nonconform, s.Code+" is not completed.", s.Code+" 未完成。")
		return
	}
	it.rest(task)
	made, _, dated := span(authored(task))
	done := finished(task)
	if !dated {
		it.fall(notEvaluated, task.Ref()+" states no time.", task.Ref()+" 未载明时间。")
		return
	}
	it.value = authored(task) + " … " + instant(done)
	for _, code := range s.After {
		before := v.current(code)
		if before == nil || made.Before(finished(before)) {
			it.fall(nonconform, fmt.Sprintf("%s was handed over before %s was completed.", s.Code, code), fmt.Sprintf("%s 在 %s 完成之前移交。", s.Code, code))
		}
	}
	for i := range s.Signatures {
		v.signedInTime(it, s, &s.Signatures[i], done)
	}
	for _, sig := range v.valid(task) {
		judges := sig.Purpose == purposeJudgement || sig.Purpose == purposeAcceptance
		if judges && sig.When.Truncate(precision).Before(made) {
			it.fall(nonconform, fmt.Sprintf("%s was judged before it was handed over.", s.Code), fmt.Sprintf("%s 在移交之前已被判定。", s.Code))
		}
	}
}

// finished is when work on a stage ended, by the server's clock.
func finished(task *Resource) time.Time {
	if end, _, ok := span(task.Root.Path("executionPeriod", "end").Str()); ok {
		return end
	}
	return task.Updated.Truncate(precision)
}

// signedInTime asks for each signature of the stage before its completion.
func (v *view) signedInTime(it *item, s *Stage, rule *SignatureRule, done time.Time) {
	for _, d := range v.documents("output", rule.Stage, rule.Document) {
		early := slices.ContainsFunc(v.signatures[d.Ref()], func(sig Signature) bool {
			return sig.Purpose == rule.Purpose && slices.Contains(rule.Roles, sig.Role) && !sig.When.Truncate(precision).After(done)
		})
		if !early {
			it.fall(nonconform, fmt.Sprintf("%s of %s was not signed (%s) before %s was completed.", rule.Document, rule.Stage, rule.Purpose, s.Code),
				fmt.Sprintf("%s 的 %s 在 %s 完成前未签署（%s）。", rule.Stage, rule.Document, s.Code, rule.Purpose))
		}
	}
}

// operationSequence is how the operations of production follow one another; those
// that are not here (tests, software, equipment) may lie beside them.
var operationSequence = [][]string{
	{"print", "post-processing"}, {"post-processing", "cleaning"}, {"cleaning", "packaging"}, {"cleaning", "sterilisation"},
	{"packaging", "warehouse-in"}, {"sterilisation", "warehouse-in"}, {"warehouse-in", "warehouse-out"},
	{"print", "support-removal"}, {"support-removal", "finishing"}, {"finishing", "packaging"}, {"assembly", "packaging"},
}

// sequenced tells whether an operation has its place in the sequence.
func sequenced(code string) bool {
	return slices.ContainsFunc(operationSequence, func(pair []string) bool { return slices.Contains(pair, code) })
}

func (v *view) operationsInOrder() []item {
	starts, ends := map[string]time.Time{}, map[string]time.Time{}
	it := computed("process-order/operations")
	known := 0
	for _, r := range v.operations() {
		code := codeOf(r.Root.Field("code"), systemOperation)
		from, _, begun := span(r.Root.Path("executionPeriod", "start").Str())
		_, until, ended := span(r.Root.Path("executionPeriod", "end").Str())
		it.rest(r)
		known++
		if !sequenced(code) && (!begun || !ended) {
			continue // an event beside the sequence, such as the start of the job
		}
		if !begun || !ended {
			it.fall(notEvaluated, fmt.Sprintf("The operation %s states no time (executionPeriod).", r.Ref()), fmt.Sprintf("工序 %s 未载明起止时间。", r.Ref()))
			continue
		}
		if until.Before(from) {
			it.fall(nonconform, fmt.Sprintf("The operation %s ends before it begins.", r.Ref()), fmt.Sprintf("工序 %s 结束早于开始。", r.Ref()))
		}
		if first, ok := starts[code]; !ok || from.Before(first) {
			starts[code] = from
		}
		if until.After(ends[code]) {
			ends[code] = until
		}
	}
	if known == 0 {
		return nil
	}
	for _, pair := range operationSequence {
		a, okA := starts[pair[0]]
		b, okB := starts[pair[1]]
		if okA && okB && (b.Before(a) || ends[pair[1]].Before(ends[pair[0]])) {
			it.fall(nonconform, fmt.Sprintf("The operation %s lies before %s.", pair[1], pair[0]), fmt.Sprintf("工序 %s 早于 %s。", pair[1], pair[0]))
		}
	}
	return []item{*it}
}

// operationEnd is when the last operation of that code ended.
func (v *view) operationEnd(code string) (end time.Time, ok bool) {
	for _, r := range v.operations() {
		if hasCode(r.Root.Field("code"), systemOperation, code) {
			if at, _, dated := span(r.Root.Path("executionPeriod", "end").Str()); dated && (!ok || at.After(end)) {
				end, ok = at, true
			}
		}
	}
	return end, ok
}

// processConformity: every stage followed the version of the plan that the case
// pins and, where it has one, its form in the version in force; and every
// controlled document bears the signatures of both sides over what it is now
// (clause 8.3.6 b).
func processConformity(v *view) []item {
	s := v.judgingStage()
	if s == nil {
		return nil
	}
	var all []item
	for _, b := range v.stagesBefore(s) {
		it := computed("process-conformity/" + b.Code)
		if task := v.current(b.Code); task != nil {
			it.rest(task)
			if got := task.Root.Field("instantiatesCanonical").Str(); got != v.plan.Canonical() {
				it.fall(nonconform, fmt.Sprintf("%s cites %q, the case runs on %s.", b.Code, got, v.plan.Canonical()), fmt.Sprintf("%s 引用的规程版本与病例不符。", b.Code))
			}
		}
		it.rest(v.documents("output", b.Code, "device")...) // what the process made, whatever else is judged of it
		v.reviewed(it, b)
		v.formInForce(it, b)
		all = append(all, *it)
	}
	return all
}

// reviewed asks for the signatures of the stage over the documents as they are.
func (v *view) reviewed(it *item, s *Stage) {
	for i := range s.Signatures {
		rule := &s.Signatures[i]
		it.rest(v.documents("output", rule.Stage, rule.Document)...)
		if u, ok := v.judgeSignature(rule); !ok {
			it.fall(nonconform, u.Text, u.Chinese)
		}
	}
}

// formInForce asks that answers cite the form that the stage names, in a version.
func (v *view) formInForce(it *item, s *Stage) {
	if s.Form == "" {
		return
	}
	url, version, _ := strings.Cut(s.Form, "|")
	for _, d := range s.Outputs {
		for _, r := range v.documents("output", s.Code, d.Code) {
			cited, of, _ := strings.Cut(r.Root.Field("questionnaire").Str(), "|")
			if r.Type != "QuestionnaireResponse" || cited == "" {
				continue
			}
			it.rest(r)
			if cited != url || version != "" && of != version {
				it.fall(nonconform, fmt.Sprintf("%s answers %s, the form of %s is %s.", r.Ref(), r.Root.Field("questionnaire").Str(), s.Code, s.Form),
					fmt.Sprintf("%s 所用表单版本与 %s 规定不符。", r.Ref(), s.Code))
			}
		}
	}
}

// processLegality: ethics approval, consent, qualified material and licensed
// software are there and valid (clause 8.3.6 c). What the plan has no document
// for is not asked.
func processLegality(v *view) []item {
	var all []item
	if s, d := v.ruleOf("ethics-approval"); s != nil {
		it := computed("process-legality/ethics", v.named("ethics-approval")...)
		task := v.current(s.Code)
		if len(it.inputs) == 0 && d.Min > 0 {
			it.fall(nonconform, "There is no ethics approval.", "没有伦理批件。")
		}
		for _, r := range v.named("ethics-approval") {
			_, until, ok := span(validityOf(r).Field("end").Str())
			if !ok || task != nil && until.Before(finished(task)) {
				it.fall(nonconform, r.Ref()+" was not valid when it was used.", r.Ref()+" 使用时已失效。")
			}
		}
		all = append(all, *it)
	}
	if v.consentStage() != nil {
		it := computed("process-legality/consent", v.named("consent")...)
		if !v.consentCovers("custom-device-treatment", nil) {
			it.fall(nonconform, "No signed consent in force permits the treatment.", "没有已签署且有效的治疗知情同意。")
		}
		all = append(all, *it)
	}
	all = append(all, v.materialsLegal()...)
	return append(all, v.softwareLegal()...)
}

// ruleOf finds the stage that makes a document.
func (v *view) ruleOf(document string) (*Stage, *Document) {
	for _, s := range v.plan.Stages {
		if d := s.output(document); d != nil {
			return s, d
		}
	}
	return nil, nil
}

// inputsOf are the documents of that code that any stage takes.
func (v *view) inputsOf(document string) (found []*Resource, known bool) {
	for _, s := range v.plan.Stages {
		if slices.ContainsFunc(s.Inputs, func(d Document) bool { return d.Code == document }) {
			known = true
			found = append(found, v.documents("input", s.Code, document)...)
		}
	}
	return found, known
}

func (v *view) materialsLegal() []item {
	lots, known := v.inputsOf("material")
	if !known {
		return nil
	}
	it := computed("process-legality/material", lots...)
	if len(lots) == 0 {
		it.fall(nonconform, "No material is named.", "未载明材料。")
	}
	for _, r := range lots {
		if r.Root.Field("status").Str() != "active" || !v.validated(r.Ref()) {
			it.fall(nonconform, r.Ref()+" has no current permission.", r.Ref()+" 没有有效的使用许可。")
		}
		it.rest(v.verified[r.Ref()]...)
	}
	return []item{*it}
}

func (v *view) softwareLegal() []item {
	if s, _ := v.ruleOf("software"); s == nil {
		return nil
	}
	programs := v.named("software")
	it := computed("process-legality/software", programs...)
	if len(programs) == 0 {
		it.fall(nonconform, "No software is named.", "未载明所用软件。")
	}
	for _, r := range programs {
		if !v.validated(r.Ref()) {
			it.fall(nonconform, r.Ref()+" has no current validation of its version.", r.Ref()+" 当前版本没有有效的确认记录。")
		}
		if !extension(r.Root, extensionPrefix+"software-licence").Exists() {
			it.fall(notEvaluated, r.Ref()+" states no licence (extension software-licence).", r.Ref()+" 未载明软件许可。")
		}
		it.rest(v.verified[r.Ref()]...)
	}
	return []item{*it}
}

// processCompleteness: every stage has its documents, its signatures and, where a
// principal took it over, a signed judgement; the covered share is held against
// the limit of 100 % (clauses 8.2.2, 8.3.6 d).
func processCompleteness(v *view) []item {
	s := v.judgingStage()
	if s == nil {
		return nil
	}
	whole := computed("process-completeness")
	stages := v.stagesBefore(s)
	covered := 0
	for _, b := range stages {
		gaps := v.gaps(b)
		if len(gaps) == 0 {
			covered++
		}
		whole.rest(v.current(b.Code))
		for _, g := range gaps {
			whole.why = append(whole.why, g)
		}
	}
	if len(stages) == 0 {
		return nil
	}
	share := big.NewRat(int64(100*covered), int64(len(stages)))
	f := figure{low: share, high: share, unit: "%", text: decimal(share) + " %"}
	whole.value = fmt.Sprintf("%s (%d/%d)", f.text, covered, len(stages))
	l, _ := v.limit("process-coverage")
	whole.required = l.bounds.String() + unitText(l.unit)
	whole.held(l, f)
	return []item{*whole}
}

// gaps says what the judgement of a stage lacks: basis (documents), result
// (completion) or the judgement of whoever took it over.
func (v *view) gaps(s *Stage) []note {
	var gaps []note
	task := v.current(s.Code)
	if task == nil || !v.completed(s.Code) {
		return []note{{s.Code + " is not completed.", s.Code + " 未完成。"}}
	}
	for _, u := range append(v.missingOutputs(s), v.missingSignatures(s)...) {
		gaps = append(gaps, note{s.Code + ": " + u.Text, s.Code + "：" + u.Chinese})
	}
	for _, next := range v.plan.Stages {
		if !slices.Contains(next.After, s.Code) || !v.plan.principal(next) {
			continue
		}
		after := v.current(next.Code)
		if after == nil || !slices.Contains([]Substate{Accepted, Working, Completed}, substateOf(after.Root)) {
			continue
		}
		if v.judgement(task.Ref(), v.plan.principals(next)) != purposeJudgement {
			gaps = append(gaps, note{fmt.Sprintf("%s did not judge %s by a signature.", next.Code, s.Code), fmt.Sprintf("%s 未签署对 %s 的判定。", next.Code, s.Code)})
		}
	}
	return gaps
}

// labelled: the label states use, site, anatomy check, image date and design date,
// and the dates are those of the record (clause 8.3.6 b).
func labelled(v *view) []item {
	var all []item
	for _, d := range v.named("device") {
		label := extension(d.Root, extensionPrefix+"label-content")
		for _, name := range []string{"use", "site", "anatomy-check", "image-date", "design-date"} {
			it := computed("label/"+name, d)
			it.value = valueOf(extension(label, name)).Text()
			if it.value == "" {
				it.fall(nonconform, "The label does not state "+name+".", "标签未载明 "+name+"。")
			}
			v.datesOfRecord(it, name)
			all = append(all, *it)
		}
	}
	return all
}

// datesOfRecord compares a date on the label with the one of the record.
func (v *view) datesOfRecord(it *item, name string) {
	document, element := map[string]string{"image-date": "image-study", "design-date": "confirmation-form"}[name], map[string]string{"image-date": "started", "design-date": "date"}[name]
	if document == "" || it.value == "" {
		return
	}
	var known []string
	for _, r := range v.named(document) {
		if at := r.Root.Field(element).Str(); len(at) >= len("2006-01-02") {
			known = append(known, at[:len("2006-01-02")])
			it.rest(r)
		}
	}
	it.required = strings.Join(known, ", ")
	if len(known) > 0 && !slices.Contains(known, it.value) {
		it.fall(nonconform, "The "+name+" on the label is not that of the record.", "标签上的 "+name+" 与记录不符。")
	}
}
