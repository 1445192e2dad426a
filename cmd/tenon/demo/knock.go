package demo

// knock shows what the doors refuse whatever the case is: who has no token, who
// writes on what he did not read, and what is not FHIR. The seed gives the order.
func (s *story) knock() {
	s.stage = ""
	s.tell.chapter("", "At the doors", "门禁")
	patient := "/fhir/" + s.patient.ref
	s.shuffled(
		func() {
			s.refused("", refusal{"no-token", 401, "no-token", ""}, request{method: "GET", path: patient})
		},
		func() {
			s.refused("", refusal{"no-token-dicom", 401, "no-token", ""}, request{method: "GET", path: "/dicomweb/studies"})
		},
		func() {
			s.refused("", refusal{"unknown-token", 401, "token-refused", ""}, request{as: &person{role: "?", token: "operator"}, method: "GET", path: patient})
		},
		func() {
			s.refused("", refusal{"stale-if-match", 412, "stale-if-match", ""}, request{
				as: s.clin, method: "PUT", path: patient, body: s.read(s.clin, s.patient.ref),
				header: map[string]string{"If-Match": `W/"99"`},
			})
		},
		func() {
			s.refused("", refusal{"duplicate-key", 400, "json-duplicate-key", "Patient"}, request{
				as: s.clin, method: "POST", path: "/fhir/Patient",
				raw: []byte(`{"resourceType":"Patient","gender":"male","gender":"female"}`), contentType: fhirJSON,
			})
		},
		func() {
			s.refused("", refusal{"unknown-parameter", 400, "search-unknown-parameter", "favourite-colour"}, request{
				as: s.clin, method: "GET",
				path: "/fhir/Patient?favourite-colour=blue", header: map[string]string{"Prefer": "handling=strict"},
			})
		},
		func() {
			s.refused("", refusal{"machine-signs", 403, "sign-person", ""}, signature(s.cast.mes, s.course.root, "CLIN", "cancel"))
		},
		func() {
			s.refused("", refusal{"not-fhir", 422, "unknown-property", "Patient"}, request{
				as: s.clin, method: "POST", path: "/fhir/Patient",
				body: obj{"resourceType": "Patient", "favouriteColour": "blue"},
			})
		})
}
