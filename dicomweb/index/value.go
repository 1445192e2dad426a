package index

import "tenon/dicomweb/dicom"

// Value are rows of dicom_value: what a study, a series or an instance holds of
// an extra attribute, or a name by its words. Writing it adds to what is there.
type Value struct {
	Path   string // see Attribute.Key, WordsKey and GroupsKey
	UID    string // of the study, the series or the instance
	Values []string
}

// NameValues are the rows of the names of a study.
func (s *Study) NameValues() []*Value {
	var list []*Value
	for i := range Attributes {
		a := &Attributes[i]
		if a.Kind != Name {
			continue
		}
		name := *a.Field(&Result{Study: *s}).(*string)
		if words := Words(name); words != nil {
			list = append(list, &Value{Path: WordsKey(a.Tag), UID: s.UID, Values: words})
		}
		if groups := FoldNames(name); groups != nil && a.Tag != dicom.PatientName { // which has dicom_name
			list = append(list, &Value{Path: GroupsKey(a.Tag), UID: s.UID, Values: groups})
		}
	}
	return list
}
