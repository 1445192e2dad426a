package ledger

import (
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// proven is a state of the log that was there at a time.
type proven struct {
	size int64
	at   time.Time
}

// anchors judges what others say of the log. An anchor of nobody who is trusted
// proves nothing and is noted; one that contradicts the dossier is a fork.
func (v *verifier) anchors(p *proofs, c Checkpoint, key note.Verifier) (all []proven) {
	if t := v.trust; t != nil && t.Checkpoint != nil && !t.At.IsZero() && t.Checkpoint.Size <= c.Size {
		all = append(all, proven{t.Checkpoint.Size, t.At}) // its consistency was judged
	}
	v.seen(p, c, key)
	strangers := 0
	for _, text := range p.Anchors {
		at, _ := time.Parse(instantLayout, text.At) // what counts is found by Judge
		a := Anchor{Kind: text.Kind, Name: text.Name, Size: text.Size, At: at, Note: []byte(text.Note), Token: text.Token}
		seen, since, err := a.Judge(key, v.trust)
		switch {
		case errors.Is(err, errNobody):
			strangers++
			continue
		case err != nil:
			v.report.find(Untrusted, "checkpoint", printable(a.Kind+" "+a.Name), "%v", err)
			continue
		case !v.extends(p, seen, c):
			v.report.find(Forked, "checkpoint", printable(a.Kind+" "+a.Name), "the log at %d leaves, which was seen at %s, is no prefix of the dossier's", seen.Size, instant(since))
			continue
		}
		v.report.Anchored++
		all = append(all, proven{seen.Size, since})
	}
	if strangers > 0 {
		v.report.note("%d time stamps or cosignatures are of nobody whom the trust file names", strangers)
	}
	return all
}

// seen holds the dossier against what a witness kept.
func (v *verifier) seen(p *proofs, c Checkpoint, key note.Verifier) {
	for _, text := range v.options.Seen {
		s, err := OpenCheckpoint(text, key)
		switch {
		case err != nil:
			v.report.find(Untrusted, "checkpoint", "of a witness", "%v", err)
		case s.Size > c.Size:
			v.report.note("the witness has seen %d leaves, the dossier was made at %d: whether one extends the other is not known from these two", s.Size, c.Size)
		case v.extends(p, s, c):
			v.report.Anchored++
		case s.Size == c.Size || hasProof(p, s.Size, c.Size):
			v.report.find(Forked, "checkpoint", "of a witness", "the log at %d leaves, which the witness saw, is no prefix of the dossier's", s.Size)
		default:
			v.report.note("the dossier has no proof for the %d leaves that the witness saw", s.Size)
		}
	}
}

func hasProof(p *proofs, size, to int64) bool {
	for _, proof := range p.Consistency {
		if proof.Size == size && proof.To == to {
			return true
		}
	}
	return false
}

// extends tells whether a proof of the dossier shows that the older state is a
// prefix of the newer.
func (v *verifier) extends(p *proofs, older, newer Checkpoint) bool {
	if older.Size == newer.Size {
		return older.Root == newer.Root
	}
	for _, proof := range p.Consistency {
		if path, ok := hashes(proof.Path); ok && proof.Size == older.Size && proof.To == newer.Size && CheckConsistency(older, newer, path) == nil {
			return true
		}
	}
	return false
}

func (v *verifier) verified(s signature) (*Signed, error) {
	signed, err := v.ledger.signers.Verify(s.jws, s.evidence)
	if err == nil || v.trust != nil {
		return signed, err
	}
	// Without trust nobody says which roots persons' own certificates have.
	none := (*Authorities)(nil)
	if again, aerr := none.Verify(s.jws, s.evidence); aerr == nil && again.Own {
		return again, nil
	}
	return nil, err
}

// held asks, where a certificate has ended by now, for proof that the signature
// was there before.
func (v *verifier) held(s signature, signed *Signed) {
	if !v.options.Clock().After(signed.Until) {
		return
	}
	for _, a := range v.ledger.anchors {
		if a.size > s.index && !a.at.After(signed.Until) {
			return
		}
	}
	v.report.find(Expired, "signature", s.ref, "its certificate ended at %s, and no time stamp, witness or trust file of before proves that the signature was there", instant(signed.Until))
}
