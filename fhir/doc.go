// Package fhir is the language of FHIR R4 without any I/O. Its rooms:
//
//	issue     one error language: the OperationOutcome issue
//	tree      the strict JSON arena that everything else walks
//	schema    the type metadata, search parameters and compartments of R4
//	fhirpath  expressions compiled against schema, run on tree
//	validate  types compiled into plans that judge a tree in one walk
//
// None of them opens a file or a connection, reads a clock, or knows a door.
// The definitions themselves live in profiles and are handed in.
package fhir
