package ledger

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tenon/fhir/tree"
)

// VerifyOptions of VerifyDossier; the zero value works.
type VerifyOptions struct {
	Content  Content            // contents that travelled apart; nil: not looked at
	Proofs   []ConsistencyProof // beyond those in the dossier, e.g. to a trust file that is newer
	MaxEntry int                // bytes of one entry; 0: 256 MiB
	Clock    func() time.Time   // by which a certificate has ended; nil: time.Now
	// Seen are checkpoints that a witness kept, as it wrote them. Those that the
	// dossier has a proof for must not contradict it.
	Seen [][]byte
}

// VerifyDossier judges a dossier without the server that wrote it. With a nil
// trust it can say no more than that the dossier is consistent with itself. The
// error is one of reading; whatever is wrong with the dossier is in the report.
func VerifyDossier(ctx context.Context, r io.Reader, trust *Trust, o VerifyOptions) (*Report, error) {
	if o.MaxEntry <= 0 {
		o.MaxEntry = 256 << 20
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	src := &failing{r: r}
	v := &verifier{ctx: ctx, trust: trust, options: o, report: &Report{Trusted: trust != nil}, members: map[string]string{}}
	s := &scanner{r: bufio.NewReaderSize(src, 64<<10), limit: o.MaxEntry}
	err := s.bundle(v.member, func(raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return v.entry(raw)
	})
	if err := errors.Join(src.err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("ledger: read dossier: %w", err)
	}
	if err != nil {
		v.report.find(Malformed, "dossier", "", "at byte %d: %v; nothing after it was read", s.at, err)
	}
	v.finish()
	return v.report, nil
}

// failing keeps an error of the reader apart from what is wrong with the text.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// verifier is the state of one verification.
type verifier struct {
	ctx     context.Context
	trust   *Trust
	options VerifyOptions
	report  *Report

	entries     int
	members     map[string]string // of the Bundle, as they stand
	composition []byte
	urls        [2]string // full URLs of Composition and proofs
	ledger      *opened
	strangers   map[int]string // entries that the inventory does not list, by position
	signatures  []signature
}

// member keeps what stands beside the entries until the inventory is known.
func (v *verifier) member(name string, value []byte) error {
	switch name {
	case "resourceType":
		if string(value) != `"Bundle"` {
			return fmt.Errorf("a %s, not a Bundle", printable(string(value)))
		}
	case "type", "identifier", "timestamp":
	default:
		return fmt.Errorf("the Bundle has a member %q that a dossier has not", name)
	}
	_, err := tree.Parse(value)
	v.members[name] = string(value)
	return err
}

// entry judges one entry: the Composition, then the proofs, then what they
// speak of.
func (v *verifier) entry(raw []byte) error {
	v.entries++
	doc := new(tree.Doc)
	if err := doc.Parse(raw, tree.Limits{Bytes: v.options.MaxEntry}); err != nil {
		return fmt.Errorf("entry %d: %w", v.entries, err)
	}
	e := item{doc: doc.Root(), raw: raw}
	for name := range e.doc.Fields() {
		if name != "fullUrl" && name != "resource" {
			return fmt.Errorf("entry %d has a member %q that a dossier has not", v.entries, name)
		}
	}
	e.resource = e.doc.Field("resource")
	if v.entries <= len(v.urls) {
		v.urls[v.entries-1] = e.doc.Field("fullUrl").Str()
	}
	switch v.entries {
	case 1:
		if e.typ() != "Composition" {
			return errors.New("the first entry is not the Composition of a dossier")
		}
		v.composition = bytes.Clone(e.resource.Raw())
		return nil
	case 2:
		return v.openProofs(e)
	}
	v.part(e)
	return nil
}

// item is one entry of the Bundle.
type item struct {
	doc, resource tree.Node
	raw           []byte
}

func (e item) typ() string { return e.resource.Field("resourceType").Str() }

// ref is the version that the resource says it is.
func (e item) ref() string {
	return e.typ() + "/" + e.resource.Field("id").Str() + "/_history/" + e.resource.Path("meta", "versionId").Str()
}

// is tells whether the bytes of the resource have the digest: as they stand, or
// with the white space around them that was stored with them.
func (e item) is(digest [32]byte) ([]byte, bool) {
	exact := e.resource.Raw()
	if sha256.Sum256(exact) == digest {
		return exact, true
	}
	_, end := e.resource.Span()
	if i := bytes.Index(e.raw, []byte(`"resource":`)); i >= 0 && end < len(e.raw) {
		wide := e.raw[i+len(`"resource":`) : len(e.raw)-1]
		if len(wide) > len(exact) && bytes.Equal(bytes.TrimSpace(wide), exact) && sha256.Sum256(wide) == digest {
			return wide, true
		}
	}
	return exact, false
}

func (v *verifier) openProofs(e item) error {
	if e.typ() != "Binary" || e.resource.Field("id").Str() != proofsID || e.resource.Field("contentType").Str() != proofsContentType {
		return errors.New("the second entry does not hold the proofs of a dossier")
	}
	text, err := base64.StdEncoding.Strict().DecodeString(e.resource.Field("data").Str())
	if err != nil {
		return errors.New("the proofs are not base64")
	}
	for name := range e.resource.Fields() {
		if name != "resourceType" && name != "id" && name != "contentType" && name != "data" {
			return fmt.Errorf("the proofs have a member %q beside them", name)
		}
	}
	p := &proofs{}
	if err := strictJSON(text, v.options.MaxEntry, p); err != nil {
		return fmt.Errorf("the proofs: %w", err)
	}
	if p.Format != proofsFormat {
		return fmt.Errorf("the proofs have the format %q, want %s", p.Format, proofsFormat)
	}
	v.ledger, err = v.open(p)
	return err
}

// part judges an entry that the inventory should list: a version or a content.
func (v *verifier) part(e item) {
	l := v.ledger
	if e.typ() == "Binary" && e.resource.Field("id").Str() == summaryID && l.summary != nil && !l.summarised {
		v.summary(e)
		return
	}
	if id := e.resource.Field("id").Str(); e.typ() == "Binary" && len(id) == 64 && !e.resource.Field("meta").Exists() {
		if b, ok := l.blobs[id]; ok {
			v.embedded(e, b)
			return
		}
	}
	ref := e.ref()
	place, ok := l.order[ref]
	if !ok {
		v.strangers[v.entries] = ref
		return
	}
	if l.seen[ref] {
		v.report.find(Inserted, "version", ref, "it is in the dossier twice")
		return
	}
	l.seen[ref] = true
	if place < l.last {
		v.report.find(Reordered, "version", ref, "it stands behind a version that it must precede")
	} else {
		l.last = place
	}
	if full := e.doc.Field("fullUrl").Str(); full != l.base+"/"+strings.SplitN(ref, "/_history/", 2)[0] {
		v.report.find(Changed, "version", ref, "its fullUrl is %q", full)
	}
	v.version(e, l.versions[place])
}

func (v *verifier) version(e item, want listed) {
	body, same := e.is(want.digest)
	if !same {
		v.report.find(Changed, "version", want.ref, "its bytes have the SHA-256 %x, the inventory says %x", sha256.Sum256(body), want.digest)
	}
	v.national("version", want.ref, want.ref, body)
	v.report.Versions++
	proof, ok := v.ledger.proofs[want.ref]
	if !ok {
		v.report.find(Missing, "version", want.ref, "it has no proof")
		return
	}
	if salt, ok := salt16(proof.Salt); same && (!ok || !v.included(proof, HashLeaf(salt, body))) {
		v.report.find(Changed, "version", want.ref, "salt, index or proof do not lead to the checkpoint")
	}
	if same && e.typ() == "Binary" && e.resource.Field("contentType").Str() == certificateType {
		if c, err := readCertificate(body); err == nil {
			v.ledger.certificates[want.ref] = c
		}
	}
	if same && e.typ() == "Provenance" {
		v.collect(want.ref, proof.Index, e.resource)
	}
}

// included tells whether a proof leads from the leaf to the checkpoint.
func (v *verifier) included(p leafProof, leaf [32]byte) bool {
	path, ok := hashes(p.Path)
	c := v.ledger.checkpoint
	return ok && CheckInclusion(p.Index, c.Size, leaf, path, c.Root) == nil
}
