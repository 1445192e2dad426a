package rest

import (
	"context"
	"net/http"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// Accesses is the recorder's part of the operations about access itself.
type Accesses interface {
	ExplainAccess(ctx context.Context, who *access.Context, q record.ExplainQuery) ([]byte, error)
	BreakGlass(ctx context.Context, who *access.Context, patient string, params tree.Node) ([]byte, error)
	Review(ctx context.Context, who *access.Context, task string, params tree.Node) (*record.Result, error)
}

// accessRoutes are ours: FHIR has no words for them.
func (d *Door) accessRoutes() []route {
	return []route{
		{"GET", "/:type/:id/$explain-access", d.explainAccess, false},
		{"POST", "/Patient/:id/$break-glass", d.breakGlass, false},
		{"POST", "/Task/:id/$review", d.review, false},
	}
}

var explainVerbs = map[string]access.Verb{"": access.Read, "read": access.Read, "search": access.Search, "update": access.Update, "delete": access.Delete}

// explainAccess is TYPE/ID/$explain-access?person=PractitionerRole/x&verb=read.
func (d *Door) explainAccess(c *call) error {
	q := record.ExplainQuery{Type: c.Param("type"), ID: c.Param("id"), Person: c.QueryParam("person")}
	verb, known := explainVerbs[c.QueryParam("verb")]
	if !known {
		return badAccess("$explain-access", "verb", "it takes read, search, update or delete")
	}
	q.Verb = verb
	for name, values := range c.QueryParams() {
		if name != "person" && name != "verb" && name != "_format" && name != "_pretty" || len(values) > 1 {
			return badAccess("$explain-access", name, "there is no such parameter, or it comes twice")
		}
	}
	body, err := d.o.Record.ExplainAccess(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

// breakGlass is Patient/ID/$break-glass with Parameters.
func (d *Door) breakGlass(c *call) error {
	params, err := c.parametersIn("$break-glass")
	if err != nil {
		return err
	}
	body, err := d.o.Record.BreakGlass(c.ctx(), c.who, c.Param("id"), params)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

// review is Task/ID/$review with Parameters.
func (d *Door) review(c *call) error {
	params, err := c.parametersIn("$review")
	if err != nil {
		return err
	}
	res, err := d.o.Record.Review(c.ctx(), c.who, c.Param("id"), params)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, res.Version.Labelled())
}

// parametersIn reads a body that is Parameters.
func (c *call) parametersIn(operation string) (tree.Node, error) {
	body, err := c.resource()
	if err != nil {
		return tree.Node{}, err
	}
	root, err := nodeOf(body)
	if err == nil && root.Field("resourceType").Str() != "Parameters" {
		err = badAccess(operation, "resourceType", "the body is Parameters")
	}
	return root, err
}

func badAccess(operation, name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of %s cannot be honoured: %s.", clip(name), operation, why).
		WithStatus(400).At(clip(name)).Rule("access-input").Chinese(operation + " 的参数无效。")
}
