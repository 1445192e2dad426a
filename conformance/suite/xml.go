package suite

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// fromXML reads a resource in XML as the JSON that it stands for, as far as
// paths need it: every element is a list, every primitive a string.
// https://hl7.org/fhir/R4/xml.html
func fromXML(raw []byte) (any, error) {
	d := xml.NewDecoder(strings.NewReader(string(raw)))
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Space != "http://hl7.org/fhir" {
				return nil, errors.New("the root is not in the namespace http://hl7.org/fhir")
			}
			v, err := element(d, start)
			if m, ok := v.(map[string]any); ok {
				m["resourceType"] = start.Name.Local
			}
			return v, err
		}
	}
}

func element(d *xml.Decoder, start xml.StartElement) (any, error) {
	fields := map[string]any{}
	value, primitive := "", false
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "value":
			value, primitive = a.Value, true
		case "id", "url":
			fields[a.Name.Local] = a.Value
		}
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := element(d, t)
			if err != nil {
				return nil, err
			}
			add(fields, t.Name.Local, child)
		case xml.EndElement:
			if primitive {
				return value, nil
			}
			return fields, nil
		}
	}
}

// add puts a child to its siblings; a resource inside of another element loses
// the element of its type.
func add(fields map[string]any, name string, child any) {
	if name[0] >= 'A' && name[0] <= 'Z' {
		if m, ok := child.(map[string]any); ok {
			for k, v := range m {
				fields[k] = v
			}
		}
		fields["resourceType"] = name
		return
	}
	list, _ := fields[name].([]any)
	fields[name] = append(list, child)
}
