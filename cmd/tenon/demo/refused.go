package demo

import (
	"fmt"
	"strings"
)

// Refusal is a refusal that the story provoked and the server gave.
type Refusal struct {
	Name    string // what was tried
	Stage   string
	Role    string // who tried, "" without a token
	Status  int
	Rule    string // code of urn:tenon:rule
	Element string // FHIRPath of the element, or the name of a header or parameter
	Text    string
}

// refusal is what the story expects of an answer.
type refusal struct {
	name    string
	status  int
	rule    string
	element string
}

// refused sends a request that must be refused with this status, rule and
// element, and tells the refusal as the server words it.
func (s *story) refused(stage string, want refusal, q request) *answer {
	a := s.web.send(q)
	return s.refusedBy(stage, want, q.as, a)
}

// refusedBy judges an answer that was got in another way.
func (s *story) refusedBy(stage string, want refusal, by *person, a *answer) *answer {
	wanted := fmt.Sprintf("a refusal with %d, rule %s, element %q", want.status, want.rule, want.element)
	problems := a.problems()
	if a.status != want.status {
		stop(&Unexpected{a.request, wanted, fmt.Sprint(a.status), a.told()})
	}
	for _, p := range problems {
		if p.rule != want.rule || p.element != want.element {
			continue
		}
		if strings.TrimSpace(p.text) == "" {
			break // a refusal says why
		}
		if by == nil {
			by = &person{}
		}
		r := Refusal{want.name, stage, by.role, a.status, p.rule, p.element, p.text}
		s.seen.Refusals = append(s.seen.Refusals, r)
		s.tell.refusal(r, p.chinese, len(problems)-1)
		return a
	}
	stop(&Unexpected{a.request, wanted, fmt.Sprint(a.status), a.told()})
	return nil
}
