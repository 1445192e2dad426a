package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"tenon/server/store/rawtest"
	"tenon/test/bench/hospital"
)

// kind is one kind of search: what it is called, what share of the resources of
// its type it hits, and how one with values by chance is asked.
type kind struct {
	name, hits string
	ask        func(c *chance) question
}

// question is a search and the same by hand; some cannot be written as one.
type question struct {
	path string // below the address of the server
	raw  *rawtest.Query
}

// chance picks values that are there.
type chance struct {
	*rand.Rand
	b *bench
}

func (b *bench) chance(n int) *chance {
	return &chance{rand.New(rand.NewPCG(7, uint64(n))), b} //nolint:gosec // not secret: it must repeat
}

func (c *chance) code() string   { return hospital.Codes[c.IntN(9)] }
func (c *chance) method() string { return fmt.Sprintf("m%02d", c.IntN(100)) }
func (c *chance) patient() int   { return c.IntN(max(1, c.b.loaded)) }

// id is that of a patient.
func (c *chance) id() string {
	_, id, _ := strings.Cut(c.b.patients[c.patient()], "/")
	return id
}

// day is when so many of a hundred patients had come.
func (c *chance) day(percent float64) time.Time {
	return c.b.h.Visit(int(percent / 100 * float64(c.b.loaded)))
}

// asks makes a question of parameters, name and value in turn.
func asks(typ string, raw rawtest.Query, params ...string) question {
	q := question{path: "/fhir/" + typ + "?_count=20"}
	for i := 0; i < len(params); i += 2 {
		q.path += "&" + params[i] + "=" + url.QueryEscape(params[i+1])
	}
	q.raw = &raw
	return q
}

// alone leaves out the one by hand.
func (q question) alone() question { q.raw = nil; return q }

func kinds() []kind {
	var all []kind
	for _, some := range [][]kind{tokens, strings1, dates(), quantities(), composites, references, joins, orders} {
		all = append(all, some...)
	}
	return all
}

func ofCode(c *chance) (string, rawtest.Query) {
	code := c.code()
	return hospital.LOINC + "|" + code, rawtest.Token("Observation", "code", hospital.LOINC, code)
}

func ofMethod(c *chance) (string, rawtest.Query) {
	m := c.method()
	return hospital.Method + "|" + m, rawtest.Token("Observation", "method", hospital.Method, m)
}

var tokens = []kind{
	{"token", "100 %", func(*chance) question {
		return asks("Observation", rawtest.Code("Observation", "status", "final"), "status", "final")
	}},
	{"token", "10 %", func(c *chance) question { v, raw := ofCode(c); return asks("Observation", raw, "code", v) }},
	{"token", "1 %", func(c *chance) question { v, raw := ofMethod(c); return asks("Observation", raw, "method", v) }},
	{"token, one hit", "1", func(c *chance) question {
		v := hospital.RecordNumber(c.patient())
		return asks("Patient", rawtest.Token("Patient", "identifier", hospital.MRN, strings.ToLower(v)), "identifier", hospital.MRN+"|"+v)
	}},
	{"token, two values", "20 %", func(c *chance) question {
		n := c.IntN(8)
		return asks("Observation", rawtest.Query{}, "code", hospital.Codes[n]+","+hospital.Codes[n+1]).alone()
	}},
	{"token, none", "0", func(*chance) question {
		return asks("Observation", rawtest.Code("Observation", "code", "nothing"), "code", "nothing")
	}},
}

var strings1 = []kind{
	{"string", "100 %", func(*chance) question {
		return asks("Patient", rawtest.Starts("Patient", "address-country", "CN"), "address-country", "CN")
	}},
	{"string", "10 %", func(c *chance) question {
		v := []string{"王", "李", "张", "刘"}[c.IntN(4)]
		return asks("Patient", rawtest.Starts("Patient", "family", v), "family", v)
	}},
	{"string", "1 %", func(*chance) question {
		return asks("Patient", rawtest.Starts("Patient", "family", "欧阳"), "family", "欧阳")
	}},
	{"string :contains", "5 %", func(*chance) question {
		raw := rawtest.Holds("Patient", "name", "üll")
		return asks("Patient", raw, "name:contains", "üll")
	}},
}

// dates are the prefixes of https://hl7.org/fhir/R4/search.html#prefix
func dates() []kind {
	ask := func(prefix string, percent float64, where string, at func(low, high int64) []any) func(*chance) question {
		return func(c *chance) question {
			day := c.day(percent)
			low := day.UnixMicro()
			high := day.AddDate(0, 0, 1).UnixMicro() - 1
			return asks("Observation", rawtest.Dated("Observation", "date", where, at(low, high)...), "date", prefix+day.Format("2006-01-02"))
		}
	}
	lows := func(low, _ int64) []any { return []any{low} }
	highs := func(_, high int64) []any { return []any{high} }
	return []kind{
		{"date ge", "100 %", ask("ge", 0, "t.high >= ?", lows)},
		{"date ge", "10 %", ask("ge", 90, "t.high >= ?", lows)},
		{"date ge", "1 %", ask("ge", 99, "t.high >= ?", lows)},
		{"date eq", "0.1 %", ask("eq", 50, "t.low >= ? AND t.low <= ? AND t.high <= ?", func(l, h int64) []any { return []any{l, h, h} })},
		{"date ne", "99.9 %", ask("ne", 50, "(t.low < ? OR t.high > ?)", func(l, h int64) []any { return []any{l, h} })},
		{"date gt", "50 %", ask("gt", 50, "t.high > ?", highs)},
		{"date lt", "10 %", ask("lt", 10, "t.low < ?", lows)},
		{"date le", "50 %", ask("le", 50, "t.low <= ?", highs)},
		{"date sa", "10 %", ask("sa", 90, "t.low > ?", highs)},
		{"date eb", "1 %", ask("eb", 1, "t.high < ?", lows)},
		{"date ap", "about 25 %", func(c *chance) question {
			return asks("Observation", rawtest.Query{}, "date", "ap"+c.day(50).Format("2006-01-02")).alone()
		}},
	}
}

func quantities() []kind {
	ask := func(prefix string, value float64, where string) func(*chance) question {
		return func(*chance) question {
			at := []any{value}
			if strings.Count(where, "?") == 2 {
				at = []any{value - 0.5, value + 0.5}
			}
			return asks("Observation", rawtest.Counted("Observation", "value-quantity", where, "kg", at...),
				"value-quantity", fmt.Sprintf("%s%g|http://unitsofmeasure.org|kg", prefix, value))
		}
	}
	return []kind{
		{"quantity gt", "5 %", ask("gt", 80, "t.high > ?")},
		{"quantity gt", "0.5 %", ask("gt", 116, "t.high > ?")},
		{"quantity lt", "1 %", ask("lt", 48, "t.low < ?")},
		{"quantity ge", "5 %", ask("ge", 80, "t.high >= ?")},
		{"quantity le", "5 %", ask("le", 80, "t.low <= ?")},
		{"quantity eq", "0.1 %", ask("", 80, "t.low >= ? AND t.low < ?")},
		{"quantity ne", "10 %", ask("ne", 80, "(t.low < ? OR t.high > ?)")},
	}
}

var composites = []kind{
	{"composite code and value", "1 %", func(*chance) question {
		return asks("Observation", rawtest.Grouped("Observation", "code-value-quantity", 0, 1, hospital.LOINC, "8867-4", 135),
			"code-value-quantity", hospital.LOINC+"|8867-4$gt135")
	}},
	{"composite component", "1 %", func(*chance) question {
		return asks("Observation", rawtest.Grouped("Observation", "component-code-value-quantity", 0, 1, hospital.LOINC, "8480-6", 172),
			"component-code-value-quantity", hospital.LOINC+"|8480-6$gt172")
	}},
	{"composite combo", "5 %", func(*chance) question {
		return asks("Observation", rawtest.Grouped("Observation", "combo-code-value-quantity", 0, 1, hospital.LOINC, "29463-7", 80),
			"combo-code-value-quantity", hospital.LOINC+"|29463-7$gt80")
	}},
}

var references = []kind{
	{"reference", "30", func(c *chance) question {
		id := c.id()
		return asks("Observation", rawtest.Refers("Observation", "subject", "Patient", id), "subject", "Patient/"+id)
	}},
	{"reference, a practitioner's", "2 %", func(c *chance) question {
		id := fmt.Sprintf("practitioner-%d", c.IntN(hospital.Practitioners))
		return asks("Observation", rawtest.Refers("Observation", "performer", "Practitioner", id), "performer", "Practitioner/"+id)
	}},
	{"compartment", "30", func(c *chance) question {
		id := c.id()
		return question{path: "/fhir/Patient/" + id + "/Observation?_count=20"}
	}},
	{"chain", "1 %", func(*chance) question {
		return asks("Observation", rawtest.Chained("Observation", "subject", "Patient", "family", "欧阳"), "subject:Patient.family", "欧阳")
	}},
	{"chain", "10 %", func(*chance) question {
		return asks("Observation", rawtest.Chained("Observation", "subject", "Patient", "family", "王"), "subject:Patient.family", "王")
	}},
	{"_has", "1 % of the sources", func(c *chance) question {
		m := c.method()
		return asks("Patient", rawtest.Reversed("Patient", "Observation", "subject", "method", hospital.Method, m), "_has:Observation:subject:method", hospital.Method+"|"+m)
	}},
	{"_has", "10 % of the sources", func(c *chance) question {
		v := c.code()
		return asks("Patient", rawtest.Reversed("Patient", "Observation", "subject", "code", hospital.LOINC, v), "_has:Observation:subject:code", hospital.LOINC+"|"+v)
	}},
}

// joins are searches with several conditions.
var joins = []kind{
	{"token 10 % and date 10 %, far from the first", "1 %", func(c *chance) question {
		v, day := c.code(), c.day(90)
		return asks("Observation", rawtest.Both("Observation", "code", hospital.LOINC, v, "date", "t.high >= ?", day.UnixMicro()),
			"code", hospital.LOINC+"|"+v, "date", "ge"+day.Format("2006-01-02"))
	}},
	{"token 1 % and date 10 %, far from the first", "0.1 %", func(c *chance) question {
		v, day := c.method(), c.day(90)
		return asks("Observation", rawtest.Both("Observation", "method", hospital.Method, v, "date", "t.high >= ?", day.UnixMicro()),
			"method", hospital.Method+"|"+v, "date", "ge"+day.Format("2006-01-02"))
	}},
	{"token 10 % and token 1 %", "0.1 %", func(c *chance) question {
		return asks("Observation", rawtest.Query{}, "code", hospital.LOINC+"|"+c.code(), "method", hospital.Method+"|"+c.method()).alone()
	}},
	{"token 10 % and quantity 5 %", "5 %", func(*chance) question {
		return asks("Observation", rawtest.Query{}, "code", hospital.LOINC+"|29463-7", "value-quantity", "gt80|http://unitsofmeasure.org|kg").alone()
	}},
	{"string 10 % and token 50 %", "5 %", func(*chance) question {
		return asks("Patient", rawtest.Query{}, "family", "王", "gender", "female").alone()
	}},
	{"chain 1 % and token 10 %", "0.1 %", func(c *chance) question {
		return asks("Observation", rawtest.Query{}, "subject:Patient.family", "欧阳", "code", c.code()).alone()
	}},
}

// orders are pages with more than hits, or in another order.
var orders = []kind{
	{"_include of two references", "1 %", func(c *chance) question {
		v, raw := ofMethod(c)
		q := asks("Observation", raw, "method", v, "_include", "Observation:subject", "_include", "Observation:encounter")
		return q.alone()
	}},
	{"_revinclude", "1", func(c *chance) question {
		return asks("Patient", rawtest.Query{}, "identifier", hospital.MRN+"|"+hospital.RecordNumber(c.patient()), "_revinclude", "Observation:subject").alone()
	}},
	{"_sort=-_lastUpdated", "100 %", func(*chance) question {
		return asks("Observation", rawtest.Newest("Observation"), "_sort", "-_lastUpdated")
	}},
	{"_sort=-date", "100 %", func(*chance) question {
		return asks("Observation", rawtest.Query{}, "_sort", "-date").alone()
	}},
	{"token, _sort=-date", "10 %", func(c *chance) question {
		v := c.code()
		return asks("Observation", rawtest.Sorted("Observation", "code", hospital.LOINC, v, "date"), "code", hospital.LOINC+"|"+v, "_sort", "-date")
	}},
	{"token, _sort=-date", "1 %", func(c *chance) question {
		v := c.method()
		return asks("Observation", rawtest.Sorted("Observation", "method", hospital.Method, v, "date"), "method", hospital.Method+"|"+v, "_sort", "-date")
	}},
	{"_sort=family", "100 %", func(*chance) question { return asks("Patient", rawtest.Query{}, "_sort", "family").alone() }},
	{"no parameter", "100 %", func(*chance) question { return asks("Observation", rawtest.All("Observation")) }},
	{"_total=accurate", "1 %", func(c *chance) question {
		v := c.method()
		return asks("Observation", rawtest.Count("Observation", "method", hospital.Method, v), "method", hospital.Method+"|"+v, "_total", "accurate")
	}},
	{"_summary=count", "10 %", func(c *chance) question {
		v := c.code()
		return asks("Observation", rawtest.Count("Observation", "code", hospital.LOINC, v), "code", hospital.LOINC+"|"+v, "_summary", "count")
	}},
}
