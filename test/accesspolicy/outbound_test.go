package accesspolicy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// outbound are the only places that open connections to others, and why the
// address is one that may be asked. Everything else gets a client from Guard,
// which judges the address that is dialled (server/app/client_test.go: loopback,
// link-local, private and mapped addresses, names that change, redirects).
var outbound = map[string]string{
	"server/app/client.go":     "the guard itself",
	"server/app/timekeeper.go": "NTP: addresses of the operator's configuration",
	"server/app/dimse.go":      "DIMSE: peers that an operator registered",
	"dicomweb/dimse/server.go": "DIMSE: what the app did not inject, for the same peers",
	"server/syslog/sender.go":  "the audit's collector: an address of the operator's configuration, by TLS under its name",
	"cmd/tenon/reconcile.go":   "command line: the server that its user names",
	"cmd/tenon/pull.go":        "command line: the server that its user names",
	"cmd/tenon/demo/story.go":  "command line: the demonstration's own server",
}

var opens = regexp.MustCompile(`http\.DefaultClient|http\.DefaultTransport|http\.Client\{|http\.(Get|Post|Head|PostForm)\(|net\.Dial|tls\.Dial|net\.Dialer|websocket\.Dial`)

// TestOutboundPaths: who opens a connection without the guard says so here.
func TestOutboundPaths(t *testing.T) {
	root := os.DirFS(filepath.Join("..", ".."))
	for _, room := range []string{"server", "oauth", "adapters", "dicomweb", "fhir", "mesh", "cmd", "profiles"} {
		err := fs.WalkDir(root, room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, path)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(text)) {
				if found := opens.FindString(line); found != "" && !strings.HasPrefix(strings.TrimSpace(line), "//") && outbound[path] == "" {
					t.Errorf("%s opens a connection by %s: use the guard of server/app, or say here why the address may be asked", path, found)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
