package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// bench is a place where one mutant at a time is tried: its own copy of the
// definitions, and the tests, built once for all.
type bench struct {
	folder string
	tests  suite
}

// suite is the built tests.
type suite struct {
	folder, binary string
	run            string // only these tests
}

// verdict is what became of a mutant.
type verdict struct {
	mutation
	state string // killed, unnamed (by a test without the id) or survived
	by    string // the subtest that noticed
}

// try runs the tests on a mutant, until one notices that carries an id of its
// requirement.
func (b *bench) try(ctx context.Context, source string, m mutation) (verdict, error) {
	restore, err := b.apply(source, m.file, m.change)
	if err != nil {
		return verdict{}, err
	}
	defer restore()
	v := verdict{mutation: m, state: "survived"}
	for _, s := range b.order(m) {
		if v.judge(s.failures(ctx, b.folder)) {
			break
		}
	}
	return v, nil
}

// apply changes a definition of the bench; restore makes it whole again.
func (b *bench) apply(source, file string, change func(object)) (restore func(), err error) {
	name := filepath.Join(b.folder, file)
	whole, err := os.ReadFile(filepath.Join(source, file)) //nolint:gosec // of the repository
	if err != nil {
		return nil, err
	}
	doc, err := parse(whole)
	if err != nil {
		return nil, err
	}
	change(doc)
	mutant, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return func() { _ = os.WriteFile(name, whole, 0o600) }, os.WriteFile(name, mutant, 0o600)
}

// together takes away all rules of one kind of a plan at once. Only the rule
// itself names itself in a refusal, so its own subtest fails for its lack alone,
// as long as the walk through the case goes on as before. It tells for each
// whether that subtest failed.
func (b *bench) together(ctx context.Context, source string, all []mutation) ([]bool, error) {
	restore, err := b.apply(source, all[0].file, func(doc object) {
		for _, m := range slices.Backward(all) { // the last first: lists shrink
			m.change(doc)
		}
	})
	if err != nil {
		return nil, err
	}
	defer restore()
	dead := make([]bool, len(all))
	walk := b.tests
	walk.run = walks
	if len(walk.failures(ctx, b.folder)) > 0 {
		return dead, nil // one by one, then
	}
	tests := b.tests
	tests.run = quickest(all[0])
	failed := tests.failures(ctx, b.folder)
	for i, m := range all {
		dead[i] = slices.ContainsFunc(failed, func(name string) bool {
			return (strings.HasSuffix(name, "/"+m.own) || strings.HasSuffix(name, "_"+m.own)) &&
				slices.ContainsFunc(m.ids, func(id string) bool { return strings.Contains(name, id) })
		})
	}
	return dead, nil
}

// order is what to run, until somebody notices: the tests of just this kind of
// rule, then all subtests that carry an id, or everything where there is no id.
func (b *bench) order(m mutation) (list []suite) {
	if quick := b.tests; len(m.ids) > 0 {
		if quick.run = quickest(m); quick.run != "" {
			list = append(list, quick.named(m.ids))
		}
		return append(list, b.tests.named(m.ids))
	}
	return []suite{b.tests}
}

// judge takes up which tests failed; it tells whether one carries an id.
func (v *verdict) judge(failed []string) bool {
	for _, name := range failed {
		if slices.ContainsFunc(v.ids, func(id string) bool { return strings.Contains(name, id) }) {
			v.state, v.by = "killed", name
			return true
		}
		if v.state == "survived" {
			v.state, v.by = "unnamed", name
		}
	}
	return false
}

// walks are the tests that go through a whole case.
const walks = "^(TestWholeCase|TestSocketCase|TestAgreementCase|TestGatesOpen|TestSocketGatesOpen)$"

// copies are tests that hold a plan against a copy of its rows: they would notice
// everything and prove nothing of what it does.
const copies = "^TestRulesOfPlans$"

// named is the suite without the subtests that carry none of the ids.
func (s suite) named(ids []string) suite {
	s.run += "/" + strings.Join(ids, "|")
	return s
}

var failure = regexp.MustCompile(`^\s*--- FAIL: (\S+)`)

// failures are the names of the subtests that fail, the innermost too.
func (s suite) failures(ctx context.Context, definitions string) []string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, "-test.run="+s.run, "-test.skip="+copies) //nolint:gosec // built by ourselves
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "TENON_PROFILES="+definitions, "GOMAXPROCS=1", "GOGC=400")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var names []string
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m := failure.FindStringSubmatch(lines.Text()); m != nil {
			names = append(names, m[1])
		}
	}
	if len(names) == 0 { // a panic before any test: noticed, by nobody in particular
		names = []string{filepath.Base(s.folder)}
	}
	return names
}

// build compiles the tests so that they read the definitions from a folder.
func build(ctx context.Context, root, into string) (suite, error) {
	binary := filepath.Join(into, filepath.Base(pack)+".test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-tags", "mutate", "-o", binary, "./"+pack) //nolint:gosec // packages of our own list
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return suite{}, fmt.Errorf("%s: %w\n%s", pack, err, out)
	}
	return suite{folder: filepath.Join(root, pack), binary: binary}, nil
}

// newBench copies the definitions.
func newBench(source, folder string, tests suite) (*bench, error) {
	if err := os.CopyFS(folder, os.DirFS(source)); err != nil {
		return nil, err
	}
	return &bench{folder: folder, tests: tests}, nil
}
