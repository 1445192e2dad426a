package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

// TestPagesOfLargeResources: a page ends where its bodies become large, however
// many resources were asked for, and the pages together hold each resource once,
// both ways; what a page would include is bounded, too.
func TestPagesOfLargeResources(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		large := strings.Repeat("QUJD", 3<<20) // 12 MiB
		var members []string
		for i := range 6 {
			id := create(t, h, fmt.Sprintf(`{"resourceType":"Patient","birthDate":"19%d0-01-01","extension":[{"url":"http://example.org/x","valueBase64Binary":%q}]}`, i+1, large))
			members = append(members, fmt.Sprintf(`{"entity":{"reference":"Patient/%s"}}`, id))
		}
		for _, query := range []string{"Patient?_count=1000", "Patient?_count=1000&_sort=-birthdate"} {
			seen, pages, last := map[string]bool{}, 0, ""
			for next := query; next != ""; pages++ {
				ids, _, more := find(t, h, next)
				if len(ids) == 0 || len(ids) > 2 {
					t.Errorf("%s: a page has %d resources of 12 MiB, want 1 or 2", query, len(ids))
				}
				for _, id := range ids {
					if seen[id] {
						t.Errorf("%s: Patient/%s comes twice", query, id)
					}
					seen[id] = true
				}
				last, next = next, more
			}
			if len(seen) != 6 || pages != 3 {
				t.Errorf("%s: %d patients on %d pages, want 6 on 3", query, len(seen), pages)
			}
			back := map[string]bool{}
			for at := last; at != ""; {
				ids, _, _ := find(t, h, at)
				for _, id := range ids {
					back[id] = true
				}
				at = previous(t, h, at)
			}
			if len(back) != 6 {
				t.Errorf("%s: %d patients backwards, want 6", query, len(back))
			}
		}
		create(t, h, `{"resourceType":"Group","type":"person","actual":true,"member":[`+strings.Join(members, ",")+`]}`)
		must(t, h, 403, "GET", "/fhir/Group?_include=Group:member", "")
	})
}

// previous is the link to the page before.
func previous(t *testing.T, h http.Handler, query string) string {
	t.Helper()
	w := must(t, h, 200, "GET", "/fhir/"+query, "")
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for l := range d.Root().Field("link").Items() {
		if l.Field("relation").Str() == "previous" {
			return strings.TrimPrefix(l.Field("url").Str(), base+"/")
		}
	}
	return ""
}
