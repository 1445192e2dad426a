package ucum_test

import (
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"

	"tenon/fhir/ucum"
)

var atomLine = regexp.MustCompile(`\{code: "([^"]*)".*?(metric: true)?(, arbitrary: true)?\},`)

// TestTable: every code of the tables is a unit, takes prefixes only if it is
// metric, and converts to its canonical form.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("table_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := atomLine.FindAllStringSubmatch(string(text), -1)
	if len(lines) != 305 {
		t.Fatalf("%d atoms, want the 305 of UCUM 2.2", len(lines))
	}
	for _, line := range lines {
		code, metric := line[1], strings.Contains(line[0], "metric: true")
		u, err := ucum.Parse(code)
		if err != nil {
			t.Errorf("Parse(%q): %v", code, err)
			continue
		}
		if got := ucum.Valid("m" + code); got != metric {
			t.Errorf("Valid(%q) = %v, want %v", "m"+code, got, metric)
		}
		canonical, err := ucum.Parse(u.Canonical())
		if err != nil || !canonical.Comparable(u) {
			t.Errorf("the canonical form %q of %q: %v", u.Canonical(), code, err)
			continue
		}
		back, ok := ucum.Convert(big.NewRat(1, 1), canonical, u)
		if ok && !u.Special() {
			back, ok = ucum.Convert(back, u, canonical)
		}
		if !ok || !u.Special() && back.Cmp(big.NewRat(1, 1)) != 0 {
			t.Errorf("1 %s is %v %s and back", u.Canonical(), back, code)
		}
	}
}

// TestScale: what fits in 64 bits converts as fractions do, without memory.
func TestScale(t *testing.T) {
	for _, row := range []struct {
		coef      int64
		scale     int32
		from, to  string
		wantCoef  int64
		wantScale int32
		ok        bool
	}{
		{120, 0, "mm[Hg]", "kPa", 1599864, 5, true},
		{-5, 1, "kg", "g", -500, 0, true},
		{1, 0, "[lb_av]", "kg", 45359237, 8, true},
		{100, 0, "mg/dL", "g/L", 1, 0, true},
		{1, 0, "min", "s", 60, 0, true},
		{90, 0, "s", "min", 15, 1, true},
		{10, 0, "s", "min", 0, 0, false}, // a third of a tenth
		{1, 0, "Cel", "K", 0, 0, false},
		{1, 0, "m", "s", 0, 0, false},
		{0, 5, "m", "km", 0, 0, true},
		{9_000_000_000_000_000_000, 0, "kg", "ng", 0, 0, false},
	} {
		from, _ := ucum.Parse(row.from)
		to, _ := ucum.Parse(row.to)
		coef, scale, ok := ucum.Scale(row.coef, row.scale, from, to)
		if coef != row.wantCoef || scale != row.wantScale || ok != row.ok {
			t.Errorf("Scale(%d, %d, %s, %s) = %d, %d, %v, want %d, %d, %v", row.coef, row.scale, row.from, row.to, coef, scale, ok, row.wantCoef, row.wantScale, row.ok)
		}
		if n := testing.AllocsPerRun(20, func() { ucum.Scale(row.coef, row.scale, from, to) }); n > 0 {
			t.Errorf("Scale(%s, %s) allocates %v times", row.from, row.to, n)
		}
	}
}

// TestMessages: the error names the word, the place and what is meant.
func TestMessages(t *testing.T) {
	for code, want := range map[string]string{
		"mmHg":   `"mmHg" is no unit of UCUM; write mm[Hg]`,
		"KG":     "write kg",
		"HZ":     "case matters: Hz",
		"mcg/kg": "write ug",
		"m/":     "a unit is expected at character 3",
		"m(s":    "is not expected at character 2",
		"(m":     "a parenthesis is not closed",
		"Cel/h":  "Cel has no ratio scale",
		"m{é}":   "printable ASCII",
		"m100":   "exponent",
		"0":      "not between 1 and",
	} {
		if _, err := ucum.Parse(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", code, err, want)
		}
	}
}

func BenchmarkValid(b *testing.B) {
	for _, code := range []string{"mg/dL", "mL/min/{1.73_m2}", "10*3/uL.{once-only}", "nonsense"} {
		b.Run(strings.ReplaceAll(code, "/", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ucum.Valid(code)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ucum.Parse("mg/dL")
	}
}

func BenchmarkScale(b *testing.B) {
	from, _ := ucum.Parse("mm[Hg]")
	to, _ := ucum.Parse("kPa")
	b.ReportAllocs()
	for b.Loop() {
		ucum.Scale(1205, 1, from, to)
	}
}
