package questionnaire_test

import (
	"slices"
	"testing"
)

var values = map[string]string{
	"boolean": `{'valueBoolean':true}`, "decimal": `{'valueDecimal':1.5}`, "integer": `{'valueInteger':1}`,
	"date": `{'valueDate':'2026-01-01'}`, "dateTime": `{'valueDateTime':'2026-01-01'}`, "time": `{'valueTime':'10:00:00'}`,
	"string": `{'valueString':'x'}`, "text": `{'valueString':'x'}`, "url": `{'valueUri':'http://example.org'}`,
	"attachment": `{'valueAttachment':{'title':'x'}}`, "reference": `{'valueReference':{'reference':'Patient/1'}}`,
	"quantity": `{'valueQuantity':{'value':1}}`, "choice": `{'valueCoding':{'system':'http://example.org','code':'x'}}`,
}

// Each kind of question takes its own type of answer and no other.
func TestAnswerTypes(t *testing.T) {
	wrong := list("error questionnaire-answer-type .item[0].answer[0].value")
	for kind := range values {
		for other, answer := range values {
			got := check(t, "completed", one(`'type':'`+kind+`'`), said(answer))
			fits := kind == other || kind == "string" && other == "text" || kind == "text" && other == "string"
			if fits == slices.Contains(got, wrong[0]) {
				t.Errorf("a %s answered with %s = %q, fits %v", kind, answer, got, fits)
			}
		}
	}
}

const codes = `'answerOption':[{'valueCoding':{'system':'http://example.org','code':'c1'}},{'valueCoding':{'system':'http://example.org','code':'c2','display':'Blood'}}]`

func TestOptions(t *testing.T) {
	bad, badValue := list("error questionnaire-option .item[0].answer[0]"), list("error questionnaire-option .item[0].answer[0].value")
	run(t, "completed", []judged{
		{"code", one(`'type':'choice',` + codes), said(`{'valueCoding':{'system':'http://example.org','code':'c2'}}`), nil},
		{"another code", one(`'type':'choice',` + codes), said(`{'valueCoding':{'system':'http://example.org','code':'c3'}}`), bad},
		{"code of another system", one(`'type':'choice',` + codes), said(`{'valueCoding':{'system':'http://example.com','code':'c1'}}`), bad},
		{"code without system", one(`'type':'choice',` + codes), said(`{'valueCoding':{'code':'c1'}}`), bad},
		{"text for a choice of codes", one(`'type':'choice',` + codes), said(`{'valueString':'c1'}`), list("error questionnaire-answer-type .item[0].answer[0].value")},
		{"open choice, another code", one(`'type':'open-choice',` + codes), said(`{'valueCoding':{'system':'http://example.org','code':'c3'}}`), bad},
		{"open choice, text", one(`'type':'open-choice',` + codes), said(`{'valueString':'Sweat'}`), nil},
		{"open choice, display only", one(`'type':'open-choice',` + codes), said(`{'valueCoding':{'display':'Sweat'}}`), nil},
		{"open choice, text of an option", one(`'type':'open-choice',` + codes), said(`{'valueString':'Blood'}`), list("warning questionnaire-text-is-option .item[0].answer[0]")},
		{"open choice, boolean", one(`'type':'open-choice',` + codes), said(`{'valueBoolean':true}`), list("error questionnaire-answer-type .item[0].answer[0].value")},
		{"choice without options", one(`'type':'choice'`), said(values["choice"]), list("information questionnaire-no-options .item[0].answer[0]")},
		{"value set that is not known", one(`'type':'choice','answerValueSet':'http://example.org/vs'`), said(values["choice"]), list("warning questionnaire-option-unchecked .item[0].answer[0]")},
		{"integer option", one(`'type':'integer','answerOption':[{'valueInteger':1},{'valueInteger':2}]`), said(`{'valueInteger':2}`), nil},
		{"no integer option", one(`'type':'integer','answerOption':[{'valueInteger':1},{'valueInteger':2}]`), said(`{'valueInteger':3}`), badValue},
		{"integer in a choice", one(`'type':'choice','answerOption':[{'valueInteger':1}]`), said(`{'valueInteger':3}`), badValue},
		{"date option", one(`'type':'choice','answerOption':[{'valueDate':'2026-01-01'}]`), said(`{'valueDate':'2026-01-01'}`), nil},
		{"no date option", one(`'type':'date','answerOption':[{'valueDate':'2026-01-01'}]`), said(`{'valueDate':'2026-01-02'}`), badValue},
		{"no time option", one(`'type':'time','answerOption':[{'valueTime':'10:00:00'}]`), said(`{'valueTime':'11:00:00'}`), badValue},
		{"string option", one(`'type':'choice','answerOption':[{'valueString':'x'}]`), said(`{'valueString':'x'}`), nil},
		{"no string option", one(`'type':'string','answerOption':[{'valueString':'x'}]`), said(`{'valueString':'y'}`), badValue},
		{"no reference option", one(`'type':'choice','answerOption':[{'valueReference':{'reference':'Patient/1'}}]`), said(`{'valueReference':{'reference':'Patient/2'}}`), badValue},
		{"options or text", with(`{'url':'http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.answerConstraint','valueCode':'optionsOrString'}`, `'type':'choice',`+codes), said(`{'valueString':'x'}`), nil},
		{"options or text, another code", with(`{'url':'http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.answerConstraint','valueCode':'optionsOrString'}`, `'type':'choice',`+codes), said(`{'valueCoding':{'system':'http://example.org','code':'c3'}}`), bad},
		{"options or another code", with(`{'url':'http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.answerConstraint','valueCode':'optionsOrType'}`, `'type':'choice',`+codes), said(`{'valueCoding':{'system':'http://example.org','code':'c3'}}`), nil},
		{"exclusive option", one(`'type':'choice','repeats':true,'answerOption':[{'valueString':'x'},{'valueString':'none','extension':[` + ext + `questionnaire-optionExclusive','valueBoolean':true}]}]`),
			said(`{'valueString':'x'},{'valueString':'none'}`), list("error questionnaire-option-exclusive .item[0].answer[1]")},
		{"exclusive option alone", one(`'type':'choice','repeats':true,'answerOption':[{'valueString':'x'},{'valueString':'none','extension':[` + ext + `questionnaire-optionExclusive','valueBoolean':true}]}]`),
			said(`{'valueString':'none'}`), nil},
	})
}

func TestBounds(t *testing.T) {
	least, most := list("error questionnaire-min-value .item[0].answer[0].value"), list("error questionnaire-max-value .item[0].answer[0].value")
	from := func(kind, min, max, rest string) string {
		return with(ext+`minValue','value`+kind+`':`+min+`},`+ext+`maxValue','value`+kind+`':`+max+`}`, rest)
	}
	numbers := from("Decimal", "2.5", "20", `'type':'decimal'`)
	dates := from("Date", `'2020'`, `'2022-06'`, `'type':'date'`)
	times := from("DateTime", `'2026-01-01T00:00:00+08:00'`, `'2026-01-01T12:00:00Z'`, `'type':'dateTime'`)
	km := with(sdc+`minQuantity','valueQuantity':{'value':1,'system':'http://unitsofmeasure.org','code':'km'}},`+
		sdc+`maxQuantity','valueQuantity':{'value':5,'system':'http://unitsofmeasure.org','code':'km'}}`, `'type':'quantity'`)
	length := func(value, code string) string {
		return said(`{'valueQuantity':{'value':` + value + `,'system':'http://unitsofmeasure.org','code':'` + code + `'}}`)
	}
	run(t, "completed", []judged{
		{"decimal at the least", numbers, said(`{'valueDecimal':2.50}`), nil},
		{"decimal below", numbers, said(`{'valueDecimal':2.49}`), least},
		{"decimal at the most", numbers, said(`{'valueDecimal':2e1}`), nil},
		{"decimal above", numbers, said(`{'valueDecimal':20.0001}`), most},
		{"integer below", from("Integer", "5", "9", `'type':'integer'`), said(`{'valueInteger':-7}`), least},
		{"integer above", from("Integer", "5", "9", `'type':'integer'`), said(`{'valueInteger':10}`), most},
		{"integer and bounds in decimal", from("Decimal", "5", "9", `'type':'integer'`), said(`{'valueInteger':10}`), most},
		{"bounds of another type", from("Date", `'2020'`, `'2021'`, `'type':'integer'`), said(`{'valueInteger':10}`), nil},
		{"date within", dates, said(`{'valueDate':'2021'}`), nil},
		{"date at the most", dates, said(`{'valueDate':'2022-06'}`), nil},
		{"date below", dates, said(`{'valueDate':'2019-12-31'}`), least},
		{"date behind the first of the last month", dates, said(`{'valueDate':'2022-06-30'}`), most},
		{"time zone decides", times, said(`{'valueDateTime':'2026-01-01T19:00:00+08:00'}`), nil},
		{"dateTime above", times, said(`{'valueDateTime':'2026-01-01T20:00:01+08:00'}`), most},
		{"time below", from("Time", `'08:00:00'`, `'18:00:00'`, `'type':'time'`), said(`{'valueTime':'07:59:59'}`), least},
		{"time above", from("Time", `'08:00:00'`, `'18:00:00'`, `'type':'time'`), said(`{'valueTime':'18:00:00.5'}`), most},
		{"quantity in another unit", km, length("3000", "m"), nil},
		{"quantity below", km, length("999", "m"), least},
		{"quantity above", km, length("4", "[mi_i]"), most},
		{"quantity that does not convert", km, length("4", "kg"), append(least, most...)},
		{"quantity without code", km, said(`{'valueQuantity':{'value':3,'unit':'km'}}`), append(least, most...)},
		{"quantity with unknown unit", km, length("4", "furlong"), append(least, most...)},
		{"quantity below a value", km, said(`{'valueQuantity':{'value':9,'comparator':'<','system':'http://unitsofmeasure.org','code':'km'}}`), nil},
		{"quantity above a value", km, said(`{'valueQuantity':{'value':9,'comparator':'>','system':'http://unitsofmeasure.org','code':'km'}}`), most},
		{"decimal places", with(ext+`maxDecimalPlaces','valueInteger':2}`, `'type':'decimal'`), said(`{'valueDecimal':1.25}`), nil},
		{"too many decimal places", with(ext+`maxDecimalPlaces','valueInteger':2}`, `'type':'decimal'`), said(`{'valueDecimal':-5.1234}`), list("error questionnaire-decimal-places .item[0].answer[0].value")},
		{"decimal places by exponent", with(ext+`maxDecimalPlaces','valueInteger':2}`, `'type':'decimal'`), said(`{'valueDecimal':5e-3}`), list("error questionnaire-decimal-places .item[0].answer[0].value")},
		{"decimal places of a quantity", with(ext+`maxDecimalPlaces','valueInteger':1}`, `'type':'quantity'`), said(`{'valueQuantity':{'value':1.25}}`), list("error questionnaire-decimal-places .item[0].answer[0].value.value")},
		{"off the slider", with(ext+`questionnaire-sliderStepValue','valueInteger':5},`+ext+`minValue','valueInteger':1}`, `'type':'integer'`), said(`{'valueInteger':10}`), list("warning questionnaire-slider-step .item[0].answer[0].value")},
		{"on the slider", with(ext+`questionnaire-sliderStepValue','valueInteger':5},`+ext+`minValue','valueInteger':1}`, `'type':'integer'`), said(`{'valueInteger':11}`), nil},
		{"unit", with(ext+`questionnaire-unitOption','valueCoding':{'system':'http://unitsofmeasure.org','code':'kg'}}`, `'type':'quantity'`), length("1", "kg"), nil},
		{"another unit", with(ext+`questionnaire-unitOption','valueCoding':{'system':'http://unitsofmeasure.org','code':'kg'}}`, `'type':'quantity'`), length("1", "g"), list("error questionnaire-unit .item[0].answer[0].value")},
	})
}

func TestText(t *testing.T) {
	run(t, "completed", []judged{
		{"too long", one(`'type':'string','maxLength':2`), said(`{'valueString':'abc'}`), list("error questionnaire-max-length .item[0].answer[0].value")},
		{"characters are counted, not bytes", one(`'type':'text','maxLength':3`), said(`{'valueString':'髋关节'}`), nil},
		{"too short", with(ext+`minLength','valueInteger':4}`, `'type':'string'`), said(`{'valueString':'abc'}`), list("error questionnaire-min-length .item[0].answer[0].value")},
		{"too long url", one(`'type':'url','maxLength':5`), said(`{'valueUri':'http://example.org'}`), list("error questionnaire-max-length .item[0].answer[0].value")},
		{"pattern", with(ext+`regex','valueString':'[0-9]+-[a-z]+'}`, `'type':'string'`), said(`{'valueString':'12-ab'}`), nil},
		{"pattern must match all", with(ext+`regex','valueString':'[0-9]+|[a-z]+'},`+ext+`entryFormat','valueString':'nnn'}`, `'type':'string'`), said(`{'valueString':'12ab'}`), list("error questionnaire-regex .item[0].answer[0].value")},
		{"pattern that is none", with(ext+`regex','valueString':'(?=x)['}`, `'type':'string'`), said(`{'valueString':'12ab'}`), list("warning questionnaire-regex .item[0].answer[0].value")},
		{"pattern of an integer", with(ext+`regex','valueString':'[1-5]'}`, `'type':'integer'`), said(`{'valueInteger':6}`), list("error questionnaire-regex .item[0].answer[0].value")},
	})
}

func TestAttachmentsAndReferences(t *testing.T) {
	image := with(ext+`mimeType','valueCode':'image/*'},`+ext+`mimeType','valueCode':'application/dicom'}`, `'type':'attachment'`)
	small := with(ext+`maxSize','valueDecimal':5}`, `'type':'attachment'`)
	people := with(ext+`questionnaire-referenceResource','valueCode':'Patient'},`+ext+`questionnaire-referenceResource','valueCode':'Practitioner'}`, `'type':'reference'`)
	typed := list("error questionnaire-reference-type .item[0].answer[0].value")
	run(t, "completed", []judged{
		{"mime type", image, said(`{'valueAttachment':{'contentType':'Application/DICOM; x=1','url':'http://example.org/1'}}`), nil},
		{"mime type by its family", image, said(`{'valueAttachment':{'contentType':'image/png','url':'http://example.org/1'}}`), nil},
		{"another mime type", image, said(`{'valueAttachment':{'contentType':'text/html','url':'http://example.org/1'}}`), list("error questionnaire-mime-type .item[0].answer[0]")},
		{"no mime type", image, said(`{'valueAttachment':{'url':'http://example.org/1'}}`), list("error questionnaire-mime-type .item[0].answer[0]")},
		{"size of the data", small, said(`{'valueAttachment':{'contentType':'text/plain','data':'aGVsbG8='}}`), nil},
		{"too many bytes of data", small, said(`{'valueAttachment':{'contentType':'text/plain','data':'aGVsbG8h'}}`), list("error questionnaire-max-size .item[0].answer[0]")},
		{"too large as told", small, said(`{'valueAttachment':{'url':'http://example.org/1','size':6}}`), list("error questionnaire-max-size .item[0].answer[0]")},
		{"reference", people, said(`{'valueReference':{'reference':'http://example.org/fhir/Practitioner/1/_history/2'}}`), nil},
		{"reference to another type", people, said(`{'valueReference':{'reference':'Organization/1'}}`), typed},
		{"reference that tells its type", people, said(`{'valueReference':{'type':'Organization','display':'x'}}`), typed},
		{"reference to a contained resource", people, `'contained':[{'resourceType':'Organization','id':'o'}],` + said(`{'valueReference':{'reference':'#o'}}`), typed},
		{"reference that tells nothing", people, said(`{'valueReference':{'reference':'urn:uuid:c757873d-ec9a-4326-a141-556f43239520'}}`), nil},
		{"reference to no type at all", one(`'type':'reference'`), said(`{'valueReference':{'reference':'https://example.org/Chicken/1'}}`), typed},
	})
}
