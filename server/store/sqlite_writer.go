package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tenon/server/record"
)

// turn is how long a group may take in before it is committed, and most how
// many pieces.
const (
	turn = 50 * time.Millisecond
	most = 512
)

// errClosed is the answer after Close.
var errClosed = errors.New("store: closed")

// liteWriter owns the one connection that writes. Its goroutine takes the jobs
// that wait, applies each under a savepoint, writes the audit of all of them as
// one batch, commits, and only then answers. While a commit is being synced new
// jobs gather, and so form the next group.
//
//	idle → BEGIN IMMEDIATE → (SAVEPOINT → apply → RELEASE | ROLLBACK TO)… → audit → COMMIT → answer
type liteWriter struct {
	conn   *liteConn
	clock  record.Clock
	secret func() ([32]byte, error)

	mu     sync.RWMutex
	closed bool
	queue  chan *liteJob
	done   chan struct{}
}

// liteJob is one piece of a group: apply may be nil, audit empty.
type liteJob struct {
	ctx    context.Context
	tenant int64
	apply  func(*liteConn) error
	audit  []record.Audit
	answer chan error
}

func newLiteWriter(c *liteConn, o *Options) *liteWriter {
	w := &liteWriter{
		conn: c, clock: o.Clock, secret: secretsFrom(o.Random),
		queue: make(chan *liteJob, most), done: make(chan struct{}),
	}
	go w.loop()
	return w
}

// do waits for the commit of the job even when ctx ends, so that an answer never
// leaves it open whether something was written.
func (w *liteWriter) do(ctx context.Context, j *liteJob) error {
	j.ctx, j.answer = ctx, make(chan error, 1)
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.queue <- j:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return ctx.Err()
	}
	return <-j.answer
}

func (w *liteWriter) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.done
	return w.conn.close()
}

func (w *liteWriter) loop() {
	defer close(w.done)
	group := make([]*liteJob, 0, most)
	for j := range w.queue {
		group = append(group[:0], j)
		group = w.group(group)
		clear(group)
	}
}

// group makes one transaction of the first job and of what else waits.
func (w *liteWriter) group(jobs []*liteJob) []*liteJob {
	failed := func(err error) []*liteJob {
		for _, j := range jobs {
			if j != nil {
				j.answer <- err
			}
		}
		return jobs
	}
	if _, err := w.conn.exec(context.Background(), "BEGIN IMMEDIATE", nil); err != nil {
		return failed(fmt.Errorf("store: begin: %w", err))
	}
	if err := w.applyAll(&jobs); err != nil {
		w.rollback()
		return failed(err)
	}
	if err := w.writeAudit(jobs); err != nil {
		w.rollback()
		return failed(fmt.Errorf("%w: %w", errAudit, err))
	}
	if _, err := w.conn.exec(context.Background(), "COMMIT", nil); err != nil {
		w.rollback()
		return failed(fmt.Errorf("store: commit: %w", err))
	}
	return failed(nil)
}

func (w *liteWriter) rollback() {
	_, _ = w.conn.exec(context.Background(), "ROLLBACK", nil) // fails when SQLite has rolled back itself
}

// applyAll applies the jobs of the group. One that fails is answered, taken back
// and left out (nil); the error is one that ends the group.
func (w *liteWriter) applyAll(jobs *[]*liteJob) error {
	end := time.Now().Add(turn)
	for i := 0; ; i++ {
		j := (*jobs)[i]
		if err := w.applyOne(j); err != nil {
			if ended, ok := errors.AsType[*groupError](err); ok {
				return ended.err
			}
			j.answer <- err
			(*jobs)[i] = nil
		}
		if len(*jobs) == most || !time.Now().Before(end) {
			return nil
		}
		select {
		case next, ok := <-w.queue:
			if !ok {
				return nil
			}
			*jobs = append(*jobs, next)
		default:
			return nil
		}
	}
}

// groupError says that the transaction of the group is lost.
type groupError struct{ err error }

func (e *groupError) Error() string { return e.err.Error() }

func (w *liteWriter) applyOne(j *liteJob) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if j.apply == nil {
		return nil
	}
	ctx := context.Background()
	if _, err := w.conn.exec(ctx, "SAVEPOINT piece", nil); err != nil {
		return &groupError{err}
	}
	err := j.apply(w.conn)
	if err != nil {
		if _, back := w.conn.exec(ctx, "ROLLBACK TO piece", nil); back != nil {
			return &groupError{errors.Join(err, back)}
		}
	}
	if _, release := w.conn.exec(ctx, "RELEASE piece", nil); release != nil {
		return &groupError{errors.Join(err, release)}
	}
	return err
}

// writeAudit writes one batch for each tenant of the group.
func (w *liteWriter) writeAudit(jobs []*liteJob) error {
	byTenant := map[int64][]record.Audit{}
	for _, j := range jobs {
		if j != nil && len(j.audit) > 0 {
			byTenant[j.tenant] = append(byTenant[j.tenant], j.audit...)
		}
	}
	for tenant, rows := range byTenant {
		var id int64 // never remembered: a command may have written to the file meanwhile
		if _, err := one(context.Background(), w.conn, "SELECT coalesce(max(id), 0) + 1 FROM audit", nil, &id); err != nil {
			return err
		}
		secret, err := w.secret()
		if err != nil {
			return err
		}
		b := newBatch(id, tenant, w.clock(), secret, rows)
		if err := b.write(context.Background(), w.conn); err != nil {
			return err
		}
	}
	return nil
}
