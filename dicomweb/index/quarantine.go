package index

import (
	"context"
	"time"
)

// States of what is in quarantine.
const (
	Waiting  = "held"     // its bytes are kept, apart from every patient
	Released = "released" // stored for Patient
	Rejected = "rejected" // its bytes are given up

	Hidden   = "hidden"   // a rejection note hides it; its bytes are kept
	Restored = "restored" // it is stored again
	NoteKept = "note"     // a rejection note, which hides others
	Revoked  = "revoked"  // a rejection note that hides nothing any more

	Corrected = "corrected" // a file as it was before a correction; its bytes are kept
)

// Held is an instance that arrived with a Patient ID which identifies nobody whom
// its sender reaches. It is no part of the index: no query or retrieval finds it.
type Held struct {
	ID           string    `json:"id"`
	State        string    `json:"state"`
	Organization string    `json:"-"` // of the sender, whose people judge it
	Digest       [32]byte  `json:"-"` // SHA-256 of the file
	Received     time.Time `json:"received"`

	Size      int64  `json:"size"`
	Study     string `json:"study"`
	Series    string `json:"series"`
	Instance  string `json:"instance"`
	SOPClass  string `json:"sopClass"`
	PatientID string `json:"patientID,omitempty"` // as in the file, like the rest
	Name      string `json:"patientName,omitempty"`
	BirthDate string `json:"patientBirthDate,omitempty"`
	Sex       string `json:"patientSex,omitempty"`
	Accession string `json:"accessionNumber,omitempty"`
	Modality  string `json:"modality,omitempty"`
	Date      string `json:"studyDate,omitempty"`
	Sender    string `json:"sender"` // principal
	Door      string `json:"door"`
	Reason    string `json:"reason"` // why nobody could be told

	Patient  string     `json:"patient,omitempty"` // whom it was released to
	Judge    string     `json:"judge,omitempty"`   // principal that released or rejected it
	Judged   *time.Time `json:"judged,omitempty"`
	Note     string     `json:"note,omitempty"` // why; of what is hidden the UID of the note
	Code     string     `json:"code,omitempty"` // title of a rejection note (DCM)
	Previous string     `json:"-"`              // State that the row must have before; "": it is new
}

// Quarantine lists what is kept apart. Rows are written as door rows (*Held) of a
// unit; a row whose Previous state no longer holds makes the unit stale. A row
// that becomes Rejected gives up the need of its content.
type Quarantine interface {
	// Quarantined lists rows in a state by time of arrival and id: those of an
	// organisation, or of all ("").
	Quarantined(ctx context.Context, state, organization string, limit, offset int) ([]*Held, error)
	// Held finds one; nil: there is none.
	Held(ctx context.Context, id string) (*Held, error)
	// HeldOf finds those of a list that are there.
	HeldOf(ctx context.Context, ids []string) ([]*Held, error)
}
