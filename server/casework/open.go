package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// Created is a resource that $apply makes, under a fullUrl that the others refer
// to and that record replaces by the id.
type Created struct {
	FullURL string
	Body    []byte
}

// The fullUrls of what $apply makes; they live inside one unit only.
const (
	rootURL  = "urn:uuid:00000000-0000-4000-8000-000000000001"
	firstURL = "urn:uuid:00000000-0000-4000-8000-000000000002"
)

// Opening is what a case is opened from.
type Opening struct {
	Plan      Resource
	Params    tree.Node // Parameters of $apply
	Actor     *access.Context
	Now       time.Time
	Prior     *Snapshot  // of the case of the order that prior-request names; nil without one
	Directory []Resource // the Organization of the actor
}

// Open makes the root Task of a new case and the Task of its first stage, in this
// order, from a plan and the Parameters of $apply:
//
//	case-number    valueString, unique in the hospital
//	subject        valueReference to the Patient, unless the plan is about no patient
//	prior-request  valueReference to the order that a new demand goes beyond (X4)
//	demand         valueDateTime of that demand; now, if it is not given
//	and every setting of the plan, as valueInteger or valueDuration (UCUM)
//
// Failures: required or value (422) for parameters, forbidden (403) for an actor
// without the role of the first stage or of an organisation whose account is
// closed, business-rule (409, 422) for an earlier case that is not to be followed.
func (e *Engine) Open(o Opening) ([]Created, error) {
	params, actor, now := o.Params, o.Actor, o.Now
	of, err := e.compiled(o.Plan)
	if err != nil {
		return nil, err
	}
	p := of.plan
	if of.floor != nil {
		return nil, belowFloor(p, of.floor)
	}
	first := firstStage(p)
	if actor == nil || actor.Kind != access.Person || !actor.Has(first.Owner) || actor.Organization == "" {
		return nil, issue.Errorf(issue.Forbidden, "A case on the plan %s is opened by a person with the role %s.", p.Canonical(), first.Owner).
			Rule("case-opener").Clause("R001-005").Chinese(fmt.Sprintf("须由具有 %s 角色的人员开启病例。", first.Owner))
	}
	if slices.ContainsFunc(o.Directory, func(r Resource) bool { return r.Ref() == actor.Organization && closed(&r) }) {
		return nil, issue.Errorf(issue.Forbidden, "The account of %s is closed: it opens no case any more.", actor.Organization).
			Rule("organisation-closed").Clause("R001-009").Chinese("机构账户已关闭，不可开启病例。")
	}
	number := parameter(params, "case-number").Str()
	if strings.TrimSpace(number) == "" {
		return nil, missing("case-number", "valueString, the number of the case in the hospital", "R001-008")
	}
	before, err := e.earlierOf(o, p)
	if err != nil {
		return nil, err
	}
	patient := referenceOf(parameter(params, "subject"))
	if patient == "" && before != nil {
		patient = before.patient
	}
	if p.about() && !strings.HasPrefix(patient, "Patient/") {
		return nil, missing("subject", "valueReference to the Patient", "R001-036")
	}
	inputs, err := settings(p, params, before)
	if err != nil {
		return nil, err
	}
	group := identifier{systemCase, number}
	root := task{
		ResourceType: "Task", InstantiatesCanonical: p.Canonical(), GroupIdentifier: &group, Status: "in-progress",
		BusinessStatus: pointer(coded(systemSubstate, string(Working), "")), Intent: "order",
		Code: concept{Coding: []coding{{systemStage, "case", p.Title}}, Text: p.Title + " " + p.Chinese},
		For:  to(patient), AuthoredOn: instant(now), Requester: to(actor.Principal), Owner: to(actor.Organization), Input: inputs,
	}
	if before != nil {
		root.BasedOn = []reference{{before.order}}
		root.Input = append(root.Input, taskInput{Type: coded(systemLink, "demand", ""), ValueDateTime: instant(before.demand)})
	}
	b := brief{plan: p, stage: first, root: rootURL, group: group, patient: patient, requester: actor.Principal, owner: actor.Principal, focus: patient, now: now, due: now.AddDate(0, 0, first.Days)}
	return []Created{{rootURL, marshal(root)}, {firstURL, b.body()}}, nil
}

// about tells whether cases of the plan have a patient: those that ask for a
// consent have.
func (p *Plan) about() bool {
	for _, s := range p.Stages {
		if s.output("consent") != nil {
			return true
		}
	}
	return false
}

func firstStage(p *Plan) *Stage {
	for _, s := range p.Stages {
		if len(s.After) == 0 {
			return s
		}
	}
	return p.Stages[0] // a compiled plan has a first stage
}

// parameter is the value of a parameter of that name.
func parameter(params tree.Node, name string) tree.Node {
	for p := range params.Field("parameter").Items() {
		if p.Field("name").Str() == name {
			return valueOf(p)
		}
	}
	return tree.Node{}
}

func missing(name, what, clause string) error {
	return issue.Errorf(issue.Required, "$apply needs the parameter %s (%s).", name, what).At("Parameters.parameter").
		Rule("parameter-required").Clause(clause).WithStatus(422).Chinese("缺少参数 " + name + "。")
}

// settings reads the figures that the parties must fix before a case can start.
func settings(p *Plan, params tree.Node, before *earlier) ([]taskInput, error) {
	var inputs []taskInput
	for _, s := range p.Settings {
		n := parameter(params, s.Code)
		if !n.Exists() {
			n = before.carriedOver(&s)
		}
		if !n.Exists() {
			return nil, missing(s.Code, "value of type "+s.Type+": "+s.Text, s.Clause)
		}
		in := taskInput{Type: coded(systemSetting, s.Code, s.Text)}
		switch {
		case s.Type == "integer" && positiveInteger(n):
			in.ValueInteger = json.RawMessage(n.Raw())
		case s.Type == "duration" && positiveDuration(n):
			in.ValueDuration = json.RawMessage(n.Raw())
		default:
			return nil, issue.Errorf(issue.Value, "The parameter %s must be a %s above 0 (a duration in one of the UCUM units s, min, h, d, wk, mo, a).", s.Code, s.Type).
				At("Parameters.parameter").Rule("parameter-value").Clause(s.Clause).WithStatus(422).Chinese("参数 " + s.Code + " 的值无效。")
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

func positiveInteger(n tree.Node) bool {
	var i int32
	return n.Kind() == tree.Number && json.Unmarshal(n.Raw(), &i) == nil && i > 0
}

func positiveDuration(n tree.Node) bool {
	_, ok := duration(n)
	return ok
}
