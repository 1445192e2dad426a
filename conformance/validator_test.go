package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// The goals of the project for the official validator cases, in percent:
// verdicts that equal the reference, and invalid cases in which one of our
// errors stands where one of the reference's does.
const (
	goalVerdicts = 98
	goalPaths    = 90
)

// TestValidator runs the 224 R4 cases of FHIR/fhir-test-cases, each against
// the base definitions and, where the case names one, against a profile. The
// expected outcome is the Java reference validator's. A case whose reference
// errors all come from a terminology server (codes and displays of systems that
// no one may redistribute) is told apart, by the text of those errors.
// results/validator.tsv holds the verdict of every run;
// TENON_WRITE_RESULTS=1 writes it anew.
func TestValidator(t *testing.T) {
	dir := testdata(t, "fhir-test-cases/validator")
	s := &validatorSuite{t: t, dir: dir}
	for _, c := range s.manifest() {
		s.run(c)
	}
	s.judge()
}

// validatorCase is what the manifest says of a case.
type validatorCase struct {
	Name, File, Module string
	Version            string
	Java               json.RawMessage
	Profiles           []string
	Supporting         []string
	Profile            *struct {
		Source                    string
		Java                      json.RawMessage
		Supporting                []string
		AssumeValidRestReferences bool
	}
	Logical          *struct{ Java json.RawMessage }
	Examples         *bool
	SecurityChecks   bool   `json:"security-checks"`
	AllowComments    bool   `json:"allow-comments"`
	NoHTMLInMarkdown bool   `json:"noHtmlInMarkdown"`
	NoExperimental   bool   `json:"no-experimental-content"`
	ExtensionDomain  string `json:"allowed-extension-domain"`
	ValidateContains string
	Packages         []string
}

// validatorRun is the verdict of one run of a case.
type validatorRun struct {
	name, module, kind string
	expected, found    []issue.Issue // errors only
	external           bool          // all expected errors need a terminology server
	placed, onPath     bool          // the reference names a place; one of our errors stands there
}

func (r *validatorRun) agrees() bool { return (len(r.expected) > 0) == (len(r.found) > 0) }

type validatorSuite struct {
	t    *testing.T
	dir  string
	runs []validatorRun
}

func (s *validatorSuite) manifest() []validatorCase {
	var m struct {
		Cases []validatorCase `json:"test-cases"`
	}
	body, err := os.ReadFile(filepath.Join(s.dir, "manifest.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		s.t.Fatal(err)
	}
	return m.Cases
}

// run judges a case against the base and against its profile.
func (s *validatorSuite) run(c validatorCase) {
	lib := s.library(append(slices.Clone(c.Profiles), c.Supporting...))
	s.record(c, "base", c.Java, s.validate(c, lib))
	if c.Profile == nil {
		return
	}
	lib = s.library(append(append(slices.Clone(c.Profiles), c.Supporting...), append(c.Profile.Supporting, c.Profile.Source)...))
	source, err := definition.Read(s.read(c.Profile.Source), "")
	if err != nil {
		s.t.Fatalf("%s: %v", c.Profile.Source, err)
	}
	s.record(c, "profile", c.Profile.Java, s.validate(c, lib, source.Canonical()))
}

func (s *validatorSuite) library(files []string) *definition.Library {
	var list []*definition.Resource
	for _, file := range files {
		body := s.read(file)
		for _, one := range unbundle(body) {
			if r, err := definition.Read(one, ""); err == nil {
				list = append(list, r)
			}
		}
	}
	return r4.Library().With(list...)
}

// unbundle gives the resources of a Bundle, or the resource itself.
func unbundle(body []byte) [][]byte {
	var b struct {
		ResourceType string
		Entry        []struct{ Resource json.RawMessage }
	}
	if json.Unmarshal(body, &b) != nil || b.ResourceType != "Bundle" {
		return [][]byte{body}
	}
	var list [][]byte
	for _, e := range b.Entry {
		list = append(list, e.Resource)
	}
	return list
}

// read gives a file of the suite as JSON.
func (s *validatorSuite) read(name string) []byte {
	body, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.HasSuffix(name, ".xml") {
		if body, err = xml.ToJSON(body, r4.Model(), xml.Limits{}); err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
	}
	return body
}

// validate gives the errors that we find.
func (s *validatorSuite) validate(c validatorCase, lib *definition.Library, profiles ...string) (found []issue.Issue) {
	body, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(c.File)))
	if err != nil {
		s.t.Fatal(err)
	}
	var d tree.Doc
	if err := d.Parse(body, tree.Limits{}); err != nil {
		return issue.As(err).Issues
	}
	set := validate.New(r4.Model(), validate.WithLibrary(lib), validate.WithTerminology(terminology.New(lib, terminology.Options{})))
	plan, err := set.Plan("Resource")
	if err != nil {
		s.t.Fatal(err)
	}
	o := &validate.Options{
		MaxIssues: 1000, Profiles: profiles, Now: time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC),
		// The reference is run with unknown extensions refused.
		UnknownExtension: issue.Error, ExampleURLs: c.Examples == nil || *c.Examples,
		Markup: c.SecurityChecks, PlainMarkdown: c.NoHTMLInMarkdown, NoExperimental: c.NoExperimental,
	}
	if c.ExtensionDomain != "" {
		o.ExtensionDomains = []string{c.ExtensionDomain}
	}
	if o.ExampleURLs {
		o.ExtensionDomains = append(o.ExtensionDomains, "http://example.org/", "https://example.org/", "http://acme.", "http://hl7.org/fhir/StructureDefinition/example")
	}
	if c.ValidateContains == "IGNORE" {
		o.Contained = validate.IgnoreContained
	}
	for _, is := range plan.Validate(d.Root(), o) {
		if !validate.HasErrors([]issue.Issue{is}) {
			continue
		}
		found = append(found, is)
	}
	return found
}

// record keeps a verdict beside the reference's.
func (s *validatorSuite) record(c validatorCase, kind string, java json.RawMessage, found []issue.Issue) {
	r := validatorRun{name: c.Name, module: c.Module, kind: kind, found: found}
	for i := 2; slices.ContainsFunc(s.runs, func(o validatorRun) bool { return o.key() == r.key() }); i++ {
		r.name = fmt.Sprintf("%s#%d", c.Name, i) // the manifest gives some names to several cases
	}
	for _, is := range s.outcome(java) {
		if is.external() {
			r.external = true
			continue
		}
		r.expected = append(r.expected, is.Issue)
	}
	r.external = r.external && len(r.expected) == 0
	r.placed = slices.ContainsFunc(r.expected, func(e issue.Issue) bool { return plainPath(e.Path) != "" })
	r.onPath = slices.ContainsFunc(r.found, func(f issue.Issue) bool {
		return slices.ContainsFunc(r.expected, func(e issue.Issue) bool { return plainPath(e.Path) == plainPath(f.Path) })
	})
	s.runs = append(s.runs, r)
}

// referenceIssue is an error of the reference validator.
type referenceIssue struct {
	issue.Issue
	message string
}

var (
	// These systems are not in any package that may be passed on; the reference
	// asked a server for them.
	externalSystem = regexp.MustCompile(`http://snomed\.info/sct|http://loinc\.org|http://hl7\.org/fhir/sid/(cvx|icd-10|ndc)|http://www\.nlm\.nih\.gov/research/umls/rxnorm|urn:oid:2\.16\.840\.1\.113883\.6\.\d+|urn:iso:std:iso:3166|http://www\.ama-assn\.org`)
	aside          = regexp.MustCompile(`/\*.*?\*/|\.ofType\([A-Za-z]+\)`)
	filtered       = regexp.MustCompile(`\[url='[^']*'\]`)
)

func (r referenceIssue) external() bool {
	return externalSystem.MatchString(r.message) && (strings.Contains(r.message, "Display Name") ||
		strings.Contains(r.message, "Unknown code") || strings.Contains(r.message, "was not found in the value set") ||
		strings.Contains(r.message, "terminology server"))
}

// plainPath is a location without what the reference adds for people.
func plainPath(path string) string {
	return filtered.ReplaceAllString(aside.ReplaceAllString(path, ""), "")
}

// outcome reads a reference outcome: in place, or the file that it names.
func (s *validatorSuite) outcome(raw json.RawMessage) (errors []referenceIssue) {
	var name string
	body := []byte(raw)
	if json.Unmarshal(raw, &name) == nil {
		var err error
		if body, err = os.ReadFile(filepath.Join(s.dir, "outcomes", filepath.FromSlash(name))); err != nil {
			s.t.Fatal(err)
		}
	}
	type outcome struct {
		Issue []struct {
			Severity             issue.Severity
			Code                 issue.Type
			Details              struct{ Text string }
			Diagnostics          string
			Expression, Location []string
		}
	}
	var o struct {
		outcome
		Outcome    outcome
		ErrorCount int // of the older form, which tells no more
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &o); err != nil {
			s.t.Fatal(err)
		}
	}
	for range o.ErrorCount {
		errors = append(errors, referenceIssue{Issue: issue.Issue{Text: "an error that the reference does not tell"}})
	}
	for _, is := range append(o.Issue, o.Outcome.Issue...) {
		if is.Severity != issue.Error && is.Severity != issue.Fatal {
			continue
		}
		path := strings.Join(append(is.Expression, is.Location...), "")
		if len(is.Expression) > 0 {
			path = is.Expression[0]
		}
		text := is.Details.Text + is.Diagnostics
		errors = append(errors, referenceIssue{issue.Issue{Severity: is.Severity, Type: is.Code, Path: path, Text: text}, text})
	}
	return errors
}

// judge prints what differs, refuses what got worse, and holds the whole to the
// goals.
func (s *validatorSuite) judge() {
	var same, counted, placed, onPath int
	listed := s.listed()
	var rows strings.Builder
	for _, r := range s.runs {
		if before, ok := listed[r.key()+" "+r.module]; ok && before.good && !r.good() {
			s.t.Errorf("%s got worse: it was %q", r.key(), before.verdict)
		}
		fmt.Fprintf(&rows, "%s\t%s\t%s\n", r.key(), r.module, r.verdict())
		if r.external {
			continue
		}
		counted++
		if r.agrees() {
			same++
		}
		if r.placed {
			placed++
			if r.onPath {
				onPath++
			}
		}
		if !r.good() && !explained(r.key()) {
			s.t.Errorf("%s differs, and reasons does not say why", r.key())
		}
		if !r.good() {
			s.t.Logf("%s (%s): %s: expected %s, found %s", r.key(), r.module, r.verdict(), brief(r.expected), brief(r.found))
		}
	}
	total := fmt.Sprintf("%d of %d runs need no terminology server: %d verdicts equal the reference's (%.1f %%); of the %d refused for which it names a place, %d are refused there (%.1f %%)",
		counted, len(s.runs), same, percent(same, counted), placed, onPath, percent(onPath, placed))
	s.t.Log(total)
	if percent(same, counted) < goalVerdicts || percent(onPath, placed) < goalPaths {
		s.t.Errorf("want %d %% of the verdicts and %d %% of the places", goalVerdicts, goalPaths)
	}
	if os.Getenv("TENON_WRITE_RESULTS") != "" {
		write(s.t, validatorResults, validatorHead+rows.String())
		write(s.t, "results/validator.md", s.report(total))
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reason tells why some runs differ.
type reason struct {
	group, text string
	runs        []string
}

// reasons holds every run that differs; one that is not here fails the test.
var reasons = []reason{
	{"JSON that is no JSON", "RFC 8259 and https://hl7.org/fhir/R4/json.html know no comments, trailing commas or bare names. The reference reads on behind them, and takes comments where an option allows it; here the parser stops at the first fault, with line, column and the path as far as it was read.",
		[]string{"json-comments-1-no/base", "json-comments-1-yes/base", "json-comments-2-no/base", "json-comma-bad-2/base", "json-no-quotes-1/base"}},
	{"The outcome is of another resource", "The manifest gives this StructureDefinition the outcome of a ValueSet.",
		[]string{"ext-derived-circle/base"}},
	{"A definition of another FHIR version", "The case brings its extension as an R5 definition in a file of its own (supporting5), which is not part of the data; without it the extension is unknown.",
		[]string{"extension-version-restriction-range-r4/base"}},
	{"The path is more exact", "The extension stands on the primitive (_value), so its path goes through value; the reference leaves that step out.",
		[]string{"vs-params-3/base"}},
}

func (s *validatorSuite) report(total string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The official validator cases\n\n%s, 224 R4 cases of FHIR/fhir-test-cases, each against the base definitions and, where it names one, a profile; repeat with `go test ./conformance -run Validator -v`. One line a run: [validator.tsv](validator.tsv).\n\n**%s**\n\n"+
		"Not counted is a run whose only reference errors are about codes or displays of SNOMED CT, LOINC, CVX and the like, which the reference asked a terminology server for. Of the logical models (module cdshooks) and match patterns (module matchetype) the base verdict counts: their own definitions (hl7.fhir.uv.tools, patterns) do not come with the cases.\n", time.Now().UTC().Format(time.DateOnly), total)
	for _, r := range reasons {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", r.group, r.text)
		for _, name := range r.runs {
			fmt.Fprintf(&b, "- %s\n", name)
		}
	}
	return b.String()
}

func explained(run string) bool {
	return slices.ContainsFunc(reasons, func(r reason) bool { return slices.Contains(r.runs, run) })
}

const (
	validatorResults = "results/validator.tsv"
	validatorHead    = "case\tmodule\tverdict\n"
)

func (r *validatorRun) key() string { return r.name + "/" + r.kind }

// good tells whether the run is all that the project wants.
func (r *validatorRun) good() bool { return r.external || r.agrees() && (!r.placed || r.onPath) }

func (r *validatorRun) verdict() string {
	switch {
	case r.external:
		return "needs a terminology server"
	case !r.agrees() && len(r.expected) > 0:
		return "differs: the reference has an error"
	case !r.agrees():
		return "differs: we have an error"
	case r.placed && !r.onPath:
		return "equal, at another place"
	}
	return "equal"
}

type listedRun struct {
	verdict string
	good    bool
}

// listed reads the committed verdicts.
func (s *validatorSuite) listed() map[string]listedRun {
	all := map[string]listedRun{}
	body, err := os.ReadFile(validatorResults)
	if err != nil {
		return all // the first run
	}
	for line := range strings.Lines(strings.TrimPrefix(string(body), validatorHead)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			s.t.Fatalf("%s: %q has not three columns", validatorResults, line)
		}
		all[f[0]+" "+f[1]] = listedRun{f[2], f[2] == "equal" || strings.HasPrefix(f[2], "needs")}
	}
	return all
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// brief shows the first issues of a list.
func brief(list []issue.Issue) string {
	if len(list) == 0 {
		return "no error"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d errors:", len(list))
	for _, is := range list[:min(3, len(list))] {
		text := is.Text
		if len(text) > 160 {
			text = text[:160] + "…"
		}
		fmt.Fprintf(&b, "\n\t\t%s: %s (%s)", is.Path, text, is.Rule)
	}
	return b.String()
}

// testdata finds a folder of the shared test data, or skips.
func testdata(t *testing.T, folder string) string {
	t.Helper()
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "testdata")
	}
	dir := filepath.Join(root, filepath.FromSlash(folder))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no test data: %s is not there (TENON_TESTDATA names its folder)", folder)
	}
	return dir
}
