package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// enrol registers the patient, and another one who has nothing to do with the
// case, and opens the case.
func (s *story) enrol() {
	s.tell.chapter("", "The patient", "患者")
	s.patient = s.register(s.patientResource())
	f := &s.figures
	s.stranger = s.register(made(f.stranger, f.given, f.gender, f.born.AddDate(-3, 2, 1), "MR-9"+f.record[4:]))
	s.course = s.open(s.clin, "implant",
		obj{"name": "subject", "valueReference": ref(s.patient.ref)},
		obj{"name": "case-number", "valueString": f.number},
		obj{"name": "retained-samples", "valueInteger": f.samples},
		obj{"name": "followup-visits", "valueInteger": f.visits},
		// Seconds in place of months: the story is to end within a minute.
		obj{"name": "followup-duration", "valueDuration": quantity(float64(f.duration), "s")},
		obj{"name": "image-age", "valueDuration": quantity(s.imageAge(), "d")})
}

// register creates the patient and admits him with his own token and key.
func (s *story) register(patient obj) *person {
	id := s.create(s.clin, patient)
	p := s.admit(id, "PAT", true)
	p.name = wholeName(patient)
	s.patients[id] = patient
	return p
}

func wholeName(patient obj) string {
	if t := str(patient, "name", "text"); t != "" {
		return t
	}
	return strings.TrimSpace(str(patient, "name", "given") + " " + str(patient, "name", "family"))
}

// made is a patient out of nothing.
func made(family, given [2]string, gender string, born time.Time, record string) obj {
	return obj{
		"resourceType": "Patient", "active": true,
		"identifier": arr{obj{
			"type":   obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}}},
			"system": "urn:tenon:sample:admission", "value": record,
		}},
		"name": arr{
			obj{"use": "official", "text": family[0] + given[0], "family": family[0], "given": arr{given[0]}},
			obj{"use": "usual", "text": family[1] + " " + given[1]},
		},
		"gender": gender, "birthDate": day(born),
	}
}

// patientResource is the patient of the case: made up, or taken from a bundle.
func (s *story) patientResource() obj {
	f := &s.figures
	if s.o.Patient == "" {
		return made(f.family, f.given, f.gender, f.born, f.record)
	}
	file, err := os.Open(s.o.Patient)
	must(err)
	defer file.Close()
	d := json.NewDecoder(file)
	d.UseNumber() // 1.00 stays 1.00
	var bundle obj
	must(d.Decode(&bundle))
	for _, entry := range items(bundle, "entry") {
		if p, ok := entry["resource"].(obj); ok && str(p, "resourceType") == "Patient" {
			delete(p, "id") // the server gives it one of its own
			return p
		}
	}
	stop(fmt.Errorf("%s holds no Patient", s.o.Patient))
	return nil
}

// consent is S01: the clinician informs, the patient consents and signs with the
// own key, and the team is named.
func (s *story) consent() {
	c := s.course
	c.begin(s.clin, "S01")
	team := s.create(s.clin, s.careTeam())
	outputs := []output{{"care-team", team}}
	form := s.file(s.clin, "知情同意书 consent form", "text/plain", []byte("我同意检查、定制器械及随访。 "+s.patient.name))
	resource := s.consentResource(team)
	if s.figures.form { // scanned, as a document of its own
		scanned := s.create(s.clin, form)
		resource["sourceReference"], outputs = ref(scanned), append(outputs, output{"consent-form", scanned})
	} else {
		resource["sourceAttachment"] = items(form, "content")[0]["attachment"]
	}
	consent := s.create(s.clin, resource)
	outputs = append(outputs, output{"consent", consent})
	c.name(s.clin, "S01", outputs...)
	s.refused("S01", refusal{"complete-unsigned", 409, "G-CONSENT/consent-signed-by-patient", "Task.status"},
		patch(s.clin, c.task("S01"), step(s.clin, "completed")))
	c.signs(s.patient, "consent", consent)
	c.signs(s.clin, "informing", consent)
	c.complete(s.clin, "S01")
}

func (s *story) careTeam() obj {
	members := arr{}
	for _, p := range s.team() {
		members = append(members, obj{"role": arr{code("role", p.role)}, "member": ref(p.ref)})
	}
	return obj{"resourceType": "CareTeam", "status": "active", "name": "Team of " + s.figures.number, "subject": ref(s.patient.ref), "participant": members}
}

// consentResource permits the examination and the use of the data for making the
// device, to the team and to nobody else.
func (s *story) consentResource(team string) obj {
	purpose := func(c string) obj { return obj{"system": "urn:tenon:consent-purpose", "code": c} }
	at := s.consentTime()
	s.study.consented = at
	return obj{
		"resourceType": "Consent", "status": "active", "patient": ref(s.patient.ref), "dateTime": at,
		"scope":        obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}}},
		"category":     arr{obj{"coding": arr{obj{"system": "http://loinc.org", "code": "59284-0"}}}},
		"performer":    refs(s.patient.ref),
		"organization": refs("Organization/hospital"),
		"policyRule":   text("Explained: examination, use of the data for making the device, recipients, follow-up."),
		"verification": arr{obj{"verified": true, "verifiedWith": ref(s.patient.ref), "verificationDate": at}},
		"provision": obj{
			"type":    "permit",
			"purpose": s.purposes(purpose("examination"), purpose("custom-device-treatment"), purpose("follow-up")),
			"actor": arr{obj{
				"reference": ref(team),
				"role":      obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}}},
			}},
		},
	}
}
