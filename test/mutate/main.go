package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// pack is the package whose tests stand for plans and limits.
const pack = "server/casework"

// quick are those of its tests that take the rules of one kind away, by
// the plan's file; where they do not notice, all others are asked.
var quick = map[string]map[string]string{
	"implant": {
		"condition": "EveryConditionBlocks", "signature": "EverySignatureBlocks", "output": "EveryOutputBlocks", "profile": "EveryProfileBlocks",
		"sealed": "EverySealHolds", "own": "EveryOwnerHolds", "named": "EveryNameIsAskedFor", "after": "EveryOrderHolds", "role": "EveryRoleIsQualified",
	},
	"socket": {
		"condition": "SocketConditionsBlock", "signature": "SocketSignaturesBlock", "output": "SocketOutputsBlock", "profile": "SocketProfilesBlock",
		"sealed": "SocketSealsHold", "own": "SocketOwnersHold", "named": "SocketNamesAreAsked", "after": "SocketOrderHolds", "role": "SocketRolesQualified",
	},
	"case": {"condition": "AgreementBlocks", "signature": "AgreementBlocks", "output": "AgreementBlocks", "profile": "AgreementBlocks"},
}

// quickest is which tests to ask first; "" for no others than all.
func quickest(m mutation) string {
	switch m.kind {
	case "floor":
		return "^TestEveryConditionIsFloor$"
	case "limit":
		return "^(TestLimits|TestWithin|TestSocketLimit)"
	}
	folder, _, _ := strings.Cut(m.file, "/")
	if name := quick[folder][m.kind]; name != "" {
		return "^Test" + name + "$"
	}
	return ""
}

func main() {
	only := flag.String("only", "", "only rules whose file and name hold this")
	write := flag.String("write", "", "file for the verdicts (tab-separated)")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(context.Background(), *root, *only, *write, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, only, write string, out io.Writer) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	all, err := every(filepath.Join(root, "profiles"), only)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // scratch
	verdicts, err := tryAll(ctx, root, scratch, all)
	if err != nil {
		return err
	}
	reasons, err := accepted(filepath.Join(root, "test/mutate/reasons.tsv"))
	if err != nil {
		return err
	}
	kept, err := others(write, only)
	if err != nil {
		return err
	}
	return report(verdicts, reasons, kept, write, out)
}

// every lists the rules of all definitions, in the order of the files.
func every(source, only string) ([]mutation, error) {
	files, err := filepath.Glob(filepath.Join(source, "*/*.json"))
	if err != nil {
		return nil, err
	}
	var all []mutation
	for _, f := range files {
		name, err := filepath.Rel(source, f)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "sample") {
			continue
		}
		body, err := os.ReadFile(f) //nolint:gosec // of the repository
		if err != nil {
			return nil, err
		}
		doc, err := parse(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, mutations(filepath.ToSlash(name), doc)...)
	}
	return slices.DeleteFunc(all, func(m mutation) bool { return !strings.Contains(m.file+"\t"+m.what, only) }), nil
}

// tryAll tries the mutants side by side, and first the whole definitions: tests
// that fail by themselves prove nothing.
func tryAll(ctx context.Context, root, scratch string, all []mutation) ([]verdict, error) {
	source := filepath.Join(root, "profiles")
	tests, err := build(ctx, root, scratch)
	if err != nil {
		return nil, err
	}
	if failed := tests.failures(ctx, source); len(failed) > 0 {
		return nil, fmt.Errorf("%s fails on the whole definitions: %v", pack, failed)
	}
	verdicts, err := several(ctx, source, scratch, tests, all)
	if err != nil {
		return nil, err
	}
	errs := make([]error, runtime.NumCPU())
	next := make(chan int)
	var wg sync.WaitGroup
	for w := range errs {
		b, err := newBench(source, filepath.Join(scratch, fmt.Sprint(w)), tests)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			for i := range next {
				if errs[w] == nil {
					verdicts[i], errs[w] = b.try(ctx, source, all[i])
					verdicts[i].tell(os.Stderr)
				}
			}
		})
	}
	for i := range all {
		if verdicts[i].state == "" {
			next <- i
		}
	}
	close(next)
	wg.Wait()
	return verdicts, cmp.Or(errs...)
}

// several tries the rules of a kind together, where each has a subtest of its own.
// What does not die there is tried alone.
func several(ctx context.Context, source, scratch string, tests suite, all []mutation) ([]verdict, error) {
	verdicts, groups := make([]verdict, len(all)), map[string][]int{}
	for i, m := range all {
		if m.own != "" && len(m.ids) > 0 && quickest(m) != "" {
			groups[m.file+" "+m.kind] = append(groups[m.file+" "+m.kind], i)
		}
	}
	b, err := newBench(source, filepath.Join(scratch, "together"), tests)
	if err != nil {
		return nil, err
	}
	for _, at := range groups {
		var group []mutation
		for _, i := range at {
			group = append(group, all[i])
		}
		dead, err := b.together(ctx, source, group)
		if err != nil {
			return nil, err
		}
		for j, i := range at {
			if dead[j] {
				verdicts[i] = verdict{mutation: all[i], state: "killed", by: quickest(all[i]) + " " + all[i].own}
			}
		}
	}
	return verdicts, nil
}

// tell says at once what was not killed: a run takes long.
func (v verdict) tell(out io.Writer) {
	if v.state != "killed" && v.what != "" {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", v.state, v.file, v.what, strings.Join(v.ids, " "), v.by)
	}
}

// accepted reads why a survivor may live: file, rule and reason, by tab.
func accepted(name string) (map[string]string, error) {
	f, err := os.Open(name) //nolint:gosec // of the repository
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	reasons := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if c := strings.SplitN(lines.Text(), "\t", 3); len(c) == 3 {
			reasons[c[0]+"\t"+c[1]] = c[2]
		}
	}
	return reasons, nil
}

// others are the verdicts of a report on the rules that are not tried this time.
func others(write, only string) (kept []string, err error) {
	if write == "" || only == "" {
		return nil, nil
	}
	before, err := os.ReadFile(write) //nolint:gosec // of the repository
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(before)), "\n")[1:] {
		if c := strings.SplitN(line, "\t", 3); !strings.Contains(c[0]+"\t"+c[1], only) {
			kept = append(kept, line)
		}
	}
	return kept, nil
}

// report writes a line for each mutant and those kept, tells the counts and what survived
// without a reason; the error says that there is such a one.
func report(verdicts []verdict, reasons map[string]string, kept []string, write string, out io.Writer) error {
	lines, counts := append([]string{"file\trule\trequirements\tverdict\tby"}, kept...), map[string]int{}
	for _, v := range verdicts {
		key := v.file + "\t" + v.what
		if reason, ok := reasons[key]; ok && v.state != "killed" {
			v.state, v.by = "accepted", reason
		}
		counts[v.state]++
		lines = append(lines, strings.Join([]string{key, strings.Join(v.ids, " "), v.state, v.by}, "\t"))
		if v.state == "survived" || v.state == "unnamed" {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", v.state, key, strings.Join(v.ids, " "), v.by)
		}
	}
	slices.Sort(lines[1:])
	fmt.Fprintf(out, "%d rules taken away: %d killed, %d noticed by a test without the id, %d accepted with a reason, %d survived\n",
		len(verdicts), counts["killed"], counts["unnamed"], counts["accepted"], counts["survived"])
	if write != "" {
		if err := os.WriteFile(write, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil { //nolint:gosec // a committed report
			return err
		}
	}
	if counts["survived"]+counts["unnamed"] > 0 {
		return fmt.Errorf("%d rules have no test that carries their id", counts["survived"]+counts["unnamed"])
	}
	return nil
}
