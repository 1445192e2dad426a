package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// Transaction carries out a Bundle of type batch or transaction and returns the
// response Bundle. A transaction commits as a whole; every entry of a batch
// stands for itself. https://hl7.org/fhir/R4/http.html#transaction
func (r *Recorder) Transaction(ctx context.Context, who *access.Context, bundle []byte) ([]byte, error) {
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
	entries, err := r.entries(root)
	if err != nil {
		return nil, err
	}
	if kind == "batch" {
		return r.batch(ctx, who, entries)
	}
	if err := distinct(root); err != nil {
		return nil, err
	}
	return r.transaction(ctx, who, entries)
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

// entry is one Bundle.entry with its request.
type entry struct {
	place    int
	op       Op
	get      string // URL of a GET
	known    string // version that the client has of it
	since    time.Time
	response []byte
}

func (r *Recorder) entries(root tree.Node) ([]entry, error) {
	var out []entry
	for e := range root.Field("entry").Items() {
		i := len(out)
		en, err := r.entryOf(e)
		if f := issue.As(err); f != nil {
			f.Issues[0].Path = fmt.Sprintf("Bundle.entry[%d].%s", i, f.Issues[0].Path)
			return nil, f
		}
		en.place = i
		out = append(out, en)
	}
	return out, nil
}

func (r *Recorder) entryOf(e tree.Node) (entry, error) {
	req := e.Field("request")
	method, target := req.Field("method").Str(), strings.TrimPrefix(req.Field("url").Str(), "/")
	if base := r.o.BaseURL; base != "" {
		target = strings.TrimPrefix(strings.TrimPrefix(target, base), "/")
	}
	if method == "GET" || method == "HEAD" {
		since, _ := time.Parse(time.RFC3339, req.Field("ifModifiedSince").Str()) // none is zero
		return entry{get: target, known: versionOf(req.Field("ifNoneMatch").Str()), since: since}, nil
	}
	if !slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, method) {
		return entry{}, issue.Errorf(issue.Invalid, "%q is not a method of an entry.", method).At("request.method").Rule("entry-method").WithStatus(400)
	}
	path, criteria, _ := strings.Cut(target, "?")
	typ, id, _ := strings.Cut(path, "/")
	if strings.ContainsAny(id, "/$") || strings.HasPrefix(typ, "$") {
		return entry{}, issue.Errorf(issue.NotSupported, "%q: operations are not carried out inside a Bundle; call them on their own.", target).
			At("request.url").Rule("entry-operation").WithStatus(400)
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

func (r *Recorder) transaction(ctx context.Context, who *access.Context, entries []entry) ([]byte, error) {
	d := &Draft{Door: "fhir", Operation: "transaction"}
	var places []int
	writes := slices.Clone(entries)
	writes = slices.DeleteFunc(writes, func(e entry) bool { return e.get != "" })
	slices.SortStableFunc(writes, func(a, b entry) int { return order[a.op.Method] - order[b.op.Method] })
	for _, e := range writes {
		d.Ops = append(d.Ops, e.op)
		places = append(places, e.place)
	}
	if len(d.Ops) > 0 {
		outcome, err := r.Submit(ctx, who, d)
		if err != nil {
			return nil, renumber(err, places)
		}
		for k, res := range outcome.Results {
			entries[places[k]].response = responseEntry(res)
		}
	}
	for i := range entries {
		if entries[i].get == "" {
			continue
		}
		response, err := r.get(ctx, who, &entries[i])
		if err != nil {
			return nil, err
		}
		entries[i].response = response
	}
	return bundleOf("transaction-response", entries), nil
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

func (r *Recorder) batch(ctx context.Context, who *access.Context, entries []entry) ([]byte, error) {
	for i := range entries {
		e := &entries[i]
		if e.get != "" {
			response, err := r.get(ctx, who, e)
			if err != nil {
				if e.response = failureEntry(err); e.response == nil {
					return nil, err
				}
				continue
			}
			e.response = response
			continue
		}
		outcome, err := r.Submit(ctx, who, &Draft{Door: "fhir", Operation: "batch", Ops: []Op{e.op}})
		if err != nil {
			if e.response = failureEntry(err); e.response == nil {
				return nil, err
			}
			continue
		}
		e.response = responseEntry(outcome.Results[0])
	}
	return bundleOf("batch-response", entries), nil
}

// get answers a read or a search inside a Bundle.
func (r *Recorder) get(ctx context.Context, who *access.Context, e *entry) ([]byte, error) {
	path, query, _ := strings.Cut(e.get, "?")
	parts := strings.Split(path, "/")
	switch {
	case len(parts) == 2 && query == "", len(parts) == 4 && parts[2] == "_history" && query == "":
		v, err := r.readEntry(ctx, who, parts)
		if err != nil {
			return nil, err
		}
		if e.known == fmt.Sprint(v.Version) || !e.since.IsZero() && !v.Updated.After(e.since) {
			return fmt.Appendf(nil, `{"response":{"status":"304","etag":"W/\"%d\""}}`, v.Version), nil
		}
		return resourceEntry(v.Labelled(), fmt.Sprintf(`{"status":"200","etag":"W/\"%d\""}`, v.Version)), nil
	case len(parts) == 1:
		params, err := search.ParseQuery(query)
		if err != nil {
			return nil, err
		}
		page, _, err := r.Search(ctx, who, parts[0], params, true)
		if err != nil {
			return nil, err
		}
		return resourceEntry(searchset(page), `{"status":"200"}`), nil
	}
	return nil, issue.Errorf(issue.NotSupported, "GET %s is not carried out inside a Bundle.", path).Rule("entry-get").WithStatus(400)
}

func (r *Recorder) readEntry(ctx context.Context, who *access.Context, parts []string) (*Version, error) {
	if len(parts) == 2 {
		return r.Read(ctx, who, parts[0], parts[1])
	}
	n, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil || n < 1 {
		return nil, absent(parts[0], parts[1])
	}
	return r.ReadVersion(ctx, who, parts[0], parts[1], n)
}

func searchset(page *search.Page) []byte {
	out := []byte(`{"resourceType":"Bundle","type":"searchset"`)
	for i, hit := range page.Hits {
		out = append(out, map[bool]string{true: `,"entry":[`, false: `,`}[i == 0]...)
		mode := map[bool]string{true: "include", false: "match"}[hit.Included]
		out = fmt.Appendf(out, `{"resource":%s,"search":{"mode":%q}}`, Labelled(hit.Body, hit.Level, hit.Integrity), mode)
	}
	if len(page.Hits) > 0 {
		out = append(out, ']')
	}
	return append(out, '}')
}

func resourceEntry(resource []byte, response string) []byte {
	return fmt.Appendf(nil, `{"resource":%s,"response":%s}`, resource, response)
}

// responseEntry tells what became of an entry, with what is to be said of it
// (https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.outcome).
func responseEntry(res Result) []byte {
	out := fmt.Appendf(nil, `{"response":{"status":"%d"`, res.Status)
	if v := res.Version; v != nil && res.Status != 204 {
		out = fmt.Appendf(out, `,"location":"%s/%s/_history/%d","etag":"W/\"%d\"","lastModified":%q`,
			v.Type, v.ID, v.Version, v.Version, v.Updated.Format("2006-01-02T15:04:05.000Z07:00"))
	}
	if len(res.Warnings) > 0 {
		outcome, _ := json.Marshal(issue.OutcomeOf(res.Warnings)) // texts always marshal
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
