package record_test

import (
	"testing"

	"tenon/server/search"
)

// TestSearchByCarrier: a device is found by its carrier in any form, by what the
// scan names of it.
func TestSearchByCarrier(t *testing.T) {
	s := newServer(t)
	const gs1 = `"issuer":"http://hl7.org/fhir/NamingSystem/gs1-di",`
	device := func(carrier, members string) string {
		return s.must(clin, post(`{"resourceType":"Device","udiCarrier":[{`+carrier+`}]`+members+`}`)).ID
	}
	first := device(gs1+`"carrierHRF":"(01)06901234567892(17)290731(10)A1(21)7"`, "")
	second := device(gs1+`"deviceIdentifier":"6901234567892"`, `,"lotNumber":"A1","serialNumber":"8"`)
	scanned := device(gs1+`"carrierAIDC":"XWQyMDEwNjkwMTIzNDU2Nzg5MjEwQTEdMjE3"`, "") // ]d2 … 10A1 <FNC1> 217
	hibcc := device(`"issuer":"http://hl7.org/fhir/NamingSystem/hibcc","carrierHRF":"+A123BJC5D6E71G"`, "")
	own := device(`"carrierHRF":"TN-2026-0001"`, "")
	ma := device(`"carrierHRF":"MA.156.M0.100761.21234561.Sx00008.M220117.L20220117"`, "")
	for _, tt := range []struct {
		name, carrier string
		want          []string
	}{
		{"R001-144 printed", "(01)06901234567892(17)290731(10)A1(21)7", []string{first, scanned}},
		{"R001-144 scanned, FNC1 between", "]d201069012345678921729073110A1\x1d217", []string{first, scanned}},
		{"another order", "(21)7(10)A1(01)06901234567892", []string{first, scanned}},
		{"as a link", "https://id.gs1.org/01/06901234567892/10/A1/21/7", []string{first, scanned}},
		{"serial number alone", "(01)06901234567892(21)8", []string{second}},
		{"lot alone", "(01)06901234567892(10)A1", []string{first, second, scanned}},
		{"DI alone, from the elements too", "0106901234567892", []string{first, second, scanned}},
		{"another lot", "(01)06901234567892(10)A2", nil},
		{"capitals count", "(01)06901234567892(10)a1", nil},
		{"HIBCC", "+A123BJC5D6E71G", []string{hibcc}},
		{"MA by its serial number", "MA.156.M0.100761.21234561.Sx00008", []string{ma}},
		{"R001-170 a code of its own, from its beginning", "tn-2026", []string{own}},
		{"the text of the carrier as R4 has it", "(01)069012345", []string{first}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, _, err := s.Search(t.Context(), clin, "Device", []search.Param{{Name: "udi-carrier", Value: tt.carrier}}, true)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range page.Hits {
				got = append(got, h.ID)
			}
			if !sameSet(got, tt.want) {
				t.Errorf("Device?udi-carrier=%s = %v, want %v", tt.carrier, got, tt.want)
			}
		})
	}
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	seen := map[string]bool{}
	for _, s := range a {
		seen[s] = true
	}
	for _, s := range b {
		if !seen[s] {
			return false
		}
	}
	return true
}
