package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

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
	if who.Kind == access.Operator || who.Kind == access.Server {
		return nil
	}
	if who.Kind == access.Person && who.Has(access.ADMIN) {
		return who.Stepped()
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
	// Source names the input where lines of several are written together; "" is
	// that of the call.
	Source string
	// Doc is the body where it was read already.
	Doc *tree.Doc
}

// parse reads the body, once.
func (l *Line) parse() (tree.Node, error) {
	if l.Doc == nil {
		d, err := tree.Parse(l.Body)
		if err != nil {
			return tree.Node{}, err
		}
		l.Doc = d
	}
	return l.Doc.Root(), nil
}

// Imported tells what became of lines.
type Imported struct {
	Written, Same int64        // resources; Same were there already as they are
	Failed        []FailedLine // in the order of the lines
}

// FailedLine is a line that was refused; an entry of a batch is one by itself.
type FailedLine struct {
	Source string // "" where the line has none
	N      int64
	Fault  error
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
		if err := ctx.Err(); err != nil {
			return m, err
		}
		one, done, err := r.importing(ctx, who, source, line)
		m.add(done)
		switch {
		case err != nil && !refused(err):
			return m, err
		case err != nil:
			m.Failed = append(m.Failed, FailedLine{line.Source, line.N, err})
		case one != nil:
			batch = append(batch, *one)
		}
	}
	done, err := r.importAll(ctx, who, batch, false)
	m.add(done)
	return m, err
}

// importing reads a line; nil when it is done already.
func (r *Recorder) importing(ctx context.Context, who *access.Context, source string, line Line) (*importing, Imported, error) {
	if line.Fault != nil {
		return nil, Imported{}, line.Fault
	}
	root, err := line.parse()
	if err != nil {
		return nil, Imported{}, err
	}
	typ, id := root.Path("resourceType").Str(), root.Path("id").Str()
	if !r.o.Model.IsResource(typ) {
		return nil, Imported{}, issue.Errorf(issue.Invalid, "%q is not a resource type of FHIR R4.", clipped(typ)).At("resourceType").Rule("unknown-type")
	}
	if kind := root.Path("type").Str(); typ == "Bundle" && (kind == "transaction" || kind == "batch") {
		done, err := r.importBundle(ctx, who, line, root)
		return nil, done, err
	}
	body := line.Body
	if id == "" {
		if line.Source != "" {
			source = line.Source
		}
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
	return &importing{line, Op{Method: "PUT", Type: typ, ID: id, Body: body}}, Imported{}, nil
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
