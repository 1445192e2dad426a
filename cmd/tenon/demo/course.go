package demo

import (
	"fmt"
	"slices"
	"strings"
)

// course is one case on its way: the protocol that every stage follows
// (profiles/implant/README.md, "Protocol of every stage").
type course struct {
	s      *story
	root   string  // Task/x
	reader *person // who reads $case
	// The gates that were seen closed, by stage: before its work, and before its
	// completion.
	start, end map[string][]string
	done       []string // stages that were completed, in this order
	headed     string   // stage whose heading was printed last
}

// open applies a plan: the answer is the root Task of the new case.
// https://hl7.org/fhir/R4/plandefinition-operation-apply.html
func (s *story) open(by *person, plan string, parameters ...obj) *course {
	list := arr{}
	for _, p := range parameters {
		list = append(list, p)
	}
	a := s.web.expect(201, request{
		as: by, method: "POST", path: "/fhir/PlanDefinition/" + plan + "/$apply",
		body: obj{"resourceType": "Parameters", "parameter": list},
	})
	c := &course{s: s, root: a.ref(), reader: by, start: map[string][]string{}, end: map[string][]string{}}
	root := a.json()
	s.tell.line("", by, "%d %s opens case %s as %s on %s", a.status, by.name, str(root, "groupIdentifier", "value"), c.root, str(root, "instantiatesCanonical"))
	return c
}

// stage is what $case tells of one stage.
type stage struct {
	code, title, chinese, task, state string
	unmet                             []problem // rule is gate/condition
}

// look reads $case.
func (c *course) look() map[string]stage {
	a := c.s.web.expect(200, request{as: c.reader, method: "GET", path: "/fhir/" + c.root + "/$case"})
	all := map[string]stage{}
	for _, p := range items(a.json(), "parameter") {
		if str(p, "name") == "stage" {
			st := stageOf(p)
			c.remember(st)
			all[st.code] = st
		}
	}
	return all
}

func stageOf(parameter obj) (st stage) {
	for _, part := range items(parameter, "part") {
		switch str(part, "name") {
		case "code":
			st.code = str(part, "valueCode")
		case "title":
			st.title = str(part, "valueString")
		case "title-zh":
			st.chinese = str(part, "valueString")
		case "task":
			st.task = str(part, "valueReference", "reference")
		case "state":
			st.state = str(part, "valueCode")
		case "unmet":
			st.unmet = append(st.unmet, unmetOf(part))
		}
	}
	return st
}

func unmetOf(parameter obj) (p problem) {
	gate := ""
	for _, part := range items(parameter, "part") {
		value := str(part, "valueString")
		switch str(part, "name") {
		case "gate":
			gate = value + "/"
		case "condition":
			p.rule = value
		case "clause":
			p.clause = value
		case "text":
			p.text = value
		case "text-zh":
			p.chinese = value
		}
	}
	p.rule = gate + p.rule
	return p
}

// remember notes which gates are closed now.
func (c *course) remember(st stage) {
	book := c.start
	switch st.state {
	case "working":
		book = c.end
	case "future", "accepted":
	default:
		return
	}
	for _, p := range st.unmet {
		if gate, _, found := strings.Cut(p.rule, "/"); found && !slices.Contains(book[st.code], gate) {
			book[st.code] = append(book[st.code], gate)
		}
	}
}

// task is the Task of a stage.
func (c *course) task(code string) string {
	st := c.look()[code]
	if st.task == "" {
		stop(fmt.Errorf("%s: the case has no Task of this stage: %s", code, st.state))
	}
	return st.task
}

// statusOf is the Task.status that goes with a sub-state.
var statusOf = map[string]string{
	"received": "received", "judged-conform": "received", "accepted": "accepted", "working": "in-progress",
	"completed": "completed", "returned": "rejected", "failed": "failed",
}

// step is the JSON Patch that moves a stage: status, sub-state, and the owner,
// who is whoever moves it.
func step(by *person, state string) arr {
	return arr{
		obj{"op": "replace", "path": "/status", "value": statusOf[state]},
		obj{"op": "replace", "path": "/businessStatus", "value": code("substate", state)},
		obj{"op": "add", "path": "/owner", "value": ref(by.ref)},
	}
}

// patch is a PATCH of a resource.
func patch(by *person, target string, change arr) request {
	return request{as: by, method: "PATCH", path: "/fhir/" + target, body: change, contentType: jsonPatch}
}

func (c *course) move(by *person, task, state string) *answer {
	return c.s.web.expect(200, patch(by, task, step(by, state)))
}

// principals judge what came before them and sign what they take over (clauses
// 8.2.2 and 9.2).
var principals = []string{"CLIN", "DES", "PROD"}

// head prints the heading of a stage, once.
func (c *course) head(code string) {
	c.s.stage = code
	if c.headed != code {
		st := c.look()[code]
		c.s.tell.chapter(code, st.title, st.chinese)
	}
	c.headed = code
}

// take receives, judges and accepts a stage.
func (c *course) take(by *person, code string) string {
	c.head(code)
	task := c.task(code)
	before := predecessors(c.move(by, task, "received").json())
	judged := ""
	if slices.Contains(principals, by.role) && len(before) > 0 {
		for _, p := range before {
			c.sign(by, p, "judgement")
		}
		c.move(by, task, "judged-conform")
		c.sign(by, task, "acceptance")
		judged = ", judges " + strings.Join(before, ", ") + " conform and signs"
	}
	a := c.move(by, task, "accepted")
	c.s.tell.line(code, by, "%d %s receives %s%s, accepts; due %s", a.status, by.name, task, judged, str(a.json(), "restriction", "period", "end"))
	return task
}

func predecessors(task obj) []string {
	var all []string
	for _, in := range items(task, "input") {
		if str(in, "type", "coding", "code") == "predecessor" {
			all = append(all, str(in, "valueReference", "reference"))
		}
	}
	return all
}

// work sets an accepted stage to work; its start gate opens.
func (c *course) work(by *person, code string) {
	st := c.look()[code]
	c.move(by, st.task, "working")
	c.opened(code, c.start[code])
}

// begin is take and work.
func (c *course) begin(by *person, code string) string {
	task := c.take(by, code)
	c.work(by, code)
	return task
}

// complete ends a stage; its stop gate opens and the next ones are handed over.
func (c *course) complete(by *person, code string) {
	before := c.look()
	if c.s.o.Ready != nil {
		c.s.o.Ready(code, c.root)
	}
	a := c.move(by, before[code].task, "completed")
	c.completed(by, code, a)
}

func (c *course) completed(by *person, code string, a *answer) {
	c.opened(code, c.end[code])
	c.done = append(c.done, code)
	var next []string
	for _, st := range c.sorted() {
		if st.state == "handed-over" {
			next = append(next, st.code+" "+st.chinese)
		}
	}
	c.s.tell.line(code, by, "%d %s completes %s (%s); waiting now: %s", a.status, by.name, code, str(a.json(), "businessStatus", "coding", "code"), strings.Join(next, ", "))
}

func (c *course) sorted() []stage {
	var all []stage
	for _, st := range c.look() {
		all = append(all, st)
	}
	slices.SortFunc(all, func(a, b stage) int { return strings.Compare(a.code, b.code) })
	return all
}

func (c *course) opened(code string, gates []string) {
	for _, g := range gates {
		c.s.seen.Gates = append(c.s.seen.Gates, g)
		c.s.tell.note(code, "▶ passes %s", g)
	}
}
