package fhirpath_test

import (
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// seeds are expressions of every kind of syntax.
var seeds = []string{
	"Patient.name.where(use = 'official').given.first()",
	"(Observation.value as Quantity) | (Observation.component.value as Quantity)",
	"generalPractitioner.where(resolve() is Practitioner)",
	"birthDate + 18 years <= today() and @T10:30:00.000 > @T10",
	"iif(active, 1.50 'mg' / 2, {}) ~ `name`[0].given[-1]",
	"%`vs-x` & %\u0027ext-y\u0027 & 'a\\u4e2d\\n'.matches('^a+$')",
	"name.select(given.aggregate($total & $this, '')).sort(-$this, $index) // x",
	"repeat(children()).descendants().distinct().count() /* y */ > -(-2147483648) mod 7 div 2",
	"deceased.ofType(FHIR.boolean).not() implies true xor false or {} in (1|2) and 'a' contains 'b'",
	"defineVariable('x', 5).select(%x.power(3).sqrt().round(2).toString().toQuantity('g').lowBoundary(4))",
	"'a'.replaceMatches('(?<n>a)', '${n}$1').encode('hex').decode('hex').toChars().join('-').split('')",
}

// FuzzCompile: any text compiles or is refused with a failure, and what
// compiles runs within its limits.
func FuzzCompile(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	doc, _ := parsed(f, "testdata/patient.json")
	strict := &fhirpath.Env{Model: r4.Model(), Root: "Patient", Strict: true, FilterAs: true}
	f.Fuzz(func(t *testing.T, expr string) {
		for _, env := range []*fhirpath.Env{strict, r4Env, {}} {
			e, err := fhirpath.Compile(expr, env)
			if err != nil {
				if issue.As(err) == nil {
					t.Fatalf("%v is no failure", err)
				}
				continue
			}
			if c, err := e.Eval(&fhirpath.Context{Now: suiteNow, Work: 20_000}, doc.Root()); err != nil {
				if issue.As(err) == nil {
					t.Fatalf("%v is no failure", err)
				}
			} else {
				_ = result(c)
			}
		}
	})
}

// FuzzEval: any document is walked by any of the seeds without a fault.
func FuzzEval(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Patient","name":[null,{"given":["a",null],"_given":[{"id":"x"}]}],"_birthDate":{"extension":[{"url":"u","valueQuantity":{"value":1e400}}]}}`))
	f.Add([]byte(`{"resourceType":"Observation","valueQuantity":{"value":1.0,"comparator":"<"},"_valueString":null,"contained":[{"resourceType":"Bundle","entry":[{"resource":[]}]}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"fullUrl":"a","resource":{"resourceType":"Patient","generalPractitioner":{"reference":"#"}}}]}`))
	f.Add([]byte(`[1,"2020-13-45",{"birthDate":"2020-02-30"},-0.0,true]`))
	var exprs []*fhirpath.Expr
	for _, s := range append(seeds, "descendants() = descendants()", "descendants().where(value > 3 'mg' or $this < today())",
		"descendants().distinct().where($this ~ %resource.id).type().name", "descendants().resolve().id", "descendants().children().extension('u').value") {
		for _, env := range []*fhirpath.Env{r4Env, {}} {
			if e, err := fhirpath.Compile(s, env); err == nil {
				exprs = append(exprs, e)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := tree.Parse(data)
		if err != nil {
			return
		}
		for _, e := range exprs {
			c, err := e.Eval(&fhirpath.Context{Now: suiteNow, Work: 20_000}, doc.Root())
			if err != nil && issue.As(err) == nil {
				t.Fatalf("%s: %v is no failure", e, err)
			}
			for _, v := range c {
				_, _ = v.Type(), v.Str()
			}
		}
	})
}
