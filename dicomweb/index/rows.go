package index

// Study is one row of dicom_study. Writing it again replaces the row: the
// writer has merged it with what was there, under the version of the
// ImagingStudy in the unit's read set.
type Study struct {
	UID      string
	Resource string // id of its ImagingStudy, on which reach is judged
	Patient  string // "Patient/x", the subject
	Stamp    Stamp  // of the ImagingStudy; only read

	Date, Time         string // normalised, see Normalise
	AccessionNumber    string
	ID                 string
	Description        string
	ReferringPhysician string
	Timezone           string
	PatientName        string // as sent, component groups divided by =
	PatientID          string
	PatientIDIssuer    string
	PatientBirthDate   string
	PatientSex         string
	InstitutionName    string

	// Names are the folded component groups of PatientName, see FoldName.
	Names []string
	// NamesKept tells that rows of all names are stored already, and stay.
	NamesKept bool

	// Maintained by the writer with every unit.
	Modalities string // distinct, ascending, divided by backslash
	SOPClasses string // the same
	Series     *int64 // number of series
	Instances  *int64 // number of instances
}

// Stamp changes with every version of a resource, also where one that was erased
// begins again: entity tags and caches rest on it.
type Stamp struct{ Version, Updated int64 }

// Series is one row of dicom_series; writing it again replaces it.
type Series struct {
	UID   string
	Study string

	Modality           string
	Number             *int64
	Description        string
	Date, Time         string
	BodyPart           string
	Laterality         string
	Protocol           string
	Manufacturer       string
	ManufacturerModel  string
	StationName        string
	Institution        string
	PerformedDate      string // PerformedProcedureStepStartDate
	PerformedTime      string
	PerformedStepID    string
	ScheduledStepID    string // of the first item of RequestAttributesSequence
	RequestedProcedure string
	FrameOfReference   string

	Instances *int64 // number of instances, maintained by the writer
}

// Instance is one row of dicom_instance. It is written once and never changed:
// the same UID with other bytes is refused.
type Instance struct {
	UID    string
	Series string
	Study  string

	SOPClass       string
	Number         *int64
	Rows           *int64
	Columns        *int64
	BitsAllocated  *int64
	Frames         *int64 // NumberOfFrames; nil where the attribute is absent
	ContentDate    string
	ContentTime    string
	AcquiredDate   string
	AcquiredTime   string
	ImageType      string // values divided by backslash
	TransferSyntax string
	DocumentTitle  string

	Content Content
}

// Content is where the bytes of an instance are and what was read from them at
// ingest. Metadata and Frames are opaque to the store.
type Content struct {
	Digest [32]byte // SHA-256 of the Part 10 file, the name of its blob
	Size   int64    // of the Part 10 file, bytes
	Pixels Span     // value field of the pixel data
	// Deflated tells that offsets count inflated bytes of the data set.
	Deflated bool
	// Frames is the table of frames, coded by package dicom; empty where there
	// are no pixels.
	Frames []byte
	// Bulk is the table of binary values outside the pixel data, coded by the
	// door; empty where there are none.
	Bulk []byte
	// Metadata is the compressed DICOM JSON of the data set.
	Metadata []byte
}

// Span is a part of a blob.
type Span struct{ Offset, Length int64 }

// Level is the level of a query or of an attribute.
type Level uint8

// The levels of the Query/Retrieve model.
const (
	StudyLevel Level = iota + 1
	SeriesLevel
	InstanceLevel
)

// Result is one match: the rows of its level and of those above it.
type Result struct {
	Study    Study
	Series   Series   // from SeriesLevel on
	Instance Instance // at InstanceLevel; Content only where it was asked for
}

// Key names instances: all of a study, of a series, or one.
type Key struct{ Study, Series, Instance string }
