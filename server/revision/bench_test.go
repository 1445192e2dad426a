package revision_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tenon/server/store"
)

// BenchmarkPost posts definitions beside many that are there: of value sets,
// which no parameter and no profile depends on, and of search parameters.
func BenchmarkPost(b *testing.B) {
	for name, body := range map[string]string{
		"ValueSet":        `{"resourceType":"ValueSet","url":"http://tenon.test/vs/%d","status":"active","compose":{"include":[{"system":"http://hl7.org/fhir/administrative-gender"}]}}`,
		"SearchParameter": strings.NewReplacer("test/nick", "test/nick%d", `"code":"nick"`, `"code":"nick%[1]d"`).Replace(nickname),
	} {
		for _, there := range []int{0, 300} {
			b.Run(fmt.Sprintf("%s/%d", name, there), func(b *testing.B) {
				var c clock
				s, err := store.Open(b.Context(), store.Options{URL: "sqlite://" + filepath.ToSlash(b.TempDir()), Clock: c.now})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = s.Close() })
				if err := s.Migrate(b.Context()); err != nil {
					b.Fatal(err)
				}
				h := serve(b, &faulty{Store: s})
				for i := range there {
					h.post(fmt.Sprintf(body, i))
				}
				n := there
				b.ReportAllocs()
				for b.Loop() {
					n++
					h.post(fmt.Sprintf(body, n))
				}
			})
		}
	}
}
