package validate

// https://hl7.org/fhir/R4/terminologies.html

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// binding says from which value set the codes of an element come.
type binding struct {
	strength string // required, extensible, max: none beyond it
	valueSet string
	owner    string // the profile that says so, "" for the base
	// within contains the value set of "#id": the profile, not what is judged.
	within tree.Node
}

// baseBindings are the bindings of the base where the model's lists of codes
// don't judge them.
func (s *Set) baseBindings(e *schema.Element) []*binding {
	if s.terms == nil {
		return nil
	}
	var list []*binding
	for _, b := range []*schema.Binding{e.Binding, e.Type.Binding} {
		if b == nil {
			continue
		}
		_, listed := s.model.Codes(b.ValueSet)
		if b.Strength == "required" && !listed || b.Strength == "extensible" {
			list = append(list, &binding{strength: b.Strength, valueSet: b.ValueSet})
		}
		if b.Max != "" {
			list = append(list, &binding{strength: "max", valueSet: b.Max})
		}
	}
	return list
}

// coded judges a coded value by a binding.
func (w *walker) coded(v value, b *binding) {
	if w.set.terms == nil || b.valueSet == "" {
		return
	}
	verdict, problem, asked := w.bound(v, b)
	switch {
	case verdict == terminology.Member:
	case !asked:
		if b.strength == "required" && v.typ != nil && v.typ.Name == "CodeableConcept" && !absent(v.node) {
			w.add(issue.CodeInvalid, "binding-required", fmt.Sprintf("found no code, expected one of the value set %s%s", b.valueSet, b.by()),
				fmt.Sprintf("没有编码，应取自值集 %s%s", b.valueSet, b.by()))
		}
	case verdict == terminology.Unknown:
		if b.strength != "extensible" {
			w.warn(issue.NotFound, "binding-unjudged", fmt.Sprintf("whether the code is of the value set %s could not be judged: %s", b.valueSet, problem),
				fmt.Sprintf("无法判定编码是否属于值集 %s", b.valueSet))
		}
	case b.strength == "extensible":
		w.warn(issue.CodeInvalid, "binding-extensible", fmt.Sprintf("found %s, expected a code of the value set %s unless it has none that fits%s", codes(v), b.valueSet, b.by()),
			fmt.Sprintf("编码为 %s，应取自值集 %s，除非其中没有合适的编码%s", codes(v), b.valueSet, b.by()))
	default:
		w.add(issue.CodeInvalid, "binding-"+b.strength, fmt.Sprintf("found %s, expected a code of the value set %s%s", codes(v), b.valueSet, b.by()),
			fmt.Sprintf("编码为 %s，应取自值集 %s%s", codes(v), b.valueSet, b.by()))
	}
}

func (b *binding) by() string {
	if b.owner == "" {
		return ""
	}
	return " (" + b.owner + ")"
}

// absent tells whether a value says why it is not there.
func absent(n tree.Node) bool {
	for x := range n.Field("extension").Items() {
		if x.Field("url").Str() == "http://hl7.org/fhir/StructureDefinition/data-absent-reason" {
			return true
		}
	}
	return false
}

// codes shows the codes of a value.
func codes(v value) string {
	var list []string
	add := func(n tree.Node) {
		if s := n.Field("system").Str(); s != "" {
			list = append(list, cut(s)+"|"+cut(n.Field("code").Str()))
		} else {
			list = append(list, cut(n.Field("code").Str()))
		}
	}
	switch {
	case v.node.Kind() != tree.Object:
		return raw(v.node)
	case v.typ != nil && v.typ.Name == "CodeableConcept":
		for c := range v.node.Field("coding").Items() {
			add(c)
		}
	default:
		add(v.node)
	}
	return some(list)
}

// isBound tells whether a value is of a value set.
func (w *walker) isBound(v value, b *binding) bool {
	if b == nil || w.set.terms == nil {
		return false
	}
	verdict, _, _ := w.bound(v, b)
	return verdict == terminology.Member
}

// bound asks for each code of a value whether it is of a value set: one is
// enough. asked is false when it has no code.
func (w *walker) bound(v value, b *binding) (verdict terminology.Verdict, problem string, asked bool) {
	ask := func(c terminology.Coding) {
		if c.Code == "" || asked && verdict == terminology.Member {
			return
		}
		a := w.askOf(b, c)
		if !asked || a.Verdict == terminology.Member || a.Verdict == terminology.Unknown {
			verdict, problem = a.Verdict, a.Text
		}
		asked = true
	}
	switch {
	case v.node.Kind() == tree.String:
		if isMIME(b.valueSet) {
			return mime(v.node.Str()), "", true
		}
		ask(terminology.Coding{Code: v.node.Str()})
	case v.typ != nil && v.typ.Name == "CodeableConcept":
		for c := range v.node.Field("coding").Items() {
			ask(codingOf(c))
		}
	case v.node.Kind() == tree.Object:
		c := codingOf(v.node)
		c.Display = ""
		ask(c)
	}
	return verdict, problem, asked
}

func codingOf(n tree.Node) terminology.Coding {
	return terminology.Coding{System: n.Field("system").Str(), Version: n.Field("version").Str(), Code: n.Field("code").Str()}
}

// ask asks the terminology server, or its memory.
func (w *walker) ask(valueSet string, c terminology.Coding) terminology.Answer {
	w.work--
	if strings.HasPrefix(valueSet, "#") {
		return w.set.terms.ValidateCode(valueSet, c, &terminology.CodeOptions{ContainedIn: w.container})
	}
	return w.set.answers.ask(w.set.terms, valueSet, c)
}

// askOf asks for a binding, whose value set the profile may contain.
func (w *walker) askOf(b *binding, c terminology.Coding) terminology.Answer {
	if !b.within.Exists() {
		return w.ask(b.valueSet, c)
	}
	w.work--
	return w.set.terms.ValidateCode(b.valueSet, c, &terminology.CodeOptions{ContainedIn: b.within})
}

// coding judges a Coding by its code system alone.
func (w *walker) coding(n tree.Node) {
	c := codingOf(n)
	if c.System == "" || c.Code == "" || slices.Contains(w.systems, c.System) {
		return
	}
	c.Display = n.Field("display").Str()
	switch a := w.ask("", c); a.Problem {
	case terminology.UnknownCode:
		w.at("code", func() {
			w.add(issue.CodeInvalid, "code-unknown", fmt.Sprintf("the code system %s has no code %s", cut(c.System), quote(c.Code)),
				fmt.Sprintf("代码系统 %s 中没有代码 %s", cut(c.System), quote(c.Code)))
		})
	case terminology.WrongDisplay:
		if slices.Contains(a.Displays, strings.TrimSuffix(c.Display, " (the)")) {
			return // ISO 3166 writes the article of a country behind its name
		}
		severity := w.o.WrongDisplay
		if severity == "" {
			severity = issue.Error
		}
		w.at("display", func() {
			w.report(severity, issue.Invalid, "display-wrong", fmt.Sprintf("%s is no display of %s|%s, expected %s", quote(c.Display), cut(c.System), cut(c.Code), some(a.Displays)),
				fmt.Sprintf("%s 不是 %s|%s 的显示名，应为 %s", quote(c.Display), cut(c.System), cut(c.Code), some(a.Displays)))
		})
	case terminology.Inactive:
		w.warn(issue.BusinessRule, "code-inactive", fmt.Sprintf("the code %s of %s is no longer active", quote(c.Code), cut(c.System)),
			fmt.Sprintf("%s 的代码 %s 已停用", cut(c.System), quote(c.Code)))
	case terminology.UnknownSystem:
		w.unknownSystem(c.System)
	}
}

// unknownSystem says of a code system, once, that its codes could not be judged.
func (w *walker) unknownSystem(system string) {
	if w.set.lib != nil && w.set.lib.Find("ValueSet", system) != nil {
		w.at("system", func() {
			w.add(issue.CodeInvalid, "system-valueset", cut(system)+" is a value set, expected the code system that the code is from", cut(system)+" 是值集，应为代码所属的代码系统")
		})
		return
	}
	if slices.Contains(w.systems, system) || len(w.systems) >= 32 {
		return
	}
	w.systems = append(w.systems, system)
	w.push("system", -1)
	system = cut(system)
	w.warn(issue.NotFound, "code-system-unknown", "the code system "+system+" is not known here, so its codes could not be judged", "未知代码系统 "+system+"，其代码未校验")
	w.pop()
}
