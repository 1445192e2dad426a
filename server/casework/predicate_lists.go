package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// lists('S11', 'device', 'label') says that each Composition has, in its section
// of that code, an entry for every document that the stage brings under that
// name. An entry that states a version states one that there was.
var listsPredicate = predicate("lists", 3, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	documents := e.documents("output", args[0], args[1])
	if len(focus) == 0 || len(documents) == 0 {
		return nil, nil
	}
	all := true
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		listed := entriesOf(r.Root.Field("section"), args[2])
		for _, d := range documents {
			if !slices.ContainsFunc(listed, d.isEntry) {
				e.because(fmt.Sprintf("The section %s of %s does not list %s.", args[2], r.Ref(), d.Ref()), fmt.Sprintf("%s 的 %s 部分未列明 %s。", r.Ref(), args[2], d.Ref()))
				all = false
			}
		}
	}
	return yes(all), nil
})

// entriesOf are the references that the sections of a code list, as written.
func entriesOf(sections tree.Node, code string) []string {
	var refs []string
	for s := range sections.Items() {
		if hasCode(s.Field("code"), "urn:tenon:section", code) {
			for entry := range s.Field("entry").Items() {
				refs = append(refs, entry.Field("reference").Str())
			}
		}
		refs = append(refs, entriesOf(s.Field("section"), code)...)
	}
	return refs
}

// isEntry tells whether a reference leads to this resource, in a version of it
// that exists if it names one.
func (r *Resource) isEntry(ref string) bool {
	if cleanReference(ref) != r.Ref() {
		return false
	}
	_, stated, versioned := strings.Cut(ref, "/_history/")
	if !versioned {
		return true
	}
	var n int64
	_, err := fmt.Sscan(stated, &n)
	return err == nil && n >= 1 && n <= r.Version
}
