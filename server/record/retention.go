package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// RetentionQuery asks which cases fall due until a day.
type RetentionQuery struct {
	Until time.Time // zero: now
	All   bool      // tell of those too that are kept
	After string    // cursor: id of the last case of the page before
	Count int       // at most 200; 0: 100
}

// retentionScan is how many cases one call looks at.
const retentionScan = 200

// Retention lists the cases of the caller's organisation (an operator's: all), with
// the rule that keeps each of them: Task/$retention. Nothing is erased by it. Parameters out, for each case:
//
//	task      Reference  the root Task
//	rule      code       permanent or validity
//	until     dateTime   end of the retention; absent while nothing recorded says
//	basis     Reference  what is valid longest
//	closed    boolean
//	hold      boolean    under a legal hold
//	due       boolean    may go: closed, over, and not held
//
// and next, the cursor, where more were not looked at.
func (r *Recorder) Retention(ctx context.Context, who *access.Context, q RetentionQuery) ([]byte, error) {
	if err := r.entry(who, "Task"); err != nil {
		return nil, err
	}
	if err := who.PermitAll(access.Read); err != nil {
		return nil, err
	}
	if !mayExpunge(who) && !who.Has(access.DBA) {
		return nil, r.refuse(ctx, who, &Draft{Door: "fhir", Operation: "retention", Ops: []Op{{Method: "GET", Type: "Task"}}},
			issue.Errorf(issue.Forbidden, "%s may not ask what falls due: that is the data custodian's.", who.Principal).Rule("retention-role").Clause("R000-015").Chinese("仅数据管理员可查询到期资料。"))
	}
	if q.Until.IsZero() {
		q.Until = r.now()
	}
	if q.Count <= 0 || q.Count > retentionScan {
		q.Count = 100
	}
	roots, more, err := r.roots(ctx, who, q)
	if err != nil {
		return nil, err
	}
	parameters := []any{}
	for _, id := range roots {
		entry, due, err := r.keptCase(ctx, who, id, q.Until)
		if err != nil {
			return nil, err
		}
		if due || q.All {
			parameters = append(parameters, map[string]any{"name": "case", "part": entry})
		}
	}
	if more {
		parameters = append(parameters, map[string]any{"name": "next", "valueString": roots[len(roots)-1]})
	}
	body, err := json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": parameters})
	if err != nil {
		return nil, err
	}
	return body, r.o.Store.Audit(ctx, []Audit{r.audit(who, "E", "retention", "Task", 200)})
}

// roots are the next root Tasks of the caller's organisation in the order of their
// ids. Who keeps the record is told of it without being in the case, and is told
// no more than what this operation tells.
func (r *Recorder) roots(ctx context.Context, who *access.Context, q RetentionQuery) (ids []string, more bool, err error) {
	params := []search.Param{{Name: "part-of:missing", Value: "true"}, {Name: "_sort", Value: "_id"}}
	server := &access.Context{Tenant: who.Tenant, Kind: access.Server, Principal: "server"}
	plan, _, err := r.parse(server, "Task", params, true)
	if err != nil {
		return nil, false, err
	}
	for plan.Count = retentionScan; ; {
		page, err := r.o.Store.Search(ctx, plan)
		if err != nil {
			return nil, false, err
		}
		for i := range page.Hits {
			root, err := parsed(page.Hits[i].Body)
			if err != nil {
				return nil, false, err
			}
			if who.Kind == access.Person && root.Path("owner", "reference").Str() != who.Organization {
				continue // another's record
			}
			if page.Hits[i].ID <= q.After || root.Field("instantiatesCanonical").Str() == "" {
				continue
			}
			if len(ids) == q.Count {
				return ids, true, nil
			}
			ids = append(ids, page.Hits[i].ID)
		}
		if page.Next == nil {
			return ids, false, nil
		}
		plan.After = page.Next
	}
}

func (r *Recorder) keptCase(ctx context.Context, who *access.Context, id string, until time.Time) (parts []any, due bool, err error) {
	data, err := r.o.Store.Snapshot(ctx, id)
	if err != nil {
		return nil, false, err
	}
	s, err := r.snapshotOf(data)
	if err != nil {
		return nil, false, err
	}
	kept, err := r.retentionOf(ctx, s)
	if err != nil {
		return nil, false, err
	}
	held, _, err := r.heldCase(ctx, who, s)
	if err != nil {
		return nil, false, err
	}
	due = kept.Due(until) && !held
	rule := "validity"
	if kept.Permanent {
		rule = "permanent"
	}
	parts = []any{
		map[string]any{"name": "task", "valueReference": map[string]any{"reference": "Task/" + id}},
		map[string]any{"name": "rule", "valueCode": rule},
	}
	if !kept.Until.IsZero() {
		parts = append(parts, map[string]any{"name": "until", "valueDateTime": kept.Until.UTC().Format(time.RFC3339)},
			map[string]any{"name": "basis", "valueReference": map[string]any{"reference": kept.Basis}})
	}
	return append(parts, map[string]any{"name": "closed", "valueBoolean": kept.Closed}, map[string]any{"name": "hold", "valueBoolean": held},
		map[string]any{"name": "due", "valueBoolean": due}), due, nil
}

// heldCase tells whether a member, or the patient, is under a legal hold, and what
// was read to say so.
func (r *Recorder) heldCase(ctx context.Context, who *access.Context, s *casework.Snapshot) (held bool, read ReadSet, err error) {
	for i := range s.Resources {
		m := &s.Resources[i]
		if marked(m.Root) {
			return true, read, nil
		}
		if m.Type == "Patient" {
			held, of, err := r.flagged(ctx, who, m.Ref())
			if held || err != nil {
				return held, read, err
			}
			read.add(of)
		}
	}
	return false, read, nil
}

// keptWords say why a resource of a case is kept.
func keptWords(kept casework.Retention) (english, chinese string) {
	switch {
	case kept.Permanent:
		return ", which is kept for good", "，永久保存"
	case !kept.Closed:
		return ", which is not closed", "，病例尚未结束"
	case kept.Until.IsZero():
		return ", whose validity nobody recorded", "，有效期未记录"
	default:
		return ", which is kept until " + kept.Until.Format(time.DateOnly), fmt.Sprintf("，保存至 %s", kept.Until.Format(time.DateOnly))
	}
}

// marked tells whether a resource bears a legal hold itself.
func marked(root tree.Node) bool {
	for _, name := range []string{"tag", "security"} {
		for c := range root.Path("meta", name).Items() {
			if c.Field("system").Str() == holdSystem && c.Field("code").Str() == holdCode {
				return true
			}
		}
	}
	return false
}

// holdLock is the name under which an erasure and the Flags that would forbid it
// wait for each other.
func holdLock(patient string) string { return "hold " + patient }

// flagged tells whether an active Flag holds what is about a patient, whoever may
// see it, and what it read: every Flag of the patient, so that one that is written
// meanwhile is seen before the commit.
func (r *Recorder) flagged(ctx context.Context, who *access.Context, patient string) (held bool, read ReadSet, err error) {
	server := &access.Context{Tenant: who.Tenant, Kind: access.Server, Principal: "server"}
	plan, _, err := r.parse(server, "Flag", []search.Param{{Name: "patient", Value: patient}, {Name: "_sort", Value: "-_lastUpdated"}}, true)
	if err != nil {
		return false, read, err
	}
	plan.Count = 100
	match := MatchRead{Plan: plan, Lock: holdLock(patient)}
	for more := *plan; ; {
		page, err := r.o.Store.Search(ctx, &more)
		if err != nil {
			return false, read, err
		}
		for i := range page.Hits {
			h := &page.Hits[i]
			flag, err := parsed(h.Body)
			if err != nil {
				return false, read, err
			}
			if flag.Field("status").Str() == "active" && coded(flag.Field("code"), holdSystem, holdCode) {
				return true, read, nil
			}
			read.Versions = append(read.Versions, VersionRead{Type: h.Type, ID: h.ID, Version: h.Version})
			if more.After == nil { // one that is new or changed comes first
				match.Found = append(match.Found, h.ID)
			}
		}
		if page.Next == nil {
			read.Matches = append(read.Matches, match)
			return false, read, nil
		}
		more.After = page.Next
	}
}

// add joins what two parts of a unit rely on, each once.
func (r *ReadSet) add(other ReadSet) {
	for _, v := range other.Versions {
		if !slices.Contains(r.Versions, v) {
			r.Versions = append(r.Versions, v)
		}
	}
	for _, m := range other.Matches {
		if !r.locks(m.Lock) {
			r.Matches = append(r.Matches, m)
		}
	}
}

func (r *ReadSet) locks(name string) bool {
	return slices.ContainsFunc(r.Matches, func(m MatchRead) bool { return m.Lock == name })
}

// holding makes a Flag of a legal hold wait for an erasure that is about the same
// patient, and the erasure for the Flag: whichever comes first is seen by the other.
func (p *preparation) holding(w *write) {
	for _, v := range []*Version{w.before, w.version} {
		if v == nil || v.Patient == "" || v.Deleted {
			continue
		}
		if root, err := parsed(v.Body); err != nil || !coded(root.Field("code"), holdSystem, holdCode) {
			continue
		}
		p.unit.Reads.add(ReadSet{Matches: []MatchRead{{Lock: holdLock(v.Patient)}}})
	}
}
