// Package validate judges a resource against the definitions of its type, of
// the profiles that it claims or that the caller asks for, and of its
// extensions.
//
// Without a library a Set judges the shape alone, in one walk over the element
// tree: unknown and repeated properties, arrays and single values, cardinality,
// the grammar and range of primitives, the alignment of _x siblings, choice
// types, reference targets, required codes, ele-1 and ext-1, narrative that is
// not safe to show. Each type is compiled once into a plan.
//
// With a library (WithLibrary) the same walk judges invariants, bindings,
// extensions (definition, context, modifier or not), contained resources and the
// rules of prose (package rules, package questionnaire). Then each profile is
// judged by a tree of what it adds to the base: cardinality, fixed and pattern
// values, types and their profiles, targets of references with aggregation,
// slicing by value, pattern, existence, type and profile, bindings, bounds,
// invariants. What a profile only repeats costs nothing.
//
//	Set ── typePlan per type ── property per JSON property      walk.go, compile.go
//	    ── profile per StructureDefinition ── element tree      profile.go, read.go, say.go
//	                                       ── slicing, criteria slicing.go, criterion.go, match.go
//	    ── invariant per constraint ── FHIRPath or Go           invariant.go, native.go
//
// Severities. An error is what makes the resource refused: a broken rule of the
// base or of a profile, a code out of a required or maximum value set, a code
// that a known code system does not have, a display that is not the code's
// (Options.WrongDisplay), an unknown modifier extension. A warning is what may
// be right: a code out of an extensible value set, a profile, extension, code
// system or questionnaire that is not known here, an invariant that the standard
// calls a warning or that could not be judged (it never passes in silence), text
// that looks like HTML. Best practices are left unsaid unless
// Options.BestPractice gives them a weight.
//
// The path of an issue leads to an element that is there: what is missing,
// unknown or too many is told of at its parent, what is wrong with a reference
// at the Reference.
//
// Everything is bounded: issues, the work of one walk by the size of its
// document, the steps of each invariant, the elements and the depth of a
// profile; circles of profiles and references end. The package never changes the
// tree, never fetches, never asks whether a reference's target exists, reads no
// clock (Options.Now), and keeps nothing but what it compiled of its definitions
// and a fixed number of answers about codes.
//
//   - https://hl7.org/fhir/R4/validation.html
//   - https://hl7.org/fhir/R4/profiling.html
//   - https://hl7.org/fhir/R4/json.html
//   - https://hl7.org/fhir/R4/datatypes.html
//   - https://hl7.org/fhir/R4/references.html
package validate
