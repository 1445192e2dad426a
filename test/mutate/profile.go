package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// profileRules are the assertions of each element of a profile: cardinality,
// values, bindings, bounds, types and invariants.
func profileRules(doc object) []mutation {
	differential, _ := doc["differential"].(object)
	elements := items(differential, "element")
	var all []mutation
	for i, e := range elements {
		at := func(d object) object { return items(d["differential"].(object), "element")[i] }
		ids := answered(elements, text(e, "id"))
		add := func(change func(object), format string, args ...any) {
			all = append(all, mutation{what: text(e, "id") + " " + fmt.Sprintf(format, args...), ids: ids, change: change})
		}
		for j, c := range items(e, "constraint") {
			add(without(at, "constraint", j), "invariant %s", text(c, "key"))
		}
		for _, name := range slices.Sorted(maps.Keys(e)) {
			if asserts(name, e) {
				add(func(d object) { delete(at(d), name) }, "%s", name)
			}
		}
		for j, t := range items(e, "type") {
			if len(asList(t["targetProfile"])) > 0 {
				add(func(d object) { delete(items(at(d), "type")[j], "targetProfile") }, "targets of the reference")
			}
		}
	}
	return all
}

// asserts tells whether an element of ElementDefinition narrows what may stand
// there. A slice is told apart by its pattern, which its cardinality rests on.
func asserts(name string, e object) bool {
	switch name {
	case "min":
		return text(e, "min") != "0"
	case "max":
		return text(e, "max") != "*"
	case "binding":
		strength := text(e["binding"].(object), "strength")
		return strength == "required"
	case "maxLength":
		return true
	}
	for _, p := range []string{"fixed", "pattern", "minValue", "maxValue"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// answered are the requirements of an element or of the nearest one around it.
func answered(elements []object, id string) []string {
	for ; id != ""; id = around(id) {
		for _, e := range elements {
			if text(e, "id") != id {
				continue
			}
			if ids := mapped(e); len(ids) > 0 {
				return ids
			}
		}
	}
	return nil
}

// around is the id of the element that holds another, or the element of a slice.
func around(id string) string {
	return id[:max(0, strings.LastIndexAny(id, ".:"))]
}

func mapped(e object) []string {
	for _, m := range items(e, "mapping") {
		if text(m, "identity") == "requirement" {
			return requirement.FindAllString(text(m, "map"), -1)
		}
	}
	return nil
}

// limitRules are the bounds of a limit.
func limitRules(doc object) []mutation {
	var all []mutation
	for i, q := range items(doc, "qualifiedInterval") {
		r, _ := q["range"].(object)
		for _, bound := range []string{"low", "high"} {
			if r[bound] != nil {
				all = append(all, mutation{what: "interval " + bound, ids: requirementsIn(doc), change: func(d object) {
					delete(items(d, "qualifiedInterval")[i]["range"].(object), bound)
				}})
			}
		}
	}
	return all
}
