package conformance_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tenon/server/app"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The CapabilityStatement is the API; its diff is the change of the API.
func TestCapabilityStatement(t *testing.T) {
	a, err := app.Open(t.Context(), app.Config{Listen: "127.0.0.1:8080", Data: t.TempDir(), Database: "sqlite"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	h, err := a.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/fhir/metadata", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("metadata = %d %s", w.Code, w.Body)
	}
	got, err := summary(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	const golden = "capability.txt"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the CapabilityStatement differs from %s: if the change is wanted, run go test ./conformance -run Capability -update and tell it in CHANGELOG.md", golden)
	}
}

// summary is one line for what the server does and one for each resource type.
func summary(statement []byte) ([]byte, error) {
	type named struct {
		Name, Type, Code string
	}
	var s struct {
		Format, PatchFormat []string
		Rest                []struct {
			Interaction, Operation []named
			Resource               []struct {
				Type                                           string
				Interaction, Operation, SearchParam            []named
				SearchInclude, SearchRevInclude                []string
				ConditionalCreate, ConditionalUpdate           bool
				UpdateCreate                                   bool
				ConditionalDelete, ConditionalRead, Versioning string
			}
		}
	}
	if err := json.Unmarshal(statement, &s); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	line := func(name string, v any) {
		b, _ := json.Marshal(v) // strings alone
		fmt.Fprintf(&out, "%s %s\n", name, b)
	}
	names := func(of []named) (list []string) {
		for _, n := range of {
			list = append(list, strings.Trim(n.Name+" "+n.Code+" "+n.Type, " "))
		}
		return list
	}
	line("format", s.Format)
	line("patch", s.PatchFormat)
	for _, rest := range s.Rest {
		line("system", append(names(rest.Interaction), names(rest.Operation)...))
		for _, r := range rest.Resource {
			line(r.Type, []any{names(r.Interaction), names(r.Operation), names(r.SearchParam), r.SearchInclude,
				r.ConditionalCreate, r.ConditionalUpdate, r.UpdateCreate, r.ConditionalDelete, r.ConditionalRead, r.Versioning})
		}
	}
	return out.Bytes(), nil
}
