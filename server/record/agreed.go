package record

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// The channels between parties are those that their agreement names (clause 5.5.4):
// the term on the platform of a Contract has an extension exchange-endpoint for
// each, with the party, the Endpoint, and what for.
const (
	exchangeExtension = "urn:tenon:extension:exchange-endpoint"
	clientSystem      = "urn:tenon:client" // Endpoint.identifier: the client id of the backend behind it
	outbound          = "outbound"         // urn:tenon:exchange
	inbound           = "inbound"
)

// Inlet refuses a backend that comes in through no channel of its organisation: its
// client id stands as identifier (urn:tenon:client) on an active Endpoint that the
// organisation manages, and an agreement in force names that Endpoint as inbound.
// Anybody but a backend app passes. Failures: 403.
func (r *Recorder) Inlet(ctx context.Context, who *access.Context) error {
	if r.o.Exchange.Unnamed || who == nil || who.Kind != access.System || who.Scopes == nil {
		return nil
	}
	endpoints, err := r.directory(ctx, "Endpoint", search.Param{Name: "status", Value: "active"}, search.Param{Name: "identifier", Value: clientSystem + "|" + escapedToken.Replace(who.Scopes.Client)})
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(endpoints, func(e tree.Node) bool {
		return r.refersTo(e.Field("managingOrganization")) != who.Organization || !clientOf(e, who.Scopes.Client)
	})
	agreed, err := r.agreedOn(ctx, inbound, who.Organization, own)
	if err != nil || agreed {
		return err
	}
	return r.barred(ctx, who, "client/"+who.Scopes.Client, unagreed("an Endpoint of "+who.Organization+" with this client's id (identifier, system "+clientSystem+")", inbound).WithStatus(http.StatusForbidden))
}

// clientOf tells whether an Endpoint has a client's id: an empty one finds all, and is
// none's.
func clientOf(endpoint tree.Node, client string) bool {
	for i := range endpoint.Field("identifier").Items() {
		if client != "" && i.Field("system").Str() == clientSystem && i.Field("value").Str() == client {
			return true
		}
	}
	return false
}

func unagreed(what, purpose string) *issue.Failure {
	return issue.Errorf(issue.Forbidden, "No agreement in force names %s as %s: parties exchange through the Endpoints of their agreement alone (Contract.term of the platform, extension exchange-endpoint).", what, purpose).
		Rule(ruleAgreed).Clause("R001-148").Chinese("现行协议的平台条款未载明该交换端点，数据仅可经协议载明的端点交换。")
}

// agreedOn tells whether an agreement in force between the managing Organization of
// one of the Endpoints and a party names that Endpoint for the purpose.
func (r *Recorder) agreedOn(ctx context.Context, purpose, party string, endpoints []tree.Node) (bool, error) {
	if party == "" || len(endpoints) == 0 {
		return false, nil
	}
	contracts, err := r.directory(ctx, "Contract", search.Param{Name: "status", Value: "executed"}, search.Param{Name: "subject", Value: party})
	for _, c := range contracts {
		named := slices.ContainsFunc(endpoints, func(e tree.Node) bool { return r.channelOf(c, e, purpose) })
		if !named || !casework.InPeriod(c.Field("applies"), r.o.Clock()) {
			continue
		}
		if signed, err := r.signedByParties(ctx, c); err != nil || signed {
			return signed, err
		}
	}
	return false, err
}

// channelOf tells whether a Contract names an Endpoint, as that of the party which
// manages it.
func (r *Recorder) channelOf(contract, endpoint tree.Node, purpose string) bool {
	party := r.refersTo(endpoint.Field("managingOrganization"))
	for term := range contract.Field("term").Items() {
		for x := range term.Field("extension").Items() {
			if x.Field("url").Str() != exchangeExtension {
				continue
			}
			said := map[string][]string{}
			for part := range x.Field("extension").Items() {
				name := part.Field("url").Str()
				said[name] = append(said[name], r.refersTo(part.Field("valueReference"))+part.Field("valueCode").Str())
			}
			if slices.Equal(said["party"], []string{party}) && slices.Equal(said["endpoint"], []string{"Endpoint/" + endpoint.Field("id").Str()}) && slices.Contains(said["purpose"], purpose) {
				return slices.Contains(r.parties(contract), party)
			}
		}
	}
	return false
}

// parties are the organisations that a Contract is between.
func (r *Recorder) parties(contract tree.Node) (all []string) {
	for s := range contract.Field("subject").Items() {
		if ref := r.refersTo(s); ref != "" {
			all = append(all, ref)
		}
	}
	return all
}

// signedByParties tells whether somebody of each party signed the Contract as it is
// now. What Contract.signer claims counts for nothing.
func (r *Recorder) signedByParties(ctx context.Context, contract tree.Node) (bool, error) {
	v, err := r.current(ctx, access.Everything{}, "Contract", contract.Field("id").Str())
	if err != nil || v == nil || v.Deleted {
		return false, err
	}
	signatures, err := r.o.Store.SignaturesOver(ctx, "Contract", v.ID)
	if err != nil {
		return false, fmt.Errorf("record: signatures: %w", err)
	}
	signed := map[string]bool{}
	for _, s := range signatures {
		if s.Version != v.Version || s.Purpose != "agreement" || s.Outcome == casework.Refused {
			continue
		}
		of, err := r.organizationOf(ctx, s.Signer)
		if err != nil {
			return false, err
		}
		signed[of] = true
	}
	parties := r.parties(contract)
	return len(parties) > 1 && !slices.ContainsFunc(parties, func(p string) bool { return !signed[p] }), nil
}

// organizationOf is the organisation of a PractitionerRole.
func (r *Recorder) organizationOf(ctx context.Context, signer string) (string, error) {
	typ, id, ok := r.local(signer)
	if !ok || typ != "PractitionerRole" {
		return "", nil
	}
	v, err := r.current(ctx, access.Everything{}, typ, id)
	if err != nil || v == nil || v.Deleted {
		return "", err
	}
	root, err := parsed(v.Body)
	return r.refersTo(root.Field("organization")), err
}

// refersTo is "Type/id" of a Reference to a resource here, without its version.
func (r *Recorder) refersTo(reference tree.Node) string {
	if typ, id, ok := r.local(reference.Field("reference").Str()); ok {
		return typ + "/" + id
	}
	return ""
}
