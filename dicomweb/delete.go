package dicomweb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// DELETE of a study, a series or an instance. No standard of DICOMweb has it; the
// archives that do answer 204 as this one does.
//
// Rows and the next version of the ImagingStudy, or its deletion, go in one unit,
// judged by record as a delete is: what belongs to a case, or is referred to by
// what is signed, stays (409). The bytes go with the next sweep; the versions of
// the ImagingStudy and the audit tell for ever what was there.

// Policies of DELETE.
const (
	DeleteRefuse = "refuse"
	DeleteUnused = "unused"
)

// remove answers DELETE at every level.
func (d *Door) remove(w http.ResponseWriter, r *request) error {
	if err := r.who.Allow(access.Delete, "ImagingStudy"); err != nil {
		return err
	}
	k, err := r.key()
	if err != nil {
		return err
	}
	if d.o.Delete != DeleteUnused {
		w.Header().Set("Allow", d.allowed(r.URL.Path))
		return issue.Errorf(issue.NotSupported, "This server deletes no images; its operator may permit it with the setting dicom-delete.").
			Rule("delete-policy").WithStatus(http.StatusMethodNotAllowed).Chinese("本服务器的设置不允许删除影像。")
	}
	for range attempts {
		if err = d.removeOnce(r, k); !contended(err) {
			break
		}
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// removeOnce takes away what is there now.
func (d *Door) removeOnce(r *request, k index.Key) error {
	gone, left, err := d.parted(r, access.Delete, index.Key{Study: k.Study}, func(row *index.Result) bool {
		return (k.Series == "" || k.Series == row.Series.UID) && (k.Instance == "" || k.Instance == row.Instance.UID)
	})
	if err != nil {
		return err
	}
	if len(gone) == 0 {
		return absent()
	}
	draft, err := d.withdrawnOf(r, gone, left)
	if err != nil {
		return err
	}
	_, err = d.o.Records.Submit(r.Context(), r.who, draft)
	return err
}

// parted divides the instances of a study, in reach for a verb, into those that go
// and the others, with digest and size of their content.
func (d *Door) parted(r *request, v access.Verb, k index.Key, goes func(*index.Result) bool) (gone, left []*index.Result, err error) {
	for row, err := range d.o.Index.Instances(r.Context(), r.who.ReachTo(v), k) {
		if err != nil {
			return nil, nil, fmt.Errorf("dicomweb: index: %w", err)
		}
		kept := *row
		kept.Instance.Content = index.Content{Digest: row.Instance.Content.Digest, Size: row.Instance.Content.Size}
		if goes(row) {
			gone = append(gone, &kept)
		} else {
			left = append(left, &kept)
		}
	}
	return gone, left, nil
}

// withdrawnOf makes the unit on the version that the rows were read with.
func (d *Door) withdrawnOf(r *request, gone, left []*index.Result) (*record.Draft, error) {
	v, err := d.o.Records.Read(r.Context(), r.who, "ImagingStudy", gone[0].Study.Resource)
	if err != nil {
		return nil, err
	}
	if v.Version != gone[0].Study.Stamp.Version {
		return nil, issue.Errorf(issue.Conflict, "The study is being changed.").Rule("contention").WithStatus(http.StatusConflict)
	}
	return d.withdraw(r, v, gone, left)
}

// withdraw makes the unit: without what is gone, or without the study.
func (d *Door) withdraw(r *request, v *record.Version, gone, left []*index.Result) (*record.Draft, error) {
	op := record.Op{Method: "DELETE", Type: "ImagingStudy", ID: v.ID, IfMatch: strconv.FormatInt(v.Version, 10)}
	draft := &record.Draft{Door: r.name(), Operation: "delete-images"}
	kept := map[string]bool{}
	for _, row := range left {
		kept[row.Series.UID] = true
	}
	action := "delete"
	emptied := map[string]bool{}
	for _, row := range gone {
		i := &row.Instance
		draft.Rows = append(draft.Rows, &index.Removal{Level: index.InstanceLevel, UID: i.UID, Digest: i.Content.Digest})
		if s := row.Series.UID; !kept[s] && !emptied[s] {
			emptied[s] = true
			draft.Rows = append(draft.Rows, &index.Removal{Level: index.SeriesLevel, UID: s})
		}
	}
	if len(left) == 0 {
		draft.Rows = append(draft.Rows, &index.Removal{Level: index.StudyLevel, UID: gone[0].Study.UID})
	} else {
		action = "update"
		u := &unit{ctx: r.Context(), in: &ingest{door: d, r: r, subject: &subject{}}, before: v}
		u.shrink(left)
		u.derived = map[string][]json.RawMessage{}
		if err := u.derivedBefore(); err != nil {
			return nil, err
		}
		body, err := u.imagingStudy(v.ID)
		if err != nil {
			return nil, err
		}
		op.Method, op.Body, op.Sheds = "PUT", body, true
		draft.Rows = append(draft.Rows, u.rows()...)
	}
	draft.Ops = []record.Op{op}
	c := &change{Action: action, Study: gone[0].Study.UID}
	for _, row := range gone {
		c.Removed = append(c.Removed, changedInstance{row.Series.UID, row.Instance.UID})
	}
	draft.Rows = append(draft.Rows, d.changeRow(v.ID, c))
	return draft, nil
}

// shrink makes the rows of the study and of its series from what is left.
func (u *unit) shrink(left []*index.Result) {
	u.study = left[0].Study
	u.study.Modalities, u.study.SOPClasses = "", ""
	u.held = &index.Holdings{}
	series := map[string]*index.Series{}
	for _, row := range left {
		s := series[row.Series.UID]
		if s == nil {
			s = &row.Series
			s.Instances = number(0)
			series[s.UID] = s
			u.series = append(u.series, s)
		}
		*s.Instances++
		u.study.Modalities = include(u.study.Modalities, s.Modality)
		u.study.SOPClasses = include(u.study.SOPClasses, row.Instance.SOPClass)
		if len(left) <= maxListed {
			u.held.Members = append(u.held.Members, row.Instance)
		}
	}
	u.study.Names = index.FoldNames(u.study.PatientName)
	u.study.Series, u.study.Instances = number(int64(len(series))), number(int64(len(left)))
	slices.SortFunc(u.series, func(a, b *index.Series) int { return strings.Compare(a.UID, b.UID) })
}
