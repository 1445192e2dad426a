package dicomweb

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// A document of the record becomes an encapsulated instance of the patient's
// study, with the same bytes: a design's STL goes back to where its images are.
//
//	POST /documents?document=DocumentReference/{id}&study={uid}[&series={uid}][&task=Task/{id}]
//
// It stands in a series of its own, in the frame of reference of the series that
// it was made of, whose instances it names (PS3.3 §A.85.1, A.45.1; PS3.17 annex
// IIII). Its UIDs follow from all that it holds: the same document makes the same
// instance, a changed one another.

// encapsulated are the SOP class and the modality of a media type.
var encapsulated = map[string]struct{ class, modality, media string }{
	"model/stl": {classSTL, "M3D", "model/stl"}, "application/sla": {classSTL, "M3D", "model/stl"}, "application/vnd.ms-pki.stl": {classSTL, "M3D", "model/stl"},
	"model/obj": {classOBJ, "M3D", "model/obj"}, "model/mtl": {classMTL, "M3D", "model/mtl"}, "application/pdf": {classPDF, "DOC", "application/pdf"},
}

// maxNamed bounds the source instances that are named.
const maxNamed = 4000

// fhirDocument are the elements of a DocumentReference that are read.
type fhirDocument struct {
	Status      string
	Subject     reference
	Description string
	Date        string
	Type        struct{ Coding []coding }
	Content     []struct {
		Attachment struct{ ContentType, URL, Data, Title string }
	}
}

// encapsulate answers POST /documents.
func (d *Door) encapsulate(w http.ResponseWriter, r *request) error {
	if err := r.who.Allow(access.Create, "ImagingStudy"); err != nil {
		return err
	}
	given, err := encapsulating(r)
	if err != nil {
		return err
	}
	s := &subject{door: d, r: r, seen: map[string]finding{}, decided: true}
	ref, err := s.named("document", "DocumentReference")
	if err == nil && ref == "" {
		err = badValue("document", "", "a reference such as DocumentReference/123")
	}
	if err == nil {
		s.task, err = s.named("task", "Task")
	}
	if err != nil {
		return err
	}
	v, err := d.o.Records.Read(r.Context(), r.who, "DocumentReference", strings.TrimPrefix(ref, "DocumentReference/"))
	if err != nil {
		return err
	}
	var doc fhirDocument
	if err := json.Unmarshal(v.Body, &doc); err != nil {
		return fmt.Errorf("dicomweb: stored DocumentReference: %w", err)
	}
	from, err := d.sourceOf(r, index.Key{Study: given.Get("study")}, given.Get("series"), doc.Subject.Reference)
	if err != nil {
		return err
	}
	blob, err := d.attached(r, &doc)
	if err != nil {
		return err
	}
	set, err := capsule(tenantOf(r.who)+"|"+ref, &doc, from, blob)
	if err != nil {
		return err
	}
	s.patient, r.operation = doc.Subject.Reference, "document-to-dicom"
	return d.storeCapsule(w, r, s, set, blob)
}

// encapsulating reads the parameters.
func encapsulating(r *request) (url.Values, error) {
	given, err := r.parameters()
	if err != nil {
		return nil, err
	}
	for name, values := range given {
		if len(values) != 1 || name != "document" && name != "study" && name != "series" && name != "task" {
			return nil, unknownParameter(name)
		}
	}
	for _, name := range []string{"study", "series"} {
		if uid := given.Get(name); (uid != "" || name == "study") && !validUID(uid) {
			return nil, badValue(name, uid, "a UID")
		}
	}
	return given, nil
}

// storeCapsule stores the data set as any that arrives as metadata and bulk data.
func (d *Door) storeCapsule(w http.ResponseWriter, r *request, s *subject, set []byte, blob *record.BlobRow) error {
	form := wantedModel(r)
	if form == noModel {
		return notAcceptable("the answer is application/dicom+json or application/dicom+xml")
	}
	in := &ingest{door: d, r: r, subject: s, form: form}
	if err := in.compose(&models{sets: []json.RawMessage{set}, bulk: map[string]*bulkPart{documentKey: {BlobRow: *blob}}}); err != nil {
		return err
	}
	if err := in.flush(); err != nil {
		return err
	}
	return d.answerStow(w, r, in)
}

const documentKey = "document"

// attached finds the bytes of the document in the blob store, or puts them there.
func (d *Door) attached(r *request, doc *fhirDocument) (*record.BlobRow, error) {
	if doc.Status == "entered-in-error" || len(doc.Content) != 1 || encapsulated[parseMedia(doc.Content[0].Attachment.ContentType).name].class == "" {
		return nil, issue.Errorf(issue.BusinessRule, "The DocumentReference is not a valid document with one content of type model/stl, model/obj, model/mtl or application/pdf.").
			At("document").Rule("dicom-document").WithStatus(http.StatusUnprocessableEntity)
	}
	data := doc.Content[0].Attachment.Data
	if id, ok := strings.CutPrefix(doc.Content[0].Attachment.URL, "Binary/"); ok && data == "" {
		v, err := d.o.Records.Read(r.Context(), r.who, "Binary", id)
		if err != nil {
			return nil, err
		}
		var b struct{ Data string }
		if err := json.Unmarshal(v.Body, &b); err != nil {
			return nil, fmt.Errorf("dicomweb: stored Binary: %w", err)
		}
		if data = b.Data; v.Blob != "" {
			return d.opened(r, v.Blob)
		}
	}
	if data == "" {
		return nil, issue.Errorf(issue.BusinessRule, "The content of the DocumentReference is not stored here.").At("document").Rule("dicom-document").WithStatus(http.StatusUnprocessableEntity)
	}
	row, err := d.o.Blobs.Stage(r.Context(), base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)), d.o.MaxInstance)
	return &row, err
}

// opened tells the size of a content by its digest.
func (d *Door) opened(r *request, digest string) (*record.BlobRow, error) {
	row := &record.BlobRow{}
	if _, err := hex.Decode(row.Digest[:], []byte(digest)); err != nil {
		return nil, fmt.Errorf("dicomweb: digest of a Binary: %w", err)
	}
	b, err := d.o.Blobs.Open(r.Context(), row.Digest)
	if err != nil {
		return nil, fmt.Errorf("dicomweb: content of a Binary: %w", err)
	}
	defer b.Close()
	row.Size = b.Size()
	return row, nil
}

// origin is what a document was made of: the study, the series whose frame of
// reference it is in, and its instances.
type origin struct {
	study     index.Study
	series    *index.Series // nil: none has a frame of reference
	instances [][2]string   // SOP class and instance
}

// sourceOf finds the series that a document was made of: the one that is named, or
// the largest one with a frame of reference. A study of another patient is absent.
func (d *Door) sourceOf(r *request, k index.Key, series, patient string) (*origin, error) {
	o := &origin{}
	if err := r.who.Permit(access.Read, "ImagingStudy"); err != nil {
		return nil, err
	}
	by := map[string]*origin{}
	for row, err := range d.o.Index.Instances(r.Context(), r.who.Reach(), k) {
		if err != nil {
			return nil, fmt.Errorf("dicomweb: index: %w", err)
		}
		if row.Study.Patient != patient {
			return nil, absent()
		}
		o.study = row.Study
		if row.Series.FrameOfReference == "" && series == "" || kindOf(row.Instance.SOPClass) != "" || series != "" && row.Series.UID != series {
			continue
		}
		s := by[row.Series.UID]
		if s == nil {
			kept := row.Series
			s = &origin{series: &kept}
			by[kept.UID] = s
		}
		s.instances = append(s.instances, [2]string{row.Instance.SOPClass, row.Instance.UID})
	}
	for _, s := range by {
		if o.series == nil || len(s.instances) > len(o.instances) || len(s.instances) == len(o.instances) && s.series.UID < o.series.UID {
			o.series, o.instances = s.series, s.instances[:min(len(s.instances), maxNamed)]
		}
	}
	if o.study.UID == "" || series != "" && o.series == nil {
		return nil, absent()
	}
	return o, nil
}

// capsule makes the data set of the instance. identity names the document.
func capsule(identity string, doc *fhirDocument, from *origin, blob *record.BlobRow) ([]byte, error) {
	kind := encapsulated[parseMedia(doc.Content[0].Attachment.ContentType).name]
	s, study := step{}, &from.study
	s.sayOf(study)
	s.sayDocument(doc)
	for t, v := range map[dicom.Tag]string{
		dicom.SOPClassUID: kind.class, 0x00080060: kind.modality, documentMedia: kind.media,
		dicom.SeriesInstanceUID: uidFrom("series|" + identity + "|" + study.UID),
		0x00080070:              "Tenon", 0x00081090: "Tenon", 0x00181000: "1", 0x00181020: "tenon",
		0x00280301: "YES", // nobody has looked whether the document names the patient
	} {
		s.say(t, v)
	}
	s.set(0x00200011, 9000)
	s.set(0x00200013, 1)
	if kind.modality == "M3D" {
		if from.series == nil || from.series.FrameOfReference == "" {
			return nil, issue.Errorf(issue.BusinessRule, "No series of the study has a frame of reference, which a model is placed in.").At("study").Rule("dicom-document").WithStatus(http.StatusUnprocessableEntity)
		}
		s.set(0x00200052, from.series.FrameOfReference)
		s.say(0x00201040, "")
		s.set(0x004008EA, code("mm", "UCUM", "mm"))
	} else {
		s.set(0x00080064, "SYN")
	}
	from.refer(s)
	s.set(documentLength, blob.Size)
	s[documentBytes.String()] = &stepAttribute{VR: "OB", BulkDataURI: documentKey}
	text, err := marshal(s)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(text, blob.Digest[:]...))
	s.set(dicom.SOPInstanceUID, uidFrom("instance|"+identity+"|"+hex.EncodeToString(sum[:])))
	return marshal(s)
}

// sayOf sets what an instance tells of its patient and its study.
func (s step) sayOf(study *index.Study) {
	for t, v := range map[dicom.Tag]string{
		dicom.PatientID: study.PatientID, 0x00100030: study.PatientBirthDate, 0x00100040: study.PatientSex,
		dicom.StudyInstanceUID: study.UID, 0x00080020: study.Date, 0x00080030: study.Time, 0x00080050: study.AccessionNumber, 0x00200010: study.ID,
	} {
		s.say(t, v)
	}
	for t, v := range map[dicom.Tag]string{0x00100021: study.PatientIDIssuer, 0x00081030: study.Description, 0x00080201: study.Timezone} {
		s.sayKnown(t, v)
	}
	s.name(dicom.PatientName, study.PatientName)
	s.name(0x00080090, study.ReferringPhysician)
}

// sayDocument sets title, date and code of a document.
func (s step) sayDocument(doc *fhirDocument) {
	date, clock := dateTime(doc.Date), ""
	if len(date) > 8 {
		clock = date[8:14]
	}
	title := doc.Content[0].Attachment.Title
	if title == "" {
		title = doc.Description
	}
	for t, v := range map[dicom.Tag]string{documentTitle: cut(title, 1024), 0x00080023: date[:min(8, len(date))], 0x00080033: clock, 0x0008002A: date} {
		s.say(t, v)
	}
	s.sayKnown(0x0008103E, cut(title, 64))
	s.set(conceptName)
	if c := conceptOf(doc.Type.Coding); c != nil {
		s.set(conceptName, c)
	}
}

// sayKnown sets a text that is there.
func (s step) sayKnown(t dicom.Tag, v string) {
	if v != "" {
		s.say(t, v)
	}
}

// refer names the instances that the document was made of.
func (o *origin) refer(s step) {
	if len(o.instances) == 0 {
		return
	}
	var items []any
	for _, i := range o.instances {
		items = append(items, step{}.with(0x00081150, i[0]).with(0x00081155, i[1]))
	}
	s.set(0x00420013, items...)
	s.set(0x00081115, step{}.with(dicom.SeriesInstanceUID, o.series.UID).with(0x0008114A, items...))
}

func (s step) with(t dicom.Tag, values ...any) step {
	s.set(t, values...)
	return s
}

// say sets a text; an empty one leaves the attribute without a value.
func (s step) say(t dicom.Tag, v string) {
	if v == "" {
		s.set(t)
		return
	}
	s.set(t, v)
}

// name sets a person name by its component groups.
func (s step) name(t dicom.Tag, name string) {
	groups := map[string]string{}
	for i, g := range strings.SplitN(name, "=", 3) {
		if g != "" {
			groups[[]string{"Alphabetic", "Ideographic", "Phonetic"}[i]] = g
		}
	}
	if len(groups) == 0 {
		s.set(t)
		return
	}
	s.set(t, groups)
}

func code(value, designator, meaning string) step {
	return step{}.with(0x00080100, value).with(0x00080102, designator).with(0x00080104, cut(meaning, 64))
}

// conceptOf is the first code that fits Concept Name Code Sequence, or nil.
func conceptOf(list []coding) any {
	for _, c := range list {
		if d := designators[c.System]; d != "" && c.Code != "" && len(c.Code) <= 16 && c.Display != "" {
			return code(c.Code, d, c.Display)
		}
	}
	return nil
}

// cut shortens a text to so many bytes and takes out what divides values.
func cut(s string, most int) string {
	s = strings.TrimSpace(strings.NewReplacer(`\`, "/", "\r", " ", "\n", " ", "\t", " ").Replace(s))
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
