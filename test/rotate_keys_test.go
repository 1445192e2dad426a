package test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/store/blob"
	"tenon/server/store/pgtest"
)

// TestRotateKeys gives the files new keys while clients write and read, kills the
// command in the middle, and then the server: the rotation goes on, nothing
// acknowledged is lost, and the record is proven.
func TestRotateKeys(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			database := "sqlite"
			if engine == "postgres" {
				database = pgtest.Database(t, "empty", nil)
			}
			k := newKilling(t, database)
			k.rotated()
			k.life()
			k.end()
			files, err := blob.Open(k.config.Data+"/blobs", blob.Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := files.Keys(); err != nil || len(keys) != 1 || keys[0] < 2 {
				t.Errorf("Keys() = %v, %v, want one that is not the first", keys, err)
			}
			t.Run("R000-020 each rotation is in the audit", func(t *testing.T) {
				var b strings.Builder
				c := exec.CommandContext(t.Context(), binary(t), "audit")
				c.Env, c.Stdout = append(os.Environ(), "TENON_DATA="+k.config.Data, "TENON_DATABASE="+k.config.Database), &b
				if err := c.Run(); err != nil || !strings.Contains(b.String(), "rotate-keys") {
					t.Errorf("tenon audit = %v, without rotate-keys: %.400s", err, b.String())
				}
			})
		})
	}
}

// rotated is a life in which the keys are rotated, three times broken off at once.
func (k *killing) rotated() {
	p := spawn(k.t, k.config, binary(k.t), "serve")
	ctx, cancel := context.WithCancel(k.t.Context())
	var all sync.WaitGroup
	for _, w := range k.writers {
		all.Go(func() {
			for w.step(ctx, p.Client) == nil {
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	for i := range 3 {
		c := k.rotation()
		if err := c.Start(); err != nil {
			k.t.Fatal(err)
		}
		time.Sleep(time.Duration(20+k.dice.IntN(60*(i+1))) * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if out, err := k.rotation().CombinedOutput(); err != nil {
		k.t.Errorf("tenon keys rotate = %v %s", err, out)
	}
	cancel()
	all.Wait()
	p.kill()
}

func (k *killing) rotation() *exec.Cmd {
	c := exec.CommandContext(k.t.Context(), binary(k.t), "keys", "rotate", "--wait", "1m")
	c.Env = append(os.Environ(), "TENON_DATA="+k.config.Data, "TENON_DATABASE="+k.config.Database)
	return c
}
