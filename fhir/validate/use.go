package validate

// https://hl7.org/fhir/R4/defining-extensions.html#context

import (
	"fmt"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// use tells where an extension may stand, as its definition says.
type use struct {
	contexts   []useContext
	invariants []string // contextInvariant
	modifier   bool
	parts      []string // the names of its parts; nil when it names none
}

// misprinted are extensions of R4 that R4's own definitions use beyond the
// contexts that they name, with the context that was meant.
var misprinted = map[string]string{
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type":         "ElementDefinition.type",
	"http://hl7.org/fhir/StructureDefinition/regex":                                 "ElementDefinition.type",
	"http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version": "Element",
	"http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation":       "Element",
	"http://hl7.org/fhir/StructureDefinition/capabilitystatement-prohibited":        "Element",
}

type useContext struct{ kind, expression string }

// readUse reads the contexts of an extension's definition; nil for what
// defines none.
func readUse(n tree.Node) *use {
	if n.Field("type").Str() != "Extension" || n.Field("derivation").Str() != "constraint" {
		return nil
	}
	u := &use{invariants: texts(n.Field("contextInvariant"))}
	for c := range n.Field("context").Items() {
		context := useContext{string(c.Field("type").AppendStr(nil)), string(c.Field("expression").AppendStr(nil))}
		u.contexts = append(u.contexts, context)
	}
	if right := misprinted[n.Field("url").Str()]; right != "" {
		u.contexts = append(u.contexts, useContext{"element", right})
	}
	for _, view := range []string{"snapshot", "differential"} {
		if first := n.Field(view).Field("element").First(); first.Exists() {
			u.modifier = u.modifier || first.Field("isModifier").Bool()
		}
	}
	return u
}

// partNames lists the parts that an extension's snapshot names; none where its
// slicing is closed, which says so itself.
func partNames(n tree.Node) []string {
	var list []string
	for e := range n.Field("snapshot").Field("element").Items() {
		switch e.Field("path").Str() {
		case "Extension.extension":
			if e.Field("slicing").Field("rules").Str() == "closed" {
				return nil
			}
		case "Extension.extension.url":
			if url := string(e.Field("fixedUri").AppendStr(nil)); url != "" {
				list = append(list, url)
			}
		}
	}
	return list
}

// stands judges where an extension stands. It is the value in hand.
func (w *walker) stands(n tree.Node, p *profile, modifier bool) {
	url := p.def.URL
	switch {
	case p.use.modifier && !modifier:
		w.add(issue.Extension, "extension-modifier", fmt.Sprintf("the extension %s changes the meaning: it must be a modifierExtension", quote(url)),
			fmt.Sprintf("扩展 %s 会改变含义，必须用作 modifierExtension", quote(url)))
	case !p.use.modifier && modifier:
		w.add(issue.Extension, "extension-modifier", fmt.Sprintf("the extension %s is no modifier: it must not be a modifierExtension", quote(url)),
			fmt.Sprintf("扩展 %s 不是修饰扩展，不得用作 modifierExtension", quote(url)))
	}
	if len(p.use.contexts) > 0 && !w.allowed(p.use) {
		w.misplaced(url, p.use)
	}
	for _, expr := range p.use.invariants {
		w.contextInvariant(url, expr, n)
	}
}

func (w *walker) misplaced(url string, u *use) {
	var list []string
	for _, c := range u.contexts {
		list = append(list, c.expression)
	}
	frames := w.frames
	w.frames = frames[:max(len(frames)-1, 1)]
	w.add(issue.Extension, "extension-context", fmt.Sprintf("the extension %s must not stand here, only at %s", quote(url), some(list)),
		fmt.Sprintf("扩展 %s 不得用于此处，只能用于 %s", quote(url), some(list)))
	w.frames = frames
}

// allowed tells whether one of the contexts is where the extension stands.
func (w *walker) allowed(u *use) bool {
	for _, c := range u.contexts {
		switch c.kind {
		case "element":
			if w.standsAt(c.expression) {
				return true
			}
		case "extension":
			if w.standsInExtension(c.expression) {
				return true
			}
		case "fhirpath":
			if w.standsWhere(c.expression) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// standsAt compares the way to the extension's parent with an element path: the
// path's first name is the type of something on the way, the others lead from
// it to the parent.
func (w *walker) standsAt(path string) bool {
	path, _, _ = strings.Cut(path, "#") // of another StructureDefinition
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		path = path[i+1:]
	}
	names := strings.Split(path, ".")
	end := len(w.frames) - 2
	for k := len(names) - 1; k >= 0; k, end = k-1, end-1 {
		if end < 0 {
			return false
		}
		f := &w.frames[end]
		// A backbone's type is a path by itself: Questionnaire.item stands for
		// the items in items too.
		if f.typ != nil && isA(f.typ, strings.Join(names[:k+1], ".")) || f.element != nil && strings.TrimSuffix(f.element.Path, "[x]") == strings.TrimSuffix(strings.Join(names[:k+1], "."), "[x]") {
			return true
		}
		if k == 0 || f.name != strings.TrimSuffix(names[k], "[x]") && !typedName(f, names[k]) {
			return false
		}
	}
	return false
}

// typedName tells whether a context names a choice by its property.
func typedName(f *frame, name string) bool {
	return f.element != nil && f.element.Choice && f.typ != nil && strings.EqualFold(name, f.name+f.typ.Name)
}

// isA is Type.Is where everything is an Element.
func isA(t *schema.Type, name string) bool {
	switch name {
	case "Any", "Base", "Element": // R4 writes Element for resources too
		return true
	case "CanonicalResource", "MetadataResource":
		return t.Kind == schema.Resource && t.Element("url") != nil
	}
	return t.Is(name)
}

func (w *walker) standsInExtension(url string) bool {
	i := len(w.frames) - 2
	if i < 0 || w.frames[i].typ == nil || !w.frames[i].typ.Is("Extension") {
		return false
	}
	url, _, _ = strings.Cut(url, "#")
	return w.frames[i].node.Field("url").Str() == url
}

// standsWhere evaluates an expression on the resource and looks for the parent
// among its results.
func (w *walker) standsWhere(expr string) bool {
	i := len(w.frames) - 2
	if i < 0 {
		return false
	}
	inv := w.set.invariants.get(schema.Invariant{Key: "context", Expression: expr}, "", "", false)
	if inv.ready(w.set); inv.err != nil || inv.expr == nil {
		return true // the definition's fault
	}
	w.place()
	w.work -= costOfExpr
	found, err := inv.expr.EvalValues(&w.ctx, w.typed(w.resource))
	if err != nil {
		return true
	}
	for _, v := range found {
		n, ok := v.Node()
		if ok && (n == w.frames[i].node || v.Twin().Exists() && v.Twin() == w.frames[i].node) {
			return true
		}
	}
	return false
}

// contextInvariant judges a condition on the extension's parent, with the
// extension as %extension.
func (w *walker) contextInvariant(url, expr string, n tree.Node) {
	i := len(w.frames) - 2
	if i < 0 || !w.frames[i].node.Exists() {
		return
	}
	inv := w.set.invariants.get(schema.Invariant{Key: "context", Expression: expr}, "", "", false)
	if inv.ready(w.set); inv.err != nil || inv.expr == nil {
		return
	}
	w.place()
	w.work -= costOfExpr
	ctx := w.ctx
	ctx.Vars = map[string]fhirpath.Collection{"extension": {fhirpath.Element(n, w.set.model.Type("Extension"))}}
	holds, err := inv.expr.Holds(&ctx, fhirpath.Element(w.frames[i].node, w.frames[i].typ))
	if err == nil && !holds {
		w.add(issue.Extension, "extension-context-invariant", fmt.Sprintf("the extension %s may stand only where %s", quote(url), cutLong(expr)),
			fmt.Sprintf("扩展 %s 只能用于满足 %s 之处", quote(url), cutLong(expr)))
	}
}
