package terminology

import (
	"fmt"

	"tenon/fhir/issue"
)

// reason is why a question can't be answered here. Its texts are made when they
// are asked for.
type reason struct {
	kind    reasonKind
	a, b, c string
}

type reasonKind uint8

const (
	reasonDeep reasonKind = 1 + iota
	reasonNoContent
	reasonNoImport
	reasonNoSystem
	reasonNotAll
	reasonEmpty
	reasonUnknownContent
	reasonNoFilter
	reasonNoSuchCode
	reasonNoProperty
	reasonRegex
)

var reasonTexts = [...]struct {
	problem          Problem
	rule             string
	english, chinese string
}{
	{},
	{UnknownValueSet, "valueset-depth", "the value set %[1]s names others too deeply, or in a circle", "值集 %[1]s 引用其他值集过深或循环引用"},
	{UnknownValueSet, "valueset-content", "the value set %[1]s has neither a compose nor an expansion", "值集 %[1]s 既无 compose 也无 expansion"},
	{UnknownValueSet, "valueset-unknown", "there is no value set %[1]s here", "此处没有值集 %[1]s"},
	{UnknownSystem, "codesystem-unknown", "there is no code system %[1]s here", "此处没有代码系统 %[1]s"},
	{UnknownSystem, "codesystem-content", "the code system %[1]s is known here in part only (%[2]s)", "此处仅有代码系统 %[1]s 的部分内容（%[2]s）"},
	{UnknownSystem, "codesystem-content", "the code system %[1]s is here without its concepts", "此处有代码系统 %[1]s 的定义，但没有其概念"},
	{UnknownSystem, "codesystem-unknown", "a filter (%[1]s %[2]s %[3]s) is on a code system that is not here", "筛选条件（%[1]s %[2]s %[3]s）所用的代码系统不在此处"},
	{UnknownValueSet, "valueset-filter", "the filter %[2]s %[3]s can't be applied to %[1]s", "筛选条件 %[2]s %[3]s 不适用于 %[1]s"},
	{UnknownValueSet, "valueset-filter", "the code system %[1]s has no code %[3]s, which a filter (%[2]s) names", "代码系统 %[1]s 没有筛选条件（%[2]s）所用的代码 %[3]s"},
	{UnknownValueSet, "valueset-filter", "the code system %[1]s defines no property %[2]s, which a filter names", "代码系统 %[1]s 没有筛选条件所用的属性 %[2]s"},
	{UnknownValueSet, "valueset-regex", "the regular expression %[1]q of a filter is not RE2, or too long", "筛选条件的正则表达式 %[1]q 不是 RE2 语法或过长"},
}

func tooDeep(v *ValueSet) reason   { return reason{kind: reasonDeep, a: v.name()} }
func noContent(v *ValueSet) reason { return reason{kind: reasonNoContent, a: v.name()} }
func noImport(url string) reason   { return reason{kind: reasonNoImport, a: url} }
func noSystem(url, version string) reason {
	return reason{kind: reasonNoSystem, a: url, b: version}
}
func notAll(cs *system) reason {
	if cs.held {
		return reason{kind: reasonNotAll, a: cs.url, b: cs.content}
	}
	return reason{kind: reasonEmpty, a: cs.url}
}
func unknownContent(property, op, value string) reason {
	return reason{reasonUnknownContent, property, op, value}
}
func noFilter(system, property, op string) reason {
	return reason{reasonNoFilter, system, property, op}
}
func noSuchCode(cs *system, op, code string) reason {
	return reason{reasonNoSuchCode, cs.url, op, code}
}
func noProperty(cs *system, property string) reason {
	return reason{kind: reasonNoProperty, a: cs.url, b: property}
}
func badRegex(value string) reason { return reason{kind: reasonRegex, a: value} }

func (r reason) problem() Problem { return reasonTexts[r.kind].problem }

func (r reason) texts() (english, chinese string) {
	t := reasonTexts[r.kind]
	a := r.a
	if r.kind == reasonNoSystem {
		a = canonical(r.a, r.b)
	}
	return sprintf(t.english, a, r.b, r.c), sprintf(t.chinese, a, r.b, r.c)
}

// sprintf lets a format leave arguments out.
func sprintf(format, a, b, c string) string {
	return fmt.Sprintf(format+"%.0[1]s%.0[2]s%.0[3]s", a, b, c)
}

// failure is the reason as an error.
func (r reason) failure(typ issue.Type) *issue.Failure {
	english, chinese := r.texts()
	return issue.Errorf(typ, "%s", english).Rule(reasonTexts[r.kind].rule).Chinese(chinese)
}

// Canonical is the URL with the version, "url|version".
func (v *ValueSet) Canonical() string { return canonical(v.URL, v.Version) }

// name is how a message calls the value set.
func (v *ValueSet) name() string {
	switch {
	case v.URL != "":
		return canonical(v.URL, v.Version)
	case v.Name != "":
		return v.Name
	}
	return "(without url)"
}
