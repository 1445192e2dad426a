package dicomweb

import (
	"errors"

	"tenon/dicomweb/dicom"
	"tenon/fhir/issue"
)

// Reasons of the Store Instances Response Module.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#table_I.2-2
const (
	reasonResources   = 0xA700 // refused: out of resources
	reasonPatient     = 0xA900 // data set does not match: another patient, another study
	reasonStudy       = 0xA901 // data set does not match the study of the URL
	reasonUnreadable  = 0xC000 // cannot understand
	reasonSyntax      = 0xC122 // transfer syntax not supported
	reasonProcessing  = 0x0110 // processing failure
	reasonNotAllowed  = 0x0124 // not authorized
	reasonOtherBytes  = 45070  // the UID is stored with other bytes
	warningSuspicious = 0xB007 // data set does not match SOP class: a value is not what it should be
)

// refusal says why one instance is not stored: the reason code, and a text that
// goes into the Error Comment.
type refusal struct {
	reason int
	text   string
}

func (r *refusal) Error() string { return r.text }

// refusalOf turns the error of one part into its refusal; nil means that the
// error is no fault of the part.
func refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if f := dicom.AsFault(err); f != nil {
		switch f.Reason {
		case dicom.TooLarge:
			return &refusal{reasonResources, f.Error()}
		case dicom.Unsupported:
			return &refusal{reasonSyntax, f.Error()}
		default:
			return &refusal{reasonUnreadable, f.Error()}
		}
	}
	f := issue.As(err)
	if f == nil || len(f.Issues) == 0 {
		return nil
	}
	switch f.Issues[0].Type {
	case issue.TooLong, issue.TooCostly:
		return &refusal{reasonResources, f.Error()}
	case issue.Forbidden, issue.NotFound:
		return &refusal{reasonNotAllowed, f.Error()}
	case issue.Exception, issue.Transient, issue.Throttled:
		return nil
	}
	return &refusal{reasonProcessing, f.Error()}
}
