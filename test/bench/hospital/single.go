package hospital

import (
	"fmt"
	"time"
)

// Types are those of the mix of single requests, in the order in which they are
// made.
var Types = []string{"Patient", "Location", "Organization", "Practitioner", "Encounter", "Observation", "MedicationRequest", "Claim", "ExplanationOfBenefit"}

// Single is the n-th resource of a type for itself, about a patient, "Patient/1";
// with an id it is the body of an update and differs in a value.
func (h *Hospital) Single(typ string, n int, patient, id string) []byte {
	r := h.random(5, uint64(n))
	at := h.Visit(n % h.patients).Add(time.Duration(len(id)) * time.Minute)
	var b []byte
	switch typ {
	case "Patient":
		b = h.patient(n)
	case "Location":
		b = fmt.Appendf(nil, `{"resourceType":"Location","status":"active","identifier":[{"system":%q,"value":"L%d"}],"name":"Room %[2]d 诊室","mode":"instance","managingOrganization":{"reference":"Organization/house"}}`, Number, n)
	case "Organization":
		b = fmt.Appendf(nil, `{"resourceType":"Organization","active":true,"identifier":[{"system":%q,"value":"X%d"}],"name":"Clinic %[2]d 诊所","address":[{"city":%q,"country":"CN"}]}`, Number, n, cities[n%len(cities)])
	case "Practitioner":
		p := person(r, n)
		b = fmt.Appendf(nil, `{"resourceType":"Practitioner","active":true,"identifier":[{"system":%q,"value":"P%d"}],"name":%s,"gender":%q}`, Number, n, p.names, p.gender)
	case "Encounter":
		b = encounter(r, patient, at)
	case "Observation":
		b = h.Observation(n, patient, "Encounter/none", at)
	case "MedicationRequest":
		b = medication(r, patient, "Encounter/none", at)
	case "Claim":
		b = Claim(r, patient, at)
	case "ExplanationOfBenefit":
		b = Benefit(r, patient, "Claim/none", at)
	default:
		panic("hospital: no single " + typ)
	}
	if id == "" {
		return b
	}
	return append(fmt.Appendf(make([]byte, 0, len(b)+100), `{"id":%q,"language":"zh",`, id), b[1:]...)
}
