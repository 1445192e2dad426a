package casework

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
)

// view is a snapshot with its plan, indexed for questions. It is made once for a
// decision and never changed.
type view struct {
	s          *Snapshot
	plan       *Plan
	root       *Resource
	byRef      map[string]*Resource // members and directory
	byDoc      map[*tree.Doc]*Resource
	tasks      map[string][]*Resource // stage Tasks by stage, oldest first
	exceptions []exception            // oldest first
	controls   []*Resource            // of jobs at the MES, oldest first
	told       bool                   // the decision under way holds or cancels a job that may run: who answers keeps his access
	called     bool                   // it tells the MES so, even of a job that stands
	changes    []carriedChange
	signatures map[string][]Signature // by target, oldest first
	verified   map[string][]*Resource // VerificationResults by target
	standings  map[string]standing    // by stage of the plan
	focus      []tree.Node            // roots of the members
	limits     map[string]limit       // by id, as they hold for the case
	patient    string                 // "Patient/x", or "" in a case without one
	hospital   string                 // "Organization/x" that opened the case
	clinician  string                 // "PractitionerRole/x" that opened the case
	prior      string                 // "DeviceRequest/x" of the case that this one goes beyond, or ""
	demand     time.Time              // of a new demand (X4)
}

func newView(s *Snapshot, plan *Plan) *view {
	v := &view{
		s: s, plan: plan, byRef: map[string]*Resource{}, byDoc: map[*tree.Doc]*Resource{},
		tasks: map[string][]*Resource{}, signatures: map[string][]Signature{}, verified: map[string][]*Resource{},
		standings: map[string]standing{}, limits: map[string]limit{},
	}
	for i := range s.Directory {
		v.enter(&s.Directory[i])
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		v.enter(r)
		v.focus = append(v.focus, r.Root)
		if r.Type == "Task" {
			v.enterTask(r)
		}
	}
	for _, list := range v.tasks {
		slices.SortStableFunc(list, func(a, b *Resource) int { return strings.Compare(authored(a), authored(b)) })
	}
	slices.SortStableFunc(v.exceptions, func(a, b exception) int { return strings.Compare(authored(a.task), authored(b.task)) })
	slices.SortStableFunc(v.controls, func(a, b *Resource) int {
		return cmp.Or(strings.Compare(authored(a), authored(b)), strings.Compare(numberOf(a.Root), numberOf(b.Root)))
	})
	for _, stage := range plan.Stages {
		v.stand(stage)
	}
	for _, sig := range s.Signatures {
		v.signatures[sig.Target] = append(v.signatures[sig.Target], sig)
	}
	if v.root != nil {
		v.patient = referenceOf(v.root.Root.Field("for"))
		v.hospital = referenceOf(v.root.Root.Field("owner"))
		v.clinician = v.attending()
		v.readPrior()
	}
	v.changes = v.carriedChanges()
	return v
}

func (v *view) enter(r *Resource) {
	v.byRef[r.Ref()] = r
	v.byDoc[r.Root.Doc()] = r
	if r.Type == "VerificationResult" {
		for _, target := range referencesOf(r.Root.Field("target")) {
			v.verified[target] = append(v.verified[target], r)
		}
	}
}

func (v *view) enterTask(r *Resource) {
	if r.ID == v.s.Case {
		v.root = r
		return
	}
	if code := exceptionOf(r.Root); code != "" && slices.Contains(referencesOf(r.Root.Field("partOf")), "Task/"+v.s.Case) {
		v.exceptions = append(v.exceptions, exception{code, r})
		return
	}
	if v.isControl(r.Root) {
		v.controls = append(v.controls, r)
		return
	}
	if code := stageOf(r.Root); code != "" && slices.Contains(referencesOf(r.Root.Field("partOf")), "Task/"+v.s.Case) {
		v.tasks[code] = append(v.tasks[code], r)
	}
}

func stageOf(task tree.Node) string { return codeOf(task.Field("code"), systemStage) }

func authored(r *Resource) string { return r.Root.Field("authoredOn").Str() }

// linked are the Tasks that a stage Task names in its inputs of that kind:
// predecessor or supersedes.
func linked(task tree.Node, kind string) []string {
	var refs []string
	for in := range task.Field("input").Items() {
		if hasCode(in.Field("type"), systemLink, kind) {
			refs = append(refs, referenceOf(valueOf(in)))
		}
	}
	return refs
}

// standing is where a stage stands.
type standing struct {
	task      *Resource // that no other one supersedes, or nil
	grounded  bool      // it follows the current Tasks of the stages before, and these theirs
	completed bool      // it is done, and so is everything before it
}

// stand works out the standing of every stage, each once: the stages before it
// first. A compiled plan has no cycle.
func (v *view) stand(s *Stage) standing {
	if known, ok := v.standings[s.Code]; ok {
		return known
	}
	st := standing{task: newest(v.tasks[s.Code])}
	st.grounded = st.task != nil
	st.completed = st.grounded && substateOf(st.task.Root) == Completed
	var follows []string
	if st.task != nil {
		follows = linked(st.task.Root, "predecessor")
	}
	for _, code := range s.After {
		before := v.stand(v.plan.Stage(code))
		st.grounded = st.grounded && before.grounded && slices.Contains(follows, before.task.Ref())
		st.completed = st.completed && before.completed
	}
	st.completed = st.completed && st.grounded
	v.standings[s.Code] = st
	return st
}

// newest is the Task that no other one supersedes, or nil.
func newest(tasks []*Resource) *Resource {
	superseded := map[string]bool{}
	for _, r := range tasks {
		for _, old := range linked(r.Root, "supersedes") {
			superseded[old] = true
		}
	}
	for _, r := range slices.Backward(tasks) {
		if !superseded[r.Ref()] {
			return r
		}
	}
	return nil
}

// current is the Task of a stage that no other one supersedes, or nil.
func (v *view) current(code string) *Resource { return v.standings[code].task }

// grounded tells whether a stage's Task follows the current Tasks of the stages
// before it, and these theirs: after a return to an earlier stage it does not.
func (v *view) grounded(s *Stage) bool { return v.standings[s.Code].grounded }

// completed tells whether the stage and everything before it is done.
func (v *view) completed(code string) bool { return v.standings[code].completed }

// documents are the resources that the current Task of a stage names as output
// (or input) of that document type; what is named but is no member is left out.
func (v *view) documents(element, stage, document string) []*Resource {
	task, s := v.current(stage), v.plan.Stage(stage)
	if task == nil || s == nil {
		return nil
	}
	rules := s.Outputs
	if element == "input" {
		rules = s.Inputs
	}
	var found []*Resource
	for item := range task.Root.Field(element).Items() {
		if !hasCode(item.Field("type"), systemDocument, document) {
			continue
		}
		r := v.byRef[referenceOf(valueOf(item))]
		if r != nil && !slices.Contains(found, r) && slices.ContainsFunc(rules, func(d Document) bool {
			return d.Code == document && slices.Contains(d.Types, r.Type)
		}) {
			found = append(found, r)
		}
	}
	return found
}

// broughtAs visits what a resource was brought as: each stage in force that names
// it as output, with the document that it stands for there.
func (v *view) broughtAs(r *Resource) iter.Seq2[*Stage, *Document] {
	return func(yield func(*Stage, *Document) bool) {
		for _, s := range v.plan.Stages {
			for i := range s.Outputs {
				if doc := &s.Outputs[i]; slices.Contains(v.documents("output", s.Code, doc.Code), r) && !yield(s, doc) {
					return
				}
			}
		}
	}
}

// valid are the signatures over the version of a resource that is current.
func (v *view) valid(r *Resource) []Signature {
	var sigs []Signature
	all := v.signatures[r.Ref()]
	for i := range all {
		s := &all[i]
		if s.Version == r.Version && s.Digest == r.Digest && s.Outcome != Refused && !takenBack(s, all[i+1:]) && !v.superseded(s) && !v.outdated(s) {
			sigs = append(sigs, *s)
		}
	}
	return sigs
}

// takenBack tells whether the signer refused later what was signed before.
func takenBack(s *Signature, later []Signature) bool {
	for i := range later {
		if l := &later[i]; l.Outcome == Refused && l.Signer == s.Signer && l.Role == s.Role && l.Purpose == s.Purpose && l.Version == s.Version {
			return true
		}
	}
	return false
}

// signedBy finds a valid signature by one of the roles for the purpose.
func (v *view) signedBy(r *Resource, purpose string, roles ...access.Role) *Signature {
	for _, s := range v.valid(r) {
		if s.Purpose == purpose && slices.Contains(roles, s.Role) {
			return &s
		}
	}
	return nil
}

// setting is a figure that was fixed when the case was opened.
func (v *view) setting(code string) tree.Node {
	if v.root == nil {
		return tree.Node{}
	}
	for in := range v.root.Root.Field("input").Items() {
		if hasCode(in.Field("type"), systemSetting, code) {
			return valueOf(in)
		}
	}
	return tree.Node{}
}

// named are the documents of that code which any stage names as output: what is
// in the case without being named there counts for nothing.
func (v *view) named(document string) []*Resource {
	var found []*Resource
	for _, s := range v.plan.Stages {
		if s.output(document) != nil {
			found = append(found, v.documents("output", s.Code, document)...)
		}
	}
	return found
}

// teams are the active CareTeams that the case names.
func (v *view) teams() []*Resource {
	return slices.DeleteFunc(v.named("care-team"), func(r *Resource) bool { return r.Root.Field("status").Str() != "active" })
}

// contracts are the executed agreements that the case names and that are in their
// period, and what amends them.
func (v *view) contracts() []*Resource {
	return slices.DeleteFunc(append(v.named("agreement"), v.amendments()...), func(r *Resource) bool {
		return r.Root.Field("status").Str() != "executed" || !inPeriod(r.Root.Field("applies"), v.s.Now)
	})
}

// resolve answers resolve() in expressions.
func (v *view) resolve(reference string) (tree.Node, bool) {
	r, ok := v.byRef[cleanReference(reference)]
	if !ok {
		return tree.Node{}, false
	}
	return r.Root, true
}

func (v *view) vars() map[string]fhirpath.Collection {
	return map[string]fhirpath.Collection{
		"patient": text(v.patient), "hospital": text(v.hospital), "clinician": text(v.clinician), "terms": text(profiles.Terms),
	}
}

func text(s string) fhirpath.Collection {
	if s == "" {
		return nil
	}
	return fhirpath.Collection{fhirpath.String(s)}
}

// InPeriod tells whether a moment lies in a Period, as the gates see it.
func InPeriod(period tree.Node, at time.Time) bool { return inPeriod(period, at) }

// inPeriod tells whether now lies in a Period; an absent one, or one whose end
// is no date, holds nothing.
func inPeriod(period tree.Node, now time.Time) bool {
	if !period.Exists() {
		return false
	}
	if start := period.Field("start").Str(); start != "" {
		from, _, ok := span(start)
		if !ok || now.Before(from) {
			return false
		}
	}
	end := period.Field("end").Str()
	if end == "" {
		return true
	}
	_, until, ok := span(end)
	return ok && now.Before(until)
}
