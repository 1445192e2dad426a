// Package r4 embeds the base definitions of FHIR R4 (4.0.1): every data and
// resource type, search parameter, compartment and listable required value set.
//
// definitions.json.gz is made by generate from the npm package
// hl7.fhir.r4.examples@4.0.1 (CC0), which despite its name holds the
// definitions too. Building and testing need no package: to make the file
// anew, unpack the package somewhere and run
//
//	TENON_R4_PACKAGE=…/package go generate ./profiles/r4
//
// The package decodes the file once, on first use, and never changes it.
package r4
