package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ErrUnsequenced says that a row has no index yet: run the sequencer and try
// again. Nothing was written.
var ErrUnsequenced = errors.New("ledger: not in the log yet")

// EmbedLimit is the size to which contents may travel inside a dossier; larger
// ones go beside it, as files named by their SHA-256 in hex.
const EmbedLimit = 16 << 20

// Dossier is a case as it leaves the server: a FHIR document whose parts anyone
// can check without the server.
// https://hl7.org/fhir/R4/documents.html
type Dossier struct {
	Case    string // "Task/x"
	Base    string // of full URLs, without a slash at the end
	Title   string
	Subject string // "Patient/x", may be ""
	Created time.Time
	// Whole says that every version from 1 on of every resource is in Versions;
	// a gap is then a finding.
	Whole    bool
	Versions []VersionRow // in the order of the bundle
	// Erased are versions and contents that the case had and that are destroyed.
	// The certificates that they name are in Versions.
	Erased  []ErasedRow
	Audit   []CaseBatch
	Blobs   []DossierBlob
	Content Content // of blobs; may be nil when there are none
	// Since are earlier sizes of the log, such as that of the reader's trust
	// file, to which the dossier proves its consistency.
	Since []int64
	// Anchors are asked for what somebody outside says of the log, for each
	// signature; nil: nobody says anything.
	Anchors Anchors
	// Summary makes the PDF for people; nil: there is none. It is no part of the
	// record, so the seal of the inventory alone vouches for it.
	Summary func(Facts) ([]byte, error)
}

// Facts are what a summary tells of the dossier that it is part of.
type Facts struct {
	Origin  string // of the log
	Key     string // verifier key of the log
	Size    int64
	Root    [32]byte
	Created time.Time
	// Entries are the versions, deletions included, with the digests that the
	// inventory lists.
	Entries []Fact
	Files   []DossierBlob
	Events  int // of the audit
	Anchors []Anchor
}

// Fact is one version.
type Fact struct {
	Reference string
	Digest    [32]byte
	Deleted   bool
}

// Anchors finds anchors.
type Anchors interface {
	// AnchorsOver returns, of each kind and name, the earliest anchor of a state
	// with more leaves than the index.
	AnchorsOver(ctx context.Context, index int64) ([]Anchor, error)
}

// CaseBatch is an audit batch with the positions of the rows to show.
type CaseBatch struct {
	AuditBatch
	Positions []int
}

// DossierBlob is a content that the case needs.
type DossierBlob struct {
	BlobRow
	ContentType string
	Embed       bool
}

// mediaType is what an embedded content is called in the Bundle.
func (b DossierBlob) mediaType() string {
	switch {
	case !b.Embed:
		return ""
	case b.ContentType == "" || strings.ContainsFunc(b.ContentType, func(r rune) bool { return r < ' ' || r > '~' }):
		return "application/octet-stream"
	}
	return strings.Join(strings.Fields(b.ContentType), " ")
}

// Write proves everything, and only then streams the Bundle.
func (d *Dossier) Write(ctx context.Context, w io.Writer, log Log, keys *Keys) error {
	if err := d.check(); err != nil {
		return err
	}
	b := &bundleWriter{w: w, base: d.Base}
	p, inv, err := d.prove(ctx, log)
	if err != nil {
		return err
	}
	summary, err := d.summarise(keys, inv, p)
	if err != nil {
		return err
	}
	composition, err := d.composition(keys.Signer.Name(), inv)
	if err != nil {
		return err
	}
	inv.composition = sha256.Sum256(composition)
	inv.national("composition", composition)
	if summary != nil {
		inv.national("summary", summary)
	}
	if err := d.national(ctx, inv); err != nil {
		return err
	}
	p.Inventory = inv.text()
	if p.Seal, err = sealInventory(keys.Signer, p.Inventory); err != nil {
		return fmt.Errorf("ledger: seal: %w", err)
	}
	p.LogKey, p.Authority, p.More = keys.Public, encodeCertificate(keys.Authority.Certificate), encodeAll(keys.Authorities()[1:])
	b.open(d.Case, inv.size, inv.created)
	b.entry("Composition", compositionID, composition)
	b.proofs(p)
	if summary != nil {
		b.embedded(summaryID, summaryType, summary)
	}
	for _, v := range d.Versions {
		if !v.Deleted {
			b.entry(v.Type, v.ID, v.Body)
		}
	}
	for _, blob := range d.Blobs {
		if blob.Embed {
			b.content(ctx, blob, d.Content)
		}
	}
	return b.close()
}

func (d *Dossier) check() error {
	seen := map[string]bool{}
	once := func(ref string) error {
		if seen[ref] || ref == "" || strings.ContainsAny(ref, " \n") {
			return fmt.Errorf("ledger: dossier: %q twice, or not to be listed", ref)
		}
		seen[ref] = true
		return nil
	}
	errs := []error{once(d.Case), once(d.Base)}
	for _, v := range d.Versions {
		errs = append(errs, once(v.Ref()))
	}
	for _, x := range d.Erased {
		errs = append(errs, once(x.Ref))
		if !seen[x.Certificate] {
			errs = append(errs, fmt.Errorf("ledger: dossier: %s was erased, and %q is not among the versions", x.Ref, x.Certificate))
		}
	}
	for _, b := range d.Audit {
		errs = append(errs, once(b.Ref))
		for _, p := range b.Positions {
			if errs = append(errs, once(eventRef(b.Ref, p))); p < 0 || p >= len(b.Rows) {
				errs = append(errs, fmt.Errorf("ledger: dossier: %s has no row %d", b.Ref, p))
			}
		}
	}
	for _, b := range d.Blobs {
		errs = append(errs, once(BlobRef(b.Digest)))
		if b.Embed && (b.Size > EmbedLimit || d.Content == nil) {
			errs = append(errs, fmt.Errorf("ledger: dossier: %s has %d bytes and cannot be embedded", BlobRef(b.Digest), b.Size))
		}
	}
	return errors.Join(errs...)
}

// prove finds every leaf and its path, and lists the inventory beside it.
func (d *Dossier) prove(ctx context.Context, log Log) (*proofs, *inventory, error) {
	at, err := d.find(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	c, err := log.Checkpoint(ctx) // after the entries: it covers them all
	if err != nil || c == nil {
		return nil, nil, errors.Join(ErrUnsequenced, err)
	}
	indices := make([]int64, 0, len(at))
	for _, e := range at {
		indices = append(indices, e.Index)
	}
	nodes, err := preload(ctx, log, indices, c.Size)
	if err != nil {
		return nil, nil, err
	}
	pr := &prover{ctx: ctx, at: at, size: c.Size, nodes: nodes, out: &proofs{Format: proofsFormat, Checkpoint: string(c.Note)}}
	inv := &inventory{base: d.Base, caseRef: d.Case, created: instant(d.Created), size: c.Size, root: c.Root, whole: d.Whole}
	for _, v := range d.Versions {
		pr.version(v, inv)
	}
	for _, x := range d.Erased {
		pr.erased(x, inv)
	}
	for _, b := range d.Audit {
		pr.batch(b, inv)
	}
	for _, b := range d.Blobs {
		l := BlobLeaf(b.BlobRow, time.Time{})
		pr.out.Blobs = append(pr.out.Blobs, pr.leaf(l, b.Salt))
		inv.blobs = append(inv.blobs, listedBlob{b.Digest, b.Size, b.Embed, b.mediaType()})
	}
	for _, size := range d.Since {
		pr.since(log, size)
	}
	if d.Anchors != nil {
		pr.anchors(log, d)
	}
	return pr.out, inv, pr.err
}

// anchors adds the earliest anchors after each Provenance, which may carry a
// signature, once each.
func (p *prover) anchors(log Log, d *Dossier) {
	type key struct {
		kind, name string
		size       int64
	}
	seen, sizes := map[key]bool{}, map[int64]bool{}
	for _, c := range p.out.Consistency {
		sizes[c.Size] = true
	}
	for _, v := range d.Versions {
		if v.Type != "Provenance" || v.Deleted {
			continue
		}
		found, err := d.Anchors.AnchorsOver(p.ctx, p.at[v.Ref()].Index)
		p.fail(err)
		for _, a := range found {
			k := key{a.Kind, a.Name, a.Size}
			if seen[k] || a.Size > p.size {
				continue
			}
			seen[k] = true
			p.out.Anchors = append(p.out.Anchors, anchorProof{a.Kind, a.Name, a.Size, instant(a.At), string(a.Note), a.Token})
			if a.Size < p.size && !sizes[a.Size] {
				sizes[a.Size] = true
				p.since(log, a.Size)
			}
		}
	}
}

// find looks up the index of every leaf.
func (d *Dossier) find(ctx context.Context, log Log) (map[string]Entry, error) {
	var refs []string
	for _, v := range d.Versions {
		refs = append(refs, v.Ref())
	}
	for _, x := range d.Erased {
		refs = append(refs, x.Ref)
	}
	for _, b := range d.Audit {
		refs = append(refs, b.Ref)
	}
	for _, b := range d.Blobs {
		refs = append(refs, BlobRef(b.Digest))
	}
	at := make(map[string]Entry, len(refs))
	for part := refs; len(part) > 0; {
		n := min(nodesPerRead, len(part))
		entries, err := log.Entries(ctx, part[:n])
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if _, there := at[e.Ref]; !there { // a blob may have been logged again
				at[e.Ref] = e
			}
		}
		part = part[n:]
	}
	for _, ref := range refs {
		if _, ok := at[ref]; !ok {
			return nil, fmt.Errorf("%w: %s", ErrUnsequenced, ref)
		}
	}
	return at, nil
}

// prover collects proofs; the first error stays.
type prover struct {
	ctx   context.Context
	at    map[string]Entry
	size  int64
	nodes known
	out   *proofs
	err   error
}

func (p *prover) fail(err error) {
	if p.err == nil && err != nil {
		p.err = err
	}
}

// leaf is the proof of one leaf. A row that no longer has the hash of its leaf
// is not exported as if it had.
func (p *prover) leaf(l Leaf, salt [16]byte) leafProof {
	e := p.at[l.Ref]
	if e.Hash != l.Hash {
		p.fail(fmt.Errorf("ledger: %s is not what the log has: run the verification of the database", l.Ref))
	}
	path, err := p.nodes.path(p.ctx, e.Index, p.size)
	p.fail(err)
	return leafProof{Ref: l.Ref, Salt: salt[:], Index: e.Index, Path: path}
}

func (p *prover) version(v VersionRow, inv *inventory) {
	proof := p.leaf(VersionLeaf(v), v.Salt)
	l := listed{ref: v.Ref(), digest: sha256.Sum256(v.Body), deleted: v.Deleted}
	if v.Deleted {
		l.digest = sha256.Sum256(Tombstone(v))
		proof.Updated = instant(v.Updated)
	}
	if v.Deleted {
		inv.national(l.ref, Tombstone(v))
	} else {
		inv.national(l.ref, v.Body)
	}
	p.out.Versions = append(p.out.Versions, proof)
	inv.versions = append(inv.versions, l)
}

func (p *prover) batch(b CaseBatch, inv *inventory) {
	rows := make([][32]byte, len(b.Rows))
	for i := range b.Rows {
		rows[i] = b.rowHash(i)
	}
	nodes, root, err := treeOf(rows)
	p.fail(err)
	out := batchProof{leafProof: p.leaf(b.Leaf(time.Time{}), b.salt()), Rows: len(b.Rows), Root: root[:]}
	inv.batches = append(inv.batches, listed{ref: b.Ref, rows: len(b.Rows)})
	for _, i := range b.Positions {
		path, err := nodes.path(p.ctx, int64(i), int64(len(b.Rows)))
		p.fail(err)
		salt := b.rowSalt(i)
		out.Events = append(out.Events, eventProof{Position: i, Salt: salt[:], Row: b.Rows[i], Path: path})
		inv.events = append(inv.events, listed{ref: eventRef(b.Ref, i), digest: sha256.Sum256(b.Rows[i])})
		inv.national(eventRef(b.Ref, i), b.Rows[i])
	}
	p.out.Batches = append(p.out.Batches, out)
}

func (p *prover) since(log Log, size int64) {
	if size <= 0 || size > p.size {
		return // every log extends the empty one; a later one is proven from there
	}
	path, err := Consistency(p.ctx, log, size, p.size)
	p.fail(err)
	p.out.Consistency = append(p.out.Consistency, ConsistencyProof{Size: size, To: p.size, Path: loose(path)})
}
