package casework

import (
	"errors"
	"sync"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/profiles/r4"
)

func model() *schema.Model { return r4.Model() }

// predicates are the functions that plans may use beside those of FHIRPath. A
// new one is one file predicate_<name>.go and one line here.
func predicates() []fhirpath.Function {
	return []fhirpath.Function{
		stagePredicate, completedPredicate, completedAllPredicate, outputPredicate, inputPredicate, settingPredicate,
		signedPredicate, signedByPredicate, signedAtPredicate, distinctPersonsPredicate, gradeAbovePredicate,
		intactPredicate, checkedPredicate, aboutPatientPredicate, referencePredicate, labelMatchesPatientPredicate,
		notExpiredPredicate, youngerThanPredicate, followedForPredicate,
		consentCoversPredicate, namedInContractPredicate, inTeamAsPredicate, topicsPredicate,
		validatedPredicate, validatedForDesignPredicate, securityCertifiedPredicate, madeInTimePredicate,
		withinPredicate, resolutionPredicate, judgedPredicate, verdictCurrentPredicate,
		fitsPredicate, imagedPredicate, inspectsPredicate, answersPredicate, recordedPredicate, inOrderPredicate, verificationPredicate,
		levelPredicate, componentsPredicate, differencePredicate, medianOfThreePredicate, derivedFromEachPredicate,
		listsPredicate, plannedForPredicate, followedToEndPredicate, afterUsePredicate, notBelowReferencePredicate,
		anewPredicate, discussedPredicate, followsPriorPredicate, validNoLongerThanPredicate,
		conformsPredicate, ageAgreesPredicate, sectionsPredicate, parametersPredicate, tracesPredicate, operationsPredicate, custodyPredicate,
	}
}

// environment is what the expressions of plans are compiled against.
var environment = sync.OnceValue(func() *fhirpath.Env {
	env := &fhirpath.Env{
		Model:     model(),
		Functions: map[string]fhirpath.Function{},
		Vars:      map[string]string{"patient": "System.String", "hospital": "System.String", "clinician": "System.String", "terms": "System.String"},
	}
	for _, f := range predicates() {
		env.Functions[f.Name] = f
	}
	return env
})

// evaluation is what predicates get in Context.Data: the case, and a place to
// say in words why they say no.
type evaluation struct {
	*view
	notes []note
}

type note struct{ english, chinese string }

// because adds a reason to the text of the condition.
func (e *evaluation) because(english, chinese string) {
	for _, n := range e.notes {
		if n.english == english {
			return
		}
	}
	if len(e.notes) < 10 {
		e.notes = append(e.notes, note{english, chinese})
	}
}

var errNoCase = errors.New("the predicate needs a case")

// question is the body of a predicate.
type question func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error)

// predicate makes a function for FHIRPath whose parameters are all strings.
func predicate(name string, params int, result string, ask question) fhirpath.Function {
	f := fhirpath.Function{Name: name, Result: result}
	for range params {
		f.Params = append(f.Params, "string")
	}
	f.Call = func(ctx *fhirpath.Context, focus fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
		e, ok := ctx.Data.(*evaluation)
		if !ok {
			return nil, errNoCase
		}
		words := make([]string, len(args))
		for i, a := range args {
			if len(a) > 0 {
				words[i] = a[0].Str()
			}
		}
		return ask(e, focus, words)
	}
	return f
}

// every makes a predicate on each resource or reference of its input: all must
// answer yes, and there must be one. An empty input is empty, hence unmet.
func every(name string, params int, holds func(e *evaluation, r *Resource, args []string) bool) fhirpath.Function {
	return predicate(name, params, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
		all := true
		for _, item := range focus {
			r := e.resourceOf(item)
			if r == nil {
				e.because("A reference leads to nothing that the case holds.", "所引用的资源不在病例中。")
			}
			if r == nil || !holds(e, r, args) {
				all = false
			}
		}
		if len(focus) == 0 {
			return nil, nil
		}
		return yes(all), nil
	})
}

// resourceOf finds the resource that a value is or refers to.
func (v *view) resourceOf(item fhirpath.Value) *Resource {
	n, ok := item.Node()
	if !ok {
		return v.byRef[cleanReference(item.Str())]
	}
	if r, ok := v.byDoc[n.Doc()]; ok && n.ID() == r.Root.ID() {
		return r
	}
	return v.byRef[referenceOf(n)]
}

func yes(b bool) fhirpath.Collection { return fhirpath.Collection{fhirpath.Boolean(b)} }

// collect makes a collection of resources.
func collect(rs []*Resource) fhirpath.Collection {
	var c fhirpath.Collection
	for _, r := range rs {
		c = append(c, fhirpath.Element(r.Root, model().Type(r.Type), treeNone))
	}
	return c
}
