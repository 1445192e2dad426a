package dicom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxGaps bounds the empty values that one document leaves out.
const maxGaps = 65_536

// ParseXML reads a Native DICOM Model document as an object of the DICOM JSON
// model. A *Fault says what cannot be read; the reader bounds the length.
func ParseXML(r io.Reader) ([]byte, error) {
	x := &xmlReader{d: xml.NewDecoder(r)}
	root, err := x.start()
	if err != nil {
		return nil, err
	}
	if root == nil || root.Name.Local != "NativeDicomModel" || !native(root.Name.Space) {
		return nil, x.fault("the root element is not NativeDicomModel")
	}
	set, err := x.dataSet(0)
	if err != nil {
		return nil, err
	}
	if next, err := x.start(); next != nil || err != nil {
		return nil, errors.Join(x.fault("something follows the data set"), err)
	}
	return json.Marshal(set)
}

func native(space string) bool { return space == "" || space == nativeNamespace }

type xmlReader struct {
	d    *xml.Decoder
	gaps int
}

func (x *xmlReader) fault(format string, args ...any) error {
	line, column := x.d.InputPos()
	return &Fault{Reason: Malformed, Text: fmt.Sprintf(format, args...) + fmt.Sprintf(" (line %d, column %d)", line, column)}
}

// start gives the next element that begins; nil: what holds it ends.
func (x *xmlReader) start() (*xml.StartElement, error) {
	for {
		t, err := x.d.Token()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if _, broken := errors.AsType[*xml.SyntaxError](err); broken {
			return nil, x.fault("the XML is not well-formed")
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return &t, nil
		case xml.EndElement:
			return nil, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, x.fault("there is text where elements stand")
			}
		case xml.Directive:
			return nil, x.fault("a document type is not taken")
		}
	}
}

// text gives the text of an element that holds nothing else.
func (x *xmlReader) text() (string, error) {
	var b strings.Builder
	for {
		t, err := x.d.Token()
		if err != nil {
			return "", x.fault("the XML is not well-formed")
		}
		switch t := t.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return b.String(), nil
		case xml.StartElement, xml.Directive:
			return "", x.fault("there is an element where text stands")
		}
	}
}

// private is an element whose block its creator tells.
type private struct {
	tag     Tag
	creator string
	a       *attribute
}

// dataSet reads the attributes up to the end of what holds them.
func (x *xmlReader) dataSet(depth int) (map[string]*attribute, error) {
	if depth > maxModel {
		return nil, x.fault("more than %d items within each other", maxModel)
	}
	set, own := map[string]*attribute{}, []private(nil)
	for {
		e, err := x.start()
		if err != nil {
			return nil, err
		}
		if e == nil {
			return set, x.place(set, own)
		}
		t, ok := ParseTag(attributeOf(e, "tag"))
		if e.Name.Local != "DicomAttribute" || !native(e.Name.Space) || !ok {
			return nil, x.fault("<%.40s> is no DicomAttribute with a tag of eight hexadecimal digits", e.Name.Local)
		}
		a, err := x.attribute(t, attributeOf(e, "vr"), depth)
		if err != nil {
			return nil, err
		}
		if creator := attributeOf(e, "privateCreator"); creator != "" && t.Private() {
			own = append(own, private{t, creator, a})
			continue
		}
		if set[t.String()] != nil {
			return nil, x.fault("%v occurs twice", t)
		}
		set[t.String()] = a
	}
}

// place gives private elements the block of their creator, or the first free one.
func (x *xmlReader) place(set map[string]*attribute, own []private) error {
	for _, p := range own {
		group, block := p.tag&0xFFFF0000, Tag(0)
		for b := Tag(0x10); b <= 0xFF && block == 0; b++ {
			a := set[(group | b).String()]
			var creator string
			if a == nil {
				raw, _ := json.Marshal(p.creator) // a text
				set[(group|b).String()], block = &attribute{VR: "LO", Value: []json.RawMessage{raw}}, b
			} else if len(a.Value) > 0 && json.Unmarshal(a.Value[0], &creator) == nil && creator == p.creator {
				block = b
			}
		}
		t := group | block<<8 | p.tag&0xFF
		if block == 0 || set[t.String()] != nil {
			return x.fault("%v of its creator occurs twice, or there is no block for it", p.tag)
		}
		set[t.String()] = p.a
	}
	return nil
}

func attributeOf(e *xml.StartElement, name string) string {
	i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == name && a.Name.Space == "" })
	if i < 0 {
		return ""
	}
	return e.Attr[i].Value
}

// attribute reads the values of one.
func (x *xmlReader) attribute(t Tag, vr string, depth int) (*attribute, error) {
	a := &attribute{VR: vr}
	for {
		e, err := x.start()
		if e == nil || err != nil {
			return a, err
		}
		switch e.Name.Local {
		case "Value", "PersonName", "Item":
			if err := x.fill(a, attributeOf(e, "number")); err != nil {
				return nil, err
			}
			value, err := x.value(e.Name.Local, vr, depth)
			if err != nil {
				return nil, err
			}
			a.Value = append(a.Value, value)
		case "InlineBinary":
			text, err := x.text()
			if err != nil {
				return nil, err
			}
			a.InlineBinary = strings.Join(strings.Fields(text), "")
		case "BulkData":
			if a.BulkDataURI = attributeOf(e, "uri"); a.BulkDataURI == "" {
				return nil, x.fault("BulkData of %v has no uri", t)
			}
			if _, err := x.text(); err != nil {
				return nil, err
			}
		default:
			return nil, x.fault("<%.40s> is nothing that %v can hold", e.Name.Local, t)
		}
	}
}

// fill puts empty values where numbers are left out.
func (x *xmlReader) fill(a *attribute, number string) error {
	n, err := strconv.Atoi(number)
	if err != nil || n <= len(a.Value) {
		return x.fault("values are numbered from 1 on, each more than the one before")
	}
	for ; len(a.Value) < n-1; a.Value = append(a.Value, json.RawMessage("null")) {
		if x.gaps++; x.gaps > maxGaps {
			return x.fault("more than %d values are left out", maxGaps)
		}
	}
	return nil
}

func (x *xmlReader) value(kind, vr string, depth int) (json.RawMessage, error) {
	switch {
	case kind == "Item" && vr == "SQ":
		set, err := x.dataSet(depth + 1)
		if err != nil {
			return nil, err
		}
		return json.Marshal(set)
	case kind == "PersonName" && vr == "PN":
		return x.person()
	case kind != "Value" || vr == "SQ" || vr == "PN":
		return nil, x.fault("a value of VR %.4q is no <%s>", vr, kind)
	}
	text, err := x.text()
	switch {
	case err != nil:
		return nil, err
	case text == "":
		return json.RawMessage("null"), nil
	case slices.Contains(numbered, vr) && json.Valid([]byte(text)) && strings.ContainsRune("-0123456789", rune(text[0])):
		return json.RawMessage(text), nil
	}
	return json.Marshal(text)
}

// numbered are the VRs whose values are numbers in the JSON model.
var numbered = []string{"DS", "IS", "FL", "FD", "SL", "SS", "UL", "US", "SV", "UV"}

// person reads the component groups of a name.
func (x *xmlReader) person() (json.RawMessage, error) {
	groups := map[string]string{}
	for {
		g, err := x.start()
		if err != nil {
			return nil, err
		}
		if g == nil {
			return json.Marshal(groups)
		}
		name := g.Name.Local
		if name != "Alphabetic" && name != "Ideographic" && name != "Phonetic" || groups[name] != "" {
			return nil, x.fault("<%.40s> is no component group, or is there twice", name)
		}
		if groups[name], err = x.components(); err != nil {
			return nil, err
		}
		if groups[name] == "" {
			delete(groups, name)
		}
	}
}

var components = [...]string{"FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"}

// components joins those of one group.
func (x *xmlReader) components() (string, error) {
	var list [len(components)]string
	for {
		e, err := x.start()
		if err != nil {
			return "", err
		}
		if e == nil {
			return strings.TrimRight(strings.Join(list[:], "^"), "^"), nil
		}
		i := slices.Index(components[:], e.Name.Local)
		if i < 0 || list[i] != "" {
			return "", x.fault("<%.40s> is no component of a name, or is there twice", e.Name.Local)
		}
		if list[i], err = x.text(); err != nil {
			return "", err
		}
	}
}
