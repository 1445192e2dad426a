package questionnaire_test

import (
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/questionnaire"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

func FuzzCheck(f *testing.F) {
	seed := func(form, response string) {
		f.Add([]byte(strings.ReplaceAll(`{'resourceType':'Questionnaire',`+form+`}`, "'", `"`)),
			[]byte(strings.ReplaceAll(`{'resourceType':'QuestionnaireResponse',`+response+`}`, "'", `"`)))
	}
	seed(group, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueString':'x'}]},{'linkId':'z'}]}]`)
	seed(with(ext+`minValue','valueDecimal':2},`+ext+`regex','valueString':'[a'}`, `'type':'decimal'`), said(`{'valueDecimal':1e5}`))
	seed(with(sdc+`minQuantity','valueQuantity':{'value':1,'system':'http://unitsofmeasure.org','code':'km'}}`, `'type':'quantity'`),
		said(`{'valueQuantity':{'value':3,'system':'http://unitsofmeasure.org','code':'[degF]'}}`))
	seed(with(ext+`questionnaire-constraint','extension':[{'url':'expression','valueString':'answer.count()=%questionnaire.item.count()'}]}`, `'type':'open-choice',`+codes), said(`{'valueString':'Blood'}`))
	seed(one(`'type':'dateTime','item':[{'linkId':'b','enableWhen':[{'question':'a','operator':'<','answerDateTime':'2026-05'}]}]`), said(`{'valueDateTime':'2026-05-01','item':[{'linkId':'b'}]}`))
	seed(with(ext+`mimeType','valueCode':'[]a'},`+ext+`maxSize','valueDecimal':2}`, `'type':'attachment'`), said(`{'valueAttachment':{'data':'===='}}`))
	model := r4.Model()
	f.Fuzz(func(t *testing.T, form, response []byte) {
		q, err := tree.Parse(form)
		r, err2 := tree.Parse(response)
		if err != nil || err2 != nil || len(form)+len(response) > 1<<14 {
			return
		}
		n := 0
		questionnaire.Check(&questionnaire.Context{Model: model, Report: func(sub string, is issue.Issue) {
			if n++; is.Text == "" || is.Chinese == "" || is.Rule == "" || sub != "" && sub[0] != '.' {
				t.Errorf("Report(%q, %+v)", sub, is)
			}
		}}, r.Root(), q.Root())
		if n > 501 {
			t.Errorf("reported %d issues", n)
		}
	})
}
