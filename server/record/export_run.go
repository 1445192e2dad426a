package record

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
)

// exportCursor is from where an export goes on.
type exportCursor struct {
	At      time.Time `json:"at"`   // transactionTime
	Type    int       `json:"type"` // index in the request
	Row     int64     `json:"row"`
	Deleted bool      `json:"deleted,omitempty"` // the deletions are on
	Count   int64     `json:"count"`
}

// exporting is one run of one job.
type exporting struct {
	*Exporter
	ctx context.Context
	job *dispatch.Held
	q   ExportRequest
	at  exportCursor
}

// Run implements dispatch.Runner.
//
//	floor, members ─→ types, each in files ─→ deletions ─→ done
//
// After each file the cursor is saved with it, so that a server that dies costs
// the work on one file.
func (x *Exporter) Run(ctx context.Context, h *dispatch.Held) ([]byte, error) {
	e := &exporting{Exporter: x, ctx: ctx, job: h}
	if err := json.Unmarshal(h.Request, &e.q); err != nil {
		return nil, &dispatch.Permanent{Err: err}
	}
	if err := h.Load(&e.at); err != nil {
		return nil, &dispatch.Permanent{Err: err}
	}
	if e.at.At.IsZero() {
		if err := e.begin(); err != nil {
			return nil, err
		}
	}
	for ; !e.at.Deleted; e.at.Type, e.at.Row = e.at.Type+1, 0 {
		if e.at.Type == len(e.q.Types) {
			e.at.Deleted, e.at.Type, e.at.Row = !e.q.Since.IsZero(), 0, 0
			break
		}
		if err := e.ofType(e.q.Types[e.at.Type]); err != nil {
			return nil, err
		}
	}
	if e.at.Deleted {
		if err := e.deletions(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(ExportResult{At: e.at.At, Request: e.q.URL, Since: !e.q.Since.IsZero()})
}

// who is the owner as he is now.
func (e *exporting) who() (*access.Context, error) {
	who, err := e.Acting(e.ctx, AuthorityOf(e.job.Job))
	if err != nil {
		return nil, err
	}
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	as := *who
	as.RequestID = "job-" + e.job.ID
	return &as, nil
}

// begin fixes the time, and finds the patients that are asked for.
func (e *exporting) begin() error {
	who, err := e.who()
	if err != nil {
		return err
	}
	at, err := e.Store.RaiseFloor(e.ctx, e.Recorder.now())
	if err != nil {
		return err
	}
	step := dispatch.Step{Progress: "started"}
	if e.membered() {
		var missing []string
		if step.Members, missing, err = e.members(who); err != nil {
			return err
		}
		if len(missing) > 0 {
			f, err := e.missing(missing)
			if err != nil {
				return err
			}
			step.Files = []dispatch.File{f}
		}
	}
	rows := []Audit{e.Recorder.audit(who, "E", "export", "export-"+e.q.Level, 200)}
	if err := e.Recorder.o.Store.Audit(e.ctx, rows); err != nil {
		return err
	}
	e.at.At = at
	return e.job.Save(e.ctx, e.at, step)
}

func (e *exporting) membered() bool { return e.q.Level == "group" || len(e.q.Patients) > 0 }

// members are the patients of the group, or those that were named; missing are
// named ones that are not there, or not in the group.
func (e *exporting) members(who *access.Context) (members, missing []string, err error) {
	found := map[string]bool{}
	if e.q.Level == "group" {
		if err := e.ofGroup(who, e.q.Group, found, map[string]bool{}); err != nil {
			return nil, nil, err
		}
	}
	for _, p := range e.q.Patients {
		_, id, _ := cutRef(p)
		v, err := e.Recorder.current(e.ctx, e.Recorder.inPart(who.Reach(), "Patient"), "Patient", id)
		if err != nil {
			return nil, nil, err
		}
		if v == nil || v.Deleted || e.q.Level == "group" && !found[p] {
			missing = append(missing, p)
			continue
		}
		members = append(members, p)
	}
	if len(e.q.Patients) == 0 {
		members = slices.Sorted(maps.Keys(found))
	}
	return members, missing, nil
}

// mostGroups bounds the groups that one export reads.
const mostGroups = 1000

// ofGroup adds the patients of a group that the caller reaches, and of the groups
// in it. https://hl7.org/fhir/R4/group-definitions.html#Group.member
func (e *exporting) ofGroup(who *access.Context, id string, found, read map[string]bool) error {
	if read[id] || len(read) >= mostGroups {
		return nil
	}
	read[id] = true
	v, err := e.Recorder.current(e.ctx, who.Reach(), "Group", id)
	if err != nil || (v == nil || v.Deleted) && len(read) > 1 {
		return err
	}
	if v == nil || v.Deleted {
		return absent("Group", id)
	}
	root, err := parsed(v.Body)
	if err != nil {
		return err
	}
	for m := range root.Field("member").Items() {
		if m.Field("inactive").Bool() || ended(m, e.Recorder.now()) {
			continue
		}
		typ, member, ok := e.Recorder.local(m.Path("entity", "reference").Str())
		switch {
		case !ok:
		case typ == "Patient":
			found["Patient/"+member] = true
		case typ == "Group":
			if err := e.ofGroup(who, member, found, read); err != nil {
				return err
			}
		}
	}
	return nil
}

// ended tells a membership that is over.
func ended(member tree.Node, now time.Time) bool {
	end, err := time.Parse(time.RFC3339, member.Path("period", "end").Str())
	return err == nil && end.Before(now)
}

// missing is the file of outcomes about patients that cannot be exported.
func (e *exporting) missing(patients []string) (dispatch.File, error) {
	f := e.newFile("error", "OperationOutcome")
	for _, p := range patients {
		text, err := json.Marshal(issue.OutcomeOf([]issue.Issue{{Severity: issue.Error, Type: issue.NotFound, Rule: "export-patient",
			Text: "There is no " + clipped(p) + " to export.", Chinese: "没有可导出的该患者。"}}))
		if err == nil {
			err = f.line(text)
		}
		if err != nil {
			f.drop()
			return dispatch.File{}, err
		}
	}
	return f.close(e.ctx)
}

// ofType writes the files of one type.
func (e *exporting) ofType(typ string) error {
	f := e.newFile("output", typ)
	defer func() { f.drop() }()
	begun := e.Recorder.o.Clock()
	for {
		page, err := e.page(typ)
		if err != nil {
			return err
		}
		for i := range page.Versions {
			if err := e.write(f, &page.Versions[i]); err != nil {
				return err
			}
		}
		e.at.Row = page.Next
		e.at.Count += int64(len(page.Versions))
		last := !page.More
		if !last && f.bytes < e.fileBytes() && e.Recorder.o.Clock().Sub(begun) < longestFile {
			continue
		}
		if last { // so that a server that goes on from here goes on with the next type
			e.at.Type, e.at.Row = e.at.Type+1, 0
		}
		if err := e.keep(f, fmt.Sprintf("%s: %d resources in all", typ, e.at.Count)); err != nil {
			return err
		}
		if last {
			e.at.Type--
			return nil
		}
		f, begun = e.newFile("output", typ), e.Recorder.o.Clock()
	}
}

// longestFile is how long the work on one file may be, which is what is lost when
// a server dies.
const longestFile = time.Minute

func (e *exporting) fileBytes() int64 { return orElse(e.FileBytes, 64<<20) }

func orElse[T int | int64](n, otherwise T) T {
	if n <= 0 {
		return otherwise
	}
	return n
}

func (e *exporting) query(typ string, who *access.Context) ExportQuery {
	q := ExportQuery{Type: typ, Reach: who.Reach(), Since: e.q.Since, Until: e.at.At, After: e.at.Row,
		Count: orElse(e.PageCount, 500), Bytes: orElse(e.PageBytes, 8<<20)}
	if e.q.Level != "system" {
		inside := e.Recorder.o.Model.Compartment("Patient")
		_, in := inside[typ]
		q.Referred = !in && slices.Contains(referred, typ)
		q.Patients = !q.Referred
		q.Keys = e.Recorder.patientKeys(typ)
	}
	if e.membered() {
		q.Members = e.job.ID
	}
	return q
}

// page reads what comes next, as the owner may read it now.
func (e *exporting) page(typ string) (*ExportPage, error) {
	who, err := e.who()
	if err != nil {
		return nil, err
	}
	q := e.query(typ, who)
	if q.Where, err = e.Recorder.exportFilter(who, typ, e.q.Filters[typ]); err != nil {
		return nil, err
	}
	if len(q.Where) == 0 && (e.q.Level == "system" || typ == "Patient") { // else it would tell by whom it is about, or by a filter
		q.Reach = e.Recorder.inPart(q.Reach, typ)
	}
	return e.Store.Export(e.ctx, q)
}

func (e *exporting) write(f *exportFile, v *Version) error {
	body := v.Labelled()
	if elements := append(slices.Clone(e.q.Elements[""]), e.q.Elements[v.Type]...); len(elements) > 0 {
		var err error
		if body, err = e.Subset(body, elements); err != nil {
			return err
		}
	}
	if v.Patient != "" {
		f.patients[v.Patient] = true
	}
	return f.line(body)
}

// keep makes a file durable, audits whom it is about, and saves both with the
// cursor. An empty one is no file.
func (e *exporting) keep(f *exportFile, progress string) error {
	step := dispatch.Step{Progress: progress}
	if f.count > 0 {
		file, err := f.close(e.ctx)
		if err != nil {
			return err
		}
		step.Files = []dispatch.File{file}
		if step.Told, err = e.tell(f.patients); err != nil {
			return err
		}
	}
	return e.job.Save(e.ctx, e.at, step)
}

// tell audits the disclosure: one row for each patient and export, before the
// file can be read.
func (e *exporting) tell(patients map[string]bool) ([]string, error) {
	all := slices.Sorted(maps.Keys(patients))
	var told []string
	for part := range slices.Chunk(all, 1000) {
		fresh, err := e.Store.JobUntold(e.ctx, e.job.ID, part)
		if err != nil || len(fresh) == 0 {
			if err != nil {
				return nil, err
			}
			continue
		}
		who, err := e.who()
		if err != nil {
			return nil, err
		}
		rows := make([]Audit, len(fresh))
		for i, p := range fresh {
			rows[i] = e.Recorder.audit(who, "E", "export", "export-"+e.q.Level, 200)
			rows[i].Patient = p
		}
		if err := e.Recorder.o.Store.Audit(e.ctx, rows); err != nil {
			return nil, err
		}
		told = append(told, fresh...)
	}
	return told, nil
}

// deletedAtOnce is how many deletions one Bundle tells.
const deletedAtOnce = 500

// deletions writes what was deleted since the time that was asked for, as
// transactions that repeat it.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status
func (e *exporting) deletions() error {
	f := e.newFile("deleted", "Bundle")
	defer f.drop()
	for _, typ := range e.q.Types[e.at.Type:] {
		for row := int64(0); ; {
			who, err := e.who()
			if err != nil {
				return err
			}
			q := e.query(typ, who)
			q.After, q.Count = row, deletedAtOnce
			if q.Referred { // what was deleted refers to nobody: told to all who reached it
				q.Patients, q.Members = false, ""
			}
			ids, next, err := e.Store.ExportDeleted(e.ctx, q)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			row = next
			if err := f.line(deletedBundle(typ, ids)); err != nil {
				return err
			}
		}
	}
	e.at.Type = len(e.q.Types)
	return e.keep(f, "deletions")
}

func deletedBundle(typ string, ids []string) []byte {
	var b strings.Builder
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"request":{"method":"DELETE","url":"%s/%s"}}`, typ, id)
	}
	b.WriteString("]}")
	return []byte(b.String())
}
