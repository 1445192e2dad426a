package record

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// WorklistQuery asks for the open stages that a person may move now, those that
// are due first in front.
type WorklistQuery struct {
	Roles  []string  // codes of urn:tenon:role whose stages are wanted; none: those of the caller
	Stages []string  // codes of urn:tenon:stage; none: all
	Owner  string    // "PractitionerRole/x": those that he has taken; "": all
	Until  time.Time // due up to then; zero: whenever
	After  string    // Next of the page before
	Count  int
}

// Worklist is one page of it.
type Worklist struct {
	Items []casework.Work
	Next  string // "" on the last page
}

// OpenTasks is the question to the store: Tasks of the parameters open-due,
// open-as and open-case in cases that are open to the principal.
type OpenTasks struct {
	Principal     string
	Roles, Stages []string
	Owner         string
	Until         time.Time
	After         OpenPlace
	Count         int
}

// OpenPlace is a place in the order of a worklist: by due date, then by the age
// of the Task. The zero value is the beginning.
type OpenPlace struct {
	Due  time.Time
	Task string // id
}

// OpenPage is the answer: the Tasks in order, and of their cases all Tasks and
// the signatures.
type OpenPage struct {
	Tasks []OpenTask
	More  bool
	Cases map[string]*CaseData
}

// OpenTask names one of them.
type OpenTask struct {
	OpenPlace
	Case string // id of the root Task
}

// Worklists is the Store's part.
type Worklists interface {
	OpenTasks(ctx context.Context, q *OpenTasks) (*OpenPage, error)
}

// openParameters are the search parameters that a worklist is read from.
var openParameters = []string{"open-due", "open-as", "open-case"}

// Worklist lists open stages. Failures: worklist-person (403) for a caller who is
// no person, worklist-place (400), search-building (503).
func (r *Recorder) Worklist(ctx context.Context, who *access.Context, q WorklistQuery) (*Worklist, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	if err := who.PermitAll(access.Search); err != nil {
		return nil, err
	}
	if who.Kind != access.Person {
		return nil, issue.Errorf(issue.Forbidden, "A worklist is that of a person with a role; %s is none.", who.Principal).
			Rule("worklist-person").Clause("R001-035").Chinese("工作列表仅面向具有角色的人员。")
	}
	if err := r.indexed("Task", openParameters...); err != nil {
		return nil, err
	}
	after, err := openPlace(q.After)
	if err != nil {
		return nil, err
	}
	page, err := r.o.Store.OpenTasks(ctx, &OpenTasks{Principal: who.Principal, Roles: r.roles(who, q.Roles), Stages: q.Stages,
		Owner: q.Owner, Until: q.Until, After: after, Count: q.Count})
	if err != nil {
		return nil, fmt.Errorf("record: worklist: %w", err)
	}
	w, err := r.worklist(ctx, who, page)
	if err != nil {
		return nil, err
	}
	return w, r.auditWorklist(ctx, who, w)
}

// indexed refuses what needs rows of search parameters that are being made.
func (r *Recorder) indexed(typ string, codes ...string) error {
	there := r.revision().Search.Parameters(typ)
	for _, code := range codes {
		if !slices.ContainsFunc(there, func(p *search.Parameter) bool { return p.Code == code && p.Served }) {
			return issue.Errorf(issue.Transient, "The rows of the search parameter %s.%s are not there yet; try again.", typ, code).
				Rule("search-building").WithStatus(503).Chinese("索引正在建立，请稍后再试。")
		}
	}
	return nil
}

// roles are those whose stages are asked for: wanted ones, or all whose stages
// the caller may move. Which of these he may is judged for each stage.
func (r *Recorder) roles(who *access.Context, wanted []string) []string {
	if len(wanted) > 0 {
		return wanted
	}
	return r.o.Engine.Movers(who.Roles)
}

// worklist judges what the store found.
func (r *Recorder) worklist(ctx context.Context, who *access.Context, page *OpenPage) (*Worklist, error) {
	now := r.now()
	snapshots, plans := map[string]*casework.Snapshot{}, map[string][]casework.Resource{}
	w := &Worklist{}
	for _, t := range page.Tasks {
		s := snapshots[t.Case]
		if s == nil {
			data := page.Cases[t.Case]
			if data == nil {
				continue
			}
			var err error
			if s, err = r.snapshotOf(data); err != nil {
				return nil, err
			}
			if err := r.withPlan(ctx, s, plans); err != nil {
				return nil, err
			}
			s.Now = now
			snapshots[t.Case] = s
		}
		work, ok := r.o.Engine.Work(s, "Task/"+t.Task, who)
		if !ok {
			continue
		}
		w.Items = append(w.Items, work)
	}
	if page.More {
		w.Next = page.Tasks[len(page.Tasks)-1].String()
	}
	return w, nil
}

// withPlan adds the plan that the case pins, where the engine does not have it in
// the binary. A plan is a definition: everybody reads it.
func (r *Recorder) withPlan(ctx context.Context, s *casework.Snapshot, plans map[string][]casework.Resource) error {
	root := memberOf(s, "Task", s.Case)
	if root == nil {
		return nil
	}
	canonical := root.Root.Field("instantiatesCanonical").Str()
	if r.o.Engine.Knows(canonical) {
		return nil
	}
	if _, known := plans[canonical]; !known {
		data, err := r.o.Store.Snapshot(ctx, s.Case)
		if err != nil {
			return err
		}
		only := slices.DeleteFunc(data.Directory, func(v Version) bool { return v.Type != "PlanDefinition" })
		if plans[canonical], err = r.resources(only); err != nil {
			return err
		}
	}
	s.Directory = append(s.Directory, plans[canonical]...)
	return nil
}

// auditWorklist is one row for the question and one for every patient disclosed.
func (r *Recorder) auditWorklist(ctx context.Context, who *access.Context, w *Worklist) error {
	rows := []Audit{r.audit(who, "E", "worklist", "Task", 200)}
	seen := map[string]bool{"": true}
	for i := range w.Items {
		if patient := w.Items[i].Patient; !seen[patient] {
			seen[patient] = true
			row := rows[0]
			row.Patient = patient
			rows = append(rows, row)
		}
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	return nil
}

// String is the place for the link to the next page.
func (p OpenPlace) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Due.UnixMicro(), 10) + "." + p.Task))
}

func openPlace(text string) (p OpenPlace, err error) {
	if text == "" {
		return p, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	due, task, ok := strings.Cut(string(plain), ".")
	us, numberErr := strconv.ParseInt(due, 10, 64)
	if err != nil || numberErr != nil || !ok || task == "" || len(task) > 64 || slices.ContainsFunc([]byte(task), func(c byte) bool { return c < '-' || c > 'z' }) {
		return p, issue.Errorf(issue.Value, "The place %q is none of a worklist; begin again without _cursor.", clipped(text)).
			At("_cursor").Rule("worklist-place").WithStatus(400).Chinese("分页位置无效，请从第一页重新开始。")
	}
	return OpenPlace{time.UnixMicro(us).UTC(), task}, nil
}
