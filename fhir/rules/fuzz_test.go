package rules_test

import (
	"strings"
	"testing"

	"tenon/fhir/tree"
)

func FuzzRules(f *testing.F) {
	for _, src := range []string{
		in("document", entries(at("Composition", "c", `'subject':{'reference':'Patient/1'}`), at("Patient", "1", ""))),
		in("searchset", `'link':[{'relation':'self','url':'http://example.org/fhir/?_type=Patient'}],`+entries(`{'search':{'mode':'match'},'resource':{'resourceType':'Patient'}}`)),
		in("transaction", entries(`{'request':{'method':'PUT','url':'Patient?x'},'resource':{'resourceType':'Patient','managingOrganization':{'reference':'Organization/1'}}}`)),
		`{'resourceType':'Bundle','signature':{'sigFormat':'application/jose','data':'ZXlKaGJHY2lPaUpTVXpJMU5pSjkuLkFB'}}`,
		patient(`'photo':[{'data':'aGVsbG8=','size':5,'hash':'qvTG','contentType':'a/b;c'}],'identifier':[{'system':'urn:ietf:rfc:3986','value':'urn:oid:1.2'}]`),
		patient(`'text':{'div':'<div><a href=\"#x\">x</a><!-- --><p id=\"x\"/></div>'}`),
		observed(`'valueSampledData':{'dimensions':2,'data':'1 -2.5 E U L 0'}`),
		observed(`'valueQuantity':{'value':1,'unit':'mm','system':'http://unitsofmeasure.org','code':'cm'}`),
		`{'resourceType':'Questionnaire','item':[{'linkId':'a','type':'choice','enableWhen':[{'question':'a','operator':'>','answerCoding':{}}],'answerOption':[{'valueTime':'x'}]}]}`,
		`{'resourceType':'MeasureReport','measure':'#m','contained':[{'resourceType':'Measure','id':'m','scoring':{'coding':[{'code':'ratio'}]},'group':[{'code':{'text':'x'}}]}],'group':[{'code':{'text':'x'},'measureScore':{}}]}`,
	} {
		f.Add([]byte(strings.ReplaceAll(src, "'", `"`)))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := tree.Parse(src)
		if err != nil || len(src) > 1<<14 {
			return
		}
		(&host{t: t}).judge(d.Root())
	})
}
