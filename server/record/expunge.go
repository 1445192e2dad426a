package record

import (
	"context"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/ledger"
)

// ExpungeQuery asks to erase for good what is left of a deleted resource. The
// first person asks with a Reason; the second one confirms with the Request that
// the first was answered with.
type ExpungeQuery struct {
	Type, ID string
	Reason   string
	Request  string // "Task/x"
}

// Expunged is the answer: Task to a request, the rest to a confirmation.
type Expunged struct {
	Task        *Version
	Certificate string // "Binary/x"
	Provenance  string // "Provenance/x"
	Versions    int    // that were erased
	Contents    int    // files that were erased
	Waiting     int    // files of these whose key the next sweep destroys
	// Kept are the members of a case that stay, each with the rule that keeps it.
	Kept []ledger.KeptMember
}

// Erasure is the door row of an erasure: the store destroys bodies, salts,
// digests and the rows of contents, and keeps number, time and author of each
// version. It refuses as stale where the resource is not deleted at Current any
// more, or a content is needed by others.
type Erasure struct {
	Type, ID    string
	Current     int64 // version of the deletion
	Versions    []int64
	Contents    [][32]byte
	Certificate string // version of the Binary that certifies it
	// Cases are those that the resource may be a member of: their retention has
	// ended. A member of any other is not erased.
	Cases []string
	// Images go with their ImagingStudy, Workitems with their cases.
	Images    *RemainingImages
	Workitems []string
}

// Remains is what a resource has left in the record.
type Remains struct {
	Versions []RemainingVersion // all of them, ascending
	Last     *Version           // newest one that is no deletion, nil when nothing is left
	Contents []RemainingContent // that nothing else needs
	Images   *RemainingImages   // that hang on an ImagingStudy
	Signed   bool
}

type (
	// RemainingVersion is one version. Leaf is its hash in the log.
	RemainingVersion struct {
		Version int64
		Updated time.Time
		Deleted bool
		Size    int64
		Leaf    [32]byte
	}
	// RemainingContent is the content of a Binary. Staged is when a version last
	// named it.
	RemainingContent struct {
		Digest [32]byte
		Size   int64
		Leaf   [32]byte
		Staged time.Time
	}
	// RemainingImages are what the archive has of a study, and its files that
	// nothing else needs.
	RemainingImages struct {
		Study             string // UID
		Series, Instances []string
		Contents          []RemainingContent
	}
)

// Expunger is the Store's part.
type Expunger interface {
	// Remains tells what a resource has left; ErrAbsent if it never was.
	Remains(ctx context.Context, typ, id string) (*Remains, error)
	// Earlier are all versions but the current one of these resources that have
	// bytes ("Device/x"), ascending inside each.
	Earlier(ctx context.Context, refs []string) ([]Version, error)
}

// Certifier seals what certifies an erasure, so that nobody but this server can
// have written it.
type Certifier interface {
	CertifyErasure(c *ledger.ErasureCertificate) error
}

// Eraser is what a Blobs may do beyond the interface: destroy one content at
// once; false says that the next sweep will. staged is when a version last
// named it.
type Eraser interface {
	Erase(ctx context.Context, digest [32]byte, staged time.Time) (bool, error)
}

// CertificateType is the media type of a Binary that certifies an erasure. Only
// $expunge writes such a Binary.
const CertificateType = "application/vnd.tenon.erasure+json"

// Expunge erases what is left of a deleted resource: the bodies of its versions,
// their salts and digests, and contents that nothing else needs. The leaves of
// the log stay, and with the certificate they prove what was erased, when, by
// whom and why (design §4, §8).
//
//	request   an operator or administrator, with a reason → Task, requested
//	confirm   another natural person who is an administrator → erased, Task
//	          completed, Provenance, certificate as a Binary
//
// It is refused for what is not deleted, is signed, is a proof itself or is
// referred to; and, by the record's rules, during retention and under a legal
// hold (expunge_rule.go). A member of a case is erased, deleted or not, signed or
// not, once the retention of all its cases has ended; and with the root Task of a
// case all its members at once (expunge_case.go).
func (r *Recorder) Expunge(ctx context.Context, who *access.Context, q ExpungeQuery) (*Expunged, error) {
	if err := r.entry(who, q.Type); err != nil {
		return nil, err
	}
	refuse := func(err error) (*Expunged, error) {
		d := &Draft{Door: "fhir", Operation: "expunge", Ops: []Op{{Method: "DELETE", Type: q.Type, ID: q.ID}}}
		return nil, r.refuse(ctx, who, d, err)
	}
	if !mayExpunge(who) {
		return refuse(issue.Errorf(issue.Forbidden, "%s may not erase for good: two administrators do so together.", who.Principal).
			Rule("expunge-role").Chinese("仅两名管理员可共同执行永久删除。"))
	}
	if err := who.Stepped(); err != nil {
		return refuse(err)
	}
	e := &expunge{r: r, ctx: ctx, who: who, ExpungeQuery: q}
	if err := e.judge(); err != nil {
		return refuse(err)
	}
	var err error
	if q.Request == "" {
		err = e.request()
	} else {
		err = e.confirm()
	}
	if err != nil {
		if e.submitted {
			return nil, err // was audited
		}
		return refuse(err)
	}
	return &e.out, nil
}

func mayExpunge(who *access.Context) bool {
	return who.Kind == access.Operator || who.Kind == access.Person && who.Has(access.ADMIN)
}

// expunge is one call.
type expunge struct {
	r   *Recorder
	ctx context.Context
	who *access.Context
	ExpungeQuery

	owner     string  // organisation of what it is about
	parts     []*part // what goes
	kept      []ledger.KeptMember
	reads     ReadSet               // the Flags that could hold it
	going     map[string]bool       // refs of parts that go together
	ended     map[string]*endedCase // cases that parts are members of
	out       Expunged
	submitted bool
}

// part is one resource that an erasure is about.
type part struct {
	*expunge
	typ, id string
	current *Version // the deletion, or what is deleted first
	cases   []string // that it is a member of
	remains *Remains
}

func (p *part) ref() string { return p.typ + "/" + p.id }
