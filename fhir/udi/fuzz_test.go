package udi_test

import (
	"testing"

	"tenon/fhir/udi"
)

// FuzzParse: no text makes the parser fail otherwise than with a fault at a place
// of the text, and what it accepts it accepts again in its canonical parts.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"(01)51022222233336(11)141231(17)150707(10)A213B1(21)1234", "]d201069012345678921729070010A1\x1d217", "+A123BJC5D6E71G",
		"=/A9999XYZ100T0944=,000025", "MA.156.M0.100761.21234561.Sx00008", "https://id.gs1.org/01/06901234567892/21/7?17=290731", "(01", "]d2", "+$$", "=", "MA.",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, agency := range []udi.Agency{"", udi.GS1, udi.HIBCC, udi.ICCBBA, udi.MA, udi.AHM} {
			var c *udi.Code
			var err error
			if agency == "" {
				c, err = udi.Parse(s, year)
			} else {
				c, err = udi.ParseAs(agency, s, year)
			}
			if err != nil {
				fault := err.(*udi.Fault) //nolint:errorlint // the only type
				if fault.At < 0 || fault.At > len(s) || fault.Rule == "" {
					t.Fatalf("ParseAs(%s, %q): fault %+v is outside the text", agency, s, fault)
				}
				continue
			}
			if c.DI == "" || len(c.Keys()) == 0 {
				t.Fatalf("ParseAs(%s, %q) = %+v without a DI", agency, s, c)
			}
			if c.Agency != udi.GS1 || agency != udi.GS1 {
				continue
			}
			again := ""
			for _, e := range c.Elements {
				again += "\x1d" + e.Name + e.Value
			}
			other, err := udi.ParseAs(udi.GS1, again, year)
			if err != nil || other.Key() != c.Key() {
				t.Fatalf("ParseAs(GS1, %q) is read again from %q as %+v, %v", s, again, other, err)
			}
		}
	})
}
