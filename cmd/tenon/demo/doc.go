// Package demo tells one whole case of a device made for one patient, from the
// agreement to the feedback, on a server that it starts itself. It goes through
// the public doors alone (FHIR, DICOMweb, the MES webhook), so it is also the
// example from which an integrator learns what to send:
//
//	sNN_….go     the stages in their order: which resources, which signatures
//	course.go    the protocol that every stage follows
//	refused.go   a request that the server must refuse, and how it says so
//	client.go    one HTTP client with an expectation for every answer
//	resource.go  how the resources are written
//
// Every line that it prints is made from an answer. The first answer that it
// does not expect ends the story with an error.
//
// It never reaches into the server: what it does beside HTTP is what an operator
// does on the command line (start, issue tokens and keys, write the trust file).
package demo
