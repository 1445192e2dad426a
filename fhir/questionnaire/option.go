package questionnaire

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// option judges a value by the permitted answers; at is the answer, here its
// value.
func (k *checker) option(q *question, kind string, value tree.Node, at, here *place) {
	switch {
	case q.openness == "optionsOrType" && kind == valueTypes[q.kind]:
	case q.open() && freeText(kind, value):
		k.wording(q, kind, value, at)
	case len(q.options) > 0:
		k.listed(q, kind, value, at, here)
	case kind == "Coding" && q.valueSet != "":
		k.member(q.valueSet, value, at, "questionnaire-option")
	case kind == "Coding":
		k.inform(at, issue.Invariant, "questionnaire-no-options",
			"the code can't be checked: the question "+issue.Quote(q.linkID)+" has neither options nor a value set",
			"无法校验代码：问题 "+issue.Quote(q.linkID)+" 没有选项也没有值集")
	}
}

// freeText is what an open choice takes besides its options: a string, or a
// Coding with nothing but a display.
func freeText(kind string, value tree.Node) bool {
	return kind == "string" || kind == "Coding" && value.Field("code").Str() == "" &&
		value.Field("system").Str() == "" && value.Field("display").Str() != ""
}

// wording warns of free text that is one of the options in other clothes.
func (k *checker) wording(q *question, kind string, value tree.Node, at *place) {
	said := value.Text()
	if kind == "Coding" {
		said = value.Field("display").Str()
	}
	for _, o := range q.options {
		if o.kind == "Coding" && said != "" && (o.value.Field("display").Str() == said || o.value.Field("code").Str() == said) {
			k.warn(at, issue.Invariant, "questionnaire-text-is-option",
				"found the text "+issue.Quote(said)+", which is an option: answer with its code",
				"文字答案 "+issue.Quote(said)+" 与一个选项相同，请使用该选项的代码")
			return
		}
	}
	if len(q.options) == 0 {
		k.inform(at, issue.Invariant, "questionnaire-no-options",
			"the text can't be compared to options: the question "+issue.Quote(q.linkID)+" lists none",
			"无法将文字与选项比较：问题 "+issue.Quote(q.linkID)+" 没有列出选项")
	}
}

func (k *checker) listed(q *question, kind string, value tree.Node, at, here *place) {
	for _, o := range q.options {
		if !k.step() || o.matches(kind, value) {
			return
		}
	}
	if kind == "Coding" {
		here = at
	}
	k.fail(here, issue.Invariant, "questionnaire-option",
		fmt.Sprintf("found %s, which is not one of the options of %s: %s", shown(kind, value), issue.Quote(q.linkID), q.names()),
		fmt.Sprintf("答案 %s 不是问题 %s 的选项：%s", shown(kind, value), issue.Quote(q.linkID), q.names()))
}

// matches compares by value; Codings by system and code, References by what
// they point to.
func (o option) matches(kind string, value tree.Node) bool {
	switch {
	case o.kind != kind:
		return false
	case kind == "Coding":
		return o.value.Field("code").Str() == value.Field("code").Str() &&
			o.value.Field("system").Str() == value.Field("system").Str()
	case kind == "Reference":
		return o.value.Field("reference").Str() == value.Field("reference").Str()
	case kind == "Quantity":
		order, problem := compareQuantities(value, o.value)
		return problem == "" && order == 0
	}
	order, ok := ordered(kind, value, o.kind, o.value)
	return ok && order == 0
}

func shown(kind string, value tree.Node) string {
	switch kind {
	case "Coding":
		return issue.Quote(value.Field("system").Str() + "#" + value.Field("code").Str())
	case "Reference":
		return issue.Quote(value.Field("reference").Str())
	case "Quantity":
		return amount(value)
	}
	return issue.Quote(value.Text())
}

func (q *question) names() string {
	var names []string
	for _, o := range q.options[:min(len(q.options), 11)] {
		names = append(names, shown(o.kind, o.value))
	}
	return list(names)
}

// member judges a code by a value set. Nothing is said of a wrong code where
// the value set or the code system is not known, but that it was not checked.
func (k *checker) member(valueSet string, value tree.Node, at *place, rule string) {
	c := terminology.Coding{
		System: value.Field("system").Str(), Version: value.Field("version").Str(),
		Code: value.Field("code").Str(), Display: value.Field("display").Str(),
	}
	var a terminology.Answer
	if k.c.Terminology != nil {
		a = k.c.Terminology.ValidateCode(valueSet, c, &terminology.CodeOptions{ContainedIn: k.container})
	}
	code := issue.Quote(c.System + "#" + c.Code)
	switch {
	case a.Verdict == terminology.Unknown:
		k.warn(at, issue.CodeInvalid, rule+"-unchecked",
			fmt.Sprintf("the code %s could not be checked against the value set %s: %s", code, issue.Quote(valueSet), orNot(a.Text, "it is not known here")),
			fmt.Sprintf("无法按值集 %s 校验代码 %s：%s", issue.Quote(valueSet), code, orNot(a.Chinese, "此处没有该值集")))
	case a.Verdict == terminology.NotMember:
		k.fail(at, issue.CodeInvalid, rule,
			fmt.Sprintf("found %s, which is not in the value set %s: %s", code, issue.Quote(valueSet), orNot(a.Text, "choose one of its codes")),
			fmt.Sprintf("代码 %s 不在值集 %s 中：%s", code, issue.Quote(valueSet), orNot(a.Chinese, "请选择其中的代码")))
	case a.Problem == terminology.WrongDisplay:
		k.fail(at, issue.CodeInvalid, rule+"-display",
			fmt.Sprintf("found the display %s for %s, expected %s", issue.Quote(c.Display), code, issue.Quote(a.Display)),
			fmt.Sprintf("代码 %s 的显示名为 %s，应为 %s", code, issue.Quote(c.Display), issue.Quote(a.Display)))
	case a.Problem == terminology.Inactive || a.Problem == terminology.Abstract:
		k.warn(at, issue.BusinessRule, rule+"-status", a.Text, a.Chinese)
	}
}

func orNot(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// options judges answers together: an exclusive option stands alone, and no
// option is chosen twice.
func (k *checker) options(q *question, found []entry) {
	exclusive := false
	for _, o := range q.options {
		exclusive = exclusive || o.exclusive
	}
	if !exclusive {
		return
	}
	total := 0
	var only *place
	for _, e := range found {
		i := 0
		for answer := range e.item.Field("answer").Items() {
			kind, value := choice(answer, "value")
			for _, o := range q.options {
				if only == nil && o.exclusive && k.step() && o.matches(kind, value) {
					only = e.at.item("answer", i)
				}
			}
			i++
			total++
		}
	}
	if only != nil && total > 1 {
		k.fail(only, issue.BusinessRule, "questionnaire-option-exclusive",
			fmt.Sprintf("found an exclusive option beside %d other answers to %s: keep it alone or remove it", total-1, issue.Quote(q.linkID)),
			fmt.Sprintf("问题 %s 选择了互斥选项，同时还有 %d 个其他答案，请二者取一", issue.Quote(q.linkID), total-1))
	}
}
