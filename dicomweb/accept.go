package dicomweb

import (
	"net/http"

	"tenon/fhir/issue"
)

const (
	dicomJSON   = "application/dicom+json"
	octetStream = "application/octet-stream"
)

// wantsJSON tells whether DICOM JSON may be answered. XML (PS3.19) is not
// written here.
func wantsJSON(r *request) bool {
	for _, m := range accepted(r.Request) {
		if m.covers(dicomJSON) || m.name == "application/json" {
			return true
		}
	}
	return false
}

func notAcceptable(text string) error {
	return issue.Errorf(issue.NotSupported, "Nothing in Accept can be answered: %s.", text).At("Accept").
		Rule("not-acceptable").WithStatus(http.StatusNotAcceptable)
}

// ignore drops the error of a client that went away while it was written to:
// there is nobody left to tell.
func ignore(error) error { return nil }
