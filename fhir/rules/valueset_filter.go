package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// property is what a code system says of a property or filter that value sets
// may choose by.
type property struct {
	typ string   // code, Coding, string, integer, boolean, dateTime, decimal; "" unknown
	ops []string // allowed operators; none when the system does not list them
}

// implicitProperties are those that every code system has.
// https://hl7.org/fhir/R4/codesystem.html#defined-props
var implicitProperties = map[string]property{
	"concept": {typ: "code"}, "code": {typ: "code"}, "display": {typ: "string"}, "definition": {typ: "string"},
	"status": {typ: "code"}, "inactive": {typ: "boolean"}, "effectiveDate": {typ: "dateTime"}, "deprecationDate": {typ: "dateTime"},
	"retirementDate": {typ: "dateTime"}, "deprecated": {typ: "dateTime"}, "notSelectable": {typ: "boolean"}, "parent": {typ: "code"}, "child": {typ: "code"},
	"partOf": {typ: "code"}, "synonym": {typ: "code"}, "comment": {typ: "string"}, "itemWeight": {typ: "decimal"},
}

func (c *Context) filters(sub string, inc tree.Node, system, version string) {
	filters := inc.Field("filter")
	if filters.Len() == 0 {
		return
	}
	canonical := system
	if version != "" {
		canonical += "|" + version
	}
	cs := c.definitionOf("CodeSystem", canonical)
	declared := declaredProperties(cs)
	i := 0
	for f := range filters.Items() {
		c.filter(under(sub, "filter", i), f, declared, system, version, text(cs, "content") == "not-present")
		i++
	}
}

// declaredProperties are those of a code system whose definition is here; nil
// when it is not.
func declaredProperties(cs tree.Node) map[string]property {
	if !cs.Exists() {
		return nil
	}
	all := map[string]property{}
	for p := range cs.Field("property").Items() {
		all[text(p, "code")] = property{typ: text(p, "type")}
	}
	for f := range cs.Field("filter").Items() {
		p := all[text(f, "code")]
		p.ops = strs(f.Field("operator"))
		all[text(f, "code")] = p
	}
	return all
}

func (c *Context) filter(sub string, f tree.Node, declared map[string]property, system, version string, sketch bool) {
	name, op, value := text(f, "property"), text(f, "op"), text(f, "value")
	p, known := declared[name]
	if implicit, ok := implicitProperties[name]; ok {
		if p.typ == "" {
			p.typ = implicit.typ
		}
		known = true
	}
	switch {
	case declared == nil:
		return // a system without a definition here: nothing is said of its properties
	case !known:
		c.warn(sub+".property", issue.Invalid, "filter-property", "the code system "+issue.Quote(system)+" declares no property or filter "+issue.Quote(name)+", so it may not be understood",
			"代码系统 "+issue.Quote(system)+" 未声明属性或过滤器 "+issue.Quote(name)+"，可能无法理解")
		return
	case len(p.ops) > 0 && !slices.Contains(p.ops, op) && sketch:
		// A description of SNOMED CT that forgets descendent-of forbids nothing.
		c.warn(sub+".op", issue.Invalid, "filter-op", "the description of "+issue.Quote(system)+" does not name the operator "+issue.Quote(op)+" for "+issue.Quote(name)+": "+list(p.ops),
			issue.Quote(system)+" 的说明未列出 "+issue.Quote(name)+" 的运算符 "+issue.Quote(op)+"："+list(p.ops))
		return
	case len(p.ops) > 0 && !slices.Contains(p.ops, op):
		c.fail(sub+".op", issue.Invalid, "filter-op", "the operator "+issue.Quote(op)+" is not allowed for "+issue.Quote(name)+": "+list(p.ops),
			issue.Quote(name)+" 不允许运算符 "+issue.Quote(op)+"："+list(p.ops))
		return
	case hierarchical(op) && p.typ != "code" && p.typ != "Coding" && p.typ != "":
		c.fail(sub+".op", issue.Invalid, "filter-op", "the operator "+issue.Quote(op)+" asks for a hierarchy of codes, but "+issue.Quote(name)+" is of the type "+p.typ,
			"运算符 "+issue.Quote(op)+" 需要代码层级，而 "+issue.Quote(name)+" 的类型为 "+p.typ)
		return
	}
	if value != "" { // an expression may stand for it
		c.filterValue(sub, op, value, p.typ, name, system, version)
	}
}

func hierarchical(op string) bool {
	return op == "is-a" || op == "is-not-a" || op == "descendent-of" || op == "generalizes"
}

// filterValue judges the value of a filter by its operator and the type of the
// property.
func (c *Context) filterValue(sub, op, value, typ, name, system, version string) {
	sub += ".value"
	switch op {
	case "exists":
		if value != "true" && value != "false" {
			c.fail(sub, issue.Invalid, "filter-value", "the value of the operator exists is true or false, not "+issue.Quote(value), "运算符 exists 的值应为 true 或 false，而非 "+issue.Quote(value))
		}
		return
	case "regex":
		if _, err := regexp.Compile(value); err != nil {
			c.warn(sub, issue.Invalid, "filter-value", issue.Quote(value)+" is no regular expression that is understood here", issue.Quote(value)+" 不是可识别的正则表达式")
		}
		return
	case "in", "not-in":
		for _, one := range strings.Split(value, ",") {
			c.filterOne(sub, strings.TrimSpace(one), typ, name, system, version)
		}
		return
	}
	c.filterOne(sub, value, typ, name, system, version)
}

func (c *Context) filterOne(sub, value, typ, name, system, version string) {
	wrong := false
	switch typ {
	case "boolean":
		wrong = value != "true" && value != "false"
	case "integer":
		_, err := strconv.ParseInt(value, 10, 64)
		wrong = err != nil
	case "decimal":
		wrong = !decimalForm.MatchString(value)
	case "dateTime":
		wrong = !dateForm.MatchString(value)
	case "code":
		if name == "concept" || name == "code" || name == "parent" || name == "child" {
			c.unknownCode(sub, system, version, value)
		}
	}
	if wrong {
		c.fail(sub, issue.Invalid, "filter-value", "the property "+issue.Quote(name)+" is of the type "+typ+", and "+issue.Quote(value)+" is none",
			"属性 "+issue.Quote(name)+" 的类型为 "+typ+"，而 "+issue.Quote(value)+" 不是")
	}
}

var (
	decimalForm = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][+-]?\d+)?$`)
	dateForm    = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$`)
)
