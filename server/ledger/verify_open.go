package ledger

import (
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// opened are the proofs of a dossier, ready for the entries.
type opened struct {
	*inventory
	checkpoint Checkpoint
	signers    *Authorities   // that signatures are judged by
	anchors    []proven       // states that were there at a time
	order      map[string]int // place of a version in the inventory
	digests    map[string][32]byte
	proofs     map[string]leafProof
	blobs      map[string]*blobState // by hex digest
	seen       map[string]bool
	last       int
	summarised bool // the summary was met
	batches    []batchProof
	// certificates are those of erasures, by ref of their version; erasures are
	// what they account for.
	certificates map[string]*ErasureCertificate
	gone         map[string]listedErasure // by ref
	key          note.Verifier
}

type blobState struct {
	listedBlob
	here bool // embedded and met
}

// open judges everything of the proofs that needs no entry. An error ends the
// verification: without readable proofs there is nothing to judge by.
func (v *verifier) open(p *proofs) (*opened, error) {
	inv, err := parseInventory(p.Inventory)
	if err != nil {
		return nil, err
	}
	l := &opened{
		inventory: inv, batches: p.Batches,
		order: map[string]int{}, digests: map[string][32]byte{}, proofs: map[string]leafProof{},
		blobs: map[string]*blobState{}, seen: map[string]bool{}, last: -1,
		certificates: map[string]*ErasureCertificate{}, gone: map[string]listedErasure{},
	}
	v.strangers = map[int]string{}
	key, err := v.logKey(p)
	if err != nil {
		return nil, err
	}
	l.key = key
	if l.signers, err = v.authority(p); err != nil {
		return nil, err
	}
	if l.checkpoint, err = v.checkpoint(p, inv, key); err != nil {
		return nil, err
	}
	v.report.Origin, v.report.Case, v.report.Size = key.Name(), inv.caseRef, l.checkpoint.Size
	if err := openSeal(p.Seal, p.Inventory, key); err != nil {
		v.report.find(Changed, "inventory", "", "%v", err)
	}
	if err := l.list(p); err != nil {
		return nil, err
	}
	v.consistent(p, l.checkpoint)
	l.anchors = v.anchors(p, l.checkpoint, key)
	return l, nil
}

// logKey is the key that everything is judged by: the trusted one. When the
// dossier names another, that is said and the rest is judged by the dossier's
// own, so that the report still tells what hangs together.
func (v *verifier) logKey(p *proofs) (note.Verifier, error) {
	own, err := note.NewVerifier(p.LogKey)
	if err != nil {
		return nil, fmt.Errorf("the dossier's log key is none")
	}
	if v.trust == nil || v.trust.LogKey == p.LogKey {
		return own, nil
	}
	trusted, err := v.trust.verifier()
	if err != nil {
		return nil, err
	}
	v.report.find(Untrusted, "checkpoint", own.Name(), "the dossier is of the log key %s+%08x, trusted is %s+%08x",
		own.Name(), own.KeyHash(), trusted.Name(), trusted.KeyHash())
	return own, nil
}

func (v *verifier) authority(p *proofs) (*Authorities, error) {
	own, err := decodeCertificate(p.Authority)
	if err != nil {
		return nil, err
	}
	if v.trust != nil {
		if !own.Equal(v.trust.Authority) {
			v.report.find(Untrusted, "signature", "", "the dossier names a signer authority that is not the trusted one")
		}
		return v.trust.authorities(), nil
	}
	all := &Authorities{Signers: []*x509.Certificate{own}}
	for _, text := range p.More {
		c, err := decodeCertificate(text)
		if err != nil {
			return nil, err
		}
		all.Signers = append(all.Signers, c)
	}
	return all, nil
}

func (v *verifier) checkpoint(p *proofs, inv *inventory, key note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint([]byte(p.Checkpoint), key)
	if err != nil {
		// Judge by what the text says, so that the report names what else is wrong.
		v.report.find(Changed, "checkpoint", "", "%v", err)
		return Checkpoint{Size: inv.size, Root: inv.root}, nil
	}
	if c.Size != inv.size || c.Root != inv.root {
		v.report.find(Changed, "checkpoint", "", "it is of %d leaves, the inventory was made at %d, or the roots differ", c.Size, inv.size)
	}
	return c, nil
}

// list indexes inventory and proofs by ref.
func (l *opened) list(p *proofs) error {
	for i, version := range l.versions {
		if _, twice := l.order[version.ref]; twice {
			return fmt.Errorf("the inventory lists %s twice", version.ref)
		}
		l.order[version.ref] = i
		l.digests[version.ref] = version.digest
	}
	for _, b := range l.inventory.blobs {
		l.blobs[hex.EncodeToString(b.digest[:])] = &blobState{listedBlob: b}
	}
	for _, x := range l.inventory.erased {
		if _, twice := l.gone[x.ref]; twice || l.order[x.ref] != 0 || len(l.versions) > 0 && l.versions[0].ref == x.ref {
			return fmt.Errorf("the inventory lists %s twice", x.ref)
		}
		l.gone[x.ref] = x
	}
	for _, group := range [][]leafProof{p.Versions, p.Erased, p.Blobs} {
		for _, proof := range group {
			if _, twice := l.proofs[proof.Ref]; twice {
				return fmt.Errorf("there are two proofs of %s", proof.Ref)
			}
			l.proofs[proof.Ref] = proof
		}
	}
	return nil
}

// consistent judges the dossier's checkpoint against the trusted one: neither
// may contradict the other.
func (v *verifier) consistent(p *proofs, c Checkpoint) {
	if v.trust == nil {
		return
	}
	t := v.trust.Checkpoint
	if t == nil || t.Size == 0 {
		v.report.note("the trust file has no checkpoint: a fork of the log before this dossier cannot be seen")
		return
	}
	if v.trust.LogKey != p.LogKey {
		return // said already
	}
	if t.Size == c.Size {
		if t.Root != c.Root {
			v.report.find(Forked, "checkpoint", "", "two histories of %d leaves: the trusted root is %x, the dossier's %x", c.Size, t.Root, c.Root)
		}
		return
	}
	older, newer := *t, c
	if older.Size > newer.Size {
		older, newer = newer, older
	}
	for _, proof := range append(p.Consistency, v.options.Proofs...) {
		if proof.Size != older.Size || proof.To != newer.Size {
			continue
		}
		if path, ok := hashes(proof.Path); ok && CheckConsistency(older, newer, path) == nil {
			return
		}
		v.report.find(Forked, "checkpoint", "", "the log at %d leaves is no prefix of the log at %d leaves", older.Size, newer.Size)
		return
	}
	v.report.find(Forked, "checkpoint", "", "nothing proves that the log at %d leaves (%s) is a prefix of the log at %d leaves; %s",
		older.Size, side(older.Size == t.Size), newer.Size, advice(older.Size == t.Size, older.Size, newer.Size))
}

func side(trusted bool) string {
	if trusted {
		return "trusted"
	}
	return "the dossier's"
}

func advice(trustOlder bool, older, newer int64) string {
	if trustOlder {
		return fmt.Sprintf("export the dossier with since=%d", older)
	}
	return fmt.Sprintf("fetch the consistency proof of %d in %d from the server", older, newer)
}
