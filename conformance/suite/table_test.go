package suite

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tables of dates and numbers are derived here a second time, from the
// definitions of the prefixes (https://hl7.org/fhir/R4/search.html#prefix): a
// slip of the hand in a table would blame a server that is right.

// span is from (inclusive) to (exclusive).
type span struct{ from, to time.Time }

var (
	ever  = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

func spanOf(t *testing.T, text string) span {
	t.Helper()
	for _, form := range []struct {
		layout string
		end    func(time.Time) time.Time
	}{
		{"2006", func(d time.Time) time.Time { return d.AddDate(1, 0, 0) }},
		{"2006-01", func(d time.Time) time.Time { return d.AddDate(0, 1, 0) }},
		{"2006-01-02", func(d time.Time) time.Time { return d.AddDate(0, 0, 1) }},
		{"2006-01-02T15:04Z07:00", func(d time.Time) time.Time { return d.Add(time.Minute) }},
		{"2006-01-02T15:04:05Z07:00", func(d time.Time) time.Time { return d.Add(time.Second) }},
	} {
		if d, err := time.Parse(form.layout, text); err == nil {
			return span{d, form.end(d)}
		}
	}
	t.Fatalf("%q is no date", text)
	return span{}
}

func dateMatches(prefix string, s, r span) bool {
	contains := !r.from.Before(s.from) && !r.to.After(s.to)
	above, below := r.to.After(s.to), r.from.Before(s.from)
	return map[string]bool{
		"": contains, "eq": contains, "ne": !contains, "gt": above, "lt": below, "ge": above || contains, "le": below || contains,
		"sa": !r.from.Before(s.to), "eb": !r.to.After(s.from),
	}[prefix]
}

// numberMatches takes an equal value within half a unit of the last digit; the
// other prefixes take the value as it is.
func numberMatches(prefix, text string, r *big.Rat) bool {
	v, _ := new(big.Rat).SetString(text)
	mantissa, exponent, _ := strings.Cut(text, "e")
	_, decimals, _ := strings.Cut(mantissa, ".")
	half, _ := new(big.Rat).SetString("0.5e-" + digits(len(decimals)))
	if exponent != "" {
		scale, _ := new(big.Rat).SetString("1e" + exponent)
		half.Mul(half, scale)
	}
	equal := r.Cmp(new(big.Rat).Sub(v, half)) >= 0 && r.Cmp(new(big.Rat).Add(v, half)) < 0
	c := r.Cmp(v)
	return map[string]bool{
		"": equal, "eq": equal, "ne": !equal, "gt": c > 0, "lt": c < 0, "ge": c >= 0, "le": c <= 0, "sa": c > 0, "eb": c < 0,
	}[prefix]
}

func digits(n int) string { return string(rune('0' + n)) }

// table runs over the queries of a group and compares what they find with what
// holds says of a resource and one value of the parameter.
func table(t *testing.T, file, group, parameter string, holds func(prefix, value string, resource map[string]any) bool) {
	t.Helper()
	raw, err := files.ReadFile("cases/" + file)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := Read(file, string(raw))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range cases {
		if c.group.name != group || strings.Contains(c.steps[0].target, ":missing") || len(c.steps[0].tests) != 3 {
			continue
		}
		seen++
		var want []string
		for _, f := range c.group.fixture {
			var resource map[string]any
			if err := json.Unmarshal([]byte(f.body), &resource); err != nil {
				t.Fatal(err)
			}
			if matchesAll(c.steps[0].target, parameter, resource, holds) {
				want = append(want, f.name)
			}
		}
		got := slices.Sorted(slices.Values(c.steps[0].tests[2].args))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s is written to find %v, the definitions say %v", c.ID, c.steps[0].target, got, want)
		}
	}
	if seen < 15 {
		t.Errorf("only %d queries of %s were derived", seen, group)
	}
}

func matchesAll(target, parameter string, resource map[string]any, holds func(string, string, map[string]any) bool) bool {
	_, query, _ := strings.Cut(target, "?")
	for pair := range strings.SplitSeq(query, "&") {
		name, values, _ := strings.Cut(pair, "=")
		if name != parameter {
			continue
		}
		if !slices.ContainsFunc(strings.Split(values, ","), func(v string) bool {
			if v[0] >= 'a' && v[0] <= 'z' {
				return holds(v[:2], v[2:], resource)
			}
			return holds("", v, resource)
		}) {
			return false
		}
	}
	return true
}

func TestDateTable(t *testing.T) {
	table(t, "search_date.txt", "search-date", "date", func(prefix, value string, r map[string]any) bool {
		if at, ok := r["effectiveDateTime"].(string); ok {
			return dateMatches(prefix, spanOf(t, value), spanOf(t, at))
		}
		p, ok := r["effectivePeriod"].(map[string]any)
		if !ok {
			return false
		}
		s := span{ever, never}
		if start, ok := p["start"].(string); ok {
			s.from = spanOf(t, start).from
		}
		if end, ok := p["end"].(string); ok {
			s.to = spanOf(t, end).to
		}
		return dateMatches(prefix, spanOf(t, value), s)
	})
}

func TestNumberTable(t *testing.T) {
	table(t, "search_number.txt", "search-number", "probability", func(prefix, value string, r map[string]any) bool {
		for _, p := range pick(r, "prediction.probabilityDecimal") {
			v := new(big.Rat)
			v, _ = v.SetString(text(p))
			if numberMatches(prefix, value, v) {
				return true
			}
		}
		return false
	})
}

func TestQuantityTable(t *testing.T) {
	table(t, "search_number.txt", "search-quantity", "value-quantity", func(prefix, value string, r map[string]any) bool {
		q, ok := r["valueQuantity"].(map[string]any)
		if !ok {
			return false
		}
		parts := strings.Split(value, "|")
		v, _ := new(big.Rat).SetString(text(q["value"]))
		switch {
		case !numberMatches(prefix, parts[0], v):
			return false
		case len(parts) == 1:
			return true
		case parts[1] == "":
			return q["code"] == parts[2] || q["unit"] == parts[2]
		}
		return q["system"] == parts[1] && q["code"] == parts[2]
	})
}
