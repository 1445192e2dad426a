package validate

// https://hl7.org/fhir/R4/conformance-rules.html#constraints

import (
	"fmt"
	"sync"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// What one invariant may cost, in steps of FHIRPath: nearly all need a few. One
// that needs more gets it as long as not many do, so that neither a large
// document is left unjudged nor a hostile profile holds a server up.
const (
	quickSteps      = 5_000
	longSteps       = 1_000_000
	longStepsByByte = 4
	maxLong         = 40 // evaluations in one walk that may be long
	costOfExpr      = 16 // of a walk's work
)

// invariant is a constraint that is compiled when it is first judged.
type invariant struct {
	schema.Invariant
	source string // the profile that states it, "" for the base
	root   string // type of the focus
	guard  string // judged only where the focus has this property; "" always
	native func(w *walker, v fhirpath.Value) bool
	best   bool // best practice

	once sync.Once
	expr *fhirpath.Expr
	err  error
}

// invariants keeps the invariants of a set by what they say.
type invariants struct {
	set *Set
	env fhirpath.Env // without a root
	all sync.Map     // invariantKey → *invariant
}

type invariantKey struct{ key, source, root, expression string }

func (s *invariants) begin(set *Set) {
	s.set = set
	s.env = fhirpath.Env{Model: set.model, Functions: functions, FilterAs: true}
}

// exempt are invariants of the base that the walk judges itself, or that are
// false on correct data.
var exempt = map[string]bool{
	"ele-1": true, "ext-1": true, // sibling.go
	"txt-1": true, "txt-2": true, // narrative.go
	"dom-2": true, "dom-3": true, // walk.go, contained.go
	"ref-1": true, "sqty-1": true, // reference.go, walk.go
}

// mended are invariants of R4 that say less or more than their own text, with
// what the text means. All were mended so in later versions.
var mended = map[string]string{
	// "If there are more than one enableWhen": the expression asks for three.
	"enableWhen.count() > 2 implies enableBehavior.exists()": "enableWhen.count() > 1 implies enableBehavior.exists()",
	// The answer is a FHIR boolean, which is no System.Boolean, so that every
	// right answer would break it. https://jira.hl7.org/browse/FHIR-25429
	"operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
	// "if Observation.effective[x] is dateTime and has a value": a Period is not.
	"($this as dateTime).toString().length() >= 8": "($this is dateTime and hasValue()) implies toString().length() >= 8",
}

// ofType lists the invariants of a type and of all that it derives from.
func (s *invariants) ofType(t *schema.Type) []*invariant {
	var list []*invariant
	for of := t; of != nil; of = of.Base {
		list = append(list, s.list(of.Invariants, t.Name)...)
	}
	return list
}

// ofElement lists the invariants that an element adds to its type's.
func (s *invariants) ofElement(e *schema.Element) []*invariant {
	return s.list(e.Invariants, e.Type.Name)
}

func (s *invariants) list(of []schema.Invariant, root string) []*invariant {
	var list []*invariant
	for _, i := range of {
		if !exempt[i.Key] {
			list = append(list, s.get(i, root, "", false))
		}
	}
	return list
}

func (s *invariants) get(i schema.Invariant, root, source string, best bool) *invariant {
	if better, ok := mended[i.Expression]; ok {
		i.Expression = better
	}
	k := invariantKey{i.Key, source, root, i.Expression}
	if known, ok := s.all.Load(k); ok {
		return known.(*invariant)
	}
	inv := &invariant{Invariant: i, root: root, source: source, native: natives[i.Expression], guard: guards[i.Expression]}
	inv.best = best || i.Key == "dom-6"
	kept, _ := s.all.LoadOrStore(k, inv)
	return kept.(*invariant)
}

func (inv *invariant) ready(s *Set) {
	inv.once.Do(func() {
		if inv.native == nil {
			inv.expr, inv.err = s.compile(inv.Expression, inv.root)
		}
	})
}

// compile compiles an expression with the validator's functions.
func (s *Set) compile(expr, root string) (*fhirpath.Expr, error) {
	env := s.invariants.env
	env.Root = root
	e, err := fhirpath.Compile(expr, &env)
	if err != nil && root != "" { // an element of a profile whose type is narrower than its text
		env = s.invariants.env
		return fhirpath.Compile(expr, &env)
	}
	return e, err
}

// constraints judges what the type of an object says of it, when its members
// have been judged.
func (w *walker) constraints(o *object) {
	if o.plan.checks != nil {
		w.hold(o.plan.checks, fhirpath.Element(o.node, o.plan.typ))
	}
	if o.plan.rule != nil && !w.full() {
		w.rule(o.node, o.plan.rule)
	}
}

// hold judges invariants of one focus.
func (w *walker) hold(list []*invariant, focus fhirpath.Value) {
	n, _ := focus.Node()
	for _, inv := range list {
		if inv.guard != "" && !n.Field(inv.guard).Exists() {
			continue
		}
		if w.work--; w.work < 0 || w.full() {
			w.tooMuch()
			return
		}
		if inv.native != nil {
			if !inv.native(w, focus) {
				w.broken(inv)
			}
			continue
		}
		inv.ready(w.set)
		if inv.err != nil {
			w.unjudged(inv, inv.err)
			continue
		}
		w.work -= costOfExpr
		switch ok, err := w.evaluate(inv.expr, focus); {
		case err != nil:
			w.unjudged(inv, err)
		case !ok:
			w.broken(inv)
		}
	}
}

// evaluate judges a condition within the bounds.
func (w *walker) evaluate(e *fhirpath.Expr, focus fhirpath.Value) (bool, error) {
	w.place()
	w.ctx.Work = quickSteps
	ok, err := e.Holds(&w.ctx, focus)
	if err == nil || w.long >= maxLong || !tooLong(err) {
		return ok, err
	}
	w.long++
	w.ctx.Work = longSteps
	if n := w.container; n.Exists() {
		w.ctx.Work += longStepsByByte * len(n.Doc().Src())
	}
	return e.Holds(&w.ctx, focus)
}

func tooLong(err error) bool {
	f := issue.As(err)
	return f != nil && len(f.Issues) > 0 && f.Issues[0].Type == issue.TooCostly
}

// place tells expressions what %resource and %rootResource are.
func (w *walker) place() {
	if n, ok := w.ctx.Resource.Node(); !ok || n != w.resource {
		w.ctx.Resource = w.typed(w.resource)
	}
	if n, ok := w.ctx.RootResource.Node(); !ok || n != w.container {
		w.ctx.RootResource = w.typed(w.container)
	}
}

// typed is a resource as a value; nothing for none.
func (w *walker) typed(n tree.Node) fhirpath.Value {
	if !n.Exists() {
		return fhirpath.Value{}
	}
	return fhirpath.Element(n, w.set.model.Type(n.Field("resourceType").Str()))
}

func (w *walker) broken(inv *invariant) {
	severity := issue.Error
	switch {
	case inv.best:
		if severity = w.o.BestPractice; severity == "" {
			return
		}
	case inv.Severity == "warning":
		severity = issue.Warning
	}
	where, chinese := "", ""
	if inv.source != "" {
		where, chinese = fmt.Sprintf(" (profile %s)", inv.source), fmt.Sprintf("（规范 %s）", inv.source)
	}
	w.report(severity, issue.Invariant, inv.Key, fmt.Sprintf("the rule %s is broken: %s%s", inv.Key, cutLong(inv.Human), where),
		fmt.Sprintf("违反规则 %s：%s%s", inv.Key, cutLong(inv.Human), chinese))
}

// unjudged reports a rule that could not be judged: never passed over in
// silence, never an error of the resource.
func (w *walker) unjudged(inv *invariant, err error) {
	reason := err.Error()
	if f := issue.As(err); f != nil && len(f.Issues) > 0 {
		reason = f.Issues[0].Text
	}
	w.warn(issue.Exception, "invariant-unjudged", fmt.Sprintf("the rule %s could not be judged: %s", inv.Key, cutLong(reason)),
		fmt.Sprintf("规则 %s 无法判定：%s", inv.Key, cutLong(reason)))
}

// tooMuch reports, once, that the walk gave up.
func (w *walker) tooMuch() {
	if w.work < 0 && !w.exhausted && !w.full() {
		w.exhausted = true
		w.add(issue.TooCostly, "validation-limit", "judging this document takes more work than is allowed: send it in parts", "校验该文档的工作量超过上限，请分批发送")
	}
}
