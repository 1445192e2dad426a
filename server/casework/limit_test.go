package casework_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tenon/profiles"
	"tenon/server/casework"
)

// quantity is a Quantity of UCUM with the number as written.
func quantity(value, unit string) obj {
	return obj{"value": number(value), "system": "http://unitsofmeasure.org", "code": unit, "unit": unit}
}

// measured is an Observation of the device with a value.
func measured(id, kind string, value any) obj {
	return obj{"resourceType": "Observation", "id": id, "status": "final", "code": obj{"text": id}, kind: value}
}

// ownLimit is a hospital's definition of a limit; nil ends are open.
func ownLimit(id, unit string, low, high any) obj {
	interval := obj{}
	for name, end := range map[string]any{"low": low, "high": high} {
		if end != nil {
			interval[name] = quantity(end.(string), unit)
		}
	}
	d := obj{"resourceType": "ObservationDefinition", "id": "own-" + id, "code": concept("urn:tenon:limit", id),
		"quantitativeDetails": obj{"unit": concept("http://unitsofmeasure.org", unit)}}
	if len(interval) > 0 {
		d["qualifiedInterval"] = arr{obj{"range": interval}}
	}
	return d
}

// ask evaluates a question about Observation/m in a case at S08.
func ask(t *testing.T, w *world, question string) (answer string, reasons string) {
	t.Helper()
	result, told, err := w.engine.Ask(w.snapshot(), question)
	if err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	if len(result) == 0 {
		return "not-evaluated", strings.Join(told, " ")
	}
	value, ok := result.Bool()
	if !ok {
		t.Fatalf("%s = %v, want a boolean", question, result)
	}
	return map[bool]string{true: "within", false: "beyond"}[value], strings.Join(told, " ")
}

func TestWithin(t *testing.T) {
	within := func(limit string) string { return "Observation.where(id = 'm').within('" + limit + "')" }
	for _, c := range []struct {
		name, limit, want string
		observation       obj
	}{
		{"R001-183 at the tolerance", "key-dimension-tolerance", "within", measured("m", "valueQuantity", quantity("0.1", "mm"))},
		{"R001-183 a hair beyond the tolerance", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", quantity("0.1000001", "mm"))},
		{"R001-183 below the tolerance", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", quantity("-0.11", "mm"))},
		{"R001-183 converted from µm", "key-dimension-tolerance", "within", measured("m", "valueQuantity", quantity("99.9", "um"))},
		{"R001-183 converted from cm", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", quantity("0.02", "cm"))},
		{"R000-033 the process class is another figure", "process-accuracy-class", "beyond", measured("m", "valueQuantity", quantity("0.1", "mm"))},
		{"R000-033 ±50 µm", "process-accuracy-class", "within", measured("m", "valueQuantity", quantity("-50", "um"))},
		{"R000-033 below the process class", "process-accuracy-class", "beyond", measured("m", "valueQuantity", quantity("-51", "um"))},
		{"R000-029 lighter to the limit", "lightweight-deviation", "within", measured("m", "valueQuantity", quantity("0.1", "mm"))},
		{"R000-029 lighter by too much", "lightweight-deviation", "beyond", measured("m", "valueQuantity", quantity("0.11", "mm"))},
		{"R000-029 no deviation is negative", "lightweight-deviation", "beyond", measured("m", "valueQuantity", quantity("-0.01", "mm"))},
		{"R000-029 a key zone to the limit", "lightweight-deviation-key", "within", measured("m", "valueQuantity", quantity("50", "um"))},
		{"R000-029 a key zone by too much", "lightweight-deviation-key", "beyond", measured("m", "valueQuantity", quantity("51", "um"))},
		{"R000-029 no deviation of a key zone is negative", "lightweight-deviation-key", "beyond", measured("m", "valueQuantity", quantity("-1", "um"))},
		{"R001-205 the whole process", "process-coverage", "within", measured("m", "valueQuantity", quantity("100", "%"))},
		{"R001-205 less than the process", "process-coverage", "beyond", measured("m", "valueQuantity", quantity("99.9", "%"))},
		{"R001-205 more than the process", "process-coverage", "beyond", measured("m", "valueQuantity", quantity("100.1", "%"))},
		{"R001-183 a range within", "key-dimension-tolerance", "within", measured("m", "valueRange", obj{"low": quantity("-0.1", "mm"), "high": quantity("0.05", "mm")})},
		{"R001-183 a range half beyond", "key-dimension-tolerance", "beyond", measured("m", "valueRange", obj{"low": quantity("0", "mm"), "high": quantity("0.2", "mm")})},
		{"R001-183 a range without end", "key-dimension-tolerance", "beyond", measured("m", "valueRange", obj{"low": quantity("0", "mm")})},
		{"R001-183 another dimension", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", quantity("0", "s"))},
		{"R001-183 without a unit of UCUM", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", obj{"value": 0, "unit": "mm"})},
		{"R001-183 an unknown unit", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", quantity("0", "millimetre"))},
		{"R001-183 with a comparator", "key-dimension-tolerance", "beyond", measured("m", "valueQuantity", func() obj { q := quantity("0", "mm"); q["comparator"] = ">"; return q }())},
		{"R001-183 words", "key-dimension-tolerance", "beyond", measured("m", "valueString", "0.05 mm")},
		{"R001-183 no value", "key-dimension-tolerance", "beyond", measured("m", "dataAbsentReason", obj{"text": "lost"})},
		{"R003-062 in front of the axis", "syme-plumb-line", "within", measured("m", "valueQuantity", quantity("0.1", "mm"))},
		{"R003-062 on the axis", "syme-plumb-line", "beyond", measured("m", "valueQuantity", quantity("0", "mm"))},
		{"R003-062 behind the axis", "syme-plumb-line", "beyond", measured("m", "valueQuantity", quantity("-0.1", "mm"))},
		{"R003-088 narrower at the limit", "socket-inner-diameter", "within", measured("m", "valueQuantity", quantity("-0.5", "mm"))},
		{"R003-088 too narrow", "socket-inner-diameter", "beyond", measured("m", "valueQuantity", quantity("-0.51", "mm"))},
		{"R001-199 a limit without an interval", "yield-strength", "not-evaluated", measured("m", "valueQuantity", quantity("900", "MPa"))},
		{"R001-199 nothing measured", "key-dimension-tolerance", "not-evaluated", measured("x", "valueQuantity", quantity("0", "mm"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := stop(t, "S08 working")
			w.lay(c.observation, des.Principal)
			got, why := ask(t, w, within(c.limit))
			if got != c.want {
				t.Errorf("within(%s) = %s (%s), want %s", c.limit, got, why, c.want)
			}
			if c.want == "beyond" && why == "" {
				t.Errorf("within(%s) does not say why", c.limit)
			}
		})
	}
	for question, want := range map[string]string{
		"0.05.within('key-dimension-tolerance')":                               "within",
		"(1).within('key-dimension-tolerance')":                                "beyond",
		"(0.2 'mm').within('key-dimension-tolerance')":                         "beyond",
		"(20 'um' | 0.01 'cm').within('key-dimension-tolerance')":              "within",
		"(20 'um' | 0.02 'cm').within('key-dimension-tolerance')":              "beyond",
		"Observation.where(id='none').value.within('key-dimension-tolerance')": "not-evaluated",
		"(100.0).within('process-coverage')":                                   "within",
		"(99.9).within('process-coverage')":                                    "beyond",
		"(12.3 'mm').resolution('key-dimension-resolution')":                   "within",
		"(12 'mm').resolution('key-dimension-resolution')":                     "beyond",
		"(1.23 'cm').resolution('key-dimension-resolution')":                   "within",
		"(0.012 'm').resolution('key-dimension-resolution')":                   "beyond",
		"Observation.where(id='none').resolution('key-dimension-resolution')":  "not-evaluated",
	} {
		t.Run("R001-183 "+question, func(t *testing.T) {
			if got, why := ask(t, stop(t, "S08 working"), question); got != want {
				t.Errorf("%s = %s (%s), want %s", question, got, why, want)
			}
		})
	}
}

func TestOwnLimits(t *testing.T) {
	value := func(v, unit string) obj { return measured("m", "valueQuantity", quantity(v, unit)) }
	for _, c := range []struct {
		name, limit, want string
		own               []obj
		observation       obj
	}{
		{"R001-199 configures what is open", "yield-strength", "within", []obj{ownLimit("yield-strength", "MPa", "800", nil)}, value("850", "MPa")},
		{"R001-199 in another unit", "yield-strength", "beyond", []obj{ownLimit("yield-strength", "GPa", "0.9", nil)}, value("850", "MPa")},
		{"R001-199 of a unit that does not convert", "yield-strength", "not-evaluated", []obj{ownLimit("yield-strength", "mm", "1", nil)}, value("850", "MPa")},
		{"R001-183 is stricter", "key-dimension-tolerance", "beyond", []obj{ownLimit("key-dimension-tolerance", "um", "-50", "50")}, value("0.08", "mm")},
		{"R001-183 never loosens", "key-dimension-tolerance", "beyond", []obj{ownLimit("key-dimension-tolerance", "mm", "-1", "1")}, value("0.5", "mm")},
		{"R001-183 without an interval changes nothing", "key-dimension-tolerance", "beyond", []obj{ownLimit("key-dimension-tolerance", "mm", nil, nil)}, value("0.5", "mm")},
		{"R001-183 two of them: both hold", "key-dimension-tolerance", "beyond", []obj{ownLimit("key-dimension-tolerance", "mm", "-0.02", nil), second(ownLimit("key-dimension-tolerance", "mm", nil, "0.02"))}, value("0.05", "mm")},
		{"R000-029 replaces a proposal", "lightweight-deviation", "within", []obj{ownLimit("lightweight-deviation", "mm", "0", "0.3")}, value("0.25", "mm")},
		{"R001-199 for some people only is none", "yield-strength", "not-evaluated", []obj{forMen(ownLimit("yield-strength", "MPa", "800", nil))}, value("850", "MPa")},
		{"R001-199 an exclusive end", "yield-strength", "beyond", []obj{exclusive(ownLimit("yield-strength", "MPa", "850", nil))}, value("850", "MPa")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := stop(t, "S08 working")
			for _, own := range c.own {
				body := resource(mustJSON(t, own), 1)
				body.Author = "PractitionerRole/admin"
				w.directory = append(w.directory, body)
			}
			w.lay(c.observation, des.Principal)
			if got, why := ask(t, w, "Observation.where(id = 'm').within('"+c.limit+"')"); got != c.want {
				t.Errorf("within(%s) = %s (%s), want %s", c.limit, got, why, c.want)
			}
		})
	}
}

func second(d obj) obj { d["id"] = "second"; return d }

func forMen(d obj) obj {
	d["qualifiedInterval"].(arr)[0].(obj)["gender"] = "male"
	return d
}

func exclusive(d obj) obj {
	d["qualifiedInterval"].(arr)[0].(obj)["extension"] = arr{ext("exclusive", "valueCode", "low")}
	return d
}

// TestThreeFigures: 0.1 mm of the device, 50 µm of the process (and 0.5 mm of the
// stump scan, in the socket's folder) are limits of their own, with their own
// clauses (stages.md §7.9).
func TestThreeFigures(t *testing.T) {
	found := map[string][]string{}
	for _, body := range profiles.Definitions() {
		r := resource(body, 1)
		if r.Type != "ObservationDefinition" {
			continue
		}
		id := r.Root.Path("code", "coding").Index(0).Field("code").Str()
		for e := range r.Root.Field("extension").Items() {
			if e.Field("url").Str() == "urn:tenon:extension:clause" {
				found[id] = append(found[id], e.Field("valueString").Str())
			}
		}
		if r.ID != "limit-"+id || len(found[id]) == 0 || r.Root.Field("preferredReportName").Str() == "" || !r.Root.Field("_preferredReportName").Exists() {
			t.Errorf("ObservationDefinition/%s lacks its id, clause, or name in two languages", r.ID)
		}
	}
	if len(found) < 18 || found["key-dimension-tolerance"][0] != "R001-183" || found["process-accuracy-class"][0] != "R000-033" {
		t.Errorf("limits = %v", found)
	}
}

func TestPlanNamesKnownLimits(t *testing.T) {
	_, err := casework.CompilePlan(planWith(t, expression("S10", "form-dated", "Observation.within('guesswork')")))
	if err == nil || !strings.Contains(err.Error(), `"guesswork"`) {
		t.Errorf("a plan with an unknown limit compiles: %v", err)
	}
}

// number keeps a number as written: 12.30 stays 12.30.
func number(text string) json.Number { return json.Number(text) }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
