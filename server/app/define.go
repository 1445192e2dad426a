package app

import (
	"bytes"
	"context"
	"fmt"

	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/record"
)

// serverOf is the server itself, writing for an organisation ("" for nobody).
func serverOf(organization string) *access.Context {
	return &access.Context{Tenant: "main", Kind: access.Server, Principal: "server", Organization: organization}
}

// define stores the embedded definitions where they are absent or differ; a case
// keeps the version of the plan that it was opened with.
func (a *App) define(ctx context.Context) error {
	d := &record.Draft{Door: "cli", Operation: "define"}
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil {
			return fmt.Errorf("definition: %w", err)
		}
		root := doc.Root()
		typ, id := root.Field("resourceType").Str(), root.Field("id").Str()
		stored, err := directory{a.Store}.Resource(ctx, typ, id)
		if err != nil {
			return err
		}
		if stored == nil || !sameDefinition(stored, root) {
			d.Ops = append(d.Ops, record.Op{Method: "PUT", Type: typ, ID: id, Body: bytes.Clone(body)})
		}
	}
	if len(d.Ops) == 0 {
		return nil
	}
	if _, err := a.Recorder.Submit(ctx, serverOf(""), d); err != nil {
		return fmt.Errorf("definitions: %w", err)
	}
	return nil
}

// sameDefinition tells whether what is stored is the embedded definition, but for
// what a server adds to it. What is stored is what came in, so bytes are compared.
func sameDefinition(stored []byte, root tree.Node) bool {
	doc, err := tree.Parse(stored)
	if err != nil {
		return false
	}
	members := 0
	for name, child := range doc.Root().Fields() {
		if name == "meta" {
			continue
		}
		members++
		if !bytes.Equal(child.Raw(), root.Field(name).Raw()) {
			return false
		}
	}
	for name := range root.Fields() {
		if name != "meta" {
			members--
		}
	}
	return members == 0
}

// sample loads the sample organisations and people once.
func (a *App) sample(ctx context.Context) error {
	if !a.Config.Dev && !a.Config.Sample {
		return nil
	}
	there, err := directory{a.Store}.Resource(ctx, "Organization", "hospital")
	if err != nil || there != nil {
		return err
	}
	for i, bundle := range profiles.Sample() {
		if _, err := a.Recorder.Transaction(ctx, serverOf(profiles.SampleOwner(i)), bundle, record.Bundled{}); err != nil {
			return fmt.Errorf("sample: %w", err)
		}
	}
	return nil
}
