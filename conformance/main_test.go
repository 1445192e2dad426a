package conformance_test

import (
	"os"
	"testing"

	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }
