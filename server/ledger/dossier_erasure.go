package ledger

// ErasedRow is a version or a content of a case that was destroyed: its leaf
// stays in the log, and a certificate says why nothing is behind it.
type ErasedRow struct {
	Ref         string // of a version or a blob
	Certificate string // version of the Binary that certifies it
}

// erased lists a leaf whose bytes and salt are no more, with its way to the root.
func (p *prover) erased(x ErasedRow, inv *inventory) {
	e := p.at[x.Ref]
	path, err := p.nodes.path(p.ctx, e.Index, p.size)
	p.fail(err)
	p.out.Erased = append(p.out.Erased, leafProof{Ref: x.Ref, Index: e.Index, Path: path})
	inv.erased = append(inv.erased, listedErasure{x.Ref, e.Hash, x.Certificate})
}

// erasures judges every gap of the dossier: the leaf must be in the log, and a
// certificate that is in the log too, sealed by its key, must name that leaf.
func (v *verifier) erasures() {
	count := map[string]int{}
	var order []string
	for _, x := range v.ledger.inventory.erased {
		proof, ok := v.ledger.proofs[x.ref]
		c := v.ledger.certificates[x.certificate]
		switch {
		case !ok || !v.included(proof, x.leaf):
			v.report.find(Changed, "erasure", printable(x.ref), "its leaf, index or proof do not lead to the checkpoint")
		case c == nil:
			v.report.find(Missing, "erasure", printable(x.ref), "the certificate %s of its destruction is not in the dossier", printable(x.certificate))
		case c.Seal == "":
			v.report.find(Untrusted, "erasure", printable(x.ref), "the certificate %s of its destruction has no seal", printable(x.certificate))
		case c.sealed(v.ledger.key) != nil:
			v.report.find(Untrusted, "erasure", printable(x.ref), "of the certificate %s of its destruction: %v", printable(x.certificate), c.sealed(v.ledger.key))
		case !c.names(x):
			v.report.find(Changed, "erasure", printable(x.ref), "the certificate %s does not name its leaf", printable(x.certificate))
		default:
			v.report.Erased++
			if count[x.certificate]++; count[x.certificate] == 1 {
				order = append(order, x.certificate)
			}
		}
	}
	for _, name := range order {
		c := v.ledger.certificates[name]
		v.report.note("%d versions and contents were destroyed on %s: asked by %s, confirmed by %s, %q (certificate %s)",
			count[name], printable(c.ConfirmedAt), printable(c.RequestedBy), printable(c.ConfirmedBy), printable(c.Reason), printable(name))
	}
}

func (c *ErasureCertificate) names(x listedErasure) bool {
	for _, e := range c.Erased {
		if leaf, err := digestOf(e.Leaf); err == nil && e.Ref == x.ref && leaf == x.leaf {
			return true
		}
	}
	return false
}
