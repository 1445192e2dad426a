package fhirpath_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// TestCompileErrors: the message names the place and the rule.
func TestCompileErrors(t *testing.T) {
	strict := &fhirpath.Env{Model: r4.Model(), Root: "Patient", Strict: true, Vars: map[string]string{"case": "Task", "limit": "System.Decimal"}}
	for _, row := range []struct {
		env        *fhirpath.Env
		expr       string
		rule, text string
	}{
		{r4Env, "name.", fhirpath.RuleSyntax, "column 6: an element or function is expected"},
		{r4Env, "name.\n  given(", fhirpath.RuleSyntax, "line 2, column 9"},
		{r4Env, "a and", fhirpath.RuleSyntax, "column 6"},
		{r4Env, "(a", fhirpath.RuleSyntax, `")" is expected`},
		{r4Env, "a b", fhirpath.RuleSyntax, `column 3: "b" is not expected here`},
		{r4Env, "'a", fhirpath.RuleSyntax, "column 1: this text is never closed"},
		{r4Env, "a ! b", fhirpath.RuleSyntax, "column 3"},
		{r4Env, "", fhirpath.RuleSyntax, "column 1"},
		{r4Env, "'é' ? 1", fhirpath.RuleSyntax, "column 5"}, // characters, not bytes
		{r4Env, "name.frist()", fhirpath.RuleType, "column 6: there is no function frist()"},
		{r4Env, "name.first(1)", fhirpath.RuleType, "first() takes no argument, not 1"},
		{r4Env, "name.where()", fhirpath.RuleType, "where() takes one argument, not 0"},
		{r4Env, "'a'.substring('b')", fhirpath.RuleType, "argument 1 of substring() is Integer, not System.String"},
		{r4Env, "Patient.birthDate.startsWith('1')", fhirpath.RuleType, "startsWith() works on String, not on date"},
		{r4Env, "Patient.name.upper()", fhirpath.RuleType, "upper() works on String, not on HumanName"},
		{r4Env, "Patient.birthDate > 5", fhirpath.RuleType, "no common order"},
		{r4Env, "Patient.name > 5", fhirpath.RuleType, "no common order"},
		{r4Env, "-'a'", fhirpath.RuleType, "takes a number"},
		{r4Env, "iif('x', 1, 2)", fhirpath.RuleType, "the condition of iif() is a Boolean"},
		{r4Env, "Observation.valueQuantity", fhirpath.RuleType, "write value.ofType(…)"},
		{r4Env, "'a'.matches('(')", fhirpath.RuleSyntax, "column 13: the regular expression is not valid"},
		{r4Env, "x is Foo.Patient", fhirpath.RuleType, "namespace"},
		{strict, "nmae.given", fhirpath.RuleType, "column 1: Patient has no element nmae"},
		{strict, "Encounter.name", fhirpath.RuleType, "Encounter has no element name"},
		{strict, "name.where(gven = 'x')", fhirpath.RuleType, "HumanName has no element gven"},
		{strict, "%case.satus", fhirpath.RuleType, "Task has no element satus"},
		{strict, "%lmit", fhirpath.RuleType, "no variable %lmit"},
		{strict, "gender = 1", fhirpath.RuleType, "are never equal"},
		{strict, "gender = %limit", fhirpath.RuleType, "are never equal"},
		{strict, "descendants().first()", fhirpath.RuleType, "needs an order"},
		{strict, "birthDate is System.Patient", fhirpath.RuleType, "there is no type"},
		{r4Env, strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), fhirpath.RuleLimit, "nests deeper"},
		{r4Env, strings.Repeat("-", 300) + "1", fhirpath.RuleLimit, "nests deeper"},
		{r4Env, "1" + strings.Repeat(" | 1", 2000), fhirpath.RuleLimit, "operands"},
		{r4Env, "a" + strings.Repeat(".a", 2000), fhirpath.RuleLimit, "steps"},
		{r4Env, "'" + strings.Repeat("a", 70_000) + "'", fhirpath.RuleLimit, "bytes"},
		{r4Env, "'a'.matches('(a{1000}){1000}')", fhirpath.RuleSyntax, "regular expression"},
		{r4Env, "'a'.matches('" + strings.Repeat("a", 3000) + "')", fhirpath.RuleSyntax, "too long"},
	} {
		_, err := fhirpath.Compile(row.expr, row.env)
		f := issue.As(err)
		if f == nil || f.Issues[0].Rule != row.rule || !strings.Contains(f.Error(), row.text) {
			t.Errorf("Compile(%.40q) = %v, want %s with %q", row.expr, err, row.rule, row.text)
		}
	}
	for _, x := range []string{"name.where(use = 'official').given.first()", "%case.status = 'ready'", "%limit > 0.5", "contained.nonsense", "deceased = true"} {
		if _, err := fhirpath.Compile(x, strict); err != nil {
			t.Errorf("Compile(%q), strict: %v", x, err)
		}
	}
}

// TestEvalErrors: the message names the place and types, never a value.
func TestEvalErrors(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	for _, row := range [][2]string{
		{"name.single()", "column 6: single() takes one item, and there are 3"},
		{"name.given.upper()", "column 12: upper() takes one item, and there are 6"},
		{"name.first().given.first() < 5", "column 28: FHIR.string and System.Integer have no common order"},
		{"$this.children().where($this is HumanName).first().startsWith('P')", "startsWith() works on String, not on FHIR.HumanName"},
		{"'a'.matches(name.first().family & '(')", "regular expression"},
		{"%missing", "the variable %missing was not given"},
	} {
		c, err := evaluate(&fhirpath.Env{Model: r4.Model(), Vars: nil}, row[0], doc.Root())
		if f := issue.As(err); f == nil || !strings.Contains(f.Error(), row[1]) {
			t.Errorf("%s = %v, %v, want %q", row[0], result(c), err, row[1])
		} else if strings.Contains(f.Error(), "Chalmers") || strings.Contains(f.Error(), "Peter") {
			t.Errorf("%s tells a value: %v", row[0], err)
		}
	}
	for _, x := range []string{"now()", "today()", "timeOfDay()"} {
		if _, err := fhirpath.MustCompile(x, nil).Eval(nil); err == nil {
			t.Errorf("%s without a clock must be an error", x)
		}
	}
}

// TestLimits: hostile expressions end early and say why.
func TestLimits(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	for _, x := range []string{
		"1.repeat($this + 1)",
		"1.repeatAll($this)",
		"(1 | 2).repeatAll(1 | 2)",
		"descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants())))",
		"'aaaaaaaaaaaaaaaa'.repeat($this & $this)",
		"'aaaaaaaaaaaaaaaa'.repeat($this.replace('', 'aaaaaaaaaaaaaaaaaaaaaaa'))",
		"(" + strings.Repeat("1|", 9) + "2).combine(1|2|3|4|5|6|7|8|9).combine(1|2|3|4|5|6|7|8|9|10|11|12|13).aggregate($total.combine($total), 1)",
		"'" + strings.Repeat("a", 5000) + "'.toChars().select('" + strings.Repeat("a", 5000) + "'.matches('(a|aa)*(a|aa)*(a|aa)*b'))",
	} {
		c, err := fhirpath.MustCompile(x, r4Env).Eval(&fhirpath.Context{Work: 400_000}, doc.Root())
		f := issue.As(err)
		if f == nil || f.Issues[0].Rule != fhirpath.RuleLimit || f.HTTPStatus() != 403 {
			t.Errorf("%.60s = %d items, %v, want %s", x, len(c), err, fhirpath.RuleLimit)
		}
	}
	if _, err := evaluate(r4Env, "1.repeatAll($this)", doc.Root()); issue.As(err) == nil {
		t.Error("the default of Work must end an endless repetition")
	}
	if _, err := evaluate(r4Env, "(1|2|3|4).repeatAll(1|2|3|4)", doc.Root()); err == nil || !strings.Contains(err.Error(), "items") {
		t.Errorf("the number of items is not bounded: %v", err)
	}
	e := fhirpath.MustCompile("descendants().count()", r4Env)
	if _, err := e.Eval(&fhirpath.Context{Work: 20}, doc.Root()); issue.As(err) == nil {
		t.Error("Work: 20 must end descendants()")
	}
	if c, err := e.Eval(&fhirpath.Context{Work: 2000}, doc.Root()); err != nil {
		t.Errorf("Work: 2000: %v, %v", result(c), err)
	}
}

// TestHost: functions and variables of the host.
func TestHost(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	type calls struct{ n int }
	env := &fhirpath.Env{
		Model: r4.Model(), Strict: true, Root: "Patient", Vars: map[string]string{"codes": "System.String", "step": ""},
		Functions: map[string]fhirpath.Function{
			"memberOf": {Params: []string{"string", "integer?"}, Result: "boolean",
				Call: func(ctx *fhirpath.Context, focus fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
					ctx.Data.(*calls).n++
					return fhirpath.Collection{fhirpath.Boolean(len(focus) == 1 && focus[0].Str() == args[0][0].Str() && len(args) == 1)}, nil
				}},
			"both": {Params: []string{"expr", "expr"},
				Call: func(_ *fhirpath.Context, _ fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
					return append(append(fhirpath.Collection{}, args[0]...), args[1]...), nil
				}},
			"fails": {Call: func(*fhirpath.Context, fhirpath.Collection, []fhirpath.Collection) (fhirpath.Collection, error) {
				return nil, context.Canceled
			}},
			"failed": {Call: func(*fhirpath.Context, fhirpath.Collection, []fhirpath.Collection) (fhirpath.Collection, error) {
				return nil, issue.Errorf(issue.NotFound, "gone")
			}},
			"exists": {Call: func(*fhirpath.Context, fhirpath.Collection, []fhirpath.Collection) (fhirpath.Collection, error) {
				return fhirpath.Collection{fhirpath.String("mine")}, nil
			}},
		},
	}
	ctx := &fhirpath.Context{Data: &calls{}, Vars: map[string]fhirpath.Collection{"codes": {fhirpath.String("male"), fhirpath.String("female")}}}
	for _, row := range [][2]string{
		{"gender.memberOf('male')", "true"},
		{"gender.memberOf('male', 1)", "false"},
		{"gender.memberOf('x') or true", "true"},
		{"gender in %codes", "true"},
		{"both(name.family, telecom.rank)", "Chalmers ;  ; 1 ; 2"},
		{"name.exists()", "mine"},
		{"gender.memberOf()", "error"},
		{"gender.memberOf(1)", "error"},
		{"gender.memberOf('a', 'b')", "error"},
		{"gender.memberOf(name)", "error"},
		{"gender.memberOf(%codes)", "error"}, // two items, seen when it runs
		{"gender.memberOf('male') + 1", "error"},
		{"%step", "error"}, // known, not given
		{"fails()", "error"},
		{"failed()", "error"},
	} {
		e, err := fhirpath.Compile(row[0], env)
		got := ""
		if err == nil {
			var c fhirpath.Collection
			c, err = e.Eval(ctx, doc.Root())
			got = result(c)
		}
		if err != nil {
			got = "error"
			if issue.As(err) == nil {
				t.Errorf("%s: %v is no failure", row[0], err)
			}
		}
		if got != row[1] {
			t.Errorf("%s = %q, want %q (%v)", row[0], got, row[1], err)
		}
	}
	if n := ctx.Data.(*calls).n; n != 3 {
		t.Errorf("the host's function ran %d times, want 3", n)
	}
	_, err := fhirpath.MustCompile("failed()", env).Eval(ctx, doc.Root())
	if f := issue.As(err); f == nil || f.Issues[0].Type != issue.NotFound || errors.Unwrap(err) != nil {
		t.Errorf("a failure of the host is passed on as it is, not %v", err)
	}
}

// TestStaticTypes: what a plan check asks of a condition.
func TestStaticTypes(t *testing.T) {
	env := &fhirpath.Env{Model: r4.Model(), Root: "Patient", Strict: true}
	for x, want := range map[string]string{
		"name.exists() and active":            "System.Boolean",
		"active":                              "boolean",
		"name.given":                          "string",
		"deceased":                            "boolean dateTime",
		"name.count() > 2":                    "System.Boolean",
		"name.select(given | family)":         "string",
		"contact.name.family":                 "string",
		"generalPractitioner.resolve()":       "any",
		"iif(active, 1, 'a')":                 "System.Integer System.String",
		"{}":                                  "",
		"name.first().use.as(code)":           "code",
		"extension('x').value.ofType(Period)": "Period",
	} {
		types := fhirpath.MustCompile(x, env).Types()
		got := strings.Join(types, " ")
		if types == nil {
			got = "any"
		}
		if got != want {
			t.Errorf("Types(%s) = %q, want %q", x, got, want)
		}
	}
}

// TestConcurrentEval shares one expression among goroutines on documents of
// different types; run it with -race.
func TestConcurrentEval(t *testing.T) {
	patient, _ := parsed(t, "testdata/patient.json")
	other, _ := parsed(t, observation)
	e := fhirpath.MustCompile("(descendants() | code | name).where($this.exists()).extension.url.distinct().count()", r4Env)
	docs := []*tree.Doc{patient, other}
	want := []string{}
	for _, d := range docs {
		c, err := e.Eval(nil, d.Root())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, result(c))
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if c, err := e.Eval(nil, docs[i%2].Root()); err != nil || result(c) != want[i%2] {
					t.Errorf("goroutine %d: %q, %v, want %q", i, result(c), err, want[i%2])
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestAllocations: a simple path allocates its result and nothing else.
func TestAllocations(t *testing.T) {
	doc, _ := parsed(t, observation)
	for _, x := range []string{
		"Observation.status",
		"Observation.category.coding.code",
		"Observation.subject.where(resolve() is Patient)",
		"component.where(code.coding.code = '8480-6').value.ofType(Quantity).value",
		"component.exists(value > 100 'mm[Hg]')",
		"extension('http://example.org/cuff').value",
		"code.text.startsWith('Blood') and status.length() < 10",
		"component.first().value.value < 128.5",
	} {
		e := fhirpath.MustCompile(x, r4Env)
		if c, err := e.Eval(nil, doc.Root()); err != nil || len(c) == 0 {
			t.Errorf("%s = %v, %v", x, result(c), err)
		}
		if n := testing.AllocsPerRun(200, func() { _, _ = e.Eval(nil, doc.Root()) }); n > 1+slack {
			t.Errorf("%s allocates %v times, want 1", x, n)
		}
	}
}
