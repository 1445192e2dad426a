package validate

// https://hl7.org/fhir/R4/profiling.html#slicing

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// slicing tells the values of one element apart.
type slicing struct {
	of             *element
	discriminators []discriminator
	rules          string // open, closed, openAtEnd
	ordered        bool
	slices         []*element

	once     sync.Once
	criteria [][]criterion // of each slice: all must hold
}

type discriminator struct{ kind, path string }

func readSlicing(e *element, n tree.Node) *slicing {
	s := &slicing{of: e, rules: string(n.Field("rules").AppendStr(nil)), ordered: n.Field("ordered").Bool()}
	for d := range n.Field("discriminator").Items() {
		s.discriminators = append(s.discriminators, discriminator{string(d.Field("type").AppendStr(nil)), string(d.Field("path").AppendStr(nil))})
	}
	return s
}

// implied is the slicing of slices whose element does not say how they differ:
// extensions differ by url, the types of a choice by type.
func implied(e *element) *slicing {
	s := &slicing{of: e, rules: "open"}
	switch {
	case e.base == nil:
	case e.base.Type != nil && e.base.Type.Name == "Extension":
		s.discriminators = []discriminator{{"value", "url"}}
	case e.base.Choice:
		s.discriminators = []discriminator{{"type", "$this"}}
	}
	return s
}

// matters tells whether the slicing can find a fault: open slices of extensions
// that say no more than the extension's own definition can't.
func (s *slicing) matters() bool {
	if s.rules == "closed" || s.ordered && len(s.slices) > 1 || s.rules == "openAtEnd" {
		return len(s.slices) > 0 || s.rules == "closed"
	}
	s.slices = slices.DeleteFunc(s.slices, func(e *element) bool { return !e.matters })
	if s.of.base == nil || s.of.base.Type == nil || s.of.base.Type.Name != "Extension" {
		return len(s.slices) > 0
	}
	return slices.ContainsFunc(s.slices, func(e *element) bool { return !e.repeatsDefinition() })
}

// repeatsDefinition tells whether a slice of extensions says only which
// definition they follow, which is judged wherever an extension stands.
func (e *element) repeatsDefinition() bool {
	return e.min == 0 && e.max < 0 && len(e.types) == 1 && len(e.types[0].profiles) == 1 && len(e.children) == 0 &&
		e.fixed == nil && e.pattern == nil && e.bindings == nil && e.checks == nil && e.slicing == nil
}

// ready finds out what tells each slice from the others. It compiles the
// profiles that the slices name.
func (s *slicing) ready(set *Set) {
	s.once.Do(func() {
		if len(s.discriminators) == 0 {
			s.discriminators = implied(s.of).discriminators
		}
		s.criteria = make([][]criterion, len(s.slices))
		for i, slice := range s.slices {
			for _, d := range s.discriminators {
				s.criteria[i] = append(s.criteria[i], set.criteria(slice, d)...)
			}
		}
	})
}

// slices sorts the values from one place of the stack to another into slices,
// counts them and judges each by its slice. The frame in hand is their parent.
func (w *walker) slices(s *slicing, from, to int) {
	s.ready(w.set)
	last, unmatched := -1, false
	for i := from; i < to; i++ {
		v := w.values[i]
		w.enter(v)
		at := w.slice(s, v)
		w.values[i].slice = at
		if at < 0 {
			w.unsliced(s, v)
			unmatched = true
			continue
		}
		w.order(s, v, at, last, unmatched)
		last = max(last, at)
	}
	for at, slice := range s.slices {
		switch {
		case isDefault(slice):
		case len(s.criteria[at]) == 0:
			w.undecided(slice)
		default:
			w.inSlice(slice, at, from, to)
		}
	}
}

// undecided says of a slice that nothing tells its values from others.
func (w *walker) undecided(slice *element) {
	w.warn(issue.NotSupported, "slice-unjudged", fmt.Sprintf("nothing in the profile tells what is in the slice %s: it has no fixed value, pattern, binding, type or existence at its discriminators (%s)", slice.path, slice.owner),
		fmt.Sprintf("规范未说明哪些值属于切片 %s：其鉴别器处没有固定值、模式、绑定、类型或存在性（%s）", slice.path, slice.owner))
}

// inSlice counts and judges the values of one slice, and its re-slices.
func (w *walker) inSlice(slice *element, at, from, to int) {
	own := len(w.values)
	n := 0
	for i := from; i < to; i++ {
		if w.values[i].slice != at {
			continue
		}
		n++
		if slice.matters {
			w.one(slice, w.values[i])
		}
		if slice.slicing != nil {
			w.values = append(w.values, w.values[i])
		}
	}
	w.sliceCount(slice, n)
	if slice.slicing != nil && len(slice.slicing.slices) > 0 {
		w.slices(slice.slicing, own, len(w.values))
	}
	w.values = w.values[:own]
}

// slice finds the slice of a value, -1 for none; a value in two is a fault of
// the profile or of the value.
func (w *walker) slice(s *slicing, v value) int {
	found := -1
	for at, slice := range s.slices {
		if isDefault(slice) || !w.isOf(s, at, v) {
			continue
		}
		if found >= 0 {
			w.twoSlices(s, v, s.slices[found], slice)
			return found
		}
		found = at
	}
	return found
}

func (w *walker) isOf(s *slicing, at int, v value) bool {
	list := s.criteria[at]
	if len(list) == 0 {
		return false
	}
	for i := range list {
		if w.work--; w.work < 0 {
			w.tooMuch()
			return false
		}
		if !w.matches(v, &list[i]) {
			return false
		}
	}
	return true
}

func isDefault(e *element) bool { return strings.HasSuffix(e.slice, "@default") }
