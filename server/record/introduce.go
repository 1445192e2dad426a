package record

import (
	"context"
	"slices"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// introduce completes the directory of a snapshot by the people whom the Tasks of
// exceptions name (a deputy, a new member, the next clinician): the engine judges
// them before anything else of the case refers to them, and Task.input is no
// search parameter that the store could follow. Other cases cost nothing.
func (r *Recorder) introduce(ctx context.Context, s *casework.Snapshot) error {
	var wanted []string
	for _, res := range s.Resources {
		if res.Type == "Task" && hasSystem(res.Root.Field("code"), "urn:tenon:exception") {
			references(res.Root, func(ref tree.Node) {
				if typ, id, ok := r.local(ref.Str()); ok && typ == "PractitionerRole" && !slices.Contains(wanted, id) {
					wanted = append(wanted, id)
				}
			})
		}
	}
	for _, id := range wanted {
		if err := r.introduceOne(ctx, s, "PractitionerRole", id); err != nil {
			return err
		}
	}
	return r.followUpReferences(ctx, s)
}

// followUpReferences adds the reference plans of follow-up for the product
// families of a case, once the case plans its own: a canonical and a useContext
// are nothing that the store follows.
func (r *Recorder) followUpReferences(ctx context.Context, s *casework.Snapshot) error {
	plans := slices.ContainsFunc(s.Resources, func(res casework.Resource) bool {
		return res.Type == "CarePlan" && res.Root.Path("category", "coding", "code").Str() == "followup-plan"
	})
	if !plans {
		return nil
	}
	for _, family := range s.Directory {
		if family.Type != "DeviceDefinition" {
			continue
		}
		for id := range family.Root.Field("identifier").Items() {
			err := r.introduceFound(ctx, s, "PlanDefinition", []search.Param{
				{Name: "type", Value: "urn:tenon:plan-type|followup-reference"}, {Name: "status", Value: "active"},
				{Name: "context", Value: escaped(id.Field("system").Str()) + "|" + escaped(id.Field("value").Str())},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func hasSystem(concept tree.Node, system string) bool {
	for c := range concept.Field("coding").Items() {
		if c.Field("system").Str() == system {
			return true
		}
	}
	return false
}

// introduceOne adds a resource to the directory with what vouches for it: the
// person and organisation behind a role, and verifications.
func (r *Recorder) introduceOne(ctx context.Context, s *casework.Snapshot, typ, id string) error {
	if slices.ContainsFunc(s.Directory, func(d casework.Resource) bool { return d.Type == typ && d.ID == id }) {
		return nil
	}
	v, err := r.current(ctx, access.Everything{}, typ, id)
	if err != nil || v == nil || v.Deleted {
		return err
	}
	all, err := r.resources([]Version{*v})
	if err != nil {
		return err
	}
	s.Directory = append(s.Directory, all[0])
	if err := r.vouched(ctx, s, typ+"/"+id); err != nil || typ != "PractitionerRole" {
		return err
	}
	for _, name := range []string{"practitioner", "organization"} {
		if of, behind, ok := r.local(all[0].Root.Field(name).Field("reference").Str()); ok {
			if err := r.introduceOne(ctx, s, of, behind); err != nil {
				return err
			}
		}
	}
	return nil
}

// vouched adds the verifications that target a reference.
func (r *Recorder) vouched(ctx context.Context, s *casework.Snapshot, ref string) error {
	return r.introduceFound(ctx, s, "VerificationResult", []search.Param{{Name: "target", Value: ref}})
}

// introduceFound adds what the server finds.
func (r *Recorder) introduceFound(ctx context.Context, s *casework.Snapshot, typ string, params []search.Param) error {
	server := &access.Context{Tenant: r.o.Tenant, Kind: access.Server, Principal: "server"}
	plan, _, err := r.parse(server, typ, params, true)
	if err != nil {
		return err
	}
	page, err := r.o.Store.Search(ctx, plan)
	if err != nil {
		return err
	}
	for _, hit := range page.Hits {
		if err := r.introduceOne(ctx, s, hit.Type, hit.ID); err != nil {
			return err
		}
	}
	return nil
}
