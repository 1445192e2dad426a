package record_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"tenon/server/record"
)

// TestDeviceCodes: the numbers of a device that is made for one patient are its
// own, over all cases.
func TestDeviceCodes(t *testing.T) {
	s, patient, root := opened(t)
	res, err := s.Apply(t.Context(), wang, "implant", []byte(`{"resourceType":"Parameters","parameter":[
	 {"name":"subject","valueReference":{"reference":"`+patient+`"}},{"name":"case-number","valueString":"C-2"},
	 {"name":"retained-samples","valueInteger":3},{"name":"followup-visits","valueInteger":2},
	 {"name":"followup-duration","valueDuration":{"value":1,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
	 {"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	another := res.Version.ID
	device := func(root, more string) string {
		in := ""
		if root != "" {
			in = `"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"Task/` + root + `"}}],`
		}
		return `{"resourceType":"Device",` + in + `"status":"active","manufacturer":"Maker","patient":{"reference":"` + patient + `"},` + more + `}`
	}
	const whole = `"lotNumber":"B-7","distinctIdentifier":"CMD-7","udiCarrier":[{"carrierHRF":"(01)06900000000014(21)0007"}]`
	first := s.must(wang, post(device(root, whole)))
	s.must(wang, post(device(another, `"lotNumber":"B-8","distinctIdentifier":"CMD-8","udiCarrier":[{"carrierHRF":"(01)06900000000014(21)0008"}]`)))

	for name, c := range map[string]struct{ body, element string }{
		"R001-158 a batch number in another case":  {device(another, `"lotNumber":"B-7"`), "Device.lotNumber"},
		"R001-158 a batch number in the same case": {device(root, `"lotNumber":" B-7 "`), "Device.lotNumber"},
		"R001-170 a code of its own":               {device(another, `"distinctIdentifier":"CMD-7"`), "Device.distinctIdentifier"},
		"R001-170 a UDI":                           {device(another, `"udiCarrier":[{"carrierHRF":"(01)06900000000014(21)0007"}]`), "Device.udiCarrier"},
		"R001-170 the same UDI with a date":        {device(another, `"udiCarrier":[{"carrierHRF":"(01)06900000000014(11)260101(21)0007"}]`), "Device.udiCarrier"},
		"R001-158 by a device that is not active":  {strings.Replace(device(another, `"lotNumber":"B-8"`), `"status":"active"`, `"status":"inactive"`, 1), "Device.lotNumber"},
	} {
		t.Run(name, func(t *testing.T) {
			_, f := s.do(wang, post(c.body))
			if status(f) != 409 || !has(f, "device-code-taken") || f.Issues[0].Path != c.element || !strings.Contains(f.Issues[0].Clause, "R001-158") {
				t.Fatalf("a second device = %v, want 409 device-code-taken at %s", f, c.element)
			}
			if strings.Contains(f.Error(), patient) || strings.Contains(f.Error(), first.ID) || strings.Contains(f.Error(), root) {
				t.Errorf("the refusal tells whose it is: %v", f)
			}
		})
	}
	t.Run("R001-158 two in one transaction", func(t *testing.T) {
		_, f := s.do(wang, post(device(root, `"lotNumber":"B-9"`)), post(device(another, `"lotNumber":"B-9"`)))
		if status(f) != 409 || !has(f, "device-code-taken") {
			t.Errorf("two devices = %v, want 409", f)
		}
		s.must(wang, post(device(root, `"lotNumber":"B-9"`))) // nothing of the refused ones was kept
	})
	t.Run("R001-158 two at once", func(t *testing.T) {
		var wg sync.WaitGroup
		failures := make([]error, 8)
		for i := range failures {
			wg.Go(func() {
				_, failures[i] = s.Submit(t.Context(), wang, &record.Draft{Door: "fhir", Ops: []record.Op{post(device(another, `"lotNumber":"B-10"`))}})
			})
		}
		wg.Wait()
		taken := 0
		for _, err := range failures {
			if err == nil {
				taken++
			}
		}
		if taken != 1 {
			t.Errorf("%d of 8 devices have the batch number, want 1: %v", taken, failures)
		}
	})
	t.Run("the device itself is written again", func(t *testing.T) {
		s.must(wang, put("Device", first.ID, strings.Replace(device(root, whole+`,"modelNumber":"M"`), `"resourceType":"Device",`, fmt.Sprintf(`"resourceType":"Device","id":%q,`, first.ID), 1)))
	})
	for name, body := range map[string]string{
		"another maker's batch number": strings.Replace(device(another, `"lotNumber":"B-7"`), `"Maker"`, `"Other"`, 1),
		"a device of no case":          device("", whole),
		"of no patient":                strings.Replace(device(another, whole), `"patient":{"reference":"`+patient+`"},`, "", 1),
	} {
		t.Run(name, func(t *testing.T) { s.must(wang, post(body)) })
	}
}
