package test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

// cases walks through the agreement process, one case after the other: opened,
// received, accepted, worked on, the contract written, named and signed by both
// sides, completed. A step that was cut off is repeated after the restart when
// it had no effect.
type cases struct {
	send      sender
	hosp, mfr string

	finished, at, steps int
	number              string
	root, task          string
	contract            string
	papers              []string // by evidence
	under               bool
}

func (w *cases) name() string { return "case steps" }
func (w *cases) count() int   { return w.steps }

// act is one step: what it sends, and how a later life sees that it was done.
type act struct {
	status int
	q      func(w *cases) servertest.Request
	took   func(w *cases, a *servertest.Answer)
	done   func(w *cases, t *testing.T, c *servertest.Client) bool
}

var acts = []act{
	{201, func(w *cases) servertest.Request {
		w.number = fmt.Sprintf("K-%d", w.finished)
		return servertest.Request{Token: w.hosp, Method: "POST", Path: "/fhir/PlanDefinition/agreement/$apply",
			Body: fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":%q}]}`, w.number)}
	}, func(w *cases, a *servertest.Answer) { w.root = a.Ref() }, (*cases).opened},
	moves("received"), moves("accepted"), moves("working"),
	{200, func(w *cases) servertest.Request {
		return servertest.Request{Token: w.hosp, Method: "POST", Path: "/fhir", Body: written(w.number)}
	}, (*cases).wrote, (*cases).written},
	{200, func(w *cases) servertest.Request {
		var named []string
		for i, code := range append(onFile, "agreement") {
			at := w.contract
			if i < len(onFile) {
				at = w.papers[i]
			}
			named = append(named, fmt.Sprintf(`{"type":{"coding":[{"system":"urn:tenon:document","code":%q}]},"valueReference":{"reference":%q}}`, code, at))
		}
		return patches(w.hosp, w.task, `[{"op":"add","path":"/output","value":[`+strings.Join(named, ",")+`]}]`)
	}, nil, func(w *cases, t *testing.T, c *servertest.Client) bool {
		return strings.Contains(w.standing(t, c), w.contract)
	}},
	signs(hospital, "hosp-chen", "HOSP", "agreement", contractOf), signs(func(w *cases) string { return w.mfr }, "mfr-xu", "MFR", "agreement", contractOf),
	signs(hospital, "hosp-chen", "HOSP", "evidence-review", paperOf("production-experience")),
	signs(hospital, "hosp-chen", "HOSP", "evidence-review", paperOf("registration-certificate")),
	moves("completed"),
}

var taskStatus = map[string]string{"received": "received", "accepted": "accepted", "working": "in-progress", "completed": "completed"}

func moves(state string) act {
	return act{200, func(w *cases) servertest.Request {
		return patches(w.hosp, w.task, fmt.Sprintf(`[{"op":"replace","path":"/status","value":%q},
			{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":%q}]}},
			{"op":"add","path":"/owner","value":{"reference":"PractitionerRole/hosp-chen"}}]`, taskStatus[state], state))
	}, nil, func(w *cases, t *testing.T, c *servertest.Client) bool {
		return strings.Contains(w.standing(t, c), `"status":"`+taskStatus[state]+`"`)
	}}
}

func signs(token func(*cases) string, who, role, purpose string, target func(*cases) string) act {
	return act{201, func(w *cases) servertest.Request {
		return servertest.Request{Token: token(w), Method: "POST", Path: "/fhir/" + target(w) + "/$sign", Body: fmt.Appendf(nil,
			`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":%q},{"name":"purpose","valueCode":%q},{"name":"secret","valueString":"secret of %s"}]}`, role, purpose, who)}
	}, nil, func(w *cases, t *testing.T, c *servertest.Client) bool {
		return len(via{w.send, w.hosp}.found(t, c, "Provenance?target="+target(w)+"&agent=PractitionerRole/"+who)) == 1
	}}
}

func hospital(w *cases) string   { return w.hosp }
func contractOf(w *cases) string { return w.contract }

func paperOf(code string) func(w *cases) string {
	return func(w *cases) string { return w.papers[slices.Index(onFile, code)] }
}

// onFile is what both parties have on file; the second licence is the maker's.
var onFile = []string{
	"institution-eligibility", "qms-certificate", "capability-statement", "production-licence", "production-experience", "facility", "licence", "licence", "registration-certificate",
}

// written is the transaction of the evidence, a file that it shares, and the
// agreement.
func written(number string) []byte {
	type obj = map[string]any
	const file = "urn:uuid:0b0f4d0c-95a1-4d4c-9a4f-0d2f8f1b7b01"
	content := []byte("evidence of " + number)
	post := func(typ string, resource any, fullURL string) obj {
		e := obj{"resource": resource, "request": obj{"method": "POST", "url": typ}}
		if fullURL != "" {
			e["fullUrl"] = fullURL
		}
		return e
	}
	entries := []any{
		post("Contract", json.RawMessage(agreement(number)), ""),
		post("Binary", obj{"resourceType": "Binary", "contentType": "text/plain", "data": base64.StdEncoding.EncodeToString(content)}, file),
	}
	for i, code := range onFile {
		of, value := "maker", fmt.Sprint(code, "-", i)
		if i == 0 || code == "licence" && onFile[i-1] != "licence" {
			of = "hospital"
		}
		if code == "registration-certificate" {
			value = "国械注准20243130939"
		}
		entries = append(entries, post("DocumentReference", obj{
			"resourceType": "DocumentReference", "status": "current", "masterIdentifier": obj{"system": "urn:kill:" + number, "value": value},
			"type": obj{"coding": []any{obj{"system": "urn:tenon:evidence", "code": code}}}, "authenticator": obj{"display": "authority"},
			"custodian": obj{"reference": "Organization/" + of}, "context": obj{"period": obj{"start": "2025-01-01", "end": "2040-12-31"}},
			"content": []any{obj{"attachment": obj{"contentType": "text/plain", "url": file, "extension": []any{
				obj{"url": "urn:tenon:extension:sha-256", "valueString": fmt.Sprintf("%x", sha256.Sum256(content))}}}}},
		}, ""))
	}
	b, err := json.Marshal(obj{"resourceType": "Bundle", "type": "transaction", "entry": entries})
	if err != nil {
		panic(err) // strings and maps marshal
	}
	return b
}

// wrote takes the references out of the answer.
func (w *cases) wrote(a *servertest.Answer) {
	var answer struct {
		Entry []struct{ Response struct{ Location string } }
	}
	if json.Unmarshal(a.Body, &answer) != nil {
		return
	}
	w.papers = nil
	for i, e := range answer.Entry {
		ref := refOf(e.Response.Location)
		switch {
		case i == 0:
			w.contract = ref
		case i > 1:
			w.papers = append(w.papers, ref)
		}
	}
}

// refOf is "Type/id" of a location.
func refOf(location string) string {
	before, _, _ := strings.Cut(location, "/_history/")
	parts := strings.Split(before, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

func patches(token, target, patch string) servertest.Request {
	return servertest.Request{Token: token, Method: "PATCH", Path: "/fhir/" + target, Body: []byte(patch), Header: map[string]string{"Content-Type": "application/json-patch+json"}}
}

func (w *cases) step(ctx context.Context, c *servertest.Client) error {
	if w.at > 0 && w.task == "" {
		return w.find(ctx, c)
	}
	a := acts[w.at]
	w.under = true
	answer, err := w.send(ctx, c, a.status, a.q(w))
	if err != nil {
		return err
	}
	if a.took != nil {
		a.took(w, answer)
	}
	w.advance()
	return nil
}

func (w *cases) advance() {
	w.under = false
	w.steps++
	if w.at++; w.at == len(acts) {
		*w = cases{send: w.send, hosp: w.hosp, mfr: w.mfr, finished: w.finished + 1, steps: w.steps}
	}
}

// find asks the case for the Task of its one stage.
func (w *cases) find(ctx context.Context, c *servertest.Client) error {
	a, err := w.send(ctx, c, 200, servertest.Request{Token: w.hosp, Method: "GET", Path: "/fhir/" + w.root + "/$case"})
	if err != nil {
		return err
	}
	var report struct {
		Parameter []struct {
			Part []struct {
				Name           string
				ValueReference struct{ Reference string }
			}
		}
	}
	if err := json.Unmarshal(a.Body, &report); err != nil {
		return err
	}
	for _, p := range report.Parameter {
		for _, part := range p.Part {
			if part.Name == "task" {
				w.task = part.ValueReference.Reference
			}
		}
	}
	if w.task == "" {
		return fmt.Errorf("%s has no stage: %s", w.root, a.Body)
	}
	return nil
}

// settle compares the case with the last step that was acknowledged, and sees
// whether the one that was cut off took place.
func (w *cases) settle(t *testing.T, c *servertest.Client) {
	if last := w.at - 1; last >= 0 && w.task != "" && !(acts[last].done == nil) && !w.stands(t, c, last) {
		t.Errorf("step %d of case %s was acknowledged and is not there: %s", last, w.number, w.standing(t, c))
	}
	if w.under && (w.at == 0 || w.task != "") && acts[w.at].done(w, t, c) {
		w.advance()
	}
	w.under = false
}

// stands tells whether a step of before is still there: a state may have been
// followed by the step that was cut off.
func (w *cases) stands(t *testing.T, c *servertest.Client, step int) bool {
	return acts[step].done(w, t, c) || w.under && acts[w.at].done(w, t, c)
}

// standing is the stage's Task as it stands.
func (w *cases) standing(t *testing.T, c *servertest.Client) string {
	return string(c.Expect(t, 200, servertest.Request{Token: w.hosp, Method: "GET", Path: "/fhir/" + w.task}).Body)
}

func (w *cases) opened(t *testing.T, c *servertest.Client) bool {
	v := via{w.send, w.hosp}
	refs := v.found(t, c, "Task?group-identifier="+w.number+"&part-of:missing=true")
	stages := v.found(t, c, "Task?group-identifier="+w.number+"&part-of:missing=false")
	if len(refs) > 1 || len(refs) != len(stages) {
		t.Errorf("case %s has the roots %v and stages %v", w.number, refs, stages)
	}
	if len(refs) == 1 {
		w.root = refs[0]
	}
	return len(refs) == 1
}

func (w *cases) written(t *testing.T, c *servertest.Client) bool {
	refs := via{w.send, w.hosp}.found(t, c, "Contract?identifier=urn:kill%7C"+w.number)
	if len(refs) != 1 {
		return false
	}
	w.contract, w.papers = refs[0], nil
	for i, code := range onFile {
		value := fmt.Sprint(code, "-", i)
		if code == "registration-certificate" {
			value = "国械注准20243130939"
		}
		w.papers = append(w.papers, via{w.send, w.hosp}.found(t, c, "DocumentReference?identifier="+url.QueryEscape("urn:kill:"+w.number+"|"+value))...)
	}
	return len(w.papers) == len(onFile)
}

// agreement is a Contract with everything that clause 5.2.1 wants.
func agreement(number string) []byte {
	var terms []any
	type obj = map[string]any
	coded := func(system, code string) obj {
		return obj{"coding": []any{obj{"system": "urn:tenon:" + system, "code": code}}}
	}
	answers := map[string]obj{
		"data-format":       {"valueCoding": obj{"system": "urn:tenon:file-format", "code": "STL"}},
		"transfer-method":   {"valueCoding": obj{"system": "urn:tenon:transfer-method", "code": "fhir-rest"}},
		"platform":          {"valueUri": "https://tenon.example/fhir"},
		"confirmation-form": {"valueCoding": obj{"system": "urn:tenon:confirmation-form", "code": "electronic"}},
		"terms":             {"valueUri": "urn:tenon:terms|1.0.0"},
		"image-age":         {"valueQuantity": obj{"value": 90, "system": "http://unitsofmeasure.org", "code": "d"}},
	}
	for i, topic := range []string{"order", "design-requirements", "acceptance-standard", "acceptance-list", "delivery", "rights", "obligations", "liabilities",
		"data-format", "transfer-method", "platform", "confirmation-form", "terms", "completion-time", "storage", "image-age"} {
		offer := obj{"text": "as agreed"}
		if i == 0 {
			var parties []any
			for who, role := range map[string]string{"hosp-chen": "HOSP", "mfr-xu": "MFR"} {
				parties = append(parties, obj{"reference": []any{obj{"reference": "PractitionerRole/" + who}}, "role": coded("role", role)})
			}
			offer["party"] = parties
		}
		if answers[topic] != nil {
			offer["answer"] = []any{answers[topic]}
		}
		term := obj{"topicCodeableConcept": coded("topic", topic), "text": "As agreed on " + topic + ".", "offer": offer}
		if topic == "completion-time" {
			term["extension"] = []any{obj{"url": "urn:tenon:extension:completion-time", "extension": []any{
				obj{"url": "stage", "valueCode": "S08"}, obj{"url": "time", "valueDuration": obj{"value": 14, "system": "http://unitsofmeasure.org", "code": "d"}}}}}
		}
		if topic == "storage" {
			var kept []any
			for party, custodian := range map[string]string{"Organization/hospital": "PractitionerRole/hosp-chen", "Organization/maker": "PractitionerRole/mfr-xu"} {
				kept = append(kept, obj{"url": "urn:tenon:extension:storage", "extension": []any{obj{"url": "party", "valueReference": obj{"reference": party}},
					obj{"url": "custodian", "valueReference": obj{"reference": custodian}}, obj{"url": "method", "valueString": "own database"},
					obj{"url": "place", "valueString": "Shanghai"}, obj{"url": "country", "valueCode": "CN"}, obj{"url": "format", "valueCode": "STL"}}})
			}
			term["extension"] = kept
		}
		terms = append(terms, term)
	}
	var signers []any
	now := time.Now()
	for who, role := range map[string]string{"hosp-chen": "HOSP", "mfr-xu": "MFR"} {
		kind := obj{"system": "urn:tenon:role", "code": role}
		party := obj{"reference": "PractitionerRole/" + who}
		signers = append(signers, obj{"type": kind, "party": party, "signature": []any{obj{"type": []any{kind}, "when": now.Format(time.RFC3339), "who": party}}})
	}
	b, err := json.Marshal(obj{
		"resourceType": "Contract", "status": "executed", "title": "standing agreement", "identifier": []any{obj{"system": "urn:kill", "value": number}},
		"subject": []any{obj{"reference": "Organization/hospital"}, obj{"reference": "Organization/maker"}},
		"applies": obj{"start": now.AddDate(0, -1, 0).Format(time.DateOnly), "end": now.AddDate(2, 0, 0).Format(time.DateOnly)},
		"term":    terms, "signer": signers,
	})
	if err != nil {
		panic(err) // strings and maps marshal
	}
	return b
}
