package rules_test

import "testing"

func TestQuestionnaire(t *testing.T) {
	form := func(items string) string { return `{'resourceType':'Questionnaire','item':[` + items + `]}` }
	const a = `{'linkId':'a','type':'integer'},`
	when := func(members string) string {
		return form(a + `{'linkId':'b','type':'string','enableWhen':[{` + members + `}]}`)
	}
	ext := func(extensions, rest string) string {
		return form(`{'linkId':'b','type':'integer','extension':[` + extensions + `]` + rest + `}`)
	}
	const url = `{'url':'http://hl7.org/fhir/StructureDefinition/`
	run(t, []judged{
		{"condition", when(`'question':'a','operator':'>','answerInteger':1`), nil},
		{"no such question", when(`'question':'z','operator':'=','answerInteger':1`), list("error questionnaire-enable-when Questionnaire.item[1]")},
		{"itself", when(`'question':'b','operator':'=','answerString':'x'`), list("error questionnaire-enable-when Questionnaire.item[1]")},
		{"a question within", form(`{'linkId':'g','type':'group','enableWhen':[{'question':'b','operator':'=','answerInteger':1}],'item':[{'linkId':'b','type':'integer'}]}`),
			list("error questionnaire-enable-when Questionnaire.item[0]")},
		{"the question around", form(`{'linkId':'a','type':'boolean','item':[{'linkId':'b','type':'string','enableWhen':[{'question':'a','operator':'=','answerBoolean':true}]}]}`), nil},
		{"a later question", form(`{'linkId':'b','type':'string','enableWhen':[{'question':'a','operator':'=','answerInteger':1}]},{'linkId':'a','type':'integer'}`),
			list("warning questionnaire-enable-when-order Questionnaire.item[0]")},
		{"answer of another type", when(`'question':'a','operator':'=','answerString':'1'`), list("warning questionnaire-enable-when-answer Questionnaire.item[1].enableWhen[0].answer")},
		{"a group asked", form(`{'linkId':'g','type':'group','item':[{'linkId':'x','type':'string'}]},{'linkId':'b','type':'string','enableWhen':[{'question':'g','operator':'exists','answerBoolean':true}]}`),
			list("warning questionnaire-enable-when-group Questionnaire.item[1].enableWhen[0]")},
		{"order of codes", form(`{'linkId':'a','type':'choice'},{'linkId':'b','type':'string','enableWhen':[{'question':'a','operator':'>','answerCoding':{'system':'http://example.org','code':'x'}}]}`),
			list("warning questionnaire-enable-when-operator Questionnaire.item[1].enableWhen[0].operator")},
		{"option of another type", form(`{'linkId':'a','type':'integer','answerOption':[{'valueInteger':1},{'valueString':'x'}]}`), list("error questionnaire-value-type Questionnaire.item[0].answerOption[1].value")},
		{"option twice", form(`{'linkId':'a','type':'choice','answerOption':[{'valueCoding':{'system':'http://example.org','code':'x'}},{'valueCoding':{'system':'http://example.org','code':'x','display':'X'}}]}`),
			list("warning questionnaire-option-twice Questionnaire.item[0].answerOption[1]")},
		{"initial value of another type", form(`{'linkId':'a','type':'integer','initial':[{'valueString':'x'}]}`), list("error questionnaire-value-type Questionnaire.item[0].initial[0].value")},
		{"initial text of an open choice", form(`{'linkId':'a','type':'open-choice','initial':[{'valueString':'x'}]}`), nil},
		{"contained value set", `{'resourceType':'Questionnaire','contained':[{'resourceType':'ValueSet','id':'v'}],'item':[{'linkId':'a','type':'choice','answerValueSet':'#v'}]}`, nil},
		{"contained value set that is not there", form(`{'linkId':'a','type':'choice','answerValueSet':'#v'}`), list("warning questionnaire-value-set Questionnaire.item[0].answerValueSet")},
		{"required and read-only", form(`{'linkId':'a','type':'string','required':true,'readOnly':true}`), list("warning questionnaire-required-read-only Questionnaire.item[0]")},
		{"required, read-only and filled", form(`{'linkId':'a','type':'string','required':true,'readOnly':true,'initial':[{'valueString':'x'}]}`), nil},
		{"bounds turned round", ext(url+`minValue','valueInteger':5},`+url+`maxValue','valueInteger':4}`, ""), list("warning questionnaire-bounds Questionnaire.item[0]")},
		{"occurs turned round", ext(url+`questionnaire-minOccurs','valueInteger':5},`+url+`questionnaire-maxOccurs','valueInteger':4}`, ""), list("warning questionnaire-bounds Questionnaire.item[0]")},
		{"lengths turned round", ext(url+`minLength','valueInteger':5}`, `,'maxLength':4`), list("warning questionnaire-bounds Questionnaire.item[0]")},
		{"no pattern", ext(url+`regex','valueString':'['}`, ""), list("warning questionnaire-regex Questionnaire.item[0].extension[0].value")},
	})
}
