// Package schema holds the metadata of FHIR R4 in memory: types with their
// elements, cardinality, choices, bindings and invariants; search parameters;
// compartments; the codes of required value sets.
//
// Definitions is the plain form that a generator writes and Encode and Decode
// carry; Model is the same, linked for use. A Model is immutable and safe for
// any number of goroutines. The package reads no file and fetches nothing.
//
// https://hl7.org/fhir/R4/structuredefinition.html
package schema
