package record

import (
	"time"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/ledger"
	"tenon/server/search"
)

// Unit is everything that one accepted request writes, prepared outside any
// database transaction. Store.Commit writes all of it or nothing (design law 2).
type Unit struct {
	Tenant string
	At     time.Time
	Reads  ReadSet

	Versions   []Version
	Members    []Member
	Grants     []CaseGrants
	Cases      []string // root Task ids whose revision this unit advances
	Signatures []CaseSignature
	Blobs      []BlobRow
	Leaves     []ledger.Leaf
	Audit      []Audit
	Outbox     []dispatch.Message
	Keys       []Key
	Rows       []any // rows of a door (DICOM index); the store knows their types
}

// ReadSet is what the preparation relied on. If any of it no longer holds at
// commit, the store answers ErrStale and the preparation runs again.
type ReadSet struct {
	Versions    []VersionRead
	Cases       []CaseRead
	Matches     []MatchRead
	Definitions int64 // revision of definitions, 0: not read
}

type (
	// VersionRead says which version was current; 0 means that none existed.
	VersionRead struct {
		Type, ID string
		Version  int64
	}
	// CaseRead says at which revision the case was judged. The store locks the
	// heads of all cases in the read set in the order of their ids.
	CaseRead struct {
		Case     string
		Revision int64
	}
	// MatchRead says what a conditional interaction found. Two units whose
	// plans could see each other's result must not both commit: the store runs
	// the plan again under a lock on Lock. Without a Plan the lock is all: what is
	// written waits for who relies on it.
	MatchRead struct {
		Plan  *search.Plan
		Found []string // ids in any order
		Lock  string   // type and criteria
	}
)

// Version is one version of one resource.
type Version struct {
	Type, ID  string
	Version   int64 // 1, 2, …
	Updated   time.Time
	Deleted   bool
	Method    string   // POST, PUT, PATCH, DELETE: for Bundle.entry.request of the history
	Body      []byte   // stored bytes, with id and meta; empty when Deleted
	Digest    [32]byte // SHA-256 of Body
	Salt      [16]byte // of its leaf
	Owner     string   // organisation of the author, "" for the server
	Author    string   // principal
	Patient   string   // "Patient/x" that it is about, or ""
	Level     access.Level
	Integrity uint8  // Q1–Q4 of grading.md §2.2
	Grading   string // version of the rule table that gave Level and Integrity
	// Part is the lowest level to which the version may be shown in part; 0: whole or
	// not at all.
	Part access.Level
	// Shown is set where this is a part: the level above which the Store has left
	// elements out of Body; Level and Integrity are those of the part, Digest is that
	// of the whole.
	Shown access.Level
	Blob  string // hex SHA-256 of the content of a Binary, or ""
	Rows  search.Rows
}

type (
	// Member makes a resource part of a case; it is never taken back.
	Member struct{ Case, Type, ID string }
	// CaseGrants replaces the access table of a case.
	CaseGrants struct {
		Case   string
		Grants []casework.Grant
	}
	// CaseSignature adds a signature to a case, or, with an empty one, to a plan.
	CaseSignature struct {
		Case string
		casework.Signature
	}
	// BlobRow says that a version or instance needs a blob.
	BlobRow struct {
		Digest [32]byte
		Size   int64
	}
	// Key makes a message from a machine count once; a second one with the same
	// digest is answered with Ref, one with another digest is refused.
	Key struct {
		Door, Key string
		Digest    [32]byte
		Ref       string
	}
)

// Audit is one compact audit row; it is rendered as an AuditEvent (IHE BALP)
// when somebody asks for it.
type Audit struct {
	At           time.Time
	RequestID    string
	Principal    string
	Organization string
	Door         string // fhir, dicomweb, mes, cli
	Action       string // C R U D E (AuditEvent.action)
	Operation    string // read, search-type, create, sign, stow …
	Entity       string // "Patient/1/_history/2" or the query with values removed
	Patient      string // "Patient/1" or ""
	Case         string
	Outcome      int    // HTTP status
	App          string // client id of the app between, or ""
	Purpose      string // of use, BTG; "" for the usual
	Address      string // of the client in the network, "" where there is none
}
