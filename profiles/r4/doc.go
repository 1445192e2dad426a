// Package r4 embeds FHIR R4 (4.0.1): the base model of every data and resource
// type, search parameter, compartment and listable required value set, and the
// library of all conformance resources of R4 and of HL7 Terminology 7.0.1.
//
// definitions.json.gz, library.tsv and library.bin are made by generate from
// the npm packages hl7.fhir.r4.examples@4.0.1 (which despite its name holds the
// definitions of hl7.fhir.r4.core too; CC0) and hl7.terminology.r4@7.0.1 (CC0).
// Building and testing need no package: to make the files anew, unpack both
// somewhere and run
//
//	TENON_R4_PACKAGE=…/package TENON_THO_PACKAGE=…/package go generate ./profiles/r4
//
// The model is decoded once, on first use; of the library the index is read
// then, and a resource is inflated whenever it is asked for. Neither changes.
//
// The library leaves out examples, narratives, mappings, contacts and what
// only the publishing tool reads. Where R4 and HL7 Terminology publish the same
// URL, both are there by version, and HL7 Terminology's is what the bare URL
// means, but for the code systems from which it took codes away. What generate
// corrects in the publications stands in its errata.go.
package r4
