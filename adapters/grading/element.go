package grading

import (
	"fmt"
	"strings"
)

// element is a place in the tree of FHIR paths.
type element struct {
	rows     []*Row // of this element: without a qualifier at most one
	children map[string]*element
	choices  []choice // children named base[x]
	any      *Row     // the row "Type.*"
}

type choice struct {
	base string
	*element
}

func (t *Table) placeFHIR(r *Row) error {
	steps := strings.Split(r.Path, ".")
	if len(steps) < 2 {
		return fmt.Errorf("path %q names no element", r.Path)
	}
	e := child(t.types, steps[0])
	for i, s := range steps[1:] {
		if s == "*" {
			if i != len(steps)-2 || r.Qualifier != "" {
				return fmt.Errorf("path %q: a star stands last and alone", r.Path)
			}
			e.any = r
			return nil
		}
		if base, ok := strings.CutSuffix(s, "[x]"); ok {
			e = e.choice(base)
			continue
		}
		if e.children == nil {
			e.children = map[string]*element{}
		}
		e = child(e.children, s)
	}
	e.rows = append(e.rows, r)
	return nil
}

func child(m map[string]*element, name string) *element {
	if m[name] == nil {
		m[name] = &element{}
	}
	return m[name]
}

func (e *element) choice(base string) *element {
	for _, c := range e.choices {
		if c.base == base {
			return c.element
		}
	}
	e.choices = append(e.choices, choice{base, &element{}})
	return e.choices[len(e.choices)-1].element
}

// find returns the places of a JSON property: the property itself, and the
// choice element whose typed name it is. Either may be nil.
func (e *element) find(property string) (own, choice *element) {
	if e == nil {
		return nil, nil
	}
	own = e.children[property]
	for _, c := range e.choices {
		if rest, ok := strings.CutPrefix(property, c.base); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return own, c.element
		}
	}
	return own, nil
}

// star is the row for all members without one of their own, or nil.
func (e *element) star() *Row {
	if e == nil {
		return nil
	}
	return e.any
}

// deep reports whether elements inside have rows of their own.
func (e *element) deep() bool { return e != nil && (len(e.children) > 0 || len(e.choices) > 0) }
