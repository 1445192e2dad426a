package ledger

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Kinds of anchors.
const (
	AnchorTSA     = "tsa"
	AnchorWitness = "witness"
)

// Anchor is what somebody outside says of a state of the log: that it was there
// at a time. A leaf that the state covers was there then.
type Anchor struct {
	Kind string    // tsa or witness
	Name string    // of the witness; the address of the time stamp authority
	Size int64     // of the log
	At   time.Time // as it is stated; what counts is what Judge finds
	// Note is the checkpoint as the log signed it; that of a witness bears its
	// cosignature besides.
	Note []byte
	// Token is the time stamp token over SHA-256 of Note, DER.
	// https://www.rfc-editor.org/rfc/rfc3161#section-2.4.2
	Token []byte
}

// Judge checks an anchor against who is trusted outside, and tells which state
// of the log it vouches for, and since when. With nil trust the outsiders are
// whoever they say they are.
func (a *Anchor) Judge(by note.Verifier, trust *Trust) (Checkpoint, time.Time, error) {
	c, err := OpenCheckpoint(a.Note, by)
	if err != nil {
		return c, time.Time{}, err
	}
	if c.Size != a.Size {
		return c, time.Time{}, fmt.Errorf("it says %d leaves, its checkpoint %d", a.Size, c.Size)
	}
	var at time.Time
	switch a.Kind {
	case AnchorTSA:
		var roots []*x509.Certificate
		if trust != nil {
			roots = trust.TSAs
			if len(roots) == 0 {
				return c, at, errNobody
			}
		}
		at, err = openTimestamp(a.Token, a.Note, roots)
	case AnchorWitness:
		at, err = a.cosigned(c, trust)
	default:
		err = fmt.Errorf("an anchor of the kind %q", printable(a.Kind))
	}
	c.At = at
	return c, at, err
}

// errNobody says that the trust file names nobody who could have made it.
var errNobody = errors.New("the trust file names no time stamp authority and no witness for it")

func (a *Anchor) cosigned(c Checkpoint, trust *Trust) (time.Time, error) {
	if trust == nil {
		return a.At, nil
	}
	err := errNobody
	for _, w := range trust.Witnesses {
		v, verr := NewCosigner(w)
		if verr != nil {
			return time.Time{}, verr
		}
		at, cerr := v.Open(c.Note)
		if cerr == nil {
			return at, nil
		}
		err = cerr
	}
	return time.Time{}, err
}
