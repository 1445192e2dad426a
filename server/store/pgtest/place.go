package pgtest

import (
	"context"
	"errors"
	"os"
	"testing"
)

// DatabaseIn is the URL of a new, empty database whose tables lie in an empty
// folder of the caller's choice, such as a disk of its own; the log of the server
// lies elsewhere. Nothing is vacuumed meanwhile. It is skipped where the server is not of this process.
func DatabaseIn(t testing.TB, folder string) string {
	t.Helper()
	s, err := start()
	if errors.Is(err, errNone) && os.Getenv(Variable) != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.keeps {
		t.Skip("the folders of the server that " + Variable + " names are its own")
	}
	who, err := unprivileged()
	if err == nil && who != nil {
		err = os.Chown(folder, int(who.Uid), int(who.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "t_" + random()
	for _, sql := range []string{
		// A vacuum of the catalogues takes away the file from which sessions start;
		// a full disk has no room for a new one, and nobody could connect any more.
		"ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()",
		"CREATE TABLESPACE " + name + " LOCATION '" + folder + "'",
		"CREATE DATABASE " + name + " TABLESPACE " + name,
	} {
		if err := s.run(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // before the folder goes: a server that misses files makes no checkpoint any more
		for _, sql := range []string{"DROP DATABASE " + name + " WITH (FORCE)", "DROP TABLESPACE " + name,
			"ALTER SYSTEM RESET autovacuum", "SELECT pg_reload_conf()"} {
			if err := s.run(context.Background(), sql); err != nil {
				t.Error(err)
			}
		}
	})
	return s.named(name)
}
