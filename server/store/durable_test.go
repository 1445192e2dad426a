package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/store"
	"tenon/server/store/pgtest"
	"tenon/server/store/storetest"
)

func emptyPostgres(t testing.TB) string { return pgtest.Database(t, "empty", nil) }

var urls = map[string]func(testing.TB) string{"SQLite": liteURL, "PostgreSQL": postgresURL}

func TestRestartKeepsEverything(t *testing.T) {
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			where := url(t)
			func() {
				s, err := store.Open(t.Context(), store.Options{URL: where})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := s.Commit(t.Context(), family(0)); err != nil {
					t.Fatal(err)
				}
				if err := s.Audit(t.Context(), []record.Audit{{At: time.Now(), Entity: "Patient/0"}}); err != nil {
					t.Fatal(err)
				}
			}()
			s := open(t, where)
			whole(t, s, 0)
			if err := s.Commit(t.Context(), family(1)); err != nil {
				t.Fatal(err)
			}
			if err := s.Audit(t.Context(), []record.Audit{{At: time.Now(), Entity: "Patient/1"}}); err != nil {
				t.Fatal(err)
			}
			whole(t, s, 1)
		})
	}
}

// family is a unit with a case of three resources, so that a half of it shows.
func family(n int) *record.Unit {
	id := strconv.Itoa(n)
	u := &record.Unit{At: time.Now(), Versions: []record.Version{
		storetest.Make("Task", id, 1), storetest.Make("Patient", id, 1, storetest.Token("identifier", "urn:x", id)),
		storetest.Make("Device", id, 1, storetest.Refer("patient", "Patient", id)),
	}}
	for _, v := range u.Versions {
		u.Members = append(u.Members, record.Member{Case: id, Type: v.Type, ID: v.ID})
	}
	u.Cases = []string{id}
	u.Reads.Cases = []record.CaseRead{{Case: id}}
	u.Audit = []record.Audit{{At: time.Now(), Action: "C", Entity: "Task/" + id, Case: id}}
	return u
}

// whole checks that everything of family n is there.
func whole(t *testing.T, s *store.Store, n int) {
	t.Helper()
	id := strconv.Itoa(n)
	data, err := s.Snapshot(t.Context(), id)
	if err != nil || len(data.Members) != 3 || data.Revision != 1 {
		t.Errorf("case %d = %+v, %v, want three members at revision 1", n, data, err)
	}
	if _, err := s.Read(t.Context(), access.Everything{}, "Device", id); err != nil {
		t.Errorf("Device/%d: %v", n, err)
	}
}

// TestKillKeepsAcknowledged kills a process in the middle of its writes: all
// that it had told of is there, whole, and nothing is there by half.
func TestKillKeepsAcknowledged(t *testing.T) {
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			where := url(t)
			next := 0
			for round := range 5 {
				acknowledged := killed(t, where, next)
				s := open(t, where)
				for _, n := range acknowledged {
					whole(t, s, n)
				}
				if len(acknowledged) == 0 {
					t.Errorf("round %d: nothing was written", round)
				}
				next += 100_000
				half(t, s)
			}
		})
	}
}

// half looks for cases that are there in part.
func half(t *testing.T, s *store.Store) {
	t.Helper()
	count := map[string]int{}
	if err := s.EachVersion(t.Context(), func(v record.Version) error { count[v.ID]++; return nil }); err != nil {
		t.Fatal(err)
	}
	for id, n := range count {
		if n != 3 {
			t.Errorf("%d of the three resources of case %s are there", n, id)
		}
	}
}

const childURL, childNext = "TENON_STORE_TEST_CHILD", "TENON_STORE_TEST_NEXT"

// killed starts a writer, kills it after a while and returns what it had
// acknowledged.
func killed(t *testing.T, url string, next int) (acknowledged []int) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestChildWrites$", "-test.count=1")
	c.Env = append(os.Environ(), childURL+"="+url, childNext+"="+strconv.Itoa(next))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "committed "); ok {
			id, _ := strconv.Atoi(n)
			if acknowledged = append(acknowledged, id); len(acknowledged) == 60 {
				_ = c.Process.Kill()
			}
		}
	}
	if err := c.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return acknowledged
}

// TestChildWrites is the process that is killed.
func TestChildWrites(t *testing.T) {
	url := os.Getenv(childURL)
	if url == "" {
		t.Skip("runs as a child of TestKillKeepsAcknowledged")
	}
	s, err := store.Open(context.Background(), store.Options{URL: url})
	if err == nil {
		err = s.Migrate(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	first, _ := strconv.Atoi(os.Getenv(childNext))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := first + w; ; n += 8 {
				if err := s.Commit(context.Background(), family(n)); err != nil {
					if !errors.Is(err, record.ErrStale) {
						fmt.Println("failed", err)
					}
					return
				}
				fmt.Println("committed", n) // one write, not buffered
			}
		})
	}
	wg.Wait()
}
