package snapshot_test

import (
	"os"
	"path/filepath"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/snapshot"
	"tenon/profiles/r4"
)

// TestPublished compares with the snapshots of an unpacked package whose folder
// TENON_PACKAGE names: figures by member, and what differs.
func TestPublished(t *testing.T) {
	folder := os.Getenv("TENON_PACKAGE")
	if folder == "" {
		t.Skip("TENON_PACKAGE names no folder of an unpacked package to compare with")
	}
	list := readFolder(t, folder, "StructureDefinition-*.json")
	lib := r4.Library().With(list...)
	alike, all := map[string]int{}, 0
	for _, res := range list {
		n, err := res.Node()
		if err != nil {
			t.Fatal(err)
		}
		if !n.Field("differential").Exists() {
			continue
		}
		body, err := snapshot.Generate(n, lib)
		if err != nil {
			t.Logf("%s: %v", res.ID, err)
			continue
		}
		got, want := elementsOf(parse(t, string(body))), elementsOf(n)
		if d := diff(got.ids, want.ids); d != "" {
			t.Logf("%s: elements differ:%.300s", res.ID, d)
		}
		all += len(want.ids)
		for _, id := range want.ids {
			for _, member := range essential {
				g, w := essence(got.byID[id], member), essence(want.byID[id], member)
				if g == w {
					alike[member]++
				} else {
					t.Logf("%s %s: %s = %.200s, published %.200s", res.ID, id, member, g, w)
				}
			}
		}
	}
	for _, member := range essential {
		t.Logf("%-20s %d of %d alike", member, alike[member], all)
	}
}

// TestDifferentials makes snapshots of all profiles among the official
// validation cases.
func TestDifferentials(t *testing.T) {
	folder := os.Getenv("TENON_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	folder = filepath.Join(folder, "fhir-test-cases", "validator")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no validation cases in TENON_TESTDATA or ../shared/testdata")
	}
	list := append(readFolder(t, folder, "*.json"), readFolder(t, folder, "*/*.json")...)
	lib := r4.Library().With(list...)
	wrong := map[string]string{
		"http://example.com/Observation":                           "a path that is none: meant to fail",
		"http://hl7.org/fhir/test/StructureDefinition/ext-derived": "derives from itself: meant to fail",
	}
	for _, res := range list {
		t.Run(res.URL, func(t *testing.T) {
			n, err := res.Node()
			if err != nil {
				t.Fatal(err)
			}
			_, err = snapshot.Generate(n, lib)
			if (err != nil) != (wrong[res.URL] != "") {
				t.Errorf("Generate: %v; want an error: %q", err, wrong[res.URL])
			}
		})
	}
}

func readFolder(t *testing.T, folder, pattern string) []*definition.Resource {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var list []*definition.Resource
	for _, f := range files {
		body, err := os.ReadFile(f) //nolint:gosec // a test's own folder
		if err != nil {
			t.Fatal(err)
		}
		if res, err := definition.Read(body, filepath.Base(folder)); err == nil && res.Type == "StructureDefinition" {
			list = append(list, res)
		}
	}
	return list
}
