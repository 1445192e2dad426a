package casework

import (
	"fmt"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

var treeNone tree.Node

// stage('S08') is the current Task of a stage: the one that no other supersedes.
var stagePredicate = predicate("stage", 1, "", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	if task := e.current(args[0]); task != nil {
		return collect([]*Resource{task}), nil
	}
	return nil, nil
})

// completed('S08') says that the stage and every stage before it is completed,
// and none of them was opened anew since.
var completedPredicate = predicate("completed", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	return yes(e.doneOrSay(args[0])), nil
})

// completedAll('S01 S02') says it of each.
var completedAllPredicate = predicate("completedAll", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	all := true
	for _, code := range strings.Fields(args[0]) {
		if !e.doneOrSay(code) {
			all = false
		}
	}
	return yes(all), nil
})

func (e *evaluation) doneOrSay(code string) bool {
	done := e.completed(code)
	if !done {
		e.because(fmt.Sprintf("%s is not completed.", code), fmt.Sprintf("%s 尚未完成。", code))
	}
	return done
}

// output('S08', 'design-model') are the documents that the current Task of the
// stage names as output of that type; input() those that it takes.
var (
	outputPredicate = documentPredicate("output")
	inputPredicate  = documentPredicate("input")
)

func documentPredicate(element string) fhirpath.Function {
	return predicate(element, 2, "", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
		found := e.documents(element, args[0], args[1])
		if len(found) == 0 {
			e.because(fmt.Sprintf("%s has no %s %s.", args[0], element, args[1]), fmt.Sprintf("%s 缺少 %s。", args[0], args[1]))
		}
		return collect(found), nil
	})
}

// setting('retained-samples') is a figure fixed when the case was opened.
var settingPredicate = predicate("setting", 1, "", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	n := e.setting(args[0])
	if !n.Exists() {
		return nil, nil
	}
	typ := "Duration"
	if n.Kind() == tree.Number {
		typ = "integer"
	}
	return fhirpath.Collection{fhirpath.Element(n, model().Type(typ), treeNone)}, nil
})
