// Package validate judges a resource against the definitions of its type. Each
// type is compiled once into a plan; one walk over the element tree then tells
// every fault: unknown and repeated properties, arrays and single values,
// cardinality, the grammar and range of primitives, the alignment of _x
// siblings, choice types, reference targets, required codes, ele-1 and ext-1,
// narrative that is not safe to show.
//
// It never changes the tree, never fetches, never asks whether a reference's
// target exists, and uses neither reflection nor regular expressions. Profiles
// and FHIRPath invariants are not judged here yet.
//
//   - https://hl7.org/fhir/R4/json.html
//   - https://hl7.org/fhir/R4/datatypes.html
//   - https://hl7.org/fhir/R4/references.html
package validate
