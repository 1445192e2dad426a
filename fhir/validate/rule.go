package validate

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/questionnaire"
	"tenon/fhir/rules"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// rule judges an object by what the specification says of its type in prose.
func (w *walker) rule(n tree.Node, rule rules.Rule) {
	where := ""
	rule(&rules.Context{
		Model: w.set.model, Library: w.set.lib, Terminology: w.set.terms, Compile: w.set.compile, Resolve: w.resolve,
		Conforms: w.conformance, Now: w.o.Now, Root: w.root, Resource: w.resource,
		Report: func(sub string, is issue.Issue) {
			if where == "" {
				where = w.path()
			}
			is.Path = where + sub
			w.take(is)
		},
	}, n)
}

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
	where := w.path()
	questionnaire.Check(&questionnaire.Context{
		Model: w.set.model, Library: w.set.lib, Terminology: w.set.terms, Compile: w.set.compile, Resolve: w.resolve, Now: w.o.Now,
		Report: func(sub string, is issue.Issue) { is.Path = where + sub; w.take(is) },
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
