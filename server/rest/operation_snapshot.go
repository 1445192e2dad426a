package rest

import (
	"net/http"

	"tenon/fhir/issue"
	"tenon/fhir/snapshot"
	"tenon/fhir/tree"
)

// snapshot is https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html:
// the StructureDefinition with its snapshot made of the differential. It is
// stored nowhere.
//
//	POST /StructureDefinition/$snapshot        a StructureDefinition, or Parameters with definition or url
//	POST /StructureDefinition/{id}/$snapshot   the stored one; GET too
func (d *Door) snapshot(c *call) error {
	sd, err := d.unexpanded(c)
	if err != nil {
		return err
	}
	made, err := snapshot.Generate(sd, d.o.Definitions().Library)
	if f := issue.As(err); f != nil {
		return f.WithStatus(422)
	}
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, made)
}

// unexpanded is the definition that is asked about.
func (d *Door) unexpanded(c *call) (tree.Node, error) {
	if id := c.Param("id"); id != "" {
		v, err := d.o.Record.Read(c.ctx(), c.who, "StructureDefinition", id)
		if err != nil {
			return tree.Node{}, err
		}
		return nodeOf(v.Body)
	}
	if url := c.QueryParam("url"); url != "" {
		return d.definition(url)
	}
	if c.Request().Method != http.MethodPost {
		return tree.Node{}, noDefinition()
	}
	body, err := c.resource()
	if err != nil {
		return tree.Node{}, err
	}
	root, err := nodeOf(body)
	if err != nil || root.Field("resourceType").Str() != "Parameters" {
		return root, err
	}
	for p := range root.Field("parameter").Items() {
		switch p.Field("name").Str() {
		case "definition":
			return nodeOf(p.Field("resource").Raw())
		case "url":
			return d.definition(p.Field("valueString").Str() + p.Field("valueUri").Str() + p.Field("valueCanonical").Str())
		}
	}
	return tree.Node{}, noDefinition()
}

// definition finds a StructureDefinition in force by its canonical URL.
func (d *Door) definition(url string) (tree.Node, error) {
	r := d.o.Definitions().Library.Find("StructureDefinition", url)
	if r == nil {
		return tree.Node{}, issue.Errorf(issue.NotFound, "No StructureDefinition %q is known here.", clip(url)).
			At("url").Rule("definition-unknown").Chinese("未找到该 StructureDefinition。")
	}
	return r.Node()
}

func nodeOf(body []byte) (tree.Node, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return tree.Node{}, err
	}
	return doc.Root(), nil
}

func noDefinition() error {
	return issue.Errorf(issue.Required, "$snapshot needs a StructureDefinition: as the body, as the parameter definition, or by its url.").
		WithStatus(400).Rule("snapshot-parameter").Chinese("$snapshot 需要一个 StructureDefinition。")
}
