package casework

import "tenon/fhir/fhirpath"

// Ask evaluates an expression as a condition of the plan would be, and gives the
// reasons that predicates told.
func (e *Engine) Ask(s *Snapshot, expression string) (result fhirpath.Collection, reasons []string, err error) {
	plan, err := e.planOf(s)
	if err != nil {
		return nil, nil, err
	}
	expr, err := fhirpath.Compile(expression, environment())
	if err != nil {
		return nil, nil, err
	}
	v := newView(s, plan)
	told := &evaluation{view: v}
	result, err = expr.Eval(&fhirpath.Context{Now: s.Now, Resolve: v.resolve, Vars: v.vars(), Data: told}, v.focus...)
	for _, n := range told.notes {
		reasons = append(reasons, n.english, n.chinese)
	}
	return result, reasons, err
}
