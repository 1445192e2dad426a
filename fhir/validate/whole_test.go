package validate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

type (
	issueOf      = issue.Issue
	definitionOf = *definition.Resource
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// whole is a set with all that R4 defines.
var whole = sync.OnceValue(func() *validate.Set { return setOf() })

// setOf is a set of R4 and more definitions.
func setOf(more ...*definition.Resource) *validate.Set {
	lib := r4.Library()
	if len(more) > 0 {
		lib = lib.With(more...)
	}
	return validate.New(r4.Model(), validate.WithLibrary(lib), validate.WithTerminology(terminology.New(lib, terminology.Options{})))
}

// TestSurvey prints what the official examples break, grouped by rule: a tool
// for whoever changes a rule.
func TestSurvey(t *testing.T) {
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" || os.Getenv("TENON_SURVEY") == "" {
		t.Skip("TENON_SURVEY is not set")
	}
	plan, err := whole().Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*-*.json"))
	groups, sample := map[string]int{}, map[string]string{}
	var d tree.Doc
	slow := map[string]time.Duration{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil || d.Parse(src, tree.Limits{}) != nil || !d.Root().Field("resourceType").Exists() {
			continue
		}
		start := time.Now()
		issues := plan.Validate(d.Root(), &validate.Options{Now: now, MaxIssues: 1000, ExampleURLs: false})
		if took := time.Since(start); took > 200*time.Millisecond {
			slow[filepath.Base(file)] = took
		}
		for _, is := range issues {
			key := string(is.Severity) + " " + is.Rule
			groups[key]++
			if len(sample[key]) < 1500 && !strings.Contains(sample[key], filepath.Base(file)) {
				sample[key] += fmt.Sprintf("\n      %s: %.300s", filepath.Base(file), is.String())
			}
		}
	}
	var keys []string
	for k := range groups {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if strings.HasPrefix(k, os.Getenv("TENON_SURVEY")) {
			t.Logf("%5d %s%s", groups[k], k, sample[k])
		} else {
			t.Logf("%5d %s", groups[k], k)
		}
	}
	t.Log(slow)
}
