package rules_test

import "testing"

func TestDeviceCarriers(t *testing.T) {
	device := func(carrier, members string) string {
		return `{'resourceType':'Device','udiCarrier':[{` + carrier + `}]` + members + `}`
	}
	const gs1, at = `'issuer':'http://hl7.org/fhir/NamingSystem/gs1-di',`, "Device.udiCarrier[0]"
	const whole = gs1 + `'deviceIdentifier':'06901234567892','carrierHRF':'(01)06901234567892(17)290731(10)A1(21)7'`
	run(t, []judged{
		{"R000-044 whole", device(whole, `,'lotNumber':'A1','serialNumber':'7','expirationDate':'2029-07-31T00:00:00Z'`), nil},
		{"R000-044 check digit", device(gs1+`'carrierHRF':'(01)06901234567893(10)A1'`, ``), list("error udi-check " + at + ".carrierHRF")},
		{"check digit of a form without an issuer", device(`'carrierHRF':'(01)06901234567893(10)A1'`, ``), list("error udi-check " + at + ".carrierHRF")},
		{"R001-170 a code of the hospital's own", device(`'carrierHRF':'TN-2026-0001'`, ``), nil},
		{"R001-170 a code of its own with its own issuer", device(`'issuer':'urn:his:devices','carrierHRF':'(01)1'`, ``), nil},
		{"no code of the agency that is named", device(gs1+`'carrierHRF':'TN-2026-0001'`, ``), list("error udi-element " + at + ".carrierHRF")},
		{"R000-044 production identifier alone", device(gs1+`'carrierHRF':'(21)1234'`, ``), list("error udi-di-missing " + at + ".carrierHRF")},
		{"issuer of another form", device(gs1+`'carrierHRF':'+A123BJC5D6E71G'`, ``), list("error udi-issuer " + at + ".issuer")},
		{"HIBCC", device(`'issuer':'http://hl7.org/fhir/NamingSystem/hibcc','deviceIdentifier':'A123BJC5D6E71','carrierHRF':'+A123BJC5D6E71G'`, ``), nil},
		{"MA", device(`'carrierHRF':'MA.156.M0.100761.21234561.Sx00008.M221317'`, ``), list("error udi-date " + at + ".carrierHRF")},
		{"AHM is opaque", device(`'issuer':'urn:tenon:udi-agency:ahm','carrierHRF':'84700000012345678901'`, ``), nil},
		{"another device identifier", device(gs1+`'deviceIdentifier':'06901234567885','carrierHRF':'(01)06901234567892(21)7'`, ``), list("error udi-device-identifier " + at + ".deviceIdentifier")},
		{"GTIN-13 beside GTIN-14", device(gs1+`'deviceIdentifier':'6901234567892','carrierHRF':'(01)06901234567892(21)7'`, ``), nil},
		{"another lot", device(whole, `,'lotNumber':'A2'`), list("error udi-lot-number Device.lotNumber")},
		{"another serial number", device(whole, `,'serialNumber':'8'`), list("error udi-serial-number Device.serialNumber")},
		{"another expiry", device(whole, `,'expirationDate':'2029-08'`), list("error udi-expiration-date Device.expirationDate")},
		{"expiry to the month", device(whole, `,'expirationDate':'2029-07'`), nil},
		{"another day of making", device(gs1+`'carrierHRF':'(01)06901234567892(11)260101(21)7'`, `,'manufactureDate':'2026-01-02'`), list("error udi-manufacture-date Device.manufactureDate")},
		{"device identifier alone", device(gs1+`'deviceIdentifier':'06901234567893'`, ``), list("error udi-check " + at + ".deviceIdentifier")},
		{"scan of the same product", device(whole+`,'carrierAIDC':'XWQyMDEwNjkwMTIzNDU2Nzg5MjEwQTEdMjE3'`, ``), nil}, // ]d2 01… 10A1 <FNC1> 217
		{"scan of another product", device(gs1+`'carrierHRF':'(01)06901234567892(10)A1(21)8','carrierAIDC':'XWQyMDEwNjkwMTIzNDU2Nzg5MjEwQTEdMjE3'`, ``), list("error udi-aidc " + at + ".carrierAIDC")},
		{"model with a wrong check digit", `{'resourceType':'DeviceDefinition','udiDeviceIdentifier':[{` + gs1 + `'deviceIdentifier':'06901234567893','jurisdiction':'urn:cn'}]}`,
			list("error udi-check DeviceDefinition.udiDeviceIdentifier[0].deviceIdentifier")},
	})
}
