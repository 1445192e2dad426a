package casework

import (
	"encoding/json"
	"slices"
	"strings"
)

// gateProduce is the gate that lets the manufacturer's MES begin.
const gateProduce = "G-PRODUCE"

// opensProduction tells whether the stage starts behind G-PRODUCE.
func opensProduction(s *Stage) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.Kind == Start && c.Gate == gateProduce })
}

// JobOrder is the canonical job order (design §11, ISA-95): what the MES needs to
// make the device and nothing about the patient. Case is the id of the root Task,
// a pseudonym by itself.
type JobOrder struct {
	JobOrder string          `json:"jobOrder"` // Task/x of the production stage: where news goes
	Case     string          `json:"case"`     // Task/x of the case
	Order    string          `json:"order"`    // DeviceRequest/x
	Product  string          `json:"product"`  // DeviceDefinition/x
	Name     string          `json:"name"`     // of the device
	Model    ModelFile       `json:"model"`
	Machine  string          `json:"machine"` // Device/x
	Serial   string          `json:"serial,omitempty"`
	Material string          `json:"material"` // Substance/x
	Lot      string          `json:"lot,omitempty"`
	Process  string          `json:"process"` // ActivityDefinition/x
	Quantity json.RawMessage `json:"quantity"`
	Due      string          `json:"due"` // instant or date
}

// ModelFile names the file that is made.
type ModelFile struct {
	Document string `json:"document"` // DocumentReference/x
	URL      string `json:"url"`      // Binary/x
	Type     string `json:"contentType"`
	SHA256   string `json:"sha256"` // lower-case hex
}

// jobOrder is the message to the MES for a production Task that starts. Its key
// is the Task: a repetition of the same start is the same order.
func (v *view) jobOrder(task *Resource) *Message {
	return &Message{Sink: "mes", Kind: "job-order", Key: "job-order/" + task.ID, Body: marshal(v.order(task))}
}

// order is the job order as the case is now.
func (v *view) order(task *Resource) JobOrder {
	order := JobOrder{JobOrder: task.Ref(), Case: v.root.Ref(), Quantity: json.RawMessage("1"), Due: task.Root.Path("restriction", "period", "end").Str()}
	for _, r := range v.named("order") {
		order.Order, order.Name = r.Ref(), r.Root.Path("codeCodeableConcept", "text").Str()
		if end := r.Root.Path("occurrencePeriod", "end").Str(); end != "" {
			order.Due = end
		}
	}
	for _, r := range v.named("design-definition") {
		order.Product = r.Ref()
	}
	for _, r := range v.named("design-model") {
		if hasCode(r.Root.Field("category"), "urn:tenon:model-purpose", "manufacturing") {
			order.Model = modelFile(r)
		}
	}
	for _, r := range v.documents("input", stageOf(task.Root), "machine") {
		order.Machine, order.Serial = r.Ref(), r.Root.Field("serialNumber").Str()
	}
	for _, r := range v.documents("input", stageOf(task.Root), "material") {
		order.Material, order.Lot = r.Ref(), r.Root.Path("instance", "identifier", "value").Str()
	}
	for in := range task.Root.Field("input").Items() {
		if hasCode(in.Field("type"), systemDocument, "process") {
			order.Process = referenceOf(valueOf(in)) // a definition, no member of the case
		}
	}
	return order
}

func modelFile(r *Resource) ModelFile {
	a := r.Root.Path("content", "attachment")
	return ModelFile{
		Document: r.Ref(), URL: cleanReference(a.Field("url").Str()), Type: a.Field("contentType").Str(),
		SHA256: strings.ToLower(valueOf(extension(a, extensionSHA256)).Str()),
	}
}
