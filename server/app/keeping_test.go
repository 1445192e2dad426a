package app_test

import (
	"strings"
	"testing"

	"tenon/server/app"
)

func TestKeepingRefusesByName(t *testing.T) {
	for policy, want := range map[string]string{"": "", "protect": "", "refuse": "", "allow": "", "sometimes": "delete-referenced:"} {
		c := app.Config{Listen: "127.0.0.1:8080", Data: "d", Database: "sqlite"}
		c.Keeping.DeleteReferenced = policy
		if err := c.Validate(); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Validate(%q) = %v, want %q", policy, err, want)
		}
	}
}
