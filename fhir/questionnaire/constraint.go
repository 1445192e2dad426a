package questionnaire

// https://hl7.org/fhir/R4/extension-questionnaire-constraint.html
// https://hl7.org/fhir/uv/sdc/STU3/expressions.html#expression-extensions

import (
	"fmt"
	"maps"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// One evaluation may spend a fiftieth of the work that is left, and a
// five-hundredth is taken off for it: some 2,300 evaluations, and ten times
// maxWork in all for a form that is made to be slow.
const (
	maxWork   = 5_000_000
	leastWork = 1000
)

// constraints evaluates the constraints that the questionnaire (q nil) or a
// question puts on the response's element n.
func (k *checker) constraints(n tree.Node, at *place, q *question) {
	rules, name, root := k.form.rules, "", "QuestionnaireResponse"
	if q != nil {
		rules, name, root = q.limits, q.linkID+": ", "QuestionnaireResponse.item"
	}
	if len(rules.constraints) == 0 {
		return
	}
	vars := k.variables(n, q)
	for _, e := range rules.constraints {
		k.constraint(e, n, at, root, name, vars)
	}
}

func (k *checker) constraint(e, n tree.Node, at *place, root, name string, vars map[string]fhirpath.Collection) {
	var key, expr, human, severity string
	for part := range e.Field("extension").Items() {
		_, v := choice(part, "value")
		switch part.Field("url").Str() {
		case "key":
			key = v.Str()
		case "expression":
			if expr = v.Str(); v.Kind() == tree.Object {
				expr = v.Field("expression").Str()
			}
		case "human":
			human = v.Str()
		case "severity":
			severity = v.Str()
		}
	}
	if expr == "" {
		return
	}
	holds, err := k.holds(expr, root, n, vars)
	switch {
	case err != nil:
		k.warn(at, issue.Invariant, "questionnaire-constraint",
			fmt.Sprintf("%sthe constraint %s (%s) could not be evaluated: %s", name, issue.Quote(key), issue.Quote(human), reason(err)),
			fmt.Sprintf("%s约束 %s（%s）无法计算：%s", name, issue.Quote(key), issue.Quote(human), reason(err)))
	case !holds && severity == "warning":
		k.warn(at, issue.Invariant, "questionnaire-constraint", name+orNot(human, expr)+" ("+key+")", name+orNot(human, expr)+"（"+key+"）")
	case !holds:
		k.lack(at, issue.Invariant, "questionnaire-constraint", name+orNot(human, expr)+" ("+key+")", name+orNot(human, expr)+"（"+key+"）")
	}
}

// reason is the text of a failure without its path.
func reason(err error) string {
	if f := issue.As(err); f != nil && len(f.Issues) > 0 {
		return f.Issues[0].Text
	}
	return "it fails"
}

func (k *checker) compile(expr, root string) (*fhirpath.Expr, error) {
	if k.c.Compile != nil {
		return k.c.Compile(expr, root)
	}
	return fhirpath.Compile(expr, &fhirpath.Env{Model: k.c.Model, Root: root})
}

func (k *checker) holds(expr, root string, n tree.Node, vars map[string]fhirpath.Collection) (bool, error) {
	e, err := k.compile(expr, root)
	if err != nil {
		return false, err
	}
	ctx := k.context(vars)
	if ctx.Work < leastWork {
		return false, issue.Errorf(issue.TooCostly, "the constraints of this response take too long")
	}
	focus := fhirpath.Element(n, k.c.Model.Type(root))
	return e.Holds(ctx, focus)
}

func (k *checker) context(vars map[string]fhirpath.Collection) *fhirpath.Context {
	work := k.work / 50
	k.work -= work / 10
	response := fhirpath.Element(k.response, k.c.Model.Type("QuestionnaireResponse"))
	return &fhirpath.Context{
		Now: k.c.Now, Resolve: k.c.Resolve, Resource: response, RootResource: response, Vars: vars,
		Work: work,
	}
}

// variables are %questionnaire and %qitem, and what the variable extensions of
// the questionnaire and of the items around define, outer ones first. One that
// fails is left out, so that an expression that needs it says so.
func (k *checker) variables(n tree.Node, q *question) map[string]fhirpath.Collection {
	vars := map[string]fhirpath.Collection{}
	maps.Copy(vars, k.shared())
	var chain []*question
	for up := q; up != nil; up = up.parent {
		chain = append(chain, up)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if i > 0 && len(chain[i].variables) == 0 {
			continue
		}
		vars["qitem"] = fhirpath.Collection{fhirpath.Element(chain[i].node, k.c.Model.Type("Questionnaire.item"))}
		focus := n
		if i > 0 {
			focus = k.around(chain[i], n)
		}
		k.define(vars, chain[i].variables, focus, "QuestionnaireResponse.item")
	}
	return vars
}

// shared are the variables of the questionnaire itself, evaluated once.
func (k *checker) shared() map[string]fhirpath.Collection {
	if k.vars == nil {
		k.vars = map[string]fhirpath.Collection{
			"questionnaire": {fhirpath.Element(k.form.node, k.c.Model.Type("Questionnaire"))},
		}
		k.define(k.vars, k.form.rules.variables, k.response, "QuestionnaireResponse")
	}
	return k.vars
}

// around is the item of a question that n lies in; absent if there is none.
func (k *checker) around(q *question, n tree.Node) tree.Node {
	at, _ := n.Span()
	g, _ := k.holder(q, at)
	return g.item
}

func (k *checker) define(vars map[string]fhirpath.Collection, variables []tree.Node, focus tree.Node, root string) {
	for _, v := range variables {
		name, expr := v.Field("name").Str(), v.Field("expression").Str()
		if name == "" || v.Field("language").Str() != "text/fhirpath" || !focus.Exists() {
			continue
		}
		e, err := k.compile(expr, root)
		if err != nil {
			continue
		}
		ctx := k.context(vars)
		if ctx.Work < leastWork {
			return
		}
		if value, err := e.EvalValues(ctx, fhirpath.Element(focus, k.c.Model.Type(root))); err == nil {
			vars[name] = value
		}
	}
}

// enabledBy evaluates enableWhenExpression, with the container as its context.
// An expression that can't be evaluated enables, so that nothing is refused by
// a fault of the form.
func (k *checker) enabledBy(q *question, container tree.Node) bool {
	if q.enableExpression.Field("language").Str() != "text/fhirpath" {
		return true
	}
	vars := k.variables(container, q)
	holds, err := k.holds(q.enableExpression.Field("expression").Str(), "QuestionnaireResponse", k.response, vars)
	return err != nil || holds
}
