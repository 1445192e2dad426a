// Package rest is the FHIR HTTP door: it parses a request, hands it to the
// recorder, and renders the answer. One file is one interaction or operation,
// headed by the address of its specification.
//
//	request → negotiate → who → [interaction] → record → headers → body
//	                                  │
//	                                error → OperationOutcome, once, in answer.go
//
// It knows no SQL, decides nothing about access, and never decodes a resource
// into structs: bodies are passed on and stored bytes are spliced into bundles.
//
// https://hl7.org/fhir/R4/http.html
package rest
