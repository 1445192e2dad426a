package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"tenon/server/access"
)

// onceDoor is the door of the keys by which a request that is carried out again
// after a crash writes once.
const onceDoor = "once"

type onceKey struct{}

type once struct {
	key string
	n   atomic.Int64
}

// Once makes what is submitted under the context be written once, however often
// the same request is carried out under the same key: a draft that was committed
// before is answered with what it wrote then. Drafts are told apart by their
// order, so the request must submit them one after the other.
func Once(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, onceKey{}, &once{key: key})
}

// onced is the draft with the next key of the context, if that has any.
func onced(ctx context.Context, d *Draft) *Draft {
	o, ok := ctx.Value(onceKey{}).(*once)
	if !ok {
		return d
	}
	with := *d
	key := o.key + "/" + strconv.FormatInt(o.n.Add(1), 10)
	with.Keys = append(slices.Clone(d.Keys), Key{Door: onceDoor, Key: key, Digest: sha256.Sum256([]byte(key))})
	return &with
}

// outcomeRef puts the outcome into the key of a draft that is written once.
func (p *preparation) outcomeRef() {
	keys := p.unit.Keys
	if len(keys) == 0 || keys[len(keys)-1].Door != onceDoor {
		return
	}
	lines := make([]string, len(p.outcome.Results))
	for i, r := range p.outcome.Results {
		lines[i] = strconv.Itoa(r.Status)
		if v := r.Version; v != nil {
			lines[i] += fmt.Sprintf(" %s/%s/_history/%d", v.Type, v.ID, v.Version)
		}
	}
	p.unit.Keys = slices.Clone(keys)
	p.unit.Keys[len(keys)-1].Ref = strings.Join(lines, "\n")
}

// again is the outcome of a draft that was committed before. Versions that the
// caller reaches no more are left out.
func (r *Recorder) again(ctx context.Context, who *access.Context, d *Draft, o *Outcome) (*Outcome, error) {
	if len(d.Keys) == 0 || d.Keys[len(d.Keys)-1].Door != onceDoor {
		return o, nil
	}
	out := &Outcome{}
	for line := range strings.SplitSeq(o.Repeat, "\n") {
		status, ref, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(status)
		if err != nil {
			return nil, fmt.Errorf("record: outcome %q: %w", line, err)
		}
		res := Result{Status: n}
		if v, ok := ParseVersionRef(ref); ok {
			res.Version, err = r.o.Store.ReadVersion(ctx, who.Reach(), v.Type, v.ID, v.Version)
			if err != nil && !errors.Is(err, ErrAbsent) {
				return nil, err
			}
		}
		out.Results = append(out.Results, res)
	}
	return out, nil
}
