package record

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/ledger"
	"tenon/server/revision"
	"tenon/server/search"
)

// Options are the parts that a Recorder works with. Store, Blobs, Model and
// Engine are needed, and Definitions, or a Registry where the definitions never
// change; the rest has working zero values.
type Options struct {
	Store       Store
	Blobs       Blobs
	Model       *schema.Model
	Definitions Definitions
	Registry    *search.Registry // without Definitions: shapes alone are judged
	Validation  Validation
	Engine      *casework.Engine
	Signers     Signers
	Time        Timekeeper // nil: nobody vouches for the clock
	Grader      Grader
	Dossiers    Dossiers
	Certifier   Certifier // seals what certifies an erasure; nil: members of cases are not erased
	// Principals says who somebody is now, without a token; nil: nobody is explained
	// but the caller.
	Principals func(ctx context.Context, principal string) (*access.Context, error)
	// Alarm tells the security administrators that an emergency access was given;
	// task is its review. Nil: the review alone tells.
	Alarm func(ctx context.Context, who *access.Context, task string)
	// Unreviewed tells that the review of an emergency access did not come, and which
	// role is asked next. Nil: the Task alone tells.
	Unreviewed func(ctx context.Context, review string, to access.Role)
	// Subscriptions judges what is subscribed to; nil: nothing is.
	Subscriptions Subscriptions
	// Jobs names the checks that a stored version asks for; they run after the
	// commit, from the outbox.
	Jobs func(v *Version, root tree.Node) []dispatch.Message
	// UpdateAsCreate lets a PUT name the id of a new resource. The operator and
	// the server may always do so (imports).
	UpdateAsCreate bool
	// DeleteSeveral is how many resources one conditional delete may take, 1000
	// at most; below 2 it must match a single one.
	DeleteSeveral int
	// RetentionYears is how long what is about a patient is not erased for good.
	RetentionYears int
	// EvaluationK is the least number of cases that a figure of an evaluation is
	// about which leaves the organisation that owns them; 0: LeastK.
	EvaluationK int
	// DeleteReferenced is what becomes of a delete of what others refer to.
	DeleteReferenced DeletePolicy
	// Exports reads the record for reconciliation; nil: there is none.
	Exports ExportStore
	// Exchange says where data may go.
	Exchange Exchange
	Tenant   string
	BaseURL  string // of the FHIR door, to know own absolute references
	Clock    Clock
	Random   io.Reader
}

// Signers knows the signing keys of persons: those that the server keeps sealed,
// and certificates whose keys are elsewhere. Failures are issues of type
// forbidden.
type Signers interface {
	// Unlock fails when the secret is wrong, the key is locked or the principal
	// has none here.
	Unlock(ctx context.Context, principal, secret string) (key crypto.Signer, certificate []byte, err error)
	// Chain is the principal's own certificate, leaf first, DER each.
	Chain(ctx context.Context, principal string) ([][]byte, error)
	// Judge checks a JWS that was made outside, and returns what is to be kept
	// with it.
	Judge(ctx context.Context, principal, jws string) (*ledger.Evidence, error)
}

// Timekeeper vouches for the server's clock.
type Timekeeper interface {
	// Statement says where the time comes from and how far off it was found. It
	// fails with an issue when the clock is not to be relied on.
	Statement(ctx context.Context) (string, error)
}

// Grader labels a resource by the rule table of mission/grading.md.
type Grader interface {
	Grade(root tree.Node) Grade
	// Part tells whether resources of a type may be shown in part.
	Part(typ string) bool
}

// Grade is the label of one version; it is kept beside the bytes, never in them.
type Grade struct {
	Level     access.Level
	Integrity uint8
	Table     string // version of the rule table
	// Part is the lowest level to which it may be shown in part, 0: none.
	Part access.Level
}

// Dossiers writes the provable export of a case.
type Dossiers interface {
	// Write streams it; report and snapshot are of the same state.
	Write(ctx context.Context, w io.Writer, d *CaseData, s *casework.Snapshot, report casework.Report) error
}

// Recorder is the one way in and out.
type Recorder struct {
	o      Options
	shapes *validate.Set // by the types alone
	plans  planTrees
}

// attempts bounds how often a write is prepared again when the record moved on
// meanwhile.
const attempts = 12

// New returns a Recorder; validation plans compile when a type is first written.
func New(o Options) (*Recorder, error) {
	if o.Store == nil || o.Blobs == nil || o.Model == nil || o.Engine == nil || o.Definitions == nil && o.Registry == nil {
		return nil, errors.New("record: Store, Blobs, Model, Engine and Definitions are needed")
	}
	if o.Definitions == nil {
		o.Definitions = fixed{revision.Fixed(nil, o.Model, o.Registry, nil)}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Tenant == "" {
		o.Tenant = "main"
	}
	return &Recorder{o: o, shapes: validate.New(o.Model)}, nil
}

func (r *Recorder) newID() (string, error) {
	id, err := uuid.NewRandomFromReader(r.o.Random)
	return id.String(), err
}

// now is the time that a version gets: whole milliseconds, so that the instant in
// meta.lastUpdated and the index agree.
func (r *Recorder) now() time.Time { return r.o.Clock().UTC().Truncate(time.Millisecond) }

// knownType refuses a type that R4 does not have.
func (r *Recorder) knownType(typ string) error {
	if !r.o.Model.IsResource(typ) {
		return issue.Errorf(issue.NotFound, "%q is not a resource type of FHIR R4.", typ).Rule("unknown-type").WithStatus(404)
	}
	return nil
}

// absent is what everybody reads of a resource that is not there or not in
// reach (design law 4).
func absent(typ, id string) error {
	return issue.Errorf(issue.NotFound, "There is no %s/%s.", typ, id).Rule("not-found").
		Chinese("资源不存在或不可见。")
}

// mustKnow refuses a caller without a context: default deny.
func mustKnow(who *access.Context) error {
	if who == nil || who.Kind == access.Nobody {
		return issue.Errorf(issue.Login, "This request needs a token.").Rule("no-token").Chinese("请先登录。")
	}
	return nil
}
