package store

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"tenon/server/record"
)

// pgAuditor writes the audit of reads and refusals: one goroutine takes what
// waits and commits it as one batch a tenant. A row that comes alone is written
// at once; those that come while a commit is on its way form the next batch.
type pgAuditor struct {
	e     *pg
	queue chan *auditJob
	done  chan struct{}

	mu     sync.RWMutex
	closed bool
}

type auditJob struct {
	tenant int64
	rows   []record.Audit
	answer chan error
}

func newPgAuditor(e *pg) *pgAuditor {
	a := &pgAuditor{e: e, queue: make(chan *auditJob, most), done: make(chan struct{})}
	go a.loop()
	return a
}

func (a *pgAuditor) close() {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return
	}
	a.closed = true
	close(a.queue)
	a.mu.Unlock()
	<-a.done
}

// audit waits for the commit even when ctx ends.
func (e *pg) audit(ctx context.Context, tenant int64, rows []record.Audit) error {
	j := &auditJob{tenant: tenant, rows: rows, answer: make(chan error, 1)}
	a := e.auditor
	a.mu.RLock()
	if a.closed {
		a.mu.RUnlock()
		return errClosed
	}
	select {
	case a.queue <- j:
		a.mu.RUnlock()
	case <-ctx.Done():
		a.mu.RUnlock()
		return ctx.Err()
	}
	return <-j.answer
}

func (a *pgAuditor) loop() {
	defer close(a.done)
	for j := range a.queue {
		jobs := []*auditJob{j}
		for end := time.Now().Add(turn); len(jobs) < most && time.Now().Before(end); {
			select {
			case next, ok := <-a.queue:
				if ok {
					jobs = append(jobs, next)
					continue
				}
			default:
			}
			break
		}
		err := a.write(jobs)
		for _, j := range jobs {
			j.answer <- err
		}
	}
}

// auditPatience bounds one commit of audit rows.
const auditPatience = 30 * time.Second

func (a *pgAuditor) write(jobs []*auditJob) error {
	ctx, cancel := context.WithTimeout(context.Background(), auditPatience)
	defer cancel()
	byTenant := map[int64][]record.Audit{}
	for _, j := range jobs {
		byTenant[j.tenant] = append(byTenant[j.tenant], j.rows...)
	}
	b := &pgx.Batch{}
	for tenant, rows := range byTenant {
		if err := a.e.queueAudit(ctx, b, tenant, a.e.clock(), rows); err != nil {
			return err
		}
	}
	return a.e.pool.SendBatch(ctx, b).Close()
}

// queueAudit appends one batch of rows and its leaf.
func (e *pg) queueAudit(ctx context.Context, b *pgx.Batch, tenant int64, at time.Time, rows []record.Audit) error {
	if len(rows) == 0 {
		return nil
	}
	ids, err := e.ids.take(ctx, 1)
	if err != nil {
		return err
	}
	secret, err := e.secret()
	if err != nil {
		return err
	}
	group := newBatch(ids[0], tenant, at, secret, rows)
	b.Queue(numbered(insertAudit), group.values()...)
	for _, c := range group.cases {
		b.Queue(numbered(insertAuditCase), clean([]any{tenant, c, group.id})...)
	}
	if len(group.about) > 0 {
		b.Queue(numbered(insertAboutMany), clean([]any{tenant, group.about, micros(at), group.id})...)
	}
	l := group.Leaf(at)
	b.Queue(numbered(insertLeaf), leafValues(&l)...)
	return nil
}
