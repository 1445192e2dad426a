package feed

import (
	"context"
	"encoding/json"
	"errors"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// server is who writes the status of a subscription.
var server = &access.Context{Tenant: "main", Kind: access.Server, Principal: "server"}

// show makes the resource say the status of its subscription, as a version that
// the server writes.
func (e *Engine) show(ctx context.Context, id, status, reason string) error {
	v, err := e.o.Store.Read(ctx, access.Everything{}, "Subscription", id)
	if errors.Is(err, record.ErrAbsent) || err == nil && v.Deleted {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		return err
	}
	if doc.Root().Field("status").Str() != status {
		patch := map[string]any{"status": status, "error": nil}
		if reason != "" {
			patch["error"] = reason
		}
		body, err := json.Marshal(patch)
		if err != nil {
			return err
		}
		_, err = e.record.Submit(ctx, server, &record.Draft{Door: "fhir", Operation: "subscription-status", Ops: []record.Op{
			{Method: "PATCH", Type: "Subscription", ID: id, Format: record.MergePatch, Body: body},
		}})
		if f := issue.As(err); f != nil && (f.HTTPStatus() == 404 || f.HTTPStatus() == 410) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
	}
	return e.o.Store.Shown(ctx, id, status)
}
