package validate_test

import (
	"strings"
	"testing"
)

// TestValid: documents at the edges of what R4 allows.
func TestValid(t *testing.T) {
	for _, tc := range []struct{ name, src string }{
		{"nothing but a type", `{"resourceType":"Patient"}`},
		{"id only", patient(`"id":"A-1.b"`)},
		{"resourceType last", `{"active":true,"resourceType":"Patient"}`},
		{"null with counterpart", patient(`"name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"http://x","valueCode":"masked"}]}]}]`)},
		{"sibling first", patient(`"_birthDate":{"id":"x"},"birthDate":"2000"`)},
		{"sibling array alone", patient(`"name":[{"_given":[{"extension":[{"url":"http://x","valueCode":"unknown"}]}]}]`)},
		{"required by its sibling", `{"resourceType":"Observation","_status":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"code":{"text":"x"}}`},
		{"choice and its own sibling", patient(`"deceasedBoolean":true,"_deceasedBoolean":{"id":"x"}`)},
		{"choice after its own sibling", patient(`"_deceasedBoolean":{"id":"x"},"deceasedBoolean":true`)},
		{"choice by its sibling", patient(`"_deceasedBoolean":{"extension":[{"url":"http://x","valueCode":"unknown"}]}`)},
		{"nested extensions", patient(`"extension":[{"url":"http://x","extension":[{"url":"a","valueString":"b"},{"url":"c","valueMeta":{"tag":[{"code":"d"}]}}]}]`)},
		{"extension of a sibling value", patient(`"extension":[{"url":"http://x","_valueCode":{"extension":[{"url":"http://y","valueCode":"unknown"}]}}]`)},
		{"escaped name", patient(`"g\u0065nder":"male"`)},
		{"integer limits", patient(`"multipleBirthInteger":-2147483648,"telecom":[{"value":"1","rank":2147483647}]`)},
		{"minus zero", patient(`"multipleBirthInteger":-0`)},
		{"decimals", observation(`"component":[{"code":{"text":"a"},"valueQuantity":{"value":-1.10E-22}},{"code":{"text":"b"},"valueQuantity":{"value":123456789012345678901234567890.00}}]`)},
		{"longest id", patient(`"id":"` + strings.Repeat("a", 64) + `"`)},
		{"longest string", patient(`"name":[{"family":"` + strings.Repeat("长", 1<<20) + `"}]`)},
		{"string with line feed", patient(`"name":[{"family":"a\n\t\r\u4f53"}]`)},
		{"code with a space", ext(`"valueCode":"a b"`)},
		{"dates", patient(`"birthDate":"2000-02-29","deceasedDateTime":"1973"`)},
		{"leap day", patient(`"birthDate":"2024-02-29"`)},
		{"year and month", patient(`"birthDate":"0001-12"`)},
		{"leap second", patient(`"deceasedDateTime":"2016-12-31T23:59:60Z"`)},
		{"fraction and widest zone", patient(`"deceasedDateTime":"2016-12-31T23:59:59.123456789+14:00"`)},
		{"instant", observation(`"issued":"2015-02-07T13:28:17.239+02:00"`)},
		{"time", observation(`"valueTime":"23:59:60.5"`)},
		{"oid", ext(`"valueOid":"urn:oid:1.2.0.34"`)},
		{"uuid", ext(`"valueUuid":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"`)},
		{"base64", ext(`"valueBase64Binary":"QUJD RA=="`)},
		{"base64 of lines", ext(`"valueBase64Binary":"QUJD\r\nREVG\n"`)},
		{"relative reference", patient(`"managingOrganization":{"reference":"Organization/1"}`)},
		{"versioned reference", patient(`"managingOrganization":{"reference":"Organization/1/_history/2"}`)},
		{"absolute reference", patient(`"managingOrganization":{"reference":"http://x.org/fhir/Organization/1/_history/2"}`)},
		{"absolute reference of another kind", patient(`"managingOrganization":{"reference":"http://x.org/orgs?id=1"}`)},
		{"urn:uuid reference", patient(`"managingOrganization":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}`)},
		{"urn:oid reference", patient(`"managingOrganization":{"reference":"urn:oid:1.2.3"}`)},
		{"conditional reference", patient(`"managingOrganization":{"reference":"Organization?identifier=http://x|1"}`)},
		{"logical reference", patient(`"managingOrganization":{"identifier":{"value":"1"},"type":"Organization"}`)},
		{"reference by extension", patient(`"managingOrganization":{"_reference":{"extension":[{"url":"http://x","valueCode":"masked"}]}}`)},
		{"reference with its type", patient(`"managingOrganization":{"reference":"Organization/1","type":"Organization"}`)},
		{"reference with a logical type", patient(`"managingOrganization":{"type":"http://x.org/Org","identifier":{"value":"1"}}`)},
		{"any target", `{"resourceType":"Task","status":"draft","intent":"plan","focus":{"reference":"Binary/1"}}`},
		{"contained", patient(`"contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"}`)},
		{"reference to the container", patient(`"contained":[{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"#"}}]`)},
		{"contained refers to contained", patient(`"contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#p"}},{"resourceType":"Organization","id":"p","name":"x"}]`)},
		{"bundle in a bundle", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"}}]}}]}`},
		{"parameters", `{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient"}},{"name":"b","valueString":"x"}]}`},
		{"binary", `{"resourceType":"Binary","contentType":"application/pdf","data":"QUJD"}`},
		{"required concept", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"coding":[{"system":"http://x","code":"y"},{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}`},
		{"code of a set that cannot be listed", `{"resourceType":"Binary","contentType":"model/stl"}`},
		{"comparator in a Quantity", observation(`"valueQuantity":{"value":1,"comparator":"<"}`)},
		{"narrative", narrative(` ` + div + `<h1 class='a'>x</h1><!-- c --><p xml:lang="zh">体 &amp; &nbsp;&#160;&#xA0; a > b</p><br/><a href="#x">y</a><a href="a/b:c">z</a></div> `)},
		{"narrative of a picture", narrative(div + `<img src="data:image/png;base64,QUJD" alt="x"/></div>`)},
		{"narrative with style", narrative(div + `<p style="color: red; background: url(data:image/png;base64,QUJD)">x</p></div>`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := judge(t, tc.src); len(got) != 0 {
				t.Errorf("%.200s\n has %q, want nothing", tc.src, got)
			}
		})
	}
}
