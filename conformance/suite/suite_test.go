package suite_test

import (
	"testing"

	"tenon/conformance/suite"
)

func TestCases(t *testing.T) {
	cases, err := suite.Cases()
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, c := range cases {
		if c.ID[:7] != "claims/" {
			written++
		}
	}
	t.Logf("%d cases, %d of them written", len(cases), written)
}
