package index

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
)

// MaxExtra bounds the extra attributes of a server, and maxHeld the values of one
// that an instance brings.
const (
	MaxExtra = 64
	maxHeld  = 64
)

// ParseExtra reads an extra attribute as the configuration names it: its level
// and a path of tags or keywords divided by dots.
//
//	study:PatientComments
//	instance:KVP
//	series:RequestAttributesSequence.ScheduledProcedureStepDescription
func ParseExtra(s string) (*Attribute, error) {
	level, path, ok := strings.Cut(s, ":")
	a := &Attribute{Level: map[string]Level{"study": StudyLevel, "series": SeriesLevel, "instance": InstanceLevel}[level]}
	if !ok || a.Level == 0 {
		return nil, fmt.Errorf("%q: study:, series: or instance: must stand before the attribute", s)
	}
	tags, d, ok := ParsePath(path)
	if !ok {
		return nil, fmt.Errorf("%q: no attribute of the DICOM dictionary", s)
	}
	if LookupPath(tags) != nil {
		return nil, fmt.Errorf("%q: this attribute is indexed anyway", s)
	}
	if a.Kind, ok = kindOf(d.VR); !ok {
		return nil, fmt.Errorf("%q: values of %s cannot be matched", s, d.VR)
	}
	a.Tag, a.Path = d.Tag, tags
	return a, nil
}

// MaxPath bounds the sequences that lead to an attribute.
const MaxPath = 8

// ParsePath reads tags or keywords divided by dots; all but the last are
// sequences. The definition is that of the last one.
func ParsePath(s string) (path []dicom.Tag, last dicom.Definition, ok bool) {
	for name := range strings.SplitSeq(s, ".") {
		if len(path) == MaxPath || len(path) > 0 && last.VR != dicom.SQ {
			return nil, last, false
		}
		if last, ok = dicom.ParseAttribute(name); !ok {
			return nil, last, false
		}
		path = append(path, last.Tag)
	}
	return path, last, true
}

// kindOf is how values of a VR are matched.
func kindOf(v dicom.VR) (Kind, bool) {
	switch v {
	case dicom.DA:
		return Date, true
	case dicom.TM:
		return Time, true
	case dicom.UI:
		return UID, true
	case dicom.PN:
		return Name, true
	case dicom.IS, dicom.US, dicom.SS, dicom.UL, dicom.SL:
		return Integer, true
	case dicom.DS, dicom.FL, dicom.FD:
		return Decimal, true
	case dicom.AE, dicom.AS, dicom.CS, dicom.DT, dicom.LO, dicom.SH, dicom.LT, dicom.ST, dicom.UC, dicom.UR, dicom.UT:
		return Text, true
	}
	return 0, false
}

// Key is the path of an extra attribute in dicom_value, its level before it.
func (a *Attribute) Key() string {
	key := []byte{"-SEI"[a.Level]}
	for i, t := range a.Path {
		key = append(append(key, ":."[min(i, 1)]), t.String()...)
	}
	return string(key)
}

// NormaliseDecimal is the shortest form of a number, or "".
func NormaliseDecimal(s string) string {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// Values are the rows of extra attributes that an instance brings: metadata is
// its DICOM JSON.
func Values(metadata []byte, k Key, extra []*Attribute) ([]*Value, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	var set dataSet
	if err := json.Unmarshal(metadata, &set); err != nil {
		return nil, fmt.Errorf("index: DICOM JSON: %w", err)
	}
	var list []*Value
	for _, a := range extra {
		v := &Value{Path: a.Key(), UID: [...]string{"", k.Study, k.Series, k.Instance}[a.Level]}
		if a.collect(set, a.Path, v); len(v.Values) > 0 {
			list = append(list, v)
		}
	}
	return list, nil
}

// dataSet is DICOM JSON of which only the values are read.
type dataSet map[string]struct{ Value []json.RawMessage }

// collect adds the values at the end of a path, through all items.
func (a *Attribute) collect(set dataSet, path []dicom.Tag, to *Value) {
	for _, raw := range set[path[0].String()].Value {
		if len(path) == 1 {
			a.add(raw, to)
			continue
		}
		var item dataSet
		if json.Unmarshal(raw, &item) == nil {
			a.collect(item, path[1:], to)
		}
	}
}

// add adds one value in the form in which it is matched.
func (a *Attribute) add(raw json.RawMessage, to *Value) {
	text := string(raw)
	var name struct{ Alphabetic, Ideographic, Phonetic string }
	forms := []string{}
	switch {
	case a.Kind == Name && json.Unmarshal(raw, &name) == nil:
		forms = FoldNames(name.Alphabetic + "=" + name.Ideographic + "=" + name.Phonetic)
	case a.Kind == Decimal && text[0] != '"':
		forms = append(forms, NormaliseDecimal(text))
	case text != "null" && (text[0] != '"' || json.Unmarshal(raw, &text) == nil):
		forms = append(forms, Normalise(a.Kind, text))
	}
	for _, f := range forms {
		if f != "" && len(to.Values) < maxHeld && !slices.Contains(to.Values, f) {
			to.Values = append(to.Values, f)
		}
	}
}
