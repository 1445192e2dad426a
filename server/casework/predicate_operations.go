package casework

import (
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
)

// operations('print cleaning') says that every one of these operations is
// recorded: a Task of code urn:tenon:operation, completed, that is part of the
// current production Task.
var operationsPredicate = predicate("operations", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	var missing []string
	for _, code := range strings.Fields(args[0]) {
		if !slices.ContainsFunc(e.operations(), func(r *Resource) bool {
			return hasCode(r.Root.Field("code"), systemOperation, code) && r.Root.Field("status").Str() == "completed"
		}) {
			missing = append(missing, code)
		}
	}
	if len(missing) > 0 {
		list := strings.Join(missing, ", ")
		e.because("Not recorded as completed: "+list+".", "未记录完成："+list+"。")
	}
	return yes(len(missing) == 0), nil
})

// operations are the Tasks that are part of the current Task of a stage.
func (v *view) operations() []*Resource {
	var all []*Resource
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if r.Type != "Task" || codeOf(r.Root.Field("code"), systemOperation) == "" {
			continue
		}
		if stage := v.stageOfOperation(r); stage != "" {
			all = append(all, r)
		}
	}
	return all
}

// stageOfOperation is the stage whose current Task an operation is part of.
func (v *view) stageOfOperation(r *Resource) string {
	for _, parent := range referencesOf(r.Root.Field("partOf")) {
		for code := range v.tasks {
			if task := v.current(code); task != nil && task.Ref() == parent {
				return code
			}
		}
	}
	return ""
}
