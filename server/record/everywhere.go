package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/search"
)

// What happens outside of any case and concerns many: an account is closed or
// opened again, a device type is stopped. A message of the outbox, written in the
// unit of what happened, has every case of it looked at as if a timer of the case
// fell due: one unit a case, each once, so that a delivery that was cut off is
// repeated without harm.

// everywhere ends the kind of such a message; what stands before it is the kind of
// the timer that each case gets.
const everywhere = "-everywhere"

// concern is the body of such a message, and of the timers that follow from it.
type concern struct {
	Case  string `json:"case"`
	About string `json:"about"`
	From  string `json:"from"`
}

// accounts adds a message for every organisation whose account the draft closes or
// opens again.
func (p *preparation) accounts() error {
	for _, w := range p.writes {
		if w == nil || w.typ != "Organization" || w.before == nil || w.before.Deleted || w.version.Deleted {
			continue
		}
		was, err := parsed(w.before.Body)
		if err != nil {
			return err
		}
		if open(was) == open(w.root) {
			continue
		}
		about := w.typ + "/" + w.id
		body, err := json.Marshal(concern{About: about, From: p.at.UTC().Format("2006-01-02T15:04:05.000Z07:00")})
		if err != nil {
			return err
		}
		p.unit.Outbox = append(p.unit.Outbox, dispatch.Message{Tenant: p.r.o.Tenant, Sink: "deadline", Kind: "account" + everywhere,
			Key: fmt.Sprintf("account/%s/%d", about, w.version.Version), Body: body, Created: p.at})
	}
	return nil
}

func open(organization tree.Node) bool {
	active := organization.Field("active")
	return !active.Exists() || active.Bool()
}

// deliverEverywhere hands a message to every case that it concerns.
func (t Timers) deliverEverywhere(ctx context.Context, m dispatch.Message) error {
	var about concern
	if err := json.Unmarshal(m.Body, &about); err != nil {
		return &dispatch.Permanent{Err: fmt.Errorf("record: %s: %w", m.Key, err)}
	}
	cases, err := t.Recorder.concerned(ctx, about.About)
	if err != nil {
		return err
	}
	for _, id := range cases {
		about.Case = id
		body, err := json.Marshal(about)
		if err != nil {
			return err
		}
		one := dispatch.Message{Sink: m.Sink, Kind: strings.TrimSuffix(m.Kind, everywhere), Key: m.Key + "/" + id, Case: id, Body: body}
		if err := t.Deliver(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// concerned are the cases of an organisation or product family.
func (r *Recorder) concerned(ctx context.Context, about string) ([]string, error) {
	queries := map[string][]string{
		"Organization":     {"Task?owner=%s&status=in-progress&code=urn:tenon:stage|case", "Contract?subject=%s"},
		"DeviceDefinition": {"DeviceDefinition?parent=%s", "DeviceRequest?device-type=%s"},
	}
	typ, _, _ := strings.Cut(about, "/")
	var all []string
	for _, q := range queries[typ] {
		found, query, _ := strings.Cut(fmt.Sprintf(q, about), "?")
		err := r.each(ctx, found, query, func(h search.Hit) error {
			cases, err := r.o.Store.CasesOf(ctx, h.Type, h.ID)
			all = append(all, cases...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// each visits all that a query finds, page by page.
func (r *Recorder) each(ctx context.Context, typ, query string, visit func(search.Hit) error) error {
	params, err := search.ParseQuery(query)
	if err != nil {
		return err
	}
	server := &access.Context{Tenant: r.o.Tenant, Kind: access.Server, Principal: "server"}
	plan, _, err := r.parse(server, typ, params, true)
	if err != nil {
		return err
	}
	for plan.Count = 500; ; {
		page, err := r.o.Store.Search(ctx, plan)
		if err != nil {
			return fmt.Errorf("record: cases of %s: %w", query, err)
		}
		for _, h := range page.Hits {
			if err := visit(h); err != nil {
				return err
			}
		}
		if page.Next == nil {
			return nil
		}
		plan.After = page.Next
	}
}
