package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// Asked is an entry of a Bundle that the record leaves to the door: a read, a
// search, a history, or an operation in a batch.
type Asked struct {
	Method, URL     string // the URL below the base
	IfNoneMatch     string
	IfModifiedSince time.Time // zero: none
	Body            []byte    // of a POST
}

// Bundled is how a door has a Bundle carried out.
type Bundled struct {
	// Ask answers an entry with its Bundle.entry in JSON; nil refuses it.
	Ask func(ctx context.Context, q Asked) []byte
	// Return is what entries that write are answered with: "representation",
	// "OperationOutcome", or the response alone.
	// https://hl7.org/fhir/R4/http.html#ops
	Return string
}

// Transaction carries out a Bundle of type batch or transaction and returns the
// response Bundle. A transaction commits as a whole; every entry of a batch
// stands for itself. What a transaction only asks is answered once all is
// written, each entry for itself: it can undo nothing.
// https://hl7.org/fhir/R4/http.html#transaction
func (r *Recorder) Transaction(ctx context.Context, who *access.Context, bundle []byte, how Bundled) ([]byte, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	root, err := parsed(bundle)
	if err != nil {
		return nil, err
	}
	if got := root.Path("resourceType").Str(); got != "Bundle" {
		return nil, issue.Errorf(issue.Invalid, "The base takes a Bundle; the body is a %q.", got).At("resourceType").Rule("type-mismatch").WithStatus(400)
	}
	kind := root.Path("type").Str()
	if kind != "batch" && kind != "transaction" {
		return nil, issue.Errorf(issue.Invalid, "The base carries out batches and transactions; Bundle.type is %q.", kind).
			At("Bundle.type").Rule("bundle-type").WithStatus(400)
	}
	b := &bundled{r: r, ctx: ctx, who: who, Bundled: how, entries: r.entries(root)}
	if kind == "batch" {
		return b.batch()
	}
	if err := distinct(root); err != nil {
		return nil, err
	}
	return b.transaction()
}

// bundled is one Bundle on its way.
type bundled struct {
	Bundled
	r       *Recorder
	ctx     context.Context
	who     *access.Context
	entries []entry
}

// distinct is bdl-7 of https://hl7.org/fhir/R4/bundle.html#invs: a reference to a
// full URL that two entries share could mean either.
func distinct(root tree.Node) error {
	seen := map[string]bool{}
	place := 0
	for e := range root.Field("entry").Items() {
		url := e.Field("fullUrl").Str()
		key := url + " " + e.Path("resource", "meta", "versionId").Str()
		if url != "" && seen[key] {
			return issue.Errorf(issue.Invariant, "The full URL %q stands in more than one entry; give each entry its own.", url).
				At(fmt.Sprintf("Bundle.entry[%d].fullUrl", place)).Rule("bdl-7").Chinese("fullUrl 在 Bundle 中必须唯一。").WithStatus(400)
		}
		seen[key] = true
		place++
	}
	return nil
}

// entry is one Bundle.entry with its request: an operation of the record, a
// question for the door, or what is wrong with it.
type entry struct {
	place    int
	op       Op
	asked    *Asked
	fault    *issue.Failure
	response []byte
}

func (r *Recorder) entries(root tree.Node) (all []entry) {
	for e := range root.Field("entry").Items() {
		en, err := r.entryOf(e)
		en.place = len(all)
		if en.fault = issue.As(err); en.fault != nil {
			en.fault.Issues[0].Path = fmt.Sprintf("Bundle.entry[%d].%s", en.place, en.fault.Issues[0].Path)
		}
		all = append(all, en)
	}
	return all
}

func (r *Recorder) entryOf(e tree.Node) (entry, error) {
	req := e.Field("request")
	method, target := req.Field("method").Str(), strings.TrimPrefix(req.Field("url").Str(), "/")
	if base := r.o.BaseURL; base != "" {
		target = strings.TrimPrefix(strings.TrimPrefix(target, base), "/")
	}
	path, criteria, _ := strings.Cut(target, "?")
	if asks := method == "GET" || method == "HEAD"; asks || method == "POST" && strings.Contains(path, "$") {
		since, _ := time.Parse(time.RFC3339, req.Field("ifModifiedSince").Str()) // none is zero
		return entry{asked: &Asked{Method: method, URL: target, IfNoneMatch: req.Field("ifNoneMatch").Str(), IfModifiedSince: since, Body: e.Field("resource").Raw()}}, nil
	}
	if !slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, method) {
		return entry{}, issue.Errorf(issue.Invalid, "%q is not a method of an entry.", method).At("request.method").Rule("entry-method").WithStatus(400)
	}
	typ, id, _ := strings.Cut(path, "/")
	if strings.ContainsAny(id, "/$") || strings.HasPrefix(typ, "$") {
		return entry{}, issue.Errorf(issue.NotSupported, "%s %s is nothing that an entry can ask for.", method, clipped(target)).
			At("request.url").Rule("entry-url").WithStatus(400)
	}
	op := Op{Method: method, Type: typ, ID: id, Criteria: criteria, FullURL: e.Field("fullUrl").Str(),
		IfNoneExist: req.Field("ifNoneExist").Str(), IfMatch: versionOf(req.Field("ifMatch").Str()),
		IfNoneMatch: versionOf(req.Field("ifNoneMatch").Str())}
	if res := e.Field("resource"); res.Exists() {
		op.Body = res.Raw()
	}
	if f := incomplete(op, method); f != nil {
		return entry{}, f
	}
	if method == "PATCH" {
		if err := patchOf(&op, e.Field("resource")); err != nil {
			return entry{}, err
		}
	}
	return entry{op: op}, nil
}

func incomplete(op Op, method string) *issue.Failure {
	switch {
	case op.Type == "":
		return issue.Errorf(issue.Required, "The URL of the entry names no resource type.").At("request.url").Rule("entry-url").WithStatus(400)
	case method != "DELETE" && op.Body == nil:
		return issue.Errorf(issue.Required, "A %s entry needs a resource.", method).At("resource").Rule("entry-resource").WithStatus(400)
	case op.IfNoneMatch != "" && (op.IfNoneMatch != "*" || method != "PUT" || op.ID == ""):
		return issue.Errorf(issue.NotSupported, "ifNoneMatch is * on a PUT of Type/id.").At("request.ifNoneMatch").Rule("entry-condition").WithStatus(400)
	case method == "POST" && op.ID != "":
		return issue.Errorf(issue.Invalid, "A POST entry names a type alone.").At("request.url").Rule("entry-url").WithStatus(400)
	case method != "POST" && op.ID == "" && op.Criteria == "":
		return issue.Errorf(issue.Invalid, "A %s entry names Type/id or Type?criteria.", method).At("request.url").Rule("entry-url").WithStatus(400)
	}
	return nil
}

// patchOf takes the patch out of an entry: a FHIRPath Patch is the Parameters
// itself, the others stand in a Binary. https://hl7.org/fhir/R4/http.html#patch
func patchOf(op *Op, resource tree.Node) error {
	if resource.Path("resourceType").Str() == "Parameters" {
		op.Format = PathPatch
		return nil
	}
	op.Format = resource.Field("contentType").Str()
	if resource.Path("resourceType").Str() != "Binary" || op.Format != JSONPatch && op.Format != MergePatch {
		return issue.Errorf(issue.NotSupported, "A PATCH entry carries Parameters (a FHIRPath Patch), or a Binary of contentType %s or %s.", JSONPatch, MergePatch).
			At("resource").Rule("entry-patch").WithStatus(400)
	}
	if err := json.Unmarshal(resource.Field("data").Raw(), &op.Body); err != nil {
		return issue.Errorf(issue.Value, "Binary.data is not base64.").At("resource.data").Rule("base64").WithStatus(400)
	}
	return nil
}

// versionOf reads an entity tag W/"n".
func versionOf(tag string) string {
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

// order of processing in a transaction.
var order = map[string]int{"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2}

func (b *bundled) transaction() ([]byte, error) {
	var writes []entry
	for i := range b.entries {
		e := &b.entries[i]
		switch {
		case e.fault != nil:
			return nil, e.fault
		case e.asked == nil:
			writes = append(writes, *e)
		case e.asked.Method == "POST":
			return nil, issue.Errorf(issue.NotSupported, "%q: a transaction carries out no operations, which could not be undone; send it in a batch.", clipped(e.asked.URL)).
				At(fmt.Sprintf("Bundle.entry[%d].request.url", i)).Rule("entry-operation").WithStatus(400).Chinese("transaction 中不支持操作，请使用 batch。")
		}
	}
	if err := b.write(writes); err != nil {
		return nil, err
	}
	for i := range b.entries {
		if q := b.entries[i].asked; q != nil {
			b.entries[i].response = b.ask(*q)
		}
	}
	return bundleOf("transaction-response", b.entries), nil
}

// write submits the entries that write, in the order of processing.
func (b *bundled) write(writes []entry) error {
	if len(writes) == 0 {
		return nil
	}
	slices.SortStableFunc(writes, func(x, y entry) int { return order[x.op.Method] - order[y.op.Method] })
	d := &Draft{Door: "fhir", Operation: "transaction"}
	places := make([]int, len(writes))
	for i, e := range writes {
		d.Ops, places[i] = append(d.Ops, e.op), e.place
	}
	outcome, err := b.r.Submit(b.ctx, b.who, d)
	if err != nil {
		return renumber(err, places)
	}
	for k, res := range outcome.Results {
		b.entries[places[k]].response = b.written(res)
	}
	return nil
}

// ask has the door answer an entry.
func (b *bundled) ask(q Asked) []byte {
	if b.Ask == nil {
		return failureEntry(issue.Errorf(issue.NotSupported, "%s is not carried out here.", q.Method).Rule("entry-get").WithStatus(400))
	}
	return b.Ask(b.ctx, q)
}

// renumber puts the client's entry numbers into the paths of a failure, whose
// operations were sorted.
func renumber(err error, places []int) error {
	f := issue.As(err)
	if f == nil {
		return err
	}
	for k := range f.Issues {
		var n int
		rest := f.Issues[k].Path
		if _, scan := fmt.Sscanf(rest, "Bundle.entry[%d]", &n); scan == nil && n < len(places) {
			f.Issues[k].Path = fmt.Sprintf("Bundle.entry[%d]", places[n]) + rest[strings.IndexByte(rest, ']')+1:]
		}
	}
	return f
}

func (b *bundled) batch() ([]byte, error) {
	for i := range b.entries {
		e := &b.entries[i]
		switch {
		case e.fault != nil:
			e.response = failureEntry(e.fault)
		case e.asked != nil:
			e.response = b.ask(*e.asked)
		default:
			outcome, err := b.r.Submit(b.ctx, b.who, &Draft{Door: "fhir", Operation: "batch", Ops: []Op{e.op}})
			if err == nil {
				e.response = b.written(outcome.Results[0])
			} else if e.response = failureEntry(err); e.response == nil {
				return nil, err
			}
		}
	}
	return bundleOf("batch-response", b.entries), nil
}

// written tells what became of an entry that writes, with what is to be said of
// it (https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.outcome).
func (b *bundled) written(res Result) []byte {
	out := []byte{'{'}
	v := res.Version
	if v != nil && !v.Deleted && b.Return == "representation" {
		out = fmt.Appendf(out, `"fullUrl":"%s/%s/%s","resource":%s,`, b.r.o.BaseURL, v.Type, v.ID, v.Labelled())
	}
	out = fmt.Appendf(out, `"response":{"status":"%d"`, res.Status)
	if v != nil && res.Status != 204 {
		out = fmt.Appendf(out, `,"location":"%s/%s/_history/%d","etag":"W/\"%d\"","lastModified":%q`,
			v.Type, v.ID, v.Version, v.Version, v.Updated.Format("2006-01-02T15:04:05.000Z07:00"))
	}
	told := res.Warnings
	if b.Return == "OperationOutcome" && len(told) == 0 {
		told = []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "done", Text: "Done.", Chinese: "操作成功。"}}
	}
	if len(told) > 0 {
		outcome, _ := json.Marshal(issue.OutcomeOf(told)) // texts always marshal
		out = append(append(out, `,"outcome":`...), outcome...)
	}
	return append(out, "}}"...)
}

// failureEntry renders a failure of one batch entry; nil for a fault of the server.
func failureEntry(err error) []byte {
	f := issue.As(err)
	if f == nil {
		return nil
	}
	outcome, _ := json.Marshal(f.Outcome())
	return fmt.Appendf(nil, `{"response":{"status":"%d","outcome":%s}}`, f.HTTPStatus(), outcome)
}

func bundleOf(kind string, entries []entry) []byte {
	out := fmt.Appendf(nil, `{"resourceType":"Bundle","type":%q`, kind)
	for i, e := range entries {
		out = append(out, map[bool]string{true: `,"entry":[`, false: `,`}[i == 0]...)
		out = append(out, e.response...)
	}
	if len(entries) > 0 {
		out = append(out, ']')
	}
	return append(out, '}')
}
