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

// define stores the embedded definitions where they are absent or another
// version of them stands; a case keeps the version that it was opened with.
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
		if stored == nil || !sameVersion(stored, root) {
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

func sameVersion(stored []byte, root tree.Node) bool {
	doc, err := tree.Parse(stored)
	return err == nil && versionOf(doc.Root()) == versionOf(root)
}

// versionOf is the version of a definition; an ObservationDefinition has that
// element from R5 on only, so an extension bears it.
func versionOf(root tree.Node) string {
	for e := range root.Field("extension").Items() {
		if e.Field("url").Str() == "urn:tenon:extension:version" {
			return e.Field("valueString").Str()
		}
	}
	return root.Field("version").Str()
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
