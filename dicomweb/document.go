package dicomweb

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// An encapsulated document becomes a DocumentReference with a Binary of the same
// bytes, in one unit:
//
//	POST /studies/{study}/series/{series}/instances/{instance}/document[?task=Task/{id}]
//
// The ids follow from the SOP Instance UID, so that asking twice makes one.
// https://hl7.org/fhir/R4/documentreference.html

// SOP classes of encapsulated documents (PS3.4 table B.5-1).
const (
	classPDF = "1.2.840.10008.5.1.4.1.1.104.1"
	classCDA = "1.2.840.10008.5.1.4.1.1.104.2"
	classSTL = "1.2.840.10008.5.1.4.1.1.104.3"
	classOBJ = "1.2.840.10008.5.1.4.1.1.104.4"
	classMTL = "1.2.840.10008.5.1.4.1.1.104.5"
)

// mediaOfClass is what the document of a SOP class is where it does not tell.
var mediaOfClass = map[string]string{classPDF: "application/pdf", classCDA: "text/xml", classSTL: "model/stl", classOBJ: "model/obj", classMTL: "model/mtl"}

// Attributes of encapsulated documents (PS3.3 §C.24.2).
const (
	documentTitle  dicom.Tag = 0x00420010
	documentBytes  dicom.Tag = 0x00420011
	documentMedia  dicom.Tag = 0x00420012
	documentLength dicom.Tag = 0x00420015
	conceptName    dicom.Tag = 0x0040A043
)

// document answers POST …/document.
func (d *Door) document(w http.ResponseWriter, r *request) error {
	for _, typ := range []string{"DocumentReference", "Binary"} {
		if err := r.who.Allow(access.Create, typ); err != nil {
			return err
		}
	}
	k, err := r.key()
	if err != nil {
		return err
	}
	subject, err := d.newSubject(r)
	if err != nil {
		return err
	}
	if subject.patient != "" {
		return unknownParameter("patient")
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	row := found.first
	if mediaOfClass[row.Instance.SOPClass] == "" {
		return issue.Errorf(issue.BusinessRule, "The instance is no encapsulated document.").Rule("dicom-document").WithStatus(http.StatusUnprocessableEntity)
	}
	if err := d.audit(r, "wado-document", found.entity(), found.patient()); err != nil {
		return err
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(tenantOf(r.who)+"|document|"+row.Instance.UID)).String()
	v, err := d.o.Records.Read(r.Context(), r.who, "DocumentReference", id)
	status := http.StatusOK
	if issue.As(err) != nil { // not there
		status = http.StatusCreated
		if v, err = d.makeDocument(r, row, id, subject.task); contended(err) {
			status = http.StatusOK
			v, err = d.o.Records.Read(r.Context(), r.who, "DocumentReference", id)
		}
	}
	if err != nil {
		return err
	}
	w.Header().Set("Location", strings.TrimSuffix(r.base, strings.TrimSuffix(d.o.Mount, "/"))+"/fhir/DocumentReference/"+id)
	w.Header().Set("Content-Type", "application/fhir+json")
	w.WriteHeader(status)
	_, err = w.Write(v.Body)
	return ignore(err)
}

// makeDocument stages the bytes and writes both resources.
func (d *Door) makeDocument(r *request, row *index.Result, id, task string) (*record.Version, error) {
	s, err := d.dataSetOf(row)
	if err != nil {
		return nil, err
	}
	blob, err := d.stageDocument(r, row, s)
	if err != nil {
		return nil, err
	}
	binary, doc, err := d.documentBodies(row, s, id, task, blob)
	if err != nil {
		return nil, err
	}
	out, err := d.o.Records.Submit(r.Context(), r.who, &record.Draft{Door: r.name(), Operation: "document-from-dicom", Blobs: []record.BlobRow{blob}, Ops: []record.Op{
		{Method: "PUT", Type: "Binary", ID: id, Body: binary, Blob: &blob, IfMatch: "0"},
		{Method: "PUT", Type: "DocumentReference", ID: id, Body: doc, IfMatch: "0"}}})
	if err != nil {
		return nil, err
	}
	return out.Results[1].Version, nil
}

// stageDocument puts the bytes of the document, without padding, into the blob store.
func (d *Door) stageDocument(r *request, row *index.Result, s step) (record.BlobRow, error) {
	content, err := d.documentOf(r, row, s)
	if err != nil {
		return record.BlobRow{}, err
	}
	blob, err := d.o.Blobs.Stage(r.Context(), content, d.o.MaxInstance)
	if err = errors.Join(err, content.Close()); err == nil {
		err = d.o.Blobs.Sync(r.Context())
	}
	return blob, err
}

// documentBodies are the Binary and the DocumentReference of an instance.
func (d *Door) documentBodies(row *index.Result, s step, id, task string, blob record.BlobRow) (binary, document []byte, err error) {
	contentType := parseMedia(s.text(documentMedia)).name
	if !validMedia(contentType) {
		contentType = mediaOfClass[row.Instance.SOPClass]
	}
	digest := hex.EncodeToString(blob.Digest[:])
	told := func(name, value string) object {
		return object{"url": "urn:tenon:extension:" + name, "valueString": value}
	}
	binary, err = marshal(object{"resourceType": "Binary", "id": id, "contentType": contentType,
		"_contentType": object{"extension": []object{told("sha-256", digest), told("size", strconv.FormatInt(blob.Size, 10))}}})
	if err != nil {
		return nil, nil, err
	}
	attachment := object{"extension": []object{told("sha-256", digest)}, "contentType": contentType, "url": "Binary/" + id}
	if blob.Size < 1<<31 {
		attachment["size"] = blob.Size
	}
	doc := object{"resourceType": "DocumentReference", "id": id, "status": "current", "subject": reference{row.Study.Patient},
		"masterIdentifier": object{"system": systemUID, "value": "urn:oid:" + row.Instance.UID},
		"date":             d.o.Clock().UTC().Format(time.RFC3339), "content": []object{{"attachment": attachment}},
		"context": object{"related": []reference{{"ImagingStudy/" + row.Study.Resource}}}}
	if title := strings.TrimSpace(s.text(documentTitle)); title != "" {
		attachment["title"] = title
		doc["description"] = title
	}
	if c := s.concept(); c != nil {
		doc["type"] = object{"coding": []coding{*c}}
	}
	if task != "" {
		doc["extension"] = []object{{"url": extensionCase, "valueReference": reference{task}}}
	}
	document, err = marshal(doc)
	return binary, document, err
}

// dataSetOf reads the stored DICOM JSON of an instance.
func (d *Door) dataSetOf(row *index.Result) (step, error) {
	text, err := d.metadataOf(nil, &row.Instance.Content, "")
	if err != nil {
		return nil, err
	}
	s := step{}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("dicomweb: stored metadata: %w", err)
	}
	return s, nil
}

// documentOf opens the document without its padding.
func (d *Door) documentOf(r *request, row *index.Result, s step) (io.ReadCloser, error) {
	entry, err := bulkOf(&row.Instance.Content, encapsulatedDocument)
	if err != nil {
		return nil, err
	}
	if entry == nil { // short values stand in the metadata
		a := s[documentBytes.String()]
		if a == nil {
			return nil, absent()
		}
		b, err := base64.StdEncoding.DecodeString(a.InlineBinary)
		if err != nil {
			return nil, fmt.Errorf("dicomweb: stored metadata: %w", err)
		}
		if n, err := strconv.Atoi(s.text(documentLength)); err == nil && n > 0 && n < len(b) {
			b = b[:n]
		}
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	file, err := d.open(r.Context(), &row.Instance.Content)
	if err != nil {
		return nil, err
	}
	body, err := file.section(dicom.Piece{Offset: entry.Offset, Length: entry.Length})
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &closing{body, file}, nil
}

// closing reads a part of a file and closes the file.
type closing struct {
	io.Reader
	io.Closer
}

// designators are the coding systems that DICOM names otherwise (PS3.16 §8).
var designators = map[string]string{"http://loinc.org": "LN", systemSNOMED: "SCT", systemDCM: "DCM"}

// concept is the code of Concept Name Code Sequence, or nil.
func (s step) concept() *coding {
	a := s[conceptName.String()]
	if a == nil || len(a.Value) == 0 {
		return nil
	}
	var item step
	if json.Unmarshal(a.Value[0], &item) != nil {
		return nil
	}
	for system, designator := range designators {
		if item.text(0x00080102) == designator && item.text(0x00080100) != "" {
			return &coding{System: system, Code: item.text(0x00080100), Display: item.text(0x00080104)}
		}
	}
	return nil
}

// tenantOf is the tenant that a caller belongs to.
func tenantOf(who *access.Context) string {
	if who.Tenant == "" {
		return "main"
	}
	return who.Tenant
}
