package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	fhirxml "tenon/fhir/xml"
	"tenon/profiles/r4"
	"tenon/server/record"
)

// patchResults keeps a verdict for every official case.
const patchResults = "results/patch.tsv"

type patchCase struct {
	Name  string `xml:"name,attr"`
	Input *inner `xml:"input"`
	Diff  *inner `xml:"diff"`
	Want  *inner `xml:"output"`
	Error *inner `xml:"error"`
}

type inner struct {
	XML []byte `xml:",innerxml"`
}

// TestPatch runs the official cases of https://hl7.org/fhir/R4/fhirpatch.html and
// of RFC 6902. The cases of XML Patch are about documents that are no resources;
// the server refuses that format, which is the verdict written for them.
func TestPatch(t *testing.T) {
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "testdata")
	}
	folder := filepath.Join(root, "fhir-test-cases", "r4", "patch")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no official patch cases: %v", err)
	}
	var rows []string
	judge := func(file, name string, why error) {
		verdict := "pass"
		if why != nil {
			verdict = "fail: " + strings.ReplaceAll(why.Error(), "\n", " ")
			t.Errorf("%s, %s: %v", file, name, why)
		}
		rows = append(rows, file+"\t"+name+"\t"+verdict)
	}
	for _, c := range pathCases(t, filepath.Join(folder, "fhir-patch-tests.xml")) {
		judge("fhir-patch-tests.xml", c.Name, c.run())
	}
	for i, c := range jsonCases(t, filepath.Join(folder, "json-patch-tests.json")) {
		judge("json-patch-tests.json", fmt.Sprintf("%d %s", i, c.Comment), c.run())
	}
	for _, c := range pathCases(t, filepath.Join(folder, "xml-patch-tests.xml")) {
		rows = append(rows, "xml-patch-tests.xml\t"+c.Name+"\trefused: 415, XML Patch is not served")
	}
	if len(rows) != 33+16+29 {
		t.Errorf("%d cases were found, want 78", len(rows))
	}
	got := "file\tcase\tverdict\n" + strings.Join(rows, "\n") + "\n"
	if os.Getenv("TENON_WRITE_RESULTS") != "" {
		if err := os.WriteFile(patchResults, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(patchResults)
	if err != nil || got != string(want) {
		t.Errorf("verdicts differ from %s (%v); write them with TENON_WRITE_RESULTS=1", patchResults, err)
	}
}

func pathCases(t *testing.T, file string) []patchCase {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases []patchCase `xml:"case"`
	}
	if err := xml.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all.Cases
}

func (c *patchCase) run() error {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	input, err := fhirxml.ToJSON(c.Input.XML, r4.Model(), fhirxml.Limits{})
	if err != nil {
		return err
	}
	diff, err := fhirxml.ToJSON(c.Diff.XML, r4.Model(), fhirxml.Limits{})
	if err != nil {
		return err
	}
	got, err := record.Patched(r4.Model(), record.PathPatch, at, input, diff)
	if c.Error != nil {
		if err == nil {
			return fmt.Errorf("it is taken: %s", got)
		}
		return nil
	}
	if err != nil {
		return err
	}
	want, err := fhirxml.ToJSON(c.Want.XML, r4.Model(), fhirxml.Limits{})
	if err != nil {
		return err
	}
	return sameJSON(got, want)
}

type jsonCase struct {
	Comment    string
	Doc, Patch json.RawMessage
	Expected   json.RawMessage
	Error      any
}

func jsonCases(t *testing.T, file string) (cases []jsonCase) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (c *jsonCase) run() error {
	got, err := record.Patched(r4.Model(), record.JSONPatch, time.Time{}, c.Doc, c.Patch)
	switch {
	case c.Error != nil && err == nil:
		return fmt.Errorf("it is taken: %s", got)
	case c.Error != nil:
		return nil
	case err != nil:
		return err
	}
	return sameJSON(got, c.Expected)
}

// sameJSON compares two documents without regard to the order of members. Blanks
// between the tags of a narrative do not count, nor how a quote is written: the
// cases do both freely.
func sameJSON(got, want []byte) error {
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		return err
	}
	if err := json.Unmarshal(want, &b); err != nil {
		return err
	}
	if !reflect.DeepEqual(plain(a), plain(b)) {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	return nil
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			v[name] = plain(child)
		}
	case []any:
		for i, child := range v {
			v[i] = plain(child)
		}
	case string:
		if strings.HasPrefix(v, "<div") {
			return strings.Join(strings.Fields(strings.NewReplacer(">", "> ", "<", " <", "&quot;", "\"").Replace(v)), " ")
		}
	}
	return v
}
