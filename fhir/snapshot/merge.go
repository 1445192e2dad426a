package snapshot

import (
	"strings"

	"tenon/fhir/issue"
)

// merger changes a member of e to what the differential says of it.
type merger func(r *run, e *element, c *change, m member)

// mergerOf gives the merger of a member that is more than replaced.
// https://hl7.org/fhir/R4/elementdefinition.html#interpretation
func mergerOf(name string) merger {
	switch name {
	case "min":
		return mergeMin
	case "max":
		return mergeMax
	case "maxLength":
		return mergeMaxLength
	case "type":
		return mergeType
	case "binding":
		return mergeBinding
	case "slicing":
		return mergeSlicing
	case "definition", "comment", "requirements", "short", "label", "meaningWhenMissing":
		return mergeText
	case "alias", "condition", "code":
		return list(byValue)
	case "mapping":
		return list(byMapping)
	case "constraint":
		return mergeConstraint
	case "extension":
		return mergeExtension
	case "mustSupport":
		return mergeMustSupport
	case "isModifier":
		return mergeModifier
	case "isSummary":
		return mergeSummary
	case "contentReference":
		return mergeContent
	case "base":
		return func(*run, *element, *change, member) {} // inherited
	}
	return choiceMerger(name)
}

func choiceMerger(name string) merger {
	switch choiceOfMember(name) {
	case "fixed":
		return mergeFixed
	case "pattern":
		return mergePattern
	case "minValue":
		return mergeMinValue
	case "maxValue":
		return mergeMaxValue
	case "defaultValue":
		return mergeDefault
	}
	return replace
}

// merge says of e what a stated change says.
func (r *run) merge(e *element, c *change) {
	var said element
	said.fill(c.node)
	if e.fresh && e.member("type") == nil {
		r.introduce(e, c, &said)
		return
	}
	if !r.strict && said.member("type") != nil {
		e.forget()
	}
	for _, m := range said.members {
		if strings.HasPrefix(m.name, "_") {
			e.put(m)
			continue
		}
		mergerOf(m.name)(r, e, c, m)
	}
	if least, most := count(e.value("min")), limit(e.value("max")); r.strict && least > most {
		r.fault(issue.BusinessRule, "cardinality-empty", c, "it would have to occur %d times and may occur %d times at most",
			"该元素至少须出现 %d 次，却最多出现 %d 次", least, most)
	}
}

// forget drops the limits of a value that a derived type defines anew.
func (e *element) forget() {
	e.drop("maxLength")
	for _, prefix := range []string{"minValue", "maxValue"} {
		if name, _ := e.choice(prefix); name != "" {
			e.drop(name)
		}
	}
}

// introduce defines an element that no base has, or the root of a type, which
// inherits the constraints of its base.
func (r *run) introduce(e *element, c *change, said *element) {
	root := len(e.members) > 0
	for _, m := range said.members {
		switch {
		case m.name == "constraint":
			mergeConstraint(r, e, c, m)
		case m.name == "mapping" && root:
			list(byMapping)(r, e, c, m)
		default:
			e.put(m)
		}
	}
	e.set("base", baseOf(c.node.Field("path").Str(), string(e.value("min").Raw()), string(e.value("max").Raw())))
	if !root {
		r.common(e)
	}
}

// common gives a new element the constraints that each element has by being
// one, and each extension.
func (r *run) common(e *element) {
	of := []string{"Element"}
	for _, code := range codes(e.value("type")) {
		if strings.HasPrefix(code, systemTypes) || !r.isType(code, "Element") {
			return
		}
		if code == "Extension" {
			of = []string{"Extension"}
		}
	}
	for _, code := range of {
		if r.busy[typeURL(code)] || r.lib.Find("StructureDefinition", typeURL(code)) == nil {
			return
		}
		if t, err := r.tree(typeURL(code)); err == nil && t.value("constraint").Exists() {
			e.set("constraint", union(e.value("constraint"), t.value("constraint"), byKey))
		}
	}
}

func choiceOfMember(name string) string {
	for _, prefix := range choices {
		if suffixed(name, prefix) {
			return prefix
		}
	}
	return ""
}

// replace puts the new value in place of the old one and of its extensions.
func replace(_ *run, e *element, _ *change, m member) {
	e.drop("_" + m.name)
	e.put(m)
}

// list adds to a list what it has not yet.
func list(key keyer) merger {
	return func(_ *run, e *element, _ *change, m member) {
		if e.member(m.name) == nil || e.member("_"+m.name) != nil {
			e.put(m)
			return
		}
		e.set(m.name, union(e.value(m.name), m.node, key))
	}
}

// mergeText replaces a text, or goes on with it behind "...".
func mergeText(r *run, e *element, c *change, m member) {
	added, more := strings.CutPrefix(m.node.Str(), "...")
	old := e.value(m.name).Str()
	if !more || old == "" {
		replace(r, e, c, m)
		return
	}
	e.set(m.name, []byte(quoted(old+"\r\n"+added)))
}

func mergeMustSupport(r *run, e *element, c *change, m member) {
	if r.strict && e.value(m.name).Bool() && !m.node.Bool() {
		r.faultAt(issue.BusinessRule, "must-support", c, m.name, "the base says mustSupport true, and a profile can't take that back",
			"基础定义的 mustSupport 为 true，profile 不能取消")
		return
	}
	e.put(m)
}

func mergeModifier(r *run, e *element, c *change, m member) {
	was, is := e.value(m.name).Bool(), m.node.Bool()
	if r.strict && was != is && !(is && r.extension(e)) {
		r.faultAt(issue.BusinessRule, "is-modifier", c, m.name, "the base says isModifier %t, and a profile can't change that",
			"基础定义的 isModifier 为 %t，profile 不能更改", was)
		return
	}
	e.put(m)
}

// extension tells whether e is where an extension may say that it modifies: the
// root of one, or a slice of modifierExtension.
func (r *run) extension(e *element) bool {
	return e.name == "Extension" || e.name == "modifierExtension" || e.name == "extension"
}

// mergeSummary keeps what the base says: a profile has no say in it.
func mergeSummary(_ *run, e *element, _ *change, m member) {
	if e.member(m.name) == nil || e.fresh {
		e.put(m)
	}
}

func mergeDefault(_ *run, e *element, _ *change, m member) {
	if old, _ := e.choice("defaultValue"); old != "" {
		e.drop(old)
	}
	e.put(m)
}

func mergeContent(r *run, e *element, c *change, m member) {
	if e.member("type") != nil && r.strict {
		r.faultAt(issue.BusinessRule, "content-reference", c, m.name, "the element has a type in the base, so it can't take its content from elsewhere",
			"基础定义中该元素有类型，不能再引用他处内容")
		return
	}
	e.put(m)
}
