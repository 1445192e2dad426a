package rules

// https://hl7.org/fhir/R4/device-definitions.html#Device.udiCarrier
// Grammar and check digits are those of the issuing agencies (room udi). A code
// whose issuer is no agency, and that has no agency's form, is the hospital's or
// maker's own and is taken as it is.

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/udi"
)

// deviceRule judges the carriers of a device, and that what they say is what the
// elements beside them say.
func deviceRule(c *Context, n tree.Node) {
	i := 0
	for carrier := range n.Field("udiCarrier").Items() {
		c.carrier(n, carrier, under("", "udiCarrier", i))
		i++
	}
}

// deviceDefinitionRule judges the device identifiers of a model.
func deviceDefinitionRule(c *Context, n tree.Node) {
	i := 0
	for id := range n.Field("udiDeviceIdentifier").Items() {
		c.deviceIdentifier(id, under("", "udiDeviceIdentifier", i))
		i++
	}
}

// year reads dates of two digits; a document judged without a clock is judged as
// of the year in which its rules were written.
func (c *Context) year() int {
	if c.Now.IsZero() {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Year()
	}
	return c.Now.Year()
}

func (c *Context) carrier(device, carrier tree.Node, at string) {
	hrf := text(carrier, "carrierHRF")
	agency, known := udi.AgencyOf(text(carrier, "issuer"))
	form, formed := udi.Recognise(hrf)
	switch {
	case known && formed && form != agency:
		c.fail(at+".issuer", issue.BusinessRule, "udi-issuer", fmt.Sprintf("the issuer is %s, but carrierHRF has the form of %s", agency, form),
			fmt.Sprintf("发码机构为 %s，但条码文本为 %s 格式", agency, form))
		return
	case !known && (!formed || text(carrier, "issuer") != ""):
		return // a code of the hospital's or maker's own
	case !known:
		agency = form
	}
	var printed *udi.Code
	if hrf != "" {
		if printed = c.readCarrier(agency, hrf, at+".carrierHRF"); printed == nil {
			return
		}
		c.agrees(device, carrier, printed, at)
	} else {
		c.deviceIdentifier(carrier, at)
	}
	c.scan(agency, carrier, printed, at+".carrierAIDC")
}

// readCarrier reads a carrier, and reports what is wrong with it.
func (c *Context) readCarrier(agency udi.Agency, text, at string) *udi.Code {
	code, err := udi.ParseAs(agency, text, c.year())
	var f *udi.Fault
	if errors.As(err, &f) {
		c.fail(at, issue.Value, f.Rule, fmt.Sprintf("found %s, which is no code of %s: at character %d, %s", issue.Quote(text), agency, f.At+1, f.Text),
			fmt.Sprintf("%s 不是有效的 %s 标识：第 %d 个字符处，%s", issue.Quote(text), agency, f.At+1, f.Chinese))
		return nil
	}
	return code
}

// deviceIdentifier judges a DI that stands alone.
func (c *Context) deviceIdentifier(n tree.Node, at string) {
	agency, known := udi.AgencyOf(text(n, "issuer"))
	di := udi.Bare(agency, text(n, "deviceIdentifier"))
	if !known || di == "" {
		return
	}
	switch agency {
	case udi.GS1:
		c.readCarrier(agency, "(01)"+di, at+".deviceIdentifier")
	case udi.MA, udi.AHM:
		c.readCarrier(agency, di, at+".deviceIdentifier")
	case udi.HIBCC, udi.ICCBBA: // the check character is that of the carrier
	}
}

// agrees judges that DI and PI of the carrier are those of the elements.
func (c *Context) agrees(device, carrier tree.Node, code *udi.Code, at string) {
	if di := text(carrier, "deviceIdentifier"); di != "" && udi.Bare(code.Agency, di) != code.DI {
		c.differs(at+".deviceIdentifier", "udi-device-identifier", di, code.DI)
	}
	for _, pair := range []struct{ element, rule, printed string }{
		{"lotNumber", "udi-lot-number", code.Lot}, {"serialNumber", "udi-serial-number", code.Serial},
	} {
		if have := text(device, pair.element); have != "" && pair.printed != "" && have != pair.printed {
			c.differs("."+pair.element, pair.rule, have, pair.printed)
		}
	}
	for _, pair := range []struct{ element, rule, printed string }{
		{"expirationDate", "udi-expiration-date", code.Expires}, {"manufactureDate", "udi-manufacture-date", code.Made},
	} {
		if have := text(device, pair.element); have != "" && pair.printed != "" && !sameDay(have, pair.printed) {
			c.differs("."+pair.element, pair.rule, have, pair.printed)
		}
	}
}

// sameDay compares two dates as far as both are precise.
func sameDay(a, b string) bool {
	n := min(len(a), len(b), len(time.DateOnly))
	return a[:n] == b[:n]
}

func (c *Context) differs(at, rule, have, printed string) {
	c.fail(at, issue.BusinessRule, rule, fmt.Sprintf("found %s, but carrierHRF says %s; the label and the record must name the same product", issue.Quote(have), issue.Quote(printed)),
		fmt.Sprintf("记录为 %s，但条码文本为 %s，二者应一致", issue.Quote(have), issue.Quote(printed)))
}

// scan judges the machine's form of the carrier: what it reads, and that it names
// the same product as the printed one.
func (c *Context) scan(agency udi.Agency, carrier tree.Node, printed *udi.Code, at string) {
	content, err := base64.StdEncoding.DecodeString(text(carrier, "carrierAIDC"))
	if err != nil || len(content) == 0 {
		return // what is no base64 was refused by its type
	}
	code := c.readCarrier(agency, strings.TrimRight(string(content), "\r\n"), at)
	if code != nil && printed != nil && code.Key() != printed.Key() {
		c.fail(at, issue.BusinessRule, "udi-aidc", "the code that machines read names another product than carrierHRF", "机读条码与可读文本所指产品不一致")
	}
}
