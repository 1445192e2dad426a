package ledger

import "context"

// ErasureFormat names the form of a certificate.
const ErasureFormat = "tenon-erasure/1"

// ErasureCertificate says what was erased for good, why and by whom. It is the
// content of a Binary of the record, so that the log vouches for it.
type ErasureCertificate struct {
	Format      string       `json:"format"`
	Resource    string       `json:"resource"`
	Reason      string       `json:"reason"`
	Request     string       `json:"request"` // version of the Task that asked
	RequestedBy string       `json:"requestedBy"`
	RequestedAt string       `json:"requestedAt"`
	ConfirmedBy string       `json:"confirmedBy"`
	ConfirmedAt string       `json:"confirmedAt"`
	Erased      []ErasedLeaf `json:"erased"`
}

// ErasedLeaf is one leaf of the log whose bytes and salt are no more.
type ErasedLeaf struct {
	Ref  string `json:"ref"`  // of a version or a blob
	Leaf string `json:"leaf"` // its hash in the log, hex
	Size int64  `json:"size"` // of the bytes that are gone
}

// Erasures is what Records may give beyond the interface.
type Erasures interface {
	// Erasures streams what the database says was erased: the ref of a version or
	// blob, and the version of the Binary that certifies it.
	Erasures(ctx context.Context, each func(ref, certificate string) error) error
}
