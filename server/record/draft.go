package record

import (
	"tenon/fhir/issue"
)

// Draft is what a door asks to write: one operation or many that commit
// together. The order of Ops is kept for the answer.
type Draft struct {
	Door      string // fhir, dicomweb, mes, cli
	Operation string // create, transaction, stow … for the audit
	Ops       []Op
	Rows      []any // door rows, committed in the same unit
	Blobs     []BlobRow
	Keys      []Key // idempotency keys of machine doors
}

// Op is one interaction on one resource.
// https://hl7.org/fhir/R4/http.html
type Op struct {
	Method      string // POST, PUT, PATCH, DELETE
	Type, ID    string // ID is empty for POST
	Body        []byte // resource as JSON; for PATCH the document of the patch
	Format      string // of a patch: JSONPatch (also ""), MergePatch or PathPatch
	FullURL     string // of a transaction entry: urn:uuid:… that others refer to
	IfMatch     string // version id without W/"", "*" for any, or ""
	IfNoneMatch string // "*": there must be nothing yet, or ""
	IfNoneExist string // search query of a conditional create, or ""
	Criteria    string // search query of a conditional update or delete, or ""
	Blob        *BlobRow
	// Sheds says that the write takes something away that others may rely on: it is
	// judged like a delete where the resource belongs to a case or is referred to.
	Sheds bool
}

// Outcome answers a draft: one result an operation, in the same order.
type Outcome struct {
	Results []Result
	// Repeat is the reference that an idempotency key of the draft was answered
	// with before; then nothing was written and Results is empty.
	Repeat string
}

// Result is what became of one operation.
type Result struct {
	Status   int      // 200, 201, 204
	Version  *Version // stored version; nil when nothing was written and nothing found
	Warnings []issue.Issue
}
