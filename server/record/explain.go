package record

import (
	"context"
	"encoding/json"
	"errors"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// ExplainQuery asks why somebody may or may not do something with a resource.
type ExplainQuery struct {
	Type, ID string
	Person   string      // a principal; "": the caller, with what his token allows
	Verb     access.Verb // Read, Search, Update, Delete
}

// ExplainAccess takes a decision apart: TYPE/ID/$explain-access. Who administers
// the platform, its security or its audit asks about anybody. Everybody else asks
// about himself alone, and hears of what he does not reach nothing but that he
// does not, as of what is not there. Parameters out:
//
//	result    boolean    what the server does
//	person    string
//	conjunct  for each rule: rule (Coding of urn:tenon:access-rule), state (met,
//	          unmet, not-asked), value (string)
//
// Failures: explain-role (403), not-found (404).
func (r *Recorder) ExplainAccess(ctx context.Context, who *access.Context, q ExplainQuery) ([]byte, error) {
	if err := r.entry(who, q.Type); err != nil {
		return nil, err
	}
	row := r.audit(who, "E", "explain-access", q.Type+"/"+q.ID, 200)
	about, err := r.explained(ctx, who, q.Person)
	if err != nil {
		return nil, r.closeRead(ctx, row, q.Type, q.ID, err)
	}
	body, patient, err := r.explain(ctx, about, q, mayExplain(who))
	row.Patient = patient
	if err := r.closeRead(ctx, row, q.Type, q.ID, err); err != nil {
		return nil, err
	}
	return body, nil
}

func mayExplain(who *access.Context) bool {
	return who.Kind == access.Operator || who.Kind == access.Person && (who.Has(access.ADMIN) || who.Has(access.SEC) || who.Has(access.AUD))
}

// explained is whom the explanation is about.
func (r *Recorder) explained(ctx context.Context, who *access.Context, person string) (*access.Context, error) {
	if person == "" || person == who.Principal {
		return who, nil
	}
	if !mayExplain(who) {
		return nil, issue.Errorf(issue.Forbidden, "%s may ask about the own access alone: leave out person.", who.Principal).
			Rule("explain-role").Chinese("仅可查询本人的访问权限。")
	}
	if r.o.Principals == nil {
		return nil, errors.New("record: no principals")
	}
	about, err := r.o.Principals(ctx, person)
	if f := issue.As(err); f != nil {
		return nil, issue.Errorf(issue.Invalid, "person: %s", f.Issues[0].Text).WithStatus(400).At("person").Rule("explain-input").Chinese("该主体不存在或已停用。")
	}
	return about, err
}

func (r *Recorder) explain(ctx context.Context, about *access.Context, q ExplainQuery, whole bool) ([]byte, string, error) {
	holds := func(p access.Predicate) (bool, error) {
		v, err := r.o.Store.Read(ctx, p, q.Type, q.ID)
		if errors.Is(err, ErrAbsent) {
			return false, nil
		}
		return err == nil && !v.Deleted, err
	}
	may, err := holds(about.ReachTo(q.Verb))
	if err != nil {
		return nil, "", err
	}
	if !may && !whole {
		permitted := about.Permits(q.Verb, q.Type)
		body, err := explanation(about, false, []access.Conjunct{{Rule: access.RuleScopes, Asked: about.Scopes != nil, Met: permitted}})
		return body, "", err
	}
	facts, err := r.facts(ctx, about, q)
	if err != nil {
		return nil, "", err
	}
	all, err := about.Explain(q.Verb, facts, holds)
	if err != nil {
		return nil, "", err
	}
	body, err := explanation(about, may, all)
	return body, facts.Patient, err
}

// facts gathers what a decision rests on.
func (r *Recorder) facts(ctx context.Context, about *access.Context, q ExplainQuery) (*access.Facts, error) {
	v, err := r.o.Store.Read(ctx, access.Everything{}, q.Type, q.ID)
	if err != nil {
		return nil, err
	}
	if v.Deleted {
		return nil, ErrAbsent
	}
	f := &access.Facts{Type: v.Type, ID: v.ID, Owner: v.Owner, Patient: v.Patient, Level: v.Level}
	ids, err := r.o.Store.CasesOf(ctx, q.Type, q.ID)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		c, err := r.caseFacts(ctx, about.Principal, id)
		if err != nil {
			return nil, err
		}
		f.Cases = append(f.Cases, c)
	}
	withholding, err := r.o.Store.Withholding(ctx, v.Patient)
	for _, id := range withholding {
		f.Consents = append(f.Consents, "Consent/"+id)
	}
	return f, err
}

func (r *Recorder) caseFacts(ctx context.Context, principal, id string) (c access.CaseFacts, err error) {
	c.ID = id
	data, err := r.o.Store.Snapshot(ctx, id)
	if err != nil {
		return c, err
	}
	for _, g := range data.Grants {
		if g.Principal == principal {
			c.Open, c.Ceiling = true, g.Ceiling
		}
	}
	s, err := r.asSeen(ctx, data)
	if err != nil {
		return c, err
	}
	o := r.o.Engine.Openness(s)
	c.Gated, c.Disclosed, c.Consented = o.Gated, o.Disclosed, o.Consented
	return c, nil
}

// translated is the extension by which a text has its Chinese form.
func translated(chinese string) map[string]any {
	return map[string]any{"extension": []any{map[string]any{"url": "http://hl7.org/fhir/StructureDefinition/translation",
		"extension": []any{map[string]any{"url": "lang", "valueCode": "zh"}, map[string]any{"url": "content", "valueString": chinese}}}}}
}

func explanation(about *access.Context, may bool, all []access.Conjunct) ([]byte, error) {
	parameters := []any{map[string]any{"name": "result", "valueBoolean": may}, map[string]any{"name": "person", "valueString": about.Principal}}
	for _, c := range all {
		state := "not-asked"
		switch {
		case c.Asked && c.Met:
			state = "met"
		case c.Asked:
			state = "unmet"
		}
		english, chinese := c.Rule.Words()
		parts := []any{
			map[string]any{"name": "rule", "valueCoding": map[string]any{"system": "urn:tenon:access-rule", "code": c.Rule, "display": english, "_display": translated(chinese)}},
			map[string]any{"name": "state", "valueCode": state},
		}
		if c.Value != "" {
			parts = append(parts, map[string]any{"name": "value", "valueString": c.Value})
		}
		parameters = append(parameters, map[string]any{"name": "conjunct", "part": parts})
	}
	return json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": parameters})
}
