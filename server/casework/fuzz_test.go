package casework_test

import (
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/casework"
)

// FuzzCompilePlan compiles any JSON object as a plan: it is refused with reasons
// or compiled, and never panics.
func FuzzCompilePlan(f *testing.F) {
	for _, body := range profiles.Definitions() {
		if len(body) < 20_000 {
			f.Add(body)
		}
	}
	f.Add([]byte(`{"resourceType":"PlanDefinition","url":"u","version":"1","action":[{"id":"S01","code":[{"coding":[{"system":"urn:tenon:stage","code":"S01"}]}],
		"relatedAction":[{"actionId":"S01","relationship":"after-end"}],"condition":[{"kind":"stop","expression":{"name":"x","language":"text/fhirpath","expression":"completed('S01')"}}]}]}`))
	f.Add([]byte(`{"action":[{"output":[null,{"codeFilter":5}],"extension":{"url":"urn:tenon:extension:signature"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var doc tree.Doc
		if doc.Parse(body, tree.Limits{Bytes: 1 << 16, Nodes: 10_000}) != nil {
			return
		}
		p, err := casework.CompilePlan(doc.Root())
		if (p == nil) == (err == nil) {
			t.Fatalf("CompilePlan = %v, %v", p, err)
		}
		if p != nil {
			for _, s := range p.Stages {
				if len(s.Roles) == 0 {
					t.Errorf("%s has nobody who may act", s.Code)
				}
			}
		}
	})
}

// FuzzDecide writes any resource into a case, as anybody: nothing but the steps of
// the protocol moves a stage, and no write panics.
func FuzzDecide(f *testing.F) {
	w := stop(f, "S08 working")
	before := w.snapshot()
	for _, ref := range []string{w.task("S08"), w.task("S07"), "Task/root", "Consent/consent", "CareTeam/team", "Contract/agreement", "Composition/design-output"} {
		f.Add(w.members[ref].Root.Raw(), byte(0))
	}
	f.Add([]byte(`{"resourceType":"Task","id":"t99","partOf":{"reference":"Task/root"},"code":[{"coding":{"system":"urn:tenon:stage","code":"S17"}}],"status":5}`), byte(1))
	f.Add([]byte(`{"resourceType":"Provenance","id":"p","target":[{"reference":"Composition/design-output/_history/1"}],"signature":[{}]}`), byte(2))
	f.Add([]byte(`{"resourceType":"Observation","id":"watertight","derivedFrom":"DocumentReference/model","code":{"coding":[[]]}}`), byte(3))
	actors := []*access.Context{des, clin, pat, dev, nil, rev}
	f.Fuzz(func(t *testing.T, body []byte, who byte) {
		var doc tree.Doc
		if doc.Parse(body, tree.Limits{Bytes: 1 << 16, Nodes: 10_000}) != nil || doc.Root().Kind() != tree.Object {
			return
		}
		actor := actors[int(who)%len(actors)]
		n := casework.Resource{Type: doc.Root().Field("resourceType").Str(), ID: doc.Root().Field("id").Str(), Version: 9, Root: doc.Root(), Digest: [32]byte{1}}
		after := *before
		after.Resources = nil
		for _, r := range before.Resources {
			if r.Ref() != n.Ref() {
				after.Resources = append(after.Resources, r)
			}
		}
		after.Resources = append(after.Resources, n)
		d := w.engine.Decide(before, &after, actor)
		if len(d.Refusal) > 0 && (len(d.Effects) > 0 || len(d.Grants) > 0 || d.Status == 0) {
			t.Errorf("a refusal with status %d has effects or grants", d.Status)
		}
		w.engine.Report(&after)
		w.engine.MaySign(&after, n, access.DES, "design-output", actor)
	})
}

// FuzzOpen opens a case with any Parameters.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(parameters))
	f.Add([]byte(`{"parameter":[{"name":"subject","valueReference":[]},{"name":"image-age","valueDuration":{"value":1e999,"code":"d"}}]}`))
	w := newWorld(f, "implant")
	f.Fuzz(func(t *testing.T, body []byte) {
		var doc tree.Doc
		if doc.Parse(body, tree.Limits{Bytes: 1 << 16, Nodes: 10_000}) != nil {
			return
		}
		created, err := w.engine.Open(casework.Opening{Plan: w.plan, Params: doc.Root(), Actor: clin, Now: w.now})
		if (len(created) == 2) == (err != nil) {
			t.Fatalf("Open = %d resources, %v", len(created), err)
		}
		for _, c := range created {
			if _, err := tree.Parse(c.Body); err != nil {
				t.Errorf("Open writes %s: %v", c.Body, err)
			}
		}
	})
}
