package casewalk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Case is one case on a server, with the model beside it.
type Case struct {
	*Model
	w       *World
	number  string
	patient *Person
	person  Obj
	sums    map[string]string
	written map[string]Obj // last body of a part, as the server has it
	trace   []Step
	stored  [3]string // Binary, SHA-256 and content type of the file that was stored last
	files   map[string][3]string
	quiet   bool // $case and Tasks are not compared after every step
	toggle  bool
	last    time.Time
	began   time.Time
	allowed int
	used    string // when the device was used, however often that is written
	Prior   string // order that the next one replaces
	demands string // number of the case that a new demand opens
	next    *Case  // that case
}

// Open begins a case of a process.
func (w *World) Open(p *Process) (*Case, error) {
	c := &Case{w: w, began: time.Now(), number: fmt.Sprintf("W-%06d", w.number()), sums: map[string]string{}, files: map[string][3]string{}, written: map[string]Obj{}}
	people := maps.Clone(w.Cast)
	settings := Arr{Obj{"name": "case-number", "valueString": c.number}}
	if p.Settings != nil {
		var err error
		if c.patient, err = w.patient("patient"); err != nil {
			return nil, err
		}
		people["patient"] = c.patient
		a, err := w.send(w.Cast["clin-wang"], "GET", c.patient.Ref, nil)
		if err != nil {
			return nil, err
		}
		c.person = decode(a.Body)
		settings = p.Settings(c.patient.Ref, c.number)
	}
	c.Model = newModel(p, people)
	a, err := w.send(w.Cast[p.Opener], "POST", "PlanDefinition/"+p.Plan+"/$apply", Obj{"resourceType": "Parameters", "parameter": settings})
	if err != nil {
		return nil, err
	}
	if a.Status != 201 {
		return nil, fmt.Errorf("$apply of %s = %d %.600s, want 201", p.Plan, a.Status, a.Body)
	}
	c.root = a.Ref()
	c.stages[p.Stages[0].Code].state = handedOver
	seen, err := c.look()
	if err != nil {
		return nil, err
	}
	return c, c.agree(seen)
}

// stageSeen is what $case tells of a stage.
type stageSeen struct {
	state, task string
	unmet       []Issue
}

// look reads $case as the opener.
func (c *Case) look() (map[string]stageSeen, error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", c.root+"/$case", nil)
	if err != nil {
		return nil, err
	}
	if a.Status != 200 {
		return nil, fmt.Errorf("$case = %d %.300s", a.Status, a.Body)
	}
	all := map[string]stageSeen{}
	for _, p := range list(decode(a.Body), "parameter") {
		if str(p, "name") == "stage" {
			code, s := seenOf(p)
			all[code] = s
		}
	}
	return all, nil
}

func seenOf(parameter Obj) (code string, s stageSeen) {
	for _, part := range list(parameter, "part") {
		switch str(part, "name") {
		case "code":
			code = str(part, "valueCode")
		case "task":
			s.task = str(part, "valueReference", "reference")
		case "state":
			s.state = str(part, "valueCode")
		case "unmet":
			s.unmet = append(s.unmet, unmetOf(part))
		}
	}
	return code, s
}

func unmetOf(parameter Obj) (i Issue) {
	gate := ""
	for _, part := range list(parameter, "part") {
		value := str(part, "valueString")
		switch str(part, "name") {
		case "gate":
			gate = value + "/"
		case "condition":
			i.Rule = value
		case "clause":
			i.Clause = append(i.Clause, strings.Fields(value)...)
		case "text":
			i.Text = value
		case "text-zh":
			i.Chinese = value
		}
	}
	i.Rule = gate + i.Rule
	return i
}

// agree compares what $case shows with the model, and takes over the names of
// Tasks that the server made.
func (c *Case) agree(seen map[string]stageSeen) error {
	for _, s := range c.p.Stages {
		st, is := c.stages[s.Code], seen[s.Code]
		if st.state == future && slices.Contains(c.past, is.task) && (is.state == "overtaken" || is.state == "cancelled") {
			continue // it is done anew when its turn comes
		}
		if is.state != st.state {
			return fmt.Errorf("%s is %q by $case, the model has %q", s.Code, is.state, st.state)
		}
		if st.task == "" && is.task != "" {
			st.task, st.version, st.created = is.task, "", c.clock
		}
		if st.task != is.task {
			return fmt.Errorf("the Task of %s is %q by $case, it was %q", s.Code, is.task, st.task)
		}
		if st.state == working && c.x == nil && !c.revoked && !c.typeEnded && !c.unsure(&s) {
			unmet := c.unmet(&s)
			if (len(unmet) == 0) != (len(is.unmet) == 0) {
				return fmt.Errorf("%s at work: $case has %d unmet conditions %v, the model %d %v", s.Code, len(is.unmet), rules(is.unmet), len(unmet), unmet)
			}
		}
	}
	return nil
}

func rules(issues []Issue) (all []string) {
	for _, i := range issues {
		all = append(all, i.Rule+" "+i.Text)
	}
	return all
}

// tasks reads all Tasks of the stages: id → version, status and owner.
func (c *Case) tasks() (map[string]string, map[string]string, error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", "Task?part-of="+c.root+"&_count=1000&_elements=status,businessStatus,code", nil)
	if err != nil {
		return nil, nil, err
	}
	versions, states := map[string]string{}, map[string]string{}
	for _, e := range list(decode(a.Body), "entry") {
		r := at(e, "resource")
		if id := "Task/" + str(r, "id"); str(r, "code", "coding", "system") == tenon+"stage" {
			versions[id] = str(r, "meta", "versionId")
			states[id] = str(r, "status") + " " + str(r, "businessStatus", "coding", "code")
		}
	}
	return versions, states, nil
}

// compareTasks holds the Tasks against the model: no other version, no other
// status than the steps that were allowed have made.
func (c *Case) compareTasks() error {
	versions, states, err := c.tasks()
	if err != nil {
		return err
	}
	known := len(c.past)
	for code, st := range c.stages {
		if st.task == "" {
			continue
		}
		known++
		if st.version == "" {
			st.version = versions[st.task]
		}
		if versions[st.task] != st.version {
			return fmt.Errorf("%s (%s) is at version %s, the model has %s", code, st.task, versions[st.task], st.version)
		}
		if want := statusOf[st.state] + " " + st.state; states[st.task] != want {
			return fmt.Errorf("%s (%s) is %q, the model has %q", code, st.task, states[st.task], want)
		}
	}
	if len(states) != known {
		return fmt.Errorf("the case has %d Tasks of stages, the model %d", len(states), known)
	}
	return nil
}

// numbered is the number of the case, which differs when stages are done anew.
func (c *Case) numbered() string {
	if c.generation == 0 {
		return c.number
	}
	return fmt.Sprintf("%sr%d", c.number, c.generation)
}

// writer prepares the writing of a part.
func (c *Case) writer(by *Person) *Writer {
	now := time.Now()
	if !now.After(c.last) {
		now = c.last.Add(time.Microsecond)
	}
	c.last = now
	w := &Writer{
		By: by.Ref, Person: c.person, Root: c.root, Number: c.numbered(), Prior: c.Prior, Joined: c.joined, Used: c.used, Generation: c.generation, Attending: c.people[c.acts(c.p.Opener)].Ref, Agreement: c.w.Agreement, Now: now,
		Refs: map[string]string{}, Versions: map[string]string{}, Sums: c.sums, Tasks: map[string]string{}, Cast: c.people, Opened: c.began, Forms: c.w.Forms,
	}
	if c.patient != nil {
		w.Patient = c.patient.Ref
	}
	for key, p := range c.parts {
		w.Refs[key], w.Versions[key] = p.ref, p.version
	}
	for code, st := range c.stages {
		w.Tasks[code] = st.task
	}
	if w.Imaged = str(c.written["S02/image-study"], "started"); w.Imaged == "" { // a scan is no ImagingStudy
		w.Imaged = str(c.written["S02/acquisition"], "performedDateTime")
	}
	w.Confirmed = str(c.written["S10/confirmation-form"], "date")
	return w
}

// standing tells where the case is, for a trace.
func (c *Case) standing() string {
	var b strings.Builder
	for _, s := range c.p.Stages {
		if st := c.stages[s.Code].state; st != future {
			fmt.Fprintf(&b, "%s %s, ", s.Code, st)
		}
	}
	return strings.TrimSuffix(b.String(), ", ")
}
