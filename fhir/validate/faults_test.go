package validate_test

import (
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

var plans = validate.New(r4.Model())

// judge validates a document as any resource and gives "path rule" per issue.
func judge(t testing.TB, src string) []string {
	t.Helper()
	plan, err := plans.Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	var found []string
	for _, is := range plan.Validate(d.Root(), nil) {
		if is.Text == "" || is.Chinese == "" || is.Type == "" || is.Severity == "" {
			t.Errorf("%s: incomplete issue %+v", src, is)
		}
		found = append(found, is.Path+" "+is.Rule)
	}
	return found
}

func patient(members string) string { return `{"resourceType":"Patient",` + members + `}` }

func observation(members string) string {
	return `{"resourceType":"Observation","status":"final","code":{"text":"x"},` + members + `}`
}

// ext is a Patient with one extension of a value.
func ext(value string) string { return patient(`"extension":[{"url":"http://x.org/e",` + value + `}]`) }

func narrative(div string) string {
	return patient(`"text":{"status":"generated","div":"` + strings.ReplaceAll(div, `"`, `\"`) + `"}`)
}

const div = `<div xmlns="http://www.w3.org/1999/xhtml">`

// TestFaults: each document has exactly one fault.
func TestFaults(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		// the resource
		{"no resource", `[]`, "$ json-kind"},
		{"no resourceType", `{"id":"a"}`, "$ resource-type-missing"},
		{"unknown resourceType", `{"resourceType":"Pacient","id":"a"}`, "Resource resource-type-unknown"},
		{"resourceType in lower case", `{"resourceType":"patient"}`, "Resource resource-type-unknown"},
		{"abstract resourceType", `{"resourceType":"DomainResource"}`, "Resource resource-type-unknown"},
		{"data type as resourceType", `{"resourceType":"HumanName"}`, "Resource resource-type-unknown"},
		{"resourceType is no string", `{"resourceType":["Patient"]}`, "Resource resource-type-unknown"},
		{"resourceType in an element", patient(`"name":[{"resourceType":"HumanName","text":"x"}]`), "Patient.name[0] unknown-property"},

		// names
		{"unknown property", patient(`"nmae":[{"text":"x"}]`), "Patient unknown-property"},
		{"unknown property below", patient(`"name":[{"text":"x"},{"famly":"y"}]`), "Patient.name[1] unknown-property"},
		{"property of another type", patient(`"status":"final"`), "Patient unknown-property"},
		{"choice without type", observation(`"value":"x"`), "Observation unknown-property"},
		{"choice with a type that is not allowed", observation(`"valueMoney":{"value":1}`), "Observation unknown-property"},
		{"wrong case", patient(`"birthdate":"2000"`), "Patient unknown-property"},
		{"empty name", patient(`"":"x"`), "Patient unknown-property"},
		{"odd name", patient("\"a b\":1"), "Patient unknown-property"},
		{"comments", patient(`"fhir_comments":["x"]`), "Patient unknown-property"},
		{"sibling of an object", patient(`"_name":[{"id":"x"}]`), "Patient unknown-property"},
		{"sibling of xhtml", patient(`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>","_div":{"id":"a"}}`), "Patient.text unknown-property"},
		{"contained in a Bundle", `{"resourceType":"Bundle","type":"collection","contained":[]}`, "Bundle unknown-property"},

		// arrays and single values
		{"object where an array stands", patient(`"name":{"text":"x"}`), "Patient.name array-expected"},
		{"string where an array stands", patient(`"name":[{"given":"x"}]`), "Patient.name[0].given array-expected"},
		{"array where one stands", patient(`"gender":["male"]`), "Patient.gender array-unexpected"},
		{"array where an object stands", patient(`"maritalStatus":[{"text":"x"}]`), "Patient.maritalStatus array-unexpected"},
		{"array in an array", patient(`"name":[[{"text":"x"}]]`), "Patient.name[0] array-unexpected"},
		{"empty array", patient(`"name":[]`), "Patient.name array-empty"},
		{"empty object", patient(`"name":[{}]`), "Patient.name[0] object-empty"},
		{"empty string", patient(`"name":[{"family":""}]`), "Patient.name[0].family string-empty"},
		{"null", patient(`"gender":null`), "Patient.gender null-value"},
		{"null for an array", patient(`"name":null`), "Patient.name null-value"},
		{"null in an array of objects", patient(`"name":[{"text":"x"},null]`), "Patient.name[1] null-value"},
		{"string where an object stands", patient(`"maritalStatus":"M"`), "Patient.maritalStatus json-kind"},
		{"object where a string stands", patient(`"gender":{"value":"male"}`), "Patient.gender json-kind"},

		// siblings
		{"null without counterpart", patient(`"name":[{"given":["a",null]}]`), "Patient.name[0].given[1] null-value"},
		{"null on both sides", patient(`"name":[{"given":["a",null],"_given":[{"id":"x"},null]}]`), "Patient.name[0].given[1] null-value"},
		{"null in a sibling alone", patient(`"name":[{"_given":[null,{"extension":[{"url":"http://x","valueCode":"a"}]}]}]`), "Patient.name[0].given[0] null-value"},
		{"sibling too short", patient(`"name":[{"given":["a","b"],"_given":[{"id":"x"}]}]`), "Patient.name[0].given sibling-length"},
		{"sibling too long", patient(`"name":[{"given":["a"],"_given":[null,{"extension":[{"url":"http://x","valueCode":"a"}]}]}]`), "Patient.name[0].given sibling-length"},
		{"sibling is a string", patient(`"birthDate":"2000","_birthDate":"x"`), "Patient.birthDate sibling-kind"},
		{"sibling is null", patient(`"birthDate":"2000","_birthDate":null`), "Patient.birthDate null-value"},
		{"sibling is an array", patient(`"birthDate":"2000","_birthDate":[{"id":"x"}]`), "Patient.birthDate array-unexpected"},
		{"sibling is no array", patient(`"name":[{"given":["a"],"_given":{"id":"x"}}]`), "Patient.name[0].given array-expected"},
		{"sibling is empty", patient(`"birthDate":"2000","_birthDate":{}`), "Patient.birthDate object-empty"},
		{"sibling holds a value", patient(`"birthDate":"2000","_birthDate":{"value":"2000"}`), "Patient.birthDate unknown-property"},
		{"sibling with an id and no value", patient(`"_birthDate":{"id":"x"}`), "Patient.birthDate ele-1"},
		{"element with an id only", patient(`"maritalStatus":{"id":"x"}`), "Patient.maritalStatus ele-1"},

		// cardinality
		{"required missing", `{"resourceType":"Observation","code":{"text":"x"}}`, "Observation cardinality-min"},
		{"required missing below", patient(`"link":[{"other":{"reference":"Patient/1"}}]`), "Patient.link[0] cardinality-min"},
		{"required array missing", `{"resourceType":"Appointment","status":"booked"}`, "Appointment cardinality-min"},
		{"required choice missing", `{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"x"},"subject":{"display":"x"}}`, "MedicationAdministration cardinality-min"},
		{"choice of two types", patient(`"deceasedBoolean":true,"deceasedDateTime":"2000"`), "Patient.deceased choice-twice"},
		{"choice and sibling of another type", patient(`"deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"http://x","valueCode":"a"}]}`), "Patient.deceased choice-twice"},
		{"extension without url", patient(`"extension":[{"valueCode":"a"}]`), "Patient.extension[0] cardinality-min"},
		{"extension of nothing", patient(`"extension":[{"url":"http://x"}]`), "Patient.extension[0] ext-1"},
		{"extension of both", patient(`"extension":[{"url":"http://x","valueCode":"a","extension":[{"url":"b","valueCode":"c"}]}]`), "Patient.extension[0] ext-1"},

		// primitives
		{"boolean in quotes", patient(`"active":"true"`), "Patient.active json-kind"},
		{"boolean as number", patient(`"active":1`), "Patient.active json-kind"},
		{"integer in quotes", patient(`"multipleBirthInteger":"2"`), "Patient.multipleBirth json-kind"},
		{"integer with point", patient(`"multipleBirthInteger":2.0`), "Patient.multipleBirth primitive-integer"},
		{"integer with exponent", patient(`"multipleBirthInteger":2e1`), "Patient.multipleBirth primitive-integer"},
		{"integer too high", patient(`"multipleBirthInteger":2147483648`), "Patient.multipleBirth primitive-integer"},
		{"integer too low", patient(`"multipleBirthInteger":-2147483649`), "Patient.multipleBirth primitive-integer"},
		{"positiveInt zero", patient(`"telecom":[{"value":"1","rank":0}]`), "Patient.telecom[0].rank primitive-positiveInt"},
		{"positiveInt too high", patient(`"telecom":[{"value":"1","rank":2147483648}]`), "Patient.telecom[0].rank primitive-positiveInt"},
		{"unsignedInt negative", `{"resourceType":"Bundle","type":"searchset","total":-1}`, "Bundle.total primitive-unsignedInt"},
		{"decimal in quotes", observation(`"valueQuantity":{"value":"1.0"}`), "Observation.value.value json-kind"},
		{"decimal with a bomb for an exponent", observation(`"valueQuantity":{"value":1e999999999}`), "Observation.value.value primitive-decimal"},
		{"string as number", patient(`"name":[{"family":7}]`), "Patient.name[0].family json-kind"},
		{"string with control character", patient(`"name":[{"family":"a\u0000"}]`), "Patient.name[0].family primitive-string"},
		{"string with vertical tab", patient(`"name":[{"family":"a\u000b"}]`), "Patient.name[0].family primitive-string"},
		{"string too long", patient(`"name":[{"family":"` + strings.Repeat("长", 1<<20+1) + `"}]`), "Patient.name[0].family primitive-string"},
		{"id with underscore", patient(`"id":"a_b"`), "Patient.id primitive-id"},
		{"id too long", patient(`"id":"` + strings.Repeat("a", 65) + `"`), "Patient.id primitive-id"},
		{"code with space first", patient(`"gender":" male"`), "Patient.gender primitive-code"},
		{"code with two spaces", ext(`"valueCode":"a  b"`), "Patient.extension[0].value primitive-code"},
		{"code with space last", ext(`"valueCode":"a "`), "Patient.extension[0].value primitive-code"},
		{"uri with space", patient(`"implicitRules":"http://x y"`), "Patient.implicitRules primitive-uri"},
		{"url with line feed", ext(`"valueUrl":"http://x\ny"`), "Patient.extension[0].value primitive-url"},
		{"canonical with space", patient(`"meta":{"profile":["http://x y"]}`), "Patient.meta.profile[0] primitive-canonical"},
		{"oid without urn", ext(`"valueOid":"1.2.3"`), "Patient.extension[0].value primitive-oid"},
		{"oid with leading zero", ext(`"valueOid":"urn:oid:1.02"`), "Patient.extension[0].value primitive-oid"},
		{"oid of root 3", ext(`"valueOid":"urn:oid:3.2"`), "Patient.extension[0].value primitive-oid"},
		{"oid with point last", ext(`"valueOid":"urn:oid:1.2."`), "Patient.extension[0].value primitive-oid"},
		{"uuid in upper case", ext(`"valueUuid":"urn:uuid:C757873D-EC9A-4326-A141-556F43239520"`), "Patient.extension[0].value primitive-uuid"},
		{"uuid too short", ext(`"valueUuid":"urn:uuid:c757873d-ec9a-4326-a141"`), "Patient.extension[0].value primitive-uuid"},
		{"base64 of three", ext(`"valueBase64Binary":"abc"`), "Patient.extension[0].value primitive-base64Binary"},
		{"base64 of padding only", ext(`"valueBase64Binary":"===="`), "Patient.extension[0].value primitive-base64Binary"},
		{"base64 with three =", ext(`"valueBase64Binary":"QQ==="`), "Patient.extension[0].value primitive-base64Binary"},
		{"base64 space within a group", ext(`"valueBase64Binary":"QU JD"`), "Patient.extension[0].value primitive-base64Binary"},
		{"base64 padding within", ext(`"valueBase64Binary":"ab==cdef"`), "Patient.extension[0].value primitive-base64Binary"},
		{"base64 of another alphabet", ext(`"valueBase64Binary":"ab-_"`), "Patient.extension[0].value primitive-base64Binary"},
		{"date 30 February", patient(`"birthDate":"2020-02-30"`), "Patient.birthDate primitive-date"},
		{"date 29 February of no leap year", patient(`"birthDate":"2100-02-29"`), "Patient.birthDate primitive-date"},
		{"date 31 April", patient(`"birthDate":"2020-04-31"`), "Patient.birthDate primitive-date"},
		{"date 29 February of no fourth year", patient(`"birthDate":"2023-02-29"`), "Patient.birthDate primitive-date"},
		{"date month 13", patient(`"birthDate":"2020-13"`), "Patient.birthDate primitive-date"},
		{"date day 0", patient(`"birthDate":"2020-01-00"`), "Patient.birthDate primitive-date"},
		{"date year 0", patient(`"birthDate":"0000"`), "Patient.birthDate primitive-date"},
		{"date of two digits", patient(`"birthDate":"74-12-25"`), "Patient.birthDate primitive-date"},
		{"date without zeros", patient(`"birthDate":"2020-1-5"`), "Patient.birthDate primitive-date"},
		{"date with slashes", patient(`"birthDate":"2020/01/05"`), "Patient.birthDate primitive-date"},
		{"date with time", patient(`"birthDate":"2020-01-05T00:00:00Z"`), "Patient.birthDate primitive-date"},
		{"dateTime without time zone", patient(`"deceasedDateTime":"2020-01-05T10:00:00"`), "Patient.deceased primitive-dateTime"},
		{"dateTime without seconds", patient(`"deceasedDateTime":"2020-01-05T10:00Z"`), "Patient.deceased primitive-dateTime"},
		{"dateTime hour 24", patient(`"deceasedDateTime":"2020-01-05T24:00:00Z"`), "Patient.deceased primitive-dateTime"},
		{"dateTime second 61", patient(`"deceasedDateTime":"2020-01-05T10:00:61Z"`), "Patient.deceased primitive-dateTime"},
		{"dateTime zone 14:30", patient(`"deceasedDateTime":"2020-01-05T10:00:00+14:30"`), "Patient.deceased primitive-dateTime"},
		{"dateTime with a space", patient(`"deceasedDateTime":"2020-01-05 10:00:00Z"`), "Patient.deceased primitive-dateTime"},
		{"dateTime point without fraction", patient(`"deceasedDateTime":"2020-01-05T10:00:00.Z"`), "Patient.deceased primitive-dateTime"},
		{"dateTime of 31 September", patient(`"deceasedDateTime":"2020-09-31T10:00:00Z"`), "Patient.deceased primitive-dateTime"},
		{"instant of a day", observation(`"issued":"2020-01-05"`), "Observation.issued primitive-instant"},
		{"time without seconds", observation(`"valueTime":"10:00"`), "Observation.value primitive-time"},
		{"time with zone", observation(`"valueTime":"10:00:00Z"`), "Observation.value primitive-time"},
		{"time hour 24", observation(`"valueTime":"24:00:00"`), "Observation.value primitive-time"},
		{"markdown empty", ext(`"valueMarkdown":""`), "Patient.extension[0].value string-empty"},

		// codes
		{"code out of the value set", patient(`"gender":"M"`), "Patient.gender binding-required"},
		{"code in wrong case", patient(`"gender":"Male"`), "Patient.gender binding-required"},
		{"status out of the value set", `{"resourceType":"Observation","status":"done","code":{"text":"x"}}`, "Observation.status binding-required"},
		{"concept without the required coding", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"coding":[{"system":"http://x","code":"active"}]}}`, "Condition.clinicalStatus binding-required"},
		{"concept of text only", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"text":"active"}}`, "Condition.clinicalStatus binding-required"},

		// references
		{"reference to the wrong type", patient(`"managingOrganization":{"reference":"Patient/1"}`), "Patient.managingOrganization reference-target"},
		{"versioned reference to the wrong type", patient(`"managingOrganization":{"reference":"Patient/1/_history/2"}`), "Patient.managingOrganization reference-target"},
		{"absolute reference to the wrong type", patient(`"managingOrganization":{"reference":"https://x.org/fhir/Patient/1"}`), "Patient.managingOrganization reference-target"},
		{"conditional reference to the wrong type", patient(`"managingOrganization":{"reference":"Patient?identifier=1"}`), "Patient.managingOrganization reference-target"},
		{"type of a reference is wrong", patient(`"managingOrganization":{"type":"Patient","display":"x"}`), "Patient.managingOrganization reference-target"},
		{"type and literal differ", observation(`"subject":{"reference":"Patient/1","type":"Group"}`), "Observation.subject reference-type-differs"},
		{"reference without id", patient(`"managingOrganization":{"reference":"Organization"}`), "Patient.managingOrganization reference-format"},
		{"reference to an unknown type", patient(`"managingOrganization":{"reference":"Organisation/1"}`), "Patient.managingOrganization reference-format"},
		{"reference with a bad id", patient(`"managingOrganization":{"reference":"Organization/a_b"}`), "Patient.managingOrganization reference-format"},
		{"reference with a leading slash", patient(`"managingOrganization":{"reference":"/Organization/1"}`), "Patient.managingOrganization reference-format"},
		{"fragment not contained", patient(`"managingOrganization":{"reference":"#org"}`), "Patient.managingOrganization reference-unresolved"},
		{"fragment of the wrong type", patient(`"contained":[{"resourceType":"Patient","id":"org"}],"managingOrganization":{"reference":"#org"}`), "Patient.managingOrganization reference-target"},
		{"fragment of another entry", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"}}},{"resource":{"resourceType":"Patient","managingOrganization":{"reference":"#o"}}}]}`, "Bundle.entry[1].resource.managingOrganization reference-unresolved"},
		{"fragment out of a contained Bundle", patient(`"contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Bundle","id":"b","type":"collection","entry":[{"resource":{"resourceType":"Patient","managingOrganization":{"reference":"#o"}}}]}],"managingOrganization":{"reference":"#o"}`), "Patient.contained[1].entry[0].resource.managingOrganization reference-unresolved"},
		{"canonical fragment not contained", `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"choice","answerValueSet":"#vs"}]}`, "Questionnaire.item[0].answerValueSet reference-unresolved"},
		{"comparator in a SimpleQuantity", observation(`"referenceRange":[{"low":{"value":1,"comparator":"<"}}]`), "Observation.referenceRange[0].low sqty-1"},

		// resources within resources
		{"contained without resourceType", patient(`"contained":[{"id":"a"}]`), "Patient.contained[0] resource-type-missing"},
		{"contained with a fault", patient(`"contained":[{"resourceType":"Observation","id":"a","status":"final"}]`), "Patient.contained[0] cardinality-min"},
		{"contained in contained", patient(`"contained":[{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Patient","id":"b"}]}]`), "Patient.contained[0].contained[0] dom-2"},
		{"two contained of one id", patient(`"contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Group","id":"o","type":"person","actual":true}],"managingOrganization":{"reference":"#o"}`), "Patient.contained[1] contained-id-duplicate"},
		{"contained is no object", patient(`"contained":["a"]`), "Patient.contained[0] json-kind"},
		{"entry of unknown type", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Foo"}}]}`, "Bundle.entry[0].resource resource-type-unknown"},
		{"entry with a fault", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":"x"}}]}`, "Bundle.entry[0].resource.active json-kind"},
		{"parameter with a fault", `{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Patient","x":1}}]}]}`, "Parameters.parameter[0].part[0].resource unknown-property"},
		{"contentReference followed", `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"1","type":"choice","item":[{"linkId":"2"}]}]}]}`, "Questionnaire.item[0].item[0].item[0] cardinality-min"},

		// narrative
		{"no div", narrative(`<p>x</p>`), "Patient.text.div xhtml-form"},
		{"no markup", narrative(`hello`), "Patient.text.div xhtml-form"},
		{"empty div", patient(`"text":{"status":"generated","div":""}`), "Patient.text.div xhtml-form"},
		{"no namespace", narrative(`<div>x</div>`), "Patient.text.div xhtml-namespace"},
		{"other namespace", narrative(`<div xmlns="http://www.w3.org/2000/svg">x</div>`), "Patient.text.div xhtml-namespace"},
		{"not closed", narrative(div + `<p>x</div>`), "Patient.text.div xhtml-form"},
		{"ends early", narrative(div + `<p>x`), "Patient.text.div xhtml-form"},
		{"two divs", narrative(div + `x</div>` + div + `y</div>`), "Patient.text.div xhtml-form"},
		{"text behind", narrative(div + `x</div>y`), "Patient.text.div xhtml-form"},
		{"nothing to see", narrative(div + ` <p> </p> </div>`), "Patient.text.div txt-2"},
		{"script", narrative(div + `<script>alert(1)</script></div>`), "Patient.text.div txt-1"},
		{"script in capitals", narrative(div + `<SCRIPT>alert(1)</SCRIPT></div>`), "Patient.text.div txt-1"},
		{"style element", narrative(div + `<style>p{}</style>x</div>`), "Patient.text.div txt-1"},
		{"iframe", narrative(div + `<iframe src="http://x"/>x</div>`), "Patient.text.div txt-1"},
		{"form", narrative(div + `<form>x</form></div>`), "Patient.text.div txt-1"},
		{"svg", narrative(div + `<svg>x</svg></div>`), "Patient.text.div txt-1"},
		{"event attribute", narrative(div + `<p onclick="x()">x</p></div>`), "Patient.text.div txt-1"},
		{"javascript link", narrative(div + `<a href="javascript:x()">x</a></div>`), "Patient.text.div xhtml-unsafe"},
		{"javascript link hidden by entities", narrative(div + `<a href="java&#x09;scri&#112;t&colon;x()">x</a></div>`), "Patient.text.div xhtml-unsafe"},
		{"javascript link behind a space", narrative(div + `<a href=" javascript:x()">x</a></div>`), "Patient.text.div xhtml-unsafe"},
		{"vbscript link", narrative(div + `<a href="vbscript:x()">x</a></div>`), "Patient.text.div xhtml-unsafe"},
		{"style hidden by a comment", narrative(div + `<p style="width:expre/**/ssion(x)">x</p></div>`), "Patient.text.div xhtml-unsafe"},
		{"style that fetches without scheme", narrative(div + `<p style="background:url('//x/y')">x</p></div>`), "Patient.text.div xhtml-unsafe"},
		{"image without source", narrative(div + `<img alt="x"/></div>`), "Patient.text.div txt-2"},
		{"comment with --", narrative(div + `<!-- a -- b -->x</div>`), "Patient.text.div xhtml-form"},
		{"comment that never ends", narrative(div + `x<!-- </div>`), "Patient.text.div xhtml-form"},
		{"less-than in an attribute", narrative(div + `<p title="<b>">x</p></div>`), "Patient.text.div xhtml-form"},
		{"control character in the narrative", patient(`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a\u0001</div>"}`), "Patient.text.div xhtml-form"},
		{"data link", narrative(div + `<a href="data:text/html,x">x</a></div>`), "Patient.text.div xhtml-unsafe"},
		{"svg picture", narrative(div + `<img src="data:image/svg+xml,x"/></div>`), "Patient.text.div xhtml-unsafe"},
		{"style that fetches", narrative(div + `<p style="background:url(http://x)">x</p></div>`), "Patient.text.div xhtml-unsafe"},
		{"style expression", narrative(div + `<p style="width:expression(x)">x</p></div>`), "Patient.text.div xhtml-unsafe"},
		{"style with a CSS escape", narrative(div + `<p style="width:expres&#92;sion(x)">x</p></div>`), "Patient.text.div xhtml-unsafe"},
		{"CDATA", narrative(div + `<![CDATA[x]]></div>`), "Patient.text.div xhtml-unsafe"},
		{"DOCTYPE", narrative(`<!DOCTYPE div>` + div + `x</div>`), "Patient.text.div xhtml-unsafe"},
		{"processing instruction", narrative(div + `<?php x?>x</div>`), "Patient.text.div xhtml-unsafe"},
		{"unknown entity", narrative(div + `&foo;</div>`), "Patient.text.div xhtml-form"},
		{"bare ampersand", narrative(div + `a & b</div>`), "Patient.text.div xhtml-form"},
		{"attribute without quotes", narrative(div + `<p id=a>x</p></div>`), "Patient.text.div xhtml-form"},
		{"attribute twice", narrative(div + `<p id="a" id="b">x</p></div>`), "Patient.text.div xhtml-form"},
		{"narrative without status", patient(`"text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}`), "Patient.text cardinality-min"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := judge(t, tc.src); len(got) != 1 || got[0] != tc.want {
				t.Errorf("%.200s\n has %q, want %q", tc.src, got, tc.want)
			}
		})
	}
}
