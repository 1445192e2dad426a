// Package inspect carries out the checks that take long: jobs from the outbox
// that read a document's file, or the headers of an imaging study, after the
// commit and write what they found as Observations. A gate that needs one answers
// "pending", or "not evaluated", until then.
package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/mesh"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
)

// sinkName is the outbox sink of the jobs of this room.
const sinkName = "inspect"

// stlTypes are the media types of STL files.
var stlTypes = []string{"model/stl", "application/sla", "application/vnd.ms-pki.stl"}

// job names one document and the Binary that it stores.
type job struct {
	Document string `json:"document"` // DocumentReference/x
	Version  int64  `json:"version"`
	Binary   string `json:"binary"` // id
	SHA256   string `json:"sha256"` // as the document states it
	Case     string `json:"case"`   // Task/root, "" if the document names none
	Patient  string `json:"patient"`
}

// Jobs names the checks that a stored version asks for (record.Options.Jobs).
func Jobs(v *record.Version, root tree.Node) []dispatch.Message {
	if v.Type == "ImagingStudy" {
		return imageJobs(v, root)
	}
	if v.Type != "DocumentReference" {
		return nil
	}
	var out []dispatch.Message
	for content := range root.Field("content").Items() {
		attachment := content.Field("attachment")
		binary, found := strings.CutPrefix(attachment.Field("url").Str(), "Binary/")
		if !found || !slices.Contains(stlTypes, attachment.Field("contentType").Str()) {
			continue
		}
		j := job{Document: v.Type + "/" + v.ID, Version: v.Version, Binary: binary, Patient: v.Patient, SHA256: extension(attachment, "urn:tenon:extension:sha-256").Field("valueString").Str()}
		j.Case = extension(root, "urn:tenon:extension:case").Path("valueReference", "reference").Str()
		body, err := json.Marshal(j)
		if err != nil {
			continue // strings and numbers always marshal
		}
		out = append(out, dispatch.Message{Sink: sinkName, Kind: "mesh", Key: fmt.Sprintf("%s/%d/%s", j.Document, j.Version, binary), Body: body, Created: v.Updated})
	}
	return out
}

func extension(n tree.Node, url string) tree.Node {
	for e := range n.Field("extension").Items() {
		if e.Field("url").Str() == url {
			return e
		}
	}
	return tree.Node{}
}

// Meshes is the sink that judges model files.
type Meshes struct {
	Recorder *record.Recorder
	Size     mesh.Range // plausible longest side in mm; zero: not evaluated
}

var _ dispatch.Sink = (*Meshes)(nil)

// Name implements dispatch.Sink.
func (m *Meshes) Name() string { return sinkName }

// server is who writes the findings.
var server = &access.Context{Tenant: "main", Kind: access.Server, Principal: "server"}

// Deliver reads the file, judges it and writes the Observations, all at once. A
// file that is no mesh is a finding, not a failure of the job.
func (m *Meshes) Deliver(ctx context.Context, msg dispatch.Message) error {
	var j job
	if err := json.Unmarshal(msg.Body, &j); err != nil {
		return &dispatch.Permanent{Err: err}
	}
	blob, _, err := m.Recorder.Content(ctx, server, j.Binary)
	if issue.As(err) != nil {
		return &dispatch.Permanent{Err: err}
	}
	if err != nil {
		return err
	}
	if blob == nil {
		return &dispatch.Permanent{Err: errors.New("inspect: the Binary has no content outside its JSON")}
	}
	defer blob.Close()
	d := &record.Draft{Door: "job", Operation: "inspect", Keys: []record.Key{{Door: "inspect", Key: msg.Key, Ref: j.Document}}}
	for _, o := range m.judge(&j, blob) {
		body, err := json.Marshal(o)
		if err != nil {
			return &dispatch.Permanent{Err: err}
		}
		d.Ops = append(d.Ops, record.Op{Method: "POST", Type: "Observation", Body: body})
	}
	_, err = m.Recorder.Submit(ctx, server, d)
	return err
}

type object = map[string]any

// judge returns the Observations about one file.
func (m *Meshes) judge(j *job, r io.Reader) []object {
	model, err := mesh.ReadSTL(r, mesh.Limits{})
	if err != nil {
		return []object{j.check("readable", false, err.Error()), j.check("watertight", false, err.Error())}
	}
	report, err := mesh.Check(model, mesh.Options{Size: m.Size})
	if err != nil {
		return []object{j.check("readable", false, err.Error()), j.check("watertight", false, err.Error())}
	}
	var notes []string
	for _, is := range report.Issues() {
		notes = append(notes, is.Text)
	}
	found := strings.Join(notes, "; ")
	cuts, why := selfIntersections(model, report)
	out := []object{
		j.check("readable", true, ""),
		j.check("watertight", report.Bounds(), found),
		j.check("one-surface", report.Components == 1, count(report.Components, "surface")),
		j.check("one-opening", report.LoopCount <= 1, count(report.LoopCount, "opening")),
		j.check("no-self-intersection", cuts == mesh.Conform, why),
		j.measure("surface-area", report.Area, "mm2"),
		j.measure("triangles", float64(report.Triangles), "1"),
	}
	if report.Watertight {
		out = append(out, j.measure("volume", report.Volume, "mm3"))
	}
	for i, side := range report.Box.Size() {
		out = append(out, j.measure("box-"+string("xyz"[i]), side, "mm"))
	}
	return out
}

// selfIntersections asks whether a surface that bounds a body cuts itself; an open
// one bounds nothing. What could not be evaluated is no yes.
func selfIntersections(model *mesh.Mesh, report *mesh.Report) (mesh.Verdict, string) {
	if !report.Bounds() {
		return mesh.NotEvaluated, "not evaluated: the surface bounds no body"
	}
	found, err := mesh.Check(model, mesh.Options{SelfIntersection: true})
	switch {
	case err != nil:
		return mesh.NotEvaluated, err.Error()
	case found.SelfIntersection == mesh.Nonconform:
		return mesh.Nonconform, count(found.Cuts, "pair") + " of triangles meet where they should not"
	case found.SelfIntersection != mesh.Conform:
		return mesh.NotEvaluated, "not evaluated: too much of the surface lies close together"
	}
	return mesh.Conform, ""
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// observation is the shell of a finding: about the document and the bytes that
// it had.
func (j *job) observation(system, code string) object {
	o := object{
		"resourceType": "Observation", "status": "final",
		"code":        object{"coding": []any{object{"system": system, "code": code}}},
		"derivedFrom": []any{object{"reference": j.Document}},
		"method":      object{"text": "mesh inspection"},
	}
	ext := []any{object{"url": "urn:tenon:extension:sha-256", "valueString": j.SHA256}}
	if j.Case != "" {
		ext = append(ext, object{"url": "urn:tenon:extension:case", "valueReference": object{"reference": j.Case}})
	}
	o["extension"] = ext
	if j.Patient != "" {
		o["subject"] = object{"reference": j.Patient}
	}
	return o
}

func (j *job) check(code string, answer bool, note string) object {
	o := j.observation("urn:tenon:check", code)
	o["valueBoolean"] = answer
	if note != "" {
		o["note"] = []any{object{"text": note}}
	}
	return o
}

func (j *job) measure(code string, value float64, unit string) object {
	o := j.observation("urn:tenon:measure", code)
	o["valueQuantity"] = object{"value": json.Number(fmt.Sprintf("%.6g", value)), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
	return o
}
