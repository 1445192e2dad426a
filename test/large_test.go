package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// entriesOfLarge is how many entries a transaction may well have.
const entriesOfLarge = 10_000

// TestLargeTransaction sends 10,000 entries that refer to each other: all of them
// are written, or none, and the memory of the server is bounded by the size of
// the Bundle: some fifty times of it on SQLite and eighty on PostgreSQL, half of
// that the slack of the garbage collector.
func TestLargeTransaction(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
			if engine == "postgres" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			token := enrolled(t, c, "clin-wang")["clin-wang"]
			p := spawn(t, c, binary(t), "serve")
			p.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Patient?name=x"})
			before := p.peak(t)
			bad := largeBundle(true)
			a := p.Expect(t, 422, servertest.Request{Token: token, Method: "POST", Path: "/fhir", Body: bad})
			if want := fmt.Sprintf("Bundle.entry[%d]", entriesOfLarge-1); !bytes.Contains(a.Body, []byte(want)) {
				t.Errorf("the refusal does not name %s: %.400s", want, a.Body)
			}
			if n := countOf(t, p, token, "Observation?_tag=large"); n != 0 {
				t.Errorf("a refused transaction left %d", n)
			}
			good := largeBundle(false)
			p.Expect(t, 200, servertest.Request{Token: token, Method: "POST", Path: "/fhir", Body: good})
			grown := p.peak(t) - before
			if n := countOf(t, p, token, "Observation?_tag=large&subject:Patient.identifier=urn:large|1"); n != entriesOfLarge-1 {
				t.Errorf("%d Observations refer to the Patient of their transaction, want %d", n, entriesOfLarge-1)
			}
			t.Logf("%d entries, %d kB: the peak grew by %d kB", entriesOfLarge, len(good)>>10, grown>>10)
			if grown > 120*len(good) {
				t.Errorf("a Bundle of %d kB took %d kB", len(good)>>10, grown>>10)
			}
		})
	}
}

// largeBundle is one Patient and Observations of it; the last one of a bad Bundle
// breaks a rule.
func largeBundle(bad bool) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000000","resource":{"resourceType":"Patient","identifier":[{"system":"urn:large","value":"1"}]},"request":{"method":"POST","url":"Patient"}}`)
	for i := 1; i < entriesOfLarge; i++ {
		status := "final"
		if bad && i == entriesOfLarge-1 {
			status = "finished"
		}
		fmt.Fprintf(&b, `,{"fullUrl":"urn:uuid:00000000-0000-4000-8000-%012d","resource":{"resourceType":"Observation","meta":{"tag":[{"code":"large"}]},"status":%q,`+
			`"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"subject":{"reference":"urn:uuid:00000000-0000-4000-8000-000000000000"},`+
			`"effectiveDateTime":"2026-11-23T08:00:00Z","valueQuantity":{"value":%d,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},"request":{"method":"POST","url":"Observation"}}`, i, status, 90+i%60)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func countOf(t *testing.T, p *child, token, query string) int {
	t.Helper()
	var b struct{ Total int }
	if err := json.Unmarshal(p.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/" + query + "&_summary=count"}).Body, &b); err != nil {
		t.Fatal(err)
	}
	return b.Total
}

// peak is the largest resident set of the process so far, in bytes.
func (p *child) peak(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var kb int
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
