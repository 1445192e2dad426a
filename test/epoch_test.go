package test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
)

// TestEpoch: a server beside which a newer one migrates in a way that it does not know
// stops, and does not start again.
func TestEpoch(t *testing.T) {
	t.Parallel()
	c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
	p := spawn(t, c, binary(t), "serve")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.Data, "db", "tenon.db")+"?_pragma=busy_timeout(30000)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "UPDATE schema_epoch SET epoch = epoch + 1")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("the server goes on")
	}
	if p.err == nil || !strings.Contains(p.told(), "newer version") {
		t.Errorf("it ended with %v and said %s", p.err, p.told())
	}
	k := &killing{t: t, config: c}
	if out := k.tenon(false, "serve"); !strings.Contains(out, "newer version") {
		t.Errorf("started again it said %s", out)
	}
}
