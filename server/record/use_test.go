package record_test

import (
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// TestUseOutsideTheCase: a device that was made for one patient is not used on
// another one, whoever writes it, wherever it is written, however the device is
// named.
func TestUseOutsideTheCase(t *testing.T) {
	s, patient, root := opened(t)
	other := "Patient/" + s.must(wang, post(`{"resourceType":"Patient","name":[{"text":"李四"}]}`)).ID
	theirs := "Patient/" + s.must(stranger, post(`{"resourceType":"Patient","name":[{"text":"王五"}]}`)).ID
	device := "Device/" + s.must(wang, post(`{"resourceType":"Device","extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"Task/`+root+`"}}],
	 "identifier":[{"system":"urn:maker:serial","value":"S-7"}],"distinctIdentifier":"CMD-7","udiCarrier":[{"carrierHRF":"(01)06900000000014(21)0007"}],
	 "status":"active","patient":{"reference":"`+patient+`"}}`)).ID
	operator := &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}

	procedure := func(status, subject, manipulated string) string {
		return `{"resourceType":"Procedure","status":"` + status + `","subject":{"reference":"` + subject + `"},"focalDevice":[{"manipulated":` + manipulated + `}]}`
	}
	statement := func(subject, named string) string {
		return `{"resourceType":"DeviceUseStatement","status":"active","subject":{"reference":"` + subject + `"},"device":` + named + `}`
	}
	at := `{"reference":"` + device + `"}`
	refused := func(name string, who *access.Context, body, want string) {
		t.Helper()
		t.Run("R001-153 "+name, func(t *testing.T) {
			_, f := s.do(who, post(body))
			if status(f) != 409 || !has(f, want) {
				t.Errorf("%s = %v, want 409 %s", typeOf(body), f, want)
			}
			if f != nil && (strings.Contains(f.Error(), patient) || strings.Contains(f.Error(), "张三")) {
				t.Errorf("the refusal tells whose device it is: %v", f)
			}
		})
	}
	refused("a colleague uses it on another patient", wang, procedure("completed", other, at), "G-USE/right-patient")
	refused("in progress", wang, procedure("in-progress", other, at), "G-USE/right-patient")
	refused("a version of the device", wang, procedure("completed", other, `{"reference":"`+device+`/_history/1"}`), "G-USE/right-patient")
	refused("a statement of use", wang, statement(other, at), "G-USE/right-patient")
	refused("another hospital", stranger, procedure("completed", theirs, at), "G-USE/right-patient")
	refused("an operator's import", operator, procedure("completed", other, at), "G-USE/right-patient")
	refused("a use of something else with it", wang, strings.Replace(procedure("completed", other, at), `"focalDevice":[{"manipulated":`+at+`}]`, `"usedReference":[`+at+`]`, 1), "G-USE/right-patient")
	refused("named by its serial number", wang, procedure("completed", other, `{"identifier":{"system":"urn:maker:serial","value":"S-7"}}`), "G-USE/right-patient")
	refused("named by its UDI", stranger, statement(theirs, `{"identifier":{"value":"(01)06900000000014(21)0007"}}`), "G-USE/right-patient")
	refused("nobody's", wang, `{"resourceType":"Procedure","status":"completed","subject":{"reference":"Group/g"},"focalDevice":[{"manipulated":`+at+`}]}`, "G-USE/right-patient")
	refused("the right patient in another hospital", stranger, procedure("completed", patient, at), "G-USE/right-hospital")

	refused("on its own patient it comes before the gate of use, though no stage named the device yet", wang, procedure("completed", patient, at), "G-USE/released-for-use")
	t.Run("R001-153 planned, and then done", func(t *testing.T) {
		plan := s.must(wang, post(procedure("preparation", other, at)))
		_, f := s.do(wang, put("Procedure", plan.ID, strings.Replace(procedure("completed", other, at), "{", `{"id":"`+plan.ID+`",`, 1)))
		if status(f) != 409 || !has(f, "G-USE/right-patient") {
			t.Errorf("PUT = %v, want 409 G-USE/right-patient", f)
		}
	})
	t.Run("a machine is used on everybody", func(t *testing.T) {
		s.must(wang, post(procedure("completed", other, `{"reference":"Device/printer"}`)))
	})
	t.Run("a device of no case is nobody's business", func(t *testing.T) {
		crutch := s.must(wang, post(`{"resourceType":"Device","status":"active","patient":{"reference":"`+patient+`"}}`))
		s.must(wang, post(procedure("completed", other, `{"reference":"Device/`+crutch.ID+`"}`)))
	})
}

func has(f *issue.Failure, rule string) bool {
	for i := range f.Issues {
		if f.Issues[i].Rule == rule {
			return true
		}
	}
	return false
}
