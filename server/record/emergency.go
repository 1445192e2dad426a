package record

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/search"
)

// Emergency access: a clinician states why he must read the record of one patient
// that no other rule opens to him. The access is a Task that belongs to the
// security of the patient's hospital (access.SecurityOf): its security
// administrators alone read it, and close it by a review; nobody changes it.
//
//	requested ── time runs out ──→ no access, the review still open
//	    └─────── reviewed ───────→ completed: no access from then on
//
// A review that does not come is escalated (emergency_timer.go).
//
// Mission: grading.md §4, "break-glass with review in 24 h".
const (
	emergencyLife = time.Hour // at most, and the usual
	reviewWithin  = 24 * time.Hour
	mostEmergency = 5 // that one person may hold at once
	shortestWhy   = 10
	longestWhy    = 2000
)

const ruleSystem = "urn:tenon:access-rule"

var (
	emergencyReasons  = []string{"life-threat", "acute-care", "unable-to-consent", "device-alert"}
	emergencyOutcomes = []string{"justified", "unjustified", "follow-up"}
)

func badEmergency(name, format string, args ...any) error {
	return issue.Errorf(issue.Invalid, name+": "+format, args...).WithStatus(400).At(name).Rule("emergency-input").Chinese("紧急访问的参数无效：" + name + "。")
}

// BreakGlass gives the caller emergency access to a patient: Patient/ID/$break-glass
// with the parameters reason (Coding of urn:tenon:emergency-reason), text (why, in
// words) and minutes (1 to 60). Requests that use it carry the header
// X-Purpose-Of-Use: BTG. Failures: emergency-role (403), emergency-input (400),
// emergency-many (409), not-found (404).
func (r *Recorder) BreakGlass(ctx context.Context, who *access.Context, id string, params tree.Node) ([]byte, error) {
	if err := r.entry(who, "Patient"); err != nil {
		return nil, err
	}
	refuse := func(err error) error {
		return r.closeRead(ctx, r.audit(who, "E", "break-glass", "Patient/"+id, 403), "Patient", id, err)
	}
	if who.Kind != access.Person || who.Side != access.Hospital || !who.Has(access.CLIN) || who.Scopes != nil {
		return nil, refuse(issue.Errorf(issue.Forbidden, "%s may not ask for emergency access: that is a hospital's clinician's, and no app's.", who.Principal).
			Rule("emergency-role").Clause("R000-010").Chinese("仅医院医生可申请紧急访问，应用不可代为申请。"))
	}
	code, why, life, err := emergencyAsked(params)
	if err != nil {
		return nil, err
	}
	patient, err := r.o.Store.Read(ctx, access.Everything{}, "Patient", id)
	if err == nil && patient.Deleted {
		err = ErrAbsent
	}
	if err != nil {
		return nil, refuse(err)
	}
	held, err := r.emergencies(ctx, who)
	if err != nil {
		return nil, err
	}
	if len(held) >= mostEmergency {
		return nil, refuse(issue.Errorf(issue.BusinessRule, "%s holds %d emergency accesses; one more is given when one has run out.", who.Principal, len(held)).
			WithStatus(409).Rule("emergency-many").Chinese("同时持有的紧急访问已达上限。"))
	}
	return r.emergency(ctx, who, patient, code, why, life)
}

func emergencyAsked(params tree.Node) (code, why string, life time.Duration, err error) {
	life = emergencyLife
	for p := range params.Field("parameter").Items() {
		switch name := p.Field("name").Str(); name {
		case "reason":
			if system := p.Path("valueCoding", "system").Str(); system != "urn:tenon:emergency-reason" {
				return "", "", 0, badEmergency(name, "it is a Coding of urn:tenon:emergency-reason, not of %q", clipped(system))
			}
			code = p.Path("valueCoding", "code").Str()
		case "text":
			why = strings.TrimSpace(p.Field("valueString").Str())
		case "minutes":
			var n int
			if _, err := fmt.Sscan(p.Field("valueInteger").Text(), &n); err != nil || n < 1 || time.Duration(n)*time.Minute > emergencyLife {
				return "", "", 0, badEmergency(name, "it takes 1 to %d", int(emergencyLife.Minutes()))
			}
			life = time.Duration(n) * time.Minute
		default:
			return "", "", 0, badEmergency(clipped(name), "the operation has no such parameter")
		}
	}
	switch n := utf8.RuneCountInString(why); {
	case !slices.Contains(emergencyReasons, code):
		err = badEmergency("reason", "it is one of %s", strings.Join(emergencyReasons, ", "))
	case n < shortestWhy || n > longestWhy:
		err = badEmergency("text", "say in %d to %d characters why", shortestWhy, longestWhy)
	}
	return code, why, life, err
}

// emergency writes the Task, which opens the record and alarms who reviews it.
func (r *Recorder) emergency(ctx context.Context, who *access.Context, patient *Version, code, why string, life time.Duration) ([]byte, error) {
	id, err := r.newID()
	if err != nil {
		return nil, err
	}
	at := r.now()
	instant := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }
	coding := func(system, code string) map[string]any {
		return map[string]any{"coding": []any{map[string]any{"system": system, "code": code}}}
	}
	reason := coding("urn:tenon:emergency-reason", code)
	reason["text"] = why
	body, err := json.Marshal(map[string]any{
		"resourceType": "Task", "id": id, "status": "requested", "intent": "order", "priority": "stat",
		"code": coding(ruleSystem, string(access.RuleEmergency)), "for": map[string]any{"reference": "Patient/" + patient.ID},
		"description": "Emergency access to be reviewed 紧急访问待审查", "authoredOn": instant(at), "requester": map[string]any{"reference": who.Principal},
		"performerType": []any{coding("urn:tenon:role", string(access.SEC))}, "reasonCode": reason,
		"executionPeriod": map[string]any{"start": instant(at), "end": instant(at.Add(life))},
		"restriction":     map[string]any{"period": map[string]any{"end": instant(at.Add(reviewWithin))}},
		"input":           []any{map[string]any{"type": map[string]any{"text": "person"}, "valueString": personOf(who)}},
	})
	if err != nil {
		return nil, err
	}
	owner := *who
	owner.Organization, owner.Purpose = access.SecurityOf(cmp.Or(patient.Owner, who.Organization)), access.PurposeEmergency
	if _, err := r.submit(ctx, &owner, &Draft{Door: "fhir", Operation: "break-glass", Ops: []Op{{Method: "PUT", Type: "Task", ID: id, Body: body}}},
		internal{trusted: true, messages: []dispatch.Message{r.escalates(id, at, 0)}}); err != nil {
		return nil, err
	}
	if r.o.Alarm != nil {
		r.o.Alarm(ctx, who, "Task/"+id)
	}
	return json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": []any{
		map[string]any{"name": "until", "valueInstant": instant(at.Add(life))},
		map[string]any{"name": "review", "valueReference": map[string]any{"reference": "Task/" + id}},
		map[string]any{"name": "header", "valueString": "X-Purpose-Of-Use: " + access.PurposeEmergency},
	}})
}

// Emergency fills in what a caller may read who says that it is an emergency.
// Failure: no-emergency (403) for one who holds no access.
func (r *Recorder) Emergency(ctx context.Context, who *access.Context) (*access.Context, error) {
	patients, err := r.emergencies(ctx, who)
	if err != nil {
		return nil, err
	}
	if len(patients) == 0 {
		return nil, issue.Errorf(issue.Forbidden, "%s holds no emergency access: ask for it with Patient/ID/$break-glass, or leave out the purpose.", who.Principal).
			Rule("no-emergency").Chinese("当前无有效的紧急访问，请先申请。")
	}
	in := *who
	in.Purpose, in.Emergency = access.PurposeEmergency, patients
	return &in, nil
}

// emergencies are the patients whose record is open to the caller now.
func (r *Recorder) emergencies(ctx context.Context, who *access.Context) (patients []string, err error) {
	if who.Kind != access.Person || who.Side != access.Hospital || !who.Has(access.CLIN) || who.Scopes != nil {
		return nil, nil
	}
	server := &access.Context{Tenant: who.Tenant, Kind: access.Server, Principal: "server"}
	plan, _, err := r.parse(server, "Task", []search.Param{
		{Name: "code", Value: ruleSystem + "|" + string(access.RuleEmergency)}, {Name: "requester", Value: escapedToken.Replace(who.Principal)},
		{Name: "status", Value: "requested"}, {Name: "authored-on", Value: "ge" + r.now().Add(-emergencyLife).Format(time.RFC3339)}}, true)
	if err != nil {
		return nil, err
	}
	plan.Count = 100
	page, err := r.o.Store.Search(ctx, plan)
	if err != nil {
		return nil, err
	}
	for _, h := range page.Hits {
		v, err := r.o.Store.Read(ctx, access.Everything{}, "Task", h.ID)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		root, err := parsed(v.Body)
		if err != nil {
			return nil, err
		}
		end, err := time.Parse(time.RFC3339, root.Path("executionPeriod", "end").Str())
		// what somebody wrote to look like one belongs to his organisation, not to its security
		if err == nil && access.IsSecurity(v.Owner) && r.now().Before(end) && root.Field("status").Str() == "requested" {
			patients = append(patients, root.Path("for", "reference").Str())
		}
	}
	slices.Sort(patients)
	return slices.Compact(patients), nil
}

// Review closes an emergency access: Task/ID/$review with the parameters outcome
// (Coding of urn:tenon:emergency-outcome) and text. A security administrator of the
// hospital does it, never the one who had the access. Failures: review-role (403),
// review-done (409), emergency-input (400), not-found (404).
func (r *Recorder) Review(ctx context.Context, who *access.Context, id string, params tree.Node) (*Result, error) {
	if err := r.entry(who, "Task"); err != nil {
		return nil, err
	}
	refuse := func(err error) error {
		return r.closeRead(ctx, r.audit(who, "E", "review", "Task/"+id, 403), "Task", id, err)
	}
	if err := who.Stepped(); err != nil {
		return nil, refuse(err)
	}
	v, err := r.o.Store.Read(ctx, who.Reach(), "Task", id)
	if err == nil && (v.Deleted || !access.IsSecurity(v.Owner)) {
		err = ErrAbsent
	}
	if err != nil {
		return nil, refuse(err)
	}
	root, err := parsed(v.Body)
	if err != nil {
		return nil, err
	}
	switch {
	case who.Kind != access.Person || !who.Has(access.SEC) || v.Owner != access.SecurityOf(who.Organization):
		err = issue.Errorf(issue.Forbidden, "A security administrator of the patient's hospital closes the review.").Rule("review-role").Chinese("仅患者所属医院的安全管理员可完成审查。")
	case root.Path("input", "valueString").Str() == personOf(who) || root.Path("requester", "reference").Str() == who.Principal:
		err = issue.Errorf(issue.Forbidden, "Who had the access does not review it.").Rule("review-role").Chinese("不得审查本人的紧急访问。")
	case root.Field("status").Str() != "requested":
		err = issue.Errorf(issue.BusinessRule, "The review is closed already.").WithStatus(409).Rule("review-done").Chinese("该审查已完成。")
	}
	if err != nil {
		return nil, refuse(err)
	}
	body, err := reviewed(params, who, r.now())
	if err != nil {
		return nil, err
	}
	out, err := r.submit(ctx, who, &Draft{Door: "fhir", Operation: "review", Ops: []Op{{Method: "PATCH", Type: "Task", ID: id, Format: MergePatch, Body: body, IfMatch: fmt.Sprint(v.Version)}}}, internal{trusted: true})
	if err != nil {
		return nil, err
	}
	return &out.Results[0], nil
}

func reviewed(params tree.Node, who *access.Context, at time.Time) ([]byte, error) {
	code, text := "", ""
	for p := range params.Field("parameter").Items() {
		switch name := p.Field("name").Str(); name {
		case "outcome":
			if p.Path("valueCoding", "system").Str() == "urn:tenon:emergency-outcome" {
				code = p.Path("valueCoding", "code").Str()
			}
		case "text":
			text = strings.TrimSpace(p.Field("valueString").Str())
		default:
			return nil, badEmergency(clipped(name), "the operation has no such parameter")
		}
	}
	if !slices.Contains(emergencyOutcomes, code) {
		return nil, badEmergency("outcome", "it is a Coding of urn:tenon:emergency-outcome: one of %s", strings.Join(emergencyOutcomes, ", "))
	}
	if n := utf8.RuneCountInString(text); n < shortestWhy || n > longestWhy {
		return nil, badEmergency("text", "say in %d to %d characters what was found", shortestWhy, longestWhy)
	}
	return json.Marshal(map[string]any{"status": "completed", "lastModified": at.Format("2006-01-02T15:04:05.000Z07:00"), "owner": map[string]any{"reference": who.Principal},
		"output": []any{map[string]any{"type": map[string]any{"text": "outcome"},
			"valueCodeableConcept": map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:emergency-outcome", "code": code}}, "text": text}}}})
}
