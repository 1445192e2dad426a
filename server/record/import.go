package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// ImportKind is the kind of the jobs that import.
const ImportKind = "import"

// MayImport refuses who is neither operator nor platform administrator: an import
// chooses ids and writes for everybody.
func MayImport(who *access.Context) error {
	if err := mustKnow(who); err != nil {
		return err
	}
	if who.Kind == access.Operator || who.Kind == access.Server || who.Kind == access.Person && who.Has(access.ADMIN) {
		return nil
	}
	return issue.Errorf(issue.Forbidden, "%s may not import. Ask an operator or a platform administrator.", who.Principal).
		Rule("import-role").Chinese("仅管理员可以导入。")
}

// Line is one resource to import.
type Line struct {
	N    int64 // number in its input, from 1
	Body []byte
	// Fault is why the line could not be read.
	Fault error
}

// Imported tells what became of lines.
type Imported struct {
	Written, Same int64 // resources; Same were there already as they are
	Failed        []FailedLine
}

// FailedLine is a line that was refused.
type FailedLine struct {
	N     int64
	Fault error
}

func (m *Imported) add(o Imported) {
	m.Written += o.Written
	m.Same += o.Same
	m.Failed = append(m.Failed, o.Failed...)
}

// Import writes resources, each under its id: what is there already as it is, is
// passed over, so that an import can be repeated. A resource without an id gets
// one from source and its number. A transaction or batch is carried out once.
// All rules of the record apply; a line that breaks one is told and the others
// are written. Errors are faults of the server.
func (r *Recorder) Import(ctx context.Context, who *access.Context, source string, lines []Line) (Imported, error) {
	var m Imported
	if err := MayImport(who); err != nil {
		return m, err
	}
	var batch []importing
	for _, line := range lines {
		one, done, err := r.importing(ctx, who, source, line)
		switch {
		case err != nil && issue.As(err) == nil:
			return m, err
		case err != nil:
			m.Failed = append(m.Failed, FailedLine{line.N, err})
		case one == nil:
			m.add(done)
		default:
			batch = append(batch, *one)
		}
	}
	done, err := r.importAll(ctx, who, batch)
	m.add(done)
	return m, err
}

// importing is a line on its way to an operation.
type importing struct {
	n  int64
	op Op
}

// importing reads a line; nil when it is done already.
func (r *Recorder) importing(ctx context.Context, who *access.Context, source string, line Line) (*importing, Imported, error) {
	if line.Fault != nil {
		return nil, Imported{}, line.Fault
	}
	d, err := tree.Parse(line.Body)
	if err != nil {
		return nil, Imported{}, err
	}
	root := d.Root()
	typ, id := root.Path("resourceType").Str(), root.Path("id").Str()
	if !r.o.Model.IsResource(typ) {
		return nil, Imported{}, issue.Errorf(issue.Invalid, "%q is not a resource type of FHIR R4.", clipped(typ)).At("resourceType").Rule("unknown-type")
	}
	if kind := root.Path("type").Str(); typ == "Bundle" && (kind == "transaction" || kind == "batch") {
		done, err := r.importBundle(ctx, who, line.Body, root)
		return nil, done, err
	}
	body := line.Body
	if id == "" {
		id = importID(source, line.N)
		body = withID(body, id)
	}
	same, err := r.same(ctx, who, typ, id, body)
	if err != nil {
		return nil, Imported{}, err
	}
	if same {
		return nil, Imported{Same: 1}, nil
	}
	return &importing{line.N, Op{Method: "PUT", Type: typ, ID: id, Body: body}}, Imported{}, nil
}

// importID is the id of a resource that has none, the same whenever it is
// imported again.
func importID(source string, n int64) string {
	sum := sha256.Sum256([]byte(source + "\x00" + strconv.FormatInt(n, 10)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// withID adds the id as the first member; the body is an object with a
// resourceType.
func withID(body []byte, id string) []byte {
	at := bytes.IndexByte(body, '{') + 1
	return append(fmt.Appendf(append([]byte{}, body[:at]...), `"id":%q,`, id), body[at:]...)
}

// same tells whether the resource is stored as it is, but for what the server
// gave it.
func (r *Recorder) same(ctx context.Context, who *access.Context, typ, id string, body []byte) (bool, error) {
	v, err := r.current(ctx, who.Reach(), typ, id)
	if err != nil || v == nil || v.Deleted {
		return false, err
	}
	d, err := tree.Parse(body)
	if err != nil {
		return false, err
	}
	root, err := unlabelled(d.Root())
	if err != nil {
		return false, err
	}
	stored, err := tree.Splice(root.Doc(), v.ID, strconv.FormatInt(v.Version, 10), v.Updated)
	return err == nil && bytes.Equal(stored, v.Body), err
}

// importAll writes a batch in one commit. Where one line is refused, halves are
// tried, down to the line.
func (r *Recorder) importAll(ctx context.Context, who *access.Context, batch []importing) (Imported, error) {
	var m Imported
	if len(batch) == 0 {
		return m, nil
	}
	d := &Draft{Door: "fhir", Operation: "import", Ops: make([]Op, len(batch))}
	for i := range batch {
		d.Ops[i] = batch[i].op
	}
	_, err := r.submit(ctx, who, d, internal{names: true})
	switch {
	case err == nil:
		m.Written = int64(len(batch))
		return m, nil
	case issue.As(err) == nil || issue.As(err).HTTPStatus() >= 500:
		return m, err
	case len(batch) == 1:
		m.Failed = []FailedLine{{batch[0].n, err}}
		return m, nil
	}
	for _, half := range [][]importing{batch[:len(batch)/2], batch[len(batch)/2:]} {
		done, err := r.importAll(ctx, who, half)
		m.add(done)
		if err != nil {
			return m, err
		}
	}
	return m, nil
}

// importBundle carries out a transaction or batch, once for the same bytes.
func (r *Recorder) importBundle(ctx context.Context, who *access.Context, bundle []byte, root tree.Node) (Imported, error) {
	var writes []entry
	for _, e := range r.entries(root) {
		if e.fault != nil {
			return Imported{}, e.fault
		}
		if e.asked == nil {
			writes = append(writes, e)
		}
	}
	if len(writes) == 0 {
		return Imported{}, nil
	}
	digest := sha256.Sum256(bundle)
	if root.Path("type").Str() == "batch" {
		return r.importEntries(ctx, who, writes, digest)
	}
	d := &Draft{Door: "fhir", Operation: "transaction", Keys: []Key{{Door: "import", Key: hex.EncodeToString(digest[:]), Digest: digest, Ref: "imported"}}}
	places := make([]int, 0, len(writes))
	for _, e := range sortedEntries(writes) {
		d.Ops = append(d.Ops, e.op)
		places = append(places, e.place)
	}
	out, err := r.submit(ctx, who, d, internal{names: true})
	if err != nil {
		return Imported{}, renumber(err, places)
	}
	if out.Repeat != "" {
		return Imported{Same: int64(len(writes))}, nil
	}
	return Imported{Written: int64(len(writes))}, nil
}

// sortedEntries are the entries of a transaction in the order of processing.
func sortedEntries(writes []entry) []entry {
	slices.SortStableFunc(writes, func(a, b entry) int { return order[a.op.Method] - order[b.op.Method] })
	return writes
}

// importEntries carries out the entries of a batch, each for itself and once.
func (r *Recorder) importEntries(ctx context.Context, who *access.Context, writes []entry, digest [32]byte) (Imported, error) {
	var m Imported
	for _, e := range writes {
		key := fmt.Sprintf("%x/%d", digest, e.place)
		d := &Draft{Door: "fhir", Operation: "batch", Ops: []Op{e.op}, Keys: []Key{{Door: "import", Key: key, Digest: digest, Ref: "imported"}}}
		out, err := r.submit(ctx, who, d, internal{names: true})
		switch {
		case err != nil && issue.As(err) == nil:
			return m, err
		case err != nil:
			f := issue.As(err)
			f.Issues[0].Path = fmt.Sprintf("Bundle.entry[%d] %s", e.place, f.Issues[0].Path)
			return m, f
		case out.Repeat != "":
			m.Same++
		default:
			m.Written++
		}
	}
	return m, nil
}

// ImportSeveral imports batches of lines at the same time. Lines with the same id
// must not be in different ones.
func (r *Recorder) ImportSeveral(ctx context.Context, who *access.Context, source string, batches [][]Line) (Imported, error) {
	var all Imported
	var mu sync.Mutex
	var wg sync.WaitGroup
	var faults []error
	for _, lines := range batches {
		wg.Go(func() {
			done, err := r.Import(ctx, who, source, lines)
			mu.Lock()
			defer mu.Unlock()
			all.add(done)
			faults = append(faults, err)
		})
	}
	wg.Wait()
	return all, errors.Join(faults...)
}

// outcomeOf is an OperationOutcome about a line, for a file of errors.
func outcomeOf(source string, f FailedLine) []byte {
	failure := issue.As(f.Fault)
	if failure == nil {
		return nil
	}
	o := failure.Issues
	for i := range o {
		o[i].Text = fmt.Sprintf("%s, line %d: %s", source, f.N, o[i].Text)
	}
	text, _ := json.Marshal(issue.OutcomeOf(o)) // issues always marshal
	return text
}
