package revision_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/blob"
	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

var operator = &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}

func onEngines(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "db"))) })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, pgtest.Database(t, "revision", func(ctx context.Context, url string) error {
			s, err := store.Open(ctx, store.Options{URL: url})
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Migrate(ctx)
		}))
	})
}

var registry = sync.OnceValues(func() (*search.Registry, error) { return search.NewRegistry(r4.Model()) })

// faulty is a store that fails when it is told to, and then for good, as one
// does whose process was killed.
type faulty struct {
	*store.Store
	left   atomic.Int64 // calls until it fails; never below 0
	before bool         // it fails before the call has its effect, not after
	dead   atomic.Bool
	looked atomic.Int64 // resources
	old    bool         // units are written without the rows of format 2
}

var errKilled = errors.New("killed")

// step is one call that a crash can come before or after.
func (f *faulty) step(do func() error) error {
	if f.dead.Load() {
		return errKilled
	}
	last := f.left.Add(-1) == 0
	if last && f.before {
		f.dead.Store(true)
		return errKilled
	}
	err := do()
	if last {
		f.dead.Store(true)
		return errKilled
	}
	return err
}

func (f *faulty) BeginReindex(ctx context.Context, number int64, holder string, subjects []revision.Subject) (all []revision.Progress, err error) {
	err = f.step(func() (err error) { all, err = f.Store.BeginReindex(ctx, number, holder, subjects); return err })
	return all, err
}

func (f *faulty) Reindex(ctx context.Context, b revision.Batch, rows func([]byte) (search.Rows, error)) (s revision.Step, err error) {
	b.Limit = min(b.Limit, 3) // so that there are several
	err = f.step(func() (err error) { s, err = f.Store.Reindex(ctx, b, rows); return err })
	if err == nil {
		f.looked.Add(int64(s.Seen))
	}
	return s, err
}

func (f *faulty) FinishReindex(ctx context.Context, number int64, holder string, subjects []revision.Subject, at int64) error {
	return f.step(func() error { return f.Store.FinishReindex(ctx, number, holder, subjects, at) })
}

func (f *faulty) LeaveReindex(ctx context.Context, holder, why string) error {
	if f.dead.Load() {
		return errKilled
	}
	return f.Store.LeaveReindex(ctx, holder, why)
}

func (f *faulty) ForgetComplete(ctx context.Context, p []revision.Posted) error {
	if f.dead.Load() {
		return errKilled
	}
	return f.Store.ForgetComplete(ctx, p)
}

func (f *faulty) Commit(ctx context.Context, u *record.Unit) error {
	for i := range u.Versions {
		if r := &u.Versions[i].Rows; f.old {
			text := search.KeyOf(u.Versions[i].Type, "code:text")
			r.Groups = nil
			r.Strings = slices.DeleteFunc(r.Strings, func(x search.StringRow) bool { return x.Key == text })
		}
	}
	return f.Store.Commit(ctx, u)
}

// house is a recorder over a database that others may use too.
type house struct {
	testing.TB
	*record.Recorder
	keeper *revision.Keeper
	store  *faulty
}

// clock jumps over the leases of those who were killed.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) jump() { c.ahead.Add(int64(time.Minute)) }

// open is a server started on the database; it completes nothing by itself.
func open(t *testing.T, url string, c *clock) *house {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, Clock: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return serve(t, &faulty{Store: s})
}

func serve(t testing.TB, s *faulty) *house {
	t.Helper()
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	k, err := revision.New(t.Context(), revision.Options{Base: r4.Library(), Model: r4.Model(), Search: reg, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	h := recorder(t, s, record.Options{Definitions: k})
	h.keeper = k
	return h
}

func recorder(t testing.TB, s *faulty, o record.Options) *house {
	t.Helper()
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	o.Store, o.Blobs, o.Model, o.Engine, o.BaseURL = s, blobs, r4.Model(), casework.NewEngine(), "http://tenon.test/fhir"
	r, err := record.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &house{TB: t, Recorder: r, store: s}
}

// submit writes and returns the id.
func (h *house) submit(op record.Op) string {
	h.Helper()
	out, err := h.Submit(h.Context(), operator, &record.Draft{Door: "test", Operation: "write", Ops: []record.Op{op}})
	if err != nil {
		h.Fatalf("%s %s: %v", op.Method, op.Body, err)
	}
	return out.Results[0].Version.ID
}

func (h *house) post(body string) string {
	h.Helper()
	typ, _, _ := strings.Cut(strings.TrimPrefix(body, `{"resourceType":"`), `"`)
	return h.submit(record.Op{Method: "POST", Type: typ, Body: []byte(body)})
}

func (h *house) put(id, body string) {
	h.Helper()
	typ, rest, _ := strings.Cut(strings.TrimPrefix(body, `{"resourceType":"`), `"`)
	h.submit(record.Op{Method: "PUT", Type: typ, ID: id, Body: fmt.Appendf(nil, `{"resourceType":%q,"id":%q%s`, typ, id, rest)})
}

func (h *house) delete(id string) {
	h.Helper()
	h.submit(record.Op{Method: "DELETE", Type: "SearchParameter", ID: id})
}

// found counts what a query finds, -1 while it is refused as not complete; any
// other refusal is its rule.
func (h *house) found(query string) any {
	h.Helper()
	typ, params, _ := strings.Cut(query, "?")
	list, err := search.ParseQuery(params + "&_count=1000")
	if err != nil {
		h.Fatal(err)
	}
	page, _, err := h.Search(context.Background(), operator, typ, list, true)
	if f := issue.As(err); f != nil {
		if f.Issues[0].Rule == "search-building" {
			return -1
		}
		return f.Issues[0].Rule
	}
	if err != nil {
		h.Fatal(err)
	}
	return len(page.Hits)
}

func (h *house) want(query string, n any) {
	h.Helper()
	if got := h.found(query); got != n {
		h.Errorf("%s finds %v, want %v", query, got, n)
	}
}

func (h *house) complete() {
	h.Helper()
	if err := h.keeper.Complete(h.Context()); err != nil {
		h.Fatalf("Complete() = %v", err)
	}
}

const nickname = `{"resourceType":"SearchParameter","url":"http://tenon.test/nick","name":"nick","status":"active","description":"nickname",` +
	`"code":"nick","base":["Patient"],"type":"string","expression":"Patient.name.where(use = 'nickname').given"}`

func (h *house) patients(n int) {
	for i := range n {
		h.post(fmt.Sprintf(`{"resourceType":"Patient","name":[{"use":"nickname","given":["Lao%d"]}]}`, i))
	}
}

// TestKilled kills the server before and after every step of making the rows of
// a posted parameter. The next one goes on; the parameter never finds a part,
// and in the end all.
func TestKilled(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		const many = 8
		first := open(t, url, &c)
		first.patients(many)
		id := ""
		for n := 1; ; n++ {
			for _, before := range []bool{true, false} {
				h := open(t, url, &c)
				h.store.before = before
				h.store.left.Store(int64(n))
				body := strings.Replace(nickname, `"description":"nickname"`, fmt.Sprintf(`"description":"nickname","target":["Patient"],"version":"%d%t"`, n, before), 1)
				body = strings.Replace(body, "'nickname'", fmt.Sprintf("'nickname' or use = 'a%d%t'", n, before), 1) // other rows
				if id == "" {
					id = h.post(body)
				} else {
					h.put(id, body)
				}
				killed := h.store.dead.Load()
				next := open(t, url, &c)
				if got := next.found("Patient?nick=lao"); got != -1 && got != many {
					t.Fatalf("after a crash at step %d (before: %v) the parameter finds %v, want a refusal or %d", n, before, got, many)
				}
				c.jump()
				next.complete()
				next.want("Patient?nick=lao", many)
				if !killed {
					if n < 6 {
						t.Fatalf("there were only %d steps", n-1)
					}
					return
				}
			}
		}
	})
}

// TestUpgrade opens a database that an earlier Tenon wrote: what its rows lack is
// refused until they are there, what they have answers, what is written
// meanwhile has all.
func TestUpgrade(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		s, err := store.Open(t.Context(), store.Options{URL: url, Clock: c.now})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		reg, err := registry()
		if err != nil {
			t.Fatal(err)
		}
		old := recorder(t, &faulty{Store: s, old: true}, record.Options{Registry: reg})
		pulse := func(h *house) {
			h.post(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://tenon.test/codes","code":"pulse","display":"Heart rate"}]},` +
				`"valueQuantity":{"value":70,"system":"http://unitsofmeasure.org","code":"/min"}}`)
		}
		for range 7 {
			pulse(old)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		h := open(t, url, &c)
		const composite, text = "Observation?code-value-quantity=pulse$70", "Observation?code:text=heart"
		h.want(composite, -1)
		h.want(composite+"&code-value-quantity:missing=true", -1)
		h.want(text, -1)
		h.want("Location?near=1|1|1|km", -1)
		h.want("Observation?code=pulse", 7)
		if all, err := h.keeper.Status(t.Context()); err != nil || all[0].State != revision.Waiting {
			t.Errorf("Status() = %+v, %v, want the index to wait", all, err)
		}
		pulse(h)
		h.store.left.Store(3) // killed in the middle
		if err := h.keeper.Complete(t.Context()); !errors.Is(err, errKilled) {
			t.Fatalf("Complete() = %v, want the crash", err)
		}
		c.jump()
		again := open(t, url, &c)
		again.want(composite, -1)
		pulse(again)
		again.complete()
		again.want(composite, 9)
		again.want(text, 9)
		again.want("Observation?code=pulse", 9)
		if n := h.store.looked.Load() + again.store.looked.Load(); n != 9-3 {
			t.Errorf("%d resources were looked at, want each once, the 3 of the batch that was committed in the crash not again", n)
		}
		if all, err := again.keeper.Status(t.Context()); err != nil || all[0].State != revision.Complete || all[0].Done < 8 {
			t.Errorf("Status() = %+v, %v, want the index complete", all, err)
		}
		open(t, url, &c).want(composite, 9)
	})
}

// TestFreshDatabase has nothing to be made up for.
func TestFreshDatabase(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		h := open(t, url, &c)
		h.patients(1)
		again := open(t, url, &c)
		if again.keeper.Current().Building() {
			t.Error("a database that this server made lacks rows")
		}
		again.want("Observation?code-value-quantity=pulse$70", 0)
	})
}

// TestTwoKeepers has two servers complete the same: each resource is looked at
// once, and both know when it is done.
func TestTwoKeepers(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		a, b := open(t, url, &c), open(t, url, &c)
		a.patients(20)
		a.store.left.Store(1)
		a.post(nickname) // its own server is killed before it begins
		a = open(t, url, &c)
		c.jump()
		var wg sync.WaitGroup
		for _, h := range []*house{a, b} {
			if err := h.keeper.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for h.keeper.Current().Building() {
					if err := h.keeper.Complete(t.Context()); err != nil {
						t.Errorf("Complete() = %v", err)
						return
					}
					if err := h.keeper.Refresh(t.Context()); err != nil {
						t.Errorf("Refresh() = %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		a.want("Patient?nick=lao", 20)
		b.want("Patient?nick=lao", 20)
		if n := a.store.looked.Load() + b.store.looked.Load(); n != 20 {
			t.Errorf("%d resources were looked at, want 20", n)
		}
	})
}

// TestChanged has a parameter that is changed, retired, deleted and posted again.
func TestChanged(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		h := open(t, url, &c)
		h.patients(4)
		id := h.post(nickname)
		h.want("Patient?nick=lao", 4)
		looked := h.store.looked.Load()

		h.put(id, strings.Replace(nickname, `"description":"nickname"`, `"description":"what friends say"`, 1))
		h.want("Patient?nick=lao", 4)
		if n := h.store.looked.Load(); n != looked {
			t.Errorf("other words in the description: %d resources were looked at, want none", n-looked)
		}
		open(t, url, &c).want("Patient?nick=lao", 4)

		h.put(id, strings.Replace(nickname, "'nickname'", "'usual'", 1))
		h.want("Patient?nick=lao", 0)
		h.put(id, nickname)
		h.want("Patient?nick=lao", 4)

		h.put(id, strings.Replace(nickname, `"active"`, `"retired"`, 1))
		h.want("Patient?nick=lao", "search-unknown-parameter")
		h.patients(1) // without a row
		h.put(id, nickname)
		h.want("Patient?nick=lao", 5)

		h.delete(id)
		h.want("Patient?nick=lao", "search-unknown-parameter")
		h.patients(1)
		h.put(id, nickname)
		h.want("Patient?nick=lao", 6)
		h.delete(id)
		h.patients(1)
		h.post(nickname)
		h.want("Patient?nick=lao", 7)
	})
}

// TestTaken has two parameters of one code: the second has no rows of its own
// before the first is gone.
func TestTaken(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		h := open(t, url, &c)
		h.post(`{"resourceType":"Patient","name":[{"use":"nickname","given":["Lao"]},{"use":"usual","given":["Zi"]}]}`)
		first := h.post(nickname)
		second := h.post(strings.NewReplacer("'nickname'", "'usual'", "test/nick", "test/usual").Replace(nickname))
		h.want("Patient?nick=lao", 1)
		all, err := h.keeper.Status(t.Context())
		i := slices.IndexFunc(all, func(s revision.Status) bool { return s.Name == "SearchParameter/"+second })
		if err != nil || i < 0 || all[i].State != revision.Unused || !strings.Contains(all[i].Why, "already") {
			t.Errorf("Status() = %+v, %v, want the second to be unused", all, err)
		}
		h.delete(first)
		h.want("Patient?nick=zi", 1)
		h.want("Patient?nick=lao", 0)
	})
}

// TestRebuild makes rows anew while they answer.
func TestRebuild(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		h := open(t, url, &c)
		h.patients(4)
		id := h.post(nickname)
		for what, many := range map[string]int64{"": 5, "SearchParameter/" + id: 4, "http://tenon.test/nick": 4, "Patient.name": 4, "Resource._tag": 5} {
			var last revision.Progress
			looked := h.store.looked.Load()
			if err := h.keeper.Rebuild(t.Context(), what, func(p revision.Progress) { last = p }); err != nil {
				t.Errorf("Rebuild(%q) = %v", what, err)
			}
			if n := h.store.looked.Load() - looked; n != many || last.Done != many || last.Total != many {
				t.Errorf("Rebuild(%q) looked at %d (%d of %d), want %d", what, n, last.Done, last.Total, many)
			}
			h.want("Patient?nick=lao", 4)
			h.want("Patient?name=lao", 4)
		}
		if err := h.keeper.Rebuild(t.Context(), "Patient.none", nil); issue.As(err) == nil {
			t.Errorf("Rebuild(Patient.none) = %v, want a refusal", err)
		}
	})
}

// TestWritersMeanwhile has resources written and changed while the rows of a
// parameter are made: in the end the index is what the record says.
func TestWritersMeanwhile(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		h := open(t, url, &c)
		patient := func(i, round int) string {
			return fmt.Sprintf(`{"resourceType":"Patient","name":[{"use":"nickname","given":["Lao%d"]},{"given":["x%d"]}]}`, round, i)
		}
		var ids []string
		for i := range 12 {
			ids = append(ids, h.post(patient(i, 0)))
		}
		other := open(t, url, &c)
		h.store.left.Store(1) // whoever posts it leaves it to the other
		h.post(nickname)
		h.store.left.Store(0)
		h.store.dead.Store(false)
		c.jump()
		var wg sync.WaitGroup
		for w := range 2 {
			wg.Go(func() {
				for round := 1; round <= 8; round++ {
					h.put(ids[(w*5+round)%len(ids)], patient(w, round))
					h.post(patient(w, round))
				}
			})
		}
		for other.keeper.Current().Building() || other.found("Patient?nick=lao") == "search-unknown-parameter" {
			if err := errors.Join(other.keeper.Refresh(t.Context()), other.keeper.Complete(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		wg.Wait()
		other.want("Patient?nick=lao", 12+16)
		checkIndex(t, other)
	})
}

// checkIndex compares the index rows of all resources with what they should be.
func checkIndex(t *testing.T, h *house) {
	t.Helper()
	last := map[string]record.Version{}
	if err := h.store.EachVersion(t.Context(), func(v record.Version) error { last[v.Type+"/"+v.ID] = v; return nil }); err != nil {
		t.Fatal(err)
	}
	for ref, v := range last {
		if !v.Deleted {
			doc, err := tree.Parse(v.Body)
			if err != nil {
				t.Fatal(err)
			}
			if v.Rows, err = h.keeper.Current().Search.Index(doc.Root()); err != nil {
				t.Fatal(err)
			}
		}
		differs, err := h.store.CheckIndex(t.Context(), &v, func(search.Key) bool { return true })
		if err != nil || len(differs) > 0 {
			t.Errorf("%s: %v, %v", ref, differs, err)
		}
	}
}
