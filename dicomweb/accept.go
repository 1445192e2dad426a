package dicomweb

import (
	"net/http"
	"net/url"
	"strings"

	"tenon/fhir/issue"
)

const (
	dicomJSON   = "application/dicom+json"
	dicomXML    = "application/dicom+xml"
	octetStream = "application/octet-stream"
	archiveZIP  = "application/zip"
)

// model is how data sets are written for a client.
type model uint8

const (
	noModel model = iota
	jsonModel
	xmlModel // PS3.19; one part of a multipart answer for each data set
)

// wantedModel finds the first range that a data set can be written in.
func wantedModel(r *request) model {
	for _, m := range accepted(r.Request) {
		part := m
		if m.isMultipart() {
			part = m.part()
		}
		switch {
		case part.covers(dicomJSON) && (!m.isMultipart() || part.name == dicomJSON), m.name == "application/json":
			return jsonModel
		case part.name == dicomXML, part.name == "application/xml", part.name == "text/xml", m.isMultipart() && part.covers(dicomXML):
			return xmlModel
		}
	}
	return noModel
}

// divideQuery takes the accept parameters out of a query string. Their semicolons
// are often sent as they are, which url.ParseQuery refuses, and their plus signs
// mean themselves.
func divideQuery(raw string) (accept []string, rest string) {
	var others []string
	for pair := range strings.SplitSeq(raw, "&") {
		value, ok := strings.CutPrefix(pair, "accept=")
		if !ok {
			others = append(others, pair)
			continue
		}
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		accept = append(accept, strings.ReplaceAll(value, ";+", ";"))
	}
	return accept, strings.Join(others, "&")
}

func notAcceptable(text string) error {
	return issue.Errorf(issue.NotSupported, "Nothing in Accept can be answered: %s.", text).At("Accept").
		Rule("not-acceptable").WithStatus(http.StatusNotAcceptable)
}

// ignore drops the error of a client that went away while it was written to:
// there is nobody left to tell.
func ignore(error) error { return nil }
