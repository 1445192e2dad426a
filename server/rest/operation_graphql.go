package rest

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/graphql"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/server/record"
)

// Bounds of one $graphql.
const (
	graphqlTime = 30 * time.Second
	graphqlBody = 1 << 20
)

// graphqlRoutes are https://hl7.org/fhir/R4/resource-operation-graphql.html
func (d *Door) graphqlRoutes() []route {
	return []route{
		{"GET", "/$graphql", d.graphql, false},
		{"POST", "/$graphql", d.graphql, false},
		{"GET", "/:type/:id/$graphql", d.graphql, false},
		{"POST", "/:type/:id/$graphql", d.graphql, false},
	}
}

// graphql answers a query in the form of GraphQL, its errors too.
// https://hl7.org/fhir/R4/graphql.html
func (d *Door) graphql(c *call) error {
	answer, err := d.graphqlAnswer(c)
	if err == nil {
		return c.sendJSON(http.StatusOK, answer)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = issue.Errorf(issue.TooCostly, "The query takes longer than %s; ask for less.", graphqlTime).
			WithStatus(http.StatusServiceUnavailable).Rule("graphql-limit").Chinese("查询超时，请缩小范围。")
	}
	f := issue.As(err)
	if f == nil {
		return err
	}
	return c.sendJSON(f.HTTPStatus(), graphql.Refusal(err, f))
}

func (d *Door) graphqlAnswer(c *call) ([]byte, error) {
	q, err := c.graphqlRequest()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), graphqlTime)
	defer cancel()
	if id := c.Param("id"); id != "" {
		v, err := d.o.Record.Read(ctx, c.who, c.Param("type"), id)
		if err != nil {
			return nil, err
		}
		if q.Instance, err = nodeOf(v.Labelled()); err != nil {
			return nil, err
		}
	}
	source := &graphqlSource{c: c, known: map[string][]graphql.Parameter{}}
	return d.graph.Run(ctx, graphql.Env{Source: source, Writer: source, Now: d.o.Clock()}, q)
}

// sendJSON sends what is JSON but no resource.
func (c *call) sendJSON(status int, body []byte) error {
	c.set("Content-Type", "application/json; charset=utf-8")
	body = c.coded(body)
	c.set("Content-Length", strconv.Itoa(len(body)))
	c.Response().WriteHeader(status)
	if c.Request().Method != http.MethodHead {
		_, _ = c.Response().Write(body) // the client has gone: nobody to tell
	}
	return nil
}

// graphqlRequest reads what is asked: from the query of a GET, from a body of
// GraphQL, from JSON as GraphQL over HTTP has it, or from Parameters.
func (c *call) graphqlRequest() (q graphql.Request, err error) {
	in := c.QueryParams()
	q.Query, q.Operation = in.Get("query"), in.Get("operationName")
	vars := in.Get("variables")
	if c.Request().Method == http.MethodPost {
		return q, c.graphqlBody(&q)
	}
	q.ReadOnly = true
	if vars != "" {
		if q.Variables, err = nodeOf([]byte(vars)); err != nil {
			return q, err
		}
	}
	if q.Query == "" {
		return q, noQuery()
	}
	return q, nil
}

func noQuery() error {
	return issue.Errorf(issue.Required, "The request holds no query.").WithStatus(400).At("query").Rule("graphql-query").Chinese("缺少 query。")
}

func (c *call) graphqlBody(q *graphql.Request) error {
	media, _, err := mime.ParseMediaType(c.header("Content-Type"))
	f, fhir := formatOf(media)
	if err != nil || media != "application/graphql" && !fhir {
		return badMedia(c.header("Content-Type"), "application/json, application/graphql, application/fhir+json")
	}
	body, err := c.body(graphqlBody)
	switch {
	case err != nil:
		return err
	case media == "application/graphql":
		q.Query = string(body)
	case f == formatXML:
		if body, err = xml.ToJSON(body, c.door.o.Model, xml.Limits{Bytes: graphqlBody}); err != nil {
			return err
		}
		fallthrough
	default:
		if err := graphqlJSON(q, body); err != nil {
			return err
		}
	}
	if q.Query == "" {
		return noQuery()
	}
	return nil
}

// graphqlJSON reads a body of JSON: {query, operationName, variables}, or Parameters.
func graphqlJSON(q *graphql.Request, body []byte) error {
	root, err := nodeOf(body)
	if err != nil {
		return err
	}
	if root.Field("resourceType").Str() == "Parameters" {
		for p := range root.Field("parameter").Items() {
			if p.Field("name").Str() == "query" {
				q.Query = p.Field("valueString").Str()
			}
		}
		return nil
	}
	q.Query, q.Operation, q.Variables = root.Field("query").Str(), root.Field("operationName").Str(), root.Field("variables")
	return nil
}

// graphqlSource reads and writes for a query as the caller: each through the
// recorder, with its audit.
type graphqlSource struct {
	c     *call
	known map[string][]graphql.Parameter // by type
}

// Read reads a reference to a resource of this server.
func (s *graphqlSource) Read(ctx context.Context, reference string) (tree.Node, error) {
	c := s.c
	parts := strings.Split(strings.TrimPrefix(reference, c.base+"/"), "/")
	var v *record.Version
	err := error(issue.Errorf(issue.NotFound, "The reference does not lead to a resource of this server.").Rule("graphql-reference").Chinese("该引用不指向本服务器的资源。"))
	switch {
	case !c.door.o.Model.IsResource(parts[0]):
	case len(parts) == 2:
		v, err = c.door.o.Record.Read(ctx, c.who, parts[0], parts[1])
	case len(parts) == 4 && parts[2] == "_history":
		if n, bad := strconv.ParseInt(parts[3], 10, 64); bad == nil && n > 0 {
			v, err = c.door.o.Record.ReadVersion(ctx, c.who, parts[0], parts[1], n)
		}
	}
	if err != nil {
		return tree.Node{}, err
	}
	return nodeOf(v.Labelled())
}

// Parameters are those that the server answers.
func (s *graphqlSource) Parameters(typ string) []graphql.Parameter {
	if list, ok := s.known[typ]; ok {
		return list
	}
	list := []graphql.Parameter{{Name: "_filter", Type: "special"}, {Name: "_list", Type: "special"}}
	for _, p := range served(s.c.door.o.Definitions().Search, typ) {
		list = append(list, graphql.Parameter{Name: p.Code, Type: p.Type})
	}
	s.known[typ] = list
	return list
}

// written is what a mutation stored, and where.
func (s *graphqlSource) written(r *record.Result, err error) (tree.Node, string, error) {
	if err != nil {
		return tree.Node{}, "", err
	}
	v := r.Version
	n, err := nodeOf(v.Labelled())
	return n, s.c.base + "/" + v.Type + "/" + v.ID + "/_history/" + strconv.FormatInt(v.Version, 10), err
}

// Create is https://hl7.org/fhir/R4/http.html#create
func (s *graphqlSource) Create(_ context.Context, typ string, resource []byte) (tree.Node, string, error) {
	return s.written(s.c.one("create", record.Op{Method: "POST", Type: typ, Body: resource}))
}

// Update is https://hl7.org/fhir/R4/http.html#update
func (s *graphqlSource) Update(_ context.Context, typ, id string, resource []byte) (tree.Node, string, error) {
	return s.written(s.c.one("update", record.Op{Method: "PUT", Type: typ, ID: id, Body: resource}))
}

// Delete is https://hl7.org/fhir/R4/http.html#delete
func (s *graphqlSource) Delete(_ context.Context, typ, id string) error {
	_, err := s.c.one("delete", record.Op{Method: "DELETE", Type: typ, ID: id})
	return err
}
