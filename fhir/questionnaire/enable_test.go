package questionnaire_test

import (
	"fmt"
	"slices"
	"testing"
)

// Each operator, for each type that has it: whether b is enabled by an answer.
func TestOperators(t *testing.T) {
	km := func(value, code string) string {
		return `Quantity':{'value':` + value + `,'system':'http://unitsofmeasure.org','code':'` + code + `'}`
	}
	table := []struct {
		kind, answers string
		operator      string
		wanted        string
		enabled       bool
	}{
		{"boolean", `{'valueBoolean':true}`, "=", `Boolean':true`, true},
		{"boolean", `{'valueBoolean':false}`, "=", `Boolean':true`, false},
		{"boolean", `{'valueBoolean':false}`, "!=", `Boolean':true`, true},
		{"boolean", ``, "exists", `Boolean':true`, false},
		{"boolean", ``, "exists", `Boolean':false`, true},
		{"boolean", `{'valueBoolean':false}`, "exists", `Boolean':true`, true},
		{"boolean", `{'valueBoolean':false}`, "exists", `Boolean':false`, false},
		{"boolean", ``, "!=", `Boolean':true`, false},
		{"integer", `{'valueInteger':5}`, ">", `Integer':4`, true},
		{"integer", `{'valueInteger':5}`, ">", `Integer':5`, false},
		{"integer", `{'valueInteger':5}`, ">=", `Integer':5`, true},
		{"integer", `{'valueInteger':10}`, "<", `Integer':9`, false},
		{"integer", `{'valueInteger':5}`, "<=", `Integer':5`, true},
		{"decimal", `{'valueDecimal':1.50}`, "=", `Decimal':1.5`, true},
		{"date", `{'valueDate':'2026-05-01'}`, "<", `Date':'2026-05-02'`, true},
		{"dateTime", `{'valueDateTime':'2026-05-01T10:00:00+08:00'}`, "=", `DateTime':'2026-05-01T02:00:00Z'`, true},
		{"time", `{'valueTime':'10:00:00'}`, ">", `Time':'09:00:00'`, true},
		{"string", `{'valueString':'x'}`, "=", `String':'x'`, true},
		{"string", `{'valueString':'x'}`, "=", `Integer':1`, false},
		{"choice", `{'valueCoding':{'system':'http://example.org','code':'y','display':'Yes'}}`, "=", `Coding':{'system':'http://example.org','code':'y'}`, true},
		{"choice", `{'valueCoding':{'system':'http://example.com','code':'y'}}`, "=", `Coding':{'system':'http://example.org','code':'y'}`, false},
		{"choice", `{'valueCoding':{'system':'http://example.com','code':'y'}}`, "=", `Coding':{'code':'y'}`, true},
		{"choice", `{'valueCoding':{'system':'http://example.com','code':'y'}}`, "!=", `Coding':{'system':'http://example.org','code':'y'}`, true},
		{"choice", `{'valueCoding':{'code':'y'}},{'valueCoding':{'code':'n'}}`, "!=", `Coding':{'code':'n'}`, false},
		{"choice", `{'valueCoding':{'code':'y'}},{'valueCoding':{'code':'n'}}`, "=", `Coding':{'code':'n'}`, true},
		{"quantity", `{'value` + km("3", "km") + `}`, ">", km("2500", "m"), true},
		{"quantity", `{'value` + km("3", "km") + `}`, ">", km("2500", "g"), false},
		{"reference", `{'valueReference':{'reference':'Patient/1'}}`, "=", `Reference':{'reference':'Patient/1'}`, true},
	}
	for _, c := range table {
		form := fmt.Sprintf(`'item':[{'linkId':'a','type':'%s','repeats':true},{'linkId':'b','type':'string','enableWhen':[{'question':'a','operator':'%s','answer%s}]}]`, c.kind, c.operator, c.wanted)
		response := `'item':[{'linkId':'b','answer':[{'valueString':'x'}]}]`
		place := ".item[0]"
		if c.answers != "" {
			place = ".item[1]"
			response = `'item':[{'linkId':'a','answer':[` + c.answers + `]},{'linkId':'b','answer':[{'valueString':'x'}]}]`
		}
		got := check(t, "completed", form, response)
		if refused := slices.Contains(got, "error questionnaire-not-enabled "+place); refused == c.enabled {
			t.Errorf("%s %s %s enables = %v (%q), want %v", c.answers, c.operator, c.wanted, !refused, got, c.enabled)
		}
	}
}

func TestEnabled(t *testing.T) {
	two := func(behavior string) string {
		return `'item':[{'linkId':'a','type':'boolean'},{'linkId':'b','type':'boolean'},{'linkId':'c','type':'string','required':true,'enableBehavior':'` + behavior + `',
			'enableWhen':[{'question':'a','operator':'=','answerBoolean':true},{'question':'b','operator':'=','answerBoolean':true}]}]`
	}
	ab := func(a, b string) string {
		return `{'linkId':'a','answer':[{'valueBoolean':` + a + `}]},{'linkId':'b','answer':[{'valueBoolean':` + b + `}]}`
	}
	answer := `,{'linkId':'c','answer':[{'valueString':'x'}]}`
	repeated := `'item':[{'linkId':'g','type':'group','repeats':true,'item':[{'linkId':'a','type':'boolean'},
		{'linkId':'b','type':'string','required':true,'enableWhen':[{'question':'a','operator':'=','answerBoolean':true}]}]}]`
	nested := `'item':[{'linkId':'a','type':'boolean'},{'linkId':'g','type':'group','enableWhen':[{'question':'a','operator':'=','answerBoolean':true}],
		'item':[{'linkId':'b','type':'string','required':true,'enableWhen':[{'question':'a','operator':'exists','answerBoolean':true}]},{'linkId':'c','type':'string'}]}]`
	below := one(`'type':'boolean','item':[{'linkId':'b','type':'string','required':true,'enableWhen':[{'question':'a','operator':'=','answerBoolean':true}]}]`)
	expression := `'item':[{'linkId':'a','type':'integer'},{'linkId':'b','type':'string','extension':[` + sdc + `enableWhenExpression','valueExpression':{'language':'text/fhirpath',
		'expression':'%resource.item[0].answer.value > 3'}}]}]`
	run(t, "completed", []judged{
		{"any, one true", two("any"), `'item':[` + ab("true", "false") + answer + `]`, nil},
		{"any, none true", two("any"), `'item':[` + ab("false", "false") + answer + `]`, list("error questionnaire-not-enabled .item[2]")},
		{"all, one true", two("all"), `'item':[` + ab("true", "false") + answer + `]`, list("error questionnaire-not-enabled .item[2]")},
		{"all, both true", two("all"), `'item':[` + ab("true", "true") + answer + `]`, nil},
		{"enabled and required", two("all"), `'item':[` + ab("true", "true") + `]`, list("error questionnaire-required")},
		{"disabled is not required", two("all"), `'item':[` + ab("true", "false") + `]`, nil},
		{"disabled without answer", two("all"), `'item':[` + ab("true", "false") + `,{'linkId':'c'}]`, nil},
		{"each group asks its own answer", repeated, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueBoolean':true}]},{'linkId':'b','answer':[{'valueString':'x'}]}]},
			{'linkId':'g','item':[{'linkId':'a','answer':[{'valueBoolean':false}]},{'linkId':'b','answer':[{'valueString':'x'}]}]}]`, list("error questionnaire-not-enabled .item[1].item[1]")},
		{"unanswered in this group", repeated, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueBoolean':true}]},{'linkId':'b','answer':[{'valueString':'x'}]}]},
			{'linkId':'g','item':[{'linkId':'b','answer':[{'valueString':'x'}]}]}]`, list("error questionnaire-not-enabled .item[1].item[0]")},
		{"required in the second group", repeated, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueBoolean':false}]}]},
			{'linkId':'g','item':[{'linkId':'a','answer':[{'valueBoolean':true}]}]}]`, list("error questionnaire-required .item[1]")},
		{"what lies below is disabled too, once", nested, `'item':[{'linkId':'a','answer':[{'valueBoolean':false}]},{'linkId':'g','item':[{'linkId':'b','answer':[{'valueString':'x'}]},{'linkId':'c','answer':[{'valueString':'x'}]}]}]`,
			list("error questionnaire-not-enabled .item[1]")},
		{"nothing is required in what is disabled", nested, `'item':[{'linkId':'a','answer':[{'valueBoolean':false}]},{'linkId':'g','item':[{'linkId':'c'}]}]`, nil},
		{"below the answer it asks, yes", below, said(`{'valueBoolean':true}`), list("error questionnaire-required .item[0].answer[0]")},
		{"below the answer it asks, no", below, said(`{'valueBoolean':false}`), nil},
		{"expression, met", expression, `'item':[{'linkId':'a','answer':[{'valueInteger':4}]},{'linkId':'b','answer':[{'valueString':'x'}]}]`, nil},
		{"expression, not met", expression, `'item':[{'linkId':'a','answer':[{'valueInteger':3}]},{'linkId':'b','answer':[{'valueString':'x'}]}]`, list("error questionnaire-not-enabled .item[1]")},
	})
}

func TestConstraints(t *testing.T) {
	rule := func(name, severity, expr string) string {
		return ext + name + `','extension':[{'url':'key','valueId':'k'},{'url':'severity','valueCode':'` + severity + `'},{'url':'expression','valueString':'` + expr + `'},{'url':'human','valueString':'Three, please'}]}`
	}
	variable := ext + `variable','valueExpression':{'name':'most','language':'text/fhirpath','expression':'3'}}`
	on := func(extensions string) string { return with(extensions, `'type':'string','repeats':true`) }
	two := said(`{'valueString':'x'},{'valueString':'y'}`)
	run(t, "completed", []judged{
		{"holds", on(rule("questionnaire-constraint", "error", "answer.count() = 2")), two, nil},
		{"fails", on(rule("questionnaire-constraint", "error", "answer.count() = 3")), two, list("error questionnaire-constraint .item[0]")},
		{"fails, a warning", on(rule("questionnaire-constraint", "warning", "answer.count() = 3")), two, list("warning questionnaire-constraint .item[0]")},
		{"target constraint", on(rule("targetConstraint", "error", "answer.count() = 3")), two, list("error questionnaire-constraint .item[0]")},
		{"no expression", on(rule("questionnaire-constraint", "error", "answer.count() = 3 asdf aqwe")), two, list("warning questionnaire-constraint .item[0]")},
		{"unknown variable", on(rule("questionnaire-constraint", "error", "answer.count() = %unknown")), two, list("warning questionnaire-constraint .item[0]")},
		{"the questionnaire", on(rule("questionnaire-constraint", "error", "answer.count() = %questionnaire.item.count()+1")), two, nil},
		{"the question", on(rule("questionnaire-constraint", "error", "%qitem.linkId = linkId")), two, nil},
		{"a variable of the question", on(variable + "," + rule("questionnaire-constraint", "error", "answer.count() = %most")), two, list("error questionnaire-constraint .item[0]")},
		{"a variable of the questionnaire", `'extension':[` + variable + `],` + on(rule("questionnaire-constraint", "error", "answer.count() = %most - 1")), two, nil},
		{"of the whole form", `'extension':[` + rule("questionnaire-constraint", "error", "item.answer.count() = 3") + `],` + on(variable), two, list("error questionnaire-constraint")},
	})
	if got := check(t, "in-progress", on(rule("questionnaire-constraint", "error", "answer.count() = 3")), two); !slices.Equal(got, list("warning questionnaire-constraint .item[0]")) {
		t.Errorf("a constraint while in progress = %q, want a warning", got)
	}
}
