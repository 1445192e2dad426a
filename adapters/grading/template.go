package grading

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// template is a purpose template (§4.2 step 3): the elements that a copy may
// hold and how each is carried over. What it does not name is left out.
type template struct {
	Purpose   string
	Version   string
	Recipient string
	Ceiling   rank
	// Always are types of which no resource may be missing from the export.
	Always []string
	// People are types that are never exported and whose names, numbers and
	// addresses are looked for in what is.
	People []string
	Types  map[string]fields
}

// fields are the members of an object that are carried over.
type fields map[string]field

// field is how a member is carried over: a shape, or an object of fields.
type field struct {
	shape    shape
	required bool   // an empty concept is written as masked
	same     string // the member of the resource whose fields hold here too
	codes    []string
	fields   fields
}

// shape is the form of an element that a copy may have.
type shape string

// The shapes. None of them lets free text through.
const (
	keep          shape = "keep"           // a primitive, as it stands, if no name shows in it
	code          shape = "code"           // one of the codes that follow
	date          shape = "date"           // shifted by whole days
	period        shape = "period"         // both ends shifted
	concept       shape = "concept"        // codings only
	codingOnly    shape = "coding"         // system, version and code
	quantity      shape = "quantity"       // value, comparator, unit, system, code
	rangeShape    shape = "range"          // two quantities
	ratio         shape = "ratio"          // two quantities
	sampled       shape = "sampled"        // a waveform
	reference     shape = "reference"      // to a pseudonym
	ownIdentifier shape = "own identifier" // of the recipient's own device
	nested        shape = "nested"
	same          shape = "same"
)

var shapes = map[shape]bool{
	keep: true, date: true, period: true, concept: true, codingOnly: true, quantity: true,
	rangeShape: true, ratio: true, sampled: true, reference: true, ownIdentifier: true,
}

// UnmarshalJSON reads "shape", "concept required", "code a|b", "same name" or
// an object.
func (f *field) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		f.shape = nested
		return json.Unmarshal(b, &f.fields)
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(s, "same "); ok {
		f.shape, f.same = same, name
		return nil
	}
	if list, ok := strings.CutPrefix(s, "code "); ok {
		f.shape, f.codes = code, strings.Split(list, "|")
		return nil
	}
	s, f.required = strings.CutSuffix(s, " required")
	f.shape = shape(s)
	if !shapes[f.shape] || f.required && f.shape != concept {
		return fmt.Errorf("unknown shape %q", s)
	}
	return nil
}

func loadTemplate(name string) (*template, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	t := &template{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(t); err != nil {
		return nil, fmt.Errorf("grading: %s: %w", name, err)
	}
	if t.Version == "" || t.Ceiling == 0 || len(t.Types) == 0 {
		return nil, fmt.Errorf("grading: %s: version, ceiling or types are missing", name)
	}
	return t, nil
}
