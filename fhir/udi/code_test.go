package udi_test

import (
	"errors"
	"strings"
	"testing"

	"tenon/fhir/udi"
)

const year = 2026

// TestSoundCarriers reads the examples that the agencies and the US FDA publish.
func TestSoundCarriers(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       udi.Code
	}{
		{"R000-044 GS1 printed", "(01)51022222233336(11)141231(17)150707(10)A213B1(21)1234",
			udi.Code{Agency: udi.GS1, DI: "51022222233336", Lot: "A213B1", Serial: "1234", Made: "2014-12-31", Expires: "2015-07-07"}},
		{"GS1 with braces", "{01}00844588003288{17}141120{10}7654321D{21}10987654d321",
			udi.Code{Agency: udi.GS1, DI: "00844588003288", Lot: "7654321D", Serial: "10987654d321", Expires: "2014-11-20"}},
		{"GS1 scanned, FNC1 behind what has no length", "]d201069012345678921729070010A1\x1d217",
			udi.Code{Agency: udi.GS1, DI: "06901234567892", Lot: "A1", Serial: "7", Expires: "2029-07"}},
		{"GS1 scanned, FNC1 first", "\x1d010690123456789221SN-7\x1d1729070010A1",
			udi.Code{Agency: udi.GS1, DI: "06901234567892", Lot: "A1", Serial: "SN-7", Expires: "2029-07"}},
		{"GS1 without a mark", "0106901234567892", udi.Code{Agency: udi.GS1, DI: "06901234567892"}},
		{"GS1 day 00 is the month", "(01)06901234567892(17)290700", udi.Code{Agency: udi.GS1, DI: "06901234567892", Expires: "2029-07"}},
		{"GS1 link", "https://id.gs1.org/01/06901234567892/10/A%2F1/21/7?17=290731&linkType=all",
			udi.Code{Agency: udi.GS1, DI: "06901234567892", Lot: "A/1", Serial: "7", Expires: "2029-07-31"}},
		{"GS1 brackets within a lot", "(01)06901234567892(10)A(1)B(21)7", udi.Code{Agency: udi.GS1, DI: "06901234567892", Lot: "A(1)B", Serial: "7"}},
		{"GS1 with a Basic UDI-DI", "(01)06901234567892(8013)1987654Ad4X4bL5ttr2310c2K", udi.Code{Agency: udi.GS1, DI: "06901234567892"}},
		{"HIBCC primary", "+A123BJC5D6E71G", udi.Code{Agency: udi.HIBCC, DI: "A123BJC5D6E71"}},
		{"HIBCC with lot, serial number and dates", "+H123PARTNO1234567890120/$$420020216LOT123456789012345/SXYZ456789012345678/16D20130202H",
			udi.Code{Agency: udi.HIBCC, DI: "H123PARTNO1234567890120", Lot: "LOT123456789012345", Serial: "XYZ456789012345678", Made: "2013-02-02", Expires: "2020-02-02"}},
		{"ICCBBA", "=/A9999XYZ100T0944=,000025=A99971312345600=>014032=}013032&,1000000000000XYZ123",
			udi.Code{Agency: udi.ICCBBA, DI: "A9999XYZ100T0944", Serial: "000025", Lot: "XYZ123", Made: "2013-02-01", Expires: "2014-02-01"}},
		{"ICCBBA container of blood", "=)1TE123456A&)RZ12345678", udi.Code{Agency: udi.ICCBBA, DI: "1TE123456A", Lot: "RZ12345678"}},
		{"R000-044 MA", "MA.156.M0.100761.21234561.Sx00008.M220117.L20220117.D20220118.E220130.V220117.C3",
			udi.Code{Agency: udi.MA, DI: "MA.156.M0.100761.21234561", Serial: "x00008", Lot: "20220117", Made: "2022-01-17", Expires: "2022-01-30"}},
		{"MA item alone", "MA.156.M0.100472.11103316", udi.Code{Agency: udi.MA, DI: "MA.156.M0.100472.11103316"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := udi.Parse(tt.text, year)
			if err != nil {
				t.Fatalf("Parse(%q) = %v", tt.text, err)
			}
			got.Elements = nil
			if !same(got, &tt.want) {
				t.Errorf("Parse(%q) = %+v, want %+v", tt.text, *got, tt.want)
			}
		})
	}
}

func same(a, b *udi.Code) bool {
	return a.Agency == b.Agency && a.DI == b.DI && a.Lot == b.Lot && a.Serial == b.Serial && a.Made == b.Made && a.Expires == b.Expires
}

func TestIllFormedCarriers(t *testing.T) {
	for _, tt := range []struct {
		name, text, rule string
		at               int
	}{
		{"R000-044 GS1 check digit", "(01)06901234567893(10)A1", "udi-check", 17},
		{"GS1 check digit as scanned", "]d20106901234567893", "udi-check", 18},
		{"GS1 bad month", "(01)06901234567892(17)261332", "udi-date", 22},
		{"GS1 bad day", "(01)06901234567892(17)260230", "udi-date", 22},
		{"GS1 lone serial number", "(21)1234", "udi-di-missing", 0},
		{"GS1 unknown identifier", "(05)1234", "udi-element", 1},
		{"GS1 short GTIN", "(01)6901234567892", "udi-length", 4},
		{"GS1 letter in the GTIN", "(01)0690123456789X", "udi-character", 17},
		{"GS1 lot too long", "(01)06901234567892(10)ABCDEFGHIJKLMNOPQRSTU", "udi-length", 22},
		{"GS1 character outside set 82", "(01)06901234567892(10)A#1", "udi-character", 23},
		{"GS1 twice", "(01)06901234567892(10)A(10)B", "udi-duplicate", 27},
		{"GS1 without brackets behind the first", "x0106901234567892", "udi-element", 0},
		{"GS1 check pair of the Basic UDI-DI", "(01)06901234567892(8013)1987654Ad4X4bL5ttr2310c2L", "udi-check", 47},
		{"GS1 link without a value", "https://id.gs1.org/01/06901234567892/21", "udi-syntax", 18},
		{"HIBCC check character", "+A123BJC5D6E71H", "udi-check", 14},
		{"HIBCC labeler", "+1123BJC5D6E712", "udi-check", 14},
		{"HIBCC small letter", "+A123bJC5D6E71G", "udi-character", 5},
		{"ICCBBA unknown identifier", "=/A9999XYZ100T0944=*1", "udi-length", 19},
		{"ICCBBA short", "=/A9999XYZ100T094", "udi-length", 2},
		{"ICCBBA no device", "=,000025", "udi-di-missing", 0},
		{"MA country", "MA.157.M0.100761.21234561", "udi-syntax", 0},
		{"MA registrant", "MA.156.M0.10076.21234561", "udi-syntax", 10},
		{"MA item", "MA.156.M0.100761.2123456", "udi-length", 17},
		{"MA date", "MA.156.M0.100761.21234561.M221317", "udi-date", 27},
		{"MA segment", "MA.156.M0.100761.21234561.Q1", "udi-element", 26},
		{"empty", "  ", "udi-empty", 0},
		{"too long", "(01)06901234567892(10)" + strings.Repeat("A", 600), "udi-length", udi.MaxLength},
		{"not ASCII", "(01)06901234567892(10)批", "udi-character", 22},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := udi.Parse(tt.text, year)
			var f *udi.Fault
			if !errors.As(err, &f) || f.Rule != tt.rule || f.At != tt.at {
				t.Fatalf("Parse(%q) = %v, want %s at %d", tt.text, describe(err), tt.rule, tt.at)
			}
			if f.Text == "" || f.Chinese == "" {
				t.Errorf("the fault %+v has no text in both languages", f)
			}
		})
	}
}

func describe(err error) string {
	var f *udi.Fault
	if errors.As(err, &f) {
		return f.Rule + " at " + f.Error()
	}
	return "no fault"
}

// TestGMN is the Basic UDI-DI: GS1 General Specifications 7.9.5 and the vectors of
// GS1 China.
func TestGMN(t *testing.T) {
	for _, text := range []string{"1987654Ad4X4bL5ttr2310c2K", "6901234GS1-China1234567EH", "6901234GS1-China1235R"} {
		if err := udi.GMN(text); err != nil {
			t.Errorf("GMN(%q) = %v, want none", text, err)
		}
	}
	for _, text := range []string{"1987654Ad4X4bL5ttr2310c2L", "1987654Ad4X4bL5ttr2310d2K", "198765", "A987654Ad4X4bL5ttr2310c2K", "1987654Ad4X4bL5ttr2310c2K2"} {
		if err := udi.GMN(text); err == nil {
			t.Errorf("GMN(%q) is accepted", text)
		}
	}
}

// TestKeys: a product has one key whatever the form of its carrier.
func TestKeys(t *testing.T) {
	forms := []string{
		"(01)06901234567892(17)290700(10)A1(21)7", "{01}06901234567892{10}A1{21}7", "]d201069012345678921729070010A1\x1d217",
		"010690123456789210A1\x1d217", "https://x.example/01/6901234567892/10/A1/21/7", "(21)7(10)A1(01)06901234567892",
	}
	want := ""
	for _, form := range forms {
		c, err := udi.Parse(form, year)
		if err != nil {
			t.Fatalf("Parse(%q) = %v", form, err)
		}
		if want == "" {
			want = c.Key()
		}
		if c.Key() != want || len(c.Keys()) != 4 {
			t.Errorf("the key of %q is %q of %d, want %q of 4", form, c.Key(), len(c.Keys()), want)
		}
	}
	device, _ := udi.Parse(forms[0], year)
	for _, scan := range []string{"(01)06901234567892", "(01)06901234567892(10)A1", "(01)06901234567892(21)7", forms[3]} {
		c, _ := udi.Parse(scan, year)
		if !contains(device.Keys(), c.Key()) {
			t.Errorf("the scan %q does not find the device", scan)
		}
	}
	for _, scan := range []string{"(01)06901234567892(10)A2", "(01)06901234567892(10)A1(21)8", "(01)06901234567892(10)7(21)A1"} {
		c, _ := udi.Parse(scan, year)
		if contains(device.Keys(), c.Key()) {
			t.Errorf("the scan %q finds another device", scan)
		}
	}
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func TestCentury(t *testing.T) {
	for _, tt := range []struct {
		year int
		text string
		want string
	}{
		{2026, "(01)06901234567892(17)750101", "2075-01-01"},
		{2026, "(01)06901234567892(17)770101", "1977-01-01"},
		{2060, "(01)06901234567892(17)050101", "2105-01-01"},
		{1999, "(01)06901234567892(17)000101", "2000-01-01"},
	} {
		if c, err := udi.Parse(tt.text, tt.year); err != nil || c.Expires != tt.want {
			t.Errorf("Parse(%q) in %d = %v, %v, want %s", tt.text, tt.year, c, err, tt.want)
		}
	}
}

func TestAHM(t *testing.T) {
	if _, ok := udi.Recognise("AHM84700000000000"); ok {
		t.Error("an AHM code is recognised by its form; it has none")
	}
	for text, want := range map[string]udi.Code{
		"84700000012345678901":                   {Agency: udi.AHM, DI: "84700000012345678901"},
		"MF8470001*BNL7*SN9*MD220117*ED20290131": {Agency: udi.AHM, DI: "8470001", Lot: "L7", Serial: "9", Made: "2022-01-17", Expires: "2029-01-31"},
	} {
		got, err := udi.ParseAs(udi.AHM, text, year)
		if err != nil || !same(got, &want) {
			t.Errorf("ParseAs(AHM, %q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	if _, err := udi.ParseAs(udi.AHM, "MF8470001*XX1", year); err == nil {
		t.Error("an unknown field is accepted")
	}
}

func TestBare(t *testing.T) {
	for _, tt := range []struct {
		agency   udi.Agency
		di, want string
	}{
		{udi.GS1, "6901234567892", "06901234567892"}, {udi.GS1, "(01)06901234567892", "06901234567892"},
		{udi.HIBCC, "+A123BJC5D6E71", "A123BJC5D6E71"}, {udi.ICCBBA, "=/A9999XYZ100T0944", "A9999XYZ100T0944"},
	} {
		if got := udi.Bare(tt.agency, tt.di); got != tt.want {
			t.Errorf("Bare(%s, %q) = %q, want %q", tt.agency, tt.di, got, tt.want)
		}
	}
}
