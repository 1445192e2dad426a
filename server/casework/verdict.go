package casework

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Judgement is what the server makes of device and process: the questions of the
// plan (conditions with judged), each with its items, and whether the verdict
// that was stored still stands.
type Judgement struct {
	Case, Plan string
	Verdict    string // conform, nonconform, not-evaluated; waived questions count as the waiver says
	Questions  []Question
	Stored     string   // DiagnosticReport/x/_history/n of the stored verdict, or ""
	Stale      bool     // an input of the stored verdict is another one now
	Changed    []string // which, in words
	changed    []note
}

// Question is one condition of the plan that asks for a family of items.
type Question struct {
	Family, Stage, Condition, Gate, Clause string
	Text, Chinese                          string
	Verdict                                string
	Waived                                 access.Role // who signed for it, or ""
	items                                  []item
}

var callOfFamily = regexp.MustCompile(`\bjudged\('([^']*)'\)`)

// asks are the families that a condition asks for.
func (c *Condition) asks() []string {
	var all []string
	for _, m := range callOfFamily.FindAllStringSubmatch(c.Source, -1) {
		all = append(all, m[1])
	}
	return all
}

// Judge computes the judgement of a case as it is now; nothing is written.
func (e *Engine) Judge(s *Snapshot) (Judgement, error) {
	plan, err := e.planOf(s)
	if err != nil {
		return Judgement{}, err
	}
	return newView(s, plan).judgementOf(""), nil
}

// judgementOf judges what the plan, or one stage of it, asks for.
func (v *view) judgementOf(stage string) Judgement {
	j := Judgement{Case: "Task/" + v.s.Case, Plan: v.plan.Canonical()}
	total := conform
	for _, s := range v.plan.Stages {
		if stage != "" && s.Code != stage {
			continue
		}
		for i := range s.Conditions {
			for _, q := range v.questions(s, &s.Conditions[i]) {
				j.Questions = append(j.Questions, q)
				if v := verdict(q.Verdict); q.Waived == "" && rank(v) > rank(total) {
					total = v
				}
			}
		}
		if stored := v.storedVerdict(s.Code); stored != nil {
			j.Stored = fmt.Sprintf("%s/_history/%d", stored.Ref(), stored.Version)
			j.changed = append(j.changed, v.changedSince(stored)...)
		}
	}
	for _, n := range j.changed {
		j.Changed = append(j.Changed, n.english)
	}
	j.Verdict, j.Stale = string(total), len(j.changed) > 0
	return j
}

func (v *view) questions(s *Stage, c *Condition) []Question {
	var all []Question
	for _, name := range c.asks() {
		ask, ok := families[name]
		if !ok {
			continue
		}
		q := Question{Family: name, Stage: s.Code, Condition: c.ID, Gate: c.Gate, Clause: strings.Join(c.Clauses, " "), Text: c.Text, Chinese: c.Chinese, items: ask(v)}
		q.Verdict = string(worst(q.items))
		if verdict(q.Verdict) == notEvaluated && c.Waiver != "" && v.waived(s, c) {
			q.Waived = c.Waiver
		}
		all = append(all, q)
	}
	return all
}

// documentVerdict is the code of the stored verdict (urn:tenon:document).
const documentVerdict = "computed-judgement"

// storeVerdict writes down what the server computed when a stage that asks for a
// judgement is completed: each item with the versions that it rests on, the plan
// and the limits by version, and the trail.
func (d *decider) storeVerdict(s *Stage, task *Resource) {
	if !slices.ContainsFunc(s.Conditions, func(c Condition) bool { return len(c.asks()) > 0 }) {
		return
	}
	d.effects = append(d.effects, Effect{Create: d.after.verdictReport(s, task)})
}

// storedVerdict is the newest verdict that the server stored for the current Task
// of a stage, or nil.
func (v *view) storedVerdict(stage string) *Resource {
	task := v.current(stage)
	if task == nil {
		return nil
	}
	var newest *Resource
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if r.Type != "DiagnosticReport" || r.Author != writtenByServer || !hasCode(r.Root.Field("code"), systemDocument, documentVerdict) ||
			referenceOf(valueOf(extension(r.Root, extensionPrefix+"judged-stage"))) != task.Ref() {
			continue
		}
		if newest == nil || r.Updated.After(newest.Updated) {
			newest = r
		}
	}
	return newest
}

// changedSince says which inputs of a stored verdict are other versions now.
func (v *view) changedSince(stored *Resource) []note {
	var all []note
	if rule := valueOf(extension(stored.Root, extensionPrefix+"rule")).Str(); rule != v.plan.Canonical() {
		all = append(all, note{"The plan was " + rule + ".", "流程计划版本为 " + rule + "。"})
	}
	seen := map[string]bool{}
	for o := range stored.Root.Field("contained").Items() {
		for _, e := range extensions(o, extensionPrefix+"verdict-input") {
			in := readInput(e)
			if seen[in.Reference] {
				continue
			}
			seen[in.Reference] = true
			if now := v.inputNow(in.Reference); now != in {
				all = append(all, note{
					fmt.Sprintf("%s was version %s, it is %s now.", in.Reference, in.Version, orNone(now.Version)),
					fmt.Sprintf("%s 判定时为第 %s 版，现为 %s。", in.Reference, in.Version, orNone(now.Version)),
				})
			}
		}
	}
	return all
}

func orNone(version string) string {
	if version == "" {
		return "gone"
	}
	return version
}

// inputNow is the input of that reference as it is now.
func (v *view) inputNow(reference string) input {
	if id, ok := strings.CutPrefix(reference, systemLimit+":"); ok {
		if embedded, err := embeddedLimits(); err == nil && len(embedded[id].rules) == 1 {
			return embedded[id].rules[0]
		}
		return input{Reference: reference}
	}
	if r := v.byRef[reference]; r != nil {
		return inputOf(r)
	}
	return input{Reference: reference}
}

func readInput(e tree.Node) input {
	in := input{Version: part(e, "version"), SHA256: part(e, "sha-256"), Reference: part(e, "canonical")}
	if in.Reference == "" {
		in.Reference = referenceOf(valueOf(extension(e, "reference")))
	}
	return in
}

// The parts of FHIR that a stored verdict needs.
type (
	extensionOut struct {
		URL            string         `json:"url"`
		Extension      []extensionOut `json:"extension,omitempty"`
		ValueString    string         `json:"valueString,omitempty"`
		ValueCode      string         `json:"valueCode,omitempty"`
		ValueCanonical string         `json:"valueCanonical,omitempty"`
		ValueReference *reference     `json:"valueReference,omitempty"`
	}
	textOut struct {
		Text string `json:"text"`
	}
	componentOut struct {
		Code        concept `json:"code"`
		ValueString string  `json:"valueString"`
	}
	observationOut struct {
		ResourceType         string         `json:"resourceType"`
		ID                   string         `json:"id"`
		Extension            []extensionOut `json:"extension,omitempty"`
		Status               string         `json:"status"`
		Code                 concept        `json:"code"`
		Performer            []reference    `json:"performer,omitempty"`
		ValueCodeableConcept concept        `json:"valueCodeableConcept"`
		Note                 []textOut      `json:"note,omitempty"`
		Method               *concept       `json:"method,omitempty"`
		ReferenceRange       []textOut      `json:"referenceRange,omitempty"`
		Component            []componentOut `json:"component,omitempty"`
	}
	reportOut struct {
		ResourceType      string           `json:"resourceType"`
		Contained         []observationOut `json:"contained,omitempty"`
		Extension         []extensionOut   `json:"extension"`
		Status            string           `json:"status"`
		Code              concept          `json:"code"`
		Subject           *reference       `json:"subject,omitempty"`
		EffectiveDateTime string           `json:"effectiveDateTime"`
		Issued            string           `json:"issued"`
		Result            []reference      `json:"result,omitempty"`
		Conclusion        string           `json:"conclusion"`
		ConclusionCode    []concept        `json:"conclusionCode"`
	}
)

func (v *view) verdictReport(s *Stage, task *Resource) json.RawMessage {
	j := v.judgementOf(s.Code)
	out := reportOut{
		ResourceType: "DiagnosticReport", Status: "final", Subject: to(v.patient), EffectiveDateTime: instant(v.s.Now), Issued: instant(v.s.Now),
		Code: concept{Coding: []coding{{systemDocument, documentVerdict, "Computed judgement"}}, Text: "Computed judgement 系统判定"},
		Extension: []extensionOut{
			{URL: extensionPrefix + "case", ValueReference: to("Task/" + v.s.Case)},
			{URL: extensionPrefix + "judged-stage", ValueReference: to(task.Ref())},
			{URL: extensionPrefix + "rule", ValueCanonical: v.plan.Canonical()},
		},
		Conclusion: j.Verdict + " " + chineseVerdict[verdict(j.Verdict)], ConclusionCode: []concept{coded(systemVerdict, j.Verdict, "")},
	}
	for _, q := range j.Questions {
		for i := range q.items {
			o := v.itemOut(&q, &q.items[i], fmt.Sprintf("i%d", len(out.Contained)+1))
			out.Contained = append(out.Contained, o)
			out.Result = append(out.Result, reference{"#" + o.ID})
		}
	}
	return marshal(out)
}

func (v *view) itemOut(q *Question, it *item, id string) observationOut {
	o := observationOut{
		ResourceType: "Observation", ID: id, Status: "final",
		Code:                 concept{Coding: []coding{{System: systemJudgement, Code: q.Family}}, Text: it.id},
		ValueCodeableConcept: coded(systemVerdict, string(it.verdict), ""),
		Extension:            []extensionOut{{URL: extensionPrefix + "verdict-basis", ValueCode: it.basis}},
	}
	for _, c := range strings.Fields(q.Clause) {
		o.Extension = append(o.Extension, extensionOut{URL: extensionPrefix + "clause", ValueString: c})
	}
	for _, in := range append(slices.Clone(it.inputs), it.rules...) {
		o.Extension = append(o.Extension, inputOut(in))
	}
	if it.by != "" {
		o.Performer = []reference{{it.by}}
	}
	if it.method != "" {
		m := coded(systemMethod, it.method, "")
		o.Method = &m
	}
	if it.required != "" {
		o.ReferenceRange = []textOut{{it.required}}
	}
	if it.value != "" {
		o.Component = []componentOut{{concept{Text: "measured 实测"}, it.value}}
	}
	for _, n := range it.why {
		o.Note = append(o.Note, textOut{n.english + " " + n.chinese})
	}
	if q.Waived != "" && it.verdict == notEvaluated {
		o.Note = append(o.Note, textOut{fmt.Sprintf("%s signed for %s. %s 已签字承担。", q.Waived, q.Condition, q.Waived)})
	}
	return o
}

func inputOut(in input) extensionOut {
	e := extensionOut{URL: extensionPrefix + "verdict-input", Extension: []extensionOut{{URL: "reference", ValueReference: to(in.Reference)}}}
	if strings.HasPrefix(in.Reference, "urn:") {
		e.Extension[0] = extensionOut{URL: "canonical", ValueCanonical: in.Reference}
	}
	e.Extension = append(e.Extension, extensionOut{URL: "version", ValueString: in.Version})
	if in.SHA256 != "" {
		e.Extension = append(e.Extension, extensionOut{URL: "sha-256", ValueString: in.SHA256})
	}
	return e
}

// Parameters renders the judgement for $judge: case, plan, verdict, stored, stale,
// changed, and one parameter "question" for each condition of the plan with the
// parts family, stage, condition, gate, clause, text, text-zh, verdict, waived-by,
// and "item" with id, verdict, basis, value, required, method, by, reason,
// reason-zh and "input" (reference or canonical, version, sha-256).
func (j Judgement) Parameters() json.RawMessage {
	out := struct {
		ResourceType string         `json:"resourceType"`
		Parameter    []parameterOut `json:"parameter"`
	}{ResourceType: "Parameters"}
	out.Parameter = []parameterOut{{Name: "case", ValueReference: to(j.Case)}, {Name: "plan", ValueCanonical: j.Plan}, {Name: "verdict", ValueCode: j.Verdict}}
	if j.Stored != "" {
		out.Parameter = append(out.Parameter, parameterOut{Name: "stored", ValueReference: to(j.Stored)}, parameterOut{Name: "stale", ValueBoolean: &j.Stale})
	}
	for _, n := range j.changed {
		out.Parameter = append(out.Parameter, parameterOut{Name: "changed", Part: []parameterOut{{Name: "text", ValueString: n.english}, {Name: "text-zh", ValueString: n.chinese}}})
	}
	for i := range j.Questions {
		out.Parameter = append(out.Parameter, parameterOut{Name: "question", Part: j.Questions[i].parts()})
	}
	return marshal(out)
}

func (q *Question) parts() []parameterOut {
	p := []parameterOut{{Name: "family", ValueCode: q.Family}, {Name: "stage", ValueCode: q.Stage}}
	p = append(p, texts("condition", q.Condition, "gate", q.Gate, "clause", q.Clause, "text", q.Text, "text-zh", q.Chinese)...)
	p = append(p, parameterOut{Name: "verdict", ValueCode: q.Verdict})
	if q.Waived != "" {
		p = append(p, parameterOut{Name: "waived-by", ValueCode: string(q.Waived)})
	}
	for i := range q.items {
		p = append(p, parameterOut{Name: "item", Part: q.items[i].parts()})
	}
	return p
}

func (it *item) parts() []parameterOut {
	p := []parameterOut{{Name: "id", ValueString: it.id}, {Name: "verdict", ValueCode: string(it.verdict)}, {Name: "basis", ValueCode: it.basis}}
	p = append(p, texts("value", it.value, "required", it.required, "method", it.method)...)
	if it.by != "" {
		p = append(p, parameterOut{Name: "by", ValueReference: to(it.by)})
	}
	for _, n := range it.why {
		p = append(p, texts("reason", n.english, "reason-zh", n.chinese)...)
	}
	for _, in := range append(slices.Clone(it.inputs), it.rules...) {
		one := parameterOut{Name: "reference", ValueReference: to(in.Reference)}
		if strings.HasPrefix(in.Reference, "urn:") {
			one = parameterOut{Name: "canonical", ValueCanonical: in.Reference}
		}
		p = append(p, parameterOut{Name: "input", Part: append([]parameterOut{one}, texts("version", in.Version, "sha-256", in.SHA256)...)})
	}
	return p
}

// texts makes a string parameter of each name and value; empty ones are left out.
func texts(pairs ...string) []parameterOut {
	var p []parameterOut
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p = append(p, parameterOut{Name: pairs[i], ValueString: pairs[i+1]})
		}
	}
	return p
}
