package rules_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/definition"
)

func population(code, rest string) string {
	return `{'code':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/measure-population','code':'` + code + `'}]}` + rest + `}`
}

func TestMeasure(t *testing.T) {
	run(t, []judged{
		{"all right", `{'resourceType':'Measure','group':[{'population':[` + population("numerator", "") + `]}]}`, nil},
		{"no group", `{'resourceType':'Measure'}`, list("warning measure-no-group Measure")},
		{"no population", `{'resourceType':'Measure','group':[{'description':'x'}]}`, list("warning measure-no-population Measure.group[0]")},
		{"population without code", `{'resourceType':'Measure','group':[{'population':[` + population("numerator", "") + `,{'description':'x'}]}]}`, list("warning measure-no-code Measure.group[0].population[1]")},
		{"stratifier without code", `{'resourceType':'Measure','group':[{'population':[` + population("numerator", "") + `],'stratifier':[{'description':'x'},{'code':{'text':'y'}}]}]}`, list("warning measure-no-code Measure.group[0].stratifier[0]")},
	})
}

func TestMeasureReport(t *testing.T) {
	measure := func(scoring, rest string) string {
		return strings.ReplaceAll(`{'resourceType':'Measure','url':'http://example.org/Measure/m','status':'active','scoring':{'coding':[{'code':'`+scoring+`'}]},`+rest+`}`, "'", `"`)
	}
	group := `'group':[{'population':[` + population("numerator", "") + `,` + population("denominator", "") + `,` + population("measure-observation", "") + `]}]`
	counted := population("numerator", `,'count':1`) + `,` + population("denominator", `,'count':2`)
	two := `'group':[{'code':{'text':'a'}},{'code':{'text':'b'}}]`
	unit := `'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/questionnaire-unit','valueCoding':{'system':'http://unitsofmeasure.org','code':'d'}}],`
	for _, c := range []struct{ name, scoring, measure, report, want string }{
		{"proportion", "proportion", group, `'type':'summary','group':[{'population':[` + counted + `],'measureScore':{'value':0.5}}]`, ""},
		{"proportion above 1", "proportion", group, `'type':'summary','group':[{'population':[` + counted + `],'measureScore':{'value':50}}]`, "error measure-score-range MeasureReport.group[0].measureScore.value"},
		{"proportion with a unit", "proportion", group, `'type':'summary','group':[{'population':[` + counted + `],'measureScore':{'value':0.5,'unit':'%'}}]`, "error measure-score-unit MeasureReport.group[0].measureScore.unit"},
		{"no score", "ratio", group, `'type':'summary','group':[{'population':[` + counted + `]}]`, "error measure-score MeasureReport.group[0]"},
		{"score without value", "ratio", group, `'type':'summary','group':[{'population':[` + counted + `],'measureScore':{'unit':'d'}}]`, "error measure-score-value MeasureReport.group[0].measureScore"},
		{"score of a cohort", "cohort", group, `'type':'summary','group':[{'population':[` + counted + `],'measureScore':{'value':1}}]`, "error measure-score MeasureReport.group[0].measureScore"},
		{"score of collected data", "ratio", group, `'type':'data-collection','group':[{'population':[` + counted + `],'measureScore':{'value':1}}]`, "error measure-score MeasureReport.group[0].measureScore"},
		{"unit that is fixed", "continuous-variable", unit + group, `'type':'summary','group':[{'population':[` + counted + `],'measureScore':{'value':1,'system':'http://unitsofmeasure.org','code':'h'}}]`, "error measure-score-unit MeasureReport.group[0].measureScore"},
		{"missing population", "cohort", group, `'type':'summary','group':[{'population':[` + population("numerator", `,'count':1`) + `]}]`, "error measure-population-missing MeasureReport.group[0]"},
		{"unknown population", "cohort", group, `'type':'summary','group':[{'population':[` + counted + `,` + population("x", `,'count':1`) + `]}]`, "error measure-population-code MeasureReport.group[0].population[2]"},
		{"population twice", "cohort", group, `'type':'summary','group':[{'population':[` + counted + `,` + population("numerator", `,'count':1`) + `]}]`, "error measure-population-twice MeasureReport.group[0].population[2]"},
		{"no count", "cohort", group, `'type':'summary','group':[{'population':[` + population("numerator", `,'count':1`) + `,` + population("denominator", "") + `]}]`, "warning measure-count MeasureReport.group[0].population[1]"},
		{"subjects in a summary", "cohort", group, `'type':'summary','group':[{'population':[` + counted[:len(counted)-1] + `,'subjectResults':{'reference':'List/1'}}]}]`, "error measure-subjects MeasureReport.group[0].population[1]"},
		{"group without code", "cohort", two, `'type':'summary','group':[{'code':{'text':'a'}},{'id':'x'}]`, "error measure-group-code MeasureReport.group[1];error measure-group-missing MeasureReport"},
		{"group of another code", "cohort", two, `'type':'summary','group':[{'code':{'text':'a'}},{'code':{'text':'b'}},{'code':{'text':'c'}}]`, "error measure-group-code MeasureReport.group[2]"},
		{"no such scoring", "composite", group, `'type':'summary','group':[{'population':[` + counted + `]}]`, "information measure-scoring MeasureReport.measure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := definition.Read([]byte(measure(c.scoring, c.measure)), "")
			if err != nil {
				t.Fatal(err)
			}
			h := &host{t: t, lib: definition.NewLibrary(m)}
			got := h.judge(node(t, `{'resourceType':'MeasureReport','measure':'http://example.org/Measure/m',`+c.report+`}`))
			if want := strings.FieldsFunc(c.want, func(r rune) bool { return r == ';' }); !slices.Equal(got, want) {
				t.Errorf("rules = %q, want %q", got, want)
			}
		})
	}
}
