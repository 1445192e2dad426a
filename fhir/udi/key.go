package udi

import "strings"

// separator of the parts of a key: no carrier holds it.
const keySeparator = "␟"

// Key is one spelling of what a code identifies, whatever the form of its
// carrier: agency, DI, lot and serial number. Two carriers of one product have
// the same key; dates and everything else play no part.
func (c *Code) Key() string {
	return c.key(c.Lot, c.Serial)
}

// Keys are the keys by which a scan finds the product: the scan may name the DI
// alone, or with the lot, the serial number or both.
func (c *Code) Keys() []string {
	keys := []string{c.key("", "")}
	if c.Lot != "" {
		keys = append(keys, c.key(c.Lot, ""))
	}
	if c.Serial != "" {
		keys = append(keys, c.key("", c.Serial))
	}
	if c.Lot != "" && c.Serial != "" {
		keys = append(keys, c.key(c.Lot, c.Serial))
	}
	return keys
}

func (c *Code) key(lot, serial string) string {
	return strings.Join([]string{"udi", string(c.Agency), c.DI, lot, serial}, keySeparator)
}

// Bare makes the DI of a deviceIdentifier comparable: without the marks of its
// carrier, a GTIN with 14 digits.
func Bare(agency Agency, di string) string {
	di = strings.TrimSpace(di)
	switch agency {
	case GS1:
		if number(di) >= 0 && len(di) >= 8 && len(di) < 14 {
			return strings.Repeat("0", 14-len(di)) + di
		}
		for _, open := range []string{"(01)", "{01}"} {
			di = strings.TrimPrefix(di, open)
		}
	case HIBCC:
		di = strings.TrimPrefix(di, "+")
	case ICCBBA:
		di = strings.TrimPrefix(strings.TrimPrefix(di, "=/"), "=)")
	}
	return di
}
