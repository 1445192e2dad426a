package casework

import (
	"fmt"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// subjectElements are where a resource says whom it is about.
var subjectElements = []string{"subject", "patient", "for", "individual"}

// aboutPatient() says that each resource is about the patient of the case.
var aboutPatientPredicate = every("aboutPatient", 0, func(e *evaluation, r *Resource, _ []string) bool {
	for _, element := range subjectElements {
		if ref := referenceOf(r.Root.Field(element)); ref != "" {
			if ref == e.patient {
				return true
			}
			e.because(fmt.Sprintf("%s is about %s.", r.Ref(), ref), fmt.Sprintf("%s 属于 %s。", r.Ref(), ref))
			return false
		}
	}
	e.because(fmt.Sprintf("%s does not say whom it is about.", r.Ref()), fmt.Sprintf("%s 未载明患者。", r.Ref()))
	return false
})

// reference() is "Type/id" of each resource of the input.
var referencePredicate = predicate("reference", 0, "", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	var refs fhirpath.Collection
	for _, item := range focus {
		if r := e.resourceOf(item); r != nil {
			refs = append(refs, fhirpath.String(r.Ref()))
		}
	}
	return refs, nil
})

// labelMatchesPatient() compares what is printed on each label
// (DocumentReference.context.sourcePatientInfo, usually a contained Patient)
// with the patient of the case: the name and every identifier must be the
// patient's (clause 7.1.2).
var labelMatchesPatientPredicate = every("labelMatchesPatient", 0, func(e *evaluation, r *Resource, _ []string) bool {
	printed := r.Root.Path("context", "sourcePatientInfo", "reference").Str()
	patient := e.byRef[e.patient]
	if patient == nil || printed == "" {
		e.because(fmt.Sprintf("%s does not say whose name is printed on it (context.sourcePatientInfo).", r.Ref()),
			fmt.Sprintf("%s 未载明标签上的患者信息。", r.Ref()))
		return false
	}
	id, contained := strings.CutPrefix(printed, "#")
	if !contained {
		return e.sayMismatch(r, "reference", cleanReference(printed) == e.patient)
	}
	for p := range r.Root.Field("contained").Items() {
		if p.Field("resourceType").Str() == "Patient" && p.Field("id").Str() == id {
			return e.sayMismatch(r, "name", sameName(p, patient.Root)) && e.sayMismatch(r, "identifier", sameIdentifiers(p, patient.Root))
		}
	}
	return e.sayMismatch(r, "reference", false)
})

func (e *evaluation) sayMismatch(r *Resource, element string, same bool) bool {
	if !same {
		e.because(fmt.Sprintf("%s: the %s on the label is not the patient's.", r.Ref(), element),
			fmt.Sprintf("%s：标签上的信息（%s）与患者不符。", r.Ref(), element))
	}
	return same
}

// sameName tells whether one of the printed names is one of the patient's.
func sameName(printed, patient tree.Node) bool {
	for a := range printed.Field("name").Items() {
		for b := range patient.Field("name").Items() {
			if whole := wholeName(a); whole != "" && whole == wholeName(b) {
				return true
			}
		}
	}
	return false
}

func wholeName(n tree.Node) string {
	if t := n.Field("text").Str(); t != "" {
		return strings.Join(strings.Fields(t), " ")
	}
	words := []string{}
	for g := range n.Field("given").Items() {
		words = append(words, g.Str())
	}
	return strings.Join(strings.Fields(strings.Join(append(words, n.Field("family").Str()), " ")), " ")
}

// sameIdentifiers tells whether at least one identifier is printed and each is
// the patient's.
func sameIdentifiers(printed, patient tree.Node) bool {
	count := 0
	for a := range printed.Field("identifier").Items() {
		found := false
		for b := range patient.Field("identifier").Items() {
			if a.Field("value").Str() != "" && a.Field("value").Str() == b.Field("value").Str() && a.Field("system").Str() == b.Field("system").Str() {
				found = true
			}
		}
		if !found {
			return false
		}
		count++
	}
	return count > 0
}
