package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// expand is https://hl7.org/fhir/R4/valueset-operation-expand.html: the codes of
// a value set.
//
//	GET  /ValueSet/$expand?url=…&filter=…&offset=0&count=20
//	POST /ValueSet/$expand                     a ValueSet, or Parameters
//	GET  /ValueSet/{id}/$expand
func (d *Door) expand(c *call) error {
	in, err := c.operationInput("valueSet", "url", "valueSet", "valueSetVersion", "filter", "offset", "count", "includeDesignations", "designation",
		"includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated", "displayLanguage", "exclude-system",
		"system-version", "check-system-version", "force-system-version")
	if err != nil {
		return err
	}
	o, err := in.expandOptions(c)
	if err != nil {
		return err
	}
	now := d.o.Definitions()
	set, definition, err := c.valueSet(in, now.Terminology, o.Versions)
	if err != nil {
		return err
	}
	if r := now.Library.Find("ValueSet", set.Canonical()); !definition.Exists() && r != nil {
		if definition, err = r.Node(); err != nil {
			return err
		}
	}
	e, err := set.Expand(o)
	if err != nil {
		return err
	}
	body, err := expanded(set, definition, e, in, d.o.Clock())
	if err != nil {
		return err
	}
	c.set("Vary", "Accept, Accept-Language, Authorization, Prefer")
	return c.send(http.StatusOK, body)
}

func (in *asked) expandOptions(c *call) (*terminology.ExpandOptions, error) {
	o := &terminology.ExpandOptions{Filter: in.text("filter"), Language: c.language(in), ExcludeSystems: in.texts["exclude-system"],
		Versions: terminology.Versions{Default: versions(in.texts["system-version"]), Force: versions(in.texts["force-system-version"])}, CheckVersions: versions(in.texts["check-system-version"])}
	for _, f := range []struct {
		name string
		to   *bool
	}{{"activeOnly", &o.ActiveOnly}, {"excludeNested", &o.Flat}, {"excludeNotForUI", &o.ExcludeAbstract}, {"includeDesignations", &o.Designations}, {"includeDefinition", &o.Definitions}} {
		var err error
		if *f.to, err = in.flag(f.name); err != nil {
			return nil, err
		}
	}
	if _, err := in.flag("excludePostCoordinated"); err != nil {
		return nil, err // there are none here to leave out
	}
	var err error
	if o.Count, err = in.number("count"); err != nil {
		return nil, err
	}
	offset, err := in.number("offset")
	if err != nil {
		return nil, err
	}
	if offset != nil {
		o.Offset = *offset
	}
	for _, token := range in.texts["designation"] {
		system, code, _ := strings.Cut(token, "|")
		if system == "urn:ietf:bcp:47" {
			o.DesignationLanguages = append(o.DesignationLanguages, code)
		} else {
			o.DesignationUses = append(o.DesignationUses, terminology.Coding{System: system, Code: code})
		}
		o.Designations = true
	}
	return o, nil
}

// versions reads "system|version" canonicals.
func versions(list []string) map[string]string {
	m := map[string]string{}
	for _, one := range list {
		if url, version, ok := strings.Cut(one, "|"); ok {
			m[url] = version
		}
	}
	return m
}

// The parts of an expansion. https://hl7.org/fhir/R4/valueset-definitions.html
type (
	expansionPart struct {
		Unclosed   []unclosedPart  `json:"extension,omitempty"`
		Identifier string          `json:"identifier,omitempty"`
		Timestamp  string          `json:"timestamp"`
		Total      int             `json:"total"`
		Offset     *int            `json:"offset,omitempty"`
		Parameter  []parameter     `json:"parameter,omitempty"`
		Contains   []containedPart `json:"contains,omitempty"`
	}
	unclosedPart struct {
		URL   string `json:"url"`
		Value bool   `json:"valueBoolean"`
	}
	containedPart struct {
		Extension   []definitionPart  `json:"extension,omitempty"`
		System      string            `json:"system,omitempty"`
		Abstract    bool              `json:"abstract,omitempty"`
		Inactive    bool              `json:"inactive,omitempty"`
		Version     string            `json:"version,omitempty"`
		Code        string            `json:"code,omitempty"`
		Display     string            `json:"display,omitempty"`
		Designation []designationPart `json:"designation,omitempty"`
		Contains    []containedPart   `json:"contains,omitempty"`
	}
	definitionPart struct {
		URL   string `json:"url"`
		Value string `json:"valueString"`
	}
	designationPart struct {
		Language string      `json:"language,omitempty"`
		Use      *codingPart `json:"use,omitempty"`
		Value    string      `json:"value"`
	}
)

// definitionURL carries a definition, for which an expansion has no element.
const (
	definitionURL = "http://hl7.org/fhir/StructureDefinition/valueset-concept-definition"
	unclosedURL   = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
)

// expanded is the value set's own bytes without compose and text, and with the
// expansion.
func expanded(set *terminology.ValueSet, n tree.Node, e *terminology.Expansion, in *asked, now time.Time) ([]byte, error) {
	part := expansionPart{Timestamp: now.UTC().Format(time.RFC3339), Total: e.Total, Contains: containedParts(e.Contains), Parameter: usedParameters(e, in)}
	if e.Paged {
		part.Offset = &e.Offset
	}
	if e.Incomplete {
		part.Unclosed = []unclosedPart{{unclosedURL, true}}
	}
	expansion, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	if n.Kind() != tree.Object {
		return implied(set, expansion)
	}
	out := []byte{'{'}
	for name, member := range n.Fields() {
		switch strings.TrimPrefix(name, "_") {
		case "compose", "expansion", "text", "contained", "id", "meta":
			continue
		}
		start, end := member.NameSpan()
		out = append(append(append(append(out, n.Doc().Src()[start:end]...), ':'), member.Raw()...), ',')
	}
	return append(append(append(out, `"expansion":`...), expansion...), '}'), nil
}

// implied is an expansion of a value set that no resource defines.
func implied(set *terminology.ValueSet, expansion []byte) ([]byte, error) {
	return json.Marshal(struct {
		ResourceType string          `json:"resourceType"`
		URL          string          `json:"url,omitempty"`
		Version      string          `json:"version,omitempty"`
		Name         string          `json:"name,omitempty"`
		Status       string          `json:"status"`
		Expansion    json.RawMessage `json:"expansion"`
	}{"ValueSet", set.URL, set.Version, set.Name, "active", expansion})
}

// usedParameters tells by which parameters, and with which code systems, it was made.
func usedParameters(e *terminology.Expansion, in *asked) (list []parameter) {
	for _, name := range in.names {
		for _, value := range in.texts[name] {
			switch name {
			case "url", "valueSet", "valueSetVersion":
			case "offset", "count":
				list = append(list, parameter{name: name, typ: "Integer", value: json.RawMessage(value)})
			case "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated", "includeDesignations", "includeDefinition":
				list = append(list, parameter{name: name, typ: "Boolean", value: value == "true"})
			case "displayLanguage":
				list = append(list, parameter{name: name, typ: "Code", value: value})
			case "exclude-system", "system-version", "check-system-version", "force-system-version":
				list = append(list, parameter{name: name, typ: "Uri", value: value})
			default:
				list = append(list, parameter{name: name, typ: "String", value: value})
			}
		}
	}
	for _, s := range e.Systems {
		canonical := s.System
		if s.Version != "" {
			canonical += "|" + s.Version
		}
		list = append(list, parameter{name: "used-codesystem", typ: "Uri", value: canonical})
	}
	return list
}

func containedParts(list []terminology.Contains) []containedPart {
	if len(list) == 0 {
		return nil
	}
	out := make([]containedPart, len(list))
	for i := range list {
		c := &list[i]
		out[i] = containedPart{System: c.System, Version: c.Version, Code: c.Code, Display: c.Display, Abstract: c.Abstract, Inactive: c.Inactive, Contains: containedParts(c.Contains)}
		if c.Definition != "" {
			out[i].Extension = []definitionPart{{definitionURL, c.Definition}}
		}
		for _, x := range c.Designations {
			one := designationPart{Language: x.Language, Value: x.Value}
			if x.Use != "" {
				use := codingOf(terminology.UseOf(x))
				one.Use = &use
			}
			out[i].Designation = append(out[i].Designation, one)
		}
	}
	return out
}
