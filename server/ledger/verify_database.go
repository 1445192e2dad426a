package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tenon/fhir/tree"
)

// DatabaseOptions of VerifyDatabase; the zero value works.
type DatabaseOptions struct {
	Content Content          // nil: contents are not read
	Clock   func() time.Time // nil: time.Now
	Late    time.Duration    // how long a leaf may wait for its index; 0: 10 s
}

// rowsPerTurn is how many rows are held and looked up at once, and bytesPerTurn
// how much of their bodies.
const (
	rowsPerTurn  = 500
	bytesPerTurn = 16 << 20
)

// VerifyDatabase recomputes the log from its leaves and every leaf from its
// row. In one walk over the log it rebuilds the tree and asks for each leaf
// whether its row is there; in one walk over the rows it recomputes each leaf
// and looks it up. Two sums under a random key prove that both walks saw the
// same leaves. Memory does not grow with the database.
//
// With a nil trust, key is the public key of the server's own keys, and the
// report says that this proves consistency only.
func VerifyDatabase(ctx context.Context, records Records, trust *Trust, key string, o DatabaseOptions) (*Report, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Late <= 0 {
		o.Late = 10 * time.Second
	}
	if trust != nil {
		key = trust.LogKey
	}
	by, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("ledger: verify: the log key: %w", err)
	}
	d := &database{ctx: ctx, records: records, options: o, report: &Report{Trusted: trust != nil, Origin: by.Name()}}
	if _, err := rand.Read(d.secret[:]); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return d.walkLog(by, trust) }, d.walkVersions, d.walkBatches, d.walkBlobs, d.walkWaiting,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("ledger: verify: %w", err)
		}
	}
	if d.report.OK() && d.log != d.rows {
		d.report.find(Changed, "log", "", "the leaves found by reference are not those of the log: the index of the database is damaged or forged")
	}
	return d.report, nil
}

// database is the state of one verification.
type database struct {
	ctx     context.Context
	records Records
	options DatabaseOptions
	report  *Report
	size    int64

	secret    [32]byte
	log, rows sum // over versions and audit batches, which have one leaf each
}

// sum adds up leaves without regard to order. Under a secret key nobody can
// choose two sets with one sum.
type sum [4]uint64

func (s *sum) add(key [32]byte, e Entry) {
	m := hmac.New(sha256.New, key[:])
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Index))) //nolint:gosec // compared only
	m.Write(e.Hash[:])
	m.Write([]byte(e.Ref))
	h := m.Sum(nil)
	for i := range s {
		s[i] += binary.BigEndian.Uint64(h[i*8:])
	}
}

// walkLog rebuilds the tree, leaf by leaf, and holds it against the newest and
// the trusted checkpoint.
func (d *database) walkLog(by note.Verifier, trust *Trust) error {
	c, err := d.records.Checkpoint(d.ctx)
	if err != nil {
		return err
	}
	trusted := int64(0)
	if trust != nil && trust.Checkpoint != nil {
		trusted = trust.Checkpoint.Size
	} else if trust != nil {
		d.report.note("the trust file has no checkpoint: an older state put in place of this one cannot be seen")
	}
	if c != nil {
		d.size = c.Size
		d.checkNewest(*c, by)
	}
	d.report.Size = d.size
	if d.size < trusted {
		d.report.find(Forked, "log", "", "it has %d leaves, the trusted checkpoint %d: it was rolled back", d.size, trusted)
	}
	newest, atTrusted, err := d.rebuild(trusted)
	if err != nil {
		return err
	}
	if c != nil && newest != c.Root {
		d.report.find(Changed, "log", "", "the %d leaves have the root %x, the newest checkpoint says %x", d.size, newest, c.Root)
	}
	if trusted > 0 && d.size >= trusted && atTrusted != trust.Checkpoint.Root {
		d.report.find(Forked, "log", "", "the first %d leaves have the root %x, the trusted checkpoint says %x", trusted, atTrusted, trust.Checkpoint.Root)
	}
	return nil
}

func (d *database) checkNewest(c Checkpoint, by note.Verifier) {
	signed, err := OpenCheckpoint(c.Note, by)
	switch {
	case err != nil:
		d.report.find(Untrusted, "checkpoint", "", "%v", err)
	case signed.Size != c.Size || signed.Root != c.Root:
		d.report.find(Changed, "checkpoint", "", "its row says %d leaves and root %x, its note %d and %x", c.Size, c.Root, signed.Size, signed.Root)
	}
}

// rebuild reads the log up to the newest checkpoint and beyond, where nothing
// may be.
func (d *database) rebuild(trusted int64) (newest, atTrusted [32]byte, err error) {
	edge, next := newRange(0), int64(0)
	var turn []Entry
	err = d.records.Range(d.ctx, 0, 1<<62, func(e Entry) error {
		if e.Index >= d.size {
			d.report.find(Inserted, "log", e.Ref, "it has the index %d, the newest checkpoint ends before %d", e.Index, d.size)
			return nil
		}
		for ; next < e.Index; next++ {
			d.report.find(Missing, "log", fmt.Sprintf("leaf %d", next), "the log has no entry of this index")
		}
		if e.Index < next {
			d.report.find(Inserted, "log", e.Ref, "the index %d is given twice or out of order", e.Index)
			return nil
		}
		next++
		if err := edge.Append(e.Hash[:], nil); err != nil {
			return err
		}
		if next == trusted {
			atTrusted = rootOf(edge)
		}
		if e.Kind != KindBlob { // a content may be logged again, so its leaves are not counted
			d.log.add(d.secret, e)
		}
		if turn = append(turn, e); len(turn) == rowsPerTurn {
			err := d.haveRows(turn)
			turn = turn[:0]
			return err
		}
		return nil
	})
	if err == nil {
		err = d.haveRows(turn)
	}
	for ; err == nil && next < d.size && d.report.More == 0; next++ {
		d.report.find(Missing, "log", fmt.Sprintf("leaf %d", next), "the log has no entry of this index")
	}
	return rootOf(edge), atTrusted, err
}

// haveRows asks for the rows of leaves.
func (d *database) haveRows(entries []Entry) error {
	refs := map[string][]string{}
	for _, e := range entries {
		refs[e.Kind] = append(refs[e.Kind], e.Ref)
	}
	for kind, of := range refs {
		what := map[string]string{KindVersion: "version", KindAudit: "audit", KindBlob: "blob"}[kind]
		if what == "" {
			for _, ref := range of {
				d.report.find(Inserted, "log", ref, "its kind %q is none", kind)
			}
			continue
		}
		there, err := d.records.Has(d.ctx, kind, of)
		if err != nil {
			return err
		}
		if len(there) != len(of) {
			return errors.New("the store answered for another number of rows")
		}
		for i, ref := range of {
			if !there[i] {
				d.report.find(Missing, what, ref, "the log has its leaf, the database does not have the row")
			}
		}
	}
	return nil
}

// row is a row with the leaf that it should have.
type row struct {
	what string
	leaf Leaf
}

// match looks up the leaves of rows.
func (d *database) match(turn []row) error {
	refs := make([]string, len(turn))
	for i, r := range turn {
		refs[i] = r.leaf.Ref
	}
	entries, err := d.records.Entries(d.ctx, refs)
	if err != nil {
		return err
	}
	found := map[string][]Entry{}
	for _, e := range entries {
		found[e.Ref] = append(found[e.Ref], e)
	}
	var without []row
	for _, r := range turn {
		es := found[r.leaf.Ref]
		switch {
		case len(es) == 0:
			without = append(without, r)
		case len(es) > 1 && r.leaf.Kind != KindBlob:
			d.report.find(Inserted, r.what, r.leaf.Ref, "the log has %d leaves of it", len(es))
		case es[0].Hash != r.leaf.Hash:
			d.report.find(Changed, r.what, r.leaf.Ref, "its bytes or salt are not those of leaf %d", es[0].Index)
		case es[0].Kind != r.leaf.Kind:
			d.report.find(Changed, r.what, r.leaf.Ref, "leaf %d is of the kind %q", es[0].Index, es[0].Kind)
		case r.leaf.Kind != KindBlob:
			d.rows.add(d.secret, es[0])
		}
	}
	return d.waiting(without)
}

// waiting judges rows whose leaves have no index: they may wait for a moment.
func (d *database) waiting(rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	refs := make([]string, len(rows))
	for i, r := range rows {
		refs[i] = r.leaf.Ref
	}
	pending, err := d.records.Pending(d.ctx, refs)
	if err != nil {
		return err
	}
	hash := map[string][32]byte{}
	for _, p := range pending {
		hash[p.Ref] = p.Hash
	}
	for _, r := range rows {
		switch h, ok := hash[r.leaf.Ref]; {
		case !ok:
			d.report.find(Inserted, r.what, r.leaf.Ref, "the log has no leaf of it")
		case h != r.leaf.Hash:
			d.report.find(Changed, r.what, r.leaf.Ref, "its bytes or salt are not those of its leaf, which waits for its index")
		}
	}
	return nil
}

// walkVersions recomputes the leaf of every version and looks for gaps.
func (d *database) walkVersions() error {
	var turn []row
	var last VersionRow
	size := 0
	err := d.records.Versions(d.ctx, func(v VersionRow) error {
		d.report.Versions++
		d.contiguous(last, v)
		last = VersionRow{Type: v.Type, ID: v.ID, Version: v.Version}
		if fault := identity(v); fault != "" {
			d.report.find(Changed, "version", v.Ref(), "%s", fault)
		}
		turn = append(turn, row{"version", VersionLeaf(v)})
		if size += len(v.Body); len(turn) < rowsPerTurn && size < bytesPerTurn {
			return nil
		}
		err := d.match(turn)
		turn, size = turn[:0], 0
		return err
	})
	if err != nil {
		return err
	}
	return d.match(turn)
}

func (d *database) contiguous(last, v VersionRow) {
	same := last.Type == v.Type && last.ID == v.ID
	want := int64(1)
	if same {
		want = last.Version + 1
	}
	switch {
	case v.Version < want:
		d.report.find(Reordered, "version", v.Ref(), "it comes after version %d", last.Version)
	case v.Version-want > 100:
		d.report.find(Missing, "version", v.Type+"/"+v.ID, "versions %d to %d are not there", want, v.Version-1)
	default:
		for ; want < v.Version; want++ {
			d.report.find(Missing, "version", VersionRef(v.Type, v.ID, want), "a later version is there, this one is not")
		}
	}
}

// identity tells what is wrong between a row and the bytes in it: two rows
// whose bodies and references were swapped together have leaves that fit.
func identity(v VersionRow) string {
	if v.Deleted {
		if len(v.Body) > 0 {
			return "it is a deletion, but has bytes"
		}
		return ""
	}
	if v.Digest != ([32]byte{}) && v.Digest != sha256.Sum256(v.Body) {
		return "its digest column is not the SHA-256 of its bytes"
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		return "its bytes are no JSON"
	}
	if ref := (item{resource: doc.Root()}).ref(); ref != v.Ref() {
		return "its bytes call themselves " + printable(ref)
	}
	return ""
}

func (d *database) walkBatches() error {
	var turn []row
	err := d.records.Batches(d.ctx, func(b AuditBatch) error {
		d.report.Batches++
		d.report.Events += len(b.Rows)
		if turn = append(turn, row{"audit", b.Leaf(time.Time{})}); len(turn) < rowsPerTurn {
			return nil
		}
		err := d.match(turn)
		turn = turn[:0]
		return err
	})
	if err != nil {
		return err
	}
	return d.match(turn)
}

func (d *database) walkBlobs() error {
	var turn []row
	err := d.records.Blobs(d.ctx, func(b BlobRow) error {
		d.report.Blobs++
		d.content(b)
		if turn = append(turn, row{"blob", BlobLeaf(b, time.Time{})}); len(turn) < rowsPerTurn {
			return d.ctx.Err()
		}
		err := d.match(turn)
		turn = turn[:0]
		return err
	})
	if err != nil {
		return err
	}
	if d.options.Content == nil && d.report.Blobs > 0 {
		d.report.note("the contents of %d blobs were not read: give the folder of blobs", d.report.Blobs)
	}
	return d.match(turn)
}

func (d *database) content(b BlobRow) {
	if d.options.Content == nil {
		return
	}
	switch err := checkContent(d.ctx, d.options.Content, b.Digest, b.Size); {
	case err == nil:
		d.report.Contents++
	case errors.Is(err, fs.ErrNotExist):
		d.report.find(Missing, "blob", BlobRef(b.Digest), "its content is not there")
	default:
		d.report.find(Changed, "blob", BlobRef(b.Digest), "%v", err)
	}
}

// walkWaiting looks for leaves that were left out of the log, and for those
// whose row is gone.
func (d *database) walkWaiting() error {
	now := d.options.Clock()
	var turn []Entry
	err := d.records.Waiting(d.ctx, func(p Pending) error {
		if age := now.Sub(p.At); age > d.options.Late {
			d.report.find(Unsequenced, "log", p.Ref, "it was committed %v ago and has no index", age.Round(time.Second))
		} else {
			d.report.Waiting++
		}
		if turn = append(turn, Entry{Leaf: p.Leaf}); len(turn) < rowsPerTurn {
			return nil
		}
		err := d.haveRows(turn)
		turn = turn[:0]
		return err
	})
	if err != nil {
		return err
	}
	return d.haveRows(turn)
}
