package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/revision"
)

// serverOf is the server itself, writing for an organisation ("" for nobody).
func serverOf(organization string) *access.Context {
	return &access.Context{Tenant: "main", Kind: access.Server, Principal: "server", Organization: organization}
}

// rounds is how often the definitions are compared when another server loads its
// own at the same time.
const rounds = 5

// define stores the embedded definitions where they are absent or differ; a case
// keeps the version of the plan that it was opened with. The database remembers
// under which revision of definitions it had this guide whole, so that nothing is
// compared while nothing changes. A guide that a newer one has replaced is not
// loaded again by a server of before: while servers are upgraded one by one, the
// definitions only move forward. With --dev it is.
func (a *App) define(ctx context.Context) error {
	digest := profiles.Digest(a.guide)
	for range rounds {
		number, err := a.Store.Definitions(ctx)
		if err != nil {
			return err
		}
		guides, err := a.Store.Guides(ctx)
		if err != nil || guides[digest] == number {
			return err
		}
		if replaced(guides, digest) && !a.Config.Dev {
			a.log.Warn("the database holds the definitions of a newer version; those of this version are not loaded")
			return nil
		}
		d, err := a.lacking(ctx)
		if err != nil {
			return err
		}
		if len(d.Ops) == 0 {
			return a.Store.NoteGuide(ctx, digest, number)
		}
		_, err = a.Recorder.Submit(ctx, serverOf(""), d)
		if is := issue.As(err); is != nil && (is.HTTPStatus() == http.StatusPreconditionFailed || is.HTTPStatus() == http.StatusConflict) {
			continue // another server was first: look again
		}
		if err != nil {
			return fmt.Errorf("definitions: %w", err)
		}
	}
	return errors.New("definitions: other servers keep changing them")
}

// replaced tells whether the guide was loaded once, and another after it.
func replaced(guides map[string]int64, digest string) bool {
	own, there := guides[digest]
	if !there {
		return false
	}
	for _, number := range guides {
		if number > own {
			return true
		}
	}
	return false
}

// lacking is what has to be written so that the database holds the embedded
// definitions; nothing of it is written when another server was faster.
func (a *App) lacking(ctx context.Context) (*record.Draft, error) {
	type held struct {
		version int64
		body    []byte
	}
	there, types := map[string]held{}, map[string]bool{}
	roots := make([]tree.Node, len(a.guide))
	for i, body := range a.guide {
		doc, err := tree.Parse(body)
		if err != nil {
			return nil, fmt.Errorf("definition: %w", err)
		}
		roots[i] = doc.Root()
		types[roots[i].Field("resourceType").Str()] = true
	}
	err := a.Store.Bodies(ctx, slices.Sorted(maps.Keys(types)), func(p revision.Posted, body []byte) error {
		there[p.Type+"/"+p.ID] = held{p.Version, body}
		return nil
	})
	d := &record.Draft{Door: "cli", Operation: "define"}
	for i, root := range roots {
		op := record.Op{Method: "PUT", Type: root.Field("resourceType").Str(), ID: root.Field("id").Str(), Body: bytes.Clone(a.guide[i]), IfNoneMatch: "*"}
		if h, ok := there[op.Type+"/"+op.ID]; ok {
			if sameDefinition(h.body, root) {
				continue
			}
			op.IfMatch, op.IfNoneMatch = strconv.FormatInt(h.version, 10), ""
		}
		d.Ops = append(d.Ops, op)
	}
	return d, err
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
