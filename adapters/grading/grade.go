package grading

import (
	"slices"
	"strings"
	"time"

	"tenon/fhir/tree"
)

// Grade grades a FHIR resource as it is stored: the base rule of §3.3 over
// every element, the highest governs (U1), joined identity and health data are
// at least L4 (U2). A container takes in what it contains.
func (t *Table) Grade(doc tree.Node) Result { return t.GradeCopy(doc, Evidence{}) }

// GradeCopy grades a de-identified copy by what is known of it.
func (t *Table) GradeCopy(doc tree.Node, e Evidence) Result {
	w := &walk{tally: tally{t: t, copy: e}}
	w.resource(doc)
	return w.result()
}

// walk goes over one resource and everything inside it.
type walk struct {
	tally
	typ   string
	kinds []coding  // of the resource as a whole
	day   time.Time // that ages are counted to: when the version was written
}

type coding struct{ system, code string }

// resource grades a resource; what stood before goes on after it.
func (w *walk) resource(n tree.Node) {
	outer := *w
	w.typ = n.Field("resourceType").Str()
	w.path = append(slices.Clip(outer.path), w.typ)
	w.kinds = kindsOf(n)
	w.special = outer.special || w.sensitive(n)
	if day := written(n); !day.IsZero() {
		w.day = day
	}
	e := w.t.types[w.typ]
	for name, v := range n.Fields() {
		if name != "resourceType" {
			w.member(e, w.t.types["Resource"], name, v, nil)
		}
	}
	w.typ, w.path, w.kinds, w.special, w.day = outer.typ, outer.path, outer.kinds, outer.special, outer.day
}

// written is the day of the version, zero where it says none.
func written(n tree.Node) (day time.Time) {
	if at := n.Path("meta", "lastUpdated").Str(); len(at) >= 10 {
		day, _ = time.Parse(time.DateOnly, at[:10])
	}
	return day
}

// member grades a member of an object at place e. base holds rows for every
// resource; inherited is the row of an element around it.
func (w *walk) member(e, base *element, property string, v tree.Node, inherited *Row) {
	name := strings.TrimPrefix(property, "_")
	w.path = append(w.path, name)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	if name == "contained" {
		for item := range v.Items() {
			w.resource(item)
		}
		return
	}
	own, choice := e.find(name)
	if own == nil && choice == nil && base != nil && e.star() == nil {
		own, _ = base.find(name)
	}
	if name == "extension" || name == "modifierExtension" {
		w.extensions(own, v)
		return
	}
	row := w.pick(own, choice, v)
	switch {
	case row != nil:
	case inherited != nil:
		row = inherited
	case e.star() != nil:
		row = e.any
	case name == "note":
		row = w.t.types["Annotation"].children["text"].rows[0]
	}
	if own.deep() && (v.Kind() == tree.Object || v.Kind() == tree.Array) {
		for item := range v.Items() {
			for inner, x := range item.Fields() {
				w.member(own, nil, inner, x, row)
			}
		}
		return
	}
	w.leaf(row, v)
}

// pick returns the row for a value: of its kind before any kind, the highest
// of several.
func (w *walk) pick(own, choice *element, v tree.Node) *Row {
	var plain, best *Row
	for _, e := range [2]*element{own, choice} {
		if e == nil {
			continue
		}
		for _, r := range e.rows {
			switch {
			case r.Qualifier == "":
				if plain == nil {
					plain = r
				}
			case w.is(r.Qualifier, v):
				best = w.higher(best, r)
			}
		}
	}
	if best != nil {
		return best
	}
	return plain
}

func (w *walk) higher(a, b *Row) *Row {
	if a == nil {
		return b
	}
	la, qa := w.t.rules.grade(a.Inputs, a.Category)
	lb, qb := w.t.rules.grade(b.Inputs, b.Category)
	if lb > la || lb == la && qb > qa {
		return b
	}
	return a
}

// extensions grades each extension by the row whose qualifier ends its URL; an
// unknown one by the default, wherever it stands.
func (w *walk) extensions(own *element, v tree.Node) {
	for item := range v.Items() {
		var row *Row
		url := item.Field("url").Str()
		if own != nil {
			for _, r := range own.rows {
				rest, ok := strings.CutSuffix(url, r.Qualifier)
				if ok && (rest == "" || strings.HasSuffix(rest, "/") || strings.HasSuffix(rest, ":")) {
					row = r
				}
			}
		}
		w.leaf(row, item)
	}
}

// leaf grades a value that has one row, and finds what must not hide in it:
// resources, extensions, names in references.
func (w *walk) leaf(row *Row, v tree.Node) {
	w.add(row, w.defaultCategory(), w.copy.proves(v))
	w.inside(v)
}

func (w *walk) inside(v tree.Node) {
	switch v.Kind() {
	case tree.Array:
		for item := range v.Items() {
			w.inside(item)
		}
	case tree.Object:
		if v.Field("resourceType").Exists() {
			w.resource(v)
			return
		}
		w.reference(v)
		for name, x := range v.Fields() {
			if strings.TrimPrefix(name, "_") == "extension" {
				w.path = append(w.path, name)
				w.add(nil, w.defaultCategory(), false)
				w.path = w.path[:len(w.path)-1]
			}
			w.inside(x)
		}
	}
}

// reference grades the display and the identifier of a reference to a person.
func (w *walk) reference(v tree.Node) {
	target := v.Field("type").Str()
	if ref := v.Field("reference"); ref.Exists() {
		target = targetType(ref.Str())
	} else if !v.Field("identifier").Exists() && target == "" {
		return
	}
	q := ""
	switch {
	case slices.Contains(w.t.rules.Persons, target):
		q = "person"
	case slices.Contains(w.t.rules.Staff, target):
		q = "staff"
	default:
		return
	}
	for _, name := range [2]string{"display", "identifier"} {
		if !v.Field(name).Exists() {
			continue
		}
		for _, r := range w.t.types["Reference"].children[name].rows {
			if r.Qualifier == q {
				w.path = append(w.path, name)
				w.add(r, "", false)
				w.path = w.path[:len(w.path)-1]
			}
		}
	}
}

// targetType is the resource type in a literal reference, or "".
func targetType(ref string) string {
	ref, _, _ = strings.Cut(ref, "/_history/")
	parts := strings.Split(ref, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

func (w *walk) defaultCategory() string {
	if c, ok := w.t.category[w.typ]; ok {
		return c
	}
	return "H4"
}
