package ledger_test

import (
	"testing"

	"tenon/server/ledger/ledgertest"
)

func TestMemoryStore(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ledgertest.Store { return ledgertest.NewMemory() })
}
