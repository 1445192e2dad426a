package questionnaire

import (
	"strings"
	"time"

	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// edge says which moment a date of reduced precision stands for.
type edge bool

const (
	lowest  edge = false
	highest edge = true
)

// compareTimes orders two dates or date times. Without a time zone on both
// sides the clocks are compared as they are written.
func compareTimes(a, b string, edgeA, edgeB edge) (int, bool) {
	x, zoneX, okX := moment(a, edgeA)
	y, zoneY, okY := moment(b, edgeB)
	if !okX || !okY {
		return 0, false
	}
	if zoneX != zoneY {
		x, y = clock(x), clock(y)
	}
	return x.Compare(y), true
}

// clock forgets the zone: the same digits, as if in UTC.
func clock(t time.Time) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC)
}

var layouts = map[int]string{4: "2006", 7: "2006-01", 10: "2006-01-02"}

// moment reads a FHIR date or dateTime; zoned tells whether it has a time zone.
func moment(s string, e edge) (t time.Time, zoned, ok bool) {
	layout, date := layouts[len(s)]
	if !date {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t, err = time.Parse("2006-01-02T15:04:05", s)
			return t, false, err == nil
		}
		return t, true, true
	}
	t, err := time.Parse(layout, s)
	if err != nil || e == lowest {
		return t, false, err == nil
	}
	switch len(s) {
	case 4:
		t = t.AddDate(1, 0, 0)
	case 7:
		t = t.AddDate(0, 1, 0)
	default:
		t = t.AddDate(0, 0, 1)
	}
	return t.Add(-time.Nanosecond), false, true
}

// compareTimesOfDay orders two values of type time.
func compareTimesOfDay(a, b string) (int, bool) {
	x, errX := time.Parse("15:04:05", a)
	y, errY := time.Parse("15:04:05", b)
	if errX != nil || errY != nil {
		return 0, false
	}
	return x.Compare(y), true
}

const unitsOfMeasure = "http://unitsofmeasure.org"

// What keeps two quantities from being compared.
const (
	noUnits      = "no formal units are specified"
	otherUnits   = "the units do not convert into each other"
	unknownUnits = "a unit is not known"
	noValue      = "a value is missing"
)

var problemChinese = map[string]string{
	noUnits:      "没有给出规范单位(system 与 code)",
	otherUnits:   "单位之间不能换算",
	unknownUnits: "单位未知",
	noValue:      "缺少数值",
}

// compareQuantities orders two quantities; problem says why they have no
// order. Equal formal units compare whatever they are, others through UCUM.
func compareQuantities(a, b tree.Node) (order int, problem string) {
	x, okX := ucum.Number(a.Field("value").Text())
	y, okY := ucum.Number(b.Field("value").Text())
	if !okX || !okY {
		return 0, noValue
	}
	system, code := a.Field("system").Str(), a.Field("code").Str()
	otherSystem, otherCode := b.Field("system").Str(), b.Field("code").Str()
	switch {
	case system == "" || code == "" || otherSystem == "" || otherCode == "":
		if bare(a) && bare(b) {
			return x.Cmp(y), ""
		}
		return 0, noUnits
	case system == otherSystem && code == otherCode:
		return x.Cmp(y), ""
	case system != unitsOfMeasure || otherSystem != unitsOfMeasure:
		return 0, otherUnits
	}
	from, err := ucum.Parse(code)
	to, err2 := ucum.Parse(otherCode)
	if err != nil || err2 != nil {
		return 0, unknownUnits
	}
	converted, ok := ucum.Convert(x, from, to)
	if !ok {
		return 0, otherUnits
	}
	return converted.Cmp(y), ""
}

// bare is a plain number without any unit.
func bare(n tree.Node) bool {
	return !n.Field("unit").Exists() && !n.Field("code").Exists() && !n.Field("system").Exists()
}

// amount shows a quantity in a message.
func amount(n tree.Node) string {
	s := n.Field("value").Text() + " " + n.Field("unit").Str()
	if code := n.Field("code").Str(); code != "" {
		name := n.Field("system").Str()
		if name == unitsOfMeasure {
			name = "UCUM"
		}
		s += " (" + name + "#" + code + ")"
	}
	return strings.TrimSpace(s)
}
