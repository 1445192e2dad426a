package rest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// Tracer is the recorder's part of $trace and $recall.
type Tracer interface {
	Trace(ctx context.Context, who *access.Context, q record.TraceQuery) (*record.Trace, error)
	Recall(ctx context.Context, who *access.Context, q record.TraceQuery) (*record.Recall, error)
}

func (d *Door) traceRoutes() []route {
	return []route{
		{"GET", "/$trace", d.trace, false},
		{"POST", "/$trace", d.trace, false},
		{"GET", "/$recall", d.recall, false},
		{"POST", "/$recall", d.recall, false},
	}
}

// Sizes of a page: nodes of a trace, cases of a recall.
const (
	traceCount, mostTrace   = 200, 1000
	recallCount, mostRecall = 100, 200
)

// trace is $trace: what belongs to one device, lot, order, image, material,
// machine, software or model file, both ways, as far as the caller reaches.
//
//	udi | lot | order | image | material | machine | software | model   one of them
//	_count (200, at most 1000), _cursor
//
// The answer is Parameters: "node" for each current version (reference with its
// version, case, who, when, sha-256, patient, item), "edge" for each reference
// (from, to, element, as), "signature" for each signature (target, sha-256, role,
// purpose, stage, who, when, provenance), and "next".
func (d *Door) trace(c *call) error {
	q, params, err := c.traceQuery(record.TraceKinds, traceCount, mostTrace)
	if err != nil {
		return err
	}
	t, err := d.o.Record.Trace(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	items := itemsOf(t)
	out := answerParts{}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		out.add("node", part("reference", versionValue(n.Type, n.ID, n.Version.Version)), part("case", rootValue(n.Case)), part("who", textValue(n.Author)), part("when", instantValue(n.Updated)),
			part("sha-256", textValue(n.SHA256())), part("patient", refValue(n.Patient)), part("item", codeValue(items[n.Type+"/"+n.ID])))
	}
	for _, e := range t.Edges {
		out.add("edge", part("from", refValue(e.From)), part("to", refValue(e.To)), part("element", textValue(e.Element)), part("as", codeValue(e.As)))
	}
	for i := range t.Signatures {
		s := &t.Signatures[i]
		out.add("signature", part("target", refValue(fmt.Sprintf("%s/_history/%d", s.Target, s.Version))), part("sha-256", textValue(hex.EncodeToString(s.Digest[:]))), part("role", codeValue(string(s.Role))),
			part("purpose", codeValue(s.Purpose)), part("stage", codeValue(s.Stage)), part("who", refValue(s.Signer)), part("when", instantValue(s.When)), part("provenance", refValue("Provenance/"+s.Provenance)))
	}
	return c.sendParts(out, "$trace", params, t.Next)
}

// recall is $recall: the devices, patients and states that a lot of material, a
// machine, a version of software or a lot of devices touches. One "case" each:
// case, case-number, patient, state, and "device" 0..* (device, status, lot,
// serial, udi).
func (d *Door) recall(c *call) error {
	q, params, err := c.traceQuery([]string{"material", "machine", "software", "lot"}, recallCount, mostRecall)
	if err != nil {
		return err
	}
	r, err := d.o.Record.Recall(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	out := answerParts{}
	for _, x := range r.Cases {
		parts := []map[string]any{part("case", refValue(x.Case)), part("case-number", textValue(x.Number)), part("patient", refValue(x.Patient)), part("state", codeValue(x.State))}
		for _, v := range x.Devices {
			parts = append(parts, map[string]any{"name": "device", "part": present(part("device", refValue(v.Ref)), part("status", codeValue(v.Status)), part("lot", textValue(v.Lot)),
				part("serial", textValue(v.Serial)), part("udi", textValue(v.Carrier)))})
		}
		out.add("case", parts...)
	}
	return c.sendParts(out, "$recall", params, r.Next)
}

func (c *call) traceQuery(kinds []string, count, most int) (q record.TraceQuery, params []search.Param, err error) {
	if params, err = c.searchInput(); err != nil {
		return q, nil, err
	}
	q.Count = count
	for _, p := range params {
		switch {
		case slices.Contains(kinds, p.Name) && q.By == "":
			q.By, q.Value = p.Name, p.Value
		case p.Name == "_cursor":
			q.After = p.Value
		case p.Name == "_count":
			n, err := strconv.Atoi(p.Value)
			if err != nil || n < 1 || n > most {
				return q, nil, issue.Errorf(issue.Value, "_count is a number from 1 to %d.", most).WithStatus(400).At("_count").Rule("trace-parameter").Chinese("_count 超出范围。")
			}
			q.Count = n
		default:
			return q, nil, issue.Errorf(issue.NotSupported, "The parameter %q is none here, or there are two beginnings; give one of %s, and _count and _cursor.", clip(p.Name), strings.Join(kinds, ", ")).
				WithStatus(400).At(clip(p.Name)).Rule("trace-parameter").Chinese("参数不支持或重复。")
		}
	}
	return q, params, nil
}

// itemDocuments says which of the eight items that clause 5.5.1 names a document
// of the process is.
var itemDocuments = map[string]string{
	"image-study": "data-source", "consent": "data-source",
	"data-file": "data-format", "data-delivery": "data-format", "agreement": "data-format",
	"data-checklist": "confirmation", "designer-reply": "confirmation", "producer-reply": "confirmation", "confirmation-form": "confirmation",
	"order": "custom-requirement", "treatment-plan": "custom-requirement", "design-input": "custom-requirement",
	"design-output": "design-list", "design-scheme": "design-list", "design-definition": "design-list",
	"design-model": "design-file", "drawing": "design-file", "design-description": "design-file", "analysis": "design-file",
	"device": "production-list", "device-history-record": "production-list", "inspection-report": "production-list", "retained-sample": "production-list",
	"delivery-list": "delivery-list", "label": "delivery-list", "ifu": "delivery-list",
}

// itemsOf tells the item of each node that a Task of the page names.
func itemsOf(t *record.Trace) map[string]string {
	items := map[string]string{}
	for _, e := range t.Edges {
		if item := itemDocuments[e.As]; item != "" {
			items[e.To] = item
		}
	}
	for i := range t.Nodes { // what no Task of this page names, by its type
		ref := t.Nodes[i].Type + "/" + t.Nodes[i].ID
		if items[ref] == "" {
			items[ref] = map[string]string{"ImagingStudy": "data-source", "DeviceRequest": "custom-requirement", "SupplyDelivery": "delivery-list"}[t.Nodes[i].Type]
		}
	}
	return items
}

// answerParts is a Parameters resource in the making.
type answerParts []map[string]any

func (a *answerParts) add(name string, parts ...map[string]any) {
	*a = append(*a, map[string]any{"name": name, "part": present(parts...)})
}

// present leaves out parts without a value.
func present(parts ...map[string]any) []map[string]any {
	return slices.DeleteFunc(parts, func(p map[string]any) bool { return p == nil })
}

type valued struct {
	kind  string
	value any
}

func part(name string, v valued) map[string]any {
	if v.kind == "" {
		return nil
	}
	return map[string]any{"name": name, v.kind: v.value}
}

func textValue(s string) valued { return valueIf(s != "", "valueString", s) }
func codeValue(s string) valued { return valueIf(s != "", "valueCode", s) }
func refValue(r string) valued {
	return valueIf(r != "", "valueReference", map[string]string{"reference": r})
}

func valueIf(there bool, kind string, value any) valued {
	if !there {
		return valued{}
	}
	return valued{kind, value}
}

func versionValue(typ, id string, version int64) valued {
	return refValue(typ + "/" + id + "/_history/" + strconv.FormatInt(version, 10))
}

func rootValue(id string) valued {
	if id == "" {
		return valued{}
	}
	return refValue("Task/" + id)
}

func instantValue(t time.Time) valued {
	return valued{"valueInstant", t.UTC().Format("2006-01-02T15:04:05.000Z07:00")}
}

func (c *call) sendParts(parts answerParts, operation string, params []search.Param, next string) error {
	if next != "" {
		more := slices.DeleteFunc(slices.Clone(params), func(p search.Param) bool { return p.Name == "_cursor" })
		parts = append(parts, map[string]any{"name": "next", "valueUri": query(c.base+"/"+operation, append(more, search.Param{Name: "_cursor", Value: next}))})
	}
	out := map[string]any{"resourceType": "Parameters"}
	if len(parts) > 0 {
		out["parameter"] = parts
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}
