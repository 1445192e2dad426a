package revision

import (
	"context"
	"errors"
	"strings"
	"time"

	"tenon/server/search"
)

// Reindexing is what the making of index rows needs of the database. All that it
// keeps is there after a crash.
type Reindexing interface {
	// Adopt notes the format of the index rows in a database that holds no
	// resource yet and knows none.
	Adopt(ctx context.Context, format int) error
	// BeginReindex takes up the subjects: one that was interrupted where it
	// stood, any other from the beginning. Only one holder works on a subject at
	// a time: Progress.Held tells whether it is this one, for a while after each
	// call that names it. number is the revision of the definitions under which
	// the subjects are to be indexed; the error is ErrMoved when that is over.
	BeginReindex(ctx context.Context, number int64, holder string, subjects []Subject) ([]Progress, error)
	// Reindex looks at the next resources and replaces their index rows by what
	// rows makes of the body. The rows and the new place are committed as one.
	// Without Held it commits nothing and the error is ErrMoved.
	Reindex(ctx context.Context, b Batch, rows func(body []byte) (search.Rows, error)) (Step, error)
	// FinishReindex notes that the rows of the subjects are all there, which
	// advances the revision of the definitions.
	FinishReindex(ctx context.Context, number int64, holder string, subjects []Subject, at int64) error
	// LeaveReindex lets another go on at once; why is "" or tells people what
	// went wrong.
	LeaveReindex(ctx context.Context, holder, why string) error
	// Reindexes lists what was taken up, finished or not.
	Reindexes(ctx context.Context) ([]Progress, error)
	// ForgetComplete takes back that the rows of search parameters are there.
	ForgetComplete(ctx context.Context, parameters []Posted) error
}

// ErrMoved says that the definitions or another holder have moved on.
var ErrMoved = errors.New("revision: the definitions or another worker moved on")

// WholeIndex is the name of the subject of all rows.
const WholeIndex = "index"

// Subject is what is indexed anew.
type Subject struct {
	// Name is WholeIndex, SearchParameter/id of a posted parameter, or a name
	// of the caller's own, whose completion is told to nobody.
	Name string
	// Version is that of the posted parameter, the format of WholeIndex.
	Version int64
	// Signature is that of the rows.
	Signature int64
	Types     []string // of the resources to look at
}

// Posted tells which version of which resource it is; ok is false for others.
func (s *Subject) Posted() (p Posted, ok bool) {
	id, ok := strings.CutPrefix(s.Name, "SearchParameter/")
	return Posted{Type: "SearchParameter", ID: id, Version: s.Version}, ok
}

// Batch is the next piece of work on subjects that stand at the same place.
type Batch struct {
	Number   int64 // of the revision by whose definitions the rows are made
	Holder   string
	Subjects []string
	Types    []string
	Keys     []search.Key // whose rows are replaced; none: all
	From     int64        // the place, Progress.At
	Limit    int          // of resources
}

// Step is what one batch did.
type Step struct {
	At   int64 // the new place
	Seen int   // resources that were looked at
	End  bool  // there are no more
}

// Progress tells how far a subject is.
type Progress struct {
	Subject
	At          int64 // the place up to which all is done
	Done, Total int64 // resources: looked at, and there when it began
	Held        bool  // by the holder that asks; in a list, by anyone
	Started     time.Time
	Changed     time.Time
	Finished    time.Time // zero while it is not
	Failure     string    // what stopped the last attempt
}
