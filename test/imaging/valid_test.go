package imaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// valid asks dciodvfy, which knows the modules of every SOP class, about a file that
// this server has written. Where it is not installed nothing is asked; CI has it.
func valid(t *testing.T, file []byte) {
	t.Helper()
	path, err := exec.LookPath("dciodvfy")
	if err != nil {
		return
	}
	name := filepath.Join(t.TempDir(), "x.dcm")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.CommandContext(t.Context(), path, name).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") && !strings.Contains(line, "Information Object Not found") { // OBJ and MTL are younger than it
			t.Errorf("dciodvfy: %s", strings.TrimSpace(line))
		}
	}
}
