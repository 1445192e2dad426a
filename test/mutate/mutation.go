package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

type object = map[string]any

// mutation is one rule that is taken away.
type mutation struct {
	file   string   // implant/plandefinition-implant.json
	what   string   // S10 condition form-binds-file
	kind   string   // condition, floor, signature, named, after, output, profile, role, limit
	own    string   // how the name of the subtest ends that stands for just this rule; "" where none does
	ids    []string // of the requirements that the rule answers
	change func(doc object)
}

func parse(body []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc object
	err := d.Decode(&doc)
	return doc, err
}

// mutations lists the rules of one definition.
func mutations(file string, doc object) []mutation {
	var all []mutation
	switch doc["resourceType"] {
	case "PlanDefinition":
		all = planRules(doc)
	case "ObservationDefinition":
		all = limitRules(doc)
	}
	for i := range all {
		all[i].file = file
	}
	return all
}

// without makes the change that takes the i-th item out of a list.
func without(reach func(doc object) object, list string, i int) func(object) {
	return func(doc object) {
		at := reach(doc)
		items := at[list].([]any)
		kept := append(append([]any{}, items[:i]...), items[i+1:]...)
		if len(kept) == 0 {
			delete(at, list)
			return
		}
		at[list] = kept
	}
}

func items(o object, list string) []object {
	var all []object
	for _, i := range asList(o[list]) {
		if m, ok := i.(object); ok {
			all = append(all, m)
		}
	}
	return all
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(o object, name string) string { return fmt.Sprint(o[name]) }

// value is the value[x] of an extension, as text.
func value(extension object) string {
	for name, v := range extension {
		if strings.HasPrefix(name, "value") {
			return fmt.Sprint(v)
		}
	}
	return ""
}

const ours = "urn:tenon:extension:"

var requirement = regexp.MustCompile(`R00\d-\d\d\d`)

// requirementsIn are the ids in the clause extensions of an element, and in
// those of their parts.
func requirementsIn(o object) []string {
	var ids []string
	for _, e := range items(o, "extension") {
		if u := text(e, "url"); u == ours+"clause" || u == "clause" {
			ids = append(ids, requirement.FindAllString(value(e), -1)...)
		}
	}
	return ids
}
