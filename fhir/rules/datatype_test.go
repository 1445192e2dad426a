package rules_test

import "testing"

// patient, observation and document hold one object to judge.
func patient(members string) string { return `{'resourceType':'Patient',` + members + `}` }
func observed(value string) string  { return `{'resourceType':'Observation',` + value + `}` }

func TestAttachment(t *testing.T) {
	photo := func(members string) string { return patient(`'photo':[{` + members + `}]`) }
	const hello = `'contentType':'text/plain','data':'aGVsbG8=',`
	run(t, []judged{
		{"size", photo(hello + `'size':5`), nil},
		{"another size", photo(hello + `'size':6`), list("error attachment-size Patient.photo[0]")},
		{"data with line ends", photo(`'contentType':'text/plain','data':'aGVs\nbG8=','size':5`), nil},
		{"size without data", photo(`'url':'http://example.org','size':6`), nil},
		{"hash", photo(hello + `'hash':'qvTGHdzF6KLavt4PO0gs2a6pQ00='`), nil},
		{"another hash", photo(hello + `'hash':'qvTGHdzF6KLavt4PO0gs2a6pQ1A='`), list("error attachment-hash Patient.photo[0].hash")},
		{"R001-042 SHA-256", photo(hello + `'hash':'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='`), nil},
		{"R001-042 SHA-256 of other data", photo(hello + `'hash':'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCA='`), list("error attachment-hash Patient.photo[0].hash")},
		{"hash of another length", photo(hello + `'hash':'qvTG'`), list("warning attachment-hash Patient.photo[0].hash")},
		{"content type with parameters", photo(`'contentType':'application/fhir+json; fhirVersion=4.0'`), nil},
		{"no content type", photo(`'contentType':'PDF'`), list("warning mime-type Patient.photo[0].contentType")},
	})
}

func TestIdentifier(t *testing.T) {
	id := func(system, value string) string {
		return patient(`'identifier':[{'system':'` + system + `','value':'` + value + `'}]`)
	}
	bad := list("error identifier-uri Patient.identifier[0].value")
	run(t, []judged{
		{"any value", id("http://example.org", "1 2"), nil},
		{"URN", id("urn:ietf:rfc:3986", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"), nil},
		{"OID", id("urn:ietf:rfc:3986", "urn:oid:2.16.840.1.113883"), nil},
		{"URL", id("urn:ietf:rfc:3986", "https://example.org/1"), nil},
		{"no URI", id("urn:ietf:rfc:3986", "c757873d-ec9a-4326-a141-556f43239520"), bad},
		{"no UUID", id("urn:ietf:rfc:3986", "urn:uuid:C757873D-ec9a-4326-a141-556f43239520"), bad},
		{"no OID", id("urn:ietf:rfc:3986", "urn:oid:3.1"), bad},
		{"UID of DICOM", id("urn:dicom:uid", "urn:oid:1.2.840.113619.2.1"), nil},
		{"bare UID of DICOM", id("urn:dicom:uid", "1.2.840.113619.2.1"), list("warning identifier-dicom Patient.identifier[0].value")},
		{"relative system", id("mrn", "1"), list("error identifier-system Patient.identifier[0].system")},
	})
}

func TestCoding(t *testing.T) {
	status := func(coding string) string { return patient(`'maritalStatus':{'coding':[{` + coding + `}]}`) }
	run(t, []judged{
		{"system", status(`'system':'http://example.org','code':'M'`), nil},
		{"no system", status(`'code':'M'`), list("warning coding-no-system Patient.maritalStatus.coding[0]")},
		{"code that is a URI", status(`'system':'urn:ietf:rfc:3986','code':'urn:oid:1.2'`), nil},
		{"code that should be a URI", status(`'system':'urn:ietf:rfc:3986','code':'1.2'`), list("warning coding-uri Patient.maritalStatus.coding[0].code")},
		{"display only", status(`'display':'M'`), nil},
		{"relative system", status(`'system':'MaritalStatus','code':'M'`), list("error coding-system Patient.maritalStatus.coding[0].system")},
	})
}

func TestPeople(t *testing.T) {
	telecom := func(system, value string) string {
		return patient(`'telecom':[{'system':'` + system + `','value':'` + value + `'}]`)
	}
	bad := list("warning contact-point Patient.telecom[0].value")
	run(t, []judged{
		{"phone", telecom("phone", "+86 10 6552 9988"), nil},
		{"no phone", telecom("phone", "none"), bad},
		{"e-mail", telecom("email", "a@example.org"), nil},
		{"no e-mail", telecom("email", "example.org"), bad},
		{"url", telecom("url", "https://example.org"), nil},
		{"no url", telecom("url", "example"), bad},
		{"other", telecom("other", "x"), nil},
		{"name", patient(`'name':[{'text':'王'}]`), nil},
		{"name of nothing", patient(`'name':[{'use':'official'}]`), list("warning human-name Patient.name[0]")},
	})
}

func TestQuantities(t *testing.T) {
	quantity := func(unit, code string) string {
		return observed(`'valueQuantity':{'value':1,'unit':'` + unit + `','system':'http://unitsofmeasure.org','code':'` + code + `'}`)
	}
	data := func(d string) string { return observed(`'valueSampledData':{'dimensions':2,'data':'` + d + `'}`) }
	repeat := func(r string) string {
		return `{'resourceType':'MedicationRequest','dosageInstruction':[{'timing':{'repeat':{` + r + `}}}]}`
	}
	run(t, []judged{
		{"unit", quantity("mm", "mm"), nil},
		{"printed otherwise", quantity("millimetre", "mm"), nil},
		{"printed in another size", quantity("cm", "mm"), list("warning quantity-unit Observation.value.unit")},
		{"printed in another spelling", quantity("L", "l"), nil},
		{"printed like another unit", quantity("C", "Cel"), nil},
		{"no unit of UCUM", quantity("tablet", "TAB"), list("error quantity-ucum Observation.value")},
		{"another system", observed(`'valueQuantity':{'value':1,'system':'http://example.org','code':'TAB'}`), nil},
		{"an Age", patient(`'extension':[{'url':'http://example.org','valueAge':{'value':1,'unit':'mo','system':'http://unitsofmeasure.org','code':'a'}}]`), list("warning quantity-unit Patient.extension[0].value.unit")},
		{"amount without currency", `{'resourceType':'Invoice','totalNet':{'value':1}}`, list("warning money-currency Invoice.totalNet")},
		{"samples", data("1 -2.5 E U L 1.5e-3"), nil},
		{"no sample", data("1 x"), list("error sampled-data Observation.value.data")},
		{"two blanks", data("1  2"), list("error sampled-data Observation.value.data")},
		{"a sample too few", data("1 2 3"), list("warning sampled-data Observation.value.data")},
		{"frequency", repeat(`'frequency':1,'frequencyMax':2,'period':1,'periodMax':1.0`), nil},
		{"frequency range turned round", repeat(`'frequency':3,'frequencyMax':2`), list("warning timing-range MedicationRequest.dosageInstruction[0].timing.repeat.frequencyMax")},
		{"count range turned round", repeat(`'count':3,'countMax':2`), list("warning timing-range MedicationRequest.dosageInstruction[0].timing.repeat.countMax")},
	})
}

func TestNarrative(t *testing.T) {
	told := func(div, rest string) string {
		return patient(`'id':'me',` + rest + `'text':{'status':'generated','div':'<div>` + div + `</div>'}`)
	}
	broken := list("error xhtml-link Patient.text.div")
	run(t, []judged{
		{"an id in the text", told(`<a href=\"#x\">x</a><p id=\"x\">y</p>`, ""), nil},
		{"a name in the text", told(`<a name=\"x\">y</a> <b>see</b>: <a href=\"#x\">x</a>`, ""), nil},
		{"an element's id", told(`<a href=\"#n\">x</a>`, `'name':[{'id':'n','text':'x'}],`), nil},
		{"a contained resource", told(`<img src=\"#i\" alt=\"\"/>`, `'contained':[{'resourceType':'Binary','id':'i'}],`), nil},
		{"nothing", told(`<p><b>See</b>: <a href=\"#x\">x</a></p>`, ""), broken},
		{"a broken image", told(`<img alt=\"\" src=\"#i\"/>`, ""), broken},
		{"another page's anchor", told(`<a href=\"http://example.org/#x\">x</a>`, ""), nil},
		{"in a comment", told(`<!-- <a href=\"#x\">x</a> -->`, ""), nil},
		{"in another entry", in("collection", entries(
			at("Patient", "1", `'text':{'div':'<div><a href=\"#there\">x</a></div>'}`),
			at("Patient", "2", `'text':{'div':'<div><p id=\"there\">x</p></div>'}`))), nil},
		{"in a contained resource", told(`x`, `'contained':[{'resourceType':'Group','id':'g','text':{'div':'<div><a href=\"#y\">x</a></div>'}}],`),
			list("error xhtml-link Patient.contained[0].text.div")},
	})
}

func TestProvenance(t *testing.T) {
	run(t, []judged{
		{"recorded later", `{'resourceType':'Provenance','recorded':'2026-01-02T00:00:00Z','occurredDateTime':'2026-01-01T00:00:00Z'}`, nil},
		{"recorded before", `{'resourceType':'Provenance','recorded':'2026-01-01T00:00:00+08:00','occurredPeriod':{'start':'2026-01-01T00:00:00Z'}}`, list("warning provenance-recorded Provenance.recorded")},
	})
}

func TestMeta(t *testing.T) {
	run(t, []judged{
		{"tags", patient(`'meta':{'tag':[{'system':'http://example.org','code':'a'},{'system':'http://example.org','code':'b'}]}`), nil},
		{"a tag twice", patient(`'meta':{'tag':[{'system':'http://example.org','code':'a'},{'system':'http://example.org','code':'a'}]}`), list("warning meta-twice Patient.meta.tag[1]")},
		{"a profile twice", patient(`'meta':{'profile':['http://example.org','http://example.org']}`), list("warning meta-twice Patient.meta.profile[1]")},
		{"endpoint", `{'resourceType':'MessageHeader','source':{'endpoint':'urn:x:1'},'destination':[{'endpoint':'http://example.org'}]}`, nil},
		{"relative endpoints", `{'resourceType':'MessageHeader','source':{'endpoint':'here'},'destination':[{'endpoint':'there'}]}`,
			list("warning message-endpoint MessageHeader.source.endpoint", "warning message-endpoint MessageHeader.destination[0].endpoint")},
	})
}

func TestElementIDs(t *testing.T) {
	run(t, []judged{
		{"unique", patient(`'id':'1','name':[{'id':'a','text':'x'}],'telecom':[{'id':'b','value':'x'}]`), nil},
		{"the resource's id is none of an element", patient(`'id':'1','name':[{'id':'1','text':'x','_text':{'id':'2'}}]`), nil},
		{"twice", patient(`'id':'1','identifier':[{'id':'a','value':'x'}],'name':[{'id':'a','text':'x'}]`), list("error element-id-twice Patient.name[0]")},
		{"on a primitive", patient(`'id':'1','birthDate':'2000','_birthDate':{'id':'a'},'name':[{'id':'a','text':'x'}]`), list("error element-id-twice Patient.name[0]")},
		{"in a contained resource", patient(`'id':'1','name':[{'id':'a','text':'x'}],'contained':[{'resourceType':'Patient','id':'p','name':[{'id':'a','text':'x'}]}]`), nil},
		{"on a choice", observed(`'code':{'id':'a'},'valueQuantity':{'id':'a','value':1}`), list("error element-id-twice Observation.value")},
		{"on two entries", in("collection", `'id':'b','entry':[{'id':'e','fullUrl':'urn:oid:1.2'},{'id':'e','fullUrl':'urn:oid:1.3'}]`), list("error element-id-twice Bundle.entry[1]")},
		{"in two entries", in("collection", entries(at("Patient", "1", `'name':[{'id':'a','text':'x'}]`), at("Patient", "2", `'name':[{'id':'a','text':'x'}]`))), nil},
	})
}
