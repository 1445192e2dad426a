// Package search understands FHIR search: it reads a query into a plan, and a
// resource into the index rows that the plan is run against. Both sides use the
// same rules for case, accents, partial dates, precision and units, so that
// what is indexed can be found.
//
//	resource ─ Index ─→ Rows ─┐
//	                          ├─ the store joins them
//	query    ─ Parse ─→ Plan ─┘
//
// Every alias of a plan (root, chain, _has, include) carries the caller's reach
// (design law 4). What the room does not support it refuses by name; it never
// leaves a condition out in silence. It performs no I/O and knows no SQL.
//
// https://hl7.org/fhir/R4/search.html
package search
