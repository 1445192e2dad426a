package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/server/store"
)

// TestOracle compares the search with a naive evaluation of the same queries on
// the JSON of the resources, which knows nothing of index rows, plans or SQL:
// it walks over all resources and asks of each, by the words of
// https://hl7.org/fhir/R4/search.html, whether it matches. TENON_ORACLE_QUERIES
// sets how many queries are asked of each engine, TENON_ORACLE_SEED the first
// seed.
func TestOracle(t *testing.T) {
	asked, _ := strconv.Atoi(os.Getenv("TENON_ORACLE_QUERIES"))
	seed, _ := strconv.ParseUint(os.Getenv("TENON_ORACLE_SEED"), 10, 64)
	worlds(t, func(t *testing.T, w *world) {
		queries := asked
		if queries == 0 { // a query of PostgreSQL takes some 10 ms with its pages
			queries = map[bool]int{true: 1000, false: 300}[strings.HasSuffix(t.Name(), "SQLite")]
		}
		defer store.SetFewInner(store.SetFewInner(0))
		o := &oracle{r: rand.New(rand.NewPCG(seed, 7))}
		var bodies []string
		for i := range 160 {
			bodies = append(bodies, o.resource(i))
		}
		w.hold(bodies...)
		matched := 0
		for n := range queries {
			q := o.query()
			var hits []entry
			for _, r := range o.all {
				if r.typ == q.typ && q.holds(r) {
					hits = append(hits, r)
				}
			}
			o.sorted(hits, q.sorts)
			want := names(hits)
			store.SetFewInner([]int{1000, 3}[n%2]) // lists of inner aliases, or conditions
			if got := w.answer(t, q); got != strings.TrimSpace(strings.Join(want, " ")+" "+strings.Join(o.included(hits, q), " ")) {
				t.Errorf("seed %d: %s finds\n%q, want\n%q and %q", seed, q.text, got, want, o.included(hits, q))
			}
			if n > 0 && n%5 == 0 && len(want) > 0 {
				few := 1
				if strings.HasSuffix(t.Name(), "PostgreSQL") {
					few += len(want) / 3
				}
				w.comparePages(t, q.text, want, few+o.r.IntN(len(want)))
			}
			matched += min(1, len(want))
		}
		if matched < queries/3 {
			t.Errorf("only %d of %d queries match anything: they prove little", matched, queries)
		}
	})
}

type oracle struct {
	r   *rand.Rand
	all []entry
}

// entry is a resource as plain JSON.
type entry struct {
	typ, id string
	body    map[string]any
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

type object = map[string]any

func (o *oracle) coding() object {
	c := object{"code": pick(o.r, "a", "b", "c")}
	if system := pick(o.r, "", "urn:s1", "urn:s2"); system != "" {
		c["system"] = system
	}
	if o.r.IntN(3) == 0 {
		c["display"] = pick(o.r, "Head pain", "头痛", "Fever high")
	}
	return c
}

func (o *oracle) concept() object {
	c := object{}
	var codings []any
	for range o.r.IntN(3) {
		codings = append(codings, o.coding())
	}
	if codings != nil {
		c["coding"] = codings
	}
	if codings == nil || o.r.IntN(3) == 0 {
		c["text"] = pick(o.r, "Head pain", "Cold", "发热")
	}
	return c
}

var units = map[string]float64{"kg": 1000, "g": 1, "mg": 0.001}

func (o *oracle) quantity() object {
	return object{"value": json.Number(pick(o.r, "1", "2", "2.5", "1000", "2000", "0.002")), "system": ucum, "code": pick(o.r, "kg", "g", "mg")}
}

func (o *oracle) date() string {
	return pick(o.r, "2019", "2020", "2020-02", "2020-02-29", "2020-03-01", "2021-12-31", "2020-02-29T10:00:00Z", "2020-02-29T23:30:00-02:00")
}

// period has a start, an end or both; these may be partial.
func (o *oracle) period() object {
	p := object{}
	if o.r.IntN(4) > 0 {
		p["start"] = pick(o.r, "2019", "2020-02", "2020-02-10", "2020-02-29T10:00:00Z")
	}
	if p["start"] == nil || o.r.IntN(3) > 0 {
		p["end"] = pick(o.r, "2020", "2020-02-29", "2021-12", "2020-03-01T00:00:00Z")
	}
	return p
}

func (o *oracle) resource(i int) string {
	e := entry{typ: pick(o.r, "Patient", "Observation", "Observation"), id: fmt.Sprintf("r%03d", i)}
	e.body = object{"resourceType": e.typ, "id": e.id}
	maybe := func(name string, value any) {
		if o.r.IntN(3) > 0 {
			e.body[name] = value
		}
	}
	if e.typ == "Patient" {
		maybe("birthDate", o.date()[:min(10, len(o.date()[:4]))])
		maybe("gender", pick(o.r, "male", "female"))
		maybe("active", o.r.IntN(2) == 0)
		maybe("name", []any{object{"family": pick(o.r, "Smith", "smithers", "Ängel", "王"), "given": []any{pick(o.r, "Eve", "Ève", "Adam")}}})
	} else {
		e.body["code"] = o.concept()
		if o.r.IntN(3) == 0 {
			maybe("effectivePeriod", o.period())
		} else {
			maybe("effectiveDateTime", o.date())
		}
		if o.r.IntN(2) == 0 {
			maybe("valueQuantity", o.quantity())
		} else {
			maybe("valueString", pick(o.r, "Line one", "line two", "other"))
		}
		if i > 0 && o.r.IntN(2) == 0 {
			maybe("hasMember", []any{object{"reference": "Observation/" + fmt.Sprintf("r%03d", o.r.IntN(i))}})
		}
		if i > 0 {
			maybe("subject", object{"reference": "Patient/" + fmt.Sprintf("r%03d", o.r.IntN(i))})
		}
		var parts []any
		for range o.r.IntN(3) {
			parts = append(parts, object{"code": o.concept(), "valueQuantity": o.quantity()})
		}
		if parts != nil {
			e.body["component"] = parts
		}
	}
	text, _ := json.Marshal(e.body)
	o.all = append(o.all, e)
	return string(text)
}

// question is a query and what it asks of a resource.
type question struct {
	typ, text string
	holds     func(entry) bool
	sorts     []string // _sort, with a minus sign for downwards
	includes  []string // of what includes adds
}

// term is one parameter.
type term struct {
	name, value string
	holds       func(entry) bool
}

func (o *oracle) query() question {
	typ := pick(o.r, "Patient", "Observation", "Observation")
	var parts []string
	var all []term
	for range 1 + o.r.IntN(2) {
		x := o.term(typ, 0)
		if o.r.IntN(4) == 0 {
			x = o.filter(typ, 2)
			x.name = "_filter"
		}
		all = append(all, x)
		parts = append(parts, url.QueryEscape(x.name)+"="+url.QueryEscape(x.value))
	}
	q := question{typ: typ, holds: func(e entry) bool {
		return !slices.ContainsFunc(all, func(x term) bool { return !x.holds(e) })
	}}
	if o.r.IntN(2) == 0 {
		q.sorts = o.sorts(typ)
		parts = append(parts, "_sort="+strings.Join(q.sorts, ","))
	}
	if o.r.IntN(4) == 0 {
		q.includes = []string{pick(o.r, includes[typ]...)}
		parts = append(parts, q.includes[0])
	}
	q.text = typ + "?" + strings.Join(parts, "&")
	return q
}

func (o *oracle) term(typ string, depth int) term {
	if typ == "Patient" {
		switch o.r.IntN(6) {
		case 0:
			return o.dateTerm("birthdate", "birthDate")
		case 1:
			return o.either("gender", pick(o.r, "", ":not"), []string{"male", "female", "other"}, func(e entry, v string) bool { return e.body["gender"] == v })
		case 2:
			return o.either("active", "", []string{"true", "false"}, func(e entry, v string) bool { return fmt.Sprint(e.body["active"]) == v })
		case 3:
			return o.stringTerm("family", func(e entry) []string { return named(e, "family") })
		case 4:
			return missingTerm(o, map[string]string{"birthdate": "birthDate", "gender": "gender", "active": "active", "name": "name"})
		}
		inner := o.term("Observation", depth+1)
		return term{"_has:Observation:subject:" + inner.name, inner.value, func(e entry) bool {
			return slices.ContainsFunc(o.all, func(x entry) bool { return x.typ == "Observation" && refers(x) == "Patient/"+e.id && inner.holds(x) })
		}}
	}
	switch o.r.IntN(9) {
	case 0, 1:
		return o.tokenTerm()
	case 2:
		return o.dateTerm("date", "effectiveDateTime")
	case 3:
		return o.quantityTerm("value-quantity", func(e entry) []any { return some(e.body["valueQuantity"]) })
	case 4:
		return o.stringTerm("value-string", func(e entry) []string {
			s, _ := e.body["valueString"].(string)
			return []string{s}
		})
	case 5:
		return missingTerm(o, map[string]string{"date": "effectiveDateTime", "value-quantity": "valueQuantity", "subject": "subject", "code": "code"})
	case 6:
		return o.compositeTerm()
	case 7:
		text := pick(o.r, "head", "PAIN", "痛", "发热", "cold", "x")
		return term{"code:text", text, func(e entry) bool {
			return slices.ContainsFunc(texts(e.body["code"]), func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(text)) })
		}}
	}
	if depth > 2 {
		return o.tokenTerm()
	}
	inner := o.term("Patient", depth+1)
	return term{"subject:Patient." + inner.name, inner.value, func(e entry) bool {
		return slices.ContainsFunc(o.all, func(x entry) bool { return x.typ == "Patient" && refers(e) == "Patient/"+x.id && inner.holds(x) })
	}}
}

func some(v any) []any {
	if v == nil {
		return nil
	}
	return []any{v}
}

func refers(e entry) string {
	subject, _ := e.body["subject"].(object)
	s, _ := subject["reference"].(string)
	return s
}

func texts(concept any) (all []string) {
	c, _ := concept.(object)
	if s, ok := c["text"].(string); ok {
		all = append(all, s)
	}
	codings, _ := c["coding"].([]any)
	for _, x := range codings {
		if s, ok := x.(object)["display"].(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// either is a parameter of one or two alternatives, perhaps negated as a whole.
func (o *oracle) either(name, modifier string, values []string, holds func(entry, string) bool) term {
	chosen := []string{pick(o.r, values...)}
	if o.r.IntN(3) == 0 {
		chosen = append(chosen, pick(o.r, values...))
	}
	return term{name + modifier, strings.Join(chosen, ","), func(e entry) bool {
		return slices.ContainsFunc(chosen, func(v string) bool { return holds(e, v) }) != (modifier == ":not")
	}}
}

// has tells whether an element is there; date has two names.
func has(e entry, element string) bool {
	return e.body[element] != nil || element == "effectiveDateTime" && e.body["effectivePeriod"] != nil
}

func missingTerm(o *oracle, from map[string]string) term {
	name := pick(o.r, slices.Sorted(func(yield func(string) bool) {
		for k := range from {
			if !yield(k) {
				return
			}
		}
	})...)
	want := o.r.IntN(2) == 0
	return term{name + ":missing", strconv.FormatBool(want), func(e entry) bool { return has(e, from[name]) != want }}
}

func tokenMatches(concept any, value string) bool {
	c, _ := concept.(object)
	codings, _ := c["coding"].([]any)
	system, code, bar := strings.Cut(value, "|")
	return slices.ContainsFunc(codings, func(x any) bool {
		own, _ := x.(object)["system"].(string)
		switch {
		case !bar:
			return x.(object)["code"] == value
		case code == "":
			return own == system
		}
		return own == system && x.(object)["code"] == code
	})
}

var tokens = []string{"a", "b", "c", "d", "urn:s1|a", "urn:s1|b", "urn:s2|c", "|a", "|c", "urn:s1|"}

func (o *oracle) tokenTerm() term {
	return o.either("code", pick(o.r, "", "", ":not"), tokens, func(e entry, v string) bool { return tokenMatches(e.body["code"], v) })
}

func named(e entry, part string) []string {
	names, _ := e.body["name"].([]any)
	if len(names) == 0 {
		return nil
	}
	s, _ := names[0].(object)[part].(string)
	return []string{s}
}

// plainly is the comparison of strings for the letters that are used here.
func plainly(s string) string {
	return strings.NewReplacer("ä", "a", "è", "e").Replace(strings.ToLower(s))
}

func (o *oracle) stringTerm(name string, of func(entry) []string) term {
	modifier := pick(o.r, "", ":contains", ":exact")
	return o.either(name, modifier, []string{"Smith", "smith", "ange", "Ängel", "王", "line", "one", "Line one", "her"}, func(e entry, v string) bool {
		return slices.ContainsFunc(of(e), func(s string) bool {
			switch modifier {
			case ":exact":
				return s == v
			case ":contains":
				return strings.Contains(plainly(s), plainly(v))
			}
			return strings.HasPrefix(plainly(s), plainly(v))
		})
	})
}

// instants are the first moment of a date and the first one behind it.
func instants(s string) (from, to time.Time) {
	for _, l := range []struct {
		layout string
		behind func(time.Time) time.Time
	}{
		{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{time.RFC3339, func(t time.Time) time.Time { return t.Add(time.Second) }},
	} {
		if t, err := time.Parse(l.layout, s); err == nil {
			return t, l.behind(t)
		}
	}
	panic(s)
}

// dateTerm is the table of https://hl7.org/fhir/R4/search.html#prefix for ranges.
func (o *oracle) dateTerm(name, element string) term {
	prefix, value := pick(o.r, "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"), o.date()
	from, to := instants(value)
	return term{name, prefix + value, func(e entry) bool {
		a, b, ok := span(e.body, element)
		if !ok {
			return false
		}
		within := !a.Before(from) && !b.After(to) // the query fully contains the target
		switch prefix {
		case "ne":
			return !within
		case "gt": // the range above the query intersects the target
			return b.After(to)
		case "lt":
			return a.Before(from)
		case "ge":
			return b.After(to) || within
		case "le":
			return a.Before(from) || within
		case "sa": // the target begins behind the end of the query
			return !a.Before(to)
		case "eb":
			return !b.After(from)
		}
		return within
	}}
}

// quantityHolds compares by the unit: implied precision for eq and ne, the exact
// number otherwise.
func quantityHolds(q any, prefix, number, unit string) bool {
	own, err := q.(object)["value"].(json.Number).Float64()
	if err != nil {
		panic(err)
	}
	own *= units[q.(object)["code"].(string)]
	v, _ := strconv.ParseFloat(number, 64)
	half := 0.5
	if _, decimals, point := strings.Cut(number, "."); point {
		for range decimals {
			half /= 10
		}
	}
	factor := units[unit]
	const hair = 1e-9
	in := own > (v-half)*factor-hair && own < (v+half)*factor-hair
	v *= factor
	switch prefix {
	case "ne":
		return !in
	case "gt", "sa":
		return own > v+hair
	case "lt", "eb":
		return own < v-hair
	case "ge":
		return own > v-hair
	case "le":
		return own < v+hair
	}
	return in
}

func (o *oracle) amount() (prefix, number, unit string) {
	return pick(o.r, "", "ne", "gt", "lt", "ge", "le", "sa", "eb"), pick(o.r, "1", "2", "2.0", "2.5", "1000", "2000", "0.002"), pick(o.r, "kg", "g", "mg")
}

func (o *oracle) quantityTerm(name string, of func(entry) []any) term {
	prefix, number, unit := o.amount()
	return term{name, prefix + number + "|" + ucum + "|" + unit, func(e entry) bool {
		return slices.ContainsFunc(of(e), func(q any) bool { return quantityHolds(q, prefix, number, unit) })
	}}
}

// compositeTerm asks one component, or the resource itself, for code and value.
func (o *oracle) compositeTerm() term {
	prefix, number, unit := o.amount()
	token := pick(o.r, tokens...)
	name := pick(o.r, "code-value-quantity", "component-code-value-quantity", "combo-code-value-quantity")
	holds := func(x object) bool {
		return x["valueQuantity"] != nil && tokenMatches(x["code"], token) && quantityHolds(x["valueQuantity"], prefix, number, unit)
	}
	return term{name, token + "$" + prefix + number + "|" + ucum + "|" + unit, func(e entry) bool {
		parts, _ := e.body["component"].([]any)
		inside := slices.ContainsFunc(parts, func(x any) bool { return holds(x.(object)) })
		switch name {
		case "code-value-quantity":
			return holds(e.body)
		case "component-code-value-quantity":
			return inside
		}
		return inside || holds(e.body)
	}}
}
