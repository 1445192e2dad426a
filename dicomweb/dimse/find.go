package dimse

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// C-FIND of the Query/Retrieve models.
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.4.1

// Tags that queries name.
const (
	queryLevel        dicom.Tag = 0x00080052
	retrieveTitle     dicom.Tag = 0x00080054
	availability      dicom.Tag = 0x00080056
	modalitiesInStudy dicom.Tag = 0x00080061
	failedUIDs        dicom.Tag = 0x00080058
)

// pageSize is the number of matches that are read at once.
const pageSize = 200

// query is an identifier that was read.
type query struct {
	level    string // PATIENT, STUDY, SERIES, IMAGE
	key      index.Key
	keys     map[dicom.Tag]string
	wanted   []dicom.Tag // in the order of the identifier
	optional bool        // a key is asked for that is not held
}

// uniqueKeys are those of the levels from the top (PS3.4 §C.6).
var uniqueKeys = []struct {
	level string
	tag   dicom.Tag
}{
	{"PATIENT", dicom.PatientID}, {"STUDY", dicom.StudyInstanceUID}, {"SERIES", dicom.SeriesInstanceUID}, {"IMAGE", dicom.SOPInstanceUID},
}

// refusal is a status with a comment.
type refusal struct {
	status  uint16
	comment string
}

func (r *refusal) Error() string { return r.comment }

// readQuery reads and judges the identifier of a query or retrieval.
func readQuery(m *message) (*query, error) {
	f, err := readDataSet(m, m.context.Syntaxes[0])
	if m.err != nil {
		return nil, m.err
	}
	if err != nil {
		return nil, &refusal{statusNoMatch, "the identifier cannot be read"}
	}
	q := &query{keys: map[dicom.Tag]string{}, level: f.String(queryLevel)}
	for _, e := range f.Children(-1) {
		switch {
		case e.Tag == queryLevel, e.Tag == dicom.CharacterSet, e.Tag.Element() == 0, e.Tag.Group() < 8:
			continue
		case index.Lookup(e.Tag) == nil && e.Tag != availability && e.Tag != retrieveTitle:
			q.optional = true
		}
		q.wanted = append(q.wanted, e.Tag)
		if e.VR != dicom.SQ {
			q.keys[e.Tag] = value(f, e)
		}
	}
	return q, q.unique(m.Class)
}

// value is the text of a key.
func value(f *dicom.File, e *dicom.Element) string {
	if e.VR.Text() {
		return strings.Join(f.Texts(e), `\`)
	}
	if n, ok := f.Int(e.Tag); ok && len(f.Bytes(e)) > 0 {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// unique demands the unique keys of the levels above that of the query, which
// must be one of the model's.
func (q *query) unique(class string) error {
	at := slices.IndexFunc(uniqueKeys, func(u struct {
		level string
		tag   dicom.Tag
	}) bool {
		return u.level == q.level
	})
	root := 1
	if class == patientRootFind || class == patientRootMove || class == patientRootGet {
		root = 0
	}
	if at < root {
		return &refusal{statusNoMatch, "Query/Retrieve Level (0008,0052) is none of this information model"}
	}
	for i, u := range uniqueKeys[:at+1] {
		v := q.keys[u.tag]
		switch {
		case i >= at || i < root:
			continue
		case v == "" || strings.ContainsAny(v, `*?\`):
			return &refusal{statusNoMatch, "the unique key " + u.tag.String() + " of a level above must have one value"}
		case i == 1:
			q.key.Study = v
		case i == 2:
			q.key.Series = v
		}
	}
	for _, uid := range []string{q.key.Study, q.key.Series} {
		if uid != "" && !validUID(uid) {
			return &refusal{statusNoMatch, "a unique key is no UID"}
		}
	}
	return nil
}

// indexLevel is the level of the index; patients are read from studies.
func (q *query) indexLevel() index.Level {
	switch q.level {
	case "SERIES":
		return index.SeriesLevel
	case "IMAGE":
		return index.InstanceLevel
	}
	return index.StudyLevel
}

// find answers C-FIND: a pending response for every match, then the final one.
func (a *association) find(ctx context.Context, who *access.Context, m *message) error {
	if m.Class == worklistFind {
		return a.worklist(ctx, who, m)
	}
	q, err := readQuery(m)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	var seen map[string]bool
	if q.level == "PATIENT" {
		seen = map[string]bool{}
		for t := range q.keys { // keys of studies do not restrict patients
			if t.Group() != 0x0010 {
				delete(q.keys, t)
			}
		}
	}
	sent := 0
	for offset := 0; ; offset += pageSize {
		page, err := a.server.o.Archive.Find(ctx, who, q.indexLevel(), q.key, q.keys, pageSize, offset)
		if err != nil {
			return a.decline(ctx, m, err)
		}
		for i := range page.Results {
			row := &page.Results[i]
			if seen != nil {
				if id := row.Study.PatientID + "\x00" + row.Study.Patient; seen[id] {
					continue
				} else {
					seen[id] = true
				}
			}
			if stop, err := m.cancelled(); err != nil || stop {
				return a.ended(m, err)
			}
			if sent++; sent > a.server.o.MaxMatches {
				return m.reply(&Command{Status: statusNoResources, Comment: "more matches than are answered at once; restrict the query"}, nil)
			}
			if err := a.pending(m, q, row); err != nil {
				return err
			}
		}
		if !page.More {
			return m.reply(&Command{Status: statusSuccess}, nil)
		}
	}
}

// ended ends an operation that was cancelled.
func (a *association) ended(m *message, err error) error {
	if err != nil {
		return err
	}
	return m.reply(&Command{Status: statusCancelled}, nil)
}

// decline answers a query that is refused; a defect is logged, and told without
// detail.
func (a *association) decline(ctx context.Context, m *message, err error) error {
	if m.err != nil {
		return m.err
	}
	r, ok := err.(*refusal) //nolint:errorlint // never wrapped
	if !ok {
		r = &refusal{statusUnreadable, "the server failed; the request can be repeated"}
		if f := issue.As(err); f != nil {
			r = &refusal{statusNoMatch, f.Error()}
			if len(f.Issues) > 0 && (f.Issues[0].Type == issue.Forbidden || f.Issues[0].Type == issue.Login) {
				r = &refusal{statusNotAuthorized, "this peer may not do this"}
			}
		} else if ctx.Err() == nil {
			a.server.o.Log(ctx, "dimse", err)
		}
	}
	return a.refuse(m, r.status, r.comment)
}

// pending sends one match.
func (a *association) pending(m *message, q *query, row *index.Result) error {
	list := []Element{{Tag: queryLevel, Value: q.level}, {Tag: retrieveTitle, Value: a.server.o.Title}, {Tag: availability, Value: "ONLINE"}}
	for _, t := range q.wanted {
		if t == availability || t == retrieveTitle {
			continue
		}
		e := Element{Tag: t}
		if at := index.Lookup(t); at != nil && at.Level <= q.indexLevel() {
			switch field := at.Field(row).(type) {
			case *string:
				e.Value = *field
			case **int64:
				if *field != nil {
					e.Value = strconv.FormatInt(**field, 10)
				}
			}
		}
		list = append(list, e)
	}
	for _, u := range uniqueKeys { // the unique keys down to the level are told always
		if !slices.Contains(q.wanted, u.tag) {
			list = append(list, Element{Tag: u.tag, Value: *index.Lookup(u.tag).Field(row).(*string)})
		}
		if u.level == q.level {
			break
		}
	}
	status := uint16(statusPending)
	if q.optional {
		status = statusPendingPart
	}
	data := appendDataSet(nil, withCharset(list), m.context.Syntaxes[0] == dicom.ImplicitLittleEndian)
	return m.reply(&Command{Status: status}, data)
}
