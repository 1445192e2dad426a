package storetest

import (
	"testing"

	"tenon/server/store"
)

// Run runs the suite; open gives an empty, migrated store each time and closes
// it at the end of the test.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*fixture)
	}{
		{"versions", versionTests},
		{"history", historyTests},
		{"units", unitTests},
		{"search", searchTests},
		{"order", orderTests},
		{"reach", reachTests},
		{"cases", caseTests},
		{"proof", proofTests},
		{"outbox", outboxTests},
		{"jobs", jobTests},
		{"floor", floorTests},
		{"secrets", secretTests},
		{"oauth", oauthTests},
		{"definitions", definitionTests},
		{"reindex", reindexTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) { test(start(t, open)) })
			}
		})
	}
	t.Run("ledger", func(t *testing.T) { runLedger(t, open) })
}
