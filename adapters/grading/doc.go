// Package grading classifies and grades data: what category an element is of,
// how confidential (L1–L5), how harmful a change of it would be (Q1–Q4). It
// also makes the copies that may leave the hospital (FollowUpExport).
//
// A grade is computed from a versioned table of elements and a versioned file
// of rules, both embedded; the same input and table give the same grade, with
// the trail that led to it. An element that the table does not know counts as
// health data that could point to a person.
//
//	resource → elements → row (or default) → I, S, OR, PB, NS, Q
//	         → level and integrity of each (§3.2, §3.3) → highest (U1), joined (U2)
//
// The room decides and copies; it never stores, sends or logs anything, and it
// never lowers the grade of an original.
//
// Section numbers (§) are those of the project's grading scheme.
package grading
