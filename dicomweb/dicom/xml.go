package dicom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The Native DICOM Model, written from DICOM JSON, which holds the same.
// https://dicom.nema.org/medical/dicom/current/output/html/part19.html#chapter_A

const nativeNamespace = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

// AppendXML appends a DICOM JSON object as a Native DICOM Model document.
func AppendXML(dst, object []byte) ([]byte, error) {
	w := &xmlWriter{}
	w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<NativeDicomModel xmlns="` + nativeNamespace + `" xml:space="preserve">`)
	if err := w.dataSet(object, 0); err != nil {
		return dst, fmt.Errorf("dicom: XML of DICOM JSON: %w", err)
	}
	w.WriteString("</NativeDicomModel>")
	return append(dst, w.Bytes()...), nil
}

type xmlWriter struct{ bytes.Buffer }

// attribute is one attribute of DICOM JSON.
type attribute struct {
	VR           string            `json:"vr"`
	Value        []json.RawMessage `json:"Value"`
	BulkDataURI  string            `json:"BulkDataURI"`
	InlineBinary string            `json:"InlineBinary"`
}

// maxModel bounds the items within items.
const maxModel = 64

func (w *xmlWriter) dataSet(object []byte, depth int) error {
	if depth > maxModel {
		return fmt.Errorf("more than %d items within each other", maxModel)
	}
	var set map[string]*attribute
	if err := json.Unmarshal(object, &set); err != nil {
		return err
	}
	tags := make([]string, 0, len(set))
	for tag := range set {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	for _, tag := range tags {
		t, ok := ParseTag(tag)
		if !ok || set[tag] == nil {
			return fmt.Errorf("%.20q is no attribute", tag)
		}
		w.begin(t, set[tag].VR, set)
		if err := w.value(set[tag], depth); err != nil {
			return err
		}
		w.WriteString("</DicomAttribute>")
	}
	return nil
}

// begin writes the start tag. The block of a private element is told by its
// creator, not by its number (PS3.19 table A.1.5-2).
func (w *xmlWriter) begin(t Tag, vr string, set map[string]*attribute) {
	creator := ""
	if t.Private() && t.Element() >= 0x1000 {
		a := set[(t&0xFFFF0000 | Tag(t.Element()>>8)).String()]
		if a != nil && len(a.Value) > 0 && json.Unmarshal(a.Value[0], &creator) == nil && creator != "" {
			t &= 0xFFFF00FF
		}
	}
	w.WriteString(`<DicomAttribute tag="` + t.String() + `" vr="`)
	w.text(vr)
	if d, ok := Lookup(t); ok && d.Keyword != "" {
		w.WriteString(`" keyword="` + d.Keyword)
	}
	if creator != "" {
		w.WriteString(`" privateCreator="`)
		w.text(creator)
	}
	w.WriteString(`">`)
}

func (w *xmlWriter) value(a *attribute, depth int) error {
	switch {
	case a.BulkDataURI != "":
		w.WriteString(`<BulkData uri="`)
		w.text(a.BulkDataURI)
		w.WriteString(`"/>`)
	case a.InlineBinary != "":
		w.element("InlineBinary", "", a.InlineBinary)
	}
	for i, raw := range a.Value {
		number := ` number="` + strconv.Itoa(i+1) + `"`
		switch a.VR {
		case "SQ":
			w.WriteString("<Item" + number + ">")
			if err := w.dataSet(raw, depth+1); err != nil {
				return err
			}
			w.WriteString("</Item>")
		case "PN":
			if err := w.person(raw, number); err != nil {
				return err
			}
		default:
			text := string(raw)
			if text == "null" {
				text = ""
			} else if text[0] == '"' {
				if err := json.Unmarshal(raw, &text); err != nil {
					return err
				}
			}
			w.element("Value", number, text)
		}
	}
	return nil
}

// person writes a name by its component groups and their components.
func (w *xmlWriter) person(raw json.RawMessage, number string) error {
	var groups struct{ Alphabetic, Ideographic, Phonetic string }
	if err := json.Unmarshal(raw, &groups); err != nil {
		return err
	}
	w.WriteString("<PersonName" + number + ">")
	for _, g := range [...][2]string{{"Alphabetic", groups.Alphabetic}, {"Ideographic", groups.Ideographic}, {"Phonetic", groups.Phonetic}} {
		if g[1] == "" {
			continue
		}
		w.WriteString("<" + g[0] + ">")
		parts := strings.SplitN(g[1], "^", 5)
		for i, name := range components {
			if i < len(parts) && parts[i] != "" {
				w.element(name, "", parts[i])
			}
		}
		w.WriteString("</" + g[0] + ">")
	}
	w.WriteString("</PersonName>")
	return nil
}

func (w *xmlWriter) element(name, attributes, text string) {
	w.WriteString("<" + name + attributes + ">")
	w.text(text)
	w.WriteString("</" + name + ">")
}

// text escapes; what XML cannot hold becomes U+FFFD.
func (w *xmlWriter) text(s string) {
	_ = xml.EscapeText(&w.Buffer, []byte(s)) // a Buffer takes all
}
