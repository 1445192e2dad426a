package record

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// Exchange says through which channels data leave this server (clauses 5.4.4 and
// 5.5.4). The zero value lets them go nowhere but to named Endpoints.
type Exchange struct {
	// Unnamed lets data go to addresses that no Endpoint of the directory and no
	// agreement names, and backends come in that none does.
	Unnamed bool
	// Region is the ISO 3166 code of the country that data do not leave; "" for none.
	Region string
}

// Rules of refusals; the audit row of one has it as operation.
const (
	ruleUnnamed = "exchange-endpoint"
	ruleAgreed  = "exchange-agreement"
	ruleAbroad  = "region-abroad"
)

// mostEndpoints bounds how many Endpoints, and Locations of one, are looked at.
const mostEndpoints = 1000

// Outlet refuses an address that data may not be sent to: one that no active
// Endpoint names; whose Endpoint no agreement in force between its managing
// Organization and that of the sender names as outbound; or whose Endpoint is not in
// the region by the address of its managing Organization and of every Location that
// it serves. entity is what would send ("Subscription/x"), for the audit. Failures:
// 422.
func (r *Recorder) Outlet(ctx context.Context, who *access.Context, entity, address string) error {
	endpoints, err := r.endpointsAt(ctx, address)
	if err != nil {
		return err
	}
	if len(endpoints) == 0 && !r.o.Exchange.Unnamed {
		return r.barred(ctx, who, entity, issue.Errorf(issue.Forbidden,
			"No active Endpoint names this address: parties exchange through named Endpoints alone. An administrator names one (Endpoint.address, managingOrganization).").
			WithStatus(http.StatusUnprocessableEntity).At("Subscription.channel.endpoint").Rule(ruleUnnamed).Clause("R001-148").Chinese("该地址未在登记的交换端点（Endpoint）中，数据仅可经登记端点交换。"))
	}
	for _, e := range endpoints {
		countries, err := r.countriesOf(ctx, e)
		if err != nil {
			return err
		}
		if r.abroad(countries) {
			return r.barred(ctx, who, entity, r.outside("the Endpoint of this address", countries).At("Subscription.channel.endpoint"))
		}
	}
	if r.o.Exchange.Unnamed {
		return nil
	}
	agreed, err := r.agreedOn(ctx, outbound, who.Organization, endpoints)
	if err != nil || agreed {
		return err
	}
	return r.barred(ctx, who, entity, unagreed("the Endpoint of this address", outbound).WithStatus(http.StatusUnprocessableEntity).At("Subscription.channel.endpoint"))
}

// Confine refuses who acts for an organisation outside of the region, or for one
// whose country is not on file: what he exports would be kept there. A machine that
// belongs to no organisation is nowhere, too. Who is of none else (the operator, a
// patient with his own record) is not held. Failures: 403.
func (r *Recorder) Confine(ctx context.Context, who *access.Context, entity string) error {
	if r.o.Exchange.Region == "" || who == nil || who.Organization == "" && who.Kind != access.System {
		return nil
	}
	countries, err := r.countriesAt(ctx, who.Organization)
	if err != nil || !r.abroad(countries) {
		return err
	}
	what := who.Organization
	if what == "" {
		what = who.Principal
	}
	return r.barred(ctx, who, entity, r.outside(what, countries).WithStatus(http.StatusForbidden))
}

func (r *Recorder) outside(what string, countries []string) *issue.Failure {
	where := strings.Join(countries, ", ")
	if where == "" {
		where = "in no country that is on file (address.country)"
	}
	return issue.Errorf(issue.Forbidden, "Data do not leave %s, and %s is %s.", r.o.Exchange.Region, what, where).
		WithStatus(http.StatusUnprocessableEntity).Rule(ruleAbroad).Clause("R001-143").Chinese("数据不得出境：接收方不在 " + r.o.Exchange.Region + " 境内。")
}

// barred audits a refusal, with its rule as the reason.
func (r *Recorder) barred(ctx context.Context, who *access.Context, entity string, f *issue.Failure) error {
	row := r.audit(who, "E", f.Issues[0].Rule, entity, f.HTTPStatus())
	if err := r.o.Store.Audit(ctx, []Audit{row}); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	return f
}

// abroad tells whether a country is another than the region, or none is known.
func (r *Recorder) abroad(countries []string) bool {
	if r.o.Exchange.Region == "" {
		return false
	}
	return len(countries) == 0 || slices.ContainsFunc(countries, func(c string) bool { return !strings.EqualFold(c, r.o.Exchange.Region) })
}

// endpointsAt are the active Endpoints whose address an address is, or is below.
func (r *Recorder) endpointsAt(ctx context.Context, address string) (all []tree.Node, err error) {
	asked, err := url.Parse(address)
	if err != nil {
		return nil, issue.Errorf(issue.Value, "The address cannot be read.").WithStatus(http.StatusUnprocessableEntity).Rule(ruleUnnamed)
	}
	found, err := r.directory(ctx, "Endpoint", search.Param{Name: "status", Value: "active"})
	for _, e := range found {
		if named, err := url.Parse(e.Field("address").Str()); err == nil && below(named, asked) {
			all = append(all, e)
		}
	}
	return all, err
}

// below tells whether an address is at or below another one.
func below(named, asked *url.URL) bool {
	if named.Host == "" || !strings.EqualFold(named.Host, asked.Host) || !strings.EqualFold(named.Scheme, asked.Scheme) || asked.User != nil {
		return false
	}
	base := strings.TrimSuffix(named.Path, "/")
	return (asked.Path == base || strings.HasPrefix(asked.Path, base+"/")) && !strings.Contains(asked.Path, "..")
}

// countriesOf are the countries of an Endpoint.
func (r *Recorder) countriesOf(ctx context.Context, endpoint tree.Node) ([]string, error) {
	all, err := r.countriesAt(ctx, endpoint.Path("managingOrganization", "reference").Str())
	if err != nil {
		return nil, err
	}
	places, err := r.directory(ctx, "Location", search.Param{Name: "endpoint", Value: "Endpoint/" + endpoint.Field("id").Str()})
	for _, l := range places {
		if c := countryOf(l.Path("address", "country").Str()); c != "" {
			all = append(all, c)
		}
	}
	return all, err
}

// countriesAt are those of the addresses of an organisation.
func (r *Recorder) countriesAt(ctx context.Context, organization string) (all []string, err error) {
	typ, id, ok := r.local(organization)
	if !ok || typ != "Organization" {
		return nil, nil
	}
	v, err := r.current(ctx, access.Everything{}, typ, id)
	if err != nil || v == nil || v.Deleted {
		return nil, err
	}
	root, err := parsed(v.Body)
	if err != nil {
		return nil, err
	}
	for a := range root.Field("address").Items() {
		if c := countryOf(a.Field("country").Str()); c != "" {
			all = append(all, c)
		}
	}
	return all, nil
}

// countryOf is a country as its ISO 3166 code of two letters where the usual other
// spellings of China stand for one.
func countryOf(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if slices.Contains([]string{"CHN", "CHINA", "PRC", "中国", "中华人民共和国"}, s) {
		return "CN"
	}
	return s
}

// directory reads what the server finds of a type.
func (r *Recorder) directory(ctx context.Context, typ string, params ...search.Param) (all []tree.Node, err error) {
	plan, _, err := r.parse(&access.Context{Tenant: r.o.Tenant, Kind: access.Server, Principal: "server"}, typ, params, true)
	if err != nil {
		return nil, err
	}
	plan.Count, plan.MaxBytes = mostEndpoints, searchBytes
	page, err := r.o.Store.Search(ctx, plan)
	if err != nil {
		return nil, fmt.Errorf("record: search %s: %w", typ, err)
	}
	for _, hit := range page.Hits {
		root, err := parsed(hit.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, root)
	}
	return all, nil
}
