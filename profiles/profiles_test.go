package profiles_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles"
	"tenon/profiles/r4"
)

// judge validates a resource against the base definitions.
func judge(t *testing.T, n tree.Node) {
	t.Helper()
	typ := n.Field("resourceType").Str()
	plan, err := validate.Compile(r4.Model(), typ)
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range plan.Validate(n, nil) {
		if is.Severity == "" || is.Severity == issue.Error || is.Severity == issue.Fatal {
			t.Errorf("%s/%s: %s", typ, n.Field("id").Str(), is)
		}
	}
}

func parse(t *testing.T, body []byte) tree.Node {
	t.Helper()
	doc, err := tree.Parse(body)
	if err != nil {
		t.Fatalf("%v in %.80s", err, body)
	}
	return doc.Root()
}

func TestDefinitionsAreValidR4(t *testing.T) {
	if n := len(profiles.Definitions()); n < 20 {
		t.Fatalf("%d definitions, want the plans, code systems, value sets and questionnaires", n)
	}
	for _, body := range profiles.Definitions() {
		judge(t, parse(t, body))
	}
}

func TestSampleIsValidR4(t *testing.T) {
	ids := map[string]bool{}
	var refs []string
	for i, body := range profiles.Sample() {
		root := parse(t, body)
		judge(t, root)
		for e := range root.Field("entry").Items() {
			r := e.Field("resource")
			judge(t, r)
			at := r.Field("resourceType").Str() + "/" + r.Field("id").Str()
			if got := e.Path("request", "url").Str(); got != at {
				t.Errorf("Bundle %d: %s is put to %s", i, at, got)
			}
			ids[at] = true
			refs = append(refs, references(r)...)
		}
	}
	for _, ref := range refs {
		if !ids[ref] {
			t.Errorf("the sample refers to %s, which it does not hold", ref)
		}
	}
	for _, want := range []string{"PractitionerRole/clin-wang", "PractitionerRole/des-zhang", "Device/printer", "Device/mes", "Organization/hospital", "Organization/maker"} {
		if !ids[want] {
			t.Errorf("the sample lacks %s", want)
		}
	}
}

func references(n tree.Node) []string {
	var refs []string
	if n.Kind() == tree.Object {
		for name, child := range n.Fields() {
			if name == "reference" && child.Kind() == tree.String {
				refs = append(refs, child.Str())
			}
			refs = append(refs, references(child)...)
		}
	}
	if n.Kind() == tree.Array {
		for child := range n.Items() {
			refs = append(refs, references(child)...)
		}
	}
	return refs
}

// TestPlanCodesAreDefined holds the codes that the plans use against the code
// systems: a plan must not use a word that no screen can show in two languages.
func TestPlanCodesAreDefined(t *testing.T) {
	defined := map[string][]string{}
	var plans []tree.Node
	for _, body := range profiles.Definitions() {
		n := parse(t, body)
		switch n.Field("resourceType").Str() {
		case "CodeSystem":
			for c := range n.Field("concept").Items() {
				defined[n.Field("url").Str()] = append(defined[n.Field("url").Str()], c.Field("code").Str())
				if c.Field("display").Str() == "" || c.Path("designation", "value").Str() == "" {
					t.Errorf("%s|%s lacks its English or Chinese text", n.Field("url").Str(), c.Field("code").Str())
				}
			}
		case "PlanDefinition":
			plans = append(plans, n)
		}
	}
	for _, plan := range plans {
		codings(plan, func(system, code string) {
			if known, ok := defined[system]; strings.HasPrefix(system, "urn:tenon:") && (!ok || !slices.Contains(known, code)) {
				t.Errorf("%s uses %s|%s, which no code system defines", plan.Field("id").Str(), system, code)
			}
		})
		parts(plan, "purpose", func(code string) {
			if !slices.Contains(defined["urn:tenon:signature-purpose"], code) {
				t.Errorf("%s asks for a signature of purpose %s, which is not defined", plan.Field("id").Str(), code)
			}
		})
	}
}

func codings(n tree.Node, each func(system, code string)) {
	switch n.Kind() {
	case tree.Object:
		if s := n.Field("system").Str(); s != "" && n.Field("code").Exists() {
			each(s, n.Field("code").Str())
		}
		for _, child := range n.Fields() {
			codings(child, each)
		}
	case tree.Array:
		for child := range n.Items() {
			codings(child, each)
		}
	}
}

func parts(n tree.Node, url string, each func(code string)) {
	switch n.Kind() {
	case tree.Object:
		if n.Field("url").Str() == url && n.Field("valueCode").Exists() {
			each(n.Field("valueCode").Str())
		}
		for _, child := range n.Fields() {
			parts(child, url, each)
		}
	case tree.Array:
		for child := range n.Items() {
			parts(child, url, each)
		}
	}
}
