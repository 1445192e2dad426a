package oauth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// roleSystem is the code system of the roles in PractitionerRole.code.
const roleSystem = "urn:tenon:role"

// Principal is who a principal is now, without a token: for adapters whose
// messages are signed in another way.
func (p *Provider) Principal(ctx context.Context, principal string) (*access.Context, error) {
	return p.resolve(ctx, principal)
}

// Acting is who acts by an authority now: the principal and, where an app asked,
// the scopes of its token while its grant lasts. An issue of type login where the
// principal is nobody any more, or the grant has ended.
func (p *Provider) Acting(ctx context.Context, a access.Authority) (*access.Context, error) {
	who, err := p.resolve(ctx, a.Principal)
	if err != nil {
		return nil, err
	}
	// What was shown when it began counts for nothing later: nobody signs by a job.
	if who.Due, err = p.due(ctx, who, time.Time{}, p.clock()); err != nil || a.Grant == "" {
		return who, err
	}
	g, err := p.granted(ctx, a.Grant, a.Principal, p.clock())
	if err != nil {
		return nil, err
	}
	who.Scopes = p.scopesOf(g, a.Scope)
	return who, nil
}

// resolve reads who a principal is now: roles and organisation are those of the
// stored resource, never of the token.
func (p *Provider) resolve(ctx context.Context, principal string) (*access.Context, error) {
	typ, id, _ := strings.Cut(principal, "/")
	root, err := p.read(ctx, typ, id)
	if err != nil {
		return nil, err
	}
	who := &access.Context{Tenant: p.tenant, Principal: principal, Consents: p.Consents}
	switch typ {
	case "PractitionerRole":
		who.Kind = access.Person
		who.Person = root.Path("practitioner", "reference").Str()
		who.Roles = roles(root)
		who.Organization = root.Path("organization", "reference").Str()
		who.Side, err = p.side(ctx, who.Organization)
	case "Patient", "RelatedPerson":
		who.Kind, who.Person, who.Roles = access.Patient, principal, []access.Role{access.PAT}
	case "Device":
		who.Kind, who.Roles = access.System, []access.Role{access.MES}
		who.Organization = root.Path("owner", "reference").Str()
		who.Side, err = p.side(ctx, who.Organization)
	case "Organization": // a backend of its own; only apps hold such tokens
		who.Kind, who.Organization = access.System, principal
		who.Side, err = p.side(ctx, principal)
	default:
		err = issue.Errorf(issue.Login, "%s cannot hold a token.", principal).Rule("principal-type")
	}
	return who, err
}

// read fetches an active resource.
func (p *Provider) read(ctx context.Context, typ, id string) (tree.Node, error) {
	body, err := p.directory.Resource(ctx, typ, id)
	if err != nil {
		return tree.Node{}, fmt.Errorf("oauth: %s/%s: %w", typ, id, err)
	}
	if body == nil {
		return tree.Node{}, issue.Errorf(issue.Login, "%s/%s is unknown.", typ, id).Rule("principal-unknown")
	}
	d, err := tree.Parse(body)
	if err != nil {
		return tree.Node{}, err
	}
	root := d.Root()
	if active := root.Field("active"); active.Exists() && !active.Bool() {
		return tree.Node{}, issue.Errorf(issue.Login, "%s/%s is not active.", typ, id).Rule("principal-inactive").Chinese("该账户已停用。")
	}
	return root, nil
}

func roles(root tree.Node) []access.Role {
	var out []access.Role
	for concept := range root.Field("code").Items() {
		for coding := range concept.Field("coding").Items() {
			if coding.Field("system").Str() == roleSystem {
				out = append(out, access.Role(coding.Field("code").Str()))
			}
		}
	}
	return out
}

// side reads the party of an organisation from its type: prov (healthcare
// provider) is the hospital, a code of urn:tenon:side says manufacturer.
func (p *Provider) side(ctx context.Context, organization string) (access.Side, error) {
	typ, id, ok := strings.Cut(organization, "/")
	if !ok || typ != "Organization" {
		return access.NoSide, nil
	}
	root, err := p.read(ctx, typ, id)
	if err != nil {
		return access.NoSide, err
	}
	for concept := range root.Field("type").Items() {
		for coding := range concept.Field("coding").Items() {
			switch coding.Field("code").Str() {
			case "prov", "hospital":
				return access.Hospital, nil
			case "manufacturer":
				return access.Manufacturer, nil
			}
		}
	}
	return access.NoSide, nil
}
