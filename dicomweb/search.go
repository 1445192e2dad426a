package dicomweb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
	"tenon/server/record"
)

// Answers of QIDO-RS.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.6.3

// search answers QIDO-RS at a level.
func (d *Door) search(level index.Level) handler {
	return func(w http.ResponseWriter, r *request) error {
		k, err := r.key()
		if err != nil {
			return err
		}
		form := wantedModel(r)
		if form == noModel {
			return notAcceptable("QIDO-RS answers application/dicom+json, or multipart/related; type=\"application/dicom+xml\"")
		}
		values, err := r.parameters()
		if err != nil {
			return err
		}
		s, err := parseQuery(level, k, values, d.o.Extra)
		if err != nil {
			return err
		}
		if err := r.who.Permit(access.Search, "ImagingStudy"); err != nil {
			return err
		}
		if err := d.refuseUnbuilt(s); err != nil {
			return err
		}
		page, veils, err := d.seen(r, &s.Query)
		if err != nil {
			return err
		}
		s.veils = veils
		if err := d.o.Auditor.Audit(r.Context(), d.auditSearch(r, values, page)); err != nil {
			return fmt.Errorf("dicomweb: audit: %w", err)
		}
		if page.More {
			w.Header().Add("Warning", `299 tenon "There are additional results that can be requested."`)
		}
		if form == xmlModel {
			return d.searchXML(w, r, s, page)
		}
		body, err := d.searchBody(r, s, page)
		if err != nil || fresh(w, r.Request, tagOf(string(body))) {
			return err
		}
		w.Header().Set("Content-Type", dicomJSON)
		return writeBody(w, r.Request, body)
	}
}

// searchXML answers one part for each match; of none there is no content.
func (d *Door) searchXML(w http.ResponseWriter, r *request, s *sought, page *index.Page) error {
	if len(page.Results) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	out, tags := newParts(w, dicomXML), s.fields()
	for i := range page.Results {
		var j objectWriter
		err := d.result(&j, r, s, tags, &page.Results[i])
		var document []byte
		if err == nil {
			document, err = dicom.AppendXML(nil, j.out)
		}
		if err == nil {
			err = out.part(dicomXML, "", int64(len(document)), bytes.NewReader(document))
		}
		if err != nil {
			return out.end(err)
		}
	}
	return out.end(nil)
}

// auditSearch is one row for the query, without its values, and one for every
// patient that the answer discloses.
func (d *Door) auditSearch(r *request, values url.Values, page *index.Page) []record.Audit {
	names := slices.Sorted(maps.Keys(values))
	shape := r.Pattern + "?" + strings.Join(names, "&")
	rows := []record.Audit{d.auditRow(r, "qido", shape, "")}
	seen := map[string]bool{"": true}
	for i := range page.Results {
		patient := page.Results[i].Study.Patient
		if !seen[patient] {
			seen[patient] = true
			rows = append(rows, d.auditRow(r, "qido", shape, patient))
		}
	}
	return rows
}

// Attributes that are answered without being asked for (PS3.18 tables 10.6.3-3
// to 10.6.3-5), beside those that the index does not hold as columns.
var defaults = map[index.Level][]dicom.Tag{
	index.StudyLevel: {0x00080020, 0x00080030, 0x00080050, 0x00080061, 0x00080090, 0x00080201, 0x00081030,
		0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x0020000D, 0x00200010, 0x00201206, 0x00201208},
	index.SeriesLevel: {0x00080060, 0x00080201, 0x0008103E, 0x0020000E, 0x00200011, 0x00201209, 0x00400244, 0x00400245,
		0x00400009, 0x00401001},
	index.InstanceLevel: {0x00080016, 0x00080018, 0x00080201, 0x00200013, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x00083002},
}

// Tags of an answer that are no columns.
const (
	instanceAvailability dicom.Tag = 0x00080056
	retrieveURL          dicom.Tag = 0x00081190
	requestAttributes    dicom.Tag = 0x00400275
	scheduledStepID      dicom.Tag = 0x00400009
	requestedProcedureID dicom.Tag = 0x00401001
)

// fields are the tags of an answer in ascending order. Attributes of a level
// above are told where the URL does not name it.
func (s *sought) fields() []dicom.Tag {
	set := map[dicom.Tag]bool{instanceAvailability: true, retrieveURL: true}
	add := func(l index.Level) {
		for _, t := range defaults[l] {
			set[t] = true
		}
	}
	add(s.Level)
	set[dicom.StudyInstanceUID] = true
	if s.Level > index.StudyLevel {
		set[dicom.SeriesInstanceUID] = true
		if s.Key.Study == "" {
			add(index.StudyLevel)
		}
	}
	if s.Level == index.InstanceLevel && s.Key.Series == "" {
		add(index.SeriesLevel)
	}
	for i := range index.Attributes {
		if a := &index.Attributes[i]; s.all && a.Level <= s.Level {
			set[a.Tag] = true
		}
	}
	for _, t := range s.include {
		if a := index.Lookup(t); a != nil && a.Level <= s.Level || a == nil && s.Level == index.InstanceLevel {
			set[t] = true
		}
	}
	if set[scheduledStepID] || set[requestedProcedureID] {
		delete(set, scheduledStepID)
		delete(set, requestedProcedureID)
		set[requestAttributes] = true
	}
	tags := make([]dicom.Tag, 0, len(set))
	for t := range set {
		tags = append(tags, t)
	}
	slices.Sort(tags)
	return tags
}

func (d *Door) searchBody(r *request, s *sought, page *index.Page) ([]byte, error) {
	var j objectWriter
	j.out = append(j.out, '[')
	tags := s.fields()
	for i := range page.Results {
		if i > 0 {
			j.out = append(j.out, ',')
		}
		if err := d.result(&j, r, s, tags, &page.Results[i]); err != nil {
			return nil, err
		}
	}
	return append(j.out, ']'), nil
}

// result writes one match.
func (d *Door) result(j *objectWriter, r *request, s *sought, tags []dicom.Tag, result *index.Result) error {
	var metadata map[string]json.RawMessage
	if s.Content && len(result.Instance.Content.Metadata) > 0 {
		text, err := d.metadataFor(nil, result, r.base, s.veils[result.Study.Patient])
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &metadata); err != nil {
			return fmt.Errorf("dicomweb: stored metadata: %w", err)
		}
	}
	j.begin()
	for _, t := range tags {
		switch {
		case t == retrieveURL:
			j.text(t, r.base+pathOf(result, s.Level))
		case t == instanceAvailability:
			j.text(t, "ONLINE")
		case t == requestAttributes && metadata[t.String()] == nil:
			requestSequence(j, &result.Series)
		case index.Lookup(t) != nil:
			column(j, index.Lookup(t), result)
		case metadata[t.String()] != nil:
			j.raw(t, metadata[t.String()])
		}
	}
	j.end()
	return nil
}

// requestSequence writes Request Attributes Sequence from its columns.
func requestSequence(j *objectWriter, s *index.Series) {
	if s.ScheduledStepID == "" && s.RequestedProcedure == "" {
		j.element(requestAttributes, dicom.SQ, nil)
		return
	}
	j.sequence(requestAttributes, 1, func(int) {
		j.text(scheduledStepID, s.ScheduledStepID)
		j.text(requestedProcedureID, s.RequestedProcedure)
	})
}

func pathOf(r *index.Result, l index.Level) string {
	path := "/studies/" + r.Study.UID
	if l >= index.SeriesLevel {
		path += "/series/" + r.Series.UID
	}
	if l == index.InstanceLevel {
		path += "/instances/" + r.Instance.UID
	}
	return path
}

// column writes the value of a column.
func column(j *objectWriter, a *index.Attribute, r *index.Result) {
	d, _ := dicom.Lookup(a.Tag)
	switch field := a.Field(r).(type) {
	case **int64:
		if *field == nil {
			j.element(a.Tag, d.VR, nil)
		} else {
			j.number(a.Tag, **field)
		}
	case *string:
		switch {
		case *field == "":
			j.element(a.Tag, d.VR, nil)
		case d.VR == dicom.PN:
			j.element(a.Tag, d.VR, dicom.AppendName(nil, *field))
		case a.Kind == index.List:
			var list []byte
			for i, v := range strings.Split(*field, `\`) {
				if i > 0 {
					list = append(list, ',')
				}
				list = dicom.AppendString(list, v)
			}
			j.element(a.Tag, d.VR, list)
		default:
			j.element(a.Tag, d.VR, dicom.AppendString(nil, *field))
		}
	}
}

// raw writes an attribute object that is JSON already.
func (j *objectWriter) raw(t dicom.Tag, attribute []byte) {
	if !j.fresh {
		j.out = append(j.out, ',')
	}
	j.fresh = false
	j.out = append(append(append(j.out, '"'), t.String()...), `":`...)
	j.out = append(j.out, attribute...)
}
