package mes

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"tenon/fhir/tree"
	"tenon/server/record"
)

type object = map[string]any

const timeForm = "2006-01-02T15:04:05.000Z07:00"

// Draft maps news to what is written: an operation Task, an Observation or the
// Device, tied to the production Task of the job. job is the stored production
// Task, maker the name of the manufacturer, body the message as it came, which
// its idempotency key covers.
func Draft(n *News, job *record.Version, maker string, body []byte) (*record.Draft, error) {
	d, err := tree.Parse(job.Body)
	if err != nil {
		return nil, err
	}
	m := mapping{n: n, job: job, root: d.Root(), maker: maker}
	draft := &record.Draft{Door: "mes", Operation: n.Event, Keys: []record.Key{{
		Door: "mes", Key: n.ID, Digest: sha256.Sum256(body), Ref: "Task/" + job.ID,
	}}}
	switch n.Event {
	case Started:
		draft.Ops, err = m.posts(m.task("job", "in-progress", object{"start": n.At.Format(timeForm)}))
	case Operated:
		draft.Ops, err = m.posts(m.operation())
	case Inspected:
		draft.Ops, err = m.posts(m.observation())
	case Released:
		draft.Ops, err = m.device()
	case Shipped:
		task := m.task("shipped", "completed", object{"start": n.At.Format(timeForm), "end": n.At.Format(timeForm)})
		task["note"] = []any{object{"text": n.Shipment.Carrier + " " + n.Shipment.Tracking}}
		draft.Ops, err = m.posts(task)
	case Answered:
		draft.Ops, err = m.posts(m.answer())
	}
	return draft, err
}

type mapping struct {
	n     *News
	job   *record.Version
	root  tree.Node
	maker string
}

func (m mapping) posts(res object) ([]record.Op, error) {
	body, err := json.Marshal(res)
	return []record.Op{{Method: "POST", Type: res["resourceType"].(string), Body: body}}, err
}

// member is the extension that ties what has no reference to a Task to the case.
func (m mapping) member() []any {
	root := m.root.Field("partOf").First().Field("reference").Str()
	return []any{object{"url": "urn:tenon:extension:case", "valueReference": object{"reference": root}}}
}

// task is a Task that is part of the production Task.
func (m mapping) task(code, status string, period object) object {
	t := object{
		"resourceType": "Task", "status": status, "intent": "order",
		"identifier":      []any{object{"system": "urn:tenon:mes-news", "value": m.n.ID}},
		"partOf":          []any{object{"reference": "Task/" + m.job.ID}},
		"code":            object{"coding": []any{object{"system": "urn:tenon:operation", "code": code}}},
		"executionPeriod": period,
		"authoredOn":      m.n.At.Format(timeForm),
	}
	if patient := m.root.Path("for", "reference").Str(); patient != "" {
		t["for"] = object{"reference": patient}
	}
	if m.n.Operator != "" {
		t["requester"] = object{"display": m.n.Operator}
	}
	return t
}

// answer is a Task that says what came of a control; the process takes it from
// there (it completes the Task of the control).
func (m mapping) answer() object {
	const system = "urn:tenon:job-control"
	a := m.n.Answer
	t := m.task("", "completed", object{"start": m.n.At.Format(timeForm), "end": m.n.At.Format(timeForm)})
	t["identifier"] = append(t["identifier"].([]any), object{"system": system, "value": a.Control})
	t["code"] = object{"coding": []any{object{"system": system, "code": "acknowledged"}}}
	t["businessStatus"] = object{"coding": []any{object{"system": system, "code": a.Outcome}}}
	if a.Detail != "" {
		t["note"] = []any{object{"text": a.Detail}}
	}
	return t
}

func (m mapping) operation() object {
	o := m.n.Operation
	status := map[string]string{"done": "completed", "failed": "failed"}[o.Result]
	t := m.task(o.Code, status, object{"start": o.Start.Format(timeForm), "end": o.End.Format(timeForm)})
	var input []any
	if o.Machine != "" {
		input = append(input, object{"type": object{"text": "machine"}, "valueString": o.Machine})
	}
	for _, p := range o.Parameters {
		input = append(input, object{
			"type":          object{"coding": []any{object{"system": "urn:tenon:process-parameter", "code": p.Code}}},
			"valueQuantity": quantity(p.Value, p.Unit),
		})
	}
	if input != nil {
		t["input"] = input
	}
	t["output"] = []any{object{"type": object{"text": "result"}, "valueString": o.Result}}
	return t
}

func quantity(value json.Number, unit string) object {
	return object{"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
}

func (m mapping) observation() object {
	i := m.n.Inspection
	limits := object{}
	if i.Lower != "" {
		limits["low"] = quantity(i.Lower, i.Unit)
	}
	if i.Upper != "" {
		limits["high"] = quantity(i.Upper, i.Unit)
	}
	obs := object{
		"resourceType": "Observation", "status": "final", "extension": m.member(),
		"identifier":        []any{object{"system": "urn:tenon:mes-news", "value": m.n.ID}},
		"code":              object{"coding": []any{object{"system": "urn:tenon:characteristic", "code": i.Characteristic}}},
		"effectiveDateTime": m.n.At.Format(timeForm),
		"valueQuantity":     quantity(i.Value, i.Unit),
		"interpretation":    []any{object{"coding": []any{object{"system": "urn:tenon:verdict", "code": i.Verdict}}}},
	}
	if len(limits) > 0 {
		obs["referenceRange"] = []any{limits}
	}
	if i.Method != "" {
		obs["method"] = object{"text": i.Method}
	}
	if i.Parameter != "" {
		concept := obs["code"].(object)
		concept["coding"] = append(concept["coding"].([]any), object{"system": "urn:tenon:parameter", "code": i.Parameter})
	}
	if i.Instrument != "" {
		obs["device"] = object{"display": i.Instrument}
	}
	if i.Resolution != "" {
		obs["extension"] = append(m.member(), object{"url": "urn:tenon:extension:resolution", "valueQuantity": quantity(i.Resolution, i.Unit)})
	}
	if patient := m.root.Path("for", "reference").Str(); patient != "" {
		obs["subject"] = object{"reference": patient}
	}
	return obs
}

// device writes the Device and names it as an output of the production Task.
func (m mapping) device() ([]record.Op, error) {
	dev := m.n.Device
	const made = "urn:uuid:00000000-0000-4000-8000-000000000001"
	res := object{
		"resourceType": "Device", "status": "active", "extension": m.member(),
		"manufacturer": m.maker, "lotNumber": dev.Lot, "manufactureDate": dev.Manufactured,
		"deviceName": []any{object{"name": dev.Name, "type": "user-friendly-name"}},
	}
	if patient := m.root.Path("for", "reference").Str(); patient != "" {
		res["patient"] = object{"reference": patient}
	}
	if dev.Serial != "" {
		res["serialNumber"] = dev.Serial
	}
	if dev.Expires != "" {
		res["expirationDate"] = dev.Expires
	}
	if dev.Code != "" {
		res["distinctIdentifier"] = dev.Code
	}
	if dev.UDI != "" {
		carrier := object{"carrierHRF": dev.UDI, "entryType": "manual"}
		if dev.UDIDI != "" {
			carrier["deviceIdentifier"] = dev.UDIDI
		}
		if dev.UDIAIDC != "" {
			carrier["carrierAIDC"] = base64.StdEncoding.EncodeToString([]byte(dev.UDIAIDC))
		}
		res["udiCarrier"] = []any{carrier}
	}
	ops, err := m.posts(res)
	if err != nil {
		return nil, err
	}
	ops[0].FullURL = made
	patch, err := m.output(made)
	return append(ops, patch), err
}

// output adds the device to the outputs of the production Task; the reference is
// rewritten with the draft's other links.
func (m mapping) output(ref string) (record.Op, error) {
	entry := object{
		"type":           object{"coding": []any{object{"system": "urn:tenon:document", "code": "device"}}},
		"valueReference": object{"reference": ref},
	}
	change := object{"op": "add", "path": "/output/-", "value": entry}
	if !m.root.Field("output").Exists() {
		change = object{"op": "add", "path": "/output", "value": []any{entry}}
	}
	body, err := json.Marshal([]any{change})
	return record.Op{Method: "PATCH", Type: "Task", ID: m.job.ID, Body: body, IfMatch: fmt.Sprint(m.job.Version)}, err
}
