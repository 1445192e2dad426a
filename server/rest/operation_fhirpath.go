package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/fhir/xml"
)

// Bounds of one $fhirpath: each evaluation, and what all of them may give.
const (
	fhirpathWork     = 1_000_000
	fhirpathContexts = 500
	fhirpathValues   = 10_000
	fhirpathBytes    = 8 << 20
)

// Extensions of FHIRPath Lab.
const (
	labPath = "http://fhir.forms-lab.com/StructureDefinition/resource-path"
	labJSON = "http://fhir.forms-lab.com/StructureDefinition/json-value"
	labXML  = "http://fhir.forms-lab.com/StructureDefinition/xml-value"
)

// fhirpath is POST $fhirpath with the API of FHIRPath Lab: an expression on a
// resource that the caller sends, or names and may read. Nothing else of the
// record is read: resolve() finds what lies in the resource itself.
// https://github.com/brianpos/fhirpath-lab/blob/master/server-api.md
func (d *Door) fhirpath(c *call) error {
	body, err := c.resource()
	if err != nil {
		return err
	}
	doc, err := tree.Parse(body)
	if err != nil {
		return err
	}
	in, err := d.readLab(c, doc.Root())
	if err != nil {
		return err
	}
	out, err := in.run(d.o.Model, time.Now())
	if err != nil {
		return err
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, answer)
}

// lab is what the caller asks.
type lab struct {
	expression, context string
	validate            bool
	resource            tree.Node
	given               json.RawMessage // the parameter resource, as it came
	variables           map[string]fhirpath.Collection
	listed              []json.RawMessage // the variables, as they came
	evaluator           string
}

func (d *Door) readLab(c *call, root tree.Node) (*lab, error) {
	if got := root.Field("resourceType").Str(); got != "Parameters" {
		return nil, issue.Errorf(issue.Invalid, "$fhirpath takes Parameters, the body is a %q.", clip(got)).At("resourceType").Rule("type-mismatch").
			Chinese("$fhirpath 的正文应为 Parameters。")
	}
	in := &lab{variables: map[string]fhirpath.Collection{}, evaluator: d.o.Software + " " + d.o.Version + " (R4)"}
	for p := range root.Field("parameter").Items() {
		var err error
		switch p.Field("name").Str() {
		case "expression":
			in.expression = p.Field("valueString").Str()
		case "context":
			in.context = p.Field("valueString").Str()
		case "validate":
			in.validate = p.Field("valueBoolean").Bool()
		case "variables":
			d.variable(in, p)
		case "resource":
			in.given = p.Raw()
			in.resource, err = d.labResource(c, p)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case strings.TrimSpace(in.expression) == "":
		return nil, labMissing("expression")
	case !in.resource.Exists():
		return nil, labMissing("resource")
	}
	return in, nil
}

func labMissing(name string) error {
	return issue.Errorf(issue.Required, "$fhirpath needs the parameter %s.", name).
		WithStatus(400).At("Parameters.parameter[" + name + "]").Rule("fhirpath-parameter").Chinese("缺少参数 " + name + "。")
}

// variable reads the parts of the parameter variables.
func (d *Door) variable(in *lab, p tree.Node) {
	for part := range p.Field("part").Items() {
		name := part.Field("name").Str()
		value := fhirpath.Collection{}
		for field, n := range part.Fields() {
			switch {
			case field == "resource":
				value = append(value, fhirpath.Element(n, d.o.Model.Type(n.Field("resourceType").Str())))
			case strings.HasPrefix(field, "value"):
				value = append(value, fhirpath.Element(n, d.valueType(field), part.Field("_"+field)))
			}
		}
		if name != "" {
			in.variables[name] = value
			in.listed = append(in.listed, part.Raw())
		}
	}
}

// valueType is the type of a value[x] of Parameters by its JSON name.
func (d *Door) valueType(property string) *schema.Type {
	if e := d.o.Model.Type("Parameters.parameter").Element(property); e != nil {
		return e.Type
	}
	return nil
}

// labResource is the resource to evaluate on: as a resource, as text in an
// extension, or by reference, which is read as the caller.
func (d *Door) labResource(c *call, p tree.Node) (tree.Node, error) {
	if n := p.Field("resource"); n.Exists() {
		return parsedText(n.Raw(), nil) // a document of its own: paths start there
	}
	for x := range p.Field("extension").Items() {
		text := []byte(x.Field("valueString").Str())
		switch x.Field("url").Str() {
		case labJSON:
			return parsedText(text, nil)
		case labXML:
			return parsedText(xml.ToJSON(text, d.o.Model, xml.Limits{Bytes: int(d.o.MaxBody)}))
		}
	}
	reference := p.Field("valueString").Str() + p.Field("valueUri").Str() + p.Field("valueReference").Field("reference").Str()
	reference = strings.TrimPrefix(reference, c.base+"/")
	typ, id, ok := strings.Cut(reference, "/")
	switch {
	case reference == "":
		return tree.Node{}, labMissing("resource")
	case !ok || !d.o.Model.IsResource(typ) || strings.ContainsAny(id, "/:?#"):
		return tree.Node{}, issue.Errorf(issue.Value, "The parameter resource is a resource, or a reference to one of this server such as Patient/1; got %q.", clip(reference)).
			WithStatus(400).At("Parameters.parameter[resource]").Rule("fhirpath-parameter").Chinese("参数 resource 应为资源，或本服务器上资源的引用。")
	}
	v, err := d.o.Record.Read(c.ctx(), c.who, typ, id)
	if err != nil {
		return tree.Node{}, err
	}
	return parsedText(v.Labelled(), nil)
}

func parsedText(text []byte, err error) (tree.Node, error) {
	if err != nil {
		return tree.Node{}, err
	}
	doc, err := tree.Parse(text)
	return doc.Root(), err
}
