package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Matcher is the recorder's part of $match.
type Matcher interface {
	Match(ctx context.Context, who *access.Context, q record.MatchQuery) ([]record.Match, error)
}

// matchRoutes are https://hl7.org/fhir/R4/patient-operation-match.html
func (d *Door) matchRoutes() []route {
	return []route{{"POST", "/Patient/$match", d.match, false}}
}

// gradeExtension and reasonExtension stand in Bundle.entry.search, beside the
// score: how sure the match is, and what was compared.
const (
	gradeExtension  = "http://hl7.org/fhir/StructureDefinition/match-grade"
	reasonExtension = "urn:tenon:extension:match-reason"
)

// match answers with a searchset, the likeliest first.
func (d *Door) match(c *call) error {
	q, err := c.matchQuery()
	if err != nil {
		return err
	}
	found, err := d.o.Record.Match(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	total := int64(len(found))
	w := newBundle("searchset", &total)
	for i := range found {
		m := &found[i]
		w.entry()
		w.word("fullUrl", c.base+"/"+m.Type+"/"+m.ID)
		w.member("resource", record.Labelled(m.Body, m.Level, m.Integrity))
		w.member("search", nil)
		w.b.WriteString(`{"extension":[{"url":"` + gradeExtension + `","valueCode":"` + m.Grade.String() + `"},{"url":"` + reasonExtension + `","valueString":`)
		w.text(strings.Join(m.Why, "; "))
		w.b.WriteString(`}],"mode":"match","score":` + strconv.FormatFloat(m.Score, 'f', -1, 64) + `}`)
		w.end()
	}
	return c.send(http.StatusOK, w.bytes())
}

// matchQuery reads Parameters with resource, onlyCertainMatches and count.
func (c *call) matchQuery() (q record.MatchQuery, err error) {
	body, err := c.resource()
	if err != nil {
		return q, err
	}
	root, err := nodeOf(body)
	if err != nil {
		return q, err
	}
	if root.Field("resourceType").Str() != "Parameters" {
		return q, badMatch("resourceType", "the body is Parameters")
	}
	for p := range root.Field("parameter").Items() {
		switch name := p.Field("name").Str(); name {
		case "resource":
			if q.Patient != nil {
				return q, badMatch(name, "it comes once")
			}
			q.Patient = p.Field("resource").Raw()
		case "onlyCertainMatches":
			value := p.Field("valueBoolean").Text()
			if value != "true" && value != "false" {
				return q, badMatch(name, "it takes a valueBoolean")
			}
			q.Only = value == "true"
		case "count":
			n, err := strconv.Atoi(p.Field("valueInteger").Text())
			if err != nil || n < 1 {
				return q, badMatch(name, "it takes a valueInteger above 0")
			}
			q.Count = n
		default:
			return q, badMatch(name, "the operation has no such parameter")
		}
	}
	if len(q.Patient) == 0 {
		return q, badMatch("resource", "it is needed, and a Patient")
	}
	return q, nil
}

func badMatch(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of $match cannot be honoured: %s.", clip(name), why).
		WithStatus(400).At("Parameters.parameter").Rule("match-parameter").Chinese("$match 的参数无效。")
}
