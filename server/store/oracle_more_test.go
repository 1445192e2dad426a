package store_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/server/search"
)

func names(all []entry) []string {
	out := []string{}
	for _, e := range all {
		out = append(out, e.id)
	}
	return out
}

// answer is ask with what is included in the order of names, for which there is
// no rule.
func (w *world) answer(t *testing.T, q question) string {
	t.Helper()
	ids := strings.Fields(w.ask(q.text))
	first := slices.IndexFunc(ids, func(id string) bool { return id[0] == '+' })
	if first >= 0 {
		slices.Sort(ids[first:])
	}
	return strings.Join(ids, " ")
}

// comparePages goes there in pages of this size and back again.
func (w *world) comparePages(t *testing.T, query string, want []string, count int) {
	t.Helper()
	pages := slices.Collect(slices.Chunk(want, count))
	query += "&_count=" + strconv.Itoa(count) + "&_total=accurate"
	var at *search.Cursor
	n := 0
	for ; ; n++ {
		ids, page := w.turn(query, at)
		if n >= len(pages) || !slices.Equal(ids, pages[n]) || *page.Total != int64(len(want)) {
			t.Errorf("%s: page %d is %v of %d, want one of %v", query, n, ids, *page.Total, pages)
			return
		}
		if at = page.Next; at == nil {
			at = page.Previous
			break
		}
	}
	for n--; n >= 0 && at != nil; n-- {
		ids, page := w.turn(query, at)
		if !slices.Equal(ids, pages[n]) {
			t.Errorf("%s: page %d on the way back is %v, want %v", query, n, ids, pages[n])
		}
		at = page.Previous
	}
	if n >= 0 || at != nil {
		t.Errorf("%s: the way back ends before page %d", query, n)
	}
}

// span is the time of a date or of a period, whose open end is far away.
func span(body object, element string) (from, to time.Time, ok bool) {
	if s, ok := body[element].(string); ok {
		from, to = instants(s)
		return from, to, true
	}
	p, ok := body["effectivePeriod"].(object)
	if !ok || element != "effectiveDateTime" {
		return from, to, false
	}
	from, to = time.Date(-100_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(100_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if s, ok := p["start"].(string); ok {
		from, _ = instants(s)
	}
	if s, ok := p["end"].(string); ok {
		_, to = instants(s)
	}
	return from, to, true
}

var sortable = map[string][]string{
	"Patient":     {"_id", "birthdate", "gender", "family"},
	"Observation": {"_id", "date", "value-quantity", "value-string", "code", "subject"},
}

func (o *oracle) sorts(typ string) (by []string) {
	for range 1 + o.r.IntN(3) {
		by = append(by, pick(o.r, "", "-")+pick(o.r, sortable[typ]...))
	}
	return by
}

// key is what a resource sorts by: the smallest of its values or, downwards, the
// greatest; nil without one. https://hl7.org/fhir/R4/search.html#sort
func key(e entry, by string, down bool) any {
	text := func(s string, ok bool) any {
		if !ok || s == "" {
			return nil
		}
		return plainly(s)
	}
	switch by {
	case "_id":
		return e.id
	case "gender":
		s, ok := e.body["gender"].(string)
		return text(s, ok)
	case "value-string":
		s, ok := e.body["valueString"].(string)
		return text(s, ok)
	case "subject":
		_, id, ok := strings.Cut(refers(e), "/")
		return text(id, ok)
	case "family":
		if f := named(e, "family"); f != nil {
			return plainly(f[0])
		}
	case "code":
		concept, _ := e.body["code"].(object)
		codings, _ := concept["coding"].([]any)
		var codes []string
		for _, c := range codings {
			codes = append(codes, c.(object)["code"].(string))
		}
		if codes == nil && concept != nil { // a concept of text alone has a value, whose code is empty: :missing=false holds for it
			codes = []string{""}
		}
		if slices.Sort(codes); len(codes) > 0 {
			return codes[map[bool]int{true: len(codes) - 1}[down]]
		}
	case "birthdate", "date":
		from, to, ok := span(e.body, map[string]string{"birthdate": "birthDate", "date": "effectiveDateTime"}[by])
		if ok && down {
			return float64(to.UnixMilli())
		}
		if ok {
			return float64(from.UnixMilli())
		}
	case "value-quantity":
		if q, ok := e.body["valueQuantity"].(object); ok {
			v, _ := q["value"].(json.Number).Float64()
			return float64(int64(v*units[q["code"].(string)]*1e6+0.5)) / 1e6
		}
	}
	return nil
}

// sorted puts matches in order; what lacks a value comes last, up or down, and
// equal ones in the order of creation or, where the last key goes down, against it.
func (o *oracle) sorted(all []entry, sorts []string) {
	slices.SortStableFunc(all, func(a, b entry) int {
		down := false
		for _, s := range sorts {
			var by string
			by, down = strings.CutPrefix(s, "-")
			x, y := key(a, by, down), key(b, by, down)
			c := 0
			switch {
			case x == nil && y == nil:
			case x == nil:
				return 1
			case y == nil:
				return -1
			default:
				if f, ok := x.(float64); ok {
					c = cmp.Compare(f, y.(float64))
				} else {
					c = cmp.Compare(x.(string), y.(string))
				}
			}
			if down {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		if down {
			return cmp.Compare(b.id, a.id) // ids grow as resources are made
		}
		return cmp.Compare(a.id, b.id)
	})
}

var includes = map[string][]string{
	"Patient": {"_revinclude=Observation:subject", "_revinclude=Observation:patient"},
	"Observation": {"_include=Observation:subject", "_include=Observation:has-member", "_include:iterate=Observation:has-member", "_revinclude=Observation:has-member",
		"_revinclude:iterate=Observation:has-member", "_include=Observation:subject:Patient", "_include=Observation:*"},
}

func members(e entry) (all []string) {
	list, _ := e.body["hasMember"].([]any)
	for _, m := range list {
		all = append(all, m.(object)["reference"].(string))
	}
	return all
}

// included is what a page with all matches brings along, in the order of names.
// https://hl7.org/fhir/R4/search.html#revinclude
func (o *oracle) included(hits []entry, q question) (out []string) {
	if q.includes == nil {
		return nil
	}
	kind, what, _ := strings.Cut(q.includes[0], "=")
	points := func(from, to entry) bool { // by what is asked
		name := to.typ + "/" + to.id
		by := func(code string) bool {
			return strings.HasSuffix(what, ":*") || strings.HasPrefix(what, "Observation:"+code)
		}
		return from.typ == "Observation" && (by("has-member") && slices.Contains(members(from), name) ||
			(by("subject") || by("patient")) && to.typ == "Patient" && refers(from) == name)
	}
	seen := map[string]bool{}
	for _, h := range hits {
		seen[h.id] = true
	}
	for fresh := hits; len(fresh) > 0; {
		var next []entry
		for _, e := range o.all {
			if !seen[e.id] && slices.ContainsFunc(fresh, func(f entry) bool {
				if strings.HasPrefix(kind, "_rev") {
					return points(e, f)
				}
				return points(f, e)
			}) {
				seen[e.id] = true
				next = append(next, e)
			}
		}
		for _, e := range next {
			out = append(out, "+"+e.typ+"/"+e.id)
		}
		if fresh = next; !strings.HasSuffix(kind, ":iterate") {
			break
		}
	}
	slices.Sort(out)
	return out
}

// filter is an expression of https://hl7.org/fhir/R4/search_filter.html. Joined
// ones stand in parentheses or, at random, go from left to right without.
func (o *oracle) filter(typ string, depth int) term {
	if depth > 0 {
		switch o.r.IntN(4) {
		case 0:
			x := o.filter(typ, depth-1)
			return term{"", "not (" + x.value + ")", func(e entry) bool { return !x.holds(e) }}
		case 1, 2:
			x, y, z := o.filter(typ, depth-1), o.filter(typ, depth-1), o.filter(typ, depth-1)
			one, two := pick(o.r, "and", "or"), pick(o.r, "and", "or")
			join := func(how string, a, b bool) bool { return how == "and" && a && b || how == "or" && (a || b) }
			return term{"", "(" + x.value + " " + one + " " + y.value + " " + two + " " + z.value + ")", func(e entry) bool {
				return join(two, join(one, x.holds(e), y.holds(e)), z.holds(e))
			}}
		}
	}
	return o.comparison(typ)
}

func (o *oracle) comparison(typ string) term {
	element, date := "effectiveDateTime", "date"
	if typ == "Patient" {
		element, date = "birthDate", "birthdate"
	}
	switch o.r.IntN(5) {
	case 0:
		x := o.dateTerm(date, element)
		op := "eq"
		if x.value[0] > '9' {
			op, x.value = x.value[:2], x.value[2:]
		}
		return term{"", date + " " + op + " " + x.value, x.holds}
	case 1:
		value := o.date()
		from, to := instants(value)
		op := pick(o.r, "po", "co")
		return term{"", date + " " + op + " " + value, func(e entry) bool {
			a, b, ok := span(e.body, element)
			if op == "po" {
				return ok && a.Before(to) && from.Before(b)
			}
			return ok && !a.After(from) && !b.Before(to)
		}}
	case 2:
		want := o.r.IntN(2) == 0
		return term{"", date + " pr " + strconv.FormatBool(want), func(e entry) bool { return has(e, element) == want }}
	}
	if typ == "Patient" {
		value, op := pick(o.r, "smith", "Smithers", "angel", "王", "m"), pick(o.r, "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
		return term{"", fmt.Sprintf("family %s %q", op, value), func(e entry) bool {
			return slices.ContainsFunc(named(e, "family"), func(s string) bool {
				s, v := plainly(s), plainly(value)
				first := cmp.Compare([]rune(s)[0], []rune(v)[0])
				return map[string]bool{"eq": s == v, "ne": s != v, "co": strings.Contains(s, v), "sw": strings.HasPrefix(s, v), "ew": strings.HasSuffix(s, v),
					"gt": first > 0, "ge": first >= 0, "lt": first < 0, "le": first <= 0}[op]
			})
		}}
	}
	switch o.r.IntN(4) {
	case 0:
		token, op := pick(o.r, "a", "b", "urn:s1|a", "|c"), pick(o.r, "eq", "ne")
		return term{"", "code " + op + " " + token, func(e entry) bool {
			concept, _ := e.body["code"].(object)
			codings, _ := concept["coding"].([]any)
			if codings == nil { // a text alone is another value than any code
				return concept != nil && op == "ne"
			}
			return slices.ContainsFunc(codings, func(c any) bool {
				return tokenMatches(object{"coding": []any{c}}, token) == (op == "eq")
			})
		}}
	case 1:
		prefix, number, unit := o.amount()
		return term{"", "value-quantity " + cmp.Or(prefix, "eq") + " " + number + "|ucum|" + unit, func(e entry) bool {
			return e.body["valueQuantity"] != nil && quantityHolds(e.body["valueQuantity"], prefix, number, unit)
		}}
	case 2:
		prefix, number, unit := o.amount()
		code := pick(o.r, "a", "b", "c")
		return term{"", "component-code-value-quantity[code eq " + code + "].value " + cmp.Or(prefix, "eq") + " " + number + "|ucum|" + unit, func(e entry) bool {
			parts, _ := e.body["component"].([]any)
			return slices.ContainsFunc(parts, func(x any) bool {
				return tokenMatches(x.(object)["code"], code) && quantityHolds(x.(object)["valueQuantity"], prefix, number, unit)
			})
		}}
	}
	x, y := o.comparison("Patient"), o.comparison("Patient")
	return term{"", "subject:Patient[" + x.value + "]." + y.value, func(e entry) bool {
		return slices.ContainsFunc(o.all, func(p entry) bool {
			return p.typ == "Patient" && refers(e) == "Patient/"+p.id && x.holds(p) && y.holds(p)
		})
	}}
}
