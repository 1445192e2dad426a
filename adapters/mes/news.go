package mes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// News is one message of the MES about a job order.
type News struct {
	ID       string    `json:"id"`       // the MES's number of the message, unique; a repeat counts once
	JobOrder string    `json:"jobOrder"` // id of the job order as it was sent
	Event    string    `json:"event"`
	At       time.Time `json:"at"`
	Operator string    `json:"operator,omitempty"` // user of the MES who did it

	Operation  *Operation  `json:"operation,omitempty"`
	Inspection *Inspection `json:"inspection,omitempty"`
	Device     *Device     `json:"device,omitempty"`
	Shipment   *Shipment   `json:"shipment,omitempty"`
	Answer     *Answer     `json:"answer,omitempty"`
}

// Events of News.
const (
	Started   = "started"
	Operated  = "operation"
	Inspected = "inspected"
	Released  = "released"
	Shipped   = "shipped"
	Answered  = "acknowledged"
)

type (
	// Operation is one step of production that was done (R001-153 …).
	Operation struct {
		Code       string      `json:"code"` // code of urn:tenon:operation
		Start      time.Time   `json:"start"`
		End        time.Time   `json:"end"`
		Result     string      `json:"result"` // done or failed
		Machine    string      `json:"machine,omitempty"`
		Parameters []Parameter `json:"parameters,omitempty"`
	}
	// Parameter is a measured or set value; Unit is UCUM, "1" for a bare number.
	Parameter struct {
		Code  string      `json:"code"`
		Value json.Number `json:"value"`
		Unit  string      `json:"unit"`
	}
	// Inspection is one result with its limits.
	Inspection struct {
		Characteristic string      `json:"characteristic"`
		Value          json.Number `json:"value"`
		Unit           string      `json:"unit"`
		Lower          json.Number `json:"lower,omitempty"`
		Upper          json.Number `json:"upper,omitempty"`
		Verdict        string      `json:"verdict"` // pass or fail
		Method         string      `json:"method,omitempty"`
		Parameter      string      `json:"parameter,omitempty"`  // code of urn:tenon:parameter: the requirement of the order that it answers
		Instrument     string      `json:"instrument,omitempty"` // what it was measured with
		Resolution     json.Number `json:"resolution,omitempty"` // smallest step of the instrument, in the unit
	}
	// Device is what was made: UDI where there is one, else an internal code
	// that is unique (custom-made devices are exempt from UDI in many places).
	Device struct {
		Name         string `json:"name"`
		Lot          string `json:"lot"`
		Serial       string `json:"serial,omitempty"`
		UDI          string `json:"udi,omitempty"` // carrier, human readable form
		UDIDI        string `json:"udiDi,omitempty"`
		UDIAIDC      string `json:"udiAidc,omitempty"` // carrier as a scanner reads it
		Code         string `json:"code,omitempty"`
		Manufactured string `json:"manufactured"` // date
		Expires      string `json:"expires,omitempty"`
	}
	// Shipment is the hand-over to the carrier.
	Shipment struct {
		Carrier  string `json:"carrier"`
		Tracking string `json:"tracking"`
	}
	// Answer is what came of a job control (hold, resume, change, cancel). A
	// machine that prints on, for whatever reason, is refused, never stopped.
	Answer struct {
		Control string `json:"control"` // number of the control, as it was sent
		Outcome string `json:"outcome"` // stopped, finished, cancelled, resumed, refused
		Detail  string `json:"detail,omitempty"`
	}
)

// Outcomes are the codes of urn:tenon:job-control that answer a control.
var Outcomes = []string{"stopped", "finished", "cancelled", "resumed", "refused"}

// Operations are the codes of urn:tenon:operation that an MES may report.
var Operations = []string{
	"design-software", "equipment", "print", "post-processing", "raw-material-test", "device-test",
	"cleaning", "packaging", "sterilisation", "warehouse-in", "warehouse-out",
	"support-removal", "finishing", "colouring", "assembly",
}

// ParseNews reads one message strictly: unknown members and double keys are
// refused, since a field that is not understood may be the one that matters.
func ParseNews(body []byte) (*News, error) {
	if _, err := tree.Parse(body); err != nil {
		return nil, err
	}
	n := &News{}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(n); err != nil {
		return nil, issue.Errorf(issue.Structure, "The message does not fit the schema news: %v.", err).Rule("mes-schema").WithStatus(422)
	}
	return n, n.check()
}

func (n *News) check() error {
	part, known := map[string]bool{
		Started: true, Operated: n.Operation != nil, Inspected: n.Inspection != nil,
		Released: n.Device != nil, Shipped: n.Shipment != nil, Answered: n.Answer != nil,
	}[n.Event]
	switch {
	case n.ID == "" || len(n.ID) > 128:
		return bad("id", "a message needs an id of 1 to 128 characters")
	case n.JobOrder == "":
		return bad("jobOrder", "a message names its job order")
	case n.At.IsZero():
		return bad("at", "a message says when it happened")
	case !known:
		return bad("event", fmt.Sprintf("%q is not an event: started, operation, inspected, released, shipped or acknowledged", n.Event))
	case !part:
		return bad("event", fmt.Sprintf("the event %q comes with the member that describes it", n.Event))
	}
	if o := n.Operation; o != nil {
		return o.check()
	}
	if a := n.Answer; a != nil && (a.Control == "" || !slices.Contains(Outcomes, a.Outcome)) {
		return bad("answer", "it needs the number of the control and one of the outcomes stopped, finished, cancelled, resumed or refused")
	}
	if i := n.Inspection; i != nil && (i.Characteristic == "" || i.Verdict != "pass" && i.Verdict != "fail" || i.Value == "") {
		return bad("inspection", "it needs characteristic, value and the verdict pass or fail")
	}
	if d := n.Device; d != nil && (d.Lot == "" || d.Manufactured == "" || d.UDI == "" && d.Code == "") {
		return bad("device", "it needs lot, manufactured and a unique code: udi or code")
	}
	return nil
}

func (o *Operation) check() error {
	switch {
	case !slices.Contains(Operations, o.Code):
		return bad("operation.code", fmt.Sprintf("%q is not an operation of urn:tenon:operation", o.Code))
	case o.Start.IsZero() || o.End.Before(o.Start):
		return bad("operation.end", "an operation ends after it starts")
	case o.Result != "done" && o.Result != "failed":
		return bad("operation.result", fmt.Sprintf("%q is neither done nor failed", o.Result))
	}
	return nil
}

func bad(path, text string) error {
	return issue.Errorf(issue.Value, "%s.", text).At(path).Rule("mes-news").WithStatus(422)
}
