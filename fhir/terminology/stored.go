package terminology

// https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion

import (
	"strconv"

	"tenon/fhir/tree"
)

// stored is the expansion that a definition brings along. It counts where the
// compose can't be judged.
type stored struct {
	codes  map[Coding]int
	list   []Contains // flat, in order
	closed bool       // a code that is not in it is none
}

const unclosed = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"

// storedOf reads an expansion; nil when there is none.
func storedOf(n tree.Node) *stored {
	e := n.Field("expansion")
	if e.Kind() != tree.Object {
		return nil
	}
	x := &stored{codes: map[Coding]int{}, closed: true}
	x.read(e)
	for ext := range e.Field("extension").Items() {
		if ext.Field("url").Str() == unclosed && ext.Field("valueBoolean").Bool() {
			x.closed = false
		}
	}
	if total, err := strconv.Atoi(e.Field("total").Text()); err == nil && total > len(x.list) {
		x.closed = false
	}
	if offset := e.Field("offset").Text(); offset != "" && offset != "0" {
		x.closed = false
	}
	for p := range e.Field("parameter").Items() {
		switch p.Field("name").Str() {
		case "filter", "offset", "count", "activeOnly", "excludeNotForUI", "exclude-system":
			x.closed = false
		}
	}
	return x
}

func (x *stored) read(n tree.Node) {
	for item := range n.Field("contains").Items() {
		c := Contains{System: text(item, "system"), Version: text(item, "version"), Code: text(item, "code"), Display: text(item, "display"),
			Abstract: item.Field("abstract").Bool(), Inactive: item.Field("inactive").Bool()}
		k := Coding{System: c.System, Code: c.Code}
		if _, twice := x.codes[k]; c.Code != "" && !twice {
			for _, d := range designations(item) {
				c.Designations = append(c.Designations, Designation{string([]byte(d.Language)), string([]byte(d.Use)), string([]byte(d.Value))})
			}
			x.codes[k] = len(x.list)
			x.list = append(x.list, c)
		}
		x.read(item)
	}
}

func (x *stored) judge(q *query) Verdict {
	if x == nil {
		return Unknown
	}
	if _, ok := x.codes[Coding{System: q.system, Code: q.code}]; ok {
		return Member
	}
	if x.closed {
		return NotMember
	}
	return Unknown
}

func (x *stored) concept(system, code string) *Contains {
	if x == nil {
		return nil
	}
	if k, ok := x.codes[Coding{System: system, Code: code}]; ok {
		return &x.list[k]
	}
	return nil
}

func (x *stored) systems(add func(string)) {
	if x == nil {
		return
	}
	for i := range x.list {
		add(x.list[i].System)
	}
}
