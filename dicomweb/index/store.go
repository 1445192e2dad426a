package index

import (
	"context"
	"iter"

	"tenon/server/access"
)

// Store is what the DICOMweb door needs of the database. Every read takes the
// reach of the caller, which the store judges on the ImagingStudy of the study;
// a nil reach reads nothing. Absent and out of reach look the same and run the
// same statements.
type Store interface {
	// Search answers one page of a query.
	Search(ctx context.Context, reach access.Predicate, q *Query) (*Page, error)

	// Instances yields the instances of the key with the rows above them, in the
	// order of Page, Content included. It yields nothing where nothing is in
	// reach. The sequence holds no connection while the caller is between two
	// rows for long: it pages.
	Instances(ctx context.Context, reach access.Predicate, k Key) iter.Seq2[*Result, error]

	// Holdings returns what the tenant holds under these UIDs, whoever may see
	// it, for the decision whether an arriving instance is new. Reachable says
	// whether the caller may know of it. Nothing of it is shown to a caller that
	// it is not reachable for.
	Holdings(ctx context.Context, reach access.Predicate, q HoldingsQuery) (*Holdings, error)
}

// HoldingsQuery names one study and the instances that arrive for it.
type HoldingsQuery struct {
	Tenant    string
	Study     string
	Instances []string // SOP Instance UIDs, at most 256
}

// Holdings is what is there. Study is nil where the study is new; Series are
// all series of the study; Instances are those of the query that exist, in this
// study or in another, without Content but for its Digest.
type Holdings struct {
	Study     *Study
	Reachable bool // Study is in reach of the caller
	Series    []Series
	Instances []Instance
}
