package rest

import (
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/audit"
	"tenon/server/record"
	"tenon/server/search"
)

// auditAsk is a search of the audit as it was asked. What stands in the columns
// of the audit is found there; the rest is judged row by row. A parameter that is
// not served is refused: a search of the audit that silently finds more, or less,
// than was asked for is worse than none.
type auditAsk struct {
	params   []search.Param // without the place of the page
	behind   string
	count    int
	view     view
	about    string
	from, to time.Time
	where    []func(*record.AuditEvent) bool
	base     string
	at       record.AuditPlace
}

func (a *auditAsk) query() record.AuditQuery {
	return record.AuditQuery{About: a.about, From: a.from, Until: a.to, Behind: a.at, Count: a.count, Shape: a.shape(), Takes: func(e *record.AuditEvent) bool {
		return !slices.ContainsFunc(a.where, func(takes func(*record.AuditEvent) bool) bool { return !takes(e) })
	}}
}

// shape is the search without its values, for its own audit.
func (a *auditAsk) shape() string {
	out := "AuditEvent"
	for i, p := range a.params {
		out += []string{"?", "&"}[min(i, 1)] + p.Name
	}
	return out
}

// self are the parameters of a page.
func (a *auditAsk) self(behind string) []search.Param {
	if behind == "" {
		return a.params
	}
	return append(slices.Clone(a.params), search.Param{Name: "_cursor", Value: behind})
}

// mostAuditParams bounds the parameters, and the values, of one search.
const mostAuditParams = 32

func readAuditAsk(params []search.Param, base string) (*auditAsk, error) {
	a := &auditAsk{count: auditCount, base: base}
	if len(params) > mostAuditParams {
		return nil, badAudit("", "more than 32 parameters")
	}
	for _, p := range params {
		if p.Name == "_cursor" {
			var ok bool
			if a.at, ok = record.ParseAuditPlace(p.Value); !ok || a.behind != "" {
				return nil, badAudit("_cursor", "it is no place that a link of a page named")
			}
			a.behind = p.Value
			continue
		}
		a.params = append(a.params, p)
		if err := a.read(p.Name, p.Value); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *auditAsk) read(name, value string) error {
	if value == "" {
		return badAudit(name, "it has no value")
	}
	values := strings.Split(value, ",")
	if len(values) > mostAuditParams {
		return badAudit(name, "it has more than 32 values")
	}
	switch name {
	case "_count":
		n, ok := countOf(value)
		if !ok {
			return badAudit(name, "it is no whole number")
		}
		a.count = n
	case "_total":
		if value != "none" {
			return badAudit(name, "pages have no total; ask with _summary=count")
		}
	case "_sort":
		if value != "-date" && value != "-_lastUpdated" {
			return badAudit(name, "the order is the newest first (-date)")
		}
	case "_summary":
		if a.view.summary = value; value == "count" {
			a.count, a.view.summary = 0, ""
		}
	case "_elements":
		a.view.addElements(value)
	case "date", "_lastUpdated":
		return a.date(name, value)
	case "_id":
		a.any(values, func(e *record.AuditEvent, v string) bool { return e.ID() == v })
	case "action":
		a.any(values, func(e *record.AuditEvent, v string) bool {
			return isCode(audit.Coding{System: "http://hl7.org/fhir/audit-event-action", Code: audit.ClassOf(&e.Audit).Action}, v)
		})
	case "outcome":
		a.any(values, func(e *record.AuditEvent, v string) bool {
			return isCode(audit.Coding{System: "http://terminology.hl7.org/CodeSystem/audit-event-outcome", Code: audit.ClassOf(&e.Audit).Outcome}, v)
		})
	case "type":
		a.any(values, func(e *record.AuditEvent, v string) bool { return isCode(audit.ClassOf(&e.Audit).Type, v) })
	case "subtype":
		a.any(values, func(e *record.AuditEvent, v string) bool {
			return slices.ContainsFunc(audit.ClassOf(&e.Audit).Subtypes, func(c audit.Coding) bool { return isCode(c, v) })
		})
	case "address":
		a.any(values, func(e *record.AuditEvent, v string) bool { return e.Address != "" && strings.HasPrefix(e.Address, v) })
	default:
		return a.refer(name, values)
	}
	return nil
}

// any adds a condition that one of the values meets.
func (a *auditAsk) any(values []string, meets func(e *record.AuditEvent, v string) bool) {
	a.where = append(a.where, func(e *record.AuditEvent) bool {
		return slices.ContainsFunc(values, func(v string) bool { return meets(e, v) })
	})
}

// refer reads the parameters that are references.
func (a *auditAsk) refer(name string, values []string) error {
	plain, typ, modified := strings.Cut(name, ":")
	if plain != "patient" && plain != "agent" && plain != "entity" || modified && (plain == "patient" && typ != "Patient" || typ == "" || typ[0] < 'A' || typ[0] > 'Z') {
		return badAudit(name, "AuditEvent is not searched by it here")
	}
	if plain == "patient" {
		typ = "Patient"
	}
	for i, v := range values {
		v = strings.TrimPrefix(v, strings.TrimSuffix(a.base, "/")+"/")
		if !strings.Contains(v, "/") && typ != "" {
			v = typ + "/" + v
		}
		bare := !strings.Contains(v, "/") && audit.Reference("Any/"+v) // of whatever type
		if !bare && !audit.Reference(v) || plain == "patient" && !strings.HasPrefix(v, "Patient/") {
			return badAudit(name, "it is a reference, Type/id or id")
		}
		values[i] = v
	}
	meets := map[string]func(*record.AuditEvent, string) bool{
		"patient": func(e *record.AuditEvent, v string) bool { return e.Patient == v },
		"agent":   func(e *record.AuditEvent, v string) bool { return refers(e.Principal, v) || refers(e.Organization, v) },
		"entity": func(e *record.AuditEvent, v string) bool {
			at, _, _ := strings.Cut(e.Entity, "/_history")
			return refers(e.Patient, v) || refers(at, v) || e.Entity == v || e.Case != "" && refers("Task/"+e.Case, v)
		},
	}[plain]
	a.any(values, meets)
	if person := plain == "agent" && strings.Contains(values[0], "/") && !strings.HasPrefix(values[0], "Organization/"); len(values) == 1 && a.about == "" && (plain == "patient" || person) {
		a.about = values[0]
	}
	return nil
}

// refers tells whether a reference is the one asked for, by type and id or by id.
func refers(reference, asked string) bool {
	_, id, _ := strings.Cut(reference, "/")
	return reference == asked || id != "" && id == asked
}

// date narrows the period. https://hl7.org/fhir/R4/search.html#date
func (a *auditAsk) date(name, value string) error {
	prefix, rest := "eq", value
	if len(value) > 2 && value[0] >= 'a' && value[0] <= 'z' {
		prefix, rest = value[:2], value[2:]
	}
	low, high, ok := search.Interval(rest)
	if !ok {
		return badAudit(name, "it is a date such as 2026-03, ge2026-03-01 or lt2026-03-01T08:00:00Z")
	}
	switch prefix {
	case "eq":
		a.between(low, high)
	case "ge":
		a.between(low, time.Time{})
	case "gt", "sa":
		a.between(high, time.Time{})
	case "lt", "eb":
		a.between(time.Time{}, low)
	case "le":
		a.between(time.Time{}, high)
	case "ne":
		a.where = append(a.where, func(e *record.AuditEvent) bool { return e.Recorded.Before(low) || !e.Recorded.Before(high) })
	default:
		return badAudit(name, "it begins with eq, ne, lt, le, gt, ge, sa or eb")
	}
	return nil
}

func (a *auditAsk) between(from, to time.Time) {
	if from.After(a.from) {
		a.from = from
	}
	if !to.IsZero() && (a.to.IsZero() || to.Before(a.to)) {
		a.to = to
	}
}

// isCode is https://hl7.org/fhir/R4/search.html#token
func isCode(c audit.Coding, v string) bool {
	system, code, both := strings.Cut(v, "|")
	switch {
	case !both:
		return v == c.Code
	case code == "":
		return system == c.System
	}
	return system == c.System && code == c.Code
}

func badAudit(name, why string) error {
	return issue.Errorf(issue.NotSupported, "The parameter %q of a search of AuditEvents cannot be honoured: %s.", clip(name), why).
		WithStatus(400).At(clip(name)).Rule("audit-search").Chinese("审计检索参数无效或不支持。")
}
