package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// The tests of this file go by the committed rows of a plan (testdata/rules.tsv)
// for what is no condition: documents that are sealed or belong to a role, stages
// whose people the agreement names, qualifications that a role needs.

func TestEverySealHolds(t *testing.T)       { implant.everySealHolds(t) }
func TestSocketSealsHold(t *testing.T)      { socket.everySealHolds(t) }
func TestEveryOwnerHolds(t *testing.T)      { implant.everyOwnerHolds(t) }
func TestSocketOwnersHold(t *testing.T)     { socket.everyOwnerHolds(t) }
func TestEveryNameIsAskedFor(t *testing.T)  { implant.everyNameIsAskedFor(t) }
func TestSocketNamesAreAsked(t *testing.T)  { socket.everyNameIsAskedFor(t) }
func TestEveryRoleIsQualified(t *testing.T) { implant.everyRoleIsQualified(t) }
func TestSocketRolesQualified(t *testing.T) { socket.everyRoleIsQualified(t) }
func TestEveryOrderHolds(t *testing.T)      { implant.everyOrderHolds(t) }
func TestSocketOrderHolds(t *testing.T)     { socket.everyOrderHolds(t) }

// everyOrderHolds asks for a stage while one that it waits for is at work: there is
// no Task of it, and who makes one is told what it waits for.
func (p *process) everyOrderHolds(t *testing.T) {
	for _, r := range ruled(t, p.plan, "after") {
		t.Run(r.name(), func(t *testing.T) {
			w := p.at(t, r.id, casework.Stop)
			if tasks := stagesOf(w, r.stage); len(tasks) > 0 {
				t.Errorf("%s is handed over as %v before %s is completed", r.stage, tasks, r.id)
			}
			d := w.write(p.owner(r.stage), obj{"resourceType": "Task", "id": "mine", "status": "in-progress", "businessStatus": concept("urn:tenon:substate", "working"),
				"intent": "order", "partOf": arr{ref("Task/root")}, "code": concept("urn:tenon:stage", r.stage)})
			refused(t, d, 409, "", "after-"+r.id, "R001-179")
		})
	}
}

// outputs are the documents of that code which the Task of a stage names.
func (w *world) outputs(stage, document string) (refs []string) {
	for out := range w.members[w.task(stage)].Root.Field("output").Items() {
		if out.Path("type", "coding", "code").Str() == document {
			refs = append(refs, out.Path("valueReference", "reference").Str())
		}
	}
	return refs
}

// everySealHolds edits each sealed document once its stage is completed.
func (p *process) everySealHolds(t *testing.T) {
	for _, r := range ruled(t, p.plan, "output") {
		if !slices.Contains(strings.Fields(r.flags), "sealed") {
			continue
		}
		docs := p.stops()["closed"].at(t).outputs(r.stage, r.id)
		if len(docs) == 0 && strings.HasPrefix(r.flags, "min-0") {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			w := p.stops()["closed"].at(t)
			b := w.get(docs[0])
			b["language"] = "zh"
			d := w.write(p.owner(r.stage), b)
			refused(t, d, 409, "", "document-sealed")
			if !slices.ContainsFunc(d.Refusal, func(u casework.Unmet) bool { return strings.Contains(u.Text, " is the "+r.id+" of "+r.stage) }) {
				t.Errorf("another stage holds %s: %s", docs[0], told(d.Refusal))
			}
		})
	}
}

func (p *process) owner(stage string) *access.Context {
	for _, s := range p.script {
		if s.stage == stage {
			return s.owner
		}
	}
	return nil
}

// everyOwnerHolds has somebody without a role of the stage edit its document.
func (p *process) everyOwnerHolds(t *testing.T) {
	for _, r := range ruled(t, p.plan, "output") {
		if !slices.Contains(strings.Fields(r.flags), "own") {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			w := p.at(t, r.stage, casework.Stop)
			b := w.get(w.outputs(r.stage, r.id)[0])
			b["language"] = "zh"
			refused(t, w.write(logist, b), 403, "", "document-owner", "R001-055")
		})
	}
}

// everyNameIsAskedFor takes all names out of the agreement.
func (p *process) everyNameIsAskedFor(t *testing.T) {
	for _, r := range ruled(t, p.plan, "named") {
		if r.flags != "named" {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			w := p.at(t, r.stage, casework.Start)
			w.alter("Contract/agreement", func(b obj) {
				delete(b, "signer")
				for _, term := range b["term"].([]any) {
					if offer, ok := term.(obj)["offer"].(obj); ok {
						delete(offer, "party")
					}
				}
			})
			refused(t, p.try(w, r.stage, casework.Start), 0, "", "actor-in-agreement", "R001-055")
		})
	}
}

// everyRoleIsQualified takes each qualification from whoever acts in the role: who
// owns a stage completes it, others sign.
func (p *process) everyRoleIsQualified(t *testing.T) {
	for _, r := range ruled(t, p.plan, "role") {
		for _, code := range strings.Fields(strings.TrimPrefix(r.flags, "principal")) {
			t.Run(r.clauses+" "+r.id+" "+code, func(t *testing.T) {
				for _, s := range p.script {
					if string(s.role) == r.id {
						w := p.at(t, s.stage, casework.Stop)
						w.unqualify(s.owner, code)
						refused(t, p.try(w, s.stage, casework.Stop), 0, "", "actor-qualified")
						return
					}
				}
				p.signsUnqualified(t, access.Role(r.id), code)
			})
		}
	}
}

// signsUnqualified is for roles that own no stage.
func (p *process) signsUnqualified(t *testing.T, role access.Role, code string) {
	who := map[access.Role]*access.Context{access.REV: rev, access.QA: qa}[role]
	for _, sig := range ruled(t, p.plan, "signature") {
		if !slices.Contains(sig.roles, role) {
			continue
		}
		w := p.at(t, sig.stage, casework.Stop)
		w.unqualify(who, code)
		_, unmet := w.sign(who, w.signedDocuments(sig)[0], role, sig.purpose)
		if !slices.ContainsFunc(unmet, func(u casework.Unmet) bool { return u.Condition == "actor-qualified" }) {
			t.Errorf("the signature %s is refused by%s, want actor-qualified", sig.id, told(unmet))
		}
		return
	}
	t.Fatalf("%s signs nothing", role)
}

// unqualify takes a qualification from a person.
func (w *world) unqualify(who *access.Context, code string) {
	w.t.Helper()
	person := who.Person
	w.alterDirectory(person, func(b obj) {
		all := b["qualification"].([]any)
		kept := slices.DeleteFunc(slices.Clone(all), func(q any) bool { return is("code", code)(q.(obj)) })
		if len(kept) == len(all) {
			w.t.Fatalf("%s has no qualification %s", person, code)
		}
		b["qualification"] = kept
	})
}
