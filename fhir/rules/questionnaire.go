package rules

// https://hl7.org/fhir/R4/questionnaire.html

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// question is an item of a Questionnaire.
type question struct {
	node         tree.Node
	at           *place
	linkID, kind string
	parent       *question
	order        int // in document order
	last         int // order of the last item below it
}

// questions is a Questionnaire, read once.
type questions struct {
	c    *Context
	node tree.Node
	all  []*question
	by   map[string]*question
}

// questionnaireRule judges what no invariant tells of the items: conditions
// ask questions that are there, options and initial values have the item's
// type, extensions make sense.
func questionnaireRule(c *Context, n tree.Node) {
	q := &questions{c: c, node: n, by: map[string]*question{}}
	q.read(n, nil, nil)
	for _, item := range q.all {
		i := 0
		for w := range item.node.Field("enableWhen").Items() {
			q.condition(item, w, item.at.item("enableWhen", i))
			i++
		}
		q.values(item)
		q.valueSet(item)
		q.extensions(item)
		if item.node.Field("required").Bool() && item.node.Field("readOnly").Bool() && !filled(item.node) {
			c.warn(item.at.String(), issue.BusinessRule, "questionnaire-required-read-only",
				issue.Quote(item.linkID)+" is required and read-only, but nothing fills it: give it an initial value or an expression",
				issue.Quote(item.linkID)+" 为必填且只读，但没有初始值或表达式来填写")
		}
	}
}

func (q *questions) read(container tree.Node, at *place, parent *question) {
	i := 0
	for n := range container.Field("item").Items() {
		item := &question{node: n, at: at.item("item", i), linkID: text(n, "linkId"), kind: text(n, "type"), parent: parent, order: len(q.all)}
		i++
		q.all = append(q.all, item)
		if _, taken := q.by[item.linkID]; !taken {
			q.by[item.linkID] = item
		}
		q.read(n, item.at, item)
		item.last = len(q.all) - 1
	}
}

// condition judges one enableWhen.
func (q *questions) condition(item *question, when tree.Node, at *place) {
	link := text(when, "question")
	target := q.by[link]
	switch {
	case link == "":
	case target == nil:
		q.c.fail(item.at.String(), issue.BusinessRule, "questionnaire-enable-when",
			fmt.Sprintf("the enableWhen of %s asks the question %s, which is not there", issue.Quote(item.linkID), issue.Quote(link)),
			fmt.Sprintf("%s 的 enableWhen 引用了不存在的问题 %s", issue.Quote(item.linkID), issue.Quote(link)))
	case target == item:
		q.c.fail(item.at.String(), issue.BusinessRule, "questionnaire-enable-when",
			fmt.Sprintf("the enableWhen of %s asks %s itself", issue.Quote(item.linkID), issue.Quote(link)),
			fmt.Sprintf("%s 的 enableWhen 引用了自身", issue.Quote(item.linkID)))
	case target.order > item.order && target.order <= item.last:
		q.c.fail(item.at.String(), issue.BusinessRule, "questionnaire-enable-when",
			fmt.Sprintf("the enableWhen of %s asks %s, which lies within it", issue.Quote(item.linkID), issue.Quote(link)),
			fmt.Sprintf("%s 的 enableWhen 引用了其内部的 %s", issue.Quote(item.linkID), issue.Quote(link)))
	default:
		if target.order > item.order {
			q.c.warn(item.at.String(), issue.BusinessRule, "questionnaire-enable-when-order",
				fmt.Sprintf("the enableWhen of %s asks %s, which comes after it", issue.Quote(item.linkID), issue.Quote(link)),
				fmt.Sprintf("%s 的 enableWhen 引用了其后的 %s", issue.Quote(item.linkID), issue.Quote(link)))
		}
		q.operator(target, when, at)
	}
}

// operator judges the operator and the answer by the question that is asked.
func (q *questions) operator(target *question, when tree.Node, at *place) {
	operator := text(when, "operator")
	kind, answer := choice(when, "answer")
	if target.kind == "group" || target.kind == "display" {
		q.c.warn(at.String(), issue.BusinessRule, "questionnaire-enable-when-group",
			fmt.Sprintf("asks %s, a %s, which has no answer", issue.Quote(target.linkID), target.kind),
			fmt.Sprintf("所引用的 %s 为 %s，没有答案", issue.Quote(target.linkID), target.kind))
		return
	}
	if operator == "exists" || !answer.Exists() {
		return
	}
	if types := target.types(); !slices.Contains(types, kind) {
		q.c.warn(at.child("answer").String(), issue.Value, "questionnaire-enable-when-answer",
			fmt.Sprintf("found an answer of type %s, but %s is answered with %s: the condition is never met", kind, issue.Quote(target.linkID), strings.Join(types, " or ")),
			fmt.Sprintf("条件的答案类型为 %s，而 %s 的答案类型为 %s，条件永远不会满足", kind, issue.Quote(target.linkID), strings.Join(types, "、")))
		return
	}
	if operator != "=" && operator != "!=" && (kind == "Coding" || kind == "Reference" || kind == "boolean") {
		q.c.warn(at.child("operator").String(), issue.Value, "questionnaire-enable-when-operator",
			fmt.Sprintf("found the operator %s for values of type %s, which have no order", issue.Quote(operator), kind),
			fmt.Sprintf("类型 %s 的值没有大小之分，不能用运算符 %s", kind, issue.Quote(operator)))
	}
}

var answerTypes = map[string][]string{
	"boolean": {"boolean"}, "decimal": {"decimal"}, "integer": {"integer"}, "date": {"date"}, "dateTime": {"dateTime"},
	"time": {"time"}, "string": {"string"}, "text": {"string"}, "url": {"uri"}, "choice": {"Coding"},
	"open-choice": {"Coding", "string"}, "attachment": {"Attachment"}, "reference": {"Reference"}, "quantity": {"Quantity"},
}

// types are those of the answers to a question: of a choice, also those of its
// options.
func (item *question) types() []string {
	types := slices.Clone(answerTypes[item.kind])
	if item.kind == "choice" || item.kind == "open-choice" {
		for o := range item.node.Field("answerOption").Items() {
			if kind, v := choice(o, "value"); v.Exists() && !slices.Contains(types, kind) {
				types = append(types, kind)
			}
		}
	}
	return types
}

// values judges the types of options and initial values.
func (q *questions) values(item *question) {
	types, known := answerTypes[item.kind]
	if !known {
		return
	}
	seen := map[string]bool{}
	i := 0
	for o := range item.node.Field("answerOption").Items() {
		at := item.at.item("answerOption", i)
		i++
		kind, v := choice(o, "value")
		if !v.Exists() {
			continue
		}
		if item.kind != "choice" && item.kind != "open-choice" && !slices.Contains(types, kind) {
			q.mistyped(item, at, kind, types, "an option", "选项")
		}
		key := kind + " " + string(v.Raw())
		if kind == "Coding" {
			key = text(v, "system") + "#" + text(v, "code")
		}
		if seen[key] {
			q.c.warn(at.String(), issue.Duplicate, "questionnaire-option-twice", "this option stands there before", "选项重复")
		}
		seen[key] = true
	}
	i = 0
	for o := range item.node.Field("initial").Items() {
		at := item.at.item("initial", i)
		i++
		if kind, v := choice(o, "value"); v.Exists() && !slices.Contains(item.types(), kind) && item.kind != "choice" {
			q.mistyped(item, at, kind, item.types(), "an initial value", "初始值")
		}
	}
}

func (q *questions) mistyped(item *question, at *place, kind string, types []string, what, chinese string) {
	q.c.fail(at.child("value").String(), issue.Value, "questionnaire-value-type",
		fmt.Sprintf("found %s of type %s, but %s is answered with %s", what, kind, issue.Quote(item.linkID), strings.Join(types, " or ")),
		fmt.Sprintf("%s的类型为 %s，而 %s 的答案类型为 %s", chinese, kind, issue.Quote(item.linkID), strings.Join(types, "、")))
}

// valueSet wants a value set that can be found.
func (q *questions) valueSet(item *question) {
	url := text(item.node, "answerValueSet")
	if url == "" {
		return
	}
	if id, contained := strings.CutPrefix(url, "#"); contained {
		for _, holder := range []tree.Node{q.node, q.c.Root} {
			for r := range holder.Field("contained").Items() {
				if text(r, "id") == id && text(r, "resourceType") == "ValueSet" {
					return
				}
			}
		}
	} else if q.c.Library == nil || q.c.Library.Find("ValueSet", url) != nil {
		return
	}
	q.c.warn(item.at.child("answerValueSet").String(), issue.NotFound, "questionnaire-value-set",
		fmt.Sprintf("the value set %s is not known here: answers to %s can't be checked", issue.Quote(url), issue.Quote(item.linkID)),
		fmt.Sprintf("此处没有值集 %s，无法校验 %s 的答案", issue.Quote(url), issue.Quote(item.linkID)))
}

const fhirExtension = "http://hl7.org/fhir/StructureDefinition/"

// filled tells whether a value comes from somewhere.
func filled(n tree.Node) bool {
	if n.Field("initial").Exists() {
		return true
	}
	for o := range n.Field("answerOption").Items() {
		if o.Field("initialSelected").Bool() {
			return true
		}
	}
	for e := range n.Field("extension").Items() {
		url := text(e, "url")
		if strings.HasSuffix(url, "Expression") || strings.HasSuffix(url, "hidden") {
			return true
		}
	}
	return false
}

// extensions judges patterns, bounds and constraints of an item.
func (q *questions) extensions(item *question) {
	bounds := map[string]tree.Node{}
	i := 0
	for e := range item.node.Field("extension").Items() {
		at := item.at.item("extension", i)
		i++
		_, v := choice(e, "value")
		switch name, _ := strings.CutPrefix(text(e, "url"), fhirExtension); name {
		case "regex":
			if _, err := regexp.Compile(v.Str()); v.Kind() == tree.String && (err != nil || len(v.Str()) > 2000) {
				q.c.warn(at.child("value").String(), issue.NotSupported, "questionnaire-regex",
					"the pattern "+issue.Quote(v.Str())+" is not a regular expression that is understood here", "正则表达式 "+issue.Quote(v.Str())+" 不受支持")
			}
		case "minValue", "maxValue", "questionnaire-minOccurs", "questionnaire-maxOccurs", "minLength":
			bounds[name] = v
		case "questionnaire-constraint", "targetConstraint":
			q.constraint(e, at)
		}
	}
	q.crossed(item, bounds["minValue"], bounds["maxValue"], "minValue", "maxValue")
	q.crossed(item, bounds["questionnaire-minOccurs"], bounds["questionnaire-maxOccurs"], "minOccurs", "maxOccurs")
	q.crossed(item, bounds["minLength"], item.node.Field("maxLength"), "minLength", "maxLength")
}

func (q *questions) crossed(item *question, least, most tree.Node, min, max string) {
	if least.Kind() != tree.Number || most.Kind() != tree.Number {
		return
	}
	if order, ok := ucum.CompareNumbers(least.Text(), most.Text()); ok && order > 0 {
		q.c.warn(item.at.String(), issue.Value, "questionnaire-bounds",
			fmt.Sprintf("found a %s of %s and a %s of %s: no answer meets both", min, least.Text(), max, most.Text()),
			fmt.Sprintf("%s 为 %s，%s 为 %s，没有答案能同时满足", min, least.Text(), max, most.Text()))
	}
}

// constraint compiles the FHIRPath of a constraint.
func (q *questions) constraint(e tree.Node, at *place) {
	for part := range e.Field("extension").Items() {
		if text(part, "url") != "expression" || q.c.Compile == nil {
			continue
		}
		_, v := choice(part, "value")
		expr := v.Str()
		if v.Kind() == tree.Object {
			expr = text(v, "expression")
		}
		if expr == "" {
			continue
		}
		if _, err := q.c.Compile(expr, "QuestionnaireResponse.item"); err != nil {
			q.c.warn(at.String(), issue.Value, "questionnaire-constraint",
				"the constraint's expression "+issue.Quote(expr)+" can't be read: "+reason(err), "约束表达式 "+issue.Quote(expr)+" 无法解析："+reason(err))
		}
	}
}

// reason is the text of a failure without its path.
func reason(err error) string {
	if f := issue.As(err); f != nil && len(f.Issues) > 0 {
		return f.Issues[0].Text
	}
	return "it fails"
}

// choice finds the value of an element with a choice of types and names the
// type: valueDateTime is "dateTime", valueCoding "Coding".
func choice(n tree.Node, name string) (kind string, value tree.Node) {
	for field, v := range n.Fields() {
		if suffix, ok := strings.CutPrefix(field, name); ok && suffix != "" {
			switch suffix {
			case "Coding", "Quantity", "Reference", "Attachment", "Expression", "CodeableConcept":
				return suffix, v
			}
			return string(suffix[0]|0x20) + suffix[1:], v
		}
	}
	return "", tree.Node{}
}
