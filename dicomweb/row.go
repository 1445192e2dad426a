package dicomweb

import (
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

// arrival is one instance on its way in: its rows, and what is to be said of it.
type arrival struct {
	study    index.Study
	series   index.Series
	instance index.Instance
	extra    []*index.Value
	refused  *refusal
	warning  string // "" or what is suspicious
	repeated bool   // it was stored before, byte for byte

	made     *derivation    // what the object was made of, or nil
	note     *rejectionNote // it is one, or nil
	hidden   *refusal       // it was rejected before
	replaced bool           // a corrected one stands in the place of these bytes
	foreign  *refusal       // nobody is known by its Patient ID, and it is to be kept apart
	also     *index.Held    // a row that its unit carries
}

func (a *arrival) key() index.Key {
	return index.Key{Study: a.study.UID, Series: a.series.UID, Instance: a.instance.UID}
}

// maxText bounds a column; DICOM's longest short text has 64 characters, and
// what is longer is not for matching.
const maxText = 1024

// identify takes the UIDs, so that even a refused instance can be named.
func (a *arrival) identify(f *dicom.File) {
	a.study.UID = f.String(dicom.StudyInstanceUID)
	a.series.UID = f.String(dicom.SeriesInstanceUID)
	a.instance.UID = f.String(dicom.SOPInstanceUID)
	a.instance.SOPClass = f.String(dicom.SOPClassUID)
	a.series.Study, a.instance.Study, a.instance.Series = a.study.UID, a.study.UID, a.series.UID
}

// fill copies the indexed attributes from the data set.
func (a *arrival) fill(f *dicom.File) {
	a.identify(f)
	r := index.Result{Study: a.study, Series: a.series, Instance: a.instance}
	for i := range index.Attributes {
		at := &index.Attributes[i]
		switch field := at.Field(&r).(type) {
		case *string:
			if *field == "" {
				*field = a.column(f, at)
			}
		case **int64:
			if n, ok := f.Int(at.Tag); ok {
				*field = &n
			}
		}
	}
	requested(f, &r.Series)
	r.Series.Institution = r.Study.InstitutionName
	r.Study.Names = index.FoldNames(r.Study.PatientName)
	r.Study.Series, r.Study.Instances, r.Series.Instances = nil, nil, nil
	r.Study.Modalities, r.Study.SOPClasses = "", ""
	r.Instance.TransferSyntax = f.Syntax.UID
	a.study, a.series, a.instance = r.Study, r.Series, r.Instance
}

// column is the normalised value of a text column; a date or time that is none
// is left empty and warned of.
func (a *arrival) column(f *dicom.File, at *index.Attribute) string {
	e, _ := f.Find(-1, at.Tag)
	if e == nil {
		return ""
	}
	values := f.Texts(e)
	if len(values) == 0 {
		return ""
	}
	value := values[0]
	switch at.Kind {
	case index.List:
		value = strings.Join(values, `\`)
	case index.Name:
		value = strings.TrimRight(value, "= ")
	}
	if len(value) > maxText {
		value = strings.ToValidUTF8(value[:maxText], "")
	}
	normalised := index.Normalise(at.Kind, value)
	if normalised == "" && value != "" && a.warning == "" {
		a.warning = at.Tag.String() + " is not in the form of its value representation; it is stored, but not searchable"
	}
	return normalised
}

// requested takes the first item of Request Attributes Sequence (0040,0275).
func requested(f *dicom.File, s *index.Series) {
	_, seq := f.Find(-1, 0x00400275)
	if seq == 0 {
		return
	}
	for item := range f.Children(seq) {
		s.ScheduledStepID = f.StringIn(item, 0x00400009)
		s.RequestedProcedure = f.StringIn(item, 0x00401001)
		return
	}
}

// judge refuses what cannot be kept under its UIDs, and notes what is
// suspicious.
func (a *arrival) judge(f *dicom.File, urlStudy string) *refusal {
	for _, c := range []struct{ name, uid string }{
		{"StudyInstanceUID (0020,000D)", a.study.UID}, {"SeriesInstanceUID (0020,000E)", a.series.UID},
		{"SOPInstanceUID (0008,0018)", a.instance.UID}, {"SOPClassUID (0008,0016)", a.instance.SOPClass},
	} {
		if !validUID(c.uid) {
			return &refusal{reasonPatient, c.name + " is missing or no UID"}
		}
	}
	if urlStudy != "" && a.study.UID != urlStudy {
		return &refusal{reasonStudy, "StudyInstanceUID (0020,000D) is not the study of the URL"}
	}
	if uid := f.String(dicom.MediaSOPInstance); uid != "" && uid != a.instance.UID {
		return &refusal{reasonPatient, "MediaStorageSOPInstanceUID (0002,0003) is not SOPInstanceUID (0008,0018)"}
	}
	for _, t := range f.Repeated() {
		if identifying(t) {
			return &refusal{reasonUnreadable, t.String() + " occurs twice with different values"}
		}
	}
	if a.warning == "" && f.Charset().Unknown() {
		a.warning = "SpecificCharacterSet (0008,0005) is none of the standard; letters beyond ASCII cannot be read"
	}
	if t, reason := f.FrameTable(); t == nil && reason != "" && a.warning == "" && !f.Pixels.Encapsulated {
		a.warning = reason
	}
	return nil
}

// identifying tells whether the element says which instance or whose it is.
func identifying(t dicom.Tag) bool {
	switch t {
	case dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.StudyInstanceUID, dicom.SeriesInstanceUID,
		dicom.PatientID, dicom.PatientName, dicom.CharacterSet, dicom.PixelData, dicom.TransferSyntaxUID, dicom.MediaSOPInstance:
		return true
	}
	return false
}
