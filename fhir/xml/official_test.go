package xml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// The XML of the official test cases that are resources of R4 is read, written
// and read again to the same JSON.
func TestOfficialXML(t *testing.T) {
	root := testdata(t, "fhir-test-cases")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".xml") || strings.HasSuffix(d.Name(), "-tests.xml") || strings.HasPrefix(d.Name(), "tests-") {
			return err // the others are lists of tests, no resources
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		out, err := xml.ToJSON(src, r4.Model(), xml.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		first := parse(t, out)
		again, err := xml.Append(nil, first, r4.Model())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		if d := differ("", parse(t, toJSON(t, again)), first); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
