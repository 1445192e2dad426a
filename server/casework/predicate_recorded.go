package casework

import (
	"fmt"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
)

// recorded() says that the operations of production recorded every parameter
// that the processes of its input ask for (extension process-parameter: code,
// operation, validated window), and that each value lies in its window (clauses
// 5.4.3, 6.2.2).
var recordedPredicate = predicate("recorded", 0, "boolean", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	asked := 0
	all := true
	for _, item := range focus {
		process := e.resourceOf(item)
		if process == nil {
			e.because("The process is not at hand.", "未找到工艺定义。")
			return yes(false), nil
		}
		for _, ext := range extensions(process.Root, extensionPrefix+"process-parameter") {
			asked++
			window, _ := figureOf(valueOf(extension(ext, "window"))) // none: recorded is enough
			if !e.recorded(part(ext, "operation"), asLimit(part(ext, "code"), window)) {
				all = false
			}
		}
	}
	if asked == 0 {
		return nil, nil
	}
	return yes(all), nil
})

// recorded looks for a parameter in the completed operations; every value that
// was recorded must lie in the window.
func (e *evaluation) recorded(operation string, window *limit) bool {
	found := false
	for _, r := range e.operations() {
		if r.Root.Field("status").Str() != "completed" || operation != "" && !hasCode(r.Root.Field("code"), systemOperation, operation) {
			continue
		}
		for in := range r.Root.Field("input").Items() {
			if !hasCode(in.Field("type"), "urn:tenon:process-parameter", window.id) {
				continue
			}
			value, ok := sound(in.Field("valueQuantity"))
			if !ok {
				continue
			}
			found = true
			if !window.bounds.configured() {
				continue
			}
			if v, why := window.judge(value); v != conform {
				e.because(r.Ref()+": "+why.english, r.Ref()+"："+why.chinese)
				return false
			}
		}
	}
	if !found {
		e.because(fmt.Sprintf("The parameter %s was not recorded.", window.id), fmt.Sprintf("工艺参数 %s 未记录。", window.id))
	}
	return found
}

// inOrder('print warehouse-in warehouse-out') says that each of these operations
// of production ended no earlier than the one before it.
var inOrderPredicate = predicate("inOrder", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	var last time.Time
	for _, code := range strings.Fields(args[0]) {
		at := e.lastEnd(code)
		if at.IsZero() {
			e.because(fmt.Sprintf("The operation %s has no end.", code), fmt.Sprintf("工序 %s 未注明结束时间。", code))
			return yes(false), nil
		}
		if at.Before(last) || at.After(e.s.Now) {
			e.because(fmt.Sprintf("The operation %s is out of order in time.", code), fmt.Sprintf("工序 %s 时间顺序有误。", code))
			return yes(false), nil
		}
		last = at
	}
	return yes(true), nil
})

// lastEnd is when an operation was last completed.
func (e *evaluation) lastEnd(code string) time.Time {
	var last time.Time
	for _, r := range e.operations() {
		if r.Root.Field("status").Str() != "completed" || !hasCode(r.Root.Field("code"), systemOperation, code) {
			continue
		}
		if end, _, ok := span(r.Root.Path("executionPeriod", "end").Str()); ok && end.After(last) {
			last = end
		}
	}
	return last
}

// verification() are the VerificationResults about each person, machine,
// software, material or process of its input.
var verificationPredicate = predicate("verification", 0, "", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	var found []*Resource
	for _, item := range focus {
		found = append(found, e.verified[e.refOf(item)]...)
	}
	return collect(found), nil
})
