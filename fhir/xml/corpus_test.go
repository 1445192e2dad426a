package xml_test

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// testdata is the folder of what is not committed; tests skip without it.
func testdata(t testing.TB, path ...string) string {
	t.Helper()
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	dir := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no test data at %s: set TENON_TESTDATA", dir)
	}
	return dir
}

// examples is the folder of an unpacked hl7.fhir.r4.examples@4.0.1.
func examples(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" {
		t.Skip("TENON_FHIR_EXAMPLES does not name an unpacked folder of hl7.fhir.r4.examples@4.0.1")
	}
	return dir
}

func toJSON(t testing.TB, src []byte) []byte {
	t.Helper()
	out, err := xml.ToJSON(src, r4.Model(), xml.Limits{})
	if err != nil {
		t.Fatalf("ToJSON(%.200s) = %v", src, err)
	}
	return out
}

func parse(t testing.TB, src []byte) tree.Node {
	t.Helper()
	d, err := tree.Parse(src)
	if err != nil {
		t.Fatalf("%v in %.300s", err, src)
	}
	return d.Root()
}

// differ says where two trees differ; members in any order, numbers as text.
// A narrative is compared after HTML's names of characters are resolved.
func differ(path string, a, b tree.Node) string {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return fmt.Sprintf("%s: %.80s, want %.80s", path, a.Raw(), b.Raw())
	}
	switch a.Kind() {
	case tree.Object:
		for name, want := range b.Fields() {
			if name == "div" && want.Kind() == tree.String {
				if got, want := html.UnescapeString(a.Field(name).Str()), html.UnescapeString(strings.TrimSpace(want.Str())); got != want {
					at := 0
					for at < min(len(got), len(want)) && got[at] == want[at] {
						at++
					}
					return fmt.Sprintf("%s.div at %d: %.80q, want %.80q", path, at, got[at:], want[at:])
				}
				continue
			}
			if d := differ(path+"."+name, a.Field(name), want); d != "" {
				return d
			}
		}
	case tree.Array:
		for i, x, y := 0, a.First(), b.First(); y.Exists(); i, x, y = i+1, x.Next(), y.Next() {
			if d := differ(fmt.Sprintf("%s[%d]", path, i), x, y); d != "" {
				return d
			}
		}
	default:
		if a.Text() != b.Text() {
			return fmt.Sprintf("%s: %q, want %q", path, a.Text(), b.Text())
		}
	}
	return ""
}

// Every official example of R4 comes back from XML as it was.
func TestExamplesRoundTrip(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := tree.Parse(src)
		if err != nil || d.Root().Field("resourceType").Str() == "" {
			continue
		}
		out, err := xml.Append(nil, d.Root(), r4.Model())
		if err != nil {
			t.Errorf("%s: Append = %v", filepath.Base(name), err)
			continue
		}
		back, err := xml.ToJSON(out, r4.Model(), xml.Limits{})
		if err != nil {
			t.Errorf("%s: ToJSON = %v", filepath.Base(name), err)
			continue
		}
		if d := differ("", parse(t, back), d.Root()); d != "" {
			t.Errorf("%s: %s", filepath.Base(name), d)
		}
		if again, err := xml.Append(nil, parse(t, back), r4.Model()); err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s: what came back is written otherwise: %v", filepath.Base(name), err)
		}
		done++
	}
	if done < 5000 {
		t.Errorf("%d resources, want the whole package", done)
	}
}
