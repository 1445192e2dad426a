package search

import (
	"encoding/base64"
	"strings"

	"tenon/fhir/tree"
	"tenon/fhir/udi"
)

// Device?udi-carrier=… finds a device by its carrier whatever the form: as it is
// printed, as a scanner reads it, as a link, the DI alone or with the lot or the
// serial number. Beside the text of carrierHRF, which R4 searches, a device has
// one token row for each of these combinations (udi.Code.Keys).
// https://hl7.org/fhir/R4/device.html#search

var (
	carrierParam = KeyOf("Device", "udi-carrier")
	carrierKey   = KeyOf("Device", "udi-carrier"+identifierKey)
)

// carrierYear reads two-digit years; dates are in no key.
const carrierYear = 2026

// mostCarriers bounds the carriers of one device that are indexed.
const mostCarriers = 50

// carriers makes the token rows of the carriers of a Device.
func (x *indexer) carriers(device tree.Node) {
	n := 0
	for c := range device.Field("udiCarrier").Items() {
		if n++; n > mostCarriers {
			return
		}
		agency, known := udi.AgencyOf(c.Field("issuer").Str())
		hrf := c.Field("carrierHRF").Str()
		if form, formed := udi.Recognise(hrf); !known && formed && !c.Field("issuer").Exists() {
			agency, known = form, true
		}
		if !known {
			continue
		}
		x.carrier(agency, hrf)
		if scan, err := base64.StdEncoding.DecodeString(c.Field("carrierAIDC").Str()); err == nil {
			x.carrier(agency, strings.TrimRight(string(scan), "\r\n"))
		}
		if di := udi.Bare(agency, c.Field("deviceIdentifier").Str()); di != "" {
			x.carrierKeys(&udi.Code{Agency: agency, DI: di, Lot: device.Field("lotNumber").Str(), Serial: device.Field("serialNumber").Str()})
		}
	}
}

func (x *indexer) carrier(agency udi.Agency, text string) {
	if code, err := udi.ParseAs(agency, text, carrierYear); err == nil {
		x.carrierKeys(code)
	}
}

func (x *indexer) carrierKeys(code *udi.Code) {
	for _, key := range code.Keys() {
		x.addToken(TokenRow{Key: carrierKey, Code: key})
	}
}

// carried reads the values of udi-carrier: what is a carrier finds the devices
// that it names, besides those whose text begins with it.
func (p *parser) carried(values []string, clause String) ([]Clause, error) {
	var keys Token
	for _, v := range values {
		text, _ := unescape(v)
		if key, ok := CarrierKey(text); ok {
			keys.Any = append(keys.Any, TokenMatch{Code: &key})
		}
	}
	if len(keys.Any) == 0 {
		return []Clause{clause}, nil
	}
	if p.Lacks(Carriers) {
		return nil, building("udi-carrier")
	}
	keys.Key = carrierKey
	return []Clause{Or{Any: [][]Clause{{keys}, {clause}}}}, nil
}

// CarrierKey is the key of what a carrier names; false for what is none.
func CarrierKey(text string) (string, bool) {
	code, err := udi.Parse(strings.TrimSpace(text), carrierYear)
	if err != nil {
		return "", false
	}
	return code.Key(), true
}
