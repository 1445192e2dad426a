package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// MergeQuery asks to make two Patients one.
// https://hl7.org/fhir/R5/patient-operation-merge.html
type MergeQuery struct {
	Source, Target Party
	Result         []byte // what the target becomes; empty: itself with the source's identifiers
	Preview        bool   // say what would be done, and do nothing
	Reason         string // needed, but for a preview
}

// Party names a Patient: by reference, by identifiers ("system|value"), or both.
type Party struct {
	Reference   string
	Identifiers []string
}

// Merged is what a merge did, or would do.
type Merged struct {
	Result []byte   // the target as it is, or would be
	Moved  []string // Type/id of what refers to the target now
	Kept   int      // resources in reach that still refer to the source, as part of a case or signed
	Issues []issue.Issue
}

// mostMoved bounds what one merge rewrites: all of it is one unit.
const mostMoved = 1000

// Merge makes the target stand for both. In one unit:
//
//	source        active=false, link replaced-by → target; it stays readable
//	target        identifiers of the source, link replaces → source
//	referrers     what refers to the source refers to the target
//	Provenance    who, when, why, and what was written
//
// What is part of a case or signed is never rewritten: it was judged and signed
// of the source, and stays provable as it is (design §7: corrections never
// edit). It is found through the link, by $everything too. A case of the source
// that is still open is in the way: its next stages would be about a patient who
// is no more. Access does not change: grants belong to cases, and these stay.
// A merge that was done is done again for what came to refer to the source since.
//
// Failures: merge-role (403), merge-input (400, 422), not-found (404),
// merge-open-case, merge-reach, merge-replaced (409), merge-limit (422), and
// what a write of each resource may be refused for.
func (r *Recorder) Merge(ctx context.Context, who *access.Context, q MergeQuery) (*Merged, error) {
	if err := r.entry(who, "Patient"); err != nil {
		return nil, err
	}
	refuse := func(err error) (*Merged, error) { return nil, r.refuse(ctx, who, mergeDraft(), err) }
	if err := mayMerge(who); err != nil {
		return refuse(err)
	}
	if q.Reason = strings.TrimSpace(q.Reason); q.Reason == "" && !q.Preview {
		return refuse(badMerge("reason", "a merge is done with a reason"))
	}
	for range attempts {
		m := &merge{r: r, ctx: ctx, who: who, MergeQuery: q}
		err := m.prepare()
		if err == nil && q.Preview {
			err = m.try()
		} else if err == nil {
			err = m.submit()
		}
		if f := issue.As(err); f != nil && f.Issues[0].Rule == "stale-if-match" {
			continue // something was written meanwhile
		}
		if err != nil {
			if m.submitted {
				return nil, err // was audited
			}
			return refuse(err)
		}
		return m.done()
	}
	return refuse(issue.Errorf(issue.Conflict, "Others keep changing the same resources. Repeat the request.").Rule("contention").Chinese("数据正被他人修改，请重试。"))
}

func mergeDraft() *Draft {
	return &Draft{Door: "fhir", Operation: "merge", Ops: []Op{{Method: "PUT", Type: "Patient"}}}
}

// mayMerge lets operators and administrators merge, and of a hospital those who
// answer for its data: its signatory and its data custodian.
func mayMerge(who *access.Context) error {
	if err := who.PermitAll(access.Update); err != nil {
		return err
	}
	person := who.Kind == access.Person
	if who.Kind == access.Operator || person && (who.Has(access.ADMIN) || who.Side == access.Hospital && (who.Has(access.HOSP) || who.Has(access.DBA))) {
		return nil
	}
	return issue.Errorf(issue.Forbidden, "%s may not merge patients: ask an administrator, or the signatory or data custodian of the hospital.", who.Principal).
		Rule("merge-role").Chinese("仅管理员、医院授权签字人或数据管理员可合并患者。")
}

// merge is one attempt.
type merge struct {
	r   *Recorder
	ctx context.Context
	who *access.Context
	MergeQuery

	source, target *Version
	from, into     tree.Node
	draft          *Draft
	out            Merged
	submitted      bool
}

func (m *merge) prepare() (err error) {
	if m.source, m.from, err = m.party("source-patient", m.Source); err != nil {
		return err
	}
	if m.target, m.into, err = m.party("target-patient", m.Target); err != nil {
		return err
	}
	if err := m.sound(); err != nil {
		return err
	}
	m.draft = mergeDraft()
	m.draft.Ops = nil
	if err := m.patients(); err != nil {
		return err
	}
	if err := m.referrers(); err != nil {
		return err
	}
	return m.provenance()
}

// sound refuses pairs that cannot be merged.
func (m *merge) sound() error {
	if m.source.ID == m.target.ID {
		return badMerge("target-patient", "source and target are the same Patient").WithStatus(422)
	}
	if replacedBy(m.into) {
		return issue.Errorf(issue.Conflict, "Patient/%s was replaced itself; merge into the one that stands for it.", m.target.ID).
			Rule("merge-replaced").WithStatus(409).Chinese("目标患者已被其他患者取代。")
	}
	by := m.r.linkedPatients(m.from, "replaced-by")
	if replacedBy(m.from) && !slices.Contains(by, m.target.ID) {
		return issue.Errorf(issue.Conflict, "Patient/%s was replaced by another Patient already.", m.source.ID).
			Rule("merge-replaced").WithStatus(409).Chinese("源患者已被其他患者取代。")
	}
	return nil
}

// party finds the one Patient that is meant, in reach.
func (m *merge) party(name string, p Party) (*Version, tree.Node, error) {
	var id string
	if p.Reference != "" {
		typ, found, ok := m.r.local(p.Reference)
		if !ok || typ != "Patient" {
			return nil, tree.Node{}, badMerge(name, "it takes a reference to a Patient of this server")
		}
		id = found
	} else if len(p.Identifiers) == 0 {
		return nil, tree.Node{}, badMerge(name, "it, or "+name+"-identifier, is needed")
	}
	if len(p.Identifiers) > 0 {
		found, err := m.identified(name, p.Identifiers)
		if err != nil {
			return nil, tree.Node{}, err
		}
		if id != "" && id != found {
			return nil, tree.Node{}, badMerge(name, "reference and identifiers name two Patients").WithStatus(422)
		}
		id = found
	}
	v, err := m.r.current(m.ctx, m.who.Reach(), "Patient", id)
	if err != nil {
		return nil, tree.Node{}, err
	}
	if v == nil || v.Deleted {
		return nil, tree.Node{}, absent("Patient", id)
	}
	root, err := parsed(v.Body)
	return v, root, err
}

// identified is the one Patient that bears all of the identifiers.
func (m *merge) identified(name string, identifiers []string) (string, error) {
	var params []search.Param
	for _, id := range identifiers {
		params = append(params, search.Param{Name: "identifier", Value: id})
	}
	plan, _, err := m.r.parse(m.who, "Patient", params, true)
	if err != nil {
		return "", err
	}
	plan.Count = 2
	page, err := m.r.o.Store.Search(m.ctx, plan)
	if err != nil {
		return "", fmt.Errorf("record: merge: %w", err)
	}
	if len(page.Hits) != 1 {
		return "", badMerge(name+"-identifier", "it matches not exactly one Patient").WithStatus(422)
	}
	return page.Hits[0].ID, nil
}

// patients adds what becomes of the two.
func (m *merge) patients() error {
	var source []string
	if active := m.from.Field("active"); !active.Exists() || active.Bool() {
		source = append(source, `{"op":"add","path":"/active","value":false}`)
	}
	if !replacedBy(m.from) {
		source = append(source, appended(m.from, "link", linkTo(m.target.ID, "replaced-by")))
	}
	m.patch(m.source, source)
	if len(m.Result) > 0 {
		return m.given()
	}
	var target []string
	first := true
	add := func(name, value string) {
		if first || name == "link" {
			target = append(target, appended(m.into, name, value))
		} else {
			target = append(target, `{"op":"add","path":"/`+name+`/-","value":`+value+`}`)
		}
		first = false
	}
	for id := range m.from.Field("identifier").Items() {
		if !bears(m.into, id) {
			add("identifier", string(id.Raw()))
		}
	}
	if !slices.Contains(m.r.linkedPatients(m.into, "replaces"), m.source.ID) {
		add("link", linkTo(m.source.ID, "replaces"))
	}
	m.patch(m.target, target)
	return nil
}

// given judges the result that the caller wants.
func (m *merge) given() error {
	root, err := parsed(m.Result)
	if err != nil {
		return err
	}
	switch {
	case root.Field("resourceType").Str() != "Patient" || root.Field("id").Str() != m.target.ID:
		return badMerge("result-patient", "it is the target Patient, with its id").WithStatus(422)
	case !slices.Contains(m.r.linkedPatients(root, "replaces"), m.source.ID):
		return badMerge("result-patient", "its link says that it replaces Patient/"+m.source.ID).WithStatus(422)
	case replacedBy(root) || root.Field("active").Exists() && !root.Field("active").Bool():
		return badMerge("result-patient", "it stays active").WithStatus(422)
	}
	for _, list := range []tree.Node{m.into.Field("identifier"), m.from.Field("identifier")} {
		for id := range list.Items() {
			if !bears(root, id) {
				return badMerge("result-patient", "it bears the identifiers of both").WithStatus(422)
			}
		}
	}
	m.draft.Ops = append(m.draft.Ops, Op{Method: "PUT", Type: "Patient", ID: m.target.ID, IfMatch: fmt.Sprint(m.target.Version), Body: m.Result})
	return nil
}

func (m *merge) patch(v *Version, changes []string) {
	if len(changes) > 0 {
		m.draft.Ops = append(m.draft.Ops, Op{Method: "PATCH", Type: v.Type, ID: v.ID, IfMatch: fmt.Sprint(v.Version), Format: JSONPatch,
			Body: []byte("[" + strings.Join(changes, ",") + "]")})
	}
}

func linkTo(id, kind string) string {
	return fmt.Sprintf(`{"other":{"reference":"Patient/%s"},"type":%q}`, id, kind)
}

// appended is a step of a JSON Patch that adds an item to a list, which may not
// be there yet.
func appended(root tree.Node, name, value string) string {
	if root.Field(name).Kind() == tree.Array {
		return `{"op":"add","path":"/` + name + `/-","value":` + value + `}`
	}
	return `{"op":"add","path":"/` + name + `","value":[` + value + `]}`
}

// bears tells whether a Patient has the identifier.
func bears(patient, id tree.Node) bool {
	for other := range patient.Field("identifier").Items() {
		if other.Field("system").Str() == id.Field("system").Str() && other.Field("value").Str() == id.Field("value").Str() {
			return true
		}
	}
	return false
}

func badMerge(name, why string) *issue.Failure {
	return issue.Errorf(issue.Invalid, "The parameter %s of $merge cannot be honoured: %s.", name, why).
		WithStatus(400).At("Parameters.parameter[" + name + "]").Rule("merge-input").Chinese("$merge 的参数无效。")
}

// provenance says who merged whom and why.
func (m *merge) provenance() error {
	if len(m.draft.Ops) == 0 {
		return nil // it was done, and nothing came since
	}
	reason := m.Reason
	if reason == "" {
		reason = "preview"
	}
	when := m.r.now().Format("2006-01-02T15:04:05.000Z07:00")
	var targets []any
	for _, op := range m.draft.Ops {
		targets = append(targets, map[string]any{"reference": op.Type + "/" + op.ID})
	}
	body, err := json.Marshal(map[string]any{
		"resourceType": "Provenance", "target": targets, "recorded": when,
		"activity": map[string]any{"coding": []any{map[string]any{"system": lifecycle, "code": "merge", "display": "Merge Record Lifecycle Event"}}},
		"reason":   []any{map[string]any{"text": reason}},
		"agent":    []any{agentOf(m.who)},
	})
	m.draft.Ops = append(m.draft.Ops, Op{Method: "POST", Type: "Provenance", Body: body})
	return err
}

// lifecycle is https://hl7.org/fhir/R4/codesystem-iso-21089-lifecycle.html
const lifecycle = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"

// agentOf is the caller as an agent of a Provenance.
func agentOf(who *access.Context) map[string]any {
	if strings.Contains(who.Principal, "/") {
		return map[string]any{"who": map[string]any{"reference": who.Principal}}
	}
	return map[string]any{"who": map[string]any{"display": who.Principal}}
}

func (m *merge) submit() error {
	if len(m.draft.Ops) == 0 {
		return nil
	}
	m.submitted = true
	_, err := m.r.submit(m.ctx, m.who, m.draft, internal{trusted: true})
	return err
}

// try prepares the unit and lets it be: what would be refused is refused.
func (m *merge) try() error {
	p := &preparation{r: m.r, ctx: m.ctx, who: m.who, draft: m.draft, in: internal{trusted: true}, at: m.r.now()}
	if err := p.run(); err != nil {
		return err
	}
	m.out.Result = m.target.Labelled()
	for _, res := range p.outcome.Results {
		if v := res.Version; v != nil && v.Type == "Patient" && v.ID == m.target.ID {
			m.out.Result = v.Labelled()
		}
	}
	source := m.r.audit(m.who, "R", "merge", "Patient/"+m.source.ID, 200)
	target := m.r.audit(m.who, "R", "merge", "Patient/"+m.target.ID, 200)
	source.Patient, target.Patient = m.source.Patient, m.target.Patient
	return m.r.o.Store.Audit(m.ctx, []Audit{source, target})
}

// done tells the result.
func (m *merge) done() (*Merged, error) {
	if m.Preview {
		return &m.out, nil
	}
	v, err := m.r.Read(m.ctx, m.who, "Patient", m.target.ID)
	if err != nil {
		return nil, err
	}
	m.out.Result = v.Labelled()
	return &m.out, nil
}
