package revision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"tenon/fhir/definition"
	"tenon/fhir/ig"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// largeSystem is from how many bytes on the concepts of a package's CodeSystem
// are kept apart, so that whoever looks at its head need not read them.
const largeSystem = 4 << 20

// systemOf is the body of a CodeSystem as the package keeps it: a large one
// without its concepts, which go to a code system of their own.
func (l *Loader) systemOf(ctx context.Context, f ig.File, r *definition.Resource) ([]byte, error) {
	if len(f.Body) < largeSystem || f.Node.Field("content").Str() != "complete" {
		return f.Body, nil
	}
	_, err := l.concepts(ctx, r.URL, r.Version, func(take func(*terminology.Concept) error) error {
		return readConcepts(bytes.NewReader(f.Body), take)
	})
	if err != nil {
		return nil, err
	}
	return withoutConcepts(f.Node), nil
}

// withoutConcepts is the resource with all members but concept, and says so.
func withoutConcepts(root tree.Node) []byte {
	out := []byte{'{'}
	for name, value := range root.Fields() {
		if name == "concept" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, name), ':')
		if name == "content" {
			out = append(out, `"not-present"`...)
			continue
		}
		out = append(out, value.Raw()...)
	}
	return append(out, '}')
}

// head is what must be known of a CodeSystem before its concepts.
type head struct{ URL, Version string }

// maxConceptDepth bounds how deep concepts nest.
const maxConceptDepth = 200

// readHead reads url and version, wherever they stand, and keeps nothing else.
func readHead(r io.Reader) (h head, err error) {
	d := json.NewDecoder(r)
	typ := ""
	err = members(d, func(name string) error {
		switch name {
		case "resourceType":
			return d.Decode(&typ)
		case "url":
			return d.Decode(&h.URL)
		case "version":
			return d.Decode(&h.Version)
		}
		return skip(d)
	})
	if err == nil && typ != "CodeSystem" {
		err = issue.Errorf(issue.Invalid, "It is a %q, not a CodeSystem.", typ).At("resourceType").Rule("type-mismatch").Chinese("不是 CodeSystem。")
	}
	return h, broken(err)
}

// readConcepts visits the concepts of a CodeSystem while it reads: those on the
// way to the one in hand are in memory.
func readConcepts(r io.Reader, take func(*terminology.Concept) error) error {
	x := &conceptReader{d: json.NewDecoder(r), take: take}
	return broken(members(x.d, func(name string) error {
		if name != "concept" {
			return skip(x.d)
		}
		return x.list("", 0)
	}))
}

type conceptReader struct {
	d    *json.Decoder
	take func(*terminology.Concept) error
}

// visitError is an error of the visitor, which is not one of the JSON.
type visitError struct{ error }

func (x *conceptReader) list(parent string, depth int) error {
	if depth > maxConceptDepth {
		return issue.Errorf(issue.TooCostly, "The concepts nest deeper than %d.", maxConceptDepth).At("CodeSystem.concept").Rule("code-system-depth").Chinese("概念嵌套过深。")
	}
	if err := open(x.d, '['); err != nil {
		return err
	}
	for x.d.More() {
		if err := x.one(parent, depth); err != nil {
			return err
		}
	}
	_, err := x.d.Token()
	return err
}

// one reads a concept. Its children are read as they come, before it is told
// itself; only where they stand before the code they are kept until then.
func (x *conceptReader) one(parent string, depth int) error {
	c := terminology.Concept{}
	if parent != "" {
		c.Parents = []string{parent}
	}
	var early json.RawMessage
	err := members(x.d, func(name string) error {
		switch name {
		case "code":
			return x.d.Decode(&c.Code)
		case "display":
			return x.d.Decode(&c.Display)
		case "definition":
			return x.d.Decode(&c.Definition)
		case "designation":
			return designations(x.d, &c)
		case "property":
			return properties(x.d, &c)
		case "concept":
			if c.Code == "" {
				return x.d.Decode(&early)
			}
			return x.list(c.Code, depth+1)
		}
		return skip(x.d)
	})
	if err != nil {
		return err
	}
	if c.Code == "" {
		return issue.Errorf(issue.Required, "A concept has no code.").At("CodeSystem.concept.code").Rule("code-missing").Chinese("概念缺少代码。")
	}
	if err := x.take(&c); err != nil {
		return visitError{err}
	}
	if early == nil {
		return nil
	}
	return (&conceptReader{json.NewDecoder(bytes.NewReader(early)), x.take}).list(c.Code, depth+1)
}

// The systems whose codes stand alone in terminology.Designation.
const (
	usage  = "http://terminology.hl7.org/CodeSystem/designation-usage"
	snomed = "http://snomed.info/sct"
)

func designations(d *json.Decoder, c *terminology.Concept) error {
	var list []struct {
		Language, Value string
		Use             struct{ System, Code string }
	}
	if err := d.Decode(&list); err != nil {
		return err
	}
	for _, x := range list {
		use := x.Use.Code
		if x.Use.System != "" && x.Use.System != usage && x.Use.System != snomed {
			use = x.Use.System + "|" + use
		}
		c.Designations = append(c.Designations, terminology.Designation{Language: x.Language, Use: use, Value: x.Value})
	}
	return nil
}

// properties reads the value[x] of https://hl7.org/fhir/R4/codesystem.html
func properties(d *json.Decoder, c *terminology.Concept) error {
	var list []struct {
		Code          string
		ValueCode     *string
		ValueString   *string
		ValueInteger  *json.Number
		ValueDecimal  *json.Number
		ValueBoolean  *bool
		ValueDateTime *string
		ValueCoding   *struct{ System, Code string }
	}
	if err := d.Decode(&list); err != nil {
		return err
	}
	for _, x := range list {
		p := terminology.Property{Code: x.Code}
		switch {
		case x.ValueCode != nil:
			p.Type, p.Value = "code", *x.ValueCode
		case x.ValueString != nil:
			p.Type, p.Value = "string", *x.ValueString
		case x.ValueInteger != nil:
			p.Type, p.Value = "integer", x.ValueInteger.String()
		case x.ValueDecimal != nil:
			p.Type, p.Value = "decimal", x.ValueDecimal.String()
		case x.ValueBoolean != nil:
			p.Type, p.Value = "boolean", strconv.FormatBool(*x.ValueBoolean)
		case x.ValueDateTime != nil:
			p.Type, p.Value = "dateTime", *x.ValueDateTime
		case x.ValueCoding != nil:
			p.Type, p.Value = "Coding", x.ValueCoding.System+"|"+x.ValueCoding.Code
		}
		if p.Type == "code" && (p.Code == "parent" || p.Code == "subsumedBy") {
			c.Parents = append(c.Parents, p.Value)
		}
		c.Properties = append(c.Properties, p)
	}
	return nil
}

// members reads an object and calls each with the name of every member, whose
// value it must read.
func members(d *json.Decoder, each func(name string) error) error {
	if err := open(d, '{'); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func open(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("found %v, expected %v", t, want)
	}
	return err
}

// skip reads a value and keeps nothing of it.
func skip(d *json.Decoder) error {
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// broken tells a fault of the JSON as an issue, and lets others through.
func broken(err error) error {
	if v, ok := errors.AsType[visitError](err); ok {
		return v.error
	}
	if err == nil || issue.As(err) != nil {
		return err
	}
	return issue.Errorf(issue.Structure, "The CodeSystem cannot be read: %v.", err).Rule("json-syntax").Chinese("CodeSystem 无法解析。")
}
