package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// Worklists is the recorder's part of $worklist.
type Worklists interface {
	Worklist(ctx context.Context, who *access.Context, q record.WorklistQuery) (*record.Worklist, error)
}

func (d *Door) worklistRoutes() []route {
	return []route{{"GET", "/Task/$worklist", d.worklist, false}}
}

// Items of a page: the default, and the most that a client may ask for.
const (
	worklistCount = 20
	mostWorklist  = 100
)

// worklist is Task/$worklist: the open stages that the caller may move now, in
// the order of their due dates. Its parameters:
//
//	role     code, 0..*       stages of these roles (urn:tenon:role); else all that the caller may move
//	stage    code, 0..*       S06, …
//	owner    reference, 0..1  those that a person has taken: PractitionerRole/x, or "me"
//	due      date, 0..1       due up to then (a day counts whole)
//	_count   1 to 100, default 20
//	_cursor  of the link to the next page
//
// The answer is Parameters with one "item" for each stage and, where there is
// another page, "next" with its address.
func (d *Door) worklist(c *call) error {
	params, err := c.searchInput()
	if err != nil {
		return err
	}
	q, err := worklistQuery(params, c.who)
	if err != nil {
		return err
	}
	w, err := d.o.Record.Worklist(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	out := struct {
		ResourceType string            `json:"resourceType"`
		Parameter    []json.RawMessage `json:"parameter,omitempty"`
	}{ResourceType: "Parameters"}
	for i := range w.Items {
		out.Parameter = append(out.Parameter, w.Items[i].Parameter())
	}
	if w.Next != "" {
		more := slices.DeleteFunc(slices.Clone(params), func(p search.Param) bool { return p.Name == "_cursor" })
		next, err := json.Marshal(map[string]string{"name": "next", "valueUri": query(c.base+"/Task/$worklist", append(more, search.Param{Name: "_cursor", Value: w.Next}))})
		if err != nil {
			return err
		}
		out.Parameter = append(out.Parameter, next)
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

func worklistQuery(params []search.Param, who *access.Context) (q record.WorklistQuery, err error) {
	q.Count = worklistCount
	seen := map[string]bool{}
	for _, p := range params {
		bad := func(what, chinese string) (record.WorklistQuery, error) {
			return q, issue.Errorf(issue.Value, "The value %q of %s is none: %s.", clip(p.Value), clip(p.Name), what).
				WithStatus(400).At(clip(p.Name)).Rule("worklist-parameter").Chinese("参数 " + clip(p.Name) + " 的值无效：" + chinese + "。")
		}
		if seen[p.Name] && p.Name != "role" && p.Name != "stage" || strings.TrimSpace(p.Value) == "" {
			return bad("it is given once, with a value", "只可给出一次且不可为空")
		}
		seen[p.Name] = true
		switch p.Name {
		case "role":
			q.Roles = append(q.Roles, codesIn(p.Value)...)
		case "stage":
			q.Stages = append(q.Stages, codesIn(p.Value)...)
		case "owner":
			if q.Owner = p.Value; p.Value == "me" {
				q.Owner = who.Principal
			}
			if typ, id, ok := strings.Cut(q.Owner, "/"); !ok || typ != "PractitionerRole" || id == "" || strings.Contains(id, "/") {
				return bad("it is PractitionerRole/id or me", "应为 PractitionerRole/id 或 me")
			}
		case "due":
			until, ok := dueUntil(p.Value)
			if !ok {
				return bad("it is a date or an instant", "应为日期或时刻")
			}
			q.Until = until
		case "_count":
			n, err := strconv.Atoi(p.Value)
			if err != nil || n < 1 || n > mostWorklist {
				return bad("it is a number from 1 to 100", "应为 1 至 100 的整数")
			}
			q.Count = n
		case "_cursor":
			q.After = p.Value
		default:
			return q, issue.Errorf(issue.NotSupported, "$worklist has no parameter %q; it takes role, stage, owner, due, _count and _cursor.", clip(p.Name)).
				WithStatus(400).At(clip(p.Name)).Rule("worklist-parameter").Chinese("$worklist 没有该参数。")
		}
	}
	return q, nil
}

// codesIn reads codes between commas, with or without their system.
func codesIn(value string) (codes []string) {
	for code := range strings.SplitSeq(value, ",") {
		codes = append(codes, code[strings.LastIndexByte(code, '|')+1:])
	}
	return codes
}

// dueUntil is the end of a day, or an instant.
func dueUntil(text string) (time.Time, bool) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Microsecond), true
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}
