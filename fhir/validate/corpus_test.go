package validate_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// exceptions reads which official examples really break which rules, and why.
func exceptions(t *testing.T) map[string]string {
	t.Helper()
	src, err := os.ReadFile("testdata/examples.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]string{}
	for line := range strings.Lines(string(src)) {
		if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 && line[0] != '#' {
			rules[fields[0]] = fields[1]
		}
	}
	return rules
}

// TestExamples judges every resource of the npm package
// hl7.fhir.r4.examples@4.0.1 whose unpacked folder TENON_FHIR_EXAMPLES names by
// all that R4 defines: none has an error but those that are listed.
func TestExamples(t *testing.T) {
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" {
		t.Skip("TENON_FHIR_EXAMPLES does not name an unpacked folder of hl7.fhir.r4.examples@4.0.1")
	}
	plan, err := whole().Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*-*.json"))
	if len(files) < 5000 {
		t.Fatalf("%d files in %s, want the whole package", len(files), dir)
	}
	listed := exceptions(t)
	var d tree.Doc
	valid := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Parse(src, tree.Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if !d.Root().Field("resourceType").Exists() {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		issues := plan.Validate(d.Root(), &validate.Options{Now: now, MaxIssues: 2000})
		if got := brokenRules(issues); got != listed[name] {
			t.Errorf("%s breaks %q, want %q: %v", name, got, listed[name], firstErrors(issues, 3))
		} else if got == "" {
			valid++
		}
	}
	t.Logf("%d resources are valid, %d break a rule as listed", valid, len(listed))
}

// brokenRules lists the rules of the errors, each once, sorted.
func brokenRules(issues []issueOf) string {
	var rules []string
	for _, is := range firstErrors(issues, len(issues)) {
		if !slices.Contains(rules, is.Rule) {
			rules = append(rules, is.Rule)
		}
	}
	slices.Sort(rules)
	return strings.Join(rules, ",")
}

func firstErrors(issues []issueOf, most int) []issueOf {
	var list []issueOf
	for _, is := range issues {
		if len(list) < most && validate.HasErrors([]issueOf{is}) {
			list = append(list, is)
		}
	}
	return list
}
