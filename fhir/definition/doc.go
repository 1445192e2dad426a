// Package definition keeps conformance resources (StructureDefinition,
// ValueSet, CodeSystem, ConceptMap, SearchParameter, Questionnaire …) by their
// canonical URL. A Library is immutable: adding a definition makes another
// library that shares the rest, so that whoever compiled something of one can
// go on with it while the next is being made.
//
// It judges nothing, opens nothing, and keeps no parsed tree: a resource gives
// its bytes when they are asked for, so that thousands of embedded definitions
// cost their index only.
//
// https://hl7.org/fhir/R4/references.html#canonical
package definition
