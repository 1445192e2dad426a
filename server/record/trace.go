package record

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// TraceQuery asks for what belongs to one thing, both ways.
type TraceQuery struct {
	By    string // one of TraceKinds
	Value string
	After string // Next of the page before
	Count int    // nodes of a page
}

// lookup is a search that finds where a trace begins.
type lookup struct {
	typ    string
	params func(value string) []search.Param
}

func by(typ, code string) lookup {
	return lookup{typ, func(v string) []search.Param { return []search.Param{{Name: code, Value: escapedToken.Replace(v)}} }}
}

// byID takes an id or a reference to the type.
func byID(typ string) lookup {
	return lookup{typ, func(v string) []search.Param {
		return []search.Param{{Name: "_id", Value: escapedToken.Replace(strings.TrimPrefix(v, typ+"/"))}}
	}}
}

var escapedToken = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`)

// traced names what a trace begins with, and the searches for it: any of them.
var traced = map[string][]lookup{
	"udi":      {by("Device", "udi-carrier"), by("Device", "distinct-identifier")},
	"lot":      {by("Device", "lot-number"), by("Substance", "container-identifier")},
	"order":    {byID("DeviceRequest"), by("DeviceRequest", "identifier")},
	"image":    {{"ImagingStudy", studyUID}, by("ImagingStudy", "series"), by("ImagingStudy", "instance")},
	"material": {byID("Substance"), by("Substance", "identifier"), by("Substance", "container-identifier")},
	"machine":  {byID("Device"), by("Device", "serial-number"), by("Device", "identifier")},
	"software": {byID("Device"), {"Device", software}},
	"model":    {{"DocumentReference", digestOf}},
}

// TraceKinds are what a trace can begin with.
var TraceKinds = []string{"udi", "lot", "order", "image", "material", "machine", "software", "model"}

// https://hl7.org/fhir/R4/imagingstudy.html#notes
func studyUID(v string) []search.Param {
	return []search.Param{{Name: "identifier", Value: "urn:dicom:uid|urn:oid:" + escapedToken.Replace(strings.TrimPrefix(v, "urn:oid:"))}}
}

// software is a name, or name|version.
func software(v string) []search.Param {
	name, version, versioned := strings.Cut(v, "|")
	params := []search.Param{{Name: "device-name:exact", Value: escapedToken.Replace(name)}}
	if versioned {
		params = append(params, search.Param{Name: "version", Value: escapedToken.Replace(version)})
	}
	return params
}

func digestOf(v string) []search.Param {
	return []search.Param{{Name: "content-digest", Value: escapedToken.Replace(strings.ToLower(v))}}
}

// mostStarts bounds what one value may name.
const mostStarts = 200

// starts finds, within the caller's reach, what a value names.
func (r *Recorder) starts(ctx context.Context, who *access.Context, kind, value string) (refs []string, err error) {
	for _, l := range traced[kind] {
		plan, _, err := r.parse(who, l.typ, l.params(value), true)
		if f := issue.As(err); f != nil && f.Issues[0].Rule != "search-building" {
			continue // the value has no form that this search takes, such as an id
		}
		if err != nil {
			return nil, err
		}
		plan.Count = mostStarts
		page, err := r.o.Store.Search(ctx, plan)
		if err != nil {
			return nil, err
		}
		for _, h := range page.Hits {
			if ref := h.Type + "/" + h.ID; !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs, nil
}

// Tracing is the question to the store: the members of the cases that hold one
// of the starts, in the order of case and creation, and the starts themselves
// where they are in no case. Reach is judged on starts, root Tasks and members.
type Tracing struct {
	Reach  access.Predicate
	Starts []string
	Types  []string // of the members; none: all
	After  TracePlace
	Count  int
}

// TracePlace is a place in that order; the zero value is the beginning.
type TracePlace struct{ Case, Ref string }

// TracePage is a page of members, with the signatures over them.
type TracePage struct {
	Nodes      []TraceNode
	Signatures []CaseSignature
	More       bool
}

// TraceNode is a current version as a member of a case ("" for none).
type TraceNode struct {
	Version
	Case string
}

// Tracer is the Store's part of $trace and $recall.
type Tracer interface {
	Trace(ctx context.Context, q *Tracing) (*TracePage, error)
	// Recalled loads whole cases: Count of them behind After.Case, their members
	// of the Types.
	Recalled(ctx context.Context, q *Tracing) (cases []*CaseData, more bool, err error)
	// Within tells which of these are in reach.
	Within(ctx context.Context, reach access.Predicate, refs []string) (map[string]bool, error)
}

// Trace is one page of the graph.
type Trace struct {
	Nodes      []TraceNode
	Edges      []TraceEdge
	Signatures []CaseSignature
	Next       string
}

// TraceEdge says that a version refers to another resource: in which element
// and, from Task.input and Task.output, as which document.
type TraceEdge struct {
	From, To string // From/_history/n; To as it is written
	Element  string // DeviceRequest.basedOn
	As       string // code of urn:tenon:document, or ""
}

// Trace answers $trace. Failures: trace-begin (400) for another kind,
// not-found (404) where the value names nothing in reach.
func (r *Recorder) Trace(ctx context.Context, who *access.Context, q TraceQuery) (*Trace, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	if err := who.PermitAll(access.Read); err != nil {
		return nil, err
	}
	refs, err := r.begun(ctx, who, "trace", q)
	if err != nil {
		return nil, err
	}
	after, err := tracePlace(q.After)
	if err != nil {
		return nil, err
	}
	page, err := r.o.Store.Trace(ctx, &Tracing{Reach: who.Reach(), Starts: refs, After: after, Count: q.Count})
	if err != nil {
		return nil, fmt.Errorf("record: trace: %w", err)
	}
	t := &Trace{Nodes: page.Nodes, Signatures: page.Signatures}
	if t.Edges, err = r.edges(ctx, who, page.Nodes); err != nil {
		return nil, err
	}
	if page.More {
		last := page.Nodes[len(page.Nodes)-1]
		t.Next = TracePlace{last.Case, last.Type + "/" + last.ID}.String()
	}
	patients := make([]string, len(t.Nodes))
	for i := range t.Nodes {
		patients[i] = t.Nodes[i].Patient
	}
	return t, r.auditPatients(ctx, who, "trace", "$trace?"+q.By, patients)
}

// begun finds where a trace or recall begins; what is out of reach is not there.
func (r *Recorder) begun(ctx context.Context, who *access.Context, operation string, q TraceQuery) ([]string, error) {
	if traced[q.By] == nil || strings.TrimSpace(q.Value) == "" {
		return nil, issue.Errorf(issue.Required, "$%s begins with one of %s, and its value.", operation, strings.Join(TraceKinds, ", ")).
			WithStatus(400).Rule("trace-begin").Chinese("请给出追溯起点及其取值。")
	}
	refs, err := r.starts(ctx, who, q.By, q.Value)
	if err != nil || len(refs) > 0 {
		return refs, err
	}
	row := r.audit(who, "E", operation, "$"+operation+"?"+q.By, 404)
	if err := r.o.Store.Audit(ctx, []Audit{row}); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return nil, issue.Errorf(issue.NotFound, "There is no %s %q.", q.By, clipped(q.Value)).Rule("not-found").Clause("R001-144").Chinese("未找到该起点，或不可见。")
}

// edges are the references of the nodes to what the caller reaches.
func (r *Recorder) edges(ctx context.Context, who *access.Context, nodes []TraceNode) ([]TraceEdge, error) {
	var all []TraceEdge
	seen := map[TraceEdge]bool{}
	in := map[string]bool{}
	for i := range nodes {
		in[nodes[i].Type+"/"+nodes[i].ID] = true
	}
	var others []string
	for i := range nodes {
		root, err := parsed(nodes[i].Body)
		if err != nil {
			return nil, err
		}
		from := fmt.Sprintf("%s/%s/_history/%d", nodes[i].Type, nodes[i].ID, nodes[i].Version.Version)
		r.walk(root, nodes[i].Type, "", func(element, as, target string) {
			typ, id, ok := r.local(target)
			edge := TraceEdge{From: from, To: target, Element: element, As: as}
			if !ok || seen[edge] {
				return
			}
			seen[edge] = true
			if ref := typ + "/" + id; !in[ref] && !slices.Contains(others, ref) {
				others = append(others, ref)
			}
			all = append(all, edge)
		})
	}
	reached, err := r.o.Store.Within(ctx, who.Reach(), others)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e TraceEdge) bool {
		typ, id, _ := r.local(e.To)
		return !in[typ+"/"+id] && !reached[typ+"/"+id]
	}), nil
}

// walk calls f for every reference, and for the address of every attachment.
func (r *Recorder) walk(n tree.Node, element, as string, f func(element, as, target string)) {
	if n.Kind() == tree.Array {
		for item := range n.Items() {
			r.walk(item, element, as, f)
		}
		return
	}
	for name, child := range n.Fields() {
		below := element + "." + name
		switch {
		case name == "reference" && child.Kind() == tree.String:
			f(element, as, child.Str())
		case name == "url" && strings.HasPrefix(child.Str(), "Binary/"):
			f(element, as, child.Str())
		case child.Kind() == tree.Object || child.Kind() == tree.Array:
			if element == "Task" && (name == "input" || name == "output") {
				for item := range child.Items() {
					r.walk(item, below, documentOf(item), f)
				}
				continue
			}
			r.walk(child, below, as, f)
		}
	}
}

// documentOf is the code of urn:tenon:document of a Task's input or output.
func documentOf(item tree.Node) string {
	for coding := range item.Path("type").Field("coding").Items() {
		if coding.Field("system").Str() == "urn:tenon:document" {
			return coding.Field("code").Str()
		}
	}
	return ""
}

// auditPatients is one row for a question and one for every patient disclosed.
func (r *Recorder) auditPatients(ctx context.Context, who *access.Context, operation, entity string, patients []string) error {
	rows := []Audit{r.audit(who, "E", operation, entity, 200)}
	seen := map[string]bool{"": true}
	for _, p := range patients {
		if !seen[p] {
			seen[p] = true
			row := rows[0]
			row.Patient = p
			rows = append(rows, row)
		}
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	return nil
}

// String is the place for the link to the next page.
func (p TracePlace) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.Case + " " + p.Ref))
}

func tracePlace(text string) (p TracePlace, err error) {
	if text == "" {
		return p, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	var ok bool
	p.Case, p.Ref, ok = strings.Cut(string(plain), " ")
	if _, _, local := cutRef(p.Ref); err != nil || !ok || len(plain) > 256 || !local && p.Ref != "" || strings.ContainsFunc(string(plain), func(c rune) bool { return c < ' ' || c > 'z' }) {
		return p, issue.Errorf(issue.Value, "The place %q is none; begin again without _cursor.", clipped(text)).
			At("_cursor").Rule("trace-place").WithStatus(400).Chinese("分页位置无效，请从第一页重新开始。")
	}
	return p, nil
}

// Digest of a node, in hexadecimal.
func (n *TraceNode) SHA256() string { return hex.EncodeToString(n.Digest[:]) }

// Recall is a page of the answer to $recall, by case.
type Recall struct {
	Cases []RecallCase
	Next  string
}

// RecallCase is what a recall says of one case: its devices, or none yet.
type RecallCase struct {
	Case, Number, Patient string
	State                 string // casework.Whereabouts
	Devices               []RecallDevice
}

// RecallDevice is a device made for the patient.
type RecallDevice struct{ Ref, Status, Lot, Serial, Carrier string }

// recallKinds are what a recall begins with, recallTypes what it looks at.
var (
	recallKinds = []string{"material", "machine", "software", "lot"}
	recallTypes = []string{"Task", "Device", "Procedure", "DeviceUseStatement"}
)

// recallers are the roles that may ask: quality and signatories of either side,
// custodians, the regulator, administrators. Each sees what is in reach.
var recallers = []access.Role{access.QA, access.MFR, access.HOSP, access.DBA, access.REG, access.ADMIN}

// Recall answers $recall. Failures: recall-role (403), and those of Trace.
func (r *Recorder) Recall(ctx context.Context, who *access.Context, q TraceQuery) (*Recall, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	if err := who.PermitAll(access.Read); err != nil {
		return nil, err
	}
	if who.Kind != access.Operator && !(who.Kind == access.Person && slices.ContainsFunc(recallers, who.Has)) {
		return nil, issue.Errorf(issue.Forbidden, "%s may not ask for a recall: it takes one of the roles %v.", who.Principal, recallers).
			Rule("recall-role").Clause("R001-144").Chinese("当前角色无权发起召回查询。")
	}
	if !slices.Contains(recallKinds, q.By) {
		return nil, issue.Errorf(issue.Required, "$recall begins with one of %s, and its value.", strings.Join(recallKinds, ", ")).
			WithStatus(400).Rule("trace-begin").Chinese("请给出召回依据：材料、设备、软件或批号。")
	}
	refs, err := r.begun(ctx, who, "recall", q)
	if err != nil {
		return nil, err
	}
	after, err := tracePlace(q.After)
	if err != nil {
		return nil, err
	}
	cases, more, err := r.o.Store.Recalled(ctx, &Tracing{Reach: who.Reach(), Starts: refs, Types: recallTypes, After: after, Count: q.Count})
	if err != nil {
		return nil, fmt.Errorf("record: recall: %w", err)
	}
	out := &Recall{}
	var patients []string
	for _, data := range cases {
		c, err := r.recalled(data)
		if err != nil {
			return nil, err
		}
		out.Cases, patients = append(out.Cases, c), append(patients, c.Patient)
	}
	if more {
		out.Next = TracePlace{Case: cases[len(cases)-1].Case}.String()
	}
	return out, r.auditPatients(ctx, who, "recall", "$recall?"+q.By, patients)
}

func (r *Recorder) recalled(data *CaseData) (c RecallCase, err error) {
	s, err := r.snapshotOf(data)
	if err != nil {
		return c, err
	}
	c = RecallCase{Case: "Task/" + data.Case, State: casework.Whereabouts(s)}
	for i := range s.Resources {
		m := &s.Resources[i]
		switch {
		case m.Type == "Task" && m.ID == data.Case:
			c.Number, c.Patient = m.Root.Path("groupIdentifier", "value").Str(), m.Root.Path("for", "reference").Str()
		case m.Type == "Device" && m.Root.Field("patient").Exists():
			c.Devices = append(c.Devices, RecallDevice{Ref: m.Ref(), Status: m.Root.Field("status").Str(), Lot: m.Root.Field("lotNumber").Str(),
				Serial: m.Root.Field("serialNumber").Str(), Carrier: m.Root.Path("udiCarrier", "carrierHRF").Str()})
		}
	}
	return c, nil
}
