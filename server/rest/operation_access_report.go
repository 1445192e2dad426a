package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tenon/fhir/issue"
	"tenon/server/audit"
	"tenon/server/record"
	"tenon/server/search"
)

// accessReport is Patient/ID/$access-report?start=2026-01-01&end=2026-03&_count=50:
// who used the record of the patient, the newest first. It answers Parameters:
//
//	patient  Reference
//	use      for each: when (instant), recorded (instant), who (Reference), organization (Reference),
//	         app (string), action (code), operation (Coding),
//	         purpose (Coding), emergency (boolean), refused (boolean), what (string),
//	         text (string, Chinese), text-en (string)
//	next     uri of the next page
func (d *Door) accessReport(c *call) error {
	q, err := c.accessQuery()
	if err != nil {
		return err
	}
	report, err := d.o.Record.AccessReport(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	out := parametersOut{Type: "Parameters"}
	out.add("patient", "valueReference", map[string]string{"reference": "Patient/" + q.Patient})
	for i := range report.Uses {
		out.Parameter = append(out.Parameter, useOf(&report.Uses[i]))
	}
	if report.Next != nil {
		params, _ := search.ParseQuery(c.Request().URL.RawQuery) // read before
		kept := []search.Param{}
		for _, p := range without(params) {
			if p.Name != "_cursor" {
				kept = append(kept, p)
			}
		}
		kept = append(kept, search.Param{Name: "_cursor", Value: report.Next.String()})
		out.add("next", "valueUri", query(c.base+"/Patient/"+q.Patient+"/$access-report", kept))
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

func (c *call) accessQuery() (q record.AccessQuery, err error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return q, err
	}
	q = record.AccessQuery{Patient: c.Param("id"), Count: auditCount}
	for _, p := range without(params) {
		ok := false
		switch p.Name {
		case "start":
			q.From, _, ok = search.Interval(p.Value)
		case "end":
			_, q.Until, ok = search.Interval(p.Value)
		case "_count":
			q.Count, ok = countOf(p.Value)
			ok = ok && q.Count > 0
		case "_cursor":
			q.Behind, ok = record.ParseAuditPlace(p.Value)
		}
		if !ok {
			return q, issue.Errorf(issue.Invalid, "The parameter %q of $access-report cannot be honoured: it takes start and end (dates), _count and the links of its pages.", clip(p.Name)).
				WithStatus(400).At(clip(p.Name)).Rule("access-report-input").Chinese("$access-report 的参数无效。")
		}
	}
	return q, nil
}

// parametersOut is a Parameters resource in the making.
type parametersOut struct {
	Type      string           `json:"resourceType"`
	Parameter []map[string]any `json:"parameter"`
}

func (p *parametersOut) add(name, kind string, value any) {
	p.Parameter = append(p.Parameter, map[string]any{"name": name, kind: value})
}

func useOf(u *record.Use) map[string]any {
	var part parametersOut
	named := func(ref, name string) map[string]string {
		out := map[string]string{"reference": ref}
		if name != "" {
			out["display"] = name
		}
		if !audit.Reference(ref) {
			out = map[string]string{"display": ref}
		}
		return out
	}
	class := audit.ClassOf(&u.Audit)
	part.add("when", "valueInstant", u.At.UTC().Format("2006-01-02T15:04:05.000Z"))
	part.add("recorded", "valueInstant", u.Recorded.UTC().Format("2006-01-02T15:04:05.000Z"))
	if u.Principal != "" {
		part.add("who", "valueReference", named(u.Principal, u.Who))
	}
	if house := audit.House(&u.Audit); house != "" {
		part.add("organization", "valueReference", named(house, u.Where))
	}
	if u.App != "" {
		part.add("app", "valueString", u.App)
	}
	part.add("action", "valueCode", class.Action)
	part.add("operation", "valueCoding", audit.Coding{System: "urn:tenon:operation", Code: u.Operation})
	if u.Purpose != "" {
		part.add("purpose", "valueCoding", audit.Coding{System: "http://terminology.hl7.org/CodeSystem/v3-ActReason", Code: u.Purpose})
	}
	emergency := u.Purpose == "BTG" || u.Operation == "break-glass"
	part.add("emergency", "valueBoolean", emergency)
	part.add("refused", "valueBoolean", u.Outcome >= 400)
	what := audit.Subject(&u.Audit)
	if what != "" {
		part.add("what", "valueString", what)
	}
	chinese, english := sentences(u, what, emergency)
	part.add("text", "valueString", chinese)
	part.add("text-en", "valueString", english)
	return map[string]any{"name": "use", "part": part.Parameter}
}

// sentences say a use in both languages.
func sentences(u *record.Use, what string, emergency bool) (chinese, english string) {
	who, where := u.Who, u.Where
	if who == "" {
		who = u.Principal
	}
	if where == "" {
		where = audit.House(&u.Audit)
	}
	done, did := audit.Words(&u.Audit)
	when := u.At.UTC().Format(time.DateTime)
	chinese = fmt.Sprintf("%s（UTC）%s", when, who)
	english = fmt.Sprintf("%s UTC: %s", when, who)
	if where != "" {
		chinese, english = chinese+"（"+where+"）", english+" ("+where+")"
	}
	chinese, english = chinese+done, english+" "+did
	if what != "" {
		chinese, english = chinese+" "+what, english+" "+what
	}
	if emergency {
		chinese, english = chinese+"，紧急访问", english+", emergency access"
	}
	if u.Outcome >= 400 {
		chinese, english = chinese+"，被拒绝", english+", refused"
	}
	return chinese, english
}
