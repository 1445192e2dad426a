package casework

import (
	"encoding/json"
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
		ValueCode      string          `json:"valueCode,omitempty"`
		ValueDateTime  string          `json:"valueDateTime,omitempty"`
		ValueInteger   json.RawMessage `json:"valueInteger,omitempty"`
		ValueDuration  json.RawMessage `json:"valueDuration,omitempty"`
	}
	task struct {
		ResourceType          string       `json:"resourceType"`
		Identifier            []identifier `json:"identifier,omitempty"`
		InstantiatesCanonical string       `json:"instantiatesCanonical,omitempty"`
		GroupIdentifier       *identifier  `json:"groupIdentifier,omitempty"`
		BasedOn               []reference  `json:"basedOn,omitempty"`
		PartOf                []reference  `json:"partOf,omitempty"`
		Status                string       `json:"status"`
		BusinessStatus        *concept     `json:"businessStatus,omitempty"`
		Intent                string       `json:"intent"`
		Code                  concept      `json:"code"`
		Description           string       `json:"description,omitempty"`
		Focus                 *reference   `json:"focus,omitempty"`
		For                   *reference   `json:"for,omitempty"`
		AuthoredOn            string       `json:"authoredOn"`
		Requester             *reference   `json:"requester,omitempty"`
		PerformerType         []concept    `json:"performerType,omitempty"`
		Owner                 *reference   `json:"owner,omitempty"`
		ReasonCode            *concept     `json:"reasonCode,omitempty"`
		ReasonReference       *reference   `json:"reasonReference,omitempty"`
		RelevantHistory       []reference  `json:"relevantHistory,omitempty"`
		Restriction           *restriction `json:"restriction,omitempty"`
		Input                 []taskInput  `json:"input,omitempty"`
	}
)

func coded(system, code, display string) concept {
	return concept{Coding: []coding{{System: system, Code: code, Display: display}}}
}

func pointer(c concept) *concept { return &c }

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
	history   []string // Provenances that led to it
	now       time.Time
	due       time.Time
}

// body writes the Task of a stage, handed over.
func (b brief) body() []byte {
	s := b.stage
	t := task{
		ResourceType: "Task", InstantiatesCanonical: b.plan.Canonical(), GroupIdentifier: &b.group, PartOf: []reference{{b.root}},
		Status: statusOf[HandedOver], BusinessStatus: pointer(coded(systemSubstate, string(HandedOver), "")), Intent: "order",
		Code:  concept{Coding: []coding{{systemStage, s.Code, s.Title}}, Text: s.Title + " " + s.Chinese},
		Focus: to(b.focus), For: to(b.patient), AuthoredOn: instant(b.now), Requester: to(b.requester),
		PerformerType: []concept{coded(systemRole, string(s.Owner), "")}, Owner: to(b.owner), ReasonReference: to(b.reason),
		Restriction: &restriction{&period{End: instant(b.due)}},
	}
	for _, ref := range b.after {
		t.Input = append(t.Input, taskInput{Type: coded(systemLink, "predecessor", ""), ValueReference: to(ref)})
	}
	for _, ref := range b.history {
		t.RelevantHistory = append(t.RelevantHistory, reference{ref})
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

// due is when a stage that is handed over now must be done: after the time that
// the agreement gives it, else the plan; and early enough that the stages after
// it can be done by the date for which the device was ordered (clauses 5.2.2 d,
// 9.3.7). Where that is too late already, by that date; where that has passed or
// the device is released, after its own time.
func (v *view) due(s *Stage) time.Time {
	due := v.s.Now.Add(v.timeOf(s))
	rest, used := v.remaining(s)
	need, ordered := v.needed()
	if !used || !ordered || !need.After(v.s.Now) {
		return due
	}
	if latest := need.Add(-rest); latest.After(v.s.Now) {
		need = latest
	}
	if need.Before(due) {
		return need
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
