package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// Merger is the recorder's part of $merge.
type Merger interface {
	Merge(ctx context.Context, who *access.Context, q record.MergeQuery) (*record.Merged, error)
}

// mergeRoutes are https://hl7.org/fhir/R5/patient-operation-merge.html
func (d *Door) mergeRoutes() []route {
	return []route{{"POST", "/Patient/$merge", d.merge, false}}
}

// merge answers with Parameters: input, outcome and result.
func (d *Door) merge(c *call) error {
	body, err := c.resource()
	if err != nil {
		return err
	}
	q, err := mergeQuery(body)
	if err != nil {
		return err
	}
	m, err := d.o.Record.Merge(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	text, chinese := "The patients are merged; %d resources were moved.", "患者已合并，移动 %d 份资料。"
	if q.Preview {
		text, chinese = "The patients can be merged; %d resources would be moved.", "患者可以合并，将移动 %d 份资料。"
	}
	told := append([]issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "merge-done",
		Text: fmt.Sprintf(text, len(m.Moved)), Chinese: fmt.Sprintf(chinese, len(m.Moved))}}, m.Issues...)
	outcome, err := json.Marshal(issue.OutcomeOf(told))
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"input","resource":%s},{"name":"outcome","resource":%s},{"name":"result","resource":%s}]}`,
		body, outcome, m.Result))
}

// mergeQuery reads the Parameters of the operation, and the reason, which is
// ours.
func mergeQuery(body []byte) (q record.MergeQuery, err error) {
	root, err := nodeOf(body)
	if err != nil {
		return q, err
	}
	if root.Field("resourceType").Str() != "Parameters" {
		return q, badMerge("resourceType", "the body is Parameters")
	}
	seen := map[string]bool{}
	for p := range root.Field("parameter").Items() {
		name := p.Field("name").Str()
		if many := strings.HasSuffix(name, "-identifier"); seen[name] && !many {
			return q, badMerge(name, "it comes once")
		}
		seen[name] = true
		if err := mergeParameter(&q, name, p); err != nil {
			return q, err
		}
	}
	return q, nil
}

func mergeParameter(q *record.MergeQuery, name string, p tree.Node) error {
	switch name {
	case "source-patient", "target-patient":
		ref := p.Path("valueReference", "reference").Str()
		if ref == "" {
			return badMerge(name, "it takes a valueReference with a literal reference")
		}
		if name == "source-patient" {
			q.Source.Reference = ref
		} else {
			q.Target.Reference = ref
		}
	case "source-patient-identifier", "target-patient-identifier":
		id := p.Field("valueIdentifier")
		if id.Field("value").Str() == "" {
			return badMerge(name, "it takes a valueIdentifier with a value")
		}
		text := searchable(id.Field("value").Str())
		if system := id.Field("system").Str(); system != "" {
			text = searchable(system) + "|" + text
		}
		if name == "source-patient-identifier" {
			q.Source.Identifiers = append(q.Source.Identifiers, text)
		} else {
			q.Target.Identifiers = append(q.Target.Identifiers, text)
		}
	case "result-patient":
		if q.Result = p.Field("resource").Raw(); len(q.Result) == 0 {
			return badMerge(name, "it takes a resource")
		}
	case "preview":
		value := p.Field("valueBoolean").Text()
		if value != "true" && value != "false" {
			return badMerge(name, "it takes a valueBoolean")
		}
		q.Preview = value == "true"
	case "reason":
		q.Reason = p.Field("valueString").Str()
	default:
		return badMerge(name, "the operation has no such parameter")
	}
	return nil
}

// searchable is a value with the escapes of a search.
func searchable(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(s)
}

func badMerge(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of $merge cannot be honoured: %s.", clip(name), why).
		WithStatus(400).At("Parameters.parameter").Rule("merge-input").Chinese("$merge 的参数无效。")
}
