package rest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"tenon/fhir/graphql"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
)

// Record is what the door needs of the recorder. Errors that a client may see
// are *issue.Failure.
type Record interface {
	Submit(ctx context.Context, who *access.Context, d *record.Draft) (*record.Outcome, error)
	Read(ctx context.Context, who *access.Context, typ, id string) (*record.Version, error)
	ReadVersion(ctx context.Context, who *access.Context, typ, id string, version int64) (*record.Version, error)
	History(ctx context.Context, who *access.Context, q record.HistoryQuery) (*record.HistoryPage, error)
	Search(ctx context.Context, who *access.Context, typ string, params []search.Param, strict bool) (*search.Page, *search.Told, error)
	Transaction(ctx context.Context, who *access.Context, bundle []byte, how record.Bundled) ([]byte, error)
	Apply(ctx context.Context, who *access.Context, planID string, params []byte) (*record.Result, error)
	Case(ctx context.Context, who *access.Context, root string) ([]byte, error)
	Judge(ctx context.Context, who *access.Context, root string) ([]byte, error)
	Sign(ctx context.Context, who *access.Context, typ, id string, params []byte) (*record.Result, error)
	Dossier(ctx context.Context, who *access.Context, root string, w io.Writer) error
	Validate(ctx context.Context, who *access.Context, j record.Judgement) ([]issue.Issue, error)
	PutContent(ctx context.Context, who *access.Context, binary record.Op, content io.Reader) (*record.Result, error)
	Content(ctx context.Context, who *access.Context, id string) (record.BlobReader, *record.Version, error)
	Everything
	Worklists
	Tracer
	Evaluator
	Metas
	Exports
	Lastn
	Matcher
	Merger
	Expunger
	Preparer
	Keeper
	Reconciler
	Accesses
	Audits
}

// Options are what the door works with. Record and Model are needed, and
// Definitions or a Registry.
type Options struct {
	Record Record
	// Index tells how the rows of search parameters stand; nil: nothing does.
	Index Index
	// Subscriptions answers their operations; nil: they are not served.
	Subscriptions Subscriptions
	Registry      *search.Registry
	Model         *schema.Model
	// Definitions gives the definitions in force, for operations on them; take
	// it once for one request. Without it Registry stands for them.
	Definitions func() *revision.Revision
	// BaseURL is the address of the door as clients see it, "https://host/fhir".
	// Empty: taken from each request's host, with the path "/fhir".
	BaseURL string
	// UpdateAsCreate tells what the recorder does, for the CapabilityStatement.
	UpdateAsCreate bool
	// DeleteSeveral tells what the recorder does with a conditional delete that
	// matches several resources.
	DeleteSeveral bool
	// Origins are those whose pages may use the door from a browser, "*" for any;
	// none by default.
	Origins []string
	// Origin tells other origins whose pages may; nil: no others.
	Origin func(ctx context.Context, origin string) bool
	// Security says where tokens come from, for the CapabilityStatement.
	Security *Security
	Software string // name of the product, "Tenon"
	Version  string // of the product
	Released time.Time
	MaxBody  int64 // bytes of one resource, default 16 MiB
	// Jobs and JobFiles make exports, imports and requests that are answered later;
	// none without.
	Jobs     Jobs
	JobFiles record.Blobs
	// Acting tells who acts by the authority of a job now; without it the jobs of
	// apps are nobody's.
	Acting    func(ctx context.Context, by access.Authority) (*access.Context, error)
	MaxImport int64 // bytes of the body of an import, default 4 GiB
	Fetches   bool  // imports may name files elsewhere
	MaxBundle int64 // bytes of one batch or transaction, and of all large ones under way; default 64 MiB
	Log       *slog.Logger
	Clock     func() time.Time // of expansions, time.Now by default
}

// Door is the FHIR HTTP door.
type Door struct {
	o            Options
	capabilities atomic.Pointer[capabilities]
	bundles      *budget
	innerOnce    sync.Once
	innerDoor    http.Handler // for the entries of Bundles
	polls        polls
	graph        *graphql.Schema
}

// New makes a door.
func New(o Options) (*Door, error) {
	if o.Record == nil || o.Model == nil || o.Definitions == nil && o.Registry == nil {
		return nil, errors.New("rest: Record, Model and Definitions are needed")
	}
	if o.Definitions == nil {
		fixed := revision.Fixed(nil, o.Model, o.Registry, nil)
		o.Definitions = func() *revision.Revision { return fixed }
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Software == "" {
		o.Software = "Tenon"
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 16 << 20
	}
	if o.MaxBundle <= 0 {
		o.MaxBundle = bundleBudget
	}
	if o.MaxImport <= 0 {
		o.MaxImport = 4 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Door{o: o, bundles: newBudget(o.MaxBundle), graph: graphql.NewSchema(o.Model)}, nil
}

// route is one line of the door's table.
type route struct {
	method, path string
	run          func(*call) error
	open         bool // needs no token
}

// routes is everything that the door answers: one line for each room of it. The
// CapabilityStatement is made from what stands here.
func (d *Door) routes() []route {
	return slices.Concat(
		d.interactionRoutes(),
		d.caseRoutes(),
		d.metaRoutes(),
		d.jobRoutes(),
		d.subscriptionRoutes(),
		d.definitionRoutes(),
		d.terminologyRoutes(),
		d.everythingRoutes(),
		d.worklistRoutes(),
		d.traceRoutes(),
		d.evaluateRoutes(),
		d.matchRoutes(),
		d.mergeRoutes(),
		d.expungeRoutes(),
		d.retentionRoutes(),
		d.reconcileRoutes(),
		d.accessRoutes(),
		d.auditRoutes(),
		d.graphqlRoutes(),
		d.docrefRoutes(),
		d.lastnRoutes(),
		d.indexRoutes(),
	)
}

// interactionRoutes are https://hl7.org/fhir/R4/http.html
func (d *Door) interactionRoutes() []route {
	return []route{
		{"GET", "/metadata", d.metadata, true},
		{"POST", "", d.bundle, false},
		{"POST", "/", d.bundle, false},
		{"GET", "", d.searchGet, false},
		{"GET", "/", d.searchGet, false},
		{"POST", "/_search", d.searchPost, false},

		{"GET", "/_history", d.history, false},
		{"GET", "/:type/_history", d.history, false},
		{"GET", "/:type", d.searchGet, false},
		{"POST", "/:type/_search", d.searchPost, false},
		{"POST", "/:type", d.create, false},
		{"PUT", "/:type", d.updateBy, false},
		{"PATCH", "/:type", d.patchBy, false},
		{"DELETE", "/:type", d.deleteBy, false},

		{"GET", "/:type/:id", d.read, false},
		{"PUT", "/:type/:id", d.update, false},
		{"PATCH", "/:type/:id", d.patch, false},
		{"DELETE", "/:type/:id", d.delete, false},
		{"GET", "/:type/:id/_history", d.history, false},
		{"GET", "/:type/:id/:inner", d.searchWithin, false},
		{"GET", "/:type/:id/_history/:version", d.vread, false},
	}
}

// caseRoutes are the operations of the process.
func (d *Door) caseRoutes() []route {
	return []route{
		{"POST", "/PlanDefinition/:id/$apply", d.apply, false},
		{"GET", "/Task/:id/$case", d.caseReport, false},
		{"GET", "/Task/:id/$judge", d.judge, false},
		{"GET", "/Task/:id/$dossier", d.dossier, false},
		{"POST", "/:type/:id/$sign", d.sign, false},
		{"GET", "/:type/:id/$bytes", d.bytes, false},
		{"GET", "/:type/:id/_history/:version/$bytes", d.bytes, false},
	}
}

// metaRoutes are the operations on meta alone.
func (d *Door) metaRoutes() []route {
	return []route{
		{"GET", "/$meta", d.metas, false},
		{"POST", "/$meta", d.metas, false},
		{"GET", "/:type/$meta", d.metas, false},
		{"POST", "/:type/$meta", d.metas, false},
		{"GET", "/:type/:id/$meta", d.meta, false},
		{"POST", "/:type/:id/$meta-add", d.metaAdd, false},
		{"POST", "/:type/:id/$meta-delete", d.metaDelete, false},
	}
}

// definitionRoutes ask the FHIR engine.
func (d *Door) definitionRoutes() []route {
	return []route{
		{"POST", "/$fhirpath", d.fhirpath, false},
		{"POST", "/:type/$validate", d.validate, false},
		{"POST", "/:type/:id/$validate", d.validate, false},
		{"GET", "/:type/:id/$validate", d.validate, false},
		{"POST", "/Resource/$validate", d.validate, false},
		{"POST", "/StructureDefinition/$snapshot", d.snapshot, false},
		{"GET", "/StructureDefinition/$snapshot", d.snapshot, false},
		{"POST", "/StructureDefinition/:id/$snapshot", d.snapshot, false},
		{"GET", "/StructureDefinition/:id/$snapshot", d.snapshot, false},
	}
}

// terminologyRoutes are https://hl7.org/fhir/R4/terminology-service.html
func (d *Door) terminologyRoutes() []route {
	return []route{
		{"GET", "/CodeSystem/$lookup", d.lookup, false},
		{"POST", "/CodeSystem/$lookup", d.lookup, false},
		{"GET", "/CodeSystem/$validate-code", d.validateSystemCode, false},
		{"POST", "/CodeSystem/$validate-code", d.validateSystemCode, false},
		{"GET", "/CodeSystem/:id/$validate-code", d.validateSystemCode, false},
		{"POST", "/CodeSystem/:id/$validate-code", d.validateSystemCode, false},
		{"GET", "/CodeSystem/$subsumes", d.subsumes, false},
		{"POST", "/CodeSystem/$subsumes", d.subsumes, false},
		{"GET", "/CodeSystem/:id/$subsumes", d.subsumes, false},
		{"POST", "/CodeSystem/:id/$subsumes", d.subsumes, false},
		{"GET", "/ValueSet/$expand", d.expand, false},
		{"POST", "/ValueSet/$expand", d.expand, false},
		{"GET", "/ValueSet/:id/$expand", d.expand, false},
		{"POST", "/ValueSet/:id/$expand", d.expand, false},
		{"GET", "/ValueSet/$validate-code", d.validateSetCode, false},
		{"POST", "/ValueSet/$validate-code", d.validateSetCode, false},
		{"GET", "/ValueSet/:id/$validate-code", d.validateSetCode, false},
		{"POST", "/ValueSet/:id/$validate-code", d.validateSetCode, false},
		{"GET", "/ConceptMap/$translate", d.translate, false},
		{"POST", "/ConceptMap/$translate", d.translate, false},
		{"GET", "/ConceptMap/:id/$translate", d.translate, false},
		{"POST", "/ConceptMap/:id/$translate", d.translate, false},
	}
}

// Register puts the door's routes on a group such as /fhir.
func (d *Door) Register(g *echo.Group) {
	for _, r := range d.routes() {
		h := d.handle(r)
		g.Add(r.method, r.path, h)
		if r.method == "GET" {
			g.Add("HEAD", r.path, h)
		}
	}
	rest := d.handle(route{run: d.unmatched, open: true})
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS"} {
		g.Add(method, "", rest)
	}
	g.Any("/*", rest)
	g.RouteNotFound("", rest) // methods that HTTP does not have
	g.RouteNotFound("/*", rest)
}
