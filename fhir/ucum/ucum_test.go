package ucum_test

import (
	"math/big"
	"strings"
	"testing"

	"tenon/fhir/ucum"
)

// TestConvert: figures of https://ucum.org/ucum and of the definitions of the
// units, exact.
func TestConvert(t *testing.T) {
	for _, row := range []struct{ value, from, to, want string }{
		{"1", "kg", "g", "1000"},
		{"1", "[lb_av]", "kg", "0.45359237"},
		{"1", "[in_i]", "mm", "25.4"},
		{"1", "[ft_i]", "[in_i]", "12"},
		{"1", "[mi_i]", "m", "1609.344"},
		{"1", "[oz_av]", "g", "28.349523125"},
		{"1", "L", "dm3", "1"},
		{"1", "mL", "cm3", "1"},
		{"1", "[gal_us]", "L", "3.785411784"},
		{"1", "bar", "Pa", "100000"},
		{"1", "mm[Hg]", "Pa", "133.322"},
		{"1", "mm[Hg]", "kPa", "0.133322"},
		{"100", "Cel", "K", "373.15"},
		{"212", "[degF]", "Cel", "100"},
		{"-40", "Cel", "[degF]", "-40"},
		{"1", "wk", "h", "168"},
		{"1", "a", "mo", "12"},
		{"1", "mo", "d", "30.4375"},
		{"36", "km/h", "m/s", "10"},
		{"1", "10*3/uL", "10*9/L", "1"},
		{"1", "mg/dL", "g/L", "0.01"},
		{"1", "N", "kg.m.s-2", "1"},
		{"1", "kcal_th", "kJ", "4.184"},
		{"1", "%", "1", "0.01"},
		{"1", "[ppm]", "%", "0.0001"},
		{"1", "GBq", "Bq", "1000000000"},
		{"1", "mSv", "uSv", "1000"},
		{"1", "[psi]", "[lbf_av]/[in_i]2", "1"},
		{"1", "{score}", "1", "1"},
		{"1", "mg{total}/d", "mg/d", "1"},
		{"5", "[IU]/mL", "k[iU]/L", "5"},
		{"1", "/min", "min-1", "1"},
		{"1", "mg/kg/h", "mg/(kg.h)", "1"},
		{"1", "m/s/s", "m.s-2", "1"},
		{"1", "KiBy", "By", "1024"},
		{"1", "dar", "m2", "10"},
		{"60", "'", "deg", "1"},
		{"1", "[Btu_IT]", "J", "1055.05585262"},
		{"1", "[Btu]", "J", "1054.35"},
		{"1", "mol", "1", "602214076000000000000000"},
		{"1", "[in_i]3", "cm3", "16.387064"},
		{"1", "[acr_us]", "[rd_us]2", "160"},
		{"1", "[car_m]", "mg", "200"},
		{"1", "mol/l", "mmol/mL", "1"},
		{"7.4", "[pH]", "[pH]", "7.4"},
		{"7", "[pH]", "mol/l", "0.0000001"},
		{"0.001", "mol/L", "[pH]", "3"},
		{"100", "[degRe]", "Cel", "125"},
		{"25", "Cel", "[degF]", "77"},
		{"310.15", "K", "Cel", "37"},
		{"1000", "mCel", "Cel", "1"},
		{"2", "10.Cel", "Cel", "20"},
		{"2", "Cel.10*", "Cel", "20"},
		{"300", "%.Cel", "Cel", "3"},
		{"20", "dB", "B", "2"},
		{"2", "B", "1", "100"},
		{"20", "dB", "1", "100"},
		{"60", "dB[mV]", "V", "1"},
		{"94", "dB[SPL]", "dB[SPL]", "94"},
		{"3", "B[SPL]", "B[SPL]", "3"},
		{"40", "dB[SPL]", "Pa", "0.002"},
		{"30", "dB[W]", "kW", "1"},
		{"10", "bit_s", "1", "1024"},
		{"6", "[hp'_X]", "1", "0.000001"},
		{"2", "[hp'_C]", "1", "0.0001"},
		{"100", "%[slope]", "deg", "45"},
		{"45", "deg", "[p'diop]", "100"},
		{"3", "[m/s2/Hz^(1/2)]", "m2.s-4/Hz", "9"},
		{"1", "g%", "g/dL", "1"},
		{"1", "[HP]", "[ft_i].[lbf_av]/s", "550"},
		{"1", "m/(s.kg)", "m.s-1.kg-1", "1"},
		{"12", "1/(4.h)", "h-1", "3"},
		{"1", "10^3", "10*3", "1"},
		{"1", "meq/L", "mmol/L", "1"},
		{"8", "g/(8.h){shift}", "g/h", "1"},
	} {
		from, err := ucum.Parse(row.from)
		if err != nil {
			t.Errorf("Parse(%q): %v", row.from, err)
			continue
		}
		to, err := ucum.Parse(row.to)
		if err != nil {
			t.Errorf("Parse(%q): %v", row.to, err)
			continue
		}
		value, _ := new(big.Rat).SetString(row.value)
		want, _ := new(big.Rat).SetString(row.want)
		got, ok := ucum.Convert(value, from, to)
		if !ok || got.Cmp(want) != 0 && !(got.FloatString(25) == want.FloatString(25) && angular(row.from+row.to)) {
			t.Errorf("%s %s = %v %s, want %s", row.value, row.from, got, row.to, row.want)
		}
	}
}

// angular tells whether a conversion goes over [pi], which UCUM rounds.
func angular(units string) bool {
	return strings.Contains(units, "deg") && strings.ContainsAny(units, "%'")
}

func TestNotComparable(t *testing.T) {
	for _, row := range [][2]string{{"m", "s"}, {"m", "m2"}, {"[iU]", "U"}, {"[iU]", "1"}, {"mol", "g"}, {"Pa", "J"}, {"[iU]", "[CFU]"}} {
		a, _ := ucum.Parse(row[0])
		b, err := ucum.Parse(row[1])
		if err != nil || a.Comparable(b) {
			t.Errorf("%s and %s are comparable (%v)", row[0], row[1], err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, code := range []string{
		"nonsense", "m/", "m..s", "(m", "m)", "m2x", "m100", "m999", "-1", "0", "{open", "m{a{b}}", "Cel2", "Cel/m", "kk", "kk g", "m s", "mmin",
		strings.Repeat("m.", 100) + "m", strings.Repeat("(", 20) + "m" + strings.Repeat(")", 20), "kin_i", "°C", "10*100", "m2{a}b", "(/m)", "m.{", "[lb_av", "(m)2", "10*3.4.", "k10*", "m--1", "KG", "mmHg", "h m", "Ω", "m{é}", "m{a b}", "4294967296",
	} {
		if u, err := ucum.Parse(code); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", code, u)
		}
	}
}

func TestMultiply(t *testing.T) {
	for _, row := range []struct {
		a, b   string
		power  int
		code   string
		factor string
	}{
		{"cm", "m", 1, "cm.m", "1"},
		{"m", "m", 1, "m2", "1"},
		{"m", "cm", -1, "1", "100"},
		{"mg", "kg/m2", -1, "mg/(kg/m2)", "1"},
		{"/min", "min", 1, "1", "1"},
		{"1", "kg", -1, "1/kg", "1"},
		{"m2", "m2", 1, "m4", "1"},
		{"cm2", "cm", -1, "cm", "1"},
		{"kg.m2", "m", -1, "kg.m", "1"},
		{"m.s-2", "s", 1, "m/s", "1"},
		{"m", "m3", -1, "/m2", "1"},
		{"10*3", "10*2", 1, "1", "100000"},
	} {
		code, factor, err := ucum.Multiply(row.a, row.b, row.power)
		want, _ := new(big.Rat).SetString(row.factor)
		if err != nil || code != row.code || factor.Cmp(want) != 0 {
			t.Errorf("Multiply(%s, %s, %d) = %s, %v, %v, want %s, %s", row.a, row.b, row.power, code, factor, err, row.code, row.factor)
		}
	}
	if _, _, err := ucum.Multiply("Cel", "m", 1); err == nil {
		t.Error("a temperature scale has no products")
	}
}

// FuzzParse: what parses converts to itself and joins with itself.
func FuzzParse(f *testing.F) {
	for _, code := range []string{"mg/dL", "10*3/uL", "m[H2O]", "/(kg.m2)", "{a}.b", "[in_i'Hg]", "1", "(((m)))", "m-60.s+2", "K/Cel", "10.dB[SPL]", "[m/s2/Hz^(1/2)]", "%[slope]"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		valid := ucum.Valid(code)
		u, err := ucum.Parse(code)
		if err != nil {
			if valid && !strings.Contains(err.Error(), "too large") {
				t.Errorf("Valid(%q) = true, Parse says %v", code, err)
			}
			return
		}
		if !valid {
			t.Errorf("Valid(%q) = false, Parse says nothing", code)
		}
		if n, scale, ok := ucum.Scale(1234567, 3, u, u); !ok || n != 1234567 || scale != 3 {
			t.Errorf("%q is not itself: %d, %d", code, n, scale)
		}
		value := big.NewRat(7, 3)
		if got, ok := ucum.Convert(value, u, u); !ok || got.Cmp(value) != 0 {
			t.Errorf("%q is not itself: %v", code, got)
		}
		_, _, _ = ucum.Multiply(code, code, -1)
	})
}
