package casework

import "tenon/fhir/fhirpath"

// within('key-dimension-tolerance') says that each value of its input (a Quantity,
// a Range, a number in the limit's unit, or what bears one: an Observation, a
// component) lies within the limit of that id. Without an interval, or without
// a value to judge, the answer is empty: not evaluated. A value that is there
// but without a unit of UCUM, or too vague ("> 5"), is not within.
var withinPredicate = predicate("within", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	l, ok := e.limit(args[0])
	if !ok || len(focus) == 0 {
		return nil, nil
	}
	if !l.bounds.configured() {
		e.because("The limit "+l.id+" is not configured.", "限值 "+l.id+" 未配置。")
		return nil, nil
	}
	all := true
	for _, item := range focus {
		f, fault := figureOfItem(item)
		if fault.english != "" {
			e.because("For the limit "+l.id+" "+fault.english+".", "限值 "+l.id+"："+fault.chinese+"。")
			all = false
			continue
		}
		if v, why := l.judge(f); v != conform {
			e.because(why.english, why.chinese)
			all = false
		}
	}
	return yes(all), nil
})

// resolution('key-dimension-resolution') says that each value of its input was
// written down to at least that step: 12.3 mm is written to 0.1 mm. How fine a
// value is written is another figure than how far it may be off.
var resolutionPredicate = predicate("resolution", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	l, ok := e.limit(args[0])
	if !ok || len(focus) == 0 || !l.bounds.configured() {
		return nil, nil
	}
	all := true
	for _, item := range focus {
		f, fault := figureOfItem(item)
		why := fault
		if fault.english == "" {
			var v verdict
			if v, why = l.judge(f.resolution()); v == conform {
				continue
			}
		}
		e.because(why.english, why.chinese)
		all = false
	}
	return yes(all), nil
})
