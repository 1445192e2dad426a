package inspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tenon/dicomweb/geometry"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
)

// imageSink is the outbox sink of the measurements of imaging studies.
const imageSink = "inspect-images"

// systemImage holds the codes of what is measured of images.
const systemImage = "urn:tenon:image"

// imageJob names one version of a study of a case.
type imageJob struct {
	Study   string `json:"study"` // id of the ImagingStudy
	Version int64  `json:"version"`
	UID     string `json:"uid"`
	Case    string `json:"case"` // Task/root
	Patient string `json:"patient"`
}

// imageJobs asks for a study of a case to be measured.
func imageJobs(v *record.Version, root tree.Node) []dispatch.Message {
	j := imageJob{Study: v.ID, Version: v.Version, Patient: v.Patient, Case: extension(root, "urn:tenon:extension:case").Path("valueReference", "reference").Str()}
	for id := range root.Field("identifier").Items() {
		if id.Field("system").Str() == "urn:dicom:uid" {
			j.UID = strings.TrimPrefix(id.Field("value").Str(), "urn:oid:")
		}
	}
	if j.Case == "" || j.UID == "" {
		return nil
	}
	body, err := json.Marshal(j)
	if err != nil {
		return nil // strings and numbers always marshal
	}
	return []dispatch.Message{{Sink: imageSink, Kind: "images", Key: fmt.Sprintf("ImagingStudy/%s/%d", j.Study, j.Version), Body: body, Created: v.Updated}}
}

// Images is the sink that measures imaging studies by the headers of their
// instances.
type Images struct {
	Recorder *record.Recorder
	// Headers calls do with the header of each stored instance of a study.
	Headers func(ctx context.Context, who *access.Context, study string, do func(*geometry.Header) error) error
}

var _ dispatch.Sink = (*Images)(nil)

// Name implements dispatch.Sink.
func (m *Images) Name() string { return imageSink }

// Deliver measures the study, unless it has a newer version, whose own job does.
// A study of which no instance is stored here is not measured.
func (m *Images) Deliver(ctx context.Context, msg dispatch.Message) error {
	var j imageJob
	if err := json.Unmarshal(msg.Body, &j); err != nil {
		return &dispatch.Permanent{Err: err}
	}
	study, err := m.Recorder.Read(ctx, server, "ImagingStudy", j.Study)
	if issue.As(err) != nil {
		return &dispatch.Permanent{Err: err}
	}
	if err != nil || study.Version != j.Version {
		return err
	}
	report, files, err := m.measure(ctx, j.UID)
	if err != nil || report.Instances == 0 {
		return err
	}
	body, err := json.Marshal(j.finding(study, &report, files))
	if err != nil {
		return &dispatch.Permanent{Err: err}
	}
	_, err = m.Recorder.Submit(ctx, server, &record.Draft{Door: "job", Operation: "inspect", Keys: []record.Key{{Door: "inspect", Key: msg.Key, Ref: "ImagingStudy/" + j.Study}},
		Ops: []record.Op{{Method: "POST", Type: "Observation", Body: body}}})
	return err
}

// measure reads all headers. The digest is over those of the files, in the order
// of their UIDs: it tells which bytes were measured. An instance whose header
// holds no numbers is a finding: it is counted and not measured.
func (m *Images) measure(ctx context.Context, uid string) (geometry.Report, string, error) {
	var images []*geometry.Image
	digests := map[string][32]byte{}
	unread := 0
	err := m.Headers(ctx, server, uid, func(h *geometry.Header) error {
		digests[h.Instance] = h.Digest
		i, err := geometry.Read(h)
		if err != nil {
			unread++
			return nil //nolint:nilerr // told as a count
		}
		images = append(images, i)
		return nil
	})
	all := sha256.New()
	uids := make([]string, 0, len(digests))
	for uid := range digests {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	for _, uid := range uids {
		d := digests[uid]
		all.Write(d[:])
	}
	report := geometry.Measure(images)
	report.Instances += unread
	report.Unread = unread
	return report, hex.EncodeToString(all.Sum(nil)), err
}

// finding is the Observation about one version of a study: extension sha-256 is
// that of its stored bytes.
func (j *imageJob) finding(study *record.Version, r *geometry.Report, files string) object {
	about := job{Document: "ImagingStudy/" + j.Study, Case: j.Case, Patient: j.Patient, SHA256: hex.EncodeToString(study.Digest[:])}
	o := about.observation(systemImage, "geometry")
	o["method"] = object{"text": "DICOM headers"}
	parts := []any{part("files", object{"valueString": files})}
	for _, c := range []struct {
		code  string
		count int
	}{
		{"instances", r.Instances}, {"images", r.Images}, {"unread", r.Unread}, {"missing-slices", r.Missing}, {"lossy", r.Lossy}, {"derived", r.Derived},
		{"burned-in", r.BurnedIn}, {"not-rescaled", r.Unscaled}, {"site-unsaid", r.Unsited},
	} {
		parts = append(parts, part(c.code, object{"valueInteger": c.count}))
	}
	for _, c := range []struct {
		code string
		geometry.Length
	}{{"slice-thickness", r.Thickness}, {"slice-spacing", r.Spacing}, {"pixel-spacing", r.Pixel}} {
		parts = append(parts, part(c.code, length(c.Length)))
	}
	parts = append(parts, part("gantry-tilt", quantity(r.Tilt, "deg")))
	for _, c := range []struct {
		code  string
		words []string
	}{{"kernel", r.Kernels}, {"algorithm", r.Algorithms}, {"modality", r.Modalities}, {"site", r.BodyParts}} {
		for _, word := range c.words {
			parts = append(parts, part(c.code, object{"valueString": word}))
		}
	}
	o["component"] = parts
	return o
}

func part(code string, value object) object {
	value["code"] = object{"coding": []any{object{"system": systemImage, "code": code}}}
	return value
}

// length is what the headers say, or that they do not.
func length(l geometry.Length) object {
	if !l.Known {
		return object{"dataAbsentReason": object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}}}}
	}
	return quantity(l.Most, "mm")
}

func quantity(value float64, unit string) object {
	return object{"valueQuantity": object{"value": json.Number(fmt.Sprintf("%.7g", value)), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}
}
