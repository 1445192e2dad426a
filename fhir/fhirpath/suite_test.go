package fhirpath_test

import (
	"encoding/xml"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// suiteFloor is how many cases of the official suite pass; fewer is a failure,
// more asks for this number to be raised.
const suiteFloor = 932

// suiteCase is a test of the official R4 suite.
// https://github.com/FHIR/fhir-test-cases/blob/master/r4/fhirpath/tests-fhir-r4.xml
type suiteCase struct {
	Name       string `xml:"name,attr"`
	Input      string `xml:"inputfile,attr"`
	Predicate  bool   `xml:"predicate,attr"`
	Mode       string `xml:"mode,attr"`
	Ordered    bool   `xml:"checkOrderedFunctions,attr"`
	Unordered  string `xml:"ordered,attr"`
	Expression struct {
		Text    string `xml:",chardata"`
		Invalid string `xml:"invalid,attr"`
	} `xml:"expression"`
	Outputs []struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"output"`
}

// testData is the folder of data that is not part of the repository.
func testData(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("TENON_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	if _, err := os.Stat(filepath.Join(dir, "fhir-test-cases")); err != nil {
		tb.Skipf("no test data at %s; set TENON_TESTDATA", dir)
	}
	return dir
}

func loadSuite(tb testing.TB, dir string) (groups []string, cases map[string][]suiteCase) {
	tb.Helper()
	var suite struct {
		Groups []struct {
			Name  string      `xml:"name,attr"`
			Tests []suiteCase `xml:"test"`
		} `xml:"group"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "fhir-test-cases/r4/fhirpath/tests-fhir-r4.xml"))
	if err == nil {
		err = xml.Unmarshal(data, &suite)
	}
	if err != nil {
		tb.Fatal(err)
	}
	cases = map[string][]suiteCase{}
	for _, g := range suite.Groups {
		groups = append(groups, g.Name)
		cases[g.Name] = append(cases[g.Name], g.Tests...)
	}
	return slices.Compact(groups), cases
}

// inputs reads resources once, as JSON.
type inputs struct {
	dir  string
	docs map[string]*tree.Doc
}

func (in *inputs) root(tb testing.TB, name string) tree.Node {
	tb.Helper()
	if name == "" {
		return tree.Node{}
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".xml"), ".json") + ".json"
	if in.docs[name] == nil {
		data, err := os.ReadFile(filepath.Join(in.dir, "fhirpath.js/test/resources/r4", name))
		if err != nil {
			tb.Fatal(err)
		}
		doc, err := tree.Parse(data)
		if err != nil {
			tb.Fatal(err)
		}
		in.docs[name] = doc
	}
	return in.docs[name].Root()
}

func TestOfficialSuite(t *testing.T) {
	dir := testData(t)
	in := &inputs{dir, map[string]*tree.Doc{}}
	differing := readDifferences(t)
	groups, cases := loadSuite(t, dir)
	passed, total, seen := 0, 0, map[string]int{}
	for _, group := range groups {
		for _, c := range cases[group] {
			total++
			key := group + "/" + c.Name
			if seen[key]++; seen[key] > 1 {
				key += fmt.Sprintf("#%d", seen[key])
			}
			err := runCase(t, in, &c)
			reason, known := differing[key]
			delete(differing, key)
			switch {
			case err == nil && known:
				t.Errorf("%s passes now: take it out of testdata/suite.tsv", key)
			case err != nil && !known:
				t.Errorf("%s: %s: %v", key, strings.Join(strings.Fields(c.Expression.Text), " "), err)
			case err != nil:
				t.Logf("%s differs: %s", key, reason)
			}
			if err == nil {
				passed++
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(differing)) {
		t.Errorf("testdata/suite.tsv names %s, which the suite does not have", key)
	}
	t.Logf("%d of %d cases of the official R4 suite pass", passed, total)
	if passed < suiteFloor {
		t.Errorf("%d cases pass, fewer than the %d of before", passed, suiteFloor)
	}
	if passed > suiteFloor {
		t.Errorf("%d cases pass: raise suiteFloor from %d", passed, suiteFloor)
	}
}

// readDifferences reads the cases whose expectation we do not share: key, tab,
// reason.
func readDifferences(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/suite.tsv")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if key, reason, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			reasons[key] = reason
		}
	}
	delete(reasons, "case")
	return reasons
}

var suiteNow = time.Date(2026, 3, 1, 10, 30, 0, 0, time.FixedZone("", 8*3600))

func runCase(t *testing.T, in *inputs, c *suiteCase) error {
	root := in.root(t, c.Input)
	env := &fhirpath.Env{Model: r4.Model()}
	if c.Mode == "strict" {
		env.Strict, env.Root = true, root.Field("resourceType").Str()
	}
	result, err := evaluate(env, c.Expression.Text, root)
	if c.Expression.Invalid != "" {
		if err == nil {
			return fmt.Errorf("must be an error (%s), is %s", c.Expression.Invalid, show(result))
		}
		return nil
	}
	if err != nil {
		return err
	}
	if c.Predicate {
		b, ok := result.Bool()
		result = fhirpath.Collection{fhirpath.Boolean(ok && b || !ok && len(result) > 0)}
	}
	if len(result) != len(c.Outputs) {
		return fmt.Errorf("%d items, want %d: %s", len(result), len(c.Outputs), show(result))
	}
	if c.Unordered == "false" {
		slices.SortFunc(result, func(a, b fhirpath.Value) int { return strings.Compare(a.Str(), b.Str()) })
		slices.SortFunc(c.Outputs, func(a, b struct {
			Type string `xml:"type,attr"`
			Text string `xml:",chardata"`
		}) int {
			return strings.Compare(a.Text, b.Text)
		})
	}
	for i, want := range c.Outputs {
		if err := sameOutput(result[i], want.Type, want.Text); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func evaluate(env *fhirpath.Env, expr string, root tree.Node) (fhirpath.Collection, error) {
	e, err := fhirpath.Compile(expr, env)
	if err != nil {
		return nil, err
	}
	return e.Eval(&fhirpath.Context{Now: suiteNow}, root)
}

// sameOutput compares a value with what the suite writes: numbers by value,
// all else by text, and the type where one is given.
func sameOutput(v fhirpath.Value, typ, text string) error {
	got, want := v.Str(), strings.TrimPrefix(text, "@")
	x, xok := new(big.Rat).SetString(got)
	y, yok := new(big.Rat).SetString(want)
	numbers := xok && yok && (typ == "decimal" || typ == "")
	if numbers && x.Cmp(y) != 0 || !numbers && got != want && !(typ == "" && "T"+got == want) {
		return fmt.Errorf("%s %q, want %q", v.Type(), got, want)
	}
	namespace, name, _ := strings.Cut(v.Type(), ".")
	if namespace == "System" {
		name = strings.ToLower(name[:1]) + name[1:]
		if name == "string" && (typ == "code" || typ == "id") || name == "quantity" && typ == "Quantity" || name == "integer" && typ == "decimal" {
			return nil
		}
	}
	if typ != "" && typ != name {
		return fmt.Errorf("type %s, want %s", v.Type(), typ)
	}
	return nil
}

func show(c fhirpath.Collection) string {
	var b strings.Builder
	for _, v := range c {
		fmt.Fprintf(&b, "%s %q; ", v.Type(), v.Str())
	}
	return b.String()
}
