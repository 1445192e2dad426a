package grading

import (
	"encoding/json"
	"fmt"
	"slices"

	"tenon/fhir/tree"
)

// A type that the rules name under "partial" can be shown in part to those whose
// level lies below that of the whole: elements above it are left out. What is
// one element is a member of the resource, or an item of it where it is a list of
// objects. An element without a row holds the level of the whole resource.
//
// A resource is shown in part only where nothing that R4 requires of it, and no
// modifier, must be left out, and where what remains grades no higher than the
// level that it is shown to. Else it is not shown at all.

// Must tells whether a member of a resource of a type cannot be left out: it is
// required, or changes the meaning of the rest.
type Must func(typ, member string) bool

// Part tells of types that may be shown in part.
func (t *Table) Part(typ string) bool { return slices.Contains(t.rules.Partial, typ) }

// unit is what is left out or kept as one.
type unit struct {
	name  string
	raw   []byte
	item  bool // of a list
	level rank
}

// Least is the lowest level to which a resource of this grade may be shown in
// part, as to all between it and its own; 0 where it is shown as a whole or not.
func (t *Table) Least(doc tree.Node, whole Result, must Must) Level {
	if !t.Part(doc.Field("resourceType").Str()) || whole.Overlay != "" || t.labelled(doc) {
		return 0
	}
	units, least := t.units(doc, whole), Level(0)
	for level := whole.Level - 1; level > 0; level-- {
		if _, _, ok := t.without(doc, units, level, must); !ok {
			break
		}
		least = level
	}
	return least
}

// Mask is the resource without its elements above a level, and what it grades
// then. meta says so: SUBSETTED, REDACTED, and the level above which elements are
// left out. It fails where the resource cannot be shown to this level.
func (t *Table) Mask(doc tree.Node, level Level, must Must) ([]byte, Result, error) {
	typ := doc.Field("resourceType").Str()
	if t.Part(typ) && !t.labelled(doc) {
		if body, grade, ok := t.without(doc, t.units(doc, t.Grade(doc)), level, must); ok {
			return body, grade, nil
		}
	}
	return nil, Result{}, fmt.Errorf("grading: a %s is not shown in part to %v", typ, level)
}

// Sight is the highest level that an element of a type can have: who may see
// less learns nothing from questions that do not look at it.
func (t *Table) Sight(typ, member string) Level {
	e := t.types[typ]
	if !t.Part(typ) || e == nil {
		return 5
	}
	if slices.Contains([]string{"id", "meta"}, member) {
		return 1
	}
	highest := rank(0)
	places := []*element{e.children[member]}
	for _, c := range e.choices {
		if c.base == member {
			places = append(places, c.element)
		}
	}
	for _, p := range places {
		highest = max(highest, t.highest(p))
	}
	if highest == 0 {
		return 5
	}
	return highest.plain()
}

// highest is that of the rows of an element and of what lies inside.
func (t *Table) highest(e *element) (highest rank) {
	if e == nil {
		return 0
	}
	for _, r := range e.rows {
		level, _ := t.rules.grade(r.Inputs, r.Category)
		highest = max(highest, level)
	}
	for _, inner := range e.children {
		highest = max(highest, t.highest(inner))
	}
	for _, inner := range e.choices {
		highest = max(highest, t.highest(inner.element))
	}
	return highest
}

// labelled tells whether the author called the whole sensitive.
func (t *Table) labelled(doc tree.Node) bool {
	w := &walk{tally: tally{t: t}}
	return w.sensitive(doc)
}

func (t *Table) units(doc tree.Node, whole Result) (all []unit) {
	kinds, day := kindsOf(doc), written(doc)
	levelOf := func(name string, v tree.Node) rank {
		w := &walk{tally: tally{t: t}, typ: doc.Field("resourceType").Str(), kinds: kinds, day: day}
		return w.alone(name, v, whole)
	}
	for name, v := range doc.Fields() {
		switch name {
		case "resourceType", "id", "meta":
			continue
		}
		if v.Kind() != tree.Array || !objects(v) {
			all = append(all, unit{name: name, raw: v.Raw(), level: levelOf(name, v)})
			continue
		}
		for item := range v.Items() {
			all = append(all, unit{name: name, raw: item.Raw(), item: true, level: levelOf(name, item)})
		}
	}
	return all
}

func objects(list tree.Node) bool {
	for item := range list.Items() {
		if item.Kind() != tree.Object {
			return false
		}
	}
	return list.Len() > 0
}

// alone grades one member by itself.
func (w *walk) alone(name string, v tree.Node, whole Result) rank {
	w.path = []string{w.typ}
	w.member(w.t.types[w.typ], w.t.types["Resource"], name, v, nil)
	level := w.result()
	if name == "contained" || slices.ContainsFunc(level.Trail, func(s Step) bool { return s.Row == "default" }) {
		return rank(max(level.Level, whole.Level))
	}
	return rank(level.Level)
}

// without is the resource without the units above a level.
func (t *Table) without(doc tree.Node, units []unit, level Level, must Must) ([]byte, Result, bool) {
	gone := map[string]bool{} // members that are not whole
	for _, u := range units {
		if u.level > rank(level) {
			if must(doc.Field("resourceType").Str(), u.name) {
				return nil, Result{}, false
			}
			gone[u.name] = true
		}
	}
	if len(gone) == 0 {
		return nil, Result{}, false
	}
	out := masked{doc: doc, level: level}
	for _, u := range units {
		// a member goes with its extensions: _birthDate with birthDate
		if u.level > rank(level) || !u.item && len(u.name) > 1 && u.name[0] == '_' && gone[u.name[1:]] {
			continue
		}
		out.add(u)
	}
	body := out.end()
	again, err := tree.Parse(body)
	if err != nil {
		return nil, Result{}, false
	}
	grade := t.Grade(again.Root())
	return body, grade, grade.Level <= level && grade.Overlay == ""
}

// masked is what remains, in the making.
type masked struct {
	doc   tree.Node
	level Level
	out   []byte
	list  string // member whose items are being written
}

func (m *masked) add(u unit) {
	if m.out == nil {
		m.begin()
	}
	if m.list != "" && m.list != u.name {
		m.out, m.list = append(m.out, ']'), ""
	}
	m.out = append(m.out, ',')
	if m.list == "" || !u.item {
		m.out = append(appendString(m.out, u.name), ':')
		if u.item {
			m.out, m.list = append(m.out, '['), u.name
		}
	}
	m.out = append(m.out, u.raw...)
}

func (m *masked) end() []byte {
	if m.out == nil {
		m.begin()
	}
	if m.list != "" {
		m.out = append(m.out, ']')
	}
	return append(m.out, '}')
}

// begin writes what stands in every resource.
func (m *masked) begin() {
	m.out = append(m.out, `{"resourceType":`...)
	m.out = append(m.out, m.doc.Field("resourceType").Raw()...)
	if id := m.doc.Field("id"); id.Exists() {
		m.out = append(append(m.out, `,"id":`...), id.Raw()...)
	}
	m.out = append(m.out, `,"meta":{`...)
	meta := m.doc.Field("meta")
	for name, v := range meta.Fields() {
		if name == "security" || name == "tag" || name == "extension" {
			continue
		}
		m.out = append(append(appendString(m.out, name), ':'), v.Raw()...)
		m.out = append(m.out, ',')
	}
	m.codings("security", meta.Field("security"), Coding{observationValue, "REDACTED"})
	m.out = append(m.out, ',')
	m.codings("tag", meta.Field("tag"), subsetted, struct {
		Coding
		Display string `json:"display"`
	}{Coding{MaskSystem, m.level.String()}, MaskDisplay(m.level)})
	m.out = append(m.out, '}')
}

const observationValue = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

// MaskSystem says above which level elements have been left out.
const MaskSystem = "urn:tenon:left-out-above"

// MaskDisplay tells a reader what a resource shown in part is good for.
func MaskDisplay(level Level) string {
	return fmt.Sprintf("Elements above %v are left out; digests and signatures are of the whole resource / 高于 %v 的元素已略去，摘要与签名针对完整资源", level, level)
}

func (m *masked) codings(name string, have tree.Node, more ...any) {
	m.out = append(appendString(m.out, name), ":["...)
	for c := range have.Items() {
		m.out = append(append(m.out, c.Raw()...), ',')
	}
	for i, c := range more {
		b, err := json.Marshal(c)
		if err != nil { // two strings always marshal
			panic(err)
		}
		if i > 0 {
			m.out = append(m.out, ',')
		}
		m.out = append(m.out, b...)
	}
	m.out = append(m.out, ']')
}
