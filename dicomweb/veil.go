package dicomweb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Who sees a Patient in part (a child's, above the level to which the case is open
// to him) learns no more of it here: what the Patient leaves out is left out of
// query answers, metadata, files and work items, and is no key to find them by.
// The rest of the images is his to work with.
//
//	Patient shown without   left out
//	name                    Patient's Name (0010,0010)
//	identifier              Patient ID (0010,0020), Issuer of Patient ID (0010,0021)
//	birthDate               Patient's Birth Date (0010,0030)
//	gender                  Patient's Sex (0010,0040)
//	any element             the rest of group 0010, and Original Attributes Sequence
//
// A file is written anew for him, so that it has neither ranges nor an entity tag.

// Sight tells what callers see of patients; nothing is disclosed by it, so nothing
// is audited.
type Sight interface {
	// InPart tells whether the caller may see anything in part.
	InPart(ctx context.Context, who *access.Context) (bool, error)
	// Patient is the Patient as far as the caller sees it; nil: he does not.
	Patient(ctx context.Context, who *access.Context, id string) (*record.Version, error)
}

// originalAttributes is Original Attributes Sequence, which tells values of before.
const originalAttributes dicom.Tag = 0x04000561

// veil is what a caller does not see of a patient; nil hides nothing.
type veil struct{ shown map[dicom.Tag]bool }

func (v *veil) hides(t dicom.Tag) bool {
	return v != nil && (t.Group() == 0x0010 && !v.shown[t] || t == originalAttributes)
}

// veilOf is what the caller does not see of a patient ("Patient/x").
func (d *Door) veilOf(ctx context.Context, who *access.Context, patient string) (*veil, error) {
	if partly, err := d.partly(ctx, who); !partly || err != nil {
		return nil, err
	}
	id, _ := strings.CutPrefix(patient, "Patient/")
	v, err := d.o.Sight.Patient(ctx, who, id)
	if err != nil {
		return nil, fmt.Errorf("dicomweb: sight: %w", err)
	}
	if v != nil && v.Shown == 0 {
		return nil, nil
	}
	shown := map[dicom.Tag]bool{}
	if v == nil {
		return &veil{shown}, nil
	}
	var p map[string]json.RawMessage
	if err := json.Unmarshal(v.Body, &p); err != nil {
		return nil, fmt.Errorf("dicomweb: Patient in part: %w", err)
	}
	for name, tags := range map[string][]dicom.Tag{"name": {dicom.PatientName}, "identifier": {dicom.PatientID, 0x00100021}, "birthDate": {0x00100030}, "gender": {0x00100040}} {
		for _, t := range tags {
			shown[t] = p[name] != nil
		}
	}
	return &veil{shown}, nil
}

// partly tells whether the caller may see anything in part; most do not.
func (d *Door) partly(ctx context.Context, who *access.Context) (bool, error) {
	if d.o.Sight == nil || who.Kind == access.Operator || who.Kind == access.Server {
		return false, nil
	}
	partly, err := d.o.Sight.InPart(ctx, who)
	if err != nil {
		return false, fmt.Errorf("dicomweb: sight: %w", err)
	}
	return partly, nil
}

// clean leaves out of a data set of the DICOM JSON model what is hidden, also
// inside items.
func (v *veil) clean(object []byte) ([]byte, error) {
	var s step
	if err := json.Unmarshal(object, &s); err != nil {
		return nil, fmt.Errorf("dicomweb: stored data set: %w", err)
	}
	for name, a := range s {
		t, _ := dicom.ParseTag(name)
		if v.hides(t) {
			delete(s, name)
			continue
		}
		for i := range a.Value {
			if a.VR != "SQ" || string(a.Value[i]) == "null" {
				continue
			}
			item, err := v.clean(a.Value[i])
			if err != nil {
				return nil, err
			}
			a.Value[i] = item
		}
	}
	return marshal(s)
}

// blank leaves out of a row what is hidden.
func (v *veil) blank(row *index.Result) {
	for i := range index.Attributes {
		if at := &index.Attributes[i]; v.hides(at.Tag) {
			if field, ok := at.Field(row).(*string); ok {
				*field = ""
			}
		}
	}
}

// asks tells whether a query asks about what is hidden.
func (v *veil) asks(q *index.Query) bool {
	for _, m := range q.Matches {
		if v.hides(m.Attribute.Tag) || slices.ContainsFunc(m.Attribute.Path, v.hides) {
			return true
		}
	}
	return false
}

// maxVeiled bounds the matches that are looked through for who sees some in part.
const maxVeiled = 20_000

// seen answers a page of a query with what the caller sees. Who may see something in
// part, and asks about patients, gets what matches by what he sees, counted so that
// neither number nor order tells of the rest.
func (d *Door) seen(r *request, q *index.Query) (*index.Page, map[string]*veil, error) {
	partly, err := d.partly(r.Context(), r.who)
	if err != nil {
		return nil, nil, err
	}
	v := veils{d: d, r: r, of: map[string]*veil{}}
	if partly && (&veil{}).asks(q) {
		page, err := v.sift(q)
		return page, v.of, err
	}
	page, err := d.o.Index.Search(r.Context(), r.who.ReachTo(access.Search), q)
	if err != nil {
		return nil, nil, fmt.Errorf("dicomweb: search: %w", err)
	}
	for i := range page.Results {
		if !partly {
			break
		}
		if err := v.draw(&page.Results[i]); err != nil {
			return nil, nil, err
		}
	}
	return page, v.of, nil
}

// veils are those of the patients of one answer.
type veils struct {
	d  *Door
	r  *request
	of map[string]*veil
}

// draw leaves out of a row what is hidden.
func (v *veils) draw(row *index.Result) (err error) {
	one, known := v.of[row.Study.Patient]
	if !known {
		if one, err = v.d.veilOf(v.r.Context(), v.r.who, row.Study.Patient); err != nil {
			return err
		}
		v.of[row.Study.Patient] = one
	}
	one.blank(row)
	return nil
}

// sift looks through all matches.
func (v *veils) sift(q *index.Query) (*index.Page, error) {
	out, skip, all := &index.Page{}, q.Offset, *q
	for all.Limit, all.Offset = 1000, 0; all.Offset < maxVeiled; all.Offset += all.Limit {
		page, err := v.d.o.Index.Search(v.r.Context(), v.r.who.ReachTo(access.Search), &all)
		if err != nil {
			return nil, fmt.Errorf("dicomweb: search: %w", err)
		}
		for i := range page.Results {
			row := &page.Results[i]
			if err := v.draw(row); err != nil {
				return nil, err
			}
			switch {
			case v.of[row.Study.Patient].asks(q):
			case skip > 0:
				skip--
			case len(out.Results) == q.Limit:
				out.More = true
				return out, nil
			default:
				out.Results = append(out.Results, *row)
			}
		}
		if !page.More {
			return out, nil
		}
	}
	return nil, issue.Errorf(issue.TooCostly, "More than %d matches are to be looked through: name a study, a date or a modality.", maxVeiled).Rule("qido-narrow").WithStatus(http.StatusForbidden)
}

// rewritten is the transfer syntax in which a file is written anew.
func rewritten(row *index.Result) string {
	if x, _ := dicom.SyntaxOf(row.Instance.TransferSyntax); x.Encapsulated {
		return x.UID
	}
	return dicom.ExplicitLittleEndian
}

// writeVeiled writes the file of an instance without what is hidden.
func (d *Door) writeVeiled(w io.Writer, r *request, row *index.Result, v *veil) error {
	file, err := d.open(r.Context(), &row.Instance.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = dicom.Rewrite(w, file, d.o.Limits, dicom.Edit{Class: row.Instance.SOPClass, Instance: row.Instance.UID, Drop: v.hides})
	return err
}

// veiledFile is an io.Reader only in name: it is copied by WriteTo.
type veiledFile struct {
	d   *Door
	r   *request
	row *index.Result
	v   *veil
}

func (x *veiledFile) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// WriteTo writes the whole file.
func (x *veiledFile) WriteTo(w io.Writer) (int64, error) {
	c := &counter{w: w}
	err := x.d.writeVeiled(c, x.r, x.row, x.v)
	return int64(c.n), err
}

// retrieveVeiled answers instances to who sees their patient in part.
func (d *Door) retrieveVeiled(w http.ResponseWriter, r *request, found *found, single bool) error {
	w.Header().Set("Cache-Control", "no-store")
	for _, m := range accepted(r.Request) {
		switch {
		case m.isMultipart() && m.part().covers(partTen) && m.syntax(rewritten(found.first)), m.name == "*/*":
			out := newParts(w, partTen)
			return out.end(found.each(func(row *index.Result) error {
				syntax := rewritten(row)
				if !m.syntax(syntax) {
					return nil
				}
				return out.part(partTen+"; transfer-syntax="+syntax, r.base+pathOf(row, index.InstanceLevel), -1, &veiledFile{d, r, row, found.veil})
			}))
		case single && (m.covers(partTen) || m.name == octetStream) && m.syntax(rewritten(found.first)):
			return d.veiledOne(w, r, found)
		}
	}
	return notAcceptable("you see the patient in part: instances are answered as multipart/related; type=\"application/dicom\", one also as application/dicom, in explicit little endian or as they are compressed (transfer-syntax=*)")
}

// veiledOne answers one file alone.
func (d *Door) veiledOne(w http.ResponseWriter, r *request, found *found) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Accept-Ranges", "none")
	w.Header().Set("Content-Type", partTen+"; transfer-syntax="+rewritten(found.first))
	return aborted(d.writeVeiled(w, r, found.first, found.veil))
}

// hidesBulk tells whether the path of a long value leads through what is hidden.
func (v *veil) hidesBulk(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if t, ok := dicom.ParseTag(part); ok && v.hides(t) {
			return true
		}
	}
	return false
}
