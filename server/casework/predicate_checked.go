package casework

import (
	"fmt"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// checked('watertight') says that a job looked at the file of each document and
// found it so: an Observation of code urn:tenon:check with a boolean, about the
// document (derivedFrom or focus) and about the bytes that it has now. While the
// job has not answered, the result is empty: pending.
var checkedPredicate = predicate("checked", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	if len(focus) == 0 {
		return nil, nil
	}
	all := true
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		answer, known := e.check(r, args[0])
		if !known {
			return nil, nil
		}
		if !answer {
			e.because(fmt.Sprintf("%s is not %s.", r.Ref(), args[0]), fmt.Sprintf("%s 未通过检查 %s。", r.Ref(), args[0]))
			all = false
		}
	}
	return yes(all), nil
})

// writtenByServer is the author of what jobs of the server find: an answer that
// anybody else wrote is no answer, or a designer could attest the own model.
const writtenByServer = "server"

// check finds the newest answer of a job about the current file of a document.
func (v *view) check(r *Resource, code string) (answer, known bool) {
	want := statedDigests(r.Root)
	var newest *Resource
	for i := range v.s.Resources {
		o := &v.s.Resources[i]
		if o.Type != "Observation" || o.Author != writtenByServer || !hasCode(o.Root.Field("code"), systemCheck, code) || !aboutDocument(o.Root, r.Ref()) {
			continue
		}
		of := strings.ToLower(valueOf(extension(o.Root, extensionSHA256)).Str())
		if of != "" && !strings.Contains(want, of) || of == "" && o.Updated.Before(r.Updated) {
			continue
		}
		if newest == nil || o.Updated.After(newest.Updated) {
			newest = o
		}
	}
	if newest == nil || newest.Root.Field("valueBoolean").Kind() != tree.Bool {
		return false, false
	}
	return newest.Root.Field("valueBoolean").Bool(), true
}

func aboutDocument(o tree.Node, ref string) bool {
	for _, element := range []string{"derivedFrom", "focus"} {
		for _, target := range referencesOf(o.Field(element)) {
			if target == ref {
				return true
			}
		}
	}
	return false
}

func statedDigests(document tree.Node) string {
	var all []string
	for content := range document.Field("content").Items() {
		all = append(all, strings.ToLower(valueOf(extension(content.Field("attachment"), extensionSHA256)).Str()))
	}
	return strings.Join(all, " ")
}
