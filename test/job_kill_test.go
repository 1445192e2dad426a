package test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestJobKill kills the server with kill -9 in the middle of an import, an export
// and the making of index rows. After the restart each goes on from its cursor,
// and what comes of it is whole: every resource once.
func TestJobKill(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel() // it waits for leases of the dead more than it works
			k := &jobKilling{t: t, many: 1500, config: app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}}
			if proving {
				k.many = 30_000
			}
			if engine == "postgres" {
				k.config.Database = pgtest.Database(t, "empty", nil)
			}
			k.start()
			for _, what := range []struct {
				name string
				job  func() (hit bool)
			}{{"import", k.imports}, {"export", k.exports}, {"index", k.indexes}} {
				for try := 0; !what.job(); try++ {
					if try == 8 {
						t.Fatalf("%s: no kill came in the middle of it", what.name)
					}
				}
			}
			k.end()
		})
	}
}

// jobKilling is one record through many lives of its server.
type jobKilling struct {
	t      *testing.T
	config app.Config
	many   int // resources of one import
	total  int // patients so far
	round  int
	server *child
}

func (k *jobKilling) start() { k.server = spawn(k.t, k.config, binary(k.t), "serve", "--dev") }

// killed kills the server some time up to most from now, and starts another.
func (k *jobKilling) killed(most time.Duration) {
	time.Sleep(time.Duration(rand.Int64N(int64(most)))) //nolint:gosec // any moment will do
	k.server.kill()
	k.start()
}

func (k *jobKilling) begin(q servertest.Request) (path string) {
	k.t.Helper()
	q.Header = with(q.Header, async)
	a := k.server.Expect(k.t, 202, q)
	_, path, _ = strings.Cut(a.Header.Get("Content-Location"), "/fhir/")
	return "/fhir/" + path
}

// open tells whether a job is under way.
func (k *jobKilling) open(path string) bool {
	k.t.Helper()
	for {
		a, err := k.server.Try(k.t.Context(), servertest.Request{Method: "GET", Path: path})
		if err != nil {
			k.t.Fatal(err)
		}
		if a.Status != 429 {
			return a.Status == 202
		}
		time.Sleep(time.Second)
	}
}

// result waits for the end of a job. A lease of the server that died is over
// after 15 s.
func (k *jobKilling) result(path string, v any) {
	k.t.Helper()
	for end := time.Now().Add(2 * time.Minute); k.open(path); time.Sleep(time.Second) {
		if time.Now().After(end) {
			k.t.Fatalf("%s does not end\n%s", path, k.server.told())
		}
	}
	time.Sleep(time.Second) // not too often
	a := k.server.Expect(k.t, 200, servertest.Request{Method: "GET", Path: path, Header: map[string]string{"Accept": "application/json"}})
	if err := json.Unmarshal(a.Body, v); err != nil {
		k.t.Fatalf("%v: %s", err, a.Body)
	}
}

func (k *jobKilling) count(query string) (n int) {
	k.t.Helper()
	a := k.server.Expect(k.t, 200, servertest.Request{Method: "GET", Path: "/fhir/" + query})
	var b struct{ Total int }
	if err := json.Unmarshal(a.Body, &b); err != nil {
		k.t.Fatal(err)
	}
	return b.Total
}

// imports: lines under their ids, lines without, and transactions that would make
// a second one of everything if they were carried out twice.
func (k *jobKilling) imports() (hit bool) {
	k.round++
	var lines strings.Builder
	written := 0
	for i := range k.many {
		if i%50 == 49 {
			fmt.Fprintf(&lines, `{"resourceType":"Bundle","type":"transaction","identifier":{"value":"%d-%d"},"entry":[`, k.round, i)
			for range 2 {
				lines.WriteString(`{"resource":{"resourceType":"Patient","name":[{"text":"killed"}]},"request":{"method":"POST","url":"Patient"}},`)
			}
			lines.WriteString(`{"resource":{"resourceType":"Patient","name":[{"text":"killed"}]},"request":{"method":"POST","url":"Patient"}}]}` + "\n")
			written += 3
			continue
		}
		id := fmt.Sprintf(`"id":"k%d-%d",`, k.round, i)
		if i%50 == 7 {
			id = ""
		}
		fmt.Fprintf(&lines, `{"resourceType":"Patient",%s"name":[{"text":"killed"}]}`+"\n", id)
		written++
	}
	path := k.begin(servertest.Request{Method: "POST", Path: "/fhir/$import", Body: []byte(lines.String()), Header: map[string]string{"Content-Type": "application/fhir+ndjson"}})
	before := k.total
	k.total += written
	k.killed(time.Duration(k.many) * time.Millisecond / 3)
	part := k.count("Patient?_summary=count") - before
	var r struct {
		Output []struct{ Count, Unchanged, Failed int }
	}
	k.result(path, &r)
	if o := r.Output[0]; o.Count+o.Unchanged != written || o.Failed != 0 {
		k.t.Errorf("import = %+v, want %d in all", o, written)
	}
	if n := k.count("Patient?_summary=count"); n != k.total {
		k.t.Errorf("%d patients, want %d once", n, k.total)
	}
	for i := 0; i < k.many; i += 50 {
		k.server.Expect(k.t, 404, servertest.Request{Method: "GET", Path: fmt.Sprintf("/fhir/Patient/k%d-%d/_history/2", k.round, i)})
	}
	k.t.Logf("import: killed when %d of %d were written", part, written)
	return part > 0 && part < written
}

func (k *jobKilling) exports() (hit bool) {
	path := k.begin(servertest.Request{Method: "GET", Path: "/fhir/$export?_type=Organization,Patient"})
	k.killed(100 * time.Millisecond)
	hit = k.open(path)
	var m manifest
	k.result(path, &m)
	seen := map[string]int{}
	for _, f := range m.Output {
		a := k.server.Expect(k.t, 200, servertest.Request{Method: "GET", Path: f.URL[strings.Index(f.URL, "/fhir/"):]})
		n := 0
		for line := range strings.Lines(string(a.Body)) {
			var r struct{ ResourceType, ID string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				k.t.Fatalf("%v: %.200s", err, line)
			}
			seen[r.ResourceType+"/"+r.ID]++
			n++
		}
		if n != f.Count {
			k.t.Errorf("a file of %d lines, the manifest says %d", n, f.Count)
		}
	}
	patients := 0
	for ref, n := range seen {
		if n != 1 {
			k.t.Errorf("%s is exported %d times", ref, n)
		}
		if strings.HasPrefix(ref, "Patient/") {
			patients++
		}
	}
	if patients != k.total {
		k.t.Errorf("%d patients are exported, want %d", patients, k.total)
	}
	return hit
}

// indexes: the rows of a new search parameter, which answers once all are there.
func (k *jobKilling) indexes() (hit bool) {
	k.round++
	name := fmt.Sprintf("killed%d", k.round)
	put := servertest.Request{Method: "PUT", Path: "/fhir/SearchParameter/" + name, Body: fmt.Appendf(nil, `{"resourceType":"SearchParameter","id":%q,"url":"urn:kill:%s",
		"name":"Killed","status":"active","description":"x","code":%q,"base":["Patient"],"type":"string","expression":"Patient.name.text"}`, name, name, name)}
	answered := make(chan bool, 1)
	go func() {
		a, err := k.server.Try(context.WithoutCancel(k.t.Context()), put)
		answered <- err == nil && a.Status == 201
	}()
	k.killed(600 * time.Millisecond)
	cut := !<-answered
	ask := servertest.Request{Method: "GET", Path: "/fhir/Patient?" + name + "=killed&_summary=count", Header: map[string]string{"Prefer": "handling=strict"}}
	there, err := k.server.Try(k.t.Context(), servertest.Request{Method: "GET", Path: put.Path})
	if err != nil || there.Status != 200 {
		return false // it came before the commit
	}
	early, err := k.server.Try(k.t.Context(), ask)
	if err != nil {
		k.t.Fatal(err)
	}
	a := early
	for end := time.Now().Add(2 * time.Minute); a.Status != 200; time.Sleep(500 * time.Millisecond) {
		if a, err = k.server.Try(k.t.Context(), ask); err != nil || time.Now().After(end) {
			k.t.Fatalf("the parameter does not answer: %v %s\n%s", err, a.Body, k.server.told())
		}
	}
	if !strings.Contains(string(a.Body), fmt.Sprintf(`"total":%d`, k.total)) {
		k.t.Errorf("the new parameter finds %s, want %d", a.Body, k.total)
	}
	k.t.Logf("index: the request was cut off: %v; at first the parameter answered %d", cut, early.Status)
	return early.Status != 200
}

// end stops in order and judges database and files.
func (k *jobKilling) end() {
	if code := k.server.stop(); code != 0 {
		k.t.Errorf("the server stopped with %d\n%s", code, k.server.told())
	}
	a, err := app.OpenToVerify(k.t.Context(), k.config)
	if err != nil {
		k.t.Fatal(err)
	}
	defer a.Close()
	check, err := a.Check(k.t.Context())
	if err != nil || len(check.Findings) > 0 {
		k.t.Fatalf("check: %v %v", err, check)
	}
}
