// Package migrations holds the schema of both engines as plain SQL. Files are
// named by time, applied in order, each once and in one transaction, and never
// changed after a release: the schema only moves forward. What they add up to
// is committed in sqlite.schema.sql and postgres.schema.sql; a test of
// server/store compares.
package migrations

import (
	"embed"
	"io/fs"
)

// Epoch is the newest epoch of the schema that this version knows. A migration that a
// server without it must not work beside (because rows that it writes would lack what
// is now relied on, or because it would let through what is now kept out) ends with
// UPDATE schema_epoch SET epoch = the next number, in both engines, and this number
// follows. Servers of the epoch before then refuse to start, and those that run stop
// within seconds; servers N and N-1 run side by side while it stays the same. Versions
// from before the epoch was there notice nothing: stop them before this one starts.
const Epoch = 1

//go:embed sqlite/*.sql sqlite_auth/*.sql postgres/*.sql
var files embed.FS

// Migration is one step: Name is the file name without .sql.
type Migration struct{ Name, SQL string }

// Of returns the steps of an engine in order: "sqlite", "sqlite_auth" (its
// second file, tokens and signing keys) or "postgres".
func Of(engine string) ([]Migration, error) {
	entries, err := fs.ReadDir(files, engine)
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, len(entries))
	for i, e := range entries {
		text, err := fs.ReadFile(files, engine+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		name := e.Name()
		steps[i] = Migration{Name: name[:len(name)-len(".sql")], SQL: string(text)}
	}
	return steps, nil
}
