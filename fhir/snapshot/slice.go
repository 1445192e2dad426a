package snapshot

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

// https://hl7.org/fhir/R4/profiling.html#slicing

const (
	byType       = `{"discriminator":[{"type":"type","path":"$this"}],"ordered":false,"rules":"open"}`
	byTypeClosed = `{"discriminator":[{"type":"type","path":"$this"}],"ordered":false,"rules":"closed"}`
	byURL        = `{"discriminator":[{"type":"value","path":"url"}],"ordered":false,"rules":"open"}`
)

// slices applies the changes of slices; closed tells that the base closed the
// slicing, so that no slice may be added.
func (r *run) slices(e *element, c *change, closed bool) {
	if c.named(e) {
		r.apply(e, c.slices[0])
		return
	}
	if !r.sliced(e, c) {
		return
	}
	for _, cs := range c.slices {
		s := e.sliceNamed(cs.slice)
		if s == nil {
			s = r.newSlice(e, cs, cs.slice, closed)
		}
		if s != nil {
			r.apply(s, cs)
		}
	}
	r.tally(e, c)
}

// named tells whether the only slice is a name that older editors gave to an
// element that does not repeat, so that there is nothing to slice.
func (c *change) named(e *element) bool {
	return len(c.slices) == 1 && len(e.slices) == 0 && !e.value("slicing").Exists() && limit(e.value("max")) <= 1 &&
		!strings.HasSuffix(e.name, "[x]")
}

// sliced makes sure that there is a slicing: extensions are sliced by url and
// choices by type without a word, anything else must say how.
func (r *run) sliced(e *element, c *change) bool {
	switch {
	case e.value("slicing").Exists() || len(e.slices) > 0:
	case strings.HasSuffix(e.name, "[x]"):
		if len(codes(e.value("type"))) == 1 {
			e.set("slicing", []byte(byTypeClosed))
		} else {
			e.set("slicing", []byte(byType))
		}
	case e.name == "extension" || e.name == "modifierExtension":
		e.set("slicing", []byte(byURL))
	default:
		r.fault(issue.Structure, "slicing-missing", c, "it has slices but says nowhere how they are told apart: give %q a slicing with a discriminator first",
			"存在切片，但未说明如何区分：请先为 %q 给出带鉴别器（discriminator）的 slicing", c.path())
		return false
	}
	return true
}

// newSlice makes a slice: a copy of what is sliced, with its children.
func (r *run) newSlice(e *element, c *change, name string, closed bool) *element {
	code := ""
	if prefix, ok := strings.CutSuffix(e.name, "[x]"); ok && suffixed(name, prefix) {
		code = e.typeNamed(name[len(prefix):])
	}
	again := strings.LastIndexByte(name, '/')
	switch {
	case !c.stated() && code == "":
		r.fault(issue.Structure, "slice-unknown", c, "there is no slice %q here: an element with this sliceName must come first",
			"此处没有切片 %q：须先有带此 sliceName 的元素", name)
		return nil
	case closed && again < 0:
		r.fault(issue.BusinessRule, "slicing-closed", c, "the base closed the slicing, so the slice %q can't be added",
			"基础定义的切片是封闭的（closed），不能增加切片 %q", name)
		return nil
	}
	model := e
	if again > 0 {
		if model = e.sliceNamed(name[:again]); model == nil {
			r.fault(issue.Structure, "slice-unknown", c, "%q slices a slice that is not there: %q", "%q 再切分的切片不存在：%q", name, name[:again])
			return nil
		}
	}
	s := r.cloneBare(model, e)
	s.slice = name
	if len(codes(e.value("type"))) != 1 || code == "" {
		s.set("min", []byte("0"))
	}
	if code != "" {
		s.set("type", only(e.value("type"), code))
	}
	e.insert(s, again)
	return s
}

// cloneBare copies an element without its slices and its slicing.
func (r *run) cloneBare(model, entry *element) *element {
	c := &element{name: model.name, entry: entry, url: model.url}
	if !r.spend() {
		return c
	}
	c.members = append(make([]member, 0, len(model.members)+4), model.members...)
	c.drop("slicing")
	c.children = r.cloneAll(model.children, nil)
	return c
}

// insert puts a slice last, one of a slice behind what that has already.
func (e *element) insert(s *element, again int) {
	if again > 0 {
		for i, other := range slices.Backward(e.slices) {
			if other.slice == s.slice[:again] || strings.HasPrefix(other.slice, s.slice[:again+1]) {
				e.slices = slices.Insert(e.slices, i+1, s)
				return
			}
		}
	}
	e.slices = append(e.slices, s)
}

// tally holds the least number of what is sliced against that of its slices:
// what they need together, it needs.
func (r *run) tally(e *element, c *change) {
	sums := map[string]int{}
	for _, s := range slices.Backward(e.slices) {
		least := max(count(s.value("min")), 0)
		if need := sums[s.slice]; need > least {
			least = need
			s.raise(need)
			r.room(s, c, need)
		}
		up := s.slice[:max(strings.LastIndexByte(s.slice, '/'), 0)]
		sums[up] = min(sums[up]+least, 1<<30)
	}
	if need := sums[""]; need > max(count(e.value("min")), 0) {
		e.raise(need)
		r.room(e, c, need)
	}
}

func (e *element) raise(least int) { e.set("min", []byte(strconv.Itoa(least))) }

func (r *run) room(e *element, c *change, need int) {
	if most := limit(e.value("max")); most < need {
		r.fault(issue.BusinessRule, "slices-min", c, "its slices need %d together, but it may occur %d times at most",
			"其切片合计至少需要 %d 个，但该元素最多出现 %d 次", need, most)
	}
}
