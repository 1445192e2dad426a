package main

import (
	"fmt"
	"slices"
)

// planRules are the rules of a plan: what each stage asks for, and what each
// role needs.
func planRules(doc object) []mutation {
	var all []mutation
	for i, a := range items(doc, "action") {
		stage := text(a, "id")
		at := func(d object) object { return items(d, "action")[i] }
		add := func(kind string, ids []string, change func(object), format string, args ...any) {
			if len(ids) == 0 {
				ids = requirementsIn(a)
			}
			all = append(all, mutation{what: stage + " " + fmt.Sprintf(format, args...), kind: kind, ids: ids, change: change})
		}
		for j, c := range items(a, "condition") {
			name := text(c["expression"].(object), "name")
			add("condition", requirementsIn(c), without(at, "condition", j), "condition %s", name)
			all[len(all)-1].own = name
			all = append(all, floor(text(doc, "id"), stage, at, j, c)...)
		}
		for j, e := range items(a, "extension") {
			if text(e, "url") == ours+"signature" {
				add("signature", requirementsIn(e), without(at, "extension", j), "signature %s", part(e, "id"))
			}
			if text(e, "url") == ours+"named" {
				add("named", nil, without(at, "extension", j), "named in the agreement")
				all[len(all)-1].own = stage + "_named_" + stage
			}
		}
		for j := range items(a, "relatedAction") {
			add("after", nil, without(at, "relatedAction", j), "after %s", text(items(a, "relatedAction")[j], "actionId"))
		}
		for j, o := range items(a, "output") {
			for _, m := range outputRules(at, j, o) {
				add(m.kind, requirementsIn(o), m.change, "output %s", m.what)
				switch m.kind {
				case "output", "sealed", "own":
					all[len(all)-1].own = stage + "_output_" + document(o)
				case "profile":
					all[len(all)-1].own = stage + "_profile-" + document(o)
				}
			}
		}
	}
	return append(all, roleRules(doc)...)
}

// floor is the mark that keeps a hospital's own plan from dropping a condition.
func floor(plan, stage string, at func(object) object, j int, c object) []mutation {
	for k, e := range items(c, "extension") {
		if text(e, "url") == ours+"floor" {
			reach := func(d object) object { return items(at(d), "condition")[j] }
			return []mutation{{what: stage + " floor of " + text(c["expression"].(object), "name"), kind: "floor", own: text(c["expression"].(object), "name") + "_of_" + plan, ids: requirementsIn(c), change: without(reach, "extension", k)}}
		}
	}
	return nil
}

// outputRules are what an output asks for: to be there, to be sealed, to be
// changed by its own roles alone, to follow a profile.
func outputRules(at func(object) object, j int, o object) []mutation {
	name := document(o)
	reach := func(d object) object { return items(at(d), "output")[j] }
	all := []mutation{}
	optional := false
	for k, e := range items(o, "extension") {
		switch text(e, "url") {
		case ours + "min":
			optional = value(e) == "0"
		case ours + "sealed", ours + "own":
			all = append(all, mutation{what: name + " " + text(e, "url")[len(ours):], kind: text(e, "url")[len(ours):], change: without(reach, "extension", k)})
		}
	}
	if !optional {
		all = append(all, mutation{what: name + " to be there", kind: "output", change: func(d object) {
			out := reach(d)
			kept := slices.DeleteFunc(slices.Clone(asList(out["extension"])), func(e any) bool { return text(e.(object), "url") == ours+"min" })
			out["extension"] = append(kept, object{"url": ours + "min", "valueInteger": 0})
		}})
	}
	for k, p := range asList(o["profile"]) {
		all = append(all, mutation{what: fmt.Sprintf("%s profile %v", name, p), kind: "profile", change: without(reach, "profile", k)})
	}
	return all
}

func document(output object) string {
	for _, f := range items(output, "codeFilter") {
		for _, c := range items(f, "code") {
			return text(c, "code")
		}
	}
	return ""
}

// roleRules are the qualifications that a role needs, and that it is a principal.
func roleRules(doc object) []mutation {
	var all []mutation
	for i, e := range items(doc, "extension") {
		if text(e, "url") != ours+"role" {
			continue
		}
		at := func(d object) object { return items(d, "extension")[i] }
		for j, p := range items(e, "extension") {
			if u := text(p, "url"); u == "qualification" || u == "principal" {
				own := ""
				if u == "qualification" {
					own = part(e, "code") + "_" + value(p)
				}
				all = append(all, mutation{what: fmt.Sprintf("role %s %s %s", part(e, "code"), u, value(p)), kind: "role", own: own, ids: requirementsIn(e), change: without(at, "extension", j)})
			}
		}
	}
	return all
}

func part(extension object, name string) string {
	for _, p := range items(extension, "extension") {
		if text(p, "url") == name {
			return value(p)
		}
	}
	return ""
}
