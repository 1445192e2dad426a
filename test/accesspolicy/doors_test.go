package accesspolicy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// doors and conjuncts are those of the package comment of server/access.
var (
	doors     = strings.Fields("read search count history everything export GraphQL subscription DICOMweb MES console")
	conjuncts = strings.Fields("ground stage level consent scopes compartment emergency")
)

// TestDoors holds doors.tsv whole: for each door and each part of the predicate it
// names a test that is there, or says why none is. A test of leaks.tsv is shown to
// fail without the predicate by make leaks.
func TestDoors(t *testing.T) {
	leaks := text(t, "leaks.tsv")
	sources := map[string]string{}
	said := map[string]bool{}
	for line := range strings.Lines(text(t, "doors.tsv")) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 3 || !slices.Contains(doors, cells[0]) || !slices.Contains(conjuncts, cells[1]) || said[cells[0]+cells[1]] {
			t.Errorf("%q is not a door, a part of the predicate, and a test or a reason, once", line)
			continue
		}
		said[cells[0]+cells[1]] = true
		pkg, test, _ := strings.Cut(cells[2], " ")
		top, below, _ := strings.Cut(test, "/")
		switch {
		case pkg == "-" && test != "":
		case strings.Contains(leaks, pkg+"\t"+test+"\n"):
		case pkg == "-" || !strings.Contains(written(t, sources, pkg), "func "+top+"("):
			t.Errorf("%s and %s: there is no test %q", cells[0], cells[1], cells[2])
		case below != "" && !strings.Contains(strings.ReplaceAll(written(t, sources, pkg), " ", "_"), filepath.Base(test)):
			t.Errorf("%s and %s: %s has no %q", cells[0], cells[1], top, below)
		}
	}
	if len(said) != len(doors)*len(conjuncts) {
		t.Errorf("%d of %d are said", len(said), len(doors)*len(conjuncts))
	}
	doc := text(t, "../../server/access/doc.go")
	for _, word := range slices.Concat(doors, conjuncts) {
		if !strings.Contains(doc, "//	"+word+" ") {
			t.Errorf("the package comment of server/access does not tell of %s", word)
		}
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name) //nolint:gosec // ours
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// written are the tests of a package, as text.
func written(t *testing.T, known map[string]string, pkg string) string {
	t.Helper()
	if _, ok := known[pkg]; !ok {
		names, _ := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
		for _, name := range names {
			known[pkg] += text(t, name)
		}
	}
	return known[pkg]
}
