package terminology

// https://hl7.org/fhir/R4/codesystem-operation-subsumes.html

import (
	"math/big"

	"tenon/fhir/issue"
	"tenon/fhir/ucum"
)

// The outcomes of Subsumes.
// https://hl7.org/fhir/R4/codesystem-concept-subsumption-outcome.html
const (
	Equivalent  = "equivalent"
	Subsumes    = "subsumes"
	SubsumedBy  = "subsumed-by"
	NotSubsumed = "not-subsumed"
)

// Subsumes tells how code a stands to code b of the same system. The errors are
// *issue.Failure: not-found for a code or system that is not here.
func (s *Server) Subsumes(system, version, a, b string) (string, error) {
	cs, err := s.must(system, version)
	if err != nil {
		return "", err
	}
	i, t, err := cs.locate(a)
	if err != nil {
		return "", err
	}
	j, _, err := cs.locate(b)
	switch {
	case err != nil:
		return "", err
	case t == nil:
		return cs.compare(a, b), nil
	case i == j:
		return Equivalent, nil
	case t.below(i, j):
		return Subsumes, nil
	case t.below(j, i):
		return SubsumedBy, nil
	}
	return NotSubsumed, nil
}

// compare is for codes of a grammar: units are the same if their values are.
func (cs *system) compare(a, b string) string {
	if a == b {
		return Equivalent
	}
	if cs.url != ucumSystem {
		return NotSubsumed
	}
	u, errU := ucum.Parse(a)
	v, errV := ucum.Parse(b)
	if errU != nil || errV != nil {
		return NotSubsumed
	}
	for _, value := range []*big.Rat{new(big.Rat), big.NewRat(1, 1)} { // a scale may have another zero
		if same, ok := ucum.Convert(value, u, v); !ok || same.Cmp(value) != 0 {
			return NotSubsumed
		}
	}
	return Equivalent
}

// locate finds a code or says that it is not here.
func (cs *system) locate(code string) (uint32, *table, error) {
	i, t, verdict := cs.has(code)
	switch verdict {
	case NotMember:
		a := noCode(Coding{System: cs.url, Code: code}, cs)
		return 0, nil, issue.Errorf(issue.NotFound, "%s", a.Text).Rule("code-unknown").Chinese(a.Chinese)
	case Unknown:
		return 0, nil, notAll(cs).failure(issue.NotFound)
	}
	return i, t, nil
}

// Below visits a code and all codes below it, each once, until visit says
// false: the search modifier :below. The errors are those of Subsumes.
func (s *Server) Below(system, version, code string, visit func(code string) bool) error {
	return s.line(system, version, code, visit, (*table).descendants)
}

// Above visits a code and all codes above it, each once, until visit says
// false: the search modifier :above. The errors are those of Subsumes.
func (s *Server) Above(system, version, code string, visit func(code string) bool) error {
	return s.line(system, version, code, visit, (*table).ancestors)
}

func (s *Server) line(system, version, code string, visit func(string) bool, walk func(*table, uint32, func(uint32) bool)) error {
	cs, err := s.must(system, version)
	if err != nil {
		return err
	}
	i, t, err := cs.locate(code)
	if err != nil {
		return err
	}
	if t == nil {
		visit(code)
		return nil
	}
	walk(t, i, func(k uint32) bool { return visit(t.code(k)) })
	return nil
}
