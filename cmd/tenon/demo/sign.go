package demo

import (
	"fmt"
	"strings"
)

// signature is the request $sign: role, purpose and the person's own secret.
// The answer is the Provenance that carries the JWS.
func signature(by *person, target, role, purpose string, more ...obj) request {
	parameters := arr{
		obj{"name": "role", "valueCode": role},
		obj{"name": "purpose", "valueCode": purpose},
		obj{"name": "secret", "valueString": by.secret},
	}
	for _, m := range more {
		parameters = append(parameters, m)
	}
	return request{as: by, method: "POST", path: "/fhir/" + target + "/$sign", body: obj{"resourceType": "Parameters", "parameter": parameters}}
}

// sign signs the current version of a resource.
func (c *course) sign(by *person, target, purpose string) *answer {
	return c.s.web.expect(201, signature(by, target, by.role, purpose))
}

// signs is sign, and tells it. A document is named in the outputs of its Task
// before, and signed last: a signature counts for the version it was made on.
func (c *course) signs(by *person, purpose string, targets ...string) {
	for _, target := range targets {
		a := c.sign(by, target, purpose)
		o := a.json()
		c.s.tell.line(c.s.stage, by, "%d %s signs %s for %s: %s", a.status, by.name, str(o, "target", "reference"), purpose, a.ref())
	}
}

// answers is the signature of somebody for a condition that the server cannot
// evaluate: over the root Task, in the name of the condition.
func (c *course) answers(by *person, condition string) {
	a := c.sign(by, c.root, "waive:"+condition)
	c.s.tell.line(c.s.stage, by, "%d %s answers for %s, which the server cannot evaluate: %s", a.status, by.name, condition, a.ref())
}

// output is one document that a stage brings: its type (urn:tenon:document) and
// the reference to it.
type output struct{ document, ref string }

// name adds documents to the outputs of the Task of a stage; they become members
// of the case. If-Match keeps two writers from overwriting each other.
func (c *course) name(by *person, stage string, outputs ...output) {
	c.list(by, stage, "output", outputs)
}

// list adds documents to Task.output or Task.input.
func (c *course) list(by *person, stage, element string, documents []output) {
	task := c.task(stage)
	a := c.s.web.expect(200, request{as: by, method: "GET", path: "/fhir/" + task})
	change := arr{}
	if get(a.json(), element) == nil {
		change = append(change, obj{"op": "add", "path": "/" + element, "value": arr{}})
	}
	var told []string
	for _, d := range documents {
		change = append(change, obj{"op": "add", "path": "/" + element + "/-", "value": obj{
			"type": code("document", d.document), "valueReference": ref(d.ref),
		}})
		told = append(told, d.document+" "+d.ref)
	}
	if element == "output" && stage >= "S06" && stage <= "S16" && !strings.Contains(string(a.body), "no-new-risk") {
		change = append(change, obj{"op": "add", "path": "/output/-", "value": noNewRisk()})
	}
	q := patch(by, task, change)
	q.header = map[string]string{"If-Match": a.header.Get("ETag")}
	b := c.s.web.expect(200, q)
	c.s.tell.line(stage, by, "%d %s names as %s of the Task: %s", b.status, by.name, element, strings.Join(told, ", "))
}

// noNewRisk is what whoever names the documents of a stage says of its risks: none
// beyond those that are assessed (clause 3.5).
func noNewRisk() obj {
	said := code("risk-decision", "no-new-risk")
	said["text"] = "无新增风险 nothing beyond the risks of the plan"
	return obj{"type": code("document", "risk-decision"), "valueCodeableConcept": said}
}

// add creates a document, tells it and names it.
func (c *course) add(by *person, stage, document string, resource obj) string {
	made := c.s.create(by, resource)
	c.name(by, stage, output{document, made})
	return made
}

// create creates a resource and returns its reference.
func (s *story) create(by *person, resource obj) string {
	a := s.web.expect(201, request{as: by, method: "POST", path: "/fhir/" + str(resource, "resourceType"), body: resource})
	s.tell.line(s.stage, by, "%d %s creates %s version %s%s", a.status, by.name, a.ref(), a.version(), title(a.json()))
	return a.ref()
}

// title is what a resource calls itself, for the line that tells of it.
func title(o obj) string {
	for _, path := range [][]string{
		{"title"},
		{"description"},
		{"description", "text"},
		{"code", "text"},
		{"codeCodeableConcept", "text"},
		{"deviceName", "name"},
		{"payload", "contentString"},
		{"name", "text"},
		{"topic", "text"},
	} {
		if t := str(o, path...); t != "" {
			return fmt.Sprintf(" “%s”", t)
		}
	}
	return ""
}

// read reads a resource.
func (s *story) read(by *person, ref string) obj {
	return s.web.expect(200, request{as: by, method: "GET", path: "/fhir/" + ref}).json()
}

// change reads a resource, changes it, and puts it back on the version read.
func (s *story) change(by *person, ref string, change func(o obj)) *answer {
	a := s.web.expect(200, request{as: by, method: "GET", path: "/fhir/" + ref})
	o := a.json()
	change(o)
	return s.web.expect(200, request{as: by, method: "PUT", path: "/fhir/" + ref, body: o, header: map[string]string{"If-Match": a.header.Get("ETag")}})
}

// find searches and returns the resources of the answer.
func (s *story) find(by *person, query string) []obj {
	var all []obj
	for _, e := range items(s.web.expect(200, request{as: by, method: "GET", path: "/fhir/" + query}).json(), "entry") {
		if r, ok := e["resource"].(obj); ok {
			all = append(all, r)
		}
	}
	return all
}
