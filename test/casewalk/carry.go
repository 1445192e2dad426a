package casewalk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// carry sends the request of a step.
func (c *Case) carry(s Step) (*Answer, error) {
	by := c.people[s.Who]
	switch s.Kind {
	case Move:
		return c.w.send(by, "PATCH", c.stages[s.Stage].task, moved(by, s.To), "Content-Type", "application/json-patch+json")
	case Put:
		return c.put(by, s)
	case Judge:
		return c.signature(by, c.stages[s.Pred].task, by.Role, s.Purpose, "")
	case Take:
		return c.signature(by, c.stages[s.Stage].task, by.Role, "acceptance", "")
	case Sign:
		return c.signature(by, c.parts[s.Part].ref, s.Role, s.Purpose, "")
	case Outdate:
		return c.signature(by, c.parts[s.Part].ref, s.Role, s.Purpose, "1")
	case Waive:
		return c.signature(by, c.root, by.Role, "waive:"+s.Purpose, "")
	case Make, Edit:
		return c.write(by, s)
	case Name:
		_, part := c.p.part(s.Part)
		return c.name(by, s.Stage, part.As, part.document(), c.parts[s.Part].ref)
	case Foreign:
		return c.name(by, s.Stage, Output, "goal", c.w.strangers)
	case Forge:
		return c.forge(by, s)
	case Read:
		return c.w.send(by, "GET", c.root+"/$case", nil)
	case Use:
		return c.w.send(by, "POST", "Procedure", used(c.writer(by)))
	}
	return c.except(by, s)
}

// moved is the JSON Patch that moves a stage.
func moved(by *Person, to string) []byte {
	change := Arr{
		Obj{"op": "replace", "path": "/status", "value": statusOf[to]},
		Obj{"op": "replace", "path": "/businessStatus", "value": coded("substate", to)},
		Obj{"op": "add", "path": "/owner", "value": ref(by.Ref)},
	}
	if to == returned || to == failed {
		change = append(change, Obj{"op": "add", "path": "/statusReason", "value": text("not fit to go on with")})
	}
	return encode(change)
}

// put moves a stage by a PUT of the whole Task as the opener reads it.
func (c *Case) put(by *Person, s Step) (*Answer, error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", c.stages[s.Stage].task, nil)
	if err != nil {
		return nil, err
	}
	o := decode(a.Body)
	o["status"], o["businessStatus"], o["owner"] = statusOf[s.To], coded("substate", s.To), ref(by.Ref)
	if s.To == returned || s.To == failed {
		o["statusReason"] = text("not fit to go on with")
	}
	return c.w.send(by, "PUT", c.stages[s.Stage].task, o)
}

func (c *Case) signature(by *Person, target, role, purpose, version string) (*Answer, error) {
	parameters := Arr{
		Obj{"name": "role", "valueCode": role}, Obj{"name": "purpose", "valueCode": purpose}, Obj{"name": "secret", "valueString": by.Secret},
	}
	if version != "" {
		parameters = append(parameters, Obj{"name": "version", "valueString": version})
	}
	return c.w.send(by, "POST", target+"/$sign", Obj{"resourceType": "Parameters", "parameter": parameters})
}

// name adds a document to the Task of a stage.
func (c *Case) name(by *Person, stage string, as As, document, target string) (*Answer, error) {
	task, element := c.stages[stage].task, "output"
	if as == Input {
		element = "input"
	}
	a, err := c.w.send(c.people[c.p.Opener], "GET", task, nil)
	if err != nil {
		return nil, err
	}
	change := Arr{}
	if at(decode(a.Body), element) == nil {
		change = append(change, Obj{"op": "add", "path": "/" + element, "value": Arr{}})
	}
	change = append(change, Obj{"op": "add", "path": "/" + element + "/-", "value": Obj{"type": coded("document", document), "valueReference": ref(target)}})
	if decided := c.riskless(stage, at(decode(a.Body), "output")); element == "output" && decided != nil {
		change = append(change, Obj{"op": "add", "path": "/output/-", "value": decided})
	}
	said := slices.ContainsFunc(list(decode(a.Body), "input"), func(i Obj) bool { return str(i, "type", "coding", "system") == tenon+"process-parameter" })
	if document == "process" && c.p.Plan == "socket" && !said { // which process it is of those of the standard
		change = append(change, Obj{"op": "add", "path": "/input/-", "value": Obj{
			"type": coded("process-parameter", "process"), "valueCodeableConcept": coded("am-process", "PBF"),
		}})
	}
	return c.w.send(by, "PATCH", task, encode(change), "Content-Type", "application/json-patch+json")
}

// riskless is what whoever names the first document of a stage from order to
// acceptance says of its risks (3.5); nil where it is said or not asked for.
func (c *Case) riskless(stage string, outputs any) Obj {
	named, _ := outputs.([]any)
	for _, o := range named {
		if str(o, "type", "coding", "code") == "risk-decision" {
			return nil
		}
	}
	if stage < "S06" || stage > "S16" {
		return nil
	}
	said := coded("risk-decision", "no-new-risk")
	said["text"] = "nothing beyond the risks of the plan"
	return Obj{"type": coded("document", "risk-decision"), "valueCodeableConcept": said}
}

// forge posts a Task of a stage as if it were at work.
func (c *Case) forge(by *Person, s Step) (*Answer, error) {
	o := Obj{
		"resourceType": "Task", "status": "in-progress", "intent": "order", "partOf": refs(c.root), "owner": ref(by.Ref),
		"groupIdentifier": Obj{"value": c.number}, "businessStatus": coded("substate", working), "code": coded("stage", s.Stage),
	}
	if c.patient != nil {
		o["for"] = ref(c.patient.Ref)
	}
	return c.w.send(by, "POST", "Task", o)
}

// write makes a part, or writes it anew.
func (c *Case) write(by *Person, s Step) (*Answer, error) {
	_, part := c.p.part(s.Part)
	if part.Given != "" {
		return c.given(part)
	}
	if part.Type == "ImagingStudy" {
		return c.w.study(by, c.patient.Ref, c.root)
	}
	w := c.writer(by)
	if part.File {
		if err := c.upload(by, s, part, w); err != nil {
			return nil, err
		}
	}
	body := part.Body(w)
	c.toggle = !c.toggle
	body["language"] = map[bool]string{true: "en", false: "zh"}[c.toggle] // never the same twice
	if s.Defect != "" {
		part.defect(s.Defect).Spoil(body)
	}
	path := s.Part
	if part.Edits != "" {
		path = part.Edits
	}
	p := c.parts[path]
	if p == nil {
		return c.w.send(by, "POST", part.Type, body)
	}
	_, id, _ := bytes.Cut([]byte(p.ref), []byte("/"))
	body["id"] = string(id)
	return c.w.send(by, "PUT", p.ref, body)
}

// given reads what is there already.
func (c *Case) given(part *Part) (*Answer, error) {
	target := part.Given
	if target == "agreement" {
		target = c.w.Agreement
	}
	a, err := c.w.send(c.people[part.By], "GET", target, nil)
	if err == nil {
		a.Header.Set("Location", "/fhir/"+target+"/_history/"+a.version())
	}
	return a, err
}

// upload stores the file of a part: a cube for a model, a line of text otherwise.
// A part that is written anew keeps its file: others state its digest.
func (c *Case) upload(by *Person, s Step, part *Part, w *Writer) error {
	if kept, ok := c.files[s.Part]; ok {
		w.File, w.Sum, w.Kind = kept[0], kept[1], kept[2]
		return nil
	}
	content, kind := fmt.Appendf(nil, "%s of %s, edition %d", part.Key, c.number, c.clock), "text/plain"
	if part.Key == "design-model" {
		content, kind = cube(80, fmt.Sprintf("%s edition %d", c.number, c.clock)), "model/stl"
	}
	if part.Key == "image-study" || part.Key == "surface-model" { // a stump, or the surface around it: open at its upper end
		content, kind = openCube(80, c.number), "model/stl"
	}
	if part.Key == "ifu" {
		content, kind = append([]byte("%PDF-1.4\n% "), content...), "application/pdf"
	}
	a, err := c.w.send(by, "POST", "Binary", content, "Content-Type", kind)
	if err != nil {
		return err
	}
	if a.Status != 201 {
		return fmt.Errorf("%s\n  POST Binary = %d %.300s", s, a.Status, a.Body)
	}
	w.File, w.Sum, w.Kind = a.Ref(), digest(content), kind
	c.stored = [3]string{w.File, w.Sum, w.Kind}
	return nil
}

// openCube is a cube without its upper face.
func openCube(side float32, header string) []byte {
	whole := cube(side, header)
	const head, face = 84, 50
	kept := append(append([]byte(nil), whole[:head+2*face]...), whole[head+4*face:]...)
	binary.LittleEndian.PutUint32(kept[80:], 10)
	return kept
}

// cube is a closed solid as a binary STL; the header makes its bytes its own.
func cube(side float32, header string) []byte {
	var b bytes.Buffer
	head := make([]byte, 80)
	copy(head, header)
	b.Write(head)
	corners := [8][3]float32{{0, 0, 0}, {side, 0, 0}, {side, side, 0}, {0, side, 0}, {0, 0, side}, {side, 0, side}, {side, side, side}, {0, side, side}}
	faces := [12][3]int{{0, 2, 1}, {0, 3, 2}, {4, 5, 6}, {4, 6, 7}, {0, 1, 5}, {0, 5, 4}, {1, 2, 6}, {1, 6, 5}, {2, 3, 7}, {2, 7, 6}, {3, 0, 4}, {3, 4, 7}}
	write := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a buffer takes all
	write(uint32(len(faces)))
	for _, f := range faces {
		write([3]float32{})
		for _, corner := range f {
			write(corners[corner])
		}
		write(uint16(0))
	}
	return b.Bytes()
}
