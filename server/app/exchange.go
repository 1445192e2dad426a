package app

import (
	"context"
	"errors"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
)

// Exchange says through which channels data leave this server and backends come in.
type Exchange struct {
	Endpoints string `help:"Where subscriptions send to: named (active Endpoint resources that an agreement in force names alone; backends come in through such ones too) or any. With --dev: any." default:"named" enum:"named,any" env:"TENON_EXCHANGE_ENDPOINTS"`
	Region    string `help:"Country (ISO 3166) that data do not leave by subscription, export or MES, nor to whom no country is on file for; any for none." default:"CN" env:"TENON_EXCHANGE_REGION"`
}

func (e *Exchange) validate() error {
	if e.Endpoints != "" && e.Endpoints != "named" && e.Endpoints != "any" {
		return errors.New("exchange-endpoints: it is neither named nor any")
	}
	if r := e.Region; r != "" && r != "any" && (len(r) != 2 || strings.ToUpper(r) != r) {
		return errors.New("exchange-region: it is neither a code of two capital letters nor any")
	}
	return nil
}

// exchange is what the recorder holds everybody to.
func (c *Config) exchange() record.Exchange {
	x := record.Exchange{Unnamed: c.Dev || c.Exchange.Endpoints == "any", Region: c.Exchange.Region}
	switch x.Region {
	case "":
		x.Region = "CN"
	case "any":
		x.Region = ""
	}
	return x
}

// confined is a sink whose messages go to a machine that an organisation owns: not
// to one outside of the region.
type confined struct {
	dispatch.Sink
	app    *App
	device string // id of the Device
}

// Deliver implements dispatch.Sink.
func (c confined) Deliver(ctx context.Context, m dispatch.Message) error {
	owner, err := c.app.ownerOf(ctx, c.device)
	if err != nil {
		return err
	}
	who := &access.Context{Tenant: "main", Kind: access.System, Principal: "Device/" + c.device, Organization: owner}
	if err := c.app.Recorder.Confine(ctx, who, "Device/"+c.device); issue.As(err) != nil {
		return &dispatch.Permanent{Err: err}
	} else if err != nil {
		return err
	}
	return c.Sink.Deliver(ctx, m)
}

// ownerOf is the organisation that a Device belongs to, "" where none is on file.
func (a *App) ownerOf(ctx context.Context, device string) (string, error) {
	body, err := directory{a.Store}.Resource(ctx, "Device", device)
	if err != nil || body == nil {
		return "", err
	}
	doc, err := tree.Parse(body)
	if err != nil {
		return "", err
	}
	return doc.Root().Path("owner", "reference").Str(), nil
}
