package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Documents that would take squares of their size are judged in time that
// grows with it.
func TestWorkIsBounded(t *testing.T) {
	const n = 10_000
	many := func(format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, src := range map[string]string{
		"a chain of entries": in("document", entries(at("Composition", "c", `'subject':{'reference':'Basic/0'}`),
			many(`{'fullUrl':'http://example.org/fhir/Basic/%[1]d','resource':{'resourceType':'Basic','id':'%[1]d','subject':{'reference':'Basic/%[1]d0'}}}`))),
		"all refer to one": in("document", entries(at("Composition", "c", ""), at("Patient", "1", ""),
			many(`{'fullUrl':'http://example.org/fhir/Basic/%[1]d','resource':{'resourceType':'Basic','id':'%[1]d','subject':{'reference':'Patient/1'}}}`))),
		"one fullUrl for all, each refers to it": in("collection", entries(
			many(`{'fullUrl':'urn:uuid:00000000-0000-0000-0000-000000000001','resource':{'resourceType':'Basic','id':'%d','subject':{'reference':'urn:uuid:00000000-0000-0000-0000-000000000001'}}}`))),
		"one fullUrl in a document": in("document", entries(
			`{'fullUrl':'urn:uuid:00000000-0000-0000-0000-000000000001','resource':{'resourceType':'Composition'}}`,
			many(`{'fullUrl':'urn:uuid:00000000-0000-0000-0000-000000000001','resource':{'resourceType':'Basic','id':'%d','subject':{'reference':'urn:uuid:00000000-0000-0000-0000-000000000001'}}}`))),
		"a link in every narrative": in("collection", entries(
			many(`{'fullUrl':'http://example.org/fhir/Basic/%[1]d','resource':{'resourceType':'Basic','id':'%[1]d','text':{'div':'<div><a href=\"#x%[1]d\">x</a></div>'}}}`))),
		"conditions": `{'resourceType':'Questionnaire','item':[` + many(`{'linkId':'%[1]d','type':'choice','answerValueSet':'#v','enableWhen':[{'question':'%[1]d9','operator':'=','answerInteger':1}]}`) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			root := node(t, src)
			start := time.Now()
			(&host{t: t}).judge(root)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
