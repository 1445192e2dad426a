package udi

import (
	"strings"
)

// Agency is an issuing agency.
type Agency string

// The agencies whose codes are read.
const (
	GS1    Agency = "GS1"
	HIBCC  Agency = "HIBCC"
	ICCBBA Agency = "ICCBBA"
	MA     Agency = "MA"  // ZIIOT, China
	AHM    Agency = "AHM" // Alibaba Health, China
)

// MaxLength bounds what is read, in bytes.
const MaxLength = 512

// Code is a device identifier (DI) with its production identifiers (PI).
type Code struct {
	Agency  Agency
	DI      string // GTIN of 14 digits; LIC, PCN and unit of measure; PPIC; MA.156.M0.…
	Lot     string
	Serial  string
	Made    string // FHIR date: YYYY-MM-DD, or YYYY-MM where the day is not given
	Expires string // FHIR date
	// Elements are all parts in their order, those without a field here too.
	Elements []Element
}

// Element is one part of a carrier.
type Element struct {
	Name  string // application identifier, flag or segment letter: "01", "$$3", "=,", "S"
	Value string
	At    int // byte of the text at which the value begins
}

// Produced tells whether the code names one product or lot: it has a lot or a
// serial number.
func (c *Code) Produced() bool { return c.Lot != "" || c.Serial != "" }

// issuers are the URIs of Device.udiCarrier.issuer that name an agency.
// https://hl7.org/fhir/R4/device-definitions.html#Device.udiCarrier.issuer
var issuers = map[string]Agency{
	"http://hl7.org/fhir/NamingSystem/gs1":             GS1,
	"http://hl7.org/fhir/NamingSystem/gs1-di":          GS1,
	"urn:oid:2.51.1.1":                                 GS1,
	"http://hl7.org/fhir/NamingSystem/hibcc":           HIBCC,
	"http://hl7.org/fhir/NamingSystem/hibcc-dI":        HIBCC,
	"http://hl7.org/fhir/NamingSystem/hibcc-di":        HIBCC,
	"http://hl7.org/fhir/NamingSystem/iccbba-blood":    ICCBBA,
	"http://hl7.org/fhir/NamingSystem/iccbba-blood-di": ICCBBA,
	"http://hl7.org/fhir/NamingSystem/iccbba-other":    ICCBBA,
	"http://hl7.org/fhir/NamingSystem/iccbba-other-di": ICCBBA,
	"urn:tenon:udi-agency:ma":                          MA,
	"urn:tenon:udi-agency:ahm":                         AHM,
}

// AgencyOf tells which agency a URI of udiCarrier.issuer names; false for one
// that is none of these, such as a hospital that numbers its own devices.
func AgencyOf(issuer string) (Agency, bool) {
	a, ok := issuers[issuer]
	return a, ok
}

// Recognise tells whose form a text has; false where it has none. An AHM code
// has no form of its own.
func Recognise(text string) (Agency, bool) {
	switch text = strings.TrimSpace(text); {
	case strings.HasPrefix(text, "MA."):
		return MA, true
	case strings.HasPrefix(text, "+") || strings.HasPrefix(text, "*+"):
		return HIBCC, true
	case len(text) > 1 && text[0] == '=' || strings.HasPrefix(text, "&,") || strings.HasPrefix(text, "&)"):
		return ICCBBA, true
	case bracketed(text) || scanned(text) || linked(text):
		return GS1, true
	}
	return "", false
}

// Parse reads a carrier whose form says whose it is. Digits without brackets or
// a symbology identifier are read as an element string of GS1. year is the one
// by which two-digit years are read. The error is a *Fault.
func Parse(text string, year int) (*Code, error) {
	agency, ok := Recognise(text)
	if !ok {
		agency = GS1
	}
	return ParseAs(agency, text, year)
}

// ParseAs reads a carrier of one agency. The error is a *Fault.
func ParseAs(agency Agency, text string, year int) (*Code, error) {
	p := &parser{text: text, year: year, code: &Code{Agency: agency}}
	if err := p.plain(); err != nil {
		return nil, err
	}
	var err error
	switch agency {
	case GS1:
		err = p.gs1()
	case HIBCC:
		err = p.hibcc()
	case ICCBBA:
		err = p.iccbba()
	case MA:
		err = p.ma()
	case AHM:
		err = p.ahm()
	default:
		return nil, p.fault(0, "udi-agency", "the agency "+string(agency)+" is not known", "不支持的发码机构")
	}
	if err != nil {
		return nil, err
	}
	if p.code.DI == "" {
		return nil, p.fault(0, "udi-di-missing", "there is no device identifier (DI); production identifiers alone name no device", "缺少产品标识（DI），仅有生产标识不能确定产品")
	}
	return p.code, nil
}

// parser is one carrier being read.
type parser struct {
	text string
	year int
	code *Code
}

// plain refuses what no carrier holds: nothing, too much, and characters that
// are not printable ASCII (but for FNC1 and its picture).
func (p *parser) plain() error {
	if strings.TrimSpace(p.text) == "" {
		return p.fault(0, "udi-empty", "the code is empty", "标识为空")
	}
	if len(p.text) > MaxLength {
		return p.fault(MaxLength, "udi-length", "the code is longer than 512 bytes", "标识过长")
	}
	for i, r := range p.text {
		if (r < ' ' || r > '~') && r != fnc1 && r != fnc1Picture {
			return p.fault(i, "udi-character", "the character is not printable ASCII", "含有不允许的字符")
		}
	}
	return nil
}

// add notes an element; one that is there with another value is a fault.
func (p *parser) add(name, value string, at int) error {
	for _, e := range p.code.Elements {
		if e.Name == name && e.Value != value {
			return p.fault(at, "udi-duplicate", name+" is there twice, with two values", name+" 重复且取值不同")
		}
	}
	p.code.Elements = append(p.code.Elements, Element{name, value, at})
	return nil
}
