package store

import (
	"context"
	"time"

	"tenon/server/dispatch"
)

var _ dispatch.JobStore = (*Store)(nil)

const (
	insertJob = "INSERT INTO job (id, tenant, kind, owner, grant_id, scope, holder, state, attempts, created, due, ended, expires, progress, request, cursor, result) " +
		"SELECT ?, ?, ?, ?, ?, ?, '', 0, 0, ?, ?, 0, ?, '', ?, ?, ? WHERE (SELECT count(*) FROM job WHERE tenant = ? AND owner = ? AND state = 0) < ?"
	insertJobFile = "INSERT INTO job_file (job, ord, kind, type, count, size, digest) VALUES (?, ?, ?, ?, ?, ?, ?)"
	jobColumns    = "id, (SELECT name FROM tenant t WHERE t.tenant = job.tenant), kind, owner, grant_id, scope, state, attempts, created, ended, expires, progress, request, cursor, result"
)

// AddJob implements dispatch.JobStore.
func (s *Store) AddJob(ctx context.Context, j *dispatch.Job, most int) error {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	none := []byte{}
	return fullOr(s.engine.update(ctx, func(q querier) error {
		n, err := q.exec(ctx, insertJob, []any{j.ID, tenant, j.Kind, j.Owner, j.Grant, j.Scope, micros(j.Created), micros(j.Created), micros(j.Expires),
			j.Request, none, none, tenant, j.Owner, int64(most)})
		if err == nil && n == 0 {
			err = dispatch.ErrManyJobs
		}
		if err != nil {
			return err
		}
		return addFiles(ctx, q, j.ID, 0, j.Files)
	}))
}

// OpenJobs implements dispatch.JobStore.
func (s *Store) OpenJobs(ctx context.Context, owner string) (int, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return 0, err
	}
	var n int64
	err = s.engine.read(ctx, short, func(q querier) error {
		_, err := one(ctx, q, "SELECT count(*) FROM job WHERE tenant = ? AND owner = ? AND state = 0", []any{tenant, owner}, &n)
		return err
	})
	return int(n), err
}

func addFiles(ctx context.Context, q querier, job string, first int64, files []dispatch.File) error {
	sets := make([][]any, len(files))
	for i, f := range files {
		sets[i] = []any{job, first + int64(i), f.Kind, f.Type, f.Count, f.Size, f.Digest[:]}
	}
	return q.execMany(ctx, insertJobFile, sets)
}

// Job implements dispatch.JobStore.
func (s *Store) Job(ctx context.Context, id string) (*dispatch.Job, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	var j *dispatch.Job
	err = s.engine.view(ctx, func(q querier) error {
		j = nil
		if err := each(ctx, q, "SELECT "+jobColumns+" FROM job WHERE id = ? AND tenant = ?", []any{id, tenant}, func(c cursor) (err error) {
			j, err = scanJob(c)
			return err
		}); err != nil || j == nil {
			return err
		}
		return readFiles(ctx, q, j)
	})
	if err == nil && j == nil {
		err = dispatch.ErrNoJob
	}
	return j, err
}

func scanJob(c cursor) (*dispatch.Job, error) {
	j := &dispatch.Job{}
	var state, attempts, created, ended, expires int64
	err := c.scan(&j.ID, &j.Tenant, &j.Kind, &j.Owner, &j.Grant, &j.Scope, &state, &attempts, &created, &ended, &expires, &j.Progress, &j.Request, &j.Cursor, &j.Result)
	j.State, j.Attempts, j.Created, j.Expires = dispatch.JobState(state), int(attempts), moment(created), moment(expires)
	if ended != 0 {
		j.Ended = moment(ended)
	}
	return j, err
}

func readFiles(ctx context.Context, q querier, j *dispatch.Job) error {
	return each(ctx, q, "SELECT kind, type, count, size, digest FROM job_file WHERE job = ? ORDER BY ord", []any{j.ID}, func(c cursor) error {
		f, err := scanFile(c)
		j.Files = append(j.Files, f)
		return err
	})
}

func scanFile(c cursor, more ...any) (f dispatch.File, err error) {
	var digest []byte
	err = c.scan(append([]any{&f.Kind, &f.Type, &f.Count, &f.Size, &digest}, more...)...)
	copy(f.Digest[:], digest)
	return f, err
}

// fewestHeld puts jobs first whose owner has the fewest under way, so that many
// of one wait for each other and not others for them.
const fewestHeld = "(SELECT count(*) FROM job o WHERE o.tenant = job.tenant AND o.owner = job.owner AND o.state = 0 AND o.holder <> '')"

// ClaimJob implements dispatch.JobStore; of every tenant, oldest due first.
func (s *Store) ClaimJob(ctx context.Context, kinds []string, holder string, lease time.Duration) (*dispatch.Job, error) {
	now := s.o.Clock()
	due := func() *statement {
		w := newStatement(0, s.engine.dialect()).add("SELECT id FROM job WHERE state = 0 AND due <= ? AND ", micros(now))
		return w.inTexts("kind", kinds).add(" ORDER BY " + fewestHeld + ", due, id LIMIT 1")
	}
	waits := false
	err := s.engine.read(ctx, short, func(q querier) (err error) {
		var id string
		waits, err = one(ctx, q, due().sql(), due().args, &id)
		return err
	})
	if err != nil || !waits {
		return nil, err
	}
	var j *dispatch.Job
	err = s.engine.update(ctx, func(q querier) error {
		j = nil
		w := newStatement(0, s.engine.dialect()).add("UPDATE job SET due = ?, holder = ?, attempts = attempts + 1 WHERE id IN (", micros(now.Add(lease)), holder)
		w.join(due()).add(s.engine.dialect().skipLocked + ") RETURNING " + jobColumns)
		if err := each(ctx, q, w.sql(), w.args, func(c cursor) (err error) { j, err = scanJob(c); return err }); err != nil || j == nil {
			return err
		}
		return readFiles(ctx, q, j)
	})
	return j, err
}

// HoldJob implements dispatch.JobStore.
func (s *Store) HoldJob(ctx context.Context, id, holder string, lease time.Duration) error {
	return s.held(ctx, "UPDATE job SET due = ? WHERE id = ? AND holder = ? AND state = 0", micros(s.o.Clock().Add(lease)), id, holder)
}

// ReleaseJob implements dispatch.JobStore.
func (s *Store) ReleaseJob(ctx context.Context, id, holder string, due time.Time) error {
	return s.held(ctx, "UPDATE job SET due = ?, holder = '' WHERE id = ? AND holder = ? AND state = 0", micros(due), id, holder)
}

// EndJob implements dispatch.JobStore.
func (s *Store) EndJob(ctx context.Context, id, holder string, state dispatch.JobState, result []byte, expires time.Time) error {
	if result == nil {
		result = []byte{}
	}
	return s.held(ctx, "UPDATE job SET state = ?, result = ?, ended = ?, expires = ?, holder = '' WHERE id = ? AND holder = ? AND state = 0",
		int64(state), result, micros(s.o.Clock()), micros(expires), id, holder)
}

// held runs an update that only the holder of an open job may do.
func (s *Store) held(ctx context.Context, sql string, args ...any) error {
	return s.engine.update(ctx, func(q querier) error { return oneHeld(ctx, q, sql, args...) })
}

func oneHeld(ctx context.Context, q querier, sql string, args ...any) error {
	n, err := q.exec(ctx, sql, args)
	if err == nil && n == 0 {
		err = dispatch.ErrJobLost
	}
	return err
}

// SaveJob implements dispatch.JobStore.
func (s *Store) SaveJob(ctx context.Context, id, holder string, step dispatch.Step) error {
	return fullOr(s.engine.update(ctx, func(q querier) error {
		sql, args := "UPDATE job SET holder = holder", []any{}
		if step.Cursor != nil {
			sql, args = sql+", cursor = ?", append(args, step.Cursor)
		}
		if step.Progress != "" {
			sql, args = sql+", progress = ?", append(args, step.Progress)
		}
		if err := oneHeld(ctx, q, sql+" WHERE id = ? AND holder = ? AND state = 0", append(args, id, holder)...); err != nil {
			return err
		}
		if len(step.Files) > 0 {
			var first int64
			if _, err := one(ctx, q, "SELECT coalesce(max(ord) + 1, 0) FROM job_file WHERE job = ?", []any{id}, &first); err != nil {
				return err
			}
			if err := addFiles(ctx, q, id, first, step.Files); err != nil {
				return err
			}
		}
		if err := notePatients(ctx, q, id, "told", step.Told); err != nil {
			return err
		}
		return notePatients(ctx, q, id, "member", step.Members)
	}))
}

func notePatients(ctx context.Context, q querier, job, column string, patients []string) error {
	sets := make([][]any, len(patients))
	for i, p := range patients {
		sets[i] = []any{job, p, truth(column == "told"), truth(column == "member")}
	}
	return q.execMany(ctx, "INSERT INTO job_patient (job, patient, told, member) VALUES (?, ?, ?, ?) "+
		"ON CONFLICT (job, patient) DO UPDATE SET "+column+" = 1", sets)
}

// CancelJob implements dispatch.JobStore.
func (s *Store) CancelJob(ctx context.Context, id string) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE job SET state = 3, holder = '', expires = ?, cursor = ?, result = ? WHERE id = ? AND tenant = ? AND state <> 3",
			[]any{micros(s.o.Clock()), []byte{}, []byte{}, id, tenant})
		if err == nil && n == 0 {
			err = dispatch.ErrNoJob
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"job_file", "job_patient"} {
			if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE job = ?", []any{id}); err != nil {
				return err
			}
		}
		return nil
	})
}

// expireAtOnce bounds how many jobs one transaction removes.
const expireAtOnce = 100

// ExpireJobs implements dispatch.JobStore. A job that a server holds is spared
// until its lease is over.
func (s *Store) ExpireJobs(ctx context.Context) (removed int, err error) {
	now := micros(s.o.Clock())
	var ids []string
	find := "SELECT id FROM job WHERE expires <= ? AND (state <> 0 OR holder = '' OR due <= ?) ORDER BY expires LIMIT ?"
	err = s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, find, []any{now, now, int64(expireAtOnce)}, func(c cursor) error {
			var id string
			err := c.scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), s.engine.update(ctx, func(q querier) error {
		for _, table := range []string{"job_file", "job_patient", "job"} {
			w := newStatement(0, s.engine.dialect()).add("DELETE FROM " + table + " WHERE ")
			w.inTexts(map[bool]string{true: "id", false: "job"}[table == "job"], ids)
			if _, err := q.exec(ctx, w.sql(), w.args); err != nil {
				return err
			}
		}
		return nil
	})
}

// EachJobFile implements dispatch.JobStore.
func (s *Store) EachJobFile(ctx context.Context, use func(dispatch.File) error) error {
	return s.streamer().jobFiles(ctx, use)
}

func (s *stream) jobFiles(ctx context.Context, use func(dispatch.File) error) error {
	return pages(ctx, s, "SELECT kind, type, count, size, digest, job, ord FROM job_file WHERE job > ? OR (job = ? AND ord > ?) ORDER BY job, ord LIMIT ?",
		pageRows, []any{"", "", int64(-1)},
		func(c cursor) (dispatch.File, []any, error) {
			var job string
			var ord int64
			f, err := scanFile(c, &job, &ord)
			return f, []any{job, job, ord}, err
		}, use)
}

// JobUntold are those of the patients of whom the audit of a job does not speak
// yet.
func (s *Store) JobUntold(ctx context.Context, id string, patients []string) (fresh []string, err error) {
	known := map[string]bool{}
	err = s.engine.read(ctx, short, func(q querier) error {
		w := newStatement(0, s.engine.dialect()).add("SELECT patient FROM job_patient WHERE job = ? AND told = 1 AND ", id)
		w.inTexts("patient", patients)
		return each(ctx, q, w.sql(), w.args, func(c cursor) error {
			var p string
			err := c.scan(&p)
			known[p] = true
			return err
		})
	})
	for _, p := range patients {
		if !known[p] {
			fresh = append(fresh, p)
		}
	}
	return fresh, err
}
