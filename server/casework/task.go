package casework

import (
	"encoding/json"
	"slices"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// The parts of FHIR that Tasks of our own making need. They are written, never
// read: a client's resource is not round-tripped through them.
// https://hl7.org/fhir/R4/task.html
type (
	coding struct {
		System  string `json:"system,omitempty"`
		Code    string `json:"code,omitempty"`
		Display string `json:"display,omitempty"`
	}
	concept struct {
		Coding []coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	reference struct {
		Reference string `json:"reference,omitempty"`
	}
	identifier struct {
		System string `json:"system,omitempty"`
		Value  string `json:"value,omitempty"`
	}
	period struct {
		Start string `json:"start,omitempty"`
		End   string `json:"end,omitempty"`
	}
	restriction struct {
		Period *period `json:"period,omitempty"`
	}
	taskInput struct {
		Type           concept         `json:"type"`
		ValueReference *reference      `json:"valueReference,omitempty"`
		ValueInteger   json.RawMessage `json:"valueInteger,omitempty"`
		ValueDuration  json.RawMessage `json:"valueDuration,omitempty"`
	}
	task struct {
		ResourceType          string       `json:"resourceType"`
		InstantiatesCanonical string       `json:"instantiatesCanonical,omitempty"`
		GroupIdentifier       *identifier  `json:"groupIdentifier,omitempty"`
		PartOf                []reference  `json:"partOf,omitempty"`
		Status                string       `json:"status"`
		BusinessStatus        concept      `json:"businessStatus"`
		Intent                string       `json:"intent"`
		Code                  concept      `json:"code"`
		Description           string       `json:"description,omitempty"`
		Focus                 *reference   `json:"focus,omitempty"`
		For                   *reference   `json:"for,omitempty"`
		AuthoredOn            string       `json:"authoredOn"`
		Requester             *reference   `json:"requester,omitempty"`
		PerformerType         []concept    `json:"performerType,omitempty"`
		Owner                 *reference   `json:"owner,omitempty"`
		ReasonReference       *reference   `json:"reasonReference,omitempty"`
		Restriction           *restriction `json:"restriction,omitempty"`
		Input                 []taskInput  `json:"input,omitempty"`
	}
)

func coded(system, code, display string) concept {
	return concept{Coding: []coding{{System: system, Code: code, Display: display}}}
}

func to(ref string) *reference {
	if ref == "" {
		return nil
	}
	return &reference{ref}
}

// marshal writes what cannot fail to be written.
func marshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("casework: " + err.Error())
	}
	return body
}

// brief is what a new stage Task is made of.
type brief struct {
	plan      *Plan
	stage     *Stage
	root      string // Task/x or urn:uuid:…
	group     identifier
	patient   string
	requester string
	owner     string
	focus     string
	reason    string
	after     []string // predecessors
	replaces  string
	now       time.Time
	due       time.Time
}

// body writes the Task of a stage, handed over.
func (b brief) body() []byte {
	s := b.stage
	t := task{
		ResourceType: "Task", InstantiatesCanonical: b.plan.Canonical(), GroupIdentifier: &b.group, PartOf: []reference{{b.root}},
		Status: statusOf[HandedOver], BusinessStatus: coded(systemSubstate, string(HandedOver), ""), Intent: "order",
		Code:  concept{Coding: []coding{{systemStage, s.Code, s.Title}}, Text: s.Title + " " + s.Chinese},
		Focus: to(b.focus), For: to(b.patient), AuthoredOn: instant(b.now), Requester: to(b.requester),
		PerformerType: []concept{coded(systemRole, string(s.Owner), "")}, Owner: to(b.owner), ReasonReference: to(b.reason),
		Restriction: &restriction{&period{End: instant(b.due)}},
	}
	for _, ref := range b.after {
		t.Input = append(t.Input, taskInput{Type: coded(systemLink, "predecessor", ""), ValueReference: to(ref)})
	}
	if b.replaces != "" {
		t.Input = append(t.Input, taskInput{Type: coded(systemLink, "supersedes", ""), ValueReference: to(b.replaces)})
	}
	return marshal(t)
}

// briefFor prepares the Task of a stage in a running case.
func (v *view) briefFor(s *Stage) brief {
	b := brief{
		plan: v.plan, stage: s, root: v.root.Ref(), patient: v.patient, requester: v.clinician, now: v.s.Now,
		group: identifierOf(v.root.Root.Field("groupIdentifier")), owner: v.onlyMember(s.Owner), focus: v.mainDocument(),
	}
	b.due = v.due(s)
	for _, code := range s.After {
		if before := v.current(code); before != nil {
			b.after = append(b.after, before.Ref())
		}
	}
	if old := v.current(s.Code); old != nil {
		b.replaces = old.Ref()
	}
	return b
}

// due is when a stage that is handed over now must be done: after the days that
// the plan gives it, and not after the date for which the device was ordered
// (clauses 5.2.2 d, 9.3.7), unless that has passed or the device is released.
func (v *view) due(s *Stage) time.Time {
	due := v.s.Now.AddDate(0, 0, s.Days)
	if slices.ContainsFunc(v.plan.Stages, func(o *Stage) bool {
		return v.completed(o.Code) && slices.ContainsFunc(o.Conditions, func(c Condition) bool { return c.Gate == gateUse })
	}) {
		return due
	}
	for _, order := range v.named("order") {
		_, need, ok := span(order.Root.Path("occurrencePeriod", "end").Str())
		if ok && need.After(v.s.Now) && need.Before(due) {
			due = need
		}
	}
	return due
}

func identifierOf(n tree.Node) identifier {
	return identifier{System: n.Field("system").Str(), Value: n.Field("value").Str()}
}

// onlyMember is the one member of the team in a role; "" when there is none or a
// choice: then whoever receives the stage makes himself its owner.
func (v *view) onlyMember(role access.Role) string {
	found := ""
	for _, m := range v.members() {
		if m.role != role || m.ref == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = m.ref
	}
	return found
}

// mainDocument is what the case is about as far as it has come: the order, else
// the images, else the patient.
func (v *view) mainDocument() string {
	for _, document := range []string{"order", "image-study"} {
		if docs := v.named(document); len(docs) > 0 {
			return docs[0].Ref()
		}
	}
	return v.patient
}
