package rest

import (
	"context"

	"tenon/fhir/graphql"
	"tenon/server/record"
	"tenon/server/search"
)

// Search is a search by REST, strictly read.
func (s *graphqlSource) Search(ctx context.Context, typ string, params []graphql.Param, total bool) (*graphql.Page, error) {
	c := s.c
	var asked, all []search.Param
	first := true
	for _, p := range params {
		asked = append(asked, search.Param(p))
		switch p.Name {
		case "_cursor":
			first = false
		case "_count", "_sort":
		default:
			all = append(all, search.Param(p))
		}
	}
	found, told, err := c.door.o.Record.Search(ctx, c.who, typ, asked, true)
	if err != nil {
		return nil, err
	}
	page := &graphql.Page{}
	for i := range found.Hits {
		h := &found.Hits[i]
		n, err := nodeOf(record.Labelled(h.Body, h.Level, h.Integrity))
		if err != nil {
			return nil, err
		}
		page.Hits = append(page.Hits, graphql.Hit{Resource: n, Mode: map[bool]string{true: "include", false: "match"}[h.Included]})
	}
	if first {
		page.Offset = new(int64)
	}
	cursor := func(at *search.Cursor) string {
		if at == nil {
			return ""
		}
		query := told.Page(at)
		return query[len(query)-1].Value
	}
	page.Next, page.Previous = cursor(found.Next), cursor(found.Previous)
	if total { // apart, so that a cursor is good with and without it
		counted, _, err := c.door.o.Record.Search(ctx, c.who, typ, append(all, search.Param{Name: "_summary", Value: "count"}), true)
		if err != nil {
			return nil, err
		}
		page.Total = counted.Total
	}
	return page, nil
}
