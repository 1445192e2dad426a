// Package fhir is the language of FHIR R4 without any I/O. Its rooms:
//
//	issue          one error language: the OperationOutcome issue
//	tree           the strict JSON arena that everything else walks
//	xml            XML into that tree and out of it
//	schema         the type metadata, search parameters and compartments of R4
//	ucum           units of measure
//	fhirpath       expressions compiled against schema, run on tree
//	definition     conformance resources by canonical URL
//	ig             packages of them
//	terminology    questions about codes
//	snapshot       the whole of a profile of its differential
//	rules          what the specification says of single types in prose
//	questionnaire  a response by its questionnaire
//	validate       all of that in one walk
//
// None of them opens a file or a connection, reads a clock, or knows a door.
// The definitions themselves live in profiles and are handed in.
package fhir
