package questionnaire_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/questionnaire"
	"tenon/fhir/terminology"
	"tenon/profiles/r4"
)

var terms = sync.OnceValue(func() *terminology.Server { return terminology.New(r4.Library(), terminology.Options{}) })

// Answers are judged by value sets of the library, of the questionnaire's
// contained resources and, for a contained questionnaire, of the response's.
func TestValueSets(t *testing.T) {
	const genders = `'type':'choice','answerValueSet':'http://hl7.org/fhir/ValueSet/administrative-gender'`
	const bones = `{'resourceType':'ValueSet','id':'bones','status':'active','compose':{'include':[{'system':'http://example.org/bones','concept':[{'code':'femur','display':'Femur'}]}]}}`
	contained := one(`'type':'choice','answerValueSet':'#bones'`) + `,'contained':[` + bones + `]`
	gender := func(coding string) string {
		return said(`{'valueCoding':{'system':'http://hl7.org/fhir/administrative-gender',` + coding + `}}`)
	}
	bone := func(code string) string {
		return said(`{'valueCoding':{'system':'http://example.org/bones','code':'` + code + `'}}`)
	}
	units := with(ext+`questionnaire-unitValueSet','valueCanonical':'http://hl7.org/fhir/ValueSet/age-units'}`, `'type':'quantity'`)
	age := func(code string) string {
		return said(`{'valueQuantity':{'value':1,'system':'http://unitsofmeasure.org','code':'` + code + `'}}`)
	}
	for _, c := range []judged{
		{"code of the value set", one(genders), gender(`'code':'male'`), nil},
		{"code that is not there", one(genders), gender(`'code':'unicorn'`), list("error questionnaire-option .item[0].answer[0]")},
		{"code of another system", one(genders), said(`{'valueCoding':{'system':'http://hl7.org/fhir/item-type','code':'string'}}`), list("error questionnaire-option .item[0].answer[0]")},
		{"its display", one(genders), gender(`'code':'male','display':'Male'`), nil},
		{"another display", one(genders), gender(`'code':'male','display':'Female'`), list("error questionnaire-option-display .item[0].answer[0]")},
		{"text for an open choice", one(strings.Replace(genders, "choice", "open-choice", 1)), said(`{'valueString':'x'}`), list("information questionnaire-no-options .item[0].answer[0]")},
		{"contained value set", contained, bone("femur"), nil},
		{"not of the contained value set", contained, bone("tibia"), list("error questionnaire-option .item[0].answer[0]")},
		{"unit of the value set", units, age("a"), nil},
		{"unit that is not there", units, age("kg"), list("error questionnaire-unit .item[0].answer[0].value")},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := node(t, `{'resourceType':'Questionnaire','status':'active',`+c.form+`}`)
			r := node(t, `{'resourceType':'QuestionnaireResponse','status':'completed',`+c.response+`}`)
			var got []string
			questionnaire.Check(&questionnaire.Context{
				Model: r4.Model(), Library: r4.Library(), Terminology: terms(),
				Report: func(sub string, is issue.Issue) { got = append(got, string(is.Severity)+" "+is.Rule+" "+sub) },
			}, r, q)
			if !slices.Equal(got, c.want) {
				t.Errorf("Check = %q, want %q", got, c.want)
			}
		})
	}
	whole := node(t, `{'resourceType':'QuestionnaireResponse','status':'completed','questionnaire':'#q','contained':[`+bones+`,
		{'resourceType':'Questionnaire','id':'q','status':'active',`+one(`'type':'choice','answerValueSet':'#bones'`)+`}],`+bone("tibia")+`}`)
	var got []string
	questionnaire.Check(&questionnaire.Context{
		Model: r4.Model(), Library: r4.Library(), Terminology: terms(),
		Report: func(sub string, is issue.Issue) { got = append(got, is.Rule) },
	}, whole, whole.Field("contained").Index(1))
	if !slices.Equal(got, list("questionnaire-option")) {
		t.Errorf("Check by a contained questionnaire = %q, want questionnaire-option", got)
	}
}
