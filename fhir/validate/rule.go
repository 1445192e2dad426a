package validate

import (
	"fmt"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/questionnaire"
	"tenon/fhir/rules"
	"tenon/fhir/schema"
	"tenon/fhir/snapshot"
	"tenon/fhir/tree"
)

// rule judges an object by what the specification says of its type in prose.
func (w *walker) rule(n tree.Node, rule rules.Rule) {
	if w.rules == nil { // once for a walker, which is used again
		w.rules = &rules.Context{
			Compile: w.compile, Resolve: w.resolve, Conforms: w.conformance, Report: w.below,
			Differential: func(sd tree.Node) ([]byte, []issue.Issue) { return snapshot.Check(sd, w.set.lib) },
		}
	}
	c := w.rules
	c.Model, c.Library, c.Terminology, c.Now = w.set.model, w.set.lib, w.set.terms, w.o.Now
	if c.Shared == nil || c.Root != w.root {
		c.Shared = new(rules.Shared)
	}
	c.Root, c.Resource = w.root, w.resource
	rule(c, n)
}

// below takes an issue of a rule about something below the value in hand.
func (w *walker) below(sub string, is issue.Issue) {
	is.Path = w.path() + sub
	w.take(is)
}

func (w *walker) compile(expr, root string) (*fhirpath.Expr, error) { return w.set.compile(expr, root) }

// conformance judges a resource by a profile for a rule.
func (w *walker) conformance(n tree.Node, url string) (found []issue.Issue) {
	typ := w.set.typeIn(n)
	w.elsewhere(n, func() {
		found = w.try(func() { w.follow(value{node: n, typ: typ}, []string{url}) })
	})
	return found
}

// answered judges a QuestionnaireResponse by its Questionnaire.
func (w *walker) answered(n tree.Node, t *schema.Type) {
	if t.Name != "QuestionnaireResponse" {
		return
	}
	url := n.Field("questionnaire").Str()
	if url == "" {
		return
	}
	q, ok := w.questionnaire(url)
	if !ok {
		w.warn(issue.NotFound, "questionnaire-unknown", fmt.Sprintf("the questionnaire %s could not be found, so the answers were not judged by it", quote(url)),
			fmt.Sprintf("找不到问卷 %s，未按其校验答案", quote(url)))
		return
	}
	questionnaire.Check(&questionnaire.Context{
		Model: w.set.model, Library: w.set.lib, Terminology: w.set.terms, Compile: w.compile, Resolve: w.resolve, Now: w.o.Now, Report: w.below,
	}, n, q)
}

// questionnaire finds a Questionnaire: contained, in the library, or by the
// caller.
func (w *walker) questionnaire(url string) (tree.Node, bool) {
	if !strings.HasPrefix(url, "#") {
		if def := w.set.lib.Find("Questionnaire", url); def != nil {
			n, err := def.Node()
			return n, err == nil
		}
	}
	n, ok := w.resolve(url)
	return n, ok && n.Field("resourceType").Str() == "Questionnaire"
}
