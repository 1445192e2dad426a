package ig_test

import (
	"bytes"
	"testing"

	"tenon/fhir/ig"
	"tenon/fhir/issue"
)

// Whatever stands in an archive is read within its limits or refused with an
// issue that names no more than it should.
func FuzzRead(f *testing.F) {
	f.Add(archive(f, manifestEntry, entry{name: "package/a.json", body: profile("http://a.example/x")}), true)
	f.Add(archive(f, entry{name: "../a", body: "x"}, manifestEntry), true)
	f.Add(archive(f, entry{name: "package/package.json", body: `{"name":"a.b","version":"1","dependencies":{"c@npm:d":"x"}}`}), true)
	f.Add(pack(f, manifestEntry), false)
	f.Fuzz(func(t *testing.T, src []byte, plain bool) {
		if plain {
			src = compress(t, src)
		}
		lim := ig.Limits{Total: 1 << 20, File: 1 << 16, Files: 100, Nodes: 1000}
		m, err := ig.Read(bytes.NewReader(src), lim, func(file ig.File) error {
			if file.Type == "" || file.Name == "" || len(file.Body) > lim.File {
				t.Errorf("file = %+v", file)
			}
			return nil
		})
		if err != nil {
			if fail := issue.As(err); fail == nil || len(fail.Issues) != 1 || len(fail.Issues[0].Path) > 2000 {
				t.Fatalf("Read = %v, want a failure", err)
			}
			return
		}
		if _, err := ig.Resolve([]*ig.Manifest{m}, nil, nil); err != nil && issue.As(err) == nil {
			t.Fatalf("Resolve = %v, want a failure", err)
		}
	})
}

// A version satisfies itself, and what a pattern takes it takes however the
// rest is spelt.
func FuzzSatisfies(f *testing.F) {
	f.Add("1.0.0", "1.0.x")
	f.Add("1.0.0-ballot", "current$a")
	f.Fuzz(func(t *testing.T, version, asked string) {
		if !ig.Satisfies(version, version) || !ig.Satisfies(version, "*") {
			t.Errorf("%q does not satisfy itself", version)
		}
		_ = ig.Satisfies(version, asked)
	})
}
