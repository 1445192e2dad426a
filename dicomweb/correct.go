package dicomweb

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Correction of what images say of their patient and study:
//
//	POST /studies/{study}/correct[?patient=Patient/{id}]
//	     {"reason":"…","attributes":{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^Mei"}]}}}
//	GET  /corrections[?limit=&offset=]     what was replaced, by whom, why
//	GET  /corrections/{id}                 the file as it was before
//
//	body → who may? → whose is it then? → each file written anew, its values of
//	before in Original Attributes Sequence → one unit: instances, study, what was
//	replaced, next version of the ImagingStudy, change
//
// The file as it came stays in the blob store under its digest, and is answered
// byte for byte; stored again it counts as stored. Pixels are copied, UIDs stay.
// The patient is found by the rule of STOW-RS: the Patient ID must be an identifier
// of the study's patient. Another patient must be named in the URL as well, and a
// study that a case relies on changes hands for nobody.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.12.1.1.9

// maxCorrected bounds the instances of one correction, which is one unit;
// maxCorrection the request.
const (
	maxCorrected  = 5000
	maxCorrection = 64 << 10
)

// correctable are the attributes that can be corrected, with the most characters
// of their values.
var correctable = map[dicom.Tag]int{
	dicom.PatientName: 64, dicom.PatientID: 64, 0x00100021: 64, 0x00100030: 8, 0x00100040: 16, 0x00080050: 16, 0x00081030: 64,
}

// correction is one request.
type correction struct {
	Reason     string `json:"reason"`
	Attributes step   `json:"attributes"`

	subject *subject
	patient string // the study's from now on
	at      time.Time
}

// corrected is its answer.
type corrected struct {
	Study     string `json:"study"`
	Patient   string `json:"patient"`
	Corrected int    `json:"corrected"`
	Unchanged int    `json:"unchanged"`
}

// correct answers POST /studies/{study}/correct.
func (d *Door) correct(w http.ResponseWriter, r *request) error {
	if err := d.corrector(r); err != nil {
		return err
	}
	k, err := r.key()
	if err != nil {
		return err
	}
	c, err := readCorrection(r.Body)
	if err != nil {
		return err
	}
	if c.subject, err = d.newSubject(r); err != nil {
		return err
	}
	if c.subject.task != "" {
		return unknownParameter("task")
	}
	var out *corrected
	for range attempts {
		if out, err = d.correctOnce(r, k, c); !contended(err) {
			break
		}
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

// corrector refuses who may not correct images: a person of the hospital does, who
// also judges the quarantine.
func (d *Door) corrector(r *request) error {
	if d.o.Quarantine == nil {
		return absent()
	}
	if err := r.who.Allow(access.Update, "ImagingStudy"); err != nil {
		return err
	}
	if err := r.who.NoApp(); err != nil {
		return err
	}
	if r.who.Kind != access.Person || r.who.Side != access.Hospital || !slices.ContainsFunc(judges, r.who.Has) {
		return issue.Errorf(issue.Forbidden, "%s corrects no images: a person of the hospital with the role IMG, DBA or ADMIN does.", r.who.Principal).
			Rule("correct-role").Chinese("仅医院影像操作员、数据管理员或平台管理员可更正影像信息。")
	}
	return nil
}

// readCorrection reads and judges the body.
func readCorrection(body io.Reader) (*correction, error) {
	bad := func(at, format string, args ...any) (*correction, error) {
		return nil, issue.Errorf(issue.Invalid, format, args...).At(at).Rule("correct-input").WithStatus(http.StatusBadRequest)
	}
	text, err := io.ReadAll(io.LimitReader(body, maxCorrection+1))
	if err != nil {
		return nil, err
	}
	c := &correction{}
	if len(text) > maxCorrection || json.Unmarshal(text, c) != nil {
		return bad("", `The body is {"reason":"…","attributes":{…}} of at most %d bytes, with attributes of the DICOM JSON model.`, maxCorrection)
	}
	if c.Reason == "" || len(c.Reason) > maxNote {
		return bad("reason", "The reason says why, as text of 1 to %d bytes.", maxNote)
	}
	if len(c.Attributes) == 0 {
		return bad("attributes", "No attribute is to be corrected.")
	}
	for name, a := range c.Attributes {
		t, ok := dicom.ParseTag(name)
		most, can := correctable[t]
		if !ok || !can || a == nil || t.String() != name {
			return bad("attributes", "%.20q is not corrected here: PatientName, PatientID, IssuerOfPatientID, PatientBirthDate, PatientSex, AccessionNumber and StudyDescription are, by their tags.", name)
		}
		d, _ := dicom.Lookup(t)
		a.VR, a.InlineBinary, a.BulkDataURI = d.VR.String(), "", ""
		if !fitsCorrection(t, a, most) {
			return bad("attributes."+name, "The value of %s has not the form of its value representation %s.", d.Keyword, a.VR)
		}
	}
	return c, nil
}

// fitsCorrection judges one value by its value representation.
func fitsCorrection(t dicom.Tag, a *stepAttribute, most int) bool {
	if len(a.Value) == 0 || string(a.Value[0]) == "null" {
		a.Value = nil
		return t != dicom.PatientID
	}
	var texts []string
	if t == dicom.PatientName {
		var n struct{ Alphabetic, Ideographic, Phonetic string }
		if json.Unmarshal(a.Value[0], &n) != nil {
			return false
		}
		texts = []string{n.Alphabetic, n.Ideographic, n.Phonetic}
	} else {
		var one string
		if json.Unmarshal(a.Value[0], &one) != nil {
			return false
		}
		texts = []string{one}
	}
	for _, s := range texts {
		if len([]rune(s)) > most || cut(s, len(s)) != s {
			return false
		}
	}
	switch s := texts[0]; t {
	case 0x00100030:
		return index.NormaliseDate(s) == s
	case 0x00100040:
		return s == "M" || s == "F" || s == "O"
	case dicom.PatientID:
		return len(a.Value) == 1 && s != ""
	}
	return len(a.Value) == 1
}

// value is what the correction makes of an attribute of the study.
func (c *correction) value(t dicom.Tag, now string) string {
	a := c.Attributes[t.String()]
	switch {
	case a == nil:
		return now
	case t == dicom.PatientName && len(a.Value) > 0:
		return nameOf(a.Value[0])
	}
	return c.Attributes.text(t)
}

// nameOf joins the component groups of a person name.
func nameOf(raw json.RawMessage) string {
	var n struct{ Alphabetic, Ideographic, Phonetic string }
	_ = json.Unmarshal(raw, &n) // was judged
	name := n.Alphabetic + "=" + n.Ideographic + "=" + n.Phonetic
	for len(name) > 0 && name[len(name)-1] == '=' {
		name = name[:len(name)-1]
	}
	return name
}

// correctOnce does it on what is stored now.
func (d *Door) correctOnce(r *request, k index.Key, c *correction) (*corrected, error) {
	all, v, err := d.correcting(r, k)
	if err != nil {
		return nil, err
	}
	if err := c.reconcile(&all[0].Study); err != nil {
		return nil, err
	}
	c.at = d.o.Clock().UTC().Truncate(time.Second)
	p := &correcting{d: d, r: r, c: c, draft: &record.Draft{Door: r.name(), Operation: "correct-images"}, change: &change{Action: "correct", Study: k.Study}}
	p.in = &ingest{door: d, r: r, study: k.Study, subject: &subject{door: d, r: r, seen: map[string]finding{}, patient: c.patient, decided: true}}
	for _, row := range all {
		if err := p.instance(row); err != nil {
			return nil, err
		}
	}
	out := &corrected{k.Study, c.patient, len(p.change.Changed), len(all) - len(p.change.Changed)}
	if out.Corrected == 0 && c.patient == all[0].Study.Patient {
		return out, nil
	}
	if err := p.study(v, all); err != nil {
		return nil, err
	}
	if err := d.o.Blobs.Sync(r.Context()); err != nil {
		return nil, err
	}
	rows := []record.Audit{d.auditRow(r, "correct-images", "ImagingStudy/"+v.ID, all[0].Study.Patient)}
	if c.patient != all[0].Study.Patient {
		rows = append(rows, d.auditRow(r, "correct-images", "ImagingStudy/"+v.ID, c.patient))
	}
	for i := range rows {
		rows[i].Action = "U"
	}
	if err := d.o.Auditor.Audit(r.Context(), rows); err != nil {
		return nil, err
	}
	_, err = d.o.Records.Submit(r.Context(), r.who, p.draft)
	return out, err
}

// correcting reads all instances of the study, in reach for a change, with the
// version of the ImagingStudy that they were read with.
func (d *Door) correcting(r *request, k index.Key) (all []*index.Result, v *record.Version, err error) {
	for row, err := range d.o.Index.Instances(r.Context(), r.who.ReachTo(access.Update), index.Key{Study: k.Study}) {
		if err != nil {
			return nil, nil, fmt.Errorf("dicomweb: index: %w", err)
		}
		if len(all) == maxCorrected {
			return nil, nil, issue.Errorf(issue.TooLong, "A study of more than %d instances is not corrected in one go.", maxCorrected).Rule("correct-limit").WithStatus(http.StatusUnprocessableEntity)
		}
		kept := *row
		all = append(all, &kept)
	}
	if len(all) == 0 {
		return nil, nil, absent()
	}
	v, err = d.o.Records.Read(r.Context(), r.who, "ImagingStudy", all[0].Study.Resource)
	if err == nil && v.Version != all[0].Study.Stamp.Version {
		err = issue.Errorf(issue.Conflict, "The study is being changed.").Rule("contention").WithStatus(http.StatusConflict)
	}
	return all, v, err
}

// reconcile finds whose the study is from now on.
func (c *correction) reconcile(study *index.Study) error {
	named := c.subject.patient
	refuse := func(text string) error {
		return issue.Errorf(issue.BusinessRule, "%s", text).At("attributes.00100020").Rule("correct-patient").WithStatus(http.StatusUnprocessableEntity).
			Chinese("更正后的患者标识不属于该检查的患者；如需改属他人，请在 URL 中指明 patient=。")
	}
	if c.patient = study.Patient; named != "" {
		c.patient = named
	}
	if c.Attributes[dicom.PatientID.String()] == nil && c.Attributes["00100021"] == nil && c.patient == study.Patient {
		return nil // whose it is was decided when it came
	}
	found, refused, err := c.subject.of(c.value(dicom.PatientID, study.PatientID), c.value(0x00100021, study.PatientIDIssuer))
	if err != nil {
		return err
	}
	if refused != nil {
		return refuse(refused.text)
	}
	if found != c.patient {
		return refuse("PatientID (0010,0020) identifies another patient than that of the study; name the patient in the URL, too: ?patient=Patient/{id}")
	}
	return nil
}

// correcting is one correction on its way into one unit.
type correcting struct {
	d      *Door
	r      *request
	c      *correction
	in     *ingest
	draft  *record.Draft
	change *change
}

// instance writes one file anew, where it says something else.
func (p *correcting) instance(row *index.Result) error {
	text, err := p.d.metadataOf(nil, &row.Instance.Content, "")
	if err != nil {
		return err
	}
	now := step{}
	if err := json.Unmarshal(text, &now); err != nil {
		return fmt.Errorf("dicomweb: stored metadata: %w", err)
	}
	set, err := p.c.edit(now, p.r.who.Principal)
	if set == nil || err != nil {
		return err
	}
	a, err := p.rewrite(row, set)
	if err != nil {
		return err
	}
	old, c := p.replaced(row), &a.instance.Content
	known, err := p.d.o.Quarantine.Held(p.r.Context(), old.ID)
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if known != nil {
		old.Previous = known.State
	}
	p.draft.Rows = append(p.draft.Rows, &index.Removal{Level: index.InstanceLevel, UID: row.Instance.UID}, &a.instance, old)
	for _, v := range a.extra {
		p.draft.Rows = append(p.draft.Rows, v)
	}
	p.draft.Blobs = append(p.draft.Blobs, record.BlobRow{Digest: c.Digest, Size: c.Size})
	p.change.Changed = append(p.change.Changed, changedInstance{row.Series.UID, row.Instance.UID})
	kept := a.instance
	kept.Content = index.Content{}
	row.Instance = kept
	return nil
}

// rewrite stages the file with other values, and reads it as any that arrives.
func (p *correcting) rewrite(row *index.Result, set []byte) (*arrival, error) {
	file, err := p.d.open(p.r.Context(), &row.Instance.Content)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := dicom.Rewrite(pw, file, p.d.o.Limits, dicom.Edit{Class: row.Instance.SOPClass, Instance: row.Instance.UID, Set: set})
		pw.CloseWithError(err)
	}()
	a := &arrival{}
	err = p.in.stage(a, pr)
	_ = pr.CloseWithError(errAbandoned)
	<-done
	if err == nil && a.key() != (index.Key{Study: row.Study.UID, Series: row.Series.UID, Instance: row.Instance.UID}) {
		err = fmt.Errorf("dicomweb: instance %s became another one by its correction", row.Instance.UID)
	}
	return a, err
}

// edit is the data set of what changes in a file, nil where nothing does: the
// values, and those of before in Original Attributes Sequence.
func (c *correction) edit(now step, principal string) ([]byte, error) {
	set, before := step{}, step{}
	for name, a := range c.Attributes {
		old := now[name]
		if old == nil {
			old = &stepAttribute{VR: a.VR}
		}
		x, err := marshal(a)
		if err != nil {
			return nil, err
		}
		y, err := marshal(old)
		if err != nil {
			return nil, err
		}
		if string(x) != string(y) {
			set[name], before[name] = a, old
		}
	}
	if len(set) == 0 {
		return nil, nil
	}
	item := step{}.with(0x04000550, before).with(0x04000562, c.at.Format("20060102150405")+"+0000").
		with(0x04000563, cut("Tenon "+principal, 64)).with(0x04000565, "CORRECT")
	item.say(0x04000564, "") // who gave the values of before is not known
	raw, err := marshal(item)
	if err != nil {
		return nil, err
	}
	history := &stepAttribute{VR: "SQ"}
	if old := now[originalAttributes.String()]; old != nil {
		history.Value = slices.Clone(old.Value)
	}
	history.Value = append(history.Value, raw)
	set[originalAttributes.String()] = history
	return marshal(set)
}

// replaced is the row that keeps the file as it was.
func (p *correcting) replaced(row *index.Result) *index.Held {
	h := p.d.heldFor(p.r, &arrival{study: row.Study, series: row.Series, instance: row.Instance}, index.Corrected)
	h.ID = correctedID(p.in.tenant(), row.Instance.UID, row.Instance.Content.Digest)
	h.Patient, h.Reason, h.Code, h.Judge, h.Judged = row.Study.Patient, p.c.Reason, "CORRECT", p.r.who.Principal, &p.c.at
	return h
}

// correctedID names the row of a file that was replaced.
func correctedID(tenant, instance string, digest [32]byte) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(tenant+"|corrected|"+instance+"|"+hex.EncodeToString(digest[:]))).String()
}

// study adds the rows of study and series, and the next version of the ImagingStudy.
func (p *correcting) study(v *record.Version, all []*index.Result) error {
	before := all[0].Study
	s, c := before, p.c
	s.Patient, s.PatientID, s.PatientIDIssuer = c.patient, c.value(dicom.PatientID, s.PatientID), c.value(0x00100021, s.PatientIDIssuer)
	s.PatientName, s.PatientBirthDate, s.PatientSex = c.value(dicom.PatientName, s.PatientName), c.value(0x00100030, s.PatientBirthDate), c.value(0x00100040, s.PatientSex)
	s.AccessionNumber, s.Description = c.value(0x00080050, s.AccessionNumber), c.value(0x00081030, s.Description)
	s.NamesKept = false
	for _, row := range all {
		row.Study = s
	}
	u := &unit{ctx: p.r.Context(), in: &ingest{door: p.d, r: p.r, subject: &subject{}}, before: v, derived: map[string][]json.RawMessage{}}
	u.shrink(all)
	if err := u.derivedBefore(); err != nil {
		return err
	}
	body, err := u.imagingStudy(v.ID)
	if err == nil {
		body, err = reaccession(body, before.AccessionNumber, u.identifiers())
	}
	if err != nil {
		return err
	}
	p.draft.Rows = append(p.draft.Rows, u.rows()...)
	p.draft.Rows = append(p.draft.Rows, p.d.changeRow(v.ID, p.change))
	p.draft.Ops = []record.Op{{Method: "PUT", Type: "ImagingStudy", ID: v.ID, Body: body, IfMatch: strconv.FormatInt(v.Version, 10), Sheds: before.Patient != s.Patient}}
	return nil
}

// reaccession puts the identifiers that the door makes in the place of its former
// ones; those that a client has added stay.
func reaccession(body []byte, former string, own []object) ([]byte, error) {
	o, err := objectOf(body)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(o["identifier"], &list); err != nil {
		return nil, fmt.Errorf("dicomweb: stored ImagingStudy.identifier: %w", err)
	}
	list = slices.DeleteFunc(list, func(raw json.RawMessage) bool {
		var i struct {
			System, Value string
			Type          struct{ Coding []coding }
		}
		accession := json.Unmarshal(raw, &i) == nil && slices.ContainsFunc(i.Type.Coding, func(c coding) bool { return c.System == systemType && c.Code == "ACSN" })
		return i.System == systemUID || accession && i.System == "" && i.Value == former
	})
	for n, one := range own {
		raw, err := marshal(one)
		if err != nil {
			return nil, err
		}
		list = slices.Insert(list, n, json.RawMessage(raw))
	}
	if o["identifier"], err = marshal(list); err != nil {
		return nil, err
	}
	return render(o)
}

// listCorrected answers GET /corrections.
func (d *Door) listCorrected(w http.ResponseWriter, r *request) error {
	if err := d.corrector(r); err != nil {
		return err
	}
	limit, offset, err := pageOf(r)
	if err != nil {
		return err
	}
	list, err := d.o.Quarantine.Quarantined(r.Context(), index.Corrected, r.who.Organization, limit, offset)
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if err := d.audit(r, "correction-list", "corrections", ""); err != nil {
		return err
	}
	if list == nil {
		list = []*index.Held{}
	}
	return writeJSON(w, http.StatusOK, list)
}

// asItWas answers GET /corrections/{id}: the file that was replaced, byte for byte.
func (d *Door) asItWas(w http.ResponseWriter, r *request) error {
	if err := d.corrector(r); err != nil {
		return err
	}
	h, err := d.o.Quarantine.Held(r.Context(), r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if h == nil || h.State != index.Corrected || h.Organization != r.who.Organization {
		return absent()
	}
	if _, err := d.o.Records.Read(r.Context(), r.who, "Patient", h.Patient[len("Patient/"):]); err != nil {
		return err
	}
	file, err := d.o.Blobs.Open(r.Context(), h.Digest)
	if err != nil {
		return fmt.Errorf("dicomweb: content of a corrected instance: %w", err)
	}
	defer file.Close()
	if err := d.audit(r, "correction-read", "correction/"+h.ID, h.Patient); err != nil {
		return err
	}
	w.Header().Set("Content-Type", partTen)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", "attachment")
	w.Header().Set("Content-Length", strconv.FormatInt(file.Size(), 10))
	_, err = io.Copy(w, file)
	return aborted(err)
}
