package tree_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"tenon/fhir/tree"
)

// TestExamplesRoundTrip splices id and meta into every resource of the npm
// package hl7.fhir.r4.examples@4.0.1, whose unpacked folder
// TENON_FHIR_EXAMPLES names, and proves that nothing else has changed: every
// other member is there in its place byte for byte, and encoding/json reads
// the same document.
func TestExamplesRoundTrip(t *testing.T) {
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" {
		t.Skip("TENON_FHIR_EXAMPLES does not name an unpacked folder of hl7.fhir.r4.examples@4.0.1")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*-*.json"))
	if err != nil || len(files) < 5000 {
		t.Fatalf("%d files in %s, want the whole package", len(files), dir)
	}
	var before, after tree.Doc
	done := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(src) > 4<<20 {
			continue // definitions in one bundle: the same files again
		}
		if err := before.Parse(src, tree.Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if before.Root().Field("resourceType").Str() == "" {
			continue
		}
		out, err := tree.Splice(&before, "new-id", "42", time.Unix(1_700_000_000, 0))
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if err := after.Parse(out, tree.Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if !unchanged(t, before.Root(), after.Root()) || !sameReading(t, src, out) || !stamped(after.Root()) {
			t.Errorf("%s is not the same after Splice", filepath.Base(file))
		}
		done++
	}
	t.Logf("%d resources kept byte for byte but for id and meta", done)
}

// unchanged compares the members that Splice must not touch, and their order.
func unchanged(t *testing.T, before, after tree.Node) bool {
	t.Helper()
	rest := func(n tree.Node) (members [][2]string) {
		for name, v := range n.Fields() {
			if name != "id" && name != "meta" {
				members = append(members, [2]string{name, string(v.Raw())})
			}
		}
		for name, v := range n.Field("meta").Fields() {
			if name != "versionId" && name != "lastUpdated" {
				members = append(members, [2]string{"meta." + name, string(v.Raw())})
			}
		}
		return members
	}
	return reflect.DeepEqual(rest(before), rest(after))
}

func sameReading(t *testing.T, before, after []byte) bool {
	t.Helper()
	return reflect.DeepEqual(reading(t, before), reading(t, after))
}

// reading is the document as encoding/json sees it, without what is set.
func reading(t *testing.T, src []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	delete(m, "id")
	if meta, ok := m["meta"].(map[string]any); ok {
		delete(meta, "versionId")
		delete(meta, "lastUpdated")
		if len(meta) == 0 {
			delete(m, "meta")
		}
	}
	return m
}

func stamped(n tree.Node) bool {
	return n.Field("id").Str() == "new-id" && n.Path("meta", "versionId").Str() == "42" &&
		n.Path("meta", "lastUpdated").Str() == "2023-11-14T22:13:20.000Z"
}
