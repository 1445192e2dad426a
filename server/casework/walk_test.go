package casework_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
)

// step is one stage of a walk: who owns it, and what is made and signed while it
// is at work.
type step struct {
	stage string
	owner *access.Context
	role  access.Role
	work  func(w *world)
}

// script is the walk of one case.
var script = []step{
	{"S01", clin, "CLIN", workConsent}, {"S02", img, "IMG", workImaging}, {"S03a", clin, "CLIN", workConfirmation},
	{"S05", hosp, "HOSP", workAgreement}, {"S03b", des, "DES", workReview}, {"S04", clin, "CLIN", workPlan},
	{"S06", clin, "CLIN", workOrder}, {"S07", des, "DES", workInput}, {"S08", des, "DES", workDesign},
	{"S09", des, "DES", workVerification}, {"S10", des, "DES", workDesignConfirmation},
	{"S12", prod, "PROD", workSamples}, {"S11", prod, "PROD", workProduction},
	{"S13", logist, "LOG", workDelivery}, {"S14", mfr, "MFR", workData}, {"S15", clin, "CLIN", workJudgement},
	{"S16", clin, "CLIN", workAcceptance}, {"S17", clin, "CLIN", workRelease}, {"S18", clin, "CLIN", workFollowUp},
	{"S19", clin, "CLIN", workFeedback},
}

// stops holds the case as it was before each stage was received, before it was
// set to work and before it was completed: "S07 handed-over", "S07 accepted",
// "S07 working".
var stops = sync.OnceValue(func() map[string]*world {
	t := &recorder{}
	w := openCase(t)
	all := map[string]*world{}
	for _, step := range script {
		all[step.stage+" handed-over"] = w.at(t)
		w.accept(step.stage, step.owner, step.role)
		all[step.stage+" accepted"] = w.at(t)
		if step.stage == "S11" {
			w.must(prod, capability(w))
			w.must(step.owner, addInputs(w.get(w.task("S11"))))
			all["S11 accepted"] = w.at(t)
			w.mustSign(prod, "Task/root", access.PROD, "waive:machine-capability")
		}
		w.must(step.owner, w.set(step.stage, step.owner, "in-progress", "working"))
		step.work(w)
		all[step.stage+" working"] = w.at(t)
		w.must(step.owner, w.set(step.stage, step.owner, "completed", "completed"))
	}
	all["closed"] = w
	return all
})

// recorder stands for the test in the shared walk: a failure of the walk fails
// whatever test asked for it first.
type recorder struct{ testing.TB }

func (*recorder) Helper() {}
func (*recorder) Fatalf(format string, args ...any) {
	panic("the walk: " + strings.TrimSpace(sprintf(format, args...)))
}
func (*recorder) Fatal(args ...any) { panic(args) }

// stop is a copy of the case as it was at that point.
func stop(t testing.TB, point string) *world {
	t.Helper()
	w := stops()[point]
	if w == nil {
		t.Fatalf("the walk has no point %q", point)
	}
	return w.at(t)
}

const parameters = `{"resourceType":"Parameters","parameter":[
	{"name":"case-number","valueString":"C-2026-001"},{"name":"subject","valueReference":{"reference":"Patient/p"}},
	{"name":"retained-samples","valueInteger":2},{"name":"followup-visits","valueInteger":2},
	{"name":"followup-duration","valueDuration":{"value":5,"unit":"min","system":"http://unitsofmeasure.org","code":"min"}},
	{"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`

// openCase opens a case with $apply.
func openCase(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, "implant")
	doc, err := tree.Parse([]byte(parameters))
	if err != nil {
		t.Fatal(err)
	}
	w.open(doc.Root(), clin)
	w.lay(obj{"resourceType": "Patient", "id": "p", "name": arr{obj{"text": "张三"}}, "gender": "male", "birthDate": "1980-05-06",
		"identifier": arr{obj{"type": hl7("v2-0203", "MR"), "system": "urn:hospital:mr", "value": "MR-7"}}}, clin.Principal)
	return w
}

// open applies the plan, as record does.
func (w *world) open(params tree.Node, actor *access.Context) {
	w.t.Helper()
	created, err := w.engine.Open(casework.Opening{Plan: w.plan, Params: params, Actor: actor, Now: w.now, Prior: w.prior, Directory: w.directory})
	if err != nil {
		w.t.Fatalf("Open: %v", err)
	}
	next := w.at(w.t)
	ids := []string{"root", "t00"}
	for i, c := range created {
		body := strings.ReplaceAll(string(c.Body), created[0].FullURL, "Task/root")
		next.lay(withID(w.t, body, ids[i]), actor.Principal)
	}
	d := w.engine.Decide(nil, next.snapshot(), actor)
	if len(d.Refusal) > 0 {
		w.t.Fatalf("opening is refused: %s", told(d.Refusal))
	}
	w.commit(next, d)
}

// accept takes a stage over: received, judged and accepted with the signatures
// that a principal gives.
func (w *world) accept(stage string, owner *access.Context, role access.Role) {
	w.t.Helper()
	w.must(owner, w.set(stage, owner, "received", "received"))
	task := w.task(stage)
	if principal := role == access.CLIN || role == access.DES || role == access.PROD; principal && stage != "S01" {
		for in := range w.members[task].Root.Field("input").Items() {
			if in.Path("type", "coding", "code").Str() == "predecessor" {
				w.mustSign(owner, in.Path("valueReference", "reference").Str(), role, "judgement")
			}
		}
		w.must(owner, w.set(stage, owner, "received", "judged-conform"))
		w.mustSign(owner, task, role, "acceptance")
	}
	w.must(owner, w.set(stage, owner, "accepted", "accepted"))
}

// name adds outputs to the Task of a stage.
func (w *world) name(stage string, owner *access.Context, outputs ...any) {
	w.t.Helper()
	b := w.get(w.task(stage))
	old, _ := b["output"].([]any)
	b["output"] = append(old, outputs...)
	if !slices.ContainsFunc(b["output"].([]any), riskDecided) && stage >= "S06" && stage <= "S16" {
		risk := riskOf(stage, owner)
		w.must(owner, risk)
		b["output"] = append(b["output"].([]any), output("risk-decision", "RiskAssessment/"+risk["id"].(string)))
	}
	w.must(owner, b)
}

// riskOf is the decision on the risks that a stage brings.
func riskOf(stage string, by *access.Context) obj {
	return obj{"resourceType": "RiskAssessment", "id": "risk-" + stage, "status": "final", "subject": ref("Patient/p"), "performer": ref(by.Principal), "basis": arr{ref("CarePlan/plan")},
		"prediction": arr{obj{"outcome": obj{"text": "fracture"}, "qualitativeRisk": obj{"text": "low after the control"}}}, "mitigation": "a rim of 3 mm"}
}

// noNewRisk is what a person says of a stage that brings no risk of its own.
func noNewRisk(why string) any {
	said := obj{"coding": arr{obj{"system": "urn:tenon:risk-decision", "code": "no-new-risk"}}}
	if why != "" {
		said["text"] = why
	}
	return obj{"type": concept("urn:tenon:document", "risk-decision"), "valueCodeableConcept": said}
}

func riskDecided(output any) bool { return is("type", "risk-decision")(output.(obj)) }

func TestWholeCase(t *testing.T) {
	w := stop(t, "closed")
	root := w.members["Task/root"]
	if got := root.Root.Field("status").Str(); got != "completed" {
		t.Errorf("R001-035 R001-008 after S19 the case is %q, want completed", got)
	}
	for _, step := range script {
		task := w.members[w.task(step.stage)]
		if got := task.Root.Field("status").Str(); got != "completed" {
			t.Errorf("%s is %q, want completed", step.stage, got)
		}
		if got := task.Root.Path("groupIdentifier", "value").Str(); got != "C-2026-001" {
			t.Errorf("R001-008 %s has the case number %q", step.stage, got)
		}
		if got := task.Root.Path("restriction", "period", "end").Str(); got == "" {
			t.Errorf("R001-214 %s has no due date", step.stage)
		}
	}
	if len(w.messages) != 1 || w.messages[0].Kind != "job-order" {
		t.Fatalf("messages = %v, want one job order", w.messages)
	}
	order := string(w.messages[0].Body)
	for _, want := range []string{digestOf("model 1"), "Device/printer", "Substance/ti64-lot", "PWD-2025-011", "DeviceRequest/order"} {
		if !strings.Contains(order, want) {
			t.Errorf("the job order %s lacks %s", order, want)
		}
	}
	for _, secret := range []string{"Patient/", "张三", "MR-7", "C-2026-001"} {
		if strings.Contains(order, secret) {
			t.Errorf("the job order %s tells %s", order, secret)
		}
	}
	if r := w.engine.Report(w.snapshot()); r.Status != "completed" || len(r.Stages) != 20 {
		t.Errorf("Report = %s with %d stages, want completed with 20", r.Status, len(r.Stages))
	}
}

func findStage(r casework.Report, code string) casework.StageReport {
	for _, s := range r.Stages {
		if s.Code == code {
			return s
		}
	}
	return casework.StageReport{}
}
