package index

import "tenon/dicomweb/dicom"

// Kind is how an attribute is kept and matched.
type Kind uint8

// The kinds. All but Integer are text columns.
const (
	Text    Kind = iota // exact or wildcard, case-sensitive (PS3.4 §C.2.2.2)
	UID                 // exact or list
	Date                // YYYYMMDD, ranges
	Time                // HHMMSS or HHMMSS.F…, ranges
	Name                // wildcard without case, over the component groups
	List                // several values divided by backslash; one must match
	Integer             // exact; the column is an integer, null where absent
	Decimal             // exact by value; of extra attributes only
)

// Attribute is one key of QIDO-RS: a column of one level, or an extra attribute
// with rows of its own (see ParseExtra).
type Attribute struct {
	Tag    dicom.Tag
	Level  Level
	Kind   Kind
	Column string // "": an extra attribute
	// Field points to the value in a Result: *string, or **int64 for Integer.
	Field func(*Result) any
	// Path leads through sequences to an extra attribute, Tag last; nil: a column.
	Path []dicom.Tag
}

// Attributes are all the columns by level that a query can match and return,
// but for keys, reach and Content. The order is that of the columns.
var Attributes = []Attribute{
	{0x0020000D, StudyLevel, UID, "uid", func(r *Result) any { return &r.Study.UID }, nil},
	{0x00080020, StudyLevel, Date, "study_date", func(r *Result) any { return &r.Study.Date }, nil},
	{0x00080030, StudyLevel, Time, "study_time", func(r *Result) any { return &r.Study.Time }, nil},
	{0x00080050, StudyLevel, Text, "accession_number", func(r *Result) any { return &r.Study.AccessionNumber }, nil},
	{0x00080061, StudyLevel, List, "modalities", func(r *Result) any { return &r.Study.Modalities }, nil},
	{0x00080062, StudyLevel, List, "sop_classes", func(r *Result) any { return &r.Study.SOPClasses }, nil},
	{0x00080090, StudyLevel, Name, "referring_physician", func(r *Result) any { return &r.Study.ReferringPhysician }, nil},
	{0x00080201, StudyLevel, Text, "timezone", func(r *Result) any { return &r.Study.Timezone }, nil},
	{0x00081030, StudyLevel, Text, "description", func(r *Result) any { return &r.Study.Description }, nil},
	{0x00100010, StudyLevel, Name, "patient_name", func(r *Result) any { return &r.Study.PatientName }, nil},
	{0x00100020, StudyLevel, Text, "patient_id", func(r *Result) any { return &r.Study.PatientID }, nil},
	{0x00100021, StudyLevel, Text, "patient_id_issuer", func(r *Result) any { return &r.Study.PatientIDIssuer }, nil},
	{0x00100030, StudyLevel, Date, "patient_birth_date", func(r *Result) any { return &r.Study.PatientBirthDate }, nil},
	{0x00100040, StudyLevel, Text, "patient_sex", func(r *Result) any { return &r.Study.PatientSex }, nil},
	{0x00080080, StudyLevel, Text, "institution_name", func(r *Result) any { return &r.Study.InstitutionName }, nil},
	{0x00200010, StudyLevel, Text, "study_id", func(r *Result) any { return &r.Study.ID }, nil},
	{0x00201206, StudyLevel, Integer, "series", func(r *Result) any { return &r.Study.Series }, nil},
	{0x00201208, StudyLevel, Integer, "instances", func(r *Result) any { return &r.Study.Instances }, nil},

	{0x0020000E, SeriesLevel, UID, "uid", func(r *Result) any { return &r.Series.UID }, nil},
	{0x00080060, SeriesLevel, Text, "modality", func(r *Result) any { return &r.Series.Modality }, nil},
	{0x00080021, SeriesLevel, Date, "series_date", func(r *Result) any { return &r.Series.Date }, nil},
	{0x00080031, SeriesLevel, Time, "series_time", func(r *Result) any { return &r.Series.Time }, nil},
	{0x00080070, SeriesLevel, Text, "manufacturer", func(r *Result) any { return &r.Series.Manufacturer }, nil},
	{0x00081010, SeriesLevel, Text, "station_name", func(r *Result) any { return &r.Series.StationName }, nil},
	{0x0008103E, SeriesLevel, Text, "description", func(r *Result) any { return &r.Series.Description }, nil},
	{0x00081090, SeriesLevel, Text, "manufacturer_model", func(r *Result) any { return &r.Series.ManufacturerModel }, nil},
	{0x00180015, SeriesLevel, Text, "body_part", func(r *Result) any { return &r.Series.BodyPart }, nil},
	{0x00181030, SeriesLevel, Text, "protocol", func(r *Result) any { return &r.Series.Protocol }, nil},
	{0x00200011, SeriesLevel, Integer, "number", func(r *Result) any { return &r.Series.Number }, nil},
	{0x00200052, SeriesLevel, UID, "frame_of_reference", func(r *Result) any { return &r.Series.FrameOfReference }, nil},
	{0x00200060, SeriesLevel, Text, "laterality", func(r *Result) any { return &r.Series.Laterality }, nil},
	{0x00201209, SeriesLevel, Integer, "instances", func(r *Result) any { return &r.Series.Instances }, nil},
	{0x00400244, SeriesLevel, Date, "performed_date", func(r *Result) any { return &r.Series.PerformedDate }, nil},
	{0x00400245, SeriesLevel, Time, "performed_time", func(r *Result) any { return &r.Series.PerformedTime }, nil},
	{0x00400253, SeriesLevel, Text, "performed_step_id", func(r *Result) any { return &r.Series.PerformedStepID }, nil},
	{0x00400009, SeriesLevel, Text, "scheduled_step_id", func(r *Result) any { return &r.Series.ScheduledStepID }, nil},
	{0x00401001, SeriesLevel, Text, "requested_procedure", func(r *Result) any { return &r.Series.RequestedProcedure }, nil},

	{0x00080018, InstanceLevel, UID, "uid", func(r *Result) any { return &r.Instance.UID }, nil},
	{0x00080016, InstanceLevel, UID, "sop_class", func(r *Result) any { return &r.Instance.SOPClass }, nil},
	{0x00080008, InstanceLevel, List, "image_type", func(r *Result) any { return &r.Instance.ImageType }, nil},
	{0x00080022, InstanceLevel, Date, "acquired_date", func(r *Result) any { return &r.Instance.AcquiredDate }, nil},
	{0x00080023, InstanceLevel, Date, "content_date", func(r *Result) any { return &r.Instance.ContentDate }, nil},
	{0x00080032, InstanceLevel, Time, "acquired_time", func(r *Result) any { return &r.Instance.AcquiredTime }, nil},
	{0x00080033, InstanceLevel, Time, "content_time", func(r *Result) any { return &r.Instance.ContentTime }, nil},
	{0x00083002, InstanceLevel, UID, "transfer_syntax", func(r *Result) any { return &r.Instance.TransferSyntax }, nil},
	{0x00200013, InstanceLevel, Integer, "number", func(r *Result) any { return &r.Instance.Number }, nil},
	{0x00280008, InstanceLevel, Integer, "frames", func(r *Result) any { return &r.Instance.Frames }, nil},
	{0x00280010, InstanceLevel, Integer, "rows", func(r *Result) any { return &r.Instance.Rows }, nil},
	{0x00280011, InstanceLevel, Integer, "columns", func(r *Result) any { return &r.Instance.Columns }, nil},
	{0x00280100, InstanceLevel, Integer, "bits_allocated", func(r *Result) any { return &r.Instance.BitsAllocated }, nil},
	{0x00420010, InstanceLevel, Text, "document_title", func(r *Result) any { return &r.Instance.DocumentTitle }, nil},
}

var byTag = func() map[dicom.Tag]*Attribute {
	m := make(map[dicom.Tag]*Attribute, len(Attributes))
	for i := range Attributes {
		m[Attributes[i].Tag] = &Attributes[i]
	}
	return m
}()

// Lookup finds the attribute of a tag, or nil: the index does not hold it.
func Lookup(t dicom.Tag) *Attribute { return byTag[t] }

// requestAttributes is the sequence whose first item the series keeps.
const requestAttributes dicom.Tag = 0x00400275

// LookupPath finds the attribute at the end of a path of sequences, or nil.
func LookupPath(path []dicom.Tag) *Attribute {
	switch {
	case len(path) == 1:
		return Lookup(path[0])
	case len(path) == 2 && path[0] == requestAttributes && (path[1] == 0x00400009 || path[1] == 0x00401001):
		return Lookup(path[1])
	}
	return nil
}
