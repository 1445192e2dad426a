package search

import "tenon/fhir/issue"

// Rules that lenient handling may pass over.
const (
	ruleUnknown = "search-unknown-parameter"
	ruleEmpty   = "search-empty-value"
)

// refuse makes a failure with status 400. chinese is a whole sentence; the
// English text says what was found and what to do.
func refuse(t issue.Type, rule, at, chinese, format string, args ...any) *issue.Failure {
	return issue.Errorf(t, format, args...).WithStatus(400).Rule(rule).At(at).Chinese(chinese)
}

// at names the parameter in a failure that does not name one yet.
func at(err error, param string) error {
	if f := issue.As(err); f != nil && f.Issues[0].Path == "" {
		f.Issues[0].Path = param
	}
	return err
}

func badValue(value, chinese, format string, args ...any) *issue.Failure {
	return refuse(issue.Invalid, "search-value", "", "值 "+value+" 无效："+chinese, "The value %q is not valid: "+format,
		append([]any{value}, args...)...)
}

func unknownParameter(typ, name string) *issue.Failure {
	return refuse(issue.NotSupported, ruleUnknown, "", typ+" 没有检索参数 "+name+"。",
		"%s has no search parameter %q; the CapabilityStatement lists those that it has.", typ, name)
}

func badModifier(p *Parameter, modifier string) *issue.Failure {
	return refuse(issue.NotSupported, "search-modifier", "", "参数 "+p.Code+" 不支持修饰符 :"+modifier+"。",
		"The modifier :%s is not supported on %q, a parameter of type %s.", modifier, p.Code, p.Type)
}

func tooMany() *issue.Failure {
	return refuse(issue.TooCostly, "search-limit", "", "取值过多。", "There are more than %d values.", maxValues)
}

func notServed(code, kind string) *issue.Failure {
	return refuse(issue.NotSupported, "search-not-supported", "", "本服务器尚不支持参数 "+code+"。",
		"The parameter %q (%s) is not supported by this server.", code, kind)
}

// clip shortens what a message repeats.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
