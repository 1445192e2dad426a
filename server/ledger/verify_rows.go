package ledger

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"time"

	"tenon/fhir/tree"
)

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
		if d.gone(v) {
			return nil
		}
		d.certify(v)
		if row, ok := signedBy(v); ok {
			d.signed.addMark(row.mark(d.secret, true))
		}
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
