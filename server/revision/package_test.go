package revision_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/profiles/r4"
	"tenon/server/revision"
	"tenon/server/search"
	"tenon/server/store"
)

func keeper(t *testing.T, s *store.Store) *revision.Keeper {
	t.Helper()
	reg, err := search.NewRegistry(r4.Model())
	if err != nil {
		t.Fatal(err)
	}
	k, err := revision.New(t.Context(), revision.Options{Base: r4.Library(), Model: r4.Model(), Search: reg, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pack writes a package with these files beside its manifest.
func pack(t *testing.T, dir, name, version, dependencies string, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	add := func(name, body string) {
		if err := w.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o600, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	add("package.json", fmt.Sprintf(`{"name":%q,"version":%q,"fhirVersions":["4.0.1"],"dependencies":{%s}}`, name, version, dependencies))
	for file, body := range files {
		add(file, body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name+"-"+version+".tgz")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func extension(url, version string) string {
	return fmt.Sprintf(`{"resourceType":"StructureDefinition","id":"x","url":%q,"version":%q,"name":"X","status":"active","kind":"complex-type","abstract":false,`+
		`"type":"Extension","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Extension","derivation":"constraint"}`, url, version)
}

func TestPackages(t *testing.T) {
	s, l := opened(t)
	k := keeper(t, s)
	dir := t.TempDir()
	base := pack(t, dir, "test.base", "1.0.0", `"hl7.fhir.r4.core":"4.0.1"`, map[string]string{
		"StructureDefinition-x.json": extension("http://tenon.test/x", "1.0.0"),
		"Patient-example.json":       `{"resourceType":"Patient"}`,
	})
	guide := pack(t, dir, "test.guide", "2.0.0", `"test.base":"1.0.0","hl7.terminology.r4":"5.3.0"`, map[string]string{
		"StructureDefinition-y.json": extension("http://tenon.test/y", "2.0.0"),
	})
	find := func(url string) *definition.Resource { return k.Current().Library.Find("StructureDefinition", url) }

	t.Run("a dependency that is not at hand is refused and changes nothing", func(t *testing.T) {
		before, _ := s.Definitions(t.Context())
		_, err := l.Packages(t.Context(), []string{guide}, "")
		if f := issue.As(err); f == nil || f.Issues[0].Rule != "package-dependency" || !strings.Contains(f.Error(), "test.base#1.0.0") {
			t.Fatalf("Packages() = %v", err)
		}
		if after, _ := s.Definitions(t.Context()); after != before {
			t.Errorf("the revision went from %d to %d", before, after)
		}
	})
	t.Run("a package that is broken in the middle takes all with it", func(t *testing.T) {
		bad := pack(t, t.TempDir(), "test.bad", "1.0.0", "", map[string]string{"ValueSet-a.json": `{"resourceType":"ValueSet","url":"urn:a"`})
		if _, err := l.Packages(t.Context(), []string{base, bad}, ""); err == nil || !strings.Contains(err.Error(), "ValueSet-a.json") {
			t.Fatalf("Packages() = %v", err)
		}
		if h, err := s.Held(t.Context(), nil); err != nil || len(h.Packages) != 0 {
			t.Errorf("Held() = %+v, %v", h, err)
		}
	})
	t.Run("what it needs comes from the folder, first", func(t *testing.T) {
		var notes []string
		l.Note = func(text string) { notes = append(notes, text) }
		got, err := l.Packages(t.Context(), []string{guide}, dir)
		if err != nil || fmt.Sprint(got[0], got[1]) != "test.base#1.0.0 test.guide#2.0.0" || got[0].Resources != 1 {
			t.Fatalf("Packages() = %v, %v", got, err)
		}
		if !strings.Contains(strings.Join(notes, "\n"), "7.0.1") {
			t.Errorf("notes %q do not tell of the terminology's version", notes)
		}
		if err := k.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := find("http://tenon.test/y|2.0.0")
		if r == nil || r.Package != "test.guide#2.0.0" {
			t.Fatalf("Find() = %+v", r)
		}
		if n, err := r.Node(); err != nil || n.Field("id").Str() != "x" {
			t.Errorf("Node() = %v, %v", n, err)
		}
	})
	t.Run("again, it replaces itself", func(t *testing.T) {
		if _, err := l.Packages(t.Context(), []string{base}, ""); err != nil {
			t.Fatal(err)
		}
		if h, err := s.Held(t.Context(), nil); err != nil || len(h.Packages) != 2 {
			t.Errorf("Held() = %+v, %v, want two packages", h, err)
		}
	})
	t.Run("removed, it is gone", func(t *testing.T) {
		if err := l.Remove(t.Context(), "test.base"); err == nil || !strings.Contains(err.Error(), "test.guide#2.0.0") {
			t.Errorf("Remove() of what another needs = %v", err)
		}
		for _, name := range []string{"test.guide#2.0.0", "test.base"} {
			if err := l.Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Remove(t.Context(), "test.base"); issue.As(err) == nil {
			t.Errorf("Remove() of nothing = %v", err)
		}
		if err := k.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := find("http://tenon.test/y"); r != nil {
			t.Errorf("Find() = %+v", r)
		}
	})
}

// TestOtherVersion has a package that needs a version which only the folder has
// another of.
func TestOtherVersion(t *testing.T) {
	_, l := opened(t)
	dir := t.TempDir()
	pack(t, dir, "test.base", "1.1.0", "", map[string]string{"StructureDefinition-x.json": extension("http://tenon.test/x", "1.1.0")})
	guide := pack(t, t.TempDir(), "test.guide", "2.0.0", `"test.base":"1.0.0"`, map[string]string{"StructureDefinition-y.json": extension("http://tenon.test/y", "2.0.0")})
	var notes []string
	l.Note = func(text string) { notes = append(notes, text) }
	got, err := l.Packages(t.Context(), []string{guide}, dir)
	if err != nil || len(got) != 2 || fmt.Sprint(notes) != "[test.base#1.0.0, which test.guide#2.0.0 needs, is not at hand; version 1.1.0 is: it is used instead]" {
		t.Errorf("Packages() = %v, %v, notes %q", got, err, notes)
	}
}

// TestLargeCodeSystemOfPackage has a CodeSystem whose concepts are kept apart.
func TestLargeCodeSystemOfPackage(t *testing.T) {
	s, l := opened(t)
	var b strings.Builder
	b.WriteString(`{"resourceType":"CodeSystem","url":"http://tenon.test/big","version":"1","name":"Big","status":"active","content":"complete","caseSensitive":true,"concept":[`)
	for i := range 60_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"code":"C%d","display":"A display that makes the resource large enough to be kept apart %d"}`, i, i)
	}
	b.WriteString(`]}`)
	file := pack(t, t.TempDir(), "test.big", "1.0.0", "", map[string]string{"CodeSystem-big.json": b.String()})
	if _, err := l.Packages(t.Context(), []string{file}, ""); err != nil {
		t.Fatal(err)
	}
	k := keeper(t, s)
	r := k.Current().Library.Find("CodeSystem", "http://tenon.test/big")
	body, err := r.Bytes()
	if err != nil || len(body) > 1000 {
		t.Fatalf("the resource has %d bytes, %v", len(body), err)
	}
	for code, want := range map[string]terminology.Verdict{"C59999": terminology.Member, "C60000": terminology.NotMember} {
		if got := k.Current().Terminology.ValidateCode("", terminology.Coding{System: "http://tenon.test/big", Code: code}, nil); got.Verdict != want {
			t.Errorf("%s: %+v, want %v", code, got, want)
		}
	}
	if err := l.Remove(t.Context(), "test.big#1.0.0"); err != nil {
		t.Fatal(err)
	}
	if h, err := s.Held(t.Context(), nil); err != nil || len(h.Systems) != 0 {
		t.Errorf("Held() = %+v, %v, want no system", h, err)
	}
}
