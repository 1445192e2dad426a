package fhirpath_test

import (
	"strings"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// result writes a collection as the tables below do: items joined by " ; ".
func result(c fhirpath.Collection) string {
	texts := make([]string, len(c))
	for i, v := range c {
		texts[i] = v.Str()
	}
	return strings.Join(texts, " ; ")
}

// table runs expressions on a document; a want of "error" is an error of
// Compile or Eval.
func table(t *testing.T, root tree.Node, rows [][2]string) {
	t.Helper()
	env := &fhirpath.Env{Model: r4.Model()}
	for _, row := range rows {
		c, err := evaluate(env, row[0], root)
		got := result(c)
		if err != nil {
			got = "error"
		}
		if got != row[1] {
			t.Errorf("%s = %q, want %q (%v)", row[0], got, row[1], err)
		}
	}
}

// TestArithmetic: https://hl7.org/fhirpath/N1/#math
func TestArithmetic(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"1 + 2 * 3 - 4", "3"},
		{"(1 + 2) * 3", "9"},
		{"7 div 2", "3"},
		{"-7 div 2", "-3"},
		{"-7 mod 3", "-1"},
		{"7 / 2", "3.5"},
		{"1 / 3", "0.333333333333333333333333333"},
		{"0.1 + 0.2 = 0.3", "true"},
		{"1.10 + 1", "2.10"},
		{"1 / 0", ""},
		{"1.0 mod 0", ""},
		{"2147483647 + 1", ""},
		{"-2147483648", "-2147483648"},
		{"-2147483648 - 1", ""},
		{"-(-2147483648)", ""},
		{"2147483648", "error"},
		{"99999999999999999999.5 + 0.5", "100000000000000000000.0"},
		{"123456789012345678901234567890.0 * 10", "1234567890123456789012345678900.0"},
		{"{} + 1", ""},
		{"1 + (2 | 3)", "error"},
		{"'a' + 1", "error"},
		{"'a' + 'b'", "ab"},
		{"'a' & {} & 'b'", "ab"},
		{"1 & 'a'", "error"},
		{"true + 1", "error"},
		{"2.power(10)", "1024"},
		{"2.power(-1)", "0.5"},
		{"1.1.power(2)", "1.21"},
		{"(-1).power(0.5)", ""},
		{"0.ln()", ""},
		{"2.sqrt()", "1.4142135623731"},
		{"(-1.5).round()", "-2"},
		{"1.25.round(1)", "1.3"},
		{"1.round(-1)", "error"},
		{"(-1.5).truncate()", "-1"},
		{"(-1.5).floor()", "-2"},
		{"(-1.5).ceiling()", "-1"},
		{"3000000000.5.floor()", ""},
	})
}

// TestLogic: https://hl7.org/fhirpath/N1/#boolean-logic
func TestLogic(t *testing.T) {
	values := []string{"true", "false", "{}"}
	truth := map[string][9]string{ // rows true, false, {}; columns the same
		"and":     {"true", "false", "", "false", "false", "false", "", "false", ""},
		"or":      {"true", "true", "true", "true", "false", "", "true", "", ""},
		"xor":     {"false", "true", "", "true", "false", "", "", "", ""},
		"implies": {"true", "false", "", "true", "true", "true", "true", "", ""},
	}
	for op, want := range truth {
		for i, left := range values {
			for j, right := range values {
				table(t, tree.Node{}, [][2]string{{left + " " + op + " " + right, want[3*i+j]}})
			}
		}
	}
	table(t, tree.Node{}, [][2]string{
		{"true and 'x'", "true"}, // one item that is no Boolean counts as true
		{"(true | false) and true", "error"},
		{"false and (true | false)", "false"}, // not evaluated
		{"{}.not()", ""},
		{"not(true)", "error"},
		{"true or false and false", "true"},
		{"false implies false implies false", "false"},
	})
}

// TestEquality: https://hl7.org/fhirpath/N1/#equality
func TestEquality(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"1 = 1.0", "true"},
		{"1 = '1'", "false"},
		{"1 = 1 '1'", "true"},
		{"(1 | 2) = (2 | 1)", "false"},
		{"(1 | 2) ~ (2 | 1)", "true"},
		{"(1 | 2) = 1", "false"},
		{"{} = 1", ""},
		{"{} ~ 1", "false"},
		{"{} ~ {}", "true"},
		{"'Ab  c' ~ 'aB c'", "true"},
		{"'Ab' = 'ab'", "false"},
		{"1.11 ~ 1.1", "true"},
		{"1.11 = 1.1", "false"},
		{"@2020 = @2020-01", ""},
		{"@2020 ~ @2020-01", "false"},
		{"@2020 = @2021-01", "false"},
		{"@2020-01-01T10:00:00 = @2020-01-01T10:00:00.000", "true"},
		{"@2020-01-01T10:00+02:00 = @2020-01-01T08:00Z", "true"},
		{"@2020-01-01T23:30-02:00 = @2020-01-02T01:30Z", "true"},
		{"@2020-01-01T10:00 = @2020-01-01T10:00Z", ""},
		{"@2020-01-01T10:00 = @2020-03-01T10:00Z", "false"}, // no zone is that far off
		{"@2020-01-01T10:00 < @2020-01-03T10:00Z", "true"},
		{"@2020-01-03T10:00Z > @2020-01-01T10:00", "true"},
		{"@2020-01-01T10:00:00 < @2020-01-01T23:00:00Z", "true"}, // 12 hours west at most
		{"@2020-01-01T10:00:00 < @2020-01-01T21:00:00Z", ""},
		{"@2020-01-02T10:00:00 > @2020-01-01T19:00:00Z", "true"}, // 14 hours east at most
		{"@2020-01-02T10:00:00 > @2020-01-01T20:00:30Z", ""},
		{"@T10:00 = @T10:00:00", ""},
		{"1 in (1 | 2)", "true"},
		{"{} in (1 | 2)", ""},
		{"1 in {}", "false"},
		{"(1 | 2) contains 3", "false"},
		{"(1 | 2) in (1 | 2)", "error"},
		{"(1 | 1.0 | 2).count()", "2"},
		{"(1 | 2).combine(2).count()", "3"},
		{"(1 | 2 | 3).intersect(3 | 2 | 5)", "2 ; 3"},
		{"1.combine(2).combine(1).exclude(2)", "1 ; 1"},
		{"(1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|7|3).count()", "15"},
		{"(1|2|3|4|5|6|7|8|9|10|11|12|13|14|15).combine(15.0).isDistinct()", "false"},
		{"(1 | 2).subsetOf(1 | 2 | 3)", "true"},
		{"(1 | 2).supersetOf(1 | 2 | 3)", "false"},
	})
}

// TestComparison: https://hl7.org/fhirpath/N1/#comparison
func TestComparison(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"'b' > 'a'", "true"},
		{"'é' > 'z'", "true"}, // by code point
		{"1 < 1.5", "true"},
		{"1 < 'a'", "error"},
		{"true < false", "error"},
		{"@2020-01-31 < @2020-02", "true"},
		{"@2020 < @2020-02", ""},
		{"@2020-06 <= @2021", "true"},
		{"@T10:30 < @T10:31:05", "true"},
		{"1 'cm' < 1 '[in_i]'", "true"},
		{"1 'cm' < 1 's'", ""},
		{"1 'nonsense' < 2 'cm'", ""},
		{"1 'nonsense' < 2 'nonsense'", "true"},
		{"37 'Cel' = 98.6 '[degF]'", "true"},
		{"1 year = 12 months", "true"},
		{"1 year = 1 'a'", ""},
		{"1 year ~ 1 'a'", "true"},
		{"1 week = 7 'd'", "true"},
		{"(1 | 2) < 3", "error"},
	})
}

// TestDates: https://hl7.org/fhirpath/N1/#datetime-arithmetic
func TestDates(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"@2020-01-31 + 1 month", "2020-02-29"},
		{"@2020-02-29 + 1 year", "2021-02-28"},
		{"@2020-03-31 - 1 month", "2020-02-29"},
		{"@2020-01 + 45 days", "2020-02"},
		{"@2020 + 24 months", "2022"},
		{"@2020 + 11 months", "2020"},
		{"@2020-01-01 + 36 hours", "2020-01-02"},
		{"@2020-01-01T10 + 90 minutes", "2020-01-01T11"},
		{"@2020-01-01T23:30:00+08:00 + 45 minutes", "2020-01-02T00:15:00+08:00"},
		{"@2020-01-01T00:00:00 + 1.5 seconds", "2020-01-01T00:00:01.500"},
		{"@2020-01-01 + 1.9 days", "2020-01-02"},
		{"@T23:30 + 1 hour", "00:30"},
		{"@T10 + 90 minutes", "11"},
		{"@T10 + 1 day", "error"},
		{"@9999-12-31 + 1 day", ""},
		{"@0001-01-01 - 1 day", ""},
		{"@2020-01-01 + 1 'a'", "error"},
		{"@2020-01-01 + 1 'wk'", "2020-01-08"},
		{"@2020-01-01 + 1", "error"},
		{"@2020-01-01 * 2 days", "error"},
		{"@2020-02-30", "error"},
		{"@2020-13", "error"},
		{"@T24:00", "error"},
		{"today()", "2026-03-01"},
		{"now()", "2026-03-01T10:30:00.000+08:00"},
		{"timeOfDay()", "10:30:00.000"},
		{"today() - 18 years >= @2008-03-01", "true"},
		{"@2020-01-01T10 - 1 hour", "2020-01-01T09"},
	})
}

// TestQuantities: https://hl7.org/fhirpath/N1/#quantity
func TestQuantities(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"1 'm' + 5 'cm'", "1.05 'm'"},
		{"1 'm' + 5 's'", ""},
		{"2 'm' * 2 'm'", "4 'm2'"},
		{"2 'm' / 50 'cm'", "4 '1'"},
		{"6 'mg' / 2 'kg/m2'", "3 'mg/(kg/m2)'"},
		{"2 'Cel' * 2 'm'", ""},
		{"2 'm' * 3", "6 'm'"},
		{"6 'm' / 2", "3 'm'"},
		{"10 'km' / 2 'h' = 5 'km/h'", "true"},
		{"-(5 'mg')", "-5 'mg'"},
		{"1 'm' * 2 'm' = 2 'm2'", "true"},
		{"'5.5 \\'mg\\''.toQuantity() = 5.5 'mg'", "true"},
		{"'5 mg'.toQuantity()", ""},
		{"'1 \\'kg\\''.toQuantity('g')", "1000 'g'"},
		{"(250 'mg').toQuantity('s')", ""},
		{"4 days.toString()", "4 days"},
		{"1 'cm'.comparable(1 'km')", "true"},
		{"1 'mm[Hg]' = 133.322 'Pa'", "true"},
		{"5 '[iU]/L' = 5 '[IU]/L'", "true"},
		{"5 '[iU]/L' = 5 'U/L'", ""},
		{"1 'kg.m/s2' = 1 'N'", "true"},
		{"(1 'h').comparable(1 day)", "true"},
	})
}

// TestStrings: https://hl7.org/fhirpath/N1/#string-manipulation
func TestStrings(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{`'\u4e2d\u6587'.length()`, "2"},
		{`'\ud83d\ude00x'.substring(1)`, "x"},
		{`'\ud83d'`, "error"},
		{`'\q'`, "error"},
		{"'中文字'.indexOf('字')", "2"},
		{"'中文字'.substring(1, 1)", "文"},
		{"'abc'.substring(3)", ""},
		{"'abc'.substring(1, 0)", ""},
		{"'abc'.lastIndexOf('c')", "2"},
		{"'abcabc'.lastIndexOf('bc')", "4"},
		{"'11/30/1972'.replaceMatches('\\\\b(?<month>\\\\d{1,2})/(?<day>\\\\d{1,2})/(?<year>\\\\d{2,4})\\\\b', '${day}-${month}-${year}')", "30-11-1972"},
		{"'ab'.replaceMatches('(a)(b)', '$2$1x')", "bax"},
		{"'abc'.matches('B')", "false"},
		{"'abc'.matches('B', 'i')", "true"},
		{"'abc'.matches('[')", "error"},
		{"'abc'.matchesFull('b')", "false"},
		{"'a' in 'a'.toChars()", "true"},
		{"'a,b'.split(',')", "a ; b"},
		{"('a' | 'b').join('-')", "a-b"},
		{"{}.join('-')", ""},
		{"5.startsWith('5')", "error"},
		{"('a' | 'b').upper()", "error"},
		{"'ZGF0YQ=='.decode('base64')", "data"},
		{"'x'.encode('rot13')", "error"},
		{"'//8='.decode('base64')", ""},
	})
}

// TestConversion: https://hl7.org/fhirpath/N1/#conversion
func TestConversion(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"'yes'.toBoolean()", "true"},
		{"'maybe'.toBoolean()", ""},
		{"1.0.toBoolean()", "true"},
		{"'+5'.toInteger()", "5"},
		{"'5.0'.toInteger()", ""},
		{"'99999999999'.toInteger()", ""},
		{"'1e3'.toDecimal()", ""},
		{"'1.50'.toDecimal()", "1.50"},
		{"'2020-02-30'.toDate()", ""},
		{"'2020-02-03T10:00Z'.toDate()", "2020-02-03"},
		{"@2020-02-03T10:00Z.toDate()", "2020-02-03"},
		{"'2020-02-03T10:00:60Z'.convertsToDateTime()", "true"},
		{"'10:00'.toTime() = @T10:00", "true"},
		{"true.toString()", "true"},
		{"{}.convertsToInteger()", ""},
		{"(1 | 2).toString()", "error"},
		{"true.toInteger() + true.toDecimal()", "2"},
	})
}

// TestFlow covers iif, select, repeat, aggregate, sort and variables.
func TestFlow(t *testing.T) {
	table(t, tree.Node{}, [][2]string{
		{"iif(false, 1)", ""},
		{"iif({}, 1, 2)", "2"},
		{"iif(1, 1, 2)", "error"},
		{"5.iif($this > 3, 'big', 'small')", "big"},
		{"{}.iif($this.exists(), 1, 2)", "2"},
		{"(1 | 2 | 3).select($this * $index)", "0 ; 2 ; 6"},
		{"(1 | 2 | 3).where($index > 0)", "2 ; 3"},
		{"1.repeat(iif($this < 4, $this + 1, {}))", "2 ; 3 ; 4"},
		{"(1 | 2 | 3).aggregate($total + $this, 0)", "6"},
		{"(3 | 1 | 2).aggregate(iif($total.empty() or $this < $total, $this, $total))", "1"},
		{"(3 | 1 | 2).sort()", "1 ; 2 ; 3"},
		{"(3 | 1 | 2).sort(-$this)", "3 ; 2 ; 1"},
		{"(1 | 'a').sort()", "error"},
		{"(1 | 2).all($this > 0)", "true"},
		{"{}.all(false)", "true"},
		{"{}.exists()", "false"},
		{"(1 | 2).exists($this > 1)", "true"},
		{"{}.allTrue()", "true"},
		{"{}.anyTrue()", "false"},
		{"(true | false).anyFalse()", "true"},
		{"(true | false).allFalse()", "false"},
		{"(1 | 2 | 3).skip(-1)", "1 ; 2 ; 3"},
		{"(1 | 2 | 3).take(2)", "1 ; 2"},
		{"(1 | 2 | 3).tail()", "2 ; 3"},
		{"(1 | 2 | 3)[1]", "2"},
		{"(1 | 2 | 3)[-1]", ""},
		{"(1 | 2 | 3)[9]", ""},
		{"(1 | 2).single()", "error"},
		{"5.defineVariable('x').select($this + %x)", "10"},
		{"(1 | 2).select(defineVariable('x', $this * 10).select(%x + $this))", "11 ; 22"},
		{"5.defineVariable('x') | %x", "error"},
		{"5.defineVariable('ucum')", "error"},
		{"coalesce({}, 2, 3)", "2"},
		{"1.trace('x', $this + 1)", "1"},
		{"$index", "error"},
		{"$total", "error"},
		{"$other", "error"},
	})
}
