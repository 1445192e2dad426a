package casewalk

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Together sends steps at the same time, each by a person of its own, and returns
// the answers in the order of the steps. The model is told nothing.
func (c *Case) Together(steps ...Step) ([]*Answer, error) {
	answers, errs := make([]*Answer, len(steps)), make([]error, len(steps))
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for i, s := range steps {
		send, err := c.prepared(s)
		if err != nil {
			return nil, err
		}
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			answers[i], errs[i] = send()
		})
	}
	ready.Wait()
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

func count(answers []*Answer) (n int) {
	for _, a := range answers {
		if ok(a) {
			n++
		}
	}
	return n
}

// signatures reads who signed what in the case: "role purpose target version" of
// every Provenance with a signature of a target.
func (c *Case) signaturesOf(ref string) (all []string, err error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", "Provenance?_count=100&target="+ref, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range list(decode(a.Body), "entry") {
		r := at(e, "resource")
		if at(r, "signature") != nil {
			all = append(all, str(r, "signature", "who", "reference")+" "+str(r, "target", "reference"))
		}
	}
	slices.Sort(all)
	return all, nil
}
