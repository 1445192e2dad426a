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
//
// Writing goes through record.Unit.Rows. Two studies with one UID in a tenant
// cannot exist: a Study whose UID is there with another Resource, a Series whose
// UID is there in another study, and an Instance whose UID is there at all make
// Commit fail with record.ErrStale, so that the writer looks again.
type Store interface {
	// Search answers one page of a query.
	Search(ctx context.Context, reach access.Predicate, q *Query) (*Page, error)

	// Instances yields the instances of the key with the rows above them, in the
	// order of Page, Content included. It yields nothing where nothing is in
	// reach. It reads page by page, so that a slow caller holds no connection.
	Instances(ctx context.Context, reach access.Predicate, k Key) iter.Seq2[*Result, error]

	// Standing reads what entity tags and caches rest on: of a study in reach its
	// UID, Resource, Patient and Stamp, else nil.
	Standing(ctx context.Context, reach access.Predicate, study string) (*Study, error)

	// Holdings returns what the tenant holds of a study and under some UIDs,
	// whoever may see it, for the decision whether an arriving instance is new.
	// Nothing of it is shown to a caller whom Reachable is false for.
	Holdings(ctx context.Context, reach access.Predicate, q *HoldingsQuery) (*Holdings, error)
}

// HoldingsQuery names one study, and the series and instances that arrive for
// it; at most 256 of each.
type HoldingsQuery struct {
	Tenant    string
	Study     string
	Series    []string
	Instances []string
	// Members asks for all instances of the study, up to this number.
	Members int
}

// Holdings is what is there.
type Holdings struct {
	Study     *Study // nil: the study is new
	Reachable bool   // the study is in reach of the caller
	// Series are all series of the study, and those of the query in whatever
	// study they are.
	Series []Series
	// Instances are those of the query in whatever study they are, without
	// Content but for its Digest.
	Instances []Instance
	// Members are instances of the study by series UID, number and UID, without
	// Content.
	Members []Instance
}
