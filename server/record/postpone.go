package record

import (
	"context"
	"fmt"
	"sync"
)

// Postponed holds the audit rows of what a door reads on its way to a write: they
// are committed in the unit of that write, not in a transaction of their own
// before it. The law stays: who has postponed keeps what is left before an answer
// leaves, whatever the answer is.
type Postponed struct {
	mu   sync.Mutex
	rows []Audit
}

type postponedKey struct{}

// Postpone gives a context in which searches and reads leave their audit rows to
// the next unit, or to Keep.
func Postpone(ctx context.Context) (context.Context, *Postponed) {
	p := &Postponed{}
	return context.WithValue(ctx, postponedKey{}, p), p
}

func postponedOf(ctx context.Context) *Postponed {
	p, _ := ctx.Value(postponedKey{}).(*Postponed)
	return p
}

// waiting are the rows that no unit has committed. Nil has none.
func (p *Postponed) waiting() []Audit {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rows[:len(p.rows):len(p.rows)]
}

// kept takes the first n rows out: they are durable.
func (p *Postponed) kept(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows = p.rows[n:]
}

// Keep writes what no unit took along.
func (p *Postponed) Keep(ctx context.Context, store interface {
	Audit(ctx context.Context, rows []Audit) error
}) error {
	rows := p.waiting()
	if len(rows) == 0 {
		return nil
	}
	if err := store.Audit(ctx, rows); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	p.kept(len(rows))
	return nil
}

// auditRead writes the rows of a read, or leaves them to the write that follows.
func (r *Recorder) auditRead(ctx context.Context, rows []Audit) error {
	if p := postponedOf(ctx); p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.rows = append(p.rows, rows...)
		return nil
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	return nil
}
