package rules

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/structuredefinition.html

func structureDefinition(c *Context, n tree.Node) {
	s := &structureRules{Context: c, sd: n}
	s.lineage()
	s.contexts()
	s.differential()
	s.extensionURL()
	s.stale()
	list := n.Path("differential", "element")
	s.place = ".differential"
	if list.Len() == 0 {
		list, s.place = n.Path("snapshot", "element"), ".snapshot"
	}
	i := 0
	for e := range list.Items() {
		s.element(under(s.place, "element", i), e)
		i++
	}
}

// structureRules is a StructureDefinition under judgement.
type structureRules struct {
	*Context
	sd    tree.Node
	place string
	made  map[string]tree.Node // elements of the snapshot, by id and by path
}

// lineage holds type, kind and derivation against the base.
func (s *structureRules) lineage() {
	base := text(s.sd, "baseDefinition")
	of := s.structure(base)
	if of == nil {
		if base != "" {
			s.warn("", issue.NotFound, "base-unknown", "the base "+issue.Quote(base)+" is not known here, so the differential can't be checked: add it or the package that has it",
				"未知的基础定义 "+issue.Quote(base)+"，无法核对差异：请添加该定义或包含它的包")
		}
		return
	}
	typ := text(s.sd, "type")
	switch text(s.sd, "derivation") {
	case "constraint":
		if of.Of != "" && typ != of.Of {
			s.fail(".type", issue.BusinessRule, "definition-type", "a constraint keeps the type of its base: "+issue.Quote(of.Of)+", not "+issue.Quote(typ),
				"约束型定义的类型须与基础定义相同："+issue.Quote(of.Of)+"，而非 "+issue.Quote(typ))
		}
		if kind := text(s.sd, "kind"); of.Kind != "" && kind != of.Kind {
			s.fail(".kind", issue.BusinessRule, "definition-kind", "a constraint keeps the kind of its base: "+issue.Quote(of.Kind)+", not "+issue.Quote(kind),
				"约束型定义的 kind 须与基础定义相同："+issue.Quote(of.Kind)+"，而非 "+issue.Quote(kind))
		}
	case "specialization":
		if typ == of.Of {
			s.fail(".type", issue.BusinessRule, "definition-type", "a specialization defines a new type, and "+issue.Quote(typ)+" is its base's",
				"特化型定义须定义新类型，而 "+issue.Quote(typ)+" 是其基础定义的类型")
		}
	}
}

// contexts judges where an extension says that it may be used.
func (s *structureRules) contexts() {
	for _, name := range []string{"context", "contextInvariant"} {
		if text(s.sd, "type") != "Extension" && s.sd.Field(name).Len() > 0 {
			s.fail("."+name+"[0]", issue.BusinessRule, "context-type", "only an extension has a "+name+", and this defines "+issue.Quote(text(s.sd, "type")),
				"只有扩展才有 "+name+"，而此处定义的是 "+issue.Quote(text(s.sd, "type")))
		}
	}
	i := -1
	for ctx := range s.sd.Field("context").Items() {
		i++
		sub, expr := under("", "context", i), text(ctx, "expression")
		switch text(ctx, "type") {
		case "element":
			s.elementContext(sub, expr)
		case "fhirpath":
			s.compiles(sub+".expression", expr, "")
		case "extension":
			s.expects(sub+".expression", "StructureDefinition", expr)
		}
	}
}

func (s *structureRules) elementContext(sub, expr string) {
	if expr == "Element" {
		s.warn(sub, issue.BusinessRule, "context-element", "an extension in the context Element can be used anywhere: name the elements that it is for",
			"上下文为 Element 的扩展可用于任何元素：请指明其适用的元素")
		return
	}
	if strings.Contains(expr, ":") {
		return // an element of a profile, by its URL
	}
	name, path, _ := strings.Cut(expr, ".")
	t := s.Model.Type(name)
	if t == nil && !laterKind(name) && s.structure(structureURL+name) == nil {
		s.fail(sub+".expression", issue.CodeInvalid, "context-unknown", "there is no type "+issue.Quote(name), "没有类型 "+issue.Quote(name))
		return
	}
	for t != nil && path != "" {
		step, rest, _ := strings.Cut(path, ".")
		e := t.Choice(strings.TrimSuffix(step, "[x]"))
		if e == nil {
			e = t.Element(step)
		}
		if e == nil {
			s.fail(sub+".expression", issue.CodeInvalid, "context-unknown", t.Name+" has no element "+issue.Quote(step), t.Name+" 没有元素 "+issue.Quote(step))
			return
		}
		t, path = e.Type, rest
	}
}

// laterKind tells whether R5 gives the name to a kind of types: extensions that
// are published for R4 as well stand there.
// https://hl7.org/fhir/R5/types.html
func laterKind(name string) bool {
	return name == "Base" || name == "CanonicalResource" || name == "MetadataResource" || name == "DataType"
}

// differential reports what stands in the way of a snapshot, and keeps the
// snapshot to judge its elements.
func (s *structureRules) differential() {
	base := text(s.sd, "baseDefinition")
	if s.Differential == nil || s.sd.Path("differential", "element").Len() == 0 || base != "" && s.structure(base) == nil {
		s.remember(s.sd)
		return
	}
	made, found := s.Differential(s.sd)
	if len(found) > 0 {
		s.fail("", issue.Exception, "snapshot", "no snapshot can be made of the differential as it stands: "+found[0].Text, "无法由现有差异生成快照："+found[0].Chinese)
	}
	for _, is := range found {
		is.Severity = issue.Error
		s.Report(strings.TrimPrefix(is.Path, "StructureDefinition"), is)
	}
	if doc, err := tree.Parse(made); err == nil {
		s.remember(doc.Root())
	}
}

// stale finds what the differential says and the snapshot beside it does not
// have, because it was not made again.
func (s *structureRules) stale() {
	have := map[string]bool{}
	for e := range s.sd.Path("snapshot", "element").Items() {
		have[text(e, "path")] = true
	}
	i := -1
	for e := range s.sd.Path("differential", "element").Items() {
		i++
		path := text(e, "path")
		if len(have) == 0 || have[path] || choiceIn(have, path) {
			continue
		}
		s.fail(under(".differential", "element", i), issue.BusinessRule, "snapshot-stale", "the snapshot beside it has no element "+issue.Quote(path)+": make it anew, or leave it out",
			"并列的快照中没有元素 "+issue.Quote(path)+"：请重新生成或省略快照")
		return
	}
}

// choiceIn tells whether a path is there with the names of choices in it
// spelled as choices: a.valueQuantity.code as a.value[x].code.
func choiceIn(have map[string]bool, path string) bool {
	for known := range have {
		if sameChoice(known, path) {
			return true
		}
	}
	return false
}

func sameChoice(known, path string) bool {
	a, b := strings.Split(known, "."), strings.Split(path, ".")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		stem, choice := strings.CutSuffix(a[i], "[x]")
		if a[i] != b[i] && !(choice && strings.HasPrefix(b[i], stem)) {
			other, renamed := strings.CutSuffix(b[i], "[x]")
			if !renamed || !strings.HasPrefix(a[i], other) {
				return false
			}
		}
	}
	return true
}

func (s *structureRules) remember(sd tree.Node) {
	s.made = map[string]tree.Node{}
	for e := range sd.Path("snapshot", "element").Items() {
		for _, key := range []string{text(e, "id"), text(e, "path")} {
			if _, ok := s.made[key]; !ok {
				s.made[key] = e
			}
		}
	}
}

// effective is the element of the snapshot that an element of the differential
// is about; itself when there is none.
func (s *structureRules) effective(e tree.Node) tree.Node {
	for _, key := range []string{text(e, "id"), text(e, "path")} {
		if found, ok := s.made[key]; ok && key != "" {
			return found
		}
	}
	return e
}

// root gives the types whose elements an expression on an element begins with:
// one that the model knows, or none.
func (s *structureRules) root(e tree.Node) string {
	whole := s.effective(e)
	if t := s.Model.Type(text(whole.Field("base"), "path")); t != nil && strings.Contains(t.Name, ".") {
		return t.Name
	}
	types := whole.Field("type")
	if !strings.Contains(text(whole, "path"), ".") && s.Model.Type(text(s.sd, "type")) != nil {
		return text(s.sd, "type")
	}
	if types.Len() != 1 {
		return ""
	}
	code := text(types.First(), "code")
	if code == "BackboneElement" || code == "Element" || code == "Resource" || s.Model.Type(code) == nil {
		return ""
	}
	return code
}

// bindable are the types of elements that a binding can be for.
var bindable = []string{"code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "Extension"}

func (s *structureRules) element(sub string, e tree.Node) {
	s.elementTypes(sub, e)
	s.expressions(sub, e)
	s.discriminators(sub, e)
	if b := e.Field("binding"); b.Exists() {
		s.binding(sub, e, b)
	}
	if e.Field("slicing").Exists() && text(e, "path") != "" && !strings.Contains(text(e, "path"), ".") {
		s.fail(sub+".slicing", issue.BusinessRule, "slicing-root", "the root of a definition does not repeat, so it can't be sliced", "定义的根元素不重复，不能切片")
	}
}

// extensionURL demands that the definition of an extension fixes its url to
// its own.
func (s *structureRules) extensionURL() {
	if text(s.sd, "type") != "Extension" || text(s.sd, "derivation") != "constraint" || s.made == nil {
		return
	}
	e, ok := s.made["Extension.url"]
	if !ok {
		return
	}
	fixed, own := text(e, "fixedUri"), text(s.sd, "url")
	if fixed == own || s.sd.Field("abstract").Bool() {
		return
	}
	s.fail("", issue.BusinessRule, "extension-url", "the url of an extension is that of its definition: fix Extension.url to "+issue.Quote(own)+", it is "+issue.Quote(fixed),
		"扩展的 url 须为其定义的 url：请把 Extension.url 固定为 "+issue.Quote(own)+"，实际为 "+issue.Quote(fixed))
}

func (s *structureRules) elementTypes(sub string, e tree.Node) {
	i := -1
	for t := range e.Field("type").Items() {
		i++
		sub, code := under(sub, "type", i), text(t, "code")
		if code != "" && !strings.Contains(code, ":") && s.Model.Type(code) == nil && s.structure(structureURL+code) == nil && !slices.Contains([]string{"Base", "xhtml", "*"}, code) {
			s.fail(sub+".code", issue.CodeInvalid, "type-unknown", "there is no type "+issue.Quote(code), "没有类型 "+issue.Quote(code))
			continue
		}
		for j, p := range strs(t.Field("profile")) {
			at := under(sub, "profile", j)
			if s.expects(at, "StructureDefinition", p) {
				s.profileSuits(at, p, code)
			}
		}
		for j, p := range strs(t.Field("targetProfile")) {
			at := under(sub, "targetProfile", j)
			if to := s.structure(p); s.expects(at, "StructureDefinition", p) && to != nil && to.Kind != "resource" && to.Kind != "logical" {
				s.fail(at, issue.BusinessRule, "target-kind", "a target is a resource, and "+issue.Quote(p)+" defines a "+to.Kind, "目标须为资源，而 "+issue.Quote(p)+" 定义的是 "+to.Kind)
			}
		}
		if t.Field("targetProfile").Len() > 0 && code != "Reference" && code != "canonical" && code != "CodeableReference" {
			s.fail(sub+".targetProfile", issue.BusinessRule, "type-target", "only a Reference or canonical has targets, not "+issue.Quote(code), "仅 Reference 或 canonical 有目标，"+issue.Quote(code)+" 没有")
		}
	}
}

// profileSuits demands that a profile is one of the type that it is given for.
func (s *structureRules) profileSuits(sub, canonical, code string) {
	sd := s.structure(canonical)
	if sd == nil || code == "" || sd.Of == code || strings.Contains(code, ":") {
		return
	}
	if !s.derives(structureURL+sd.Of, structureURL+code) {
		s.fail(sub, issue.BusinessRule, "profile-type", "the profile "+issue.Quote(canonical)+" is one of "+sd.Of+", not of "+code,
			"profile "+issue.Quote(canonical)+" 约束的是 "+sd.Of+"，而非 "+code)
	}
}

// expressions compiles the constraints of an element on what it holds.
func (s *structureRules) expressions(sub string, e tree.Node) {
	i := -1
	for k := range e.Field("constraint").Items() {
		i++
		at, expr := under(sub, "constraint", i), text(k, "expression")
		if expr == "" {
			s.warn(at, issue.BusinessRule, "constraint-expression", "the constraint "+issue.Quote(text(k, "key"))+" has no expression, so no one can check it by machine",
				"约束 "+issue.Quote(text(k, "key"))+" 没有表达式，无法由机器校验")
			continue
		}
		s.compiles(at+".expression", expr, s.root(e))
	}
}

func (s *structureRules) discriminators(sub string, e tree.Node) {
	i := -1
	for d := range e.Path("slicing", "discriminator").Items() {
		i++
		path := text(d, "path")
		if path == "" || path == "$this" {
			continue
		}
		root := s.root(e)
		if root == "Extension" || strings.Contains(path, "resolve()") {
			root = "" // what is there is told by a profile
		}
		s.compiles(under(sub+".slicing", "discriminator", i)+".path", path, root)
	}
}

func (s *structureRules) binding(sub string, e, b tree.Node) {
	if vs := text(b, "valueSet"); vs != "" {
		s.valueSetKnown(sub+".binding.valueSet", vs)
	}
	types := s.effective(e).Field("type")
	if types.Len() == 0 {
		types = e.Field("type")
	}
	var names []string
	for t := range types.Items() {
		code := text(t, "code")
		of := s.Model.Type(code)
		if of == nil || slices.ContainsFunc(bindable, of.Is) {
			return
		}
		names = append(names, code)
	}
	if len(names) > 0 {
		s.fail(sub, issue.BusinessRule, "binding-type", "a binding is for codes, Codings, CodeableConcepts, Quantities, strings and uris, and this element has the types "+list(names),
			"绑定仅适用于代码、Coding、CodeableConcept、Quantity、string 和 uri，而该元素的类型为 "+list(names))
	}
}
