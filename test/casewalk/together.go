package casewalk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Together sends steps at the same time and returns the answers in the order of
// the steps. The model is told nothing.
func (c *Case) Together(steps ...Step) ([]*Answer, error) {
	var sends []func() (*Answer, error)
	for _, s := range steps {
		send, err := c.prepared(s)
		if err != nil {
			return nil, err
		}
		sends = append(sends, send)
	}
	return c.atOnce(len(steps), func(i int) (*Answer, error) { return sends[i]() })
}

// atOnce sends n requests that begin together.
func (c *Case) atOnce(n int, send func(i int) (*Answer, error)) ([]*Answer, error) {
	answers, errs := make([]*Answer, n), make([]error, n)
	var done sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-begin
			answers[i], errs[i] = send(i)
		})
	}
	close(begin)
	done.Wait()
	return answers, errors.Join(errs...)
}

// prepared does what a step does before its one request that counts.
func (c *Case) prepared(s Step) (func() (*Answer, error), error) {
	by := c.people[s.Who]
	switch s.Kind {
	case Edit:
		_, part := c.p.part(s.Part)
		w := c.writer(by)
		if part.File {
			if err := c.upload(by, s, part, w); err != nil {
				return nil, err
			}
		}
		body := part.Body(w)
		c.toggle = !c.toggle
		body["language"] = map[bool]string{true: "en", false: "zh"}[c.toggle]
		if s.Defect != "" {
			part.defect(s.Defect).Spoil(body)
		}
		p := c.parts[s.Part]
		body["id"] = p.ref[len(part.Type)+1:]
		return func() (*Answer, error) { return c.w.send(by, "PUT", p.ref, body) }, nil
	case Name: // two who read the same Task and add to it
		task := c.stages[s.Stage].task
		_, part := c.p.part(s.Part)
		change := encode(Arr{Obj{"op": "add", "path": "/output/-", "value": Obj{"type": coded("document", part.document()), "valueReference": ref(c.parts[s.Part].ref)}}})
		return func() (*Answer, error) {
			return c.w.send(by, "PATCH", task, change, "Content-Type", "application/json-patch+json")
		}, nil
	case Move, Sign, Judge, Take, Waive:
		return func() (*Answer, error) { return c.carry(s) }, nil
	}
	return nil, fmt.Errorf("%s is not sent together with others", s.Kind)
}

func ok(a *Answer) bool { return a.Status >= 200 && a.Status < 300 }

// count says how many were allowed.
func count(answers []*Answer) (n int) {
	for _, a := range answers {
		if ok(a) {
			n++
		}
	}
	return n
}

// settle tells the model what came of steps that were sent together: versions as
// they are now, and each signature that was confirmed, over the version that it
// names.
func (c *Case) settle(steps []Step, answers []*Answer) error {
	for i, s := range steps {
		if !ok(answers[i]) {
			continue
		}
		switch s.Kind {
		case Sign:
			_, version, _ := strings.Cut(str(decode(answers[i].Body), "target", "reference"), "/_history/")
			c.marks = append(c.marks, mark{c.people[s.Who], s.Role, s.Purpose, c.parts[s.Part].ref, version, c.clock})
		case Name:
			c.parts[s.Part].named = true
		}
	}
	for _, s := range steps {
		if s.Part == "" {
			continue
		}
		a, err := c.w.send(c.people[c.p.Opener], "GET", c.parts[s.Part].ref, nil)
		if err != nil {
			return err
		}
		c.parts[s.Part].version = a.version()
	}
	for _, st := range c.stages {
		st.version = "" // read anew
	}
	return c.catchUp()
}

// signatureVersions are the versions of a document that a person signed, as the
// record has them.
func (c *Case) signatureVersions(who, target string) (all []string, err error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", "Provenance?_count=200&target="+target, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range list(decode(a.Body), "entry") {
		r := at(e, "resource")
		if at(r, "signature") != nil && str(r, "agent", "who", "reference") == c.people[who].Ref {
			_, version, _ := strings.Cut(str(r, "target", "reference"), "/_history/")
			all = append(all, version)
		}
	}
	slices.Sort(all)
	return all, nil
}

// catchUp takes over what the server let happen against the model.
func (c *Case) catchUp() error {
	seen, err := c.look()
	if err != nil {
		return err
	}
	for code, is := range seen {
		if st := c.stages[code]; st.state != is.state {
			st.state, st.task, st.version = is.state, is.task, ""
		}
	}
	return c.compareTasks()
}
