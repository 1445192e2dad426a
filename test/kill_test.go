package test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestKill kills the server with kill -9 while clients write, again and again.
// Whatever was acknowledged is there after the restart, nothing is there by
// half, every acknowledged request is in the audit, the cases go on, and the
// record is proven against a trust file from before the first kill.
func TestKill(t *testing.T) {
	kills := 2
	if proving {
		kills = 50
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run("R000-002 R001-044 "+engine, func(t *testing.T) {
			database := "sqlite"
			if engine == "postgres" {
				database = pgtest.Database(t, "empty", nil)
			}
			k := newKilling(t, database)
			for range kills {
				k.life()
			}
			k.end()
			t.Logf("%s: %d kills; %s", engine, kills, k.tally())
			if proving {
				k.report(engine, kills)
			}
		})
	}
}

// killing is one record through many lives of its server.
type killing struct {
	t       *testing.T
	config  app.Config
	dice    *rand.Rand
	trust   *ledger.Trust
	writers []writer
	began   time.Time

	mu       sync.Mutex
	requests int
	acked    []string // ids of requests that were answered in this life
	audited  int
}

// writer is a client that writes one kind of thing, step by step, and knows what
// must be there.
type writer interface {
	name() string
	// step writes once. The error says that the server has gone.
	step(ctx context.Context, c *servertest.Client) error
	// settle compares what is there with what was acknowledged, and finds out
	// what became of the step that was cut off.
	settle(t *testing.T, c *servertest.Client)
	// count is how many acknowledged things were written.
	count() int
}

func newKilling(t *testing.T, database string) *killing {
	k := &killing{t: t, began: time.Now(), dice: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)),
		config: app.Config{Listen: address(t), Data: t.TempDir(), Database: database}}
	tokens := enrolled(t, k.config, "clin-wang", "hosp-chen", "mfr-xu")
	f, err := os.Open(filepath.Join(k.config.Data, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if k.trust, err = ledger.ReadTrust(f); err != nil {
		t.Fatal(err)
	}
	send := k.sender
	k.writers = []writer{
		&resources{via: via{send, tokens["clin-wang"]}, dice: rand.New(rand.NewPCG(k.dice.Uint64(), 2)), known: map[string]*known{}},
		&transactions{via: via{send, tokens["clin-wang"]}},
		&files{via: via{send, tokens["clin-wang"]}, dice: rand.New(rand.NewPCG(k.dice.Uint64(), 3)), sums: map[string][32]byte{}},
		&images{via: via{send, tokens["clin-wang"]}, stored: map[string][32]byte{}},
		&cases{send: send, hosp: tokens["hosp-chen"], mfr: tokens["mfr-xu"]},
	}
	return k
}

// sender sends a request with an id of its own and notes the answered ones. A
// broken connection is an error; so is an answer that no step expects, which
// fails the test at once.
func (k *killing) sender(ctx context.Context, c *servertest.Client, status int, q servertest.Request) (*servertest.Answer, error) {
	k.mu.Lock()
	k.requests++
	id := fmt.Sprintf("kill-%d", k.requests)
	k.mu.Unlock()
	header := map[string]string{"X-Request-Id": id}
	for name, value := range q.Header {
		header[name] = value
	}
	q.Header = header
	a, err := c.Try(ctx, q)
	if err != nil {
		return nil, err
	}
	if a.Status != status {
		k.t.Errorf("%s %s = %d %.500s, want %d", q.Method, q.Path, a.Status, a.Body, status)
		return nil, errUnexpected
	}
	k.mu.Lock()
	k.acked = append(k.acked, id)
	k.mu.Unlock()
	return a, nil
}

// life starts the server, settles what the last life left, lets the clients
// write, and kills it.
func (k *killing) life() {
	p := spawn(k.t, k.config, binary(k.t), "serve")
	k.settle(p)
	ctx, cancel := context.WithCancel(k.t.Context())
	defer cancel()
	var all sync.WaitGroup
	for _, w := range k.writers {
		all.Go(func() {
			for w.step(ctx, p.Client) == nil {
			}
		})
	}
	time.Sleep(200*time.Millisecond + time.Duration(k.dice.Int64N(int64(2*time.Second))))
	p.kill()
	all.Wait()
	k.prove()
}

func (k *killing) settle(p *child) {
	for _, w := range k.writers {
		w.settle(k.t, p.Client)
	}
	if k.t.Failed() {
		k.t.Fatalf("after a kill; the server said\n%s", p.told())
	}
}

// prove judges database and files as the kill left them.
func (k *killing) prove() {
	k.t.Helper()
	a, err := app.OpenToVerify(k.t.Context(), k.config)
	if err != nil {
		k.t.Fatal(err)
	}
	defer a.Close()
	r, err := a.VerifyDatabase(k.t.Context(), k.trust)
	if err != nil {
		k.t.Fatal(err)
	}
	if r.Exit() != 0 {
		k.t.Fatalf("verify: exit %d\n%v", r.Exit(), r)
	}
	check, err := a.Check(k.t.Context())
	if err != nil || len(check.Findings) > 0 {
		k.t.Fatalf("check: %v %v", err, check)
	}
	k.audit(a)
}

// audit looks for the row of every request that was answered.
func (k *killing) audit(a *app.App) {
	seen := map[string]bool{}
	err := a.Store.EachAuditBatch(k.t.Context(), func(b ledger.AuditBatch) error {
		for _, row := range b.Rows {
			var r struct{ Request string }
			if err := json.Unmarshal(row, &r); err != nil {
				return err
			}
			seen[r.Request] = true
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, id := range k.acked {
		if !seen[id] {
			k.t.Errorf("request %s was answered and is not in the audit", id)
		}
	}
	k.audited += len(k.acked)
	k.acked = nil
}

// end starts the server a last time, lets the cut-off case go on to its end, and
// stops in order.
func (k *killing) end() {
	p := spawn(k.t, k.config, binary(k.t), "serve")
	k.settle(p)
	for _, w := range k.writers {
		c, ok := w.(*cases)
		if !ok {
			continue
		}
		for c.at != 0 || c.finished == 0 {
			if err := c.step(k.t.Context(), p.Client); err != nil {
				k.t.Fatal(err)
			}
		}
	}
	if code := p.stop(); code != 0 {
		k.t.Errorf("the server stopped with %d\n%s", code, p.told())
	}
	k.prove()
}

func (k *killing) tally() string {
	var parts []string
	for _, w := range k.writers {
		parts = append(parts, fmt.Sprintf("%d %s", w.count(), w.name()))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(" acknowledged and found again; %d answers found in the audit", k.audited)
}
