package rules

// https://hl7.org/fhir/R4/datatypes.html#Quantity

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

const unitsOfMeasure = "http://unitsofmeasure.org"

// quantityRule wants a code of UCUM where UCUM is the system, and warns where
// the printed unit is another size of the coded one (cm for a code of mm).
func quantityRule(c *Context, n tree.Node) {
	code := text(n, "code")
	if code == "" || text(n, "system") != unitsOfMeasure {
		return
	}
	if !ucum.Valid(code) {
		_, err := ucum.Parse(code)
		c.fail("", issue.CodeInvalid, "quantity-ucum",
			fmt.Sprintf("found the unit %s, which is not of UCUM: %v", issue.Quote(code), err),
			fmt.Sprintf("单位代码 %s 不是有效的 UCUM 单位", issue.Quote(code)))
		return
	}
	unit := text(n, "unit")
	if unit == "" || unit == code || len(unit) > 20 || strings.ContainsAny(unit, " ()'\"") || !ucum.Valid(unit) {
		return
	}
	printed, err := ucum.Parse(unit)
	coded, err2 := ucum.Parse(code)
	if err == nil && err2 == nil && printed.Comparable(coded) && !coded.Dimensionless() && printed.Factor().Cmp(coded.Factor()) != 0 {
		c.warn(".unit", issue.Value, "quantity-unit",
			fmt.Sprintf("found the printed unit %s beside the code %s: they are of different size", issue.Quote(unit), issue.Quote(code)),
			fmt.Sprintf("显示单位 %s 与单位代码 %s 大小不同", issue.Quote(unit), issue.Quote(code)))
	}
}

// moneyRule wants a currency with a value.
func moneyRule(c *Context, n tree.Node) {
	if n.Field("value").Exists() && !n.Field("currency").Exists() && !n.Field("_currency").Exists() {
		c.warn("", issue.Value, "money-currency", "the amount has no currency", "金额没有币种(currency)")
	}
}

// sampledDataRule reads the data: decimals, E, U or L with a blank between.
// https://hl7.org/fhir/R4/datatypes.html#SampledData
func sampledDataRule(c *Context, n tree.Node) {
	data := text(n, "data")
	if data == "" {
		return
	}
	values, from := 0, 0
	for from <= len(data) {
		word, _, more := strings.Cut(data[from:], " ")
		if word != "E" && word != "U" && word != "L" && !isDecimal(word) {
			c.fail(".data", issue.Value, "sampled-data",
				fmt.Sprintf("found %s as value %d, expected a decimal, E, U or L", issue.Quote(word), values+1),
				fmt.Sprintf("第 %d 个值为 %s，应为小数、E、U 或 L", values+1, issue.Quote(word)))
			return
		}
		values++
		from += len(word) + 1
		if !more {
			break
		}
	}
	if d := whole(n.Field("dimensions")); d > 0 && int64(values)%d != 0 {
		c.warn(".data", issue.Value, "sampled-data",
			fmt.Sprintf("found %d values, which is no multiple of the %d dimensions", values, d),
			fmt.Sprintf("共有 %d 个值，不是维数 %d 的倍数", values, d))
	}
}

func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if !digits(strings.TrimLeft(s[i+1:], "+-")) {
			return false
		}
		s = s[:i]
	}
	whole, fraction, point := strings.Cut(s, ".")
	return digits(whole) && (!point || digits(fraction))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// whole is a whole number of a node, -1 if it is none.
func whole(n tree.Node) int64 {
	if n.Kind() != tree.Number || !digits(n.Text()) || len(n.Text()) > 18 {
		return -1
	}
	var v int64
	for _, c := range []byte(n.Text()) {
		v = v*10 + int64(c-'0')
	}
	return v
}

// timingRepeatRule warns of a maximum below its minimum.
// https://hl7.org/fhir/R4/datatypes.html#Timing
func timingRepeatRule(c *Context, n tree.Node) {
	for _, pair := range [...][2]string{{"count", "countMax"}, {"frequency", "frequencyMax"}, {"duration", "durationMax"}, {"period", "periodMax"}} {
		least, most := n.Field(pair[0]), n.Field(pair[1])
		if !least.Exists() || !most.Exists() {
			continue
		}
		if order, ok := ucum.CompareNumbers(least.Text(), most.Text()); ok && order > 0 {
			c.warn("."+pair[1], issue.Value, "timing-range",
				fmt.Sprintf("found %s, which is less than %s %s", most.Text(), pair[0], least.Text()),
				fmt.Sprintf("%s 为 %s，小于 %s 的 %s", pair[1], most.Text(), pair[0], least.Text()))
		}
	}
}
