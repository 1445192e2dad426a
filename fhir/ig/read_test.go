package ig_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"tenon/fhir/definition"
	"tenon/fhir/ig"
	"tenon/fhir/issue"
)

func TestRead(t *testing.T) {
	src := pack(t,
		entry{name: "package/", typ: tar.TypeDir},
		entry{name: "package/StructureDefinition-x.json", body: profile("http://a.example/x")},
		manifestEntry,
		entry{name: "package/.index.json", body: `{"files":[{"filename":"nothing.json"}]}`},
		entry{name: "./package/ValueSet-y.json", body: "\xEF\xBB\xBF" + `{"resourceType":"ValueSet"}`},
		entry{name: "package/example/Patient-p.json", body: `{"resourceType":"Patient"}`},
		entry{name: "package/openapi/api.json", body: `{`},
		entry{name: "package/xml/a.xml", body: `<a/>`},
		entry{name: "package/other/spec.internals", body: "\x00"},
		entry{name: "package/tool.json", body: `{"kind":"none"}`},
		entry{name: "package/list.json", body: `[1]`},
		entry{name: "package/ig-r4.json", body: `{"resourceType":"ImplementationGuide"}`},
		entry{name: "other/Patient-q.json", body: `{"resourceType":"Patient"}`},
	)
	var got []string
	var bodies [][]byte
	m, err := ig.Read(bytes.NewReader(src), ig.Limits{}, func(f ig.File) error {
		got = append(got, f.Name+" "+f.Type+" "+f.Node.Field("url").Str())
		bodies = append(bodies, f.Body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"StructureDefinition-x.json StructureDefinition http://a.example/x", "ValueSet-y.json ValueSet "}
	if !slices.Equal(got, want) {
		t.Errorf("files = %q, want %q", got, want)
	}
	if string(bodies[0]) != profile("http://a.example/x") || string(bodies[1]) != `{"resourceType":"ValueSet"}` {
		t.Errorf("bodies = %q: they are the visitor's to keep, as FHIR JSON", bodies)
	}
	wantManifest := &ig.Manifest{
		Reference: ig.Reference{Name: "a.b", Version: "1.0.0"}, Title: "A of B", Canonical: "http://a.example/b", FHIRVersions: []string{"4.0.1"},
		Dependencies: []ig.Reference{{Name: "c.d", Version: "2.1.x"}, {Name: "hl7.fhir.r4.core", Version: "4.0.1"}},
	}
	if !reflect.DeepEqual(m, wantManifest) {
		t.Errorf("manifest = %+v, want %+v", m, wantManifest)
	}
	early, err := ig.ReadManifest(bytes.NewReader(src), ig.Limits{})
	if err != nil || !reflect.DeepEqual(early, wantManifest) {
		t.Errorf("ReadManifest = %+v, %v", early, err)
	}
}

// ReadManifest reads no further than it must.
func TestReadManifestStops(t *testing.T) {
	src := pack(t, manifestEntry, entry{name: "package/a.json", body: `{`})
	if m, err := ig.ReadManifest(bytes.NewReader(src), ig.Limits{}); err != nil || m.String() != "a.b#1.0.0" {
		t.Errorf("ReadManifest = %v, %v", m, err)
	}
	if _, err := ig.Read(bytes.NewReader(src), ig.Limits{}, func(ig.File) error { return nil }); first(t, err).Rule != "json-end" {
		t.Errorf("Read = %v, want the fault of a.json", err)
	}
}

func TestManifests(t *testing.T) {
	for _, c := range []struct {
		name, json, rule string
		want             ig.Manifest
	}{
		{"least", `{"name":"a.b","version":"1"}`, "", ig.Manifest{Reference: ig.Reference{Name: "a.b", Version: "1"}}},
		{"old list of versions", `{"name":"a.b","version":"1","fhir-version-list":["4.0.1","4.0.1"]}`, "", ig.Manifest{Reference: ig.Reference{Name: "a.b", Version: "1"}, FHIRVersions: []string{"4.0.1"}}},
		{
			"aliases", `{"name":"a.b","version":"1","dependencies":{"v3@npm:us.core":"3.1.1","us5":"npm:us.core@5.0.1"}}`, "",
			ig.Manifest{Reference: ig.Reference{Name: "a.b", Version: "1"}, Dependencies: []ig.Reference{{Name: "us.core", Version: "3.1.1"}, {Name: "us.core", Version: "5.0.1"}}},
		},
		{"no name", `{"version":"1"}`, "package-name", ig.Manifest{}},
		{"name that is a path", `{"name":"../a","version":"1"}`, "package-name", ig.Manifest{}},
		{"name of an organisation", `{"name":"@a/b","version":"1"}`, "package-name", ig.Manifest{}},
		{"no version", `{"name":"a.b"}`, "package-version", ig.Manifest{}},
		{"version that is a path", `{"name":"a.b","version":"1/2"}`, "package-version", ig.Manifest{}},
		{"version that is a number", `{"name":"a.b","version":1}`, "package-version", ig.Manifest{}},
		{"dependency that is none", `{"name":"a.b","version":"1","dependencies":{"c.d":{}}}`, "package-dependency", ig.Manifest{}},
		{"no object", `[]`, "package-name", ig.Manifest{}},
		{"no JSON", `{"name":`, "json-end", ig.Manifest{}},
		{"key twice", `{"name":"a.b","name":"a.c","version":"1"}`, "json-duplicate-key", ig.Manifest{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ig.ReadManifest(bytes.NewReader(pack(t, entry{name: "package/package.json", body: c.json})), ig.Limits{})
			switch {
			case c.rule != "" && (err == nil || first(t, err).Rule != c.rule || !strings.HasPrefix(first(t, err).Path, "package/package.json")):
				t.Errorf("ReadManifest(%s) = %v, want %s", c.json, err, c.rule)
			case c.rule == "" && (err != nil || !reflect.DeepEqual(*m, c.want)):
				t.Errorf("ReadManifest(%s) = %+v, %v, want %+v", c.json, m, err, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	long := strings.Repeat("a", 2000) + ".json"
	resource := `{"resourceType":"Patient"}`
	for _, c := range []struct {
		name    string
		entries []entry
		rule    string
	}{
		{"no manifest", []entry{{name: "package/a.json", body: resource}}, "package-manifest"},
		{"manifest elsewhere", []entry{{name: "package.json", body: manifest}}, "package-manifest"},
		{"climbs out", []entry{manifestEntry, {name: "package/../../etc/passwd", body: "x"}}, "package-path"},
		{"climbs and comes back", []entry{manifestEntry, {name: "package/a/../b.json", body: resource}}, "package-path"},
		{"absolute", []entry{manifestEntry, {name: "/etc/passwd", body: "x"}}, "package-path"},
		{"backslash", []entry{manifestEntry, {name: `package\..\a.json`, body: "x"}}, "package-path"},
		{"drive", []entry{manifestEntry, {name: `C:/a.json`, body: "x"}}, "package-path"},
		{"control character", []entry{manifestEntry, {name: "package/a\nb.json", body: "x"}}, "package-path"},
		{"no UTF-8", []entry{manifestEntry, {name: "package/\xC3\x28.json", body: "x"}}, "package-path"},
		{"long name", []entry{manifestEntry, {name: "package/" + long, body: "x"}}, "package-path"},
		{"folder that climbs out", []entry{manifestEntry, {name: "../a/", typ: tar.TypeDir}}, "package-path"},
		{"symbolic link", []entry{manifestEntry, {name: "package/a.json", typ: tar.TypeSymlink, link: "/etc/passwd"}}, "package-entry"},
		{"hard link", []entry{manifestEntry, {name: "package/a.json", typ: tar.TypeLink, link: "package/package.json"}}, "package-entry"},
		{"device", []entry{manifestEntry, {name: "package/a.json", typ: tar.TypeChar}}, "package-entry"},
		{"pipe", []entry{manifestEntry, {name: "package/a.json", typ: tar.TypeFifo}}, "package-entry"},
		{"name twice", []entry{manifestEntry, {name: "package/a.json", body: resource}, {name: "package/a.json", body: resource}}, "package-duplicate"},
		{"name twice, spelt otherwise", []entry{manifestEntry, {name: "package/a.json", body: resource}, {name: "./package//a.json", body: resource}}, "package-duplicate"},
		{"manifest twice", []entry{manifestEntry, manifestEntry}, "package-duplicate"},
		{"no JSON", []entry{manifestEntry, {name: "package/a.json", body: `{"resourceType":}`}}, "json-syntax"},
		{"no UTF-8 in a resource", []entry{manifestEntry, {name: "package/a.json", body: "{\"resourceType\":\"\xFF\"}"}}, "json-utf8"},
		{"UTF-16", []entry{manifestEntry, {name: "package/a.json", body: "\xFF\xFE{\x00"}}, "json-syntax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ig.Read(bytes.NewReader(pack(t, c.entries...)), ig.Limits{}, func(ig.File) error { return nil })
			if err == nil || first(t, err).Rule != c.rule {
				t.Errorf("Read = %v, want %s", err, c.rule)
			}
		})
	}
}

// A fault of a resource names its file and its element.
func TestFaultNamesFile(t *testing.T) {
	src := pack(t, manifestEntry, entry{name: "package/ValueSet-y.json", body: `{"resourceType":"ValueSet","compose":{"include":[{"a":1,"a":2}]}}`})
	_, err := ig.Read(bytes.NewReader(src), ig.Limits{}, func(ig.File) error { return nil })
	if got, want := first(t, err).Path, "package/ValueSet-y.json: ValueSet.compose.include[0]"; !strings.HasPrefix(got, want) {
		t.Errorf("path = %q, want %q", got, want)
	}
}

func TestLimits(t *testing.T) {
	resource := `{"resourceType":"Patient","id":"` + strings.Repeat("a", 1000) + `"}`
	small := pack(t, manifestEntry, entry{name: "package/a.json", body: resource})
	bomb := pack(t, manifestEntry, entry{name: "package/other/zeros", body: strings.Repeat("\x00", 20<<20)})
	wanted := pack(t, manifestEntry, entry{name: "package/zeros.json", body: strings.Repeat(" ", 20<<20)})
	for _, c := range []struct {
		name string
		src  []byte
		lim  ig.Limits
		ok   bool
	}{
		{"within", small, ig.Limits{File: len(resource), Files: 2}, true},
		{"file", small, ig.Limits{File: len(resource) - 1}, false},
		{"files", small, ig.Limits{Files: 1}, false},
		{"total", small, ig.Limits{Total: 1000}, false},
		{"ratio of what is skipped", bomb, ig.Limits{}, false},
		{"ratio of what is wanted", wanted, ig.Limits{}, false},
		{"ratio allowed", bomb, ig.Limits{Ratio: 2000}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ig.Read(bytes.NewReader(c.src), c.lim, func(ig.File) error { return nil })
			if c.ok && err != nil || !c.ok && (err == nil || first(t, err).Rule != "package-limit") {
				t.Errorf("Read = %v", err)
			}
		})
	}
}

func TestBrokenArchives(t *testing.T) {
	whole := pack(t, manifestEntry, entry{name: "package/a.json", body: profile(strings.Repeat("x", 5000))})
	for name, src := range map[string][]byte{
		"nothing": nil, "no gzip": []byte(manifest), "gzip of no tar": compress(t, bytes.Repeat([]byte("x"), 2000)),
		"cut early": whole[:30], "cut late": whole[:len(whole)-5], "damaged": append(slices.Clone(whole[:len(whole)-6]), 1, 2, 3, 4, 5, 6),
		"zip": []byte("PK\x03\x04"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ig.Read(bytes.NewReader(src), ig.Limits{}, func(ig.File) error { return nil })
			if err == nil || !slices.Contains([]string{"package-archive", "package-manifest"}, first(t, err).Rule) {
				t.Errorf("Read = %v, want package-archive", err)
			}
		})
	}
	failed := errors.New("the network is down")
	_, err := ig.Read(io.MultiReader(bytes.NewReader(whole[:100]), iotest.ErrReader(failed)), ig.Limits{}, func(ig.File) error { return nil })
	if !errors.Is(err, failed) || issue.As(err) != nil {
		t.Errorf("Read = %v, want the error of the stream", err)
	}
	_, err = ig.Read(bytes.NewReader(whole), ig.Limits{}, func(ig.File) error { return failed })
	if !errors.Is(err, failed) {
		t.Errorf("Read = %v, want the error of the visitor", err)
	}
}

func TestForR4(t *testing.T) {
	for _, c := range []struct {
		json string
		ok   bool
	}{
		{`"fhirVersions":["4.0.1"]`, true},
		{`"fhirVersions":["4.0.0"]`, true},
		{`"fhirVersions":["4.0"]`, true},
		{`"fhirVersions":["5.0.0","4.0.1"]`, true},
		{`"fhir-version-list":["4.0.1"]`, true},
		{`"dependencies":{"hl7.fhir.r4.core":"4.0.1"}`, true},
		{`"fhirVersions":["4.3.0"]`, false},
		{`"fhirVersions":["5.0.0"]`, false},
		{`"fhirVersions":["3.0.2"]`, false},
		{`"fhirVersions":["4.00.1"]`, false},
		{`"dependencies":{"hl7.fhir.r5.core":"5.0.0"}`, false},
		{`"dependencies":{"hl7.fhir.r4b.core":"4.3.0"}`, false},
		{`"title":"none said"`, false},
	} {
		m, err := ig.ReadManifest(bytes.NewReader(pack(t, entry{name: "package/package.json", body: `{"name":"a.b","version":"1",` + c.json + `}`})), ig.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		err = m.ForR4()
		if c.ok && err != nil || !c.ok && (err == nil || first(t, err).Rule != "package-fhir-version" || !strings.Contains(err.Error(), "a.b#1")) {
			t.Errorf("ForR4 of %s = %v, want %v", c.json, err, c.ok)
		}
	}
}

func TestFolder(t *testing.T) {
	fsys := fstest.MapFS{
		"b.tgz":     {Data: pack(t, entry{name: "package/package.json", body: `{"name":"b.b","version":"2"}`})},
		"a.tar.gz":  {Data: pack(t, manifestEntry)},
		"bad.tgz":   {Data: []byte("x")},
		"read.me":   {Data: []byte("x")},
		"c/sub.tgz": {Data: pack(t, manifestEntry)},
	}
	found, skipped, err := ig.Folder(fsys, ig.Limits{})
	if err != nil || len(found) != 2 || found[0].Path != "a.tar.gz" || found[0].Manifest.Name != "a.b" || found[1].Manifest.String() != "b.b#2" {
		t.Errorf("Folder = %+v, %v", found, err)
	}
	if len(skipped) != 1 || !strings.Contains(skipped[0].Error(), "bad.tgz") {
		t.Errorf("skipped = %v, want bad.tgz", skipped)
	}
	if _, _, err := ig.Folder(os.DirFS(filepath.Join(t.TempDir(), "none")), ig.Limits{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Folder of nothing = %v", err)
	}
}

// TestPublishedPackages reads every package in the folder that TENON_PACKAGES
// names, and finds its conformance resources.
func TestPublishedPackages(t *testing.T) {
	dir := os.Getenv("TENON_PACKAGES")
	if dir == "" {
		t.Skip("TENON_PACKAGES does not name a folder of .tgz packages")
	}
	found, skipped, err := ig.Folder(os.DirFS(dir), ig.Limits{})
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	var all []*ig.Manifest
	for _, p := range found {
		f, err := os.Open(filepath.Join(dir, p.Path))
		if err != nil {
			t.Fatal(err)
		}
		types := map[string]int{}
		_, err = ig.Read(f, ig.Limits{}, func(file ig.File) error {
			types[file.Type]++
			if file.Node.Field("url").Exists() {
				_, err := definition.Read(file.Body, p.Manifest.String())
				return err
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", p.Path, err)
		}
		_ = f.Close()
		t.Log(p.Manifest, p.Manifest.Dependencies, fmt.Sprint(types))
		all = append(all, p.Manifest)
	}
	plan, err := ig.Resolve(all, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range plan.Order {
		t.Log("load", m)
	}
	for _, m := range plan.Missing {
		t.Log("missing:", m)
	}
}
