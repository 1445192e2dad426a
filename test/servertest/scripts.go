package servertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Scripts is a folder with the scripts of the test's folder clients, and what their
// package.json says that they import, of the versions that it names. variable may
// name a folder where that is installed already. Without npm and node the test is
// skipped; it fails where nothing may be skipped.
func Scripts(t *testing.T, variable string) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if _, node := exec.LookPath("node"); err != nil || node != nil {
		if os.Getenv("TENON_TEST_POSTGRES") == "required" { // where nothing may be skipped
			t.Fatal("npm and node are needed")
		}
		t.Skip("SKIPPED: npm or node is not there; no foreign client was tried")
	}
	folder := os.Getenv(variable)
	fresh := folder == ""
	if fresh {
		folder = t.TempDir()
	}
	names, err := filepath.Glob("clients/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("clients: %v %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // ours
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(name)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !fresh {
		return folder
	}
	install := exec.CommandContext(t.Context(), npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", "--omit=peer") //nolint:gosec // found above
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v %s", err, out)
	}
	return folder
}
