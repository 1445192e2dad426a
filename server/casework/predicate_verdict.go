package casework

import "tenon/fhir/fhirpath"

// verdictCurrent('S15') says that the verdict which the server stored when the
// stage was completed rests on the versions that are current: a later change of an
// input makes it stale, and the stage is judged anew.
var verdictCurrentPredicate = predicate("verdictCurrent", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	stored := e.storedVerdict(args[0])
	if stored == nil {
		e.because("The server stored no verdict of "+args[0]+".", "系统未存有 "+args[0]+" 的判定。")
		return yes(false), nil
	}
	changed := e.changedSince(stored)
	for _, n := range changed {
		e.because(n.english, n.chinese)
	}
	if len(changed) > 0 {
		e.because("The verdict is stale: judge anew ("+args[0]+").", "判定已过时，须重新判定（"+args[0]+"）。")
	}
	return yes(len(changed) == 0), nil
})
