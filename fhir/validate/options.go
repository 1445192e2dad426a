package validate

import (
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// DefaultMaxIssues is how many errors a walk reports before it stops; of
// warnings and notes it reports as many more.
const DefaultMaxIssues = 100

// Options of a walk; nil and the zero value mean the defaults. All but
// MaxIssues need a Set with a library.
type Options struct {
	MaxIssues int // stop after so many errors; 0 means DefaultMaxIssues

	// Profiles are canonical URLs that the root must follow, besides those of
	// its meta.profile. One that is not known is an error.
	Profiles []string
	// Now is the time of the request, for invariants that ask for it.
	Now time.Time
	// Resolve gives the target of a reference that is neither contained nor in
	// the same Bundle: a resource, or a Questionnaire by its canonical URL.
	Resolve func(reference string) (tree.Node, bool)
	// UnknownExtension is what an extension weighs whose definition is not in
	// the library: "" means Warning. An unknown modifier is always an error.
	UnknownExtension issue.Severity
	// ExtensionDomains are beginnings of URLs under which extensions need no
	// definition.
	ExtensionDomains []string
	// ExampleURLs lets URLs of example.org stand without a word.
	ExampleURLs bool
	// Markup makes text that looks like embedded HTML an error; without it, it
	// is a warning.
	Markup bool
	// PlainMarkdown makes HTML tags in markdown an error.
	PlainMarkdown bool
	// Contained tells what contained resources are judged for.
	Contained ContainedPolicy
	// NoExperimental makes experimental conformance resources an error.
	NoExperimental bool
	// BestPractice is what a broken best-practice rule weighs (dom-6: a
	// narrative); "" leaves it unsaid.
	BestPractice issue.Severity
	// WrongDisplay is what a display weighs that is none of its code's: ""
	// means Error.
	WrongDisplay issue.Severity
}

// ContainedPolicy tells what contained resources are judged for.
type ContainedPolicy uint8

// The policies. A contained resource to which nothing points is an error by
// invariant dom-3.
const (
	JudgeContained  ContainedPolicy = iota // like any resource, and dom-3
	IgnoreContained                        // not at all
)

// Option configures a Set.
type Option func(*Set)

// WithLibrary makes a Set judge invariants, profiles, extensions, bindings and
// the rules of prose, all with the definitions of a library. The base types
// come from the model, whatever the library holds.
func WithLibrary(lib *definition.Library) Option { return func(s *Set) { s.lib = lib } }

// WithTerminology lets a Set ask about codes beyond the required value sets of
// the model.
func WithTerminology(t *terminology.Server) Option { return func(s *Set) { s.terms = t } }

// HasErrors tells whether one of the issues is an error: whether the resource
// is refused.
func HasErrors(issues []issue.Issue) bool {
	for i := range issues {
		if isError(issues[i].Severity) {
			return true
		}
	}
	return false
}

func isError(s issue.Severity) bool { return s == "" || s == issue.Error || s == issue.Fatal }
