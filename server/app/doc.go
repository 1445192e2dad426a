// Package app wires the rooms together; it is the only one that knows them all.
//
//	config → store, blobs, keys → record → doors {fhir, dicomweb, adapters, web}
//	                                 └→ background {sequencer, outbox}
package app
