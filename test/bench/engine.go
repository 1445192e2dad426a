package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tenon/server/store/pgtest"
	"tenon/server/store/rawtest"
	"tenon/test/bench/hospital"
)

// errNoServer says that an engine cannot be measured here.
var errNoServer = errors.New("PostgreSQL is left out: install its server or name one by -database")

// bench is the measurement of one engine.
type bench struct {
	settings
	name   string
	log    io.Writer
	srv    *server
	raw    *rawtest.Load
	h      *hospital.Hospital
	person string // token of who has 20 cases
	loaded int    // bundles of patients that are in

	mu       sync.Mutex
	patients []string       // "Patient/1", by number
	wrote    map[string]int // resources by type that were acknowledged

	table  table
	search searches
}

// tuned are settings for a machine of a few gigabytes; durability is as it comes.
var tuned = []string{"shared_buffers=1GB", "max_wal_size=4GB", "effective_cache_size=4GB", "random_page_cost=1.1", "checkpoint_timeout=15min", "maintenance_work_mem=256MB"}

// engine measures one engine and returns its part of the report.
func engine(ctx context.Context, s settings, name string, log io.Writer) (_ string, err error) {
	dir, err := os.MkdirTemp("", "tenon-bench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o700); err != nil {
			return "", err
		}
	}
	b := &bench{settings: s, name: name, log: log}
	database, rawDatabase, about, stop, err := databases(ctx, s, name)
	if err != nil {
		return "", err
	}
	defer stop()
	if b.raw, err = rawtest.Open(ctx, rawDatabase, filepath.Join(dir, "raw")); err != nil {
		return "", err
	}
	defer b.raw.Close()
	if err := b.open(ctx, database, filepath.Join(dir, "server")); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, b.srv.stop()) }()
	if err := b.measure(ctx); err != nil {
		return "", err
	}
	return b.report(about), nil
}

// open starts the server and makes who searches.
func (b *bench) open(ctx context.Context, database, data string) (err error) {
	b.wrote = map[string]int{}
	b.h = hospital.New(1, max(b.size, b.grow)/hospital.PerPatient)
	if b.srv, err = start(ctx, database, data); err != nil {
		return err
	}
	if err := b.people(ctx); err != nil {
		return errors.Join(err, b.srv.stop())
	}
	return nil
}

// databases are the one of the server and the one of the raw load, and what is to
// be said of their settings.
func databases(ctx context.Context, s settings, name string) (database, raw, about string, stop func(), err error) {
	stop = func() {}
	if name == "sqlite" {
		return "sqlite", "sqlite", "SQLite (modernc.org/sqlite), WAL, synchronous = FULL, one file.", stop, nil
	}
	if name != "postgres" {
		return "", "", "", stop, fmt.Errorf("there is no engine %q", name)
	}
	if s.database != "" {
		database, raw = s.database, s.database
		return database, raw, "PostgreSQL as given by -database; server and raw load share a database.", stop, nil
	}
	pg, err := pgtest.Launch(tuned...)
	if err != nil {
		return "", "", "", stop, fmt.Errorf("%w: %w", errNoServer, err)
	}
	database, err = pg.Create(ctx, "served")
	if err == nil {
		raw, err = pg.Create(ctx, "raw")
	}
	if err != nil {
		pg.Stop()
		return "", "", "", stop, err
	}
	version, _ := exec.CommandContext(ctx, "sh", "-c", "ls /usr/lib/postgresql | sort -n | tail -1").Output() // only for the heading
	return database, raw, fmt.Sprintf("PostgreSQL %s with fsync and synchronous_commit on, %s.", strings.TrimSpace(string(version)), strings.Join(tuned, ", ")), pg.Stop, nil
}

// does tells whether a load was asked for.
func (b *bench) does(load string) bool {
	return b.only == "" || slices.Contains(strings.Split(b.only, ","), load)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, "%s %s: "+format+"\n", append([]any{time.Now().UTC().Format("15:04:05"), b.name}, args...)...)
}

// measure runs all loads.
func (b *bench) measure(ctx context.Context) error {
	if err := b.fill(ctx, b.size, b.rounds); err != nil {
		return err
	}
	if err := b.singles(ctx); err != nil {
		return err
	}
	if b.does("search") {
		if err := b.searches(ctx, b.size); err != nil {
			return err
		}
	}
	if b.does("crowd") {
		if err := b.crowded(ctx); err != nil {
			return err
		}
	}
	if b.does("start") {
		if err := b.restart(ctx); err != nil {
			return err
		}
	}
	if b.grow <= b.size {
		return nil
	}
	if err := b.fill(ctx, b.grow, 1); err != nil {
		return err
	}
	if err := b.searches(ctx, b.grow); err != nil {
		return err
	}
	return b.restart(ctx)
}

// restart measures from the start of the process to ready, on what is there.
func (b *bench) restart(ctx context.Context) error {
	var ready, rest series
	for range b.rounds {
		if err := b.srv.stop(); err != nil {
			return err
		}
		s, err := start(ctx, b.srv.database, b.srv.data)
		if err != nil {
			return err
		}
		b.srv = s
		ready = append(ready, float64(s.ready.Microseconds())/1000)
		time.Sleep(time.Second)
		rest = append(rest, float64(s.memory())/1e6)
	}
	b.table.add(row{what: fmt.Sprintf("start to ready, ms, %s resources", thousands(b.size0())), got: ready, goal: "≤ 500"})
	b.table.add(row{what: "memory at rest, MB", got: rest, goal: "≤ 100"})
	return nil
}

// size0 is how many resources were asked for and are in.
func (b *bench) size0() int { return b.loaded * hospital.PerPatient }
