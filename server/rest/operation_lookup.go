package rest

import (
	"encoding/json"
	"slices"
	"strings"

	"tenon/fhir/terminology"
)

// lookup is https://hl7.org/fhir/R4/codesystem-operation-lookup.html: what is
// known of a code. Without property it tells all; property narrows the
// properties, and designation and the language codes "lang.zh-CN" the
// designations.
//
//	GET  /CodeSystem/$lookup?system=…&code=…
//	POST /CodeSystem/$lookup                  Parameters with coding
func (d *Door) lookup(c *call) error {
	in, err := c.operationInput("", "code", "system", "version", "coding", "displayLanguage", "property")
	if err != nil {
		return err
	}
	codings, _, err := in.codings("version")
	if err != nil {
		return err
	}
	found, err := d.o.Definitions().Terminology.Lookup(codings[0], c.language(in))
	if err != nil {
		return err
	}
	return c.parameters(described(found, in.texts["property"]))
}

// described writes the details of a code that are wanted.
func described(d *terminology.Details, properties []string) []parameter {
	wants := func(name string) bool { return len(properties) == 0 || slices.Contains(properties, name) }
	list := text([]parameter{{name: "name", typ: "String", value: d.Name}}, "version", "String", d.Version)
	display := d.Display
	if display == "" {
		display = d.Code // R4 wants one
	}
	list = append(list, parameter{name: "display", typ: "String", value: display})
	for _, x := range d.Designations {
		if !wants("designation") && !slices.Contains(properties, "lang."+x.Language) {
			continue
		}
		part := text(nil, "language", "Code", x.Language)
		if x.Use != "" {
			part = append(part, parameter{name: "use", typ: "Coding", value: codingOf(terminology.UseOf(x))})
		}
		list = append(list, parameter{name: "designation", part: append(part, parameter{name: "value", typ: "String", value: x.Value})})
	}
	add := func(code, typ string, value any, description string) {
		if wants(code) {
			list = append(list, parameter{name: "property", part: text([]parameter{{name: "code", typ: "Code", value: code}, {name: "value", typ: typ, value: value}}, "description", "String", description)})
		}
	}
	if d.Definition != "" {
		add("definition", "String", d.Definition, "")
	}
	if d.Abstract {
		add("abstract", "Boolean", true, "")
	}
	for _, p := range d.Parents {
		add("parent", "Code", p.Code, p.Display)
	}
	for _, p := range d.Children {
		add("child", "Code", p.Code, p.Display)
	}
	for _, p := range d.Properties {
		description := d.PropertyDisplays[p.Value]
		if description == "" {
			description = d.Descriptions[p.Code]
		}
		add(p.Code, strings.ToUpper(p.Type[:1])+p.Type[1:], propertyValue(p), description)
	}
	return list
}

// propertyValue is the value as JSON has it.
func propertyValue(p terminology.Property) any {
	switch p.Type {
	case "boolean":
		return p.Value == "true"
	case "integer", "decimal":
		if json.Valid([]byte(p.Value)) {
			return json.RawMessage(p.Value)
		}
	case "Coding":
		at := strings.LastIndexByte(p.Value, '|')
		return codingPart{System: p.Value[:max(at, 0)], Code: p.Value[at+1:]}
	}
	return p.Value
}
