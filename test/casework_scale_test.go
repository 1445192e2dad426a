package test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tenon/cmd/tenon/demo"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/app"
	"tenon/server/casework"
	"tenon/server/store"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestCaseworkScale measures casework among as many open cases as
// TENON_CASEWORK_CASES says, on PostgreSQL. One case goes through the public door
// (the whole demo); as it was before each stage was completed it is copied, with
// ids of its own, so that the cases are spread over S00 to S12. With
// TENON_WRITE_RESULTS the figures become conformance/results/casework.md.
//
//	TENON_CASEWORK_CASES=10000 go test ./test -run TestCaseworkScale -v -timeout 60m
func TestCaseworkScale(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("TENON_CASEWORK_CASES"))
	if n == 0 {
		t.Skip("set TENON_CASEWORK_CASES to a number of cases to measure casework")
	}
	url, dir := pgtest.Database(t, "empty", nil), t.TempDir()
	moulds := cast(t, url, dir)
	s := &scale{house: &house{servertest.Start(t, app.Config{Data: dir, Database: url, Sample: true}), t}, tokens: map[string]string{}}
	began := time.Now()
	s.fill(moulds, n)
	s.say("%d open cases in %d states, %.0f s to enter them: %s\n", n, len(moulds), time.Since(began).Seconds(), s.spread())
	s.say("| what | p50 ms | p95 ms | CPU of server and client, ms | goal p50 |\n|---|---|---|---|---|\n")
	s.measure()
	t.Log("\n" + s.text.String())
	if os.Getenv("TENON_WRITE_RESULTS") != "" {
		s.write()
	}
}

// cast tells the whole story of a case and takes a mould before every completion.
func cast(t *testing.T, url, dir string) (moulds []*mould) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	began := time.Now()
	_, err = demo.Run(t.Context(), demo.Options{Seed: 1, Database: url, Keep: dir, Ready: func(stage, root string) {
		if stage >= "S13" {
			return
		}
		moulds = append(moulds, mouldOf(t, db, stage, root))
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("one case through the door in %.0f s", time.Since(began).Seconds())
	return moulds
}

type scale struct {
	*house
	cases  []pressed
	tokens map[string]string
	text   strings.Builder
}

func (s *scale) say(format string, args ...any) { fmt.Fprintf(&s.text, format, args...) }

func (s *scale) token(principal string) string {
	if s.tokens[principal] == "" {
		s.tokens[principal] = s.Token(s.t, principal)
	}
	return s.tokens[principal]
}

// fill enters the cases by two writers.
func (s *scale) fill(moulds []*mould, n int) {
	const writers = 2
	p, parts, errs := newPress(s.t, s.App.Store), make([][]pressed, writers), make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() { parts[w], errs[w] = p.make(s.t.Context(), moulds, w*n/writers, (w+1)*n/writers) })
	}
	all.Wait()
	if err := cmp.Or(errs...); err != nil {
		s.t.Fatal(err)
	}
	s.cases = slices.Concat(parts...)
	rand.New(rand.NewPCG(5, 5)).Shuffle(n, func(i, j int) { s.cases[i], s.cases[j] = s.cases[j], s.cases[i] }) //nolint:gosec // an order
}

func (s *scale) spread() string {
	count := map[string]int{}
	for _, c := range s.cases {
		count[c.stage]++
	}
	var all []string
	for stage, n := range count {
		all = append(all, fmt.Sprintf("%s %d", stage, n))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// at are cases of a stage in a random order.
func (s *scale) at(stage string, unsigned bool) (all []pressed) {
	for _, c := range s.cases {
		if c.stage == stage && c.unsigned == unsigned {
			all = append(all, c)
		}
	}
	return all
}

func (s *scale) stages() (all []string) {
	for _, c := range s.cases {
		if !slices.Contains(all, c.stage) {
			all = append(all, c.stage)
		}
	}
	slices.Sort(all)
	return all
}

func (s *scale) measure() {
	clin := s.token("PractitionerRole/clin-wang")
	s.timed("`$case`, cases of all stages", "20", 120, func(i int) {
		s.Expect(s.t, 200, servertest.Request{Token: clin, Path: "/fhir/" + s.of(i).root + "/$case"})
	})
	for _, w := range []struct{ who, query string }{
		{"clin-wang", ""}, {"clin-wang", "?role=CLIN&stage=S01"}, {"clin-wang", "?stage=S10"}, {"des-zhang", ""}, {"des-zhang", "?stage=S08"}, {"prod-zhou", ""}, {"hosp-chen", ""},
	} {
		token := s.token("PractitionerRole/" + w.who)
		s.timed("`$worklist"+w.query+"` of "+w.who, "20", 60, func(int) {
			s.Expect(s.t, 200, servertest.Request{Token: token, Path: "/fhir/Task/$worklist" + w.query})
		})
	}
	for _, stage := range s.stages() {
		open := s.at(stage, false)
		decide, verdict := s.decisions(open)
		s.timed("decision alone, completion of "+stage+verdict, "5", 40, decide)
	}
	for _, stage := range s.stages() {
		held := s.lacking(s.at(stage, true))
		if len(held) > 0 {
			s.timed("completion of "+stage+" over HTTP, refused", "5", 40, func(i int) { s.complete(held[i%len(held)], false) })
		}
	}
	for _, stage := range s.stages() {
		open := s.at(stage, false)
		if s.tried(open[0]) != 200 {
			continue // told above
		}
		open = open[1:]
		n := min(40, len(open))
		s.timed("completion of "+stage+" over HTTP, carried out", "5", n, func(i int) { s.complete(open[i], true) })
	}
	s.commits()
}

// lacking are up to 40 cases whose completion is refused: the last signature of
// others is of the stage before, so that they lack nothing.
func (s *scale) lacking(held []pressed) (refused []pressed) {
	for _, c := range held[:min(40, len(held))] {
		if s.tried(c) != 200 {
			refused = append(refused, c)
		}
	}
	return refused
}

// of is one of all cases.
func (s *scale) of(i int) pressed { return s.cases[i*7919%len(s.cases)] }

// complete asks for the completion of a stage; refused is 409 or 422, with the
// condition.
func (s *scale) complete(c pressed, wanted bool) {
	if status := s.tried(c); (status == 200) != wanted || !wanted && status != 409 && status != 422 {
		s.t.Fatalf("completion of %s of %s = %d", c.stage, c.root, status)
	}
}

func (s *scale) tried(c pressed) int {
	who := strings.TrimPrefix(c.owner, "PractitionerRole/")
	a := s.Send(s.t, servertest.Request{Token: s.token(c.owner), Method: "PATCH", Path: "/fhir/" + c.task, Header: map[string]string{"Content-Type": "application/json-patch+json"},
		Body: fmt.Appendf(nil, `[{"op":"replace","path":"/status","value":"completed"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"completed"}]}},
		{"op":"add","path":"/owner","value":{"reference":"PractitionerRole/%s"}}]`, who)})
	return a.Status
}

// decisions judges completions of loaded cases with the engine alone: no
// database, no HTTP, no audit. verdict tells where a copy lacks something, such as
// what the server measured of a version that is not copied.
func (s *scale) decisions(open []pressed) (decide func(i int), verdict string) {
	engine, n := casework.NewEngine(), min(12, len(open))
	type question struct {
		before, after *casework.Snapshot
		who           *access.Context
	}
	var all []question
	for _, c := range open[:n] {
		who, err := s.App.OAuth.Principal(s.t.Context(), c.owner)
		if err != nil {
			s.t.Fatal(err)
		}
		before, err := s.App.Recorder.Snapshot(s.t.Context(), who, strings.TrimPrefix(c.root, "Task/"))
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, question{before, completed(s.t, before, c), who})
	}
	if d := engine.Decide(all[0].before, all[0].after, all[0].who); len(d.Refusal) > 0 {
		verdict = ", refused for " + d.Refusal[0].Condition
	}
	return func(i int) {
		q := all[i%n]
		if d := engine.Decide(q.before, q.after, q.who); len(d.Refusal) > 0 && verdict == "" {
			s.t.Fatalf("refused: %+v", d.Refusal)
		}
	}, verdict
}

// completed is the case with the Task of its stage completed.
func completed(t testing.TB, before *casework.Snapshot, c pressed) *casework.Snapshot {
	t.Helper()
	after := *before
	after.Resources = slices.Clone(before.Resources)
	for i, r := range after.Resources {
		if r.Ref() != c.task {
			continue
		}
		body := strings.Replace(string(r.Root.Raw()), `"in-progress"`, `"completed"`, 1)
		body = strings.Replace(body, `"code":"working"`, `"code":"completed"`, 1)
		doc, err := tree.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		after.Resources[i].Root, after.Resources[i].Version = doc.Root(), r.Version+1
	}
	return &after
}

// timed asks n times after a few for warmth and writes a line of the table.
func (s *scale) timed(name, goal string, n int, ask func(i int)) {
	s.t.Helper()
	warm := min(n/10, 10)
	var took []time.Duration
	var cpu time.Duration
	for i := range n {
		if i == warm {
			cpu = spent()
		}
		began := time.Now()
		ask(i)
		if i >= warm {
			took = append(took, time.Since(began))
		}
	}
	cpu = (spent() - cpu) / time.Duration(len(took))
	slices.Sort(took)
	s.say("| %s | %.2f | %.2f | %.2f | %s |\n", name, ms(took[len(took)/2]), ms(took[len(took)*95/100]), ms(cpu), goal)
	s.t.Logf("%s: %.2f ms, 95 %% %.2f ms, CPU %.2f ms", name, ms(took[len(took)/2]), ms(took[len(took)*95/100]), ms(cpu))
}

// spent is the processor time of this process: PostgreSQL is another one.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (s *scale) write() {
	head := fmt.Sprintf("# Casework at scale\n\nRepeat with `TENON_WRITE_RESULTS=1 TENON_CASEWORK_CASES=10000 go test ./test -run TestCaseworkScale -v -timeout 60m`.\n\n"+
		"%s, %s/%s, %s, %d processors%s; client, server and PostgreSQL on the same machine. Validation, audit and ledger on, commits durable. "+
		"One case went through the public door; as it was before each completion it was copied with ids of its own, index rows, leaves, signatures and heads (versions of before are not copied). "+
		"A refused completion lacks one signature; it is loaded, judged and audited. One that is carried out also writes what follows and commits.\n\n",
		time.Now().UTC().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), load())
	name := filepath.Join("..", "conformance", "results", "casework.md")
	if err := os.WriteFile(name, []byte(head+s.text.String()), 0o644); err != nil { //nolint:gosec // a committed report
		s.t.Fatal(err)
	}
}

// load says what else ran on the machine.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return ", load average " + strings.Join(strings.Fields(string(b))[:3], " ")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
