package rules_test

import (
	"fmt"
	"strings"
	"testing"
)

const base = "http://example.org/fhir/"

// in makes a Bundle of a type; its entries and other members follow.
func in(kind, rest string) string {
	return `{'resourceType':'Bundle','type':'` + kind + `',` + rest + `}`
}

func entries(list ...string) string { return `'entry':[` + strings.Join(list, ",") + `]` }

// at makes an entry of a resource with a RESTful fullUrl.
func at(typ, id, members string) string {
	if members != "" {
		members = "," + members
	}
	return fmt.Sprintf(`{'fullUrl':'%s%s/%s','resource':{'resourceType':'%s','id':'%s'%s}}`, base, typ, id, typ, id, members)
}

func urn(n int, typ, members string) string {
	return fmt.Sprintf(`{'fullUrl':'urn:uuid:00000000-0000-0000-0000-00000000000%d','resource':{'resourceType':'%s'%s}}`, n, typ, members)
}

func TestBundleIdentity(t *testing.T) {
	collection := func(entry string) string { return in("collection", entries(entry)) }
	run(t, []judged{
		{"RESTful", collection(at("Patient", "1", "")), nil},
		{"urn:uuid, whatever the id", collection(`{'fullUrl':'urn:uuid:c757873d-ec9a-4326-a141-556f43239520','resource':{'resourceType':'Patient','id':'other'}}`), nil},
		{"urn:oid", collection(`{'fullUrl':'urn:oid:1.2.840.113619','resource':{'resourceType':'Patient'}}`), nil},
		{"URL of no server", collection(`{'fullUrl':'http://example.org/thing','resource':{'resourceType':'Patient','id':'1'}}`), nil},
		{"relative", collection(`{'fullUrl':'Patient/1','resource':{'resourceType':'Patient','id':'1'}}`), list("error bundle-fullurl-absolute Bundle.entry[0]")},
		{"missing", collection(`{'resource':{'resourceType':'Patient','id':'1'}}`), list("error bundle-fullurl-missing Bundle.entry[0]")},
		{"missing for an outcome", collection(`{'resource':{'resourceType':'OperationOutcome'}}`), nil},
		{"another id", collection(`{'fullUrl':'http://example.org/fhir/Patient/2','resource':{'resourceType':'Patient','id':'1'}}`), list("error bundle-fullurl-id Bundle.entry[0]")},
		{"another type", collection(`{'fullUrl':'http://example.org/fhir/Group/1','resource':{'resourceType':'Patient','id':'1'}}`), list("error bundle-fullurl-id Bundle.entry[0]")},
		{"no id", collection(`{'fullUrl':'http://example.org/fhir/Patient/2','resource':{'resourceType':'Patient'}}`), list("error bundle-fullurl-id Bundle.entry[0]")},
		{"no UUID", collection(`{'fullUrl':'urn:uuid:C757873D','resource':{'resourceType':'Patient'}}`), list("error bundle-fullurl-urn Bundle.entry[0].fullUrl")},
		{"no OID", collection(`{'fullUrl':'urn:oid:1.02.3','resource':{'resourceType':'Patient'}}`), list("error bundle-fullurl-urn Bundle.entry[0].fullUrl")},
		{"missing in a transaction", in("transaction", entries(`{'resource':{'resourceType':'Patient'},'request':{'method':'POST','url':'Patient'}}`)), nil},
	})
}

func TestBundleLinks(t *testing.T) {
	link := func(relations ...string) string {
		var l []string
		for _, r := range relations {
			l = append(l, `{'relation':'`+r+`','url':'http://example.org/fhir/Patient'}`)
		}
		return `'link':[` + strings.Join(l, ",") + `]`
	}
	run(t, []judged{
		{"a page", in("searchset", link("self", "first", "previous", "next", "last")), nil},
		{"self twice", in("searchset", link("self", "next", "self")), list("error bundle-link-once Bundle.link[2]")},
		{"next twice", in("history", link("self", "next", "next")), list("error bundle-link-once Bundle.link[2]")},
		{"alternate twice", in("collection", link("alternate", "alternate")), nil},
		{"paging a collection", in("collection", link("self", "next")), list("error bundle-link-paging Bundle.link[1].relation")},
		{"paging a document", in("document", link("first")), list("error bundle-link-paging Bundle.link[0].relation")},
		{"self twice in a collection", in("collection", link("self", "self")), list("error bundle-link-once Bundle.link[1].relation")},
	})
}

func TestSearchset(t *testing.T) {
	self := func(url string) string { return `'link':[{'relation':'self','url':'` + url + `'}],` }
	patients := self("http://example.org/fhir/Patient?name=x")
	found := func(mode, entry string) string {
		return strings.TrimSuffix(entry, "}") + `,'search':{'mode':'` + mode + `'}}`
	}
	noID := `{'fullUrl':'http://example.org/x','resource':{'resourceType':'Patient'}}`
	run(t, []judged{
		{"match and include", in("searchset", patients+entries(found("match", at("Patient", "1", "")), found("include", at("Group", "1", "")))), nil},
		{"match of another type", in("searchset", patients+entries(found("match", at("Group", "1", "")))), list("error bundle-search-type Bundle.entry[0].resource")},
		{"of the types in _type", in("searchset", self("http://example.org/fhir?_type=Group,Patient")+entries(found("match", at("Group", "1", "")))), nil},
		{"not of the types in _type", in("searchset", self("http://example.org/fhir?name=x&_type=Device,Patient")+entries(found("match", at("Group", "1", "")))), list("error bundle-search-type Bundle.entry[0].resource")},
		{"by POST", in("searchset", self("http://example.org/fhir/Patient/_search")+entries(found("match", at("Group", "1", "")))), list("error bundle-search-type Bundle.entry[0].resource")},
		{"match without id", in("searchset", patients+entries(found("match", noID))), list("error bundle-search-id Bundle.entry[0].resource")},
		{"outcome", in("searchset", patients+entries(found("outcome", `{'resource':{'resourceType':'OperationOutcome'}}`))), nil},
		{"outcome that is none", in("searchset", patients+entries(found("outcome", at("Patient", "1", "")))), list("error bundle-search-outcome Bundle.entry[0].resource")},
		{"no resource", in("searchset", patients+entries(`{'fullUrl':'http://example.org/x','search':{'mode':'match'}}`)), list("error bundle-search-resource Bundle.entry[0]")},
		{"no self link", in("searchset", entries(found("match", at("Patient", "1", "")))), list("warning bundle-search-self Bundle")},
		{"no mode", in("searchset", patients+entries(noID)), list("warning bundle-search-id Bundle.entry[0].resource", "warning bundle-search-mode Bundle")},
		{"total too small", in("searchset", patients+`'total':1,`+entries(found("match", at("Patient", "1", "")), found("match", at("Patient", "2", "")))), list("warning bundle-search-total Bundle.total")},
		{"total of more pages", in("searchset", patients+`'total':100,`+entries(found("match", at("Patient", "1", "")))), nil},
	})
}

func TestDocument(t *testing.T) {
	doc := func(composition string, others ...string) string {
		return in("document", entries(append([]string{at("Composition", "c", composition)}, others...)...))
	}
	subject := `'subject':{'reference':'Patient/1'}`
	patient := at("Patient", "1", "")
	missing := func(at string) []string {
		return list("error bundle-reference-missing Bundle.entry[0].resource." + at)
	}
	run(t, []judged{
		{"relative reference", doc(subject, patient), nil},
		{"absolute reference", doc(`'subject':{'reference':'http://example.org/fhir/Patient/1'}`, patient), nil},
		{"contained", doc(`'contained':[{'resourceType':'Patient','id':'p'}],'subject':{'reference':'#p'}`), nil},
		{"subject is not there", doc(subject), missing("subject")},
		{"subject of another server", doc(subject, `{'fullUrl':'http://example.com/Patient/1','resource':{'resourceType':'Patient','id':'1'}}`),
			append(missing("subject"), "error bundle-entry-orphan Bundle.entry[1]")},
		{"author", doc(`'author':[{'display':'x'},{'reference':'Practitioner/1'}]`), missing("author[1]")},
		{"custodian", doc(`'custodian':{'reference':'Organization/1'}`), missing("custodian")},
		{"encounter", doc(`'encounter':{'reference':'Encounter/1'}`), missing("encounter")},
		{"attester", doc(`'attester':[{'mode':'legal','party':{'reference':'Practitioner/1'}}]`), missing("attester[0].party")},
		{"event", doc(`'event':[{'detail':[{'reference':'Procedure/1'}]}]`), missing("event[0].detail[0]")},
		{"section entry", doc(`'section':[{'title':'x'},{'section':[{'entry':[{'reference':'Condition/1'}]}]}]`), missing("section[1].section[0].entry[0]")},
		{"section focus", doc(`'section':[{'focus':{'reference':'Patient/1'}}]`), missing("section[0].focus")},
		{"version that is not there", doc(`'subject':{'reference':'Patient/1/_history/2'}`, patient), append(missing("subject"), "error bundle-entry-orphan Bundle.entry[1]")},
		{"version that is there", doc(`'subject':{'reference':'Patient/1/_history/2'}`, at("Patient", "1", `'meta':{'versionId':'2'}`)), nil},
		{"orphan", doc(subject, patient, at("Device", "1", "")), list("error bundle-entry-orphan Bundle.entry[2]")},
		{"reached through another", doc(subject, at("Patient", "1", `'generalPractitioner':[{'reference':'Practitioner/1'}]`), at("Practitioner", "1", "")), nil},
		{"reached by an extension's URL", doc(subject, at("Patient", "1", `'extension':[{'url':'http://example.org/x','valueUri':'http://example.org/fhir/Device/1'}]`), at("Device", "1", "")), nil},
		{"only backward", doc(subject, patient, at("Condition", "1", `'subject':{'reference':'Patient/1'}`)), list("warning bundle-entry-backward Bundle.entry[2]")},
		{"backward and on", doc(subject, patient, at("Condition", "1", `'subject':{'reference':'Patient/1'},'asserter':{'reference':'Practitioner/1'}`), at("Practitioner", "1", "")),
			list("warning bundle-entry-backward Bundle.entry[2]")},
		{"a Provenance may be backward", doc(subject, patient, at("Provenance", "1", `'target':[{'reference':'Patient/1'}]`)), nil},
		{"a stylesheet by its link", in("document", `'link':[{'relation':'stylesheet','url':'Binary/1'}],`+entries(at("Composition", "c", subject), patient, at("Binary", "1", ""))), nil},
		{"by URN", in("document", entries(urn(1, "Composition", `,'subject':{'reference':'urn:uuid:00000000-0000-0000-0000-000000000002'}`), urn(2, "Patient", ""))), nil},
		{"a URN that is not there", in("document", entries(urn(1, "Composition", `,'subject':{'reference':'urn:uuid:00000000-0000-0000-0000-000000000003'}`))),
			list("error bundle-reference-missing Bundle.entry[0].resource.subject", "warning bundle-urn-unresolved Bundle.entry[0].resource.subject")},
		{"relative from a URN leads nowhere", in("document", entries(urn(1, "Composition", `,'subject':{'reference':'Patient/1'}`), at("Patient", "1", ""))),
			list("error bundle-reference-missing Bundle.entry[0].resource.subject", "error bundle-entry-orphan Bundle.entry[1]")},
	})
}

func TestAmbiguousReferences(t *testing.T) {
	const version = `'meta':{'versionId':'%d'}`
	two := func(kind, reference string) string {
		return in(kind, entries(at("Patient", "1", fmt.Sprintf(version, 1)), at("Patient", "1", fmt.Sprintf(version, 2)), at("Basic", "1", `'subject':{'reference':'`+reference+`'}`)))
	}
	run(t, []judged{
		{"two versions", two("collection", "Patient/1"), list("error bundle-reference-ambiguous Bundle.entry[2].resource.subject")},
		{"one version", two("collection", "Patient/1/_history/2"), nil},
		{"in a history", two("history", "Patient/1"), nil},
	})
}

func TestMessage(t *testing.T) {
	message := func(header string, others ...string) string {
		return in("message", entries(append([]string{at("MessageHeader", "m", header)}, others...)...))
	}
	focus := `'focus':[{'reference':'Patient/1'}]`
	run(t, []judged{
		{"all right", message(focus, at("Patient", "1", "")), nil},
		{"focus is not there", message(focus), list("error bundle-reference-missing Bundle.entry[0].resource.focus[0]")},
		{"orphan", message(focus, at("Patient", "1", ""), at("Device", "1", "")), list("warning bundle-entry-orphan Bundle.entry[2]")},
		{"backward", message(focus, at("Patient", "1", ""), at("Condition", "1", `'subject':{'reference':'Patient/1'}`)), list("information bundle-entry-backward Bundle.entry[2]")},
	})
}

func TestTransaction(t *testing.T) {
	ask := func(method, url, resource string) string {
		if resource != "" {
			resource = `,'resource':` + resource
		}
		return `{'request':{'method':'` + method + `','url':'` + url + `'}` + resource + `}`
	}
	one := func(entry string) string { return in("transaction", entries(entry)) }
	patient := `{'resourceType':'Patient','id':'1'}`
	url := list("error bundle-request-url Bundle.entry[0].request.url")
	run(t, []judged{
		{"create", one(ask("POST", "Patient", patient)), nil},
		{"update", one(ask("PUT", "Patient/1", patient)), nil},
		{"conditional update", one(ask("PUT", "Patient?identifier=x", patient)), nil},
		{"operation", one(ask("POST", "Patient/1/$everything", `{'resourceType':'Parameters'}`)), nil},
		{"update of a whole type", one(ask("PUT", "Patient", patient)), url},
		{"deletion of a whole type", one(ask("DELETE", "Patient", "")), url},
		{"patch of a whole type", one(ask("PATCH", "Patient?", patient)), url},
		{"update by another id", one(ask("PUT", "Patient/2", patient)), list("error bundle-request-id Bundle.entry[0].request.url")},
		{"update of another type", one(ask("PUT", "Group/1", patient)), list("error bundle-request-type Bundle.entry[0].request.url")},
		{"creation of another type", one(ask("POST", "Group", patient)), list("error bundle-request-type Bundle.entry[0].request.url")},
		{"creation with criteria", one(ask("POST", "Patient?name=x", patient)), list("warning bundle-request-url Bundle.entry[0].request.url")},
		{"update of nothing", one(ask("PUT", "Patient/1", "")), list("error bundle-request-resource Bundle.entry[0]")},
		{"deletion with a resource", one(ask("DELETE", "Patient/1", patient)), list("warning bundle-request-resource Bundle.entry[0]")},
		{"one resource twice", in("transaction", entries(ask("PUT", "Patient/1", patient), ask("DELETE", "Patient/1", ""))), list("error bundle-request-twice Bundle.entry[1].request.url")},
		{"twice in a batch", in("batch", entries(ask("PUT", "Patient/1", patient), ask("DELETE", "Patient/1", ""))), nil},
		{"relative reference in an update without fullUrl", one(ask("PUT", "Group/1", `{'resourceType':'Group','id':'1','managingEntity':{'reference':'Organization/1'}}`)),
			list("error bundle-fullurl-missing Bundle.entry[0]", "error bundle-reference-base Bundle.entry[0].resource.managingEntity")},
		{"relative reference in a creation without fullUrl", one(ask("POST", "Group", `{'resourceType':'Group','managingEntity':{'reference':'Organization/1'}}`)), nil},
		{"relative reference in a collection without fullUrl", in("collection", entries(`{'resource':{'resourceType':'Group','member':[{'entity':{'reference':'Patient/1'}}]}}`)),
			list("error bundle-fullurl-missing Bundle.entry[0]", "error bundle-reference-base Bundle.entry[0].resource.member[0].entity")},
		{"reference in a batch to what it creates", in("batch", entries(
			`{'fullUrl':'urn:uuid:00000000-0000-0000-0000-000000000001','request':{'method':'POST','url':'Patient'},'resource':{'resourceType':'Patient'}}`,
			ask("POST", "Condition", `{'resourceType':'Condition','subject':{'reference':'urn:uuid:00000000-0000-0000-0000-000000000001'}}`))),
			list("warning bundle-batch-reference Bundle.entry[1].resource.subject")},
		{"URN that nothing has", one(ask("POST", "Condition", `{'resourceType':'Condition','evidence':[{'detail':[{'reference':'urn:uuid:00000000-0000-0000-0000-000000000001'}]}]}`)),
			list("warning bundle-urn-unresolved Bundle.entry[0].resource.evidence[0].detail[0]")},
		{"status", in("transaction-response", entries(`{'response':{'status':'201 Created'}}`)), nil},
		{"status that is none", in("transaction-response", entries(`{'response':{'status':'Created'}}`)), list("error bundle-response-status Bundle.entry[0].response.status")},
		{"reference of a choice", in("collection", entries(`{'resource':{'resourceType':'Observation','extension':[{'url':'http://example.org/x','valueReference':{'reference':'Patient/1'}}]}}`)),
			list("error bundle-fullurl-missing Bundle.entry[0]", "error bundle-reference-base Bundle.entry[0].resource.extension[0].value")},
	})
}
