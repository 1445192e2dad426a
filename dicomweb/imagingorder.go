package dicomweb

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"

	"tenon/server/access"
)

// imagingOrder is an imaging order (ServiceRequest whose code is a modality of DCM) as
// the services of the imaging department tell it.
type imagingOrder struct {
	Ref, Patient, Task               string // references; Task: of its case, or ""
	PatientName, PatientID           string
	BirthDate, Sex                   string
	Accession, StudyUID, ProcedureID string
	Modality, Description, Start     string
	Requester, Priority              string
	Stations, StationName            string // AE titles divided by backslashes; "": any
}

// fhirOrder are the elements that are read.
type fhirOrder struct {
	ID         string
	Status     string
	Priority   string
	Identifier []struct {
		Type  struct{ Coding []coding }
		Value string
	}
	Extension []struct {
		URL            string
		ValueReference reference
	}
	Code struct {
		Coding []coding
		Text   string
	}
	Subject            reference
	OccurrenceDateTime string
	OccurrencePeriod   struct{ Start string }
	AuthoredOn         string
	Requester          struct{ Display, Reference string }
	Performer          []struct{ Display, Reference string }
	BodySite           []struct {
		Text   string
		Coding []coding
	}
}

// orderOf reads an imaging order and its patient, both in the caller's reach.
func (d *Door) orderOf(ctx context.Context, who *access.Context, id string, body []byte) (*imagingOrder, error) {
	var f fhirOrder
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, fmt.Errorf("dicomweb: stored ServiceRequest: %w", err)
	}
	o := &imagingOrder{Ref: "ServiceRequest/" + id, Patient: f.Subject.Reference, Priority: "MEDIUM", Start: dateTime(f.OccurrenceDateTime),
		StudyUID: uidFrom("ServiceRequest/" + id), ProcedureID: id[:min(16, len(id))], Requester: f.Requester.Display}
	if f.Priority == "urgent" || f.Priority == "asap" || f.Priority == "stat" {
		o.Priority = "HIGH"
	}
	for _, start := range []string{f.OccurrencePeriod.Start, f.AuthoredOn} {
		if o.Start == "" {
			o.Start = dateTime(start)
		}
	}
	for _, c := range f.Code.Coding {
		if c.System == systemDCM {
			o.Modality, o.Description = c.Code, c.Display
		}
	}
	for _, b := range f.BodySite {
		o.Description = strings.TrimSpace(o.Description + " " + b.Text)
	}
	if o.Description == "" {
		o.Description = o.Modality
	}
	for _, i := range f.Identifier {
		for _, c := range i.Type.Coding {
			if c.Code == "ACSN" {
				o.Accession = i.Value
			}
		}
	}
	for _, e := range f.Extension {
		if e.URL == extensionCase {
			o.Task = e.ValueReference.Reference
		}
	}
	if err := d.stationsOf(ctx, o, &f); err != nil {
		return nil, err
	}
	return o, d.orderedFor(ctx, who, o)
}

// stationsOf names the scanners that are to perform the order: the application
// entities that act for its performers.
func (d *Door) stationsOf(ctx context.Context, o *imagingOrder, f *fhirOrder) error {
	for _, p := range f.Performer {
		if d.o.Stations == nil || p.Reference == "" {
			continue
		}
		titles, err := d.o.Stations(ctx, p.Reference)
		if err != nil {
			return fmt.Errorf("dicomweb: stations: %w", err)
		}
		for _, t := range titles {
			o.Stations = include(o.Stations, t)
		}
		if len(titles) > 0 && o.StationName == "" {
			o.StationName = cut(p.Display, 16)
		}
	}
	return nil
}

// orderedFor reads the patient of an order.
func (d *Door) orderedFor(ctx context.Context, who *access.Context, o *imagingOrder) error {
	id, ok := strings.CutPrefix(o.Patient, "Patient/")
	if !ok {
		return nil
	}
	v, err := d.o.Records.Read(ctx, who, "Patient", id)
	if err != nil {
		return err
	}
	if v.Shown > 0 { // a part may lack the identifier by which images are made, or name another one
		return absent()
	}
	var p struct {
		Identifier []struct{ Use, Value string }
		Name       []struct {
			Text, Family string
			Given        []string
		}
		BirthDate, Gender string
	}
	if err := json.Unmarshal(v.Body, &p); err != nil {
		return fmt.Errorf("dicomweb: stored Patient: %w", err)
	}
	if len(p.Identifier) > 0 {
		o.PatientID = p.Identifier[0].Value
	}
	if len(p.Name) > 0 {
		n := p.Name[0]
		if o.PatientName = strings.TrimRight(n.Family+"^"+strings.Join(n.Given, " "), "^"); n.Family == "" {
			o.PatientName = n.Text
		}
	}
	o.BirthDate = strings.ReplaceAll(p.BirthDate, "-", "")
	o.Sex = map[string]string{"male": "M", "female": "F", "other": "O"}[p.Gender]
	return nil
}

// groups is a name by component groups: what is beyond ASCII is ideographic.
func groups(name string) map[string]string {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return map[string]string{"Ideographic": name}
		}
	}
	return map[string]string{"Alphabetic": name}
}

// uidFrom derives a UID from a name (PS3.5 §B.2).
func uidFrom(name string) string {
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte("tenon|"+name))
	return "2.25." + new(big.Int).SetBytes(id[:]).String()
}

// dateTime is a FHIR dateTime as a DT of DICOM, or "".
func dateTime(s string) string {
	for _, layout := range []string{time.RFC3339, "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			if layout == time.RFC3339 {
				return t.Format("20060102150405-0700")
			}
			return t.Format("20060102")
		}
	}
	return ""
}
