package validate_test

import (
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// TestReference: each document has one reference that a profile, or the
// document, does not allow.
func TestReference(t *testing.T) {
	subject := func(targets, more string) string {
		return `{"id":"Observation"},{"id":"Observation.subject","type":[{"code":"Reference","targetProfile":[` + targets + `]` + more + `}]}`
	}
	patient := subject(`"http://hl7.org/fhir/StructureDefinition/Patient"`, "")
	named := subject(`"`+own+`named"`, "")
	either := subject(`"`+own+`named","http://hl7.org/fhir/StructureDefinition/Device"`, "")
	unknown := subject(`"http://t/nowhere"`, "")
	containedOnly := subject(`"http://hl7.org/fhir/StructureDefinition/Patient"`, `,"aggregation":["contained"]`)
	referencedOnly := subject(`"http://hl7.org/fhir/StructureDefinition/Patient"`, `,"aggregation":["referenced"]`)
	bundledOnly := subject(`"http://hl7.org/fhir/StructureDefinition/Patient"`, `,"aggregation":["bundled"]`)
	withPatient := `"contained":[{"resourceType":"Patient","id":"p","name":[{"text":"x"}]}],"subject":{"reference":"#p"}`
	noName := `"contained":[{"resourceType":"Patient","id":"p"}],"subject":{"reference":"#p"}`
	group := `"contained":[{"resourceType":"Group","id":"p","type":"person","actual":true}],"subject":{"reference":"#p"}`
	for _, tc := range []struct{ name, elements, members, want string }{
		{"type by its literal", patient, `"subject":{"reference":"Patient/1"}`, ""},
		{"type by an absolute literal", patient, `"subject":{"reference":"https://t/fhir/Patient/1"}`, ""},
		{"wrong by its literal", patient, `"subject":{"reference":"Group/1"}`, "Observation.subject reference-target"},
		{"wrong by an absolute literal", patient, `"subject":{"reference":"https://t/fhir/Group/1"}`, "Observation.subject reference-target"},
		{"wrong by a versioned literal", patient, `"subject":{"reference":"Group/1/_history/2"}`, "Observation.subject reference-target"},
		{"wrong by its type", patient, `"subject":{"type":"Group","display":"x"}`, "Observation.subject reference-target"},
		{"right by its type", patient, `"subject":{"type":"Patient","identifier":{"value":"1"}}`, ""},
		{"no literal", patient, `"subject":{"display":"x"}`, ""},
		{"a literal that tells nothing", patient, `"subject":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}`, ""},
		{"contained of the type", patient, withPatient, ""},
		{"contained of another type", patient, group, "Observation.subject reference-profile"},
		{"contained that follows the profile", named, withPatient, ""},
		{"contained that does not", named, noName, "Observation.subject reference-profile"},
		{"contained of another type than the profile's", named, group, "Observation.subject reference-profile"},
		{"one of two profiles", either, withPatient, ""},
		{"none of two profiles", either, noName, "Observation.subject reference-profile"},
		{"wrong type for two profiles", either, `"subject":{"reference":"Group/1"}`, "Observation.subject reference-target"},
		{"profile that is not there, target away", unknown, `"subject":{"reference":"Group/1"}`, ""},
		{"profile that is not there, target here", unknown, withPatient, "Observation.subject profile-unknown"},
		{"contained wanted and there", containedOnly, withPatient, ""},
		{"contained wanted, referenced", containedOnly, `"subject":{"reference":"Patient/1"}`, "Observation.subject reference-aggregation"},
		{"referenced wanted and so", referencedOnly, `"subject":{"reference":"Patient/1"}`, ""},
		{"referenced wanted, contained", referencedOnly, withPatient, "Observation.subject reference-aggregation"},
		{"bundled wanted, alone", bundledOnly, `"subject":{"reference":"Patient/1"}`, "Observation.subject reference-aggregation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := setOf(profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`), profileOf("p", "Observation", tc.elements))
			fault(t, s, claim(with("Observation", tc.members), "p"), tc.want, nil)
		})
	}
}

// inBundle is a collection with a Patient at a fullUrl and an Observation that
// refers to it.
func inBundle(fullURL, patient, ref string) string {
	base := "https://t/fhir/"
	return `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"` + fullURL + `","resource":` + patient + `},
		{"fullUrl":"` + base + `Observation/o","resource":{"resourceType":"Observation","id":"o","meta":{"profile":["` + own + `p"]},"status":"final","code":{"text":"x"},"subject":{"reference":"` + ref + `"}}}]}`
}

// TestReferenceInBundle: targets are found by the rules of fullUrl and judged.
func TestReferenceInBundle(t *testing.T) {
	s := setOf(profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`),
		profileOf("p", "Observation", `{"id":"Observation"},{"id":"Observation.subject","type":[{"code":"Reference","targetProfile":["`+own+`named"],"aggregation":["bundled","referenced"]}]}`))
	const urn = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
	named, bare := `{"resourceType":"Patient","id":"a","name":[{"text":"x"}]}`, `{"resourceType":"Patient","id":"a"}`
	const wrong = "Bundle.entry[1].resource.subject reference-profile"
	for _, tc := range []struct{ name, fullURL, patient, ref, want string }{
		{"urn", urn, named, urn, ""},
		{"urn, not conforming", urn, bare, urn, wrong},
		{"relative by the same base", "https://t/fhir/Patient/a", bare, "Patient/a", wrong},
		{"relative by the same base, conforming", "https://t/fhir/Patient/a", named, "Patient/a", ""},
		{"relative, another base", "https://other/fhir/Patient/a", bare, "Patient/a", ""},
		{"absolute", "https://other/fhir/Patient/a", bare, "https://other/fhir/Patient/a", wrong},
		{"versioned", "https://t/fhir/Patient/a", bare, "Patient/a/_history/1", wrong},
	} {
		t.Run(tc.name, func(t *testing.T) { fault(t, s, inBundle(tc.fullURL, tc.patient, tc.ref), tc.want, nil) })
	}
}

// TestReferenceFromBundleProfile: a profile of the Bundle that leads into its
// entries resolves by the entry too.
func TestReferenceFromBundleProfile(t *testing.T) {
	s := setOf(profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`),
		profileOf("q", "Observation", `{"id":"Observation"},{"id":"Observation.subject","type":[{"code":"Reference","targetProfile":["`+own+`named"]}]}`),
		profileOf("b", "Bundle", `{"id":"Bundle"},{"id":"Bundle.entry","slicing":{"discriminator":[{"type":"type","path":"resource"}],"rules":"open"}},
			{"id":"Bundle.entry:o","min":0,"max":"1"},{"id":"Bundle.entry:o.resource","min":1,"type":[{"code":"Observation","profile":["`+own+`q"]}]}`))
	src := func(patient string) string {
		return `{"resourceType":"Bundle","meta":{"profile":["` + own + `b"]},"type":"collection","entry":[{"fullUrl":"https://t/fhir/Patient/a","resource":` + patient + `},
			{"fullUrl":"https://t/fhir/Observation/o","resource":{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/a"}}},
			{"fullUrl":"https://other/fhir/Basic/b","resource":{"resourceType":"Basic","id":"b","code":{"text":"x"}}}]}`
	}
	fault(t, s, src(`{"resourceType":"Patient","id":"a","name":[{"text":"x"}]}`), "", nil)
	fault(t, s, src(`{"resourceType":"Patient","id":"a"}`), "Bundle.entry[1].resource.subject reference-profile", nil)
}

// TestReferenceResolved: what the caller resolves is judged too.
func TestReferenceResolved(t *testing.T) {
	s := setOf(profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`),
		profileOf("p", "Observation", `{"id":"Observation"},{"id":"Observation.subject","type":[{"code":"Reference","targetProfile":["`+own+`named"]}]}`))
	for _, tc := range []struct{ target, want string }{
		{`{"resourceType":"Patient","id":"1","name":[{"text":"x"}]}`, ""},
		{`{"resourceType":"Patient","id":"1"}`, "Observation.subject reference-profile"},
		{`{"resourceType":"Group","id":"1"}`, "Observation.subject reference-profile"},
		{`[]`, ""},
	} {
		d, err := tree.Parse([]byte(tc.target))
		if err != nil {
			t.Fatal(err)
		}
		o := &validate.Options{Now: now, Resolve: func(ref string) (tree.Node, bool) { return d.Root(), ref == "Patient/1" }}
		fault(t, s, claim(with("Observation", `"subject":{"reference":"Patient/1"}`), "p"), tc.want, o)
	}
}

// TestCircles: profiles that name one another, and references that lead back,
// end.
func TestCircles(t *testing.T) {
	s := setOf(
		profileOf("a", "Observation", `{"id":"Observation"},{"id":"Observation.hasMember","type":[{"code":"Reference","targetProfile":["`+own+`b"]}]},{"id":"Observation.note","min":1}`),
		profileOf("b", "Observation", `{"id":"Observation"},{"id":"Observation.hasMember","type":[{"code":"Reference","targetProfile":["`+own+`a"]}]},{"id":"Observation.note","min":1}`),
	)
	src := func(note string) string {
		return with("Observation", `"hasMember":[{"reference":"#x"}],"note":[{"text":"n"}],"contained":[
			{"resourceType":"Observation","id":"x","status":"final","code":{"text":"x"},`+note+`"hasMember":[{"reference":"#y"}]},
			{"resourceType":"Observation","id":"y","status":"final","code":{"text":"x"},"note":[{"text":"n"}],"hasMember":[{"reference":"#x"},{"reference":"#"}]}]`)
	}
	fault(t, s, claim(src(`"note":[{"text":"n"}],`), "a"), "", nil)
	fault(t, s, claim(src(""), "a"), "Observation.hasMember[0] reference-profile", nil)
}
