package rules

// https://hl7.org/fhir/R4/provenance.html

import (
	"fmt"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// compareInstants orders two times with zone; ok is false when one is none.
func compareInstants(a, b string) (order int, ok bool) {
	x, errX := time.Parse(time.RFC3339Nano, a)
	y, errY := time.Parse(time.RFC3339Nano, b)
	return x.Compare(y), errX == nil && errY == nil
}

// provenanceRule warns of an activity that was recorded before it began.
func provenanceRule(c *Context, n tree.Node) {
	began := text(n, "occurredDateTime")
	if began == "" {
		began = text(n.Field("occurredPeriod"), "start")
	}
	if order, ok := compareInstants(text(n, "recorded"), began); ok && order < 0 {
		c.warn(".recorded", issue.Value, "provenance-recorded",
			fmt.Sprintf("found %s, which is before the activity began (%s)", issue.Quote(text(n, "recorded")), issue.Quote(began)),
			fmt.Sprintf("记录时间 %s 早于活动开始时间 %s", issue.Quote(text(n, "recorded")), issue.Quote(began)))
	}
}
