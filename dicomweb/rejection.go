package dicomweb

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
	"tenon/server/record"
)

// Rejection notes (IHE RAD, Imaging Object Change Management): a Key Object
// Selection whose title says why the instances that it names are no more to be
// used. They leave the index, so that no query, retrieval or C-FIND finds them;
// their bytes, the versions of the ImagingStudy and the audit stay.
//
//	note → who may? → what of it is stored, for its patient, in reach
//	     → one unit: instances hidden, note kept, next version of each ImagingStudy
//
//	title                               a case relies on it   it arrives again
//	113001 rejected for quality         stays (failure)       refused
//	113037 rejected for patient safety  hidden                refused
//	113038 incorrect worklist entry     hidden                refused
//	113039 retention expired            stays (failure)       stored
//
// The note itself is not found either; who judges the quarantine lists the notes
// of the organisation, and may revoke one:
//
//	GET  /rejections[?limit=&offset=]
//	POST /rejections/{id}/revoke
//
// https://www.ihe.net/uploadedFiles/Documents/Radiology/IHE_RAD_Suppl_IOCM.pdf
// https://dicom.nema.org/medical/dicom/current/output/html/part16.html#sect_CID_7011

const classKeyObjects = "1.2.840.10008.5.1.4.1.1.88.59"

// titles are those of rejection notes.
var titles = map[string]struct {
	meaning string
	sheds   bool // what a case relies on stays
	again   bool // what arrives again is stored
}{
	"113001": {"Rejected for Quality Reasons", true, false},
	"113037": {"Rejected for Patient Safety Reasons", false, false},
	"113038": {"Incorrect Modality Worklist Entry", false, false},
	"113039": {"Data Retention Policy Expired", true, true},
}

// Bounds of one note.
const (
	maxRejected        = 20_000 // instances
	maxRejectedStudies = 16
)

// reasonNoInstance is that of a note which names nothing that is stored.
const reasonNoInstance = 0x0112

// rejectionNote is what a note says.
type rejectionNote struct {
	code    string
	studies []string
	targets map[string][]string // study → instances
	count   int
	tooMany bool
}

// noteOf reads a rejection note, or gives nil.
func noteOf(f *dicom.File) *rejectionNote {
	if f.String(dicom.SOPClassUID) != classKeyObjects {
		return nil
	}
	n := &rejectionNote{targets: map[string][]string{}}
	_, concept := f.Find(-1, conceptName)
	if concept == 0 {
		return nil
	}
	for item := range f.Children(concept) {
		if f.StringIn(item, 0x00080102) == "DCM" {
			n.code = f.StringIn(item, 0x00080100)
		}
		break
	}
	if titles[n.code].meaning == "" {
		return nil
	}
	_, evidence := f.Find(-1, 0x0040A375)
	if evidence == 0 {
		return n
	}
	for study := range f.Children(evidence) {
		n.name(f, study)
	}
	return n
}

// name notes the instances of one study.
func (n *rejectionNote) name(f *dicom.File, study int) {
	uid := f.StringIn(study, dicom.StudyInstanceUID)
	_, list := f.Find(study, 0x00081115)
	if !validUID(uid) || list == 0 {
		return
	}
	for series := range f.Children(list) {
		_, sops := f.Find(series, 0x00081199)
		if sops == 0 {
			continue
		}
		for sop := range f.Children(sops) {
			instance := f.StringIn(sop, 0x00081155)
			if !validUID(instance) {
				continue
			}
			if n.targets[uid] == nil {
				n.studies = append(n.studies, uid)
			}
			if n.count++; n.count > maxRejected || len(n.studies) > maxRejectedStudies {
				n.tooMany = true
				return
			}
			n.targets[uid] = append(n.targets[uid], instance)
		}
	}
}

// rejector refuses who may not reject images: it is for the hospital.
func rejector(who *access.Context) *refusal {
	if who.Allow(access.Update, "ImagingStudy") != nil || who.NoApp() != nil || who.Kind != access.Operator && who.Side != access.Hospital {
		return &refusal{reasonNotAllowed, who.Principal + " may not reject images: the hospital does"}
	}
	return nil
}

// hiddenID names the row of a hidden instance, noteID that of a note.
func hiddenID(tenant, instance string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(tenant+"|hidden|"+instance)).String()
}

func noteID(tenant, instance string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(tenant+"|rejection|"+instance)).String()
}

// reject carries a note out, once what came before it is stored.
func (in *ingest) reject(a *arrival) error {
	if err := in.flush(); err != nil {
		return err
	}
	n := a.note
	if a.refused = rejector(in.r.who); a.refused != nil {
		return nil
	}
	if in.door.o.Quarantine == nil || n.tooMany || n.count == 0 {
		a.refused = &refusal{reasonProcessing, fmt.Sprintf("a rejection note names 1 to %d instances of at most %d studies", maxRejected, maxRejectedStudies)}
		return nil
	}
	if err := in.door.o.Blobs.Sync(in.r.Context()); err != nil {
		return err
	}
	var err error
	for range attempts {
		a.refused, a.repeated = nil, false
		if err = in.rejectOnce(a); !contended(err) {
			break
		}
	}
	if a.refused == nil && err != nil {
		if a.refused = refusalOf(err); a.refused != nil {
			err = nil
		}
	}
	return err
}

// rejectOnce does it on what is stored now.
func (in *ingest) rejectOnce(a *arrival) error {
	ctx, d, tenant := in.r.Context(), in.door, in.tenant()
	row := d.heldFor(in.r, a, index.NoteKept)
	row.ID, row.Patient, row.Reason, row.Code = noteID(tenant, a.instance.UID), a.study.Patient, titles[a.note.code].meaning, a.note.code
	known, err := d.o.Quarantine.Held(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if known != nil && known.Digest != row.Digest {
		a.refused = &refusal{reasonOtherBytes, "SOPInstanceUID (0008,0018) is that of another rejection note"}
		return nil
	}
	draft := &record.Draft{Door: in.r.name(), Operation: "reject-images", Blobs: []record.BlobRow{{Digest: row.Digest, Size: row.Size}}}
	hidden, missing := 0, 0
	for _, study := range a.note.studies {
		n, left, err := in.hideOf(draft, a, study)
		if err != nil {
			return err
		}
		hidden, missing = hidden+n, missing+left
	}
	switch {
	case missing == a.note.count:
		a.refused = &refusal{reasonNoInstance, "nothing that the note names is stored here for its patient"}
		return nil
	case known != nil && known.State == index.NoteKept && hidden == 0:
		a.repeated = true
		return nil
	case missing > 0:
		a.warning = fmt.Sprintf("%d of the %d instances that the note names are not stored here for its patient", missing, a.note.count)
	}
	if known != nil {
		row.Previous = known.State
	}
	if draft.Rows = append(draft.Rows, row); a.also != nil {
		draft.Rows = append(draft.Rows, a.also)
	}
	audit := d.auditRow(in.r, "reject-images", "rejection/"+row.ID+" "+a.note.code, a.study.Patient)
	audit.Action = "D"
	if err := d.o.Auditor.Audit(ctx, []record.Audit{audit}); err != nil {
		return err
	}
	_, err = d.o.Records.Submit(ctx, in.r.who, draft)
	return err
}

// hideOf adds to the unit what hides the named instances of one study, and tells
// how many these are, and how many are not there.
func (in *ingest) hideOf(draft *record.Draft, a *arrival, study string) (hidden, missing int, err error) {
	d, r := in.door, in.r
	wanted := map[string]bool{}
	for _, uid := range a.note.targets[study] {
		wanted[uid] = true
	}
	gone, left, err := d.parted(r, access.Update, index.Key{Study: study}, func(row *index.Result) bool {
		return row.Study.Patient == a.study.Patient && wanted[row.Instance.UID]
	})
	if err != nil {
		return 0, 0, err
	}
	for _, row := range gone {
		delete(wanted, row.Instance.UID)
	}
	known, err := d.hiddenOf(r.Context(), in.tenant(), a.note.targets[study])
	if err != nil {
		return 0, 0, err
	}
	for uid := range wanted { // what was hidden before is not missing
		if h := known[uid]; h == nil || h.State != index.Hidden || h.Patient != a.study.Patient {
			missing++
		}
	}
	if len(gone) == 0 {
		return 0, missing, nil
	}
	if err := in.hide(draft, a, gone, left); err != nil {
		return 0, 0, err
	}
	for _, row := range gone {
		draft.Rows = append(draft.Rows, in.hiddenRow(a, row, known[row.Instance.UID]))
	}
	return len(gone), missing, nil
}

// hide takes the instances out of the index; their bytes stay.
func (in *ingest) hide(draft *record.Draft, a *arrival, gone, left []*index.Result) error {
	without, err := in.door.withdrawnOf(in.r, gone, left)
	if err != nil {
		return err
	}
	op := &without.Ops[0]
	if len(left) == 0 { // the ImagingStudy stays and says so
		if err := in.door.emptied(in.r, op, a.note.code); err != nil {
			return err
		}
	}
	op.Sheds = titles[a.note.code].sheds
	draft.Ops = append(draft.Ops, *op)
	for _, row := range without.Rows {
		if x, ok := row.(*index.Removal); ok {
			x.Digest = [32]byte{}
		}
		draft.Rows = append(draft.Rows, row)
	}
	return nil
}

// hiddenRow keeps an instance that the note hides; old is its row of before, or nil.
func (in *ingest) hiddenRow(a *arrival, row *index.Result, old *index.Held) *index.Held {
	h := in.door.heldFor(in.r, &arrival{study: row.Study, series: row.Series, instance: row.Instance}, index.Hidden)
	h.ID, h.Patient, h.Reason, h.Code, h.Note = hiddenID(in.tenant(), row.Instance.UID), row.Study.Patient, titles[a.note.code].meaning, a.note.code, a.instance.UID
	if old != nil {
		h.Previous = old.State
	}
	return h
}

// emptied makes the ImagingStudy of a study all of whose instances are hidden.
func (d *Door) emptied(r *request, op *record.Op, code string) error {
	v, err := d.o.Records.Read(r.Context(), r.who, "ImagingStudy", op.ID)
	if err != nil {
		return err
	}
	o, err := objectOf(v.Body)
	if err != nil {
		return err
	}
	for _, name := range []string{"meta", "series", "modality"} {
		delete(o, name)
	}
	status := `"entered-in-error"`
	if titles[code].again {
		status = `"cancelled"` // right, but kept no longer
	}
	o["status"], o["numberOfSeries"], o["numberOfInstances"] = []byte(status), []byte("0"), []byte("0")
	op.Method = "PUT"
	op.Body, err = render(o)
	return err
}

// unhidden drops from a group what was rejected before, but for what may be stored
// again, and notes what a correction has replaced.
func (u *unit) unhidden() error {
	d := u.in.door
	if d.o.Quarantine == nil || u.in.restoring {
		return nil
	}
	uids, before := make([]string, len(u.group)), make([]string, len(u.group))
	for i, a := range u.group {
		uids[i], before[i] = a.instance.UID, correctedID(u.in.tenant(), a.instance.UID, a.instance.Content.Digest)
	}
	known, err := d.hiddenOf(u.ctx, u.in.tenant(), uids, before...)
	if err != nil {
		return err
	}
	for i, a := range u.group {
		a.replaced = known[before[i]] != nil
		switch h := known[a.instance.UID]; {
		case h == nil || h.State != index.Hidden:
		case h.Patient != a.study.Patient: // whose and why is not told
			a.hidden = &refusal{reasonOtherBytes, textOtherBytes}
		case !titles[h.Code].again:
			a.hidden = &refusal{reasonProcessing, "it was rejected before: " + h.Reason + "; a corrected instance needs new UIDs"}
		case a.also == nil:
			next := *h
			next.Previous, next.State = h.State, index.Restored
			a.also = &next
		}
	}
	return nil
}

// hiddenOf finds the rows of instances that are or were hidden, by UID, and those
// of files that were replaced, by their ids.
func (d *Door) hiddenOf(ctx context.Context, tenant string, uids []string, replaced ...string) (map[string]*index.Held, error) {
	ids := slices.Clone(replaced)
	for _, uid := range uids {
		ids = append(ids, hiddenID(tenant, uid))
	}
	list, err := d.o.Quarantine.HeldOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	by := make(map[string]*index.Held, len(list))
	for _, h := range list {
		if h.State == index.Corrected {
			by[h.ID] = h
		} else {
			by[h.Instance] = h
		}
	}
	return by, nil
}
