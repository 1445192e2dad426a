package grading

import (
	"fmt"
	"slices"
	"strings"
)

// Attribute is a DICOM attribute: group in the upper 16 bits of Tag, element
// in the lower; Value is its text where it has one.
type Attribute struct {
	Tag   uint32
	Value string
}

// The attributes that decide over the whole object (§3.3, U8).
const (
	bodyPartExamined  = 0x00180015
	burnedIn          = 0x00280301
	recognizable      = 0x00280302
	fileMetaGroup     = 0x0002
	groupLengthTagLow = 0x0000
)

// GradeDICOM grades the attributes of an instance, or of a series or study
// when those of its instances are handed over together (U1).
func (t *Table) GradeDICOM(attributes []Attribute) Result {
	y := &tally{t: t}
	head := false
	for _, a := range attributes {
		v := strings.ToUpper(strings.TrimSpace(a.Value))
		switch a.Tag {
		case burnedIn, recognizable:
			y.faces = y.faces || v == "YES"
		case bodyPartExamined:
			head = head || slices.Contains(t.rules.HeadParts, v)
		}
	}
	for _, a := range attributes {
		if a.Tag>>16 == fileMetaGroup || a.Tag&0xffff == groupLengthTagLow {
			continue // how the file is written, not what it says
		}
		key := fmt.Sprintf("%08X", a.Tag)
		y.path = []string{fmt.Sprintf("(%s,%s)", key[:4], key[4:])}
		y.add(t.dicomRow(key, a.Tag, head), "H2", false)
	}
	return y.result()
}

func (t *Table) dicomRow(key string, tag uint32, head bool) *Row {
	rows := t.dicom[key]
	if tag>>16&1 == 1 {
		rows = t.dicom["private"]
	}
	var plain *Row
	for _, r := range rows {
		switch {
		case r.Qualifier == "":
			plain = r
		case r.Qualifier == "head" && head:
			return r
		}
	}
	return plain
}

// GradeAdapter grades a whole message or secret of an adapter by its path:
// "mes.message", "auth.secret"; an unknown path by the default.
func (t *Table) GradeAdapter(path string) Result {
	y := &tally{t: t, path: []string{path}}
	y.add(t.adapter[path], "H4", false)
	return y.result()
}
