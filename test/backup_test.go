package test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/store/pgtest"
)

// TestBackup backs up while clients write, loses the machine, restores elsewhere, and
// goes on: the record is proven against the trust file that was kept outside, nothing
// that was acknowledged before the backup is missing, and a case goes on to its end.
func TestBackup(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			database, elsewhere := "sqlite", "sqlite"
			if engine == "postgres" {
				database, elsewhere = pgtest.Database(t, "empty", nil), pgtest.Database(t, "bare", nil)
			}
			k := newKilling(t, database)
			k.backedUp()
			k.restored(elsewhere)
			k.prove()
			k.end()
		})
	}
}

func (k *killing) backup() string { return filepath.Join(filepath.Dir(k.config.Data), "backup") }
func (k *killing) key() string    { return k.backup() + ".key" }

func (k *killing) tenon(want bool, args ...string) string {
	k.t.Helper()
	c := exec.CommandContext(k.t.Context(), binary(k.t), args...)
	c.Env = append(os.Environ(), "TENON_DATA="+k.config.Data, "TENON_DATABASE="+k.config.Database)
	out, err := c.CombinedOutput()
	if (err == nil) != want {
		k.t.Fatalf("tenon %v = %v %s, want success %v", args, err, out, want)
	}
	return string(out)
}

// backedUp writes, stops the clients so that what they know is what the backup must
// have, and backs up while another client goes on writing.
func (k *killing) backedUp() {
	p := spawn(k.t, k.config, binary(k.t), "serve")
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, w := range k.writers {
		all.Go(func() {
			for ctx.Err() == nil && w.step(context.WithoutCancel(ctx), p.Client) == nil {
			}
		})
	}
	all.Wait()
	k.mu.Lock()
	known := k.acked
	k.mu.Unlock()
	beside := &files{via: via{k.sender, k.writers[1].(*transactions).token}, dice: rand.New(rand.NewPCG(k.dice.Uint64(), 4)), sums: map[string][32]byte{}}
	more, stop := context.WithCancel(k.t.Context())
	all.Go(func() {
		for more.Err() == nil && beside.step(more, p.Client) == nil {
		}
	})
	if err := os.WriteFile(k.key(), []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		k.t.Fatal(err)
	}
	k.tenon(true, "backup", "--recovery-key", k.key(), k.backup())
	k.tenon(false, "backup", "--recovery-key", k.key(), k.backup()) // never over one that is there
	stop()
	all.Wait()
	p.kill()
	k.mu.Lock()
	k.acked = known
	k.mu.Unlock()
}

// restored refuses what it must, and then restores into a new folder.
func (k *killing) restored(database string) {
	text, err := os.ReadFile(k.backup())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, plain := range []string{"PRIVATE KEY", "resourceType", "SQLite format"} {
		if strings.Contains(string(text), plain) {
			k.t.Errorf("the backup holds %q in plain", plain)
		}
	}
	k.tenon(false, "restore", "--recovery-key", k.key(), k.backup()) // over a record that is there
	old := k.config.Data
	k.config.Data, k.config.Database = k.t.TempDir(), database
	wrong := k.key() + ".wrong"
	cut := k.backup() + ".cut"
	for name, b := range map[string][]byte{wrong: []byte(strings.Repeat("5b", 32)), cut: text[:len(text)/2]} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			k.t.Fatal(err)
		}
	}
	k.tenon(false, "restore", "--recovery-key", wrong, filepath.Join(filepath.Dir(old), "backup"))
	at := k.config.Data
	k.config.Data = k.t.TempDir()
	k.tenon(false, "restore", "--recovery-key", filepath.Join(filepath.Dir(old), "backup.key"), cut)
	k.config.Data = at
	k.tenon(true, "restore", "--recovery-key", filepath.Join(filepath.Dir(old), "backup.key"), filepath.Join(filepath.Dir(old), "backup"))
}
