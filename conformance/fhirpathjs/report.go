package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

func (r *comparison) print(w io.Writer) {
	fmt.Fprintf(w, "# FHIRPath beside fhirpath.js\n\n%s, fhirpath.js %s, all resources of hl7.fhir.r4.examples@4.0.1: make fhirpath-diff.\n\n", r.began.Format("2006-01-02"), r.other.version)
	fmt.Fprintf(w, "**%d resources, %d comparisons, %d differ: %.3f %%** (%v).\n\n", r.files, r.compared, r.differ, percent(r.differ, r.compared), r.took.Round(1e9))
	for _, kind := range slices.Sorted(maps.Keys(r.kinds)) {
		n := r.kinds[kind]
		fmt.Fprintf(w, "- %s: %d compared, %d differ (%.3f %%)\n", kind, n[0], n[1], percent(n[1], n[0]))
	}
	fmt.Fprint(w, `
A comparison is one expression on one resource (search parameters) or on one
element (invariants, of elements in contained resources and Bundle entries too),
and compares the whole result. Not compared, because the other engine cannot be
given them: a number as the focus, a primitive with its sibling, and in resources
within resources what uses %resource. References are typed by their text on both
sides. Three regular expressions are given to the other engine without escapes
that its dialect refuses (reason.go).
`)
	groups := slices.SortedFunc(maps.Values(r.groups), func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.reason, b.reason))
	})
	for _, g := range groups {
		names := slices.Sorted(maps.Keys(g.names))
		if len(names) > 12 {
			names = append(names[:12], "…")
		}
		fmt.Fprintf(w, "\n## %d × %s\n\n%s\n\nFirst: %s\n", g.count, g.reason, strings.Join(names, ", "), g.example)
	}
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }
