package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"time"

	"tenon/test/bench/hospital"
)

// Cases of the person who searches: so many, with so many Observations each.
const (
	caseCount = 20
	perCase   = 50
)

// clinician opens the cases: a person of the sample hospital.
const clinician = "PractitionerRole/clin-wang"

// people gives a clinician 20 cases with 1,000 Observations that others have
// brought: what the clinician reaches by them and by nothing else.
func (b *bench) people(ctx context.Context) error {
	got, err := b.srv.get(ctx, b.srv.beside, request{path: "/token?principal=" + url.QueryEscape(clinician)})
	if err != nil {
		return err
	}
	b.person = string(got.body)
	for i := range caseCount {
		patient, err := b.srv.do(ctx, request{method: "POST", path: "/fhir/Patient", token: b.person,
			body: fmt.Appendf(nil, `{"resourceType":"Patient","identifier":[{"system":"urn:bench:case","value":"C%d"}],"name":[{"text":"王小明","family":"王","given":["小明"]}]}`, i)})
		if err != nil {
			return err
		}
		root, err := b.srv.do(ctx, request{method: "POST", path: "/fhir/PlanDefinition/implant/$apply", token: b.person, body: fmt.Appendf(nil,
			`{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":%q}},{"name":"case-number","valueString":"BENCH-%d"},
			{"name":"retained-samples","valueInteger":2},{"name":"followup-visits","valueInteger":2},
			{"name":"followup-duration","valueDuration":{"value":12,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
			{"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`, patient.location, i), whole: true})
		if err != nil {
			return err
		}
		if _, err := b.post(ctx, b.member(i, patient.location, root.location)); err != nil {
			return err
		}
	}
	return nil
}

// member is a transaction of Observations of a case.
func (b *bench) member(i int, patient, root string) []byte {
	out := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for k := range perCase {
		if k > 0 {
			out = append(out, ',')
		}
		day := hospital.First.Add(time.Duration(i) * hospital.Days / caseCount * 24 * time.Hour)
		resource := b.h.Observation(i*perCase+k, patient, "Encounter/none", day)
		resource = bytes.Replace(resource, []byte(`{"resourceType":"Observation",`),
			fmt.Appendf(nil, `{"resourceType":"Observation","extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],`, root), 1)
		out = append(append(append(out, `{"resource":`...), resource...), `,"request":{"method":"POST","url":"Observation"}}`...)
	}
	return append(out, `]}`...)
}
