package dicomweb

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/dimse"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// Records is the way into the record: *record.Recorder.
//
// The door names the id of a new ImagingStudy, since its index rows carry it: it
// PUTs with IfMatch "0", which must succeed only where nothing is there yet.
type Records interface {
	Read(ctx context.Context, who *access.Context, typ, id string) (*record.Version, error)
	Search(ctx context.Context, who *access.Context, typ string, params []search.Param, strict bool) (*search.Page, *search.Told, error)
	Submit(ctx context.Context, who *access.Context, d *record.Draft) (*record.Outcome, error)
}

// Auditor makes audit rows of reads durable before the answer leaves:
// record.Store.
type Auditor interface {
	Audit(ctx context.Context, rows []record.Audit) error
}

// Options are the parts of the door. Records, Index, Blobs, Auditor and Caller
// are needed; the rest has working zero values.
type Options struct {
	Records Records
	Index   index.Store
	Blobs   record.Blobs
	Auditor Auditor
	// Caller says who asks; an issue of type login is answered with 401.
	Caller func(*http.Request) (*access.Context, error)
	// Sight tells what callers see of patients; nil: all see the whole.
	Sight Sight
	// Base is the absolute URL of the door, without a slash at the end; "": the
	// one that the request was sent to.
	Base string
	// Mount is the path that stands before the routes, such as "/dicomweb".
	Mount string
	// Zone is the time zone of studies that do not tell theirs; nil: their
	// ImagingStudy.started is a date.
	Zone *time.Location
	// Endpoint is the reference of the Endpoint that serves this door, or "".
	Endpoint string
	// Extra are attributes beyond index.Attributes that QIDO-RS matches.
	Extra []*index.Attribute
	// Builder makes the rows of extra attributes for what is stored already; nil:
	// they are all there. See Build.
	Builder index.Builder
	// Foreign is what becomes of instances whose Patient ID identifies nobody:
	// RefuseForeign (also "") or QuarantineForeign, which needs Quarantine.
	Foreign string
	// Issuers are the systems of Patient.identifier by Issuer of Patient ID (0010,0021).
	Issuers    map[string]string
	Quarantine index.Quarantine
	// Workitems are those of UPS-RS; nil: there is no worklist. Stream opens a
	// channel of events; what it refuses it answers. Nil: there are no events.
	Workitems index.Workitems
	Stream    func(w http.ResponseWriter, r *http.Request) (Stream, error)
	// Stations are the AE titles that act for a principal; nil: orders name none.
	Stations func(ctx context.Context, principal string) ([]string, error)
	// Send sends what is under a key to an application entity; nil: there is no DIMSE.
	Send func(ctx context.Context, who *access.Context, title string, k index.Key) (*dimse.Sent, error)
	// Pull asks other systems for studies; nil: nobody is asked.
	Pull Puller
	// Awaiting is what all servers know of pulls that go on; nil: a C-MOVE pull names
	// neither patient nor case.
	Awaiting index.Awaiting
	// Delete is DeleteRefuse (also "") or DeleteUnused.
	Delete string
	// Feed lists changes; nil: there is no change feed.
	Feed index.Feed
	// MaxInstance bounds one Part 10 file: 8 GiB.
	MaxInstance int64
	// MaxParts bounds the instances of one request: 20,000.
	MaxParts int
	Limits   dicom.Limits
	Clock    record.Clock
	Log      func(ctx context.Context, what string, err error)
}

// Door answers the DICOMweb requests.
type Door struct {
	o       Options
	mux     *http.ServeMux
	readers sync.Pool // *dicom.Reader
	scratch sync.Pool // *[]byte
	codec   codec
	pens    pens
	gallery gallery
	turns   turns
	rows    shelf[*index.Result]
	texts   shelf[[]byte] // of metadata
	known   shelf[*remembered]
	built   atomic.Bool // see Build
	events  events
}

// New makes the door; it panics where a needed part is missing, since that is a
// mistake of wiring.
func New(o Options) *Door {
	if o.Records == nil || o.Index == nil || o.Blobs == nil || o.Auditor == nil || o.Caller == nil {
		panic("dicomweb: Records, Index, Blobs, Auditor and Caller are needed")
	}
	if o.MaxInstance == 0 {
		o.MaxInstance = 8 << 30
	}
	if o.MaxParts == 0 {
		o.MaxParts = 20_000
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = func(context.Context, string, error) {}
	}
	d := &Door{o: o, mux: http.NewServeMux(), codec: newCodec(), pens: newPens()}
	d.rows.most, d.texts.most, d.known.most = 32<<20, 64<<20, 32<<20
	d.scratch.New = func() any { return new([]byte) }
	d.readers.New = func() any { return new(dicom.Reader) }
	d.routes()
	return d
}

// handler answers one request; an error is rendered by fail.
type handler func(w http.ResponseWriter, r *request) error

// request is a request with what is known of its caller.
type request struct {
	*http.Request
	who  *access.Context
	base string // of URLs in the answer
	door string // through which it came, "": this one

	operation string // that stores, for the audit, where it is no plain one
}

// name is that of the door in the audit.
func (r *request) name() string {
	if r.door != "" {
		return r.door
	}
	return "dicomweb"
}

func (d *Door) routes() {
	const study = "/studies/{study}"
	const series = study + "/series/{series}"
	const instance = series + "/instances/{instance}"
	const frames = instance + "/frames/{list}"
	for pattern, h := range map[string]handler{
		"POST /studies":                                          d.stow,
		"POST " + study:                                          d.stow,
		"GET /studies":                                           d.search(index.StudyLevel),
		"GET /series":                                            d.search(index.SeriesLevel),
		"GET /instances":                                         d.search(index.InstanceLevel),
		"GET " + study + "/series":                               d.search(index.SeriesLevel),
		"GET " + study + "/instances":                            d.search(index.InstanceLevel),
		"GET " + series + "/instances":                           d.search(index.InstanceLevel),
		"POST /workitems":                                        d.createWorkitem,
		"GET /workitems":                                         d.searchWorkitems,
		"GET /workitems/{workitem}":                              d.retrieveWorkitem,
		"POST /workitems/{workitem}":                             d.updateWorkitem,
		"PUT /workitems/{workitem}/state":                        d.changeState,
		"POST /workitems/{workitem}/cancelrequest":               d.requestCancel,
		"POST /workitems/{workitem}/subscribers/{title}":         d.subscribe,
		"DELETE /workitems/{workitem}/subscribers/{title}":       d.subscribe,
		"POST /workitems/{workitem}/subscribers/{title}/suspend": d.suspend,
		"GET /subscribers/{title}":                               d.channelOf,
		"GET /changefeed":                                        d.changeFeed,
		"OPTIONS /":                                              d.capabilities,
		"GET /{$}":                                               d.capabilities,
		"GET /wado":                                              d.wadoURI,
		"GET " + instance + "/frames/{list}":                     d.frames,
		"GET " + instance + "/bulkdata/{path...}":                d.bulkdata,
	} {
		d.mux.Handle(pattern, d.handle(h))
	}
	d.custody(study, instance)
	for _, level := range []string{study, series, instance} {
		d.mux.Handle("GET "+level, d.handle(d.retrieve))
		d.mux.Handle("GET "+level+"/metadata", d.handle(d.metadata))
		d.mux.Handle("DELETE "+level, d.handle(d.remove))
		d.mux.Handle("POST "+level+"/send", d.handle(d.send))
		d.mux.Handle("POST "+level+"/deidentify", d.handle(d.deidentified))
	}
	for _, level := range []string{study, series, instance, frames} {
		d.mux.Handle("GET "+level+"/rendered", d.handle(d.rendered))
		d.mux.Handle("GET "+level+"/thumbnail", d.handle(d.thumbnail))
	}
}

// custody are the routes of what is held apart, put right, or exchanged.
func (d *Door) custody(study, instance string) {
	for pattern, h := range map[string]handler{
		"GET /quarantine":                d.listHeld,
		"POST /quarantine/{id}/release":  d.release,
		"POST /quarantine/{id}/reject":   d.reject,
		"POST /documents":                d.encapsulate,
		"POST " + instance + "/document": d.document,
		"POST /pull":                     d.pull,
		"GET /rejections":                d.listNotes,
		"POST /rejections/{id}/revoke":   d.revoke,
		"POST " + study + "/correct":     d.correct,
		"GET /corrections":               d.listCorrected,
		"GET /corrections/{id}":          d.asItWas,
	} {
		d.mux.Handle(pattern, d.handle(h))
	}
}

// ServeHTTP routes below Mount.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.StripPrefix(d.o.Mount, d.mux).ServeHTTP(w, r)
}

// handle finds the caller and renders what the handler returns.
func (d *Door) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := d.o.Caller(r)
		if err == nil && (who == nil || who.Kind == access.Nobody) {
			err = issue.Errorf(issue.Login, "This request needs a token.").Rule("no-token").Chinese("请先登录。")
		}
		if err == nil {
			err = h(w, &request{Request: r, who: who, base: d.baseOf(r)})
		}
		if err != nil {
			d.fail(w, r, err)
		}
	})
}

// baseOf is the absolute URL that the answer's URLs begin with.
func (d *Door) baseOf(r *http.Request) string {
	if d.o.Base != "" {
		return d.o.Base
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + strings.TrimSuffix(d.o.Mount, "/")
}

// key is the part of the hierarchy that the URL names. What is no UID names
// nothing that could be there.
func (r *request) key() (index.Key, error) {
	k := index.Key{Study: r.PathValue("study"), Series: r.PathValue("series"), Instance: r.PathValue("instance")}
	for _, uid := range []string{k.Study, k.Series, k.Instance} {
		if uid != "" && !validUID(uid) {
			return k, issue.Errorf(issue.Invalid, "%q is no UID: digits and dots, at most 64 characters.", uid).Rule("uid").WithStatus(http.StatusBadRequest)
		}
	}
	return k, nil
}

// parameters are those of the query string, which must be well-formed: a
// parameter that is dropped would widen the answer.
func (r *request) parameters() (url.Values, error) {
	_, query := divideQuery(r.URL.RawQuery)
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, issue.Errorf(issue.Invalid, "The query string is not well-formed: percent escapes of two digits, & between parameters, no semicolon.").
			Rule("query-string").WithStatus(http.StatusBadRequest)
	}
	return values, nil
}

// validUID checks the form of a UID (PS3.5 §9.1), but lets leading zeros of a
// component pass, which many devices write.
func validUID(uid string) bool {
	if uid == "" || len(uid) > 64 {
		return false
	}
	dot := true // a component must follow
	for i := range len(uid) {
		switch c := uid[i]; {
		case c == '.' && !dot:
			dot = true
		case c >= '0' && c <= '9':
			dot = false
		default:
			return false
		}
	}
	return !dot
}
