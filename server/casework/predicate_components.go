package casework

import (
	"fmt"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// systemPart names what a component of an Observation is.
const systemPart = "urn:tenon:socket-part"

// components('sound prosthesis') says that each Observation has every component
// (component.code, code of urn:tenon:socket-part) with a value.
var componentsPredicate = every("components", 1, func(e *evaluation, r *Resource, args []string) bool {
	var missing []string
	for _, code := range strings.Fields(args[0]) {
		found := componentsOf(r.Root, code)
		if len(found) == 0 {
			missing = append(missing, code)
		}
		for _, c := range found {
			if !stated(valueOf(c)) {
				missing = append(missing, code)
			}
		}
	}
	return e.sayMissing(r, missing)
})

// componentsOf are the components of that code.
func componentsOf(observation tree.Node, code string) []tree.Node {
	var found []tree.Node
	for c := range observation.Field("component").Items() {
		if hasCode(c.Field("code"), systemPart, code) {
			found = append(found, c)
		}
	}
	return found
}

// difference('sound', 'prosthesis') is, of each Observation, the one component
// less the other, in the unit of the first: what a person would have to work out
// is not taken from the person. It is empty when one Observation lacks either,
// has it twice, or in units that do not convert.
var differencePredicate = predicate("difference", 2, "quantity", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	var all fhirpath.Collection
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return nil, nil
		}
		d, fault := differenceOf(r.Root, args[0], args[1])
		if fault.english != "" {
			e.because(r.Ref()+": "+fault.english+".", r.Ref()+"："+fault.chinese+"。")
			return nil, nil
		}
		q, ok := fhirpath.Quantity(strings.TrimRight(strings.TrimRight(d.low.FloatString(20), "0"), "."), d.unit)
		if !ok {
			return nil, nil
		}
		all = append(all, q)
	}
	return all, nil
})

func differenceOf(observation tree.Node, from, less string) (figure, note) {
	var f [2]figure
	for i, code := range []string{from, less} {
		found := componentsOf(observation, code)
		if len(found) != 1 {
			return figure{}, note{fmt.Sprintf("it has %d components %s, not one", len(found), code), fmt.Sprintf("%s 分量有 %d 个，应为一个", code, len(found))}
		}
		var fault note
		if f[i], fault = figureOf(valueOf(found[0])); fault.english != "" {
			return figure{}, note{code + ": " + fault.english, code + "：" + fault.chinese}
		}
	}
	d, ok := f[0].minus(f[1])
	if !ok {
		return figure{}, note{from + " and " + less + " do not compare", from + " 与 " + less + " 不可比较"}
	}
	return d, note{}
}
