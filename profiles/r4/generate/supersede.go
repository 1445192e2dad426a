package main

import (
	"slices"

	"tenon/fhir/tree"
)

// supersede marks R4's copies of what HL7 Terminology publishes anew under the
// same URL: both stay, and the newer one is what the bare URL means, although
// R4's version ("4.0.1", "2018-08-12") looks higher than its ("1.0.1").
//
// Where the newer publication took codes away ("Non-serious" of
// adverse-event-seriousness) R4's copy is not marked: R4's value sets and
// examples mean those codes.
func supersede(old, newer []entry) error {
	at := make(map[string]*entry, len(newer))
	for i := range newer {
		at[newer[i].Type+" "+newer[i].URL] = &newer[i]
	}
	for i := range old {
		e := at[old[i].Type+" "+old[i].URL]
		if e == nil {
			continue
		}
		lost, err := loses(&old[i], e)
		if err != nil {
			return err
		}
		old[i].Superseded = !lost
	}
	return nil
}

// loses tells whether a newer code system lacks a code of the old one. Codes
// that are no codes by R4's own grammar, mangled spaces, do not count.
func loses(old, newer *entry) (bool, error) {
	if old.Type != "CodeSystem" {
		return false, nil
	}
	before, err := codesOf(old.body)
	if err != nil {
		return false, err
	}
	after, err := codesOf(newer.body)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(before, func(c string) bool {
		return isASCII(c) && !slices.Contains(after, c)
	}), nil
}

func codesOf(body []byte) ([]string, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return nil, err
	}
	var codes []string
	var walk func(tree.Node)
	walk = func(n tree.Node) {
		for c := range n.Field("concept").Items() {
			codes = append(codes, c.Field("code").Str())
			walk(c)
		}
	}
	walk(doc.Root())
	return codes, nil
}

func isASCII(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return b >= 0x80 })
}
