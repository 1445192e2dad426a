package ucum_test

import (
	"encoding/xml"
	"math/big"
	"os"
	"strings"
	"testing"

	"tenon/fhir/ucum"
)

// officialCase is a case of UcumFunctionalTests.xml.
type officialCase struct {
	ID      string `xml:"id,attr"`
	Unit    string `xml:"unit,attr"`
	Valid   string `xml:"valid,attr"`
	Value   string `xml:"value,attr"`
	Source  string `xml:"srcUnit,attr"`
	Target  string `xml:"dstUnit,attr"`
	Outcome string `xml:"outcome,attr"`
	V1      string `xml:"v1,attr"`
	U1      string `xml:"u1,attr"`
	V2      string `xml:"v2,attr"`
	U2      string `xml:"u2,attr"`
	Result  string `xml:"vRes,attr"`
	Unit3   string `xml:"uRes,attr"`
}

// differs names the cases in which we do otherwise, with the clause.
var differs = map[string]string{}

// TestOfficial runs the UCUM functional tests, whose licence keeps them out of
// this repository: TENON_UCUM_TESTS names the file UcumFunctionalTests.xml (or
// .2.xml) of https://github.com/FHIR/Ucum-java.
func TestOfficial(t *testing.T) {
	path := os.Getenv("TENON_UCUM_TESTS")
	if path == "" {
		t.Skip("TENON_UCUM_TESTS names no UcumFunctionalTests.xml")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Validation     []officialCase `xml:"validation>case"`
		Conversion     []officialCase `xml:"conversion>case"`
		Multiplication []officialCase `xml:"multiplication>case"`
		Division       []officialCase `xml:"division>case"`
	}
	if err := xml.Unmarshal(data, &suite); err != nil {
		t.Fatal(err)
	}
	for _, c := range suite.Validation {
		if got := ucum.Valid(c.Unit); got != (c.Valid == "true") && differs[c.ID] == "" {
			t.Errorf("%s: Valid(%q) = %v, want %s", c.ID, c.Unit, got, c.Valid)
		}
	}
	for _, c := range suite.Conversion {
		c.convert(t)
	}
	for _, c := range suite.Multiplication {
		c.multiply(t, 1)
	}
	for _, c := range suite.Division {
		c.multiply(t, -1)
	}
	t.Logf("%d validations, %d conversions, %d products, %d quotients", len(suite.Validation), len(suite.Conversion), len(suite.Multiplication), len(suite.Division))
}

func (c *officialCase) convert(t *testing.T) {
	from, err := ucum.Parse(c.Source)
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return
	}
	to, err := ucum.Parse(c.Target)
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return
	}
	value, _ := new(big.Rat).SetString(c.Value)
	got, ok := ucum.Convert(value, from, to)
	if !ok || !near(got, c.Outcome) {
		t.Errorf("%s: %s %s = %v %s, want %s", c.ID, c.Value, c.Source, got, c.Target, c.Outcome)
	}
}

// near compares to the digits that are written: the suite rounds to the
// precision of the value.
func near(got *big.Rat, want string) bool {
	w, _ := new(big.Rat).SetString(want)
	mantissa, _, _ := strings.Cut(strings.ToLower(want), "e")
	digits := len(strings.TrimLeft(strings.ReplaceAll(strings.TrimPrefix(mantissa, "-"), ".", ""), "0"))
	limit := new(big.Rat).Abs(w)
	for range digits - 1 {
		limit.Quo(limit, big.NewRat(10, 1))
	}
	difference := new(big.Rat).Sub(got, w)
	return difference.Abs(difference).Cmp(limit) <= 0
}

func (c *officialCase) multiply(t *testing.T, power int) {
	code, factor, err := ucum.Multiply(c.U1, c.U2, power)
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return
	}
	a, _ := new(big.Rat).SetString(c.V1)
	b, _ := new(big.Rat).SetString(c.V2)
	if power < 0 {
		b.Inv(b)
	}
	a.Mul(a, b).Mul(a, factor)
	got, err := ucum.Parse(code)
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return
	}
	want, err := ucum.Parse(c.Unit3)
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return
	}
	if value, ok := ucum.Convert(a, got, want); !ok || !near(value, c.Result) {
		t.Errorf("%s: %s %s and %s %s = %v %s, want %s %s", c.ID, c.V1, c.U1, c.V2, c.U2, a, code, c.Result, c.Unit3)
	}
}
