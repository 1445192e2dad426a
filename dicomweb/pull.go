package dicomweb

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"tenon/dicomweb/dimse"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// Pulling a study from the hospital's PACS:
//
//	POST /pull?peer={title}&study={uid}[&series={uid}][&patient=Patient/{id}][&task=Task/{id}]
//
// A DICOMweb peer is asked by WADO-RS, and what it answers is stored for the
// caller like a STOW request of his. A DIMSE peer is told by C-MOVE to send here;
// what it sends is stored under its own registration, for the patient and the task
// that are named where whom the peer acts for reaches them.

// Puller asks peers that the operator has registered to be asked; every request is
// audited before it leaves.
type Puller interface {
	// Web finds a DICOMweb peer that may be asked; nil: it is none.
	Web(r *http.Request, who *access.Context, title string) (func(path string, take func(io.Reader) error) error, error)
	// Move tells a DIMSE peer to send here.
	Move(r *http.Request, who *access.Context, title string, k index.Key) (*dimse.Pulled, error)
}

// pull answers POST /pull.
func (d *Door) pull(w http.ResponseWriter, r *request) error {
	if d.o.Pull == nil {
		return absent()
	}
	if err := sender(r.who); err != nil {
		return err
	}
	if err := r.who.Allow(access.Create, "ImagingStudy"); err != nil {
		return err
	}
	title, k, err := pulling(r)
	if err != nil {
		return err
	}
	s := &subject{door: d, r: r, seen: map[string]finding{}}
	if s.patient, err = s.named("patient", "Patient"); err != nil {
		return err
	}
	if s.task, err = s.named("task", "Task"); err != nil {
		return err
	}
	ask, err := d.o.Pull.Web(r.Request, r.who, title)
	if err != nil {
		return err
	}
	if ask != nil {
		return d.pullWeb(w, r, s, title, k, ask)
	}
	done, err := d.expect(r.Context(), k.Study, s)
	if err != nil {
		return err
	}
	defer done()
	out, err := d.o.Pull.Move(r.Request, r.who, title, k)
	if err != nil {
		return err
	}
	return answerPull(w, out)
}

// pulling reads whom to ask for what.
func pulling(r *request) (title string, k index.Key, err error) {
	given, err := r.parameters()
	if err != nil {
		return "", k, err
	}
	for name, values := range given {
		if len(values) != 1 || !slices.Contains([]string{"peer", "study", "series", "patient", "task"}, name) {
			return "", k, unknownParameter(name)
		}
	}
	k = index.Key{Study: given.Get("study"), Series: given.Get("series")}
	switch title = given.Get("peer"); {
	case !dimse.ValidTitle(title):
		return "", k, badValue("peer", title, "an AE title")
	case !validUID(k.Study):
		return "", k, badValue("study", k.Study, "a UID")
	case k.Series != "" && !validUID(k.Series):
		return "", k, badValue("series", k.Series, "a UID")
	}
	return title, k, nil
}

// sender refuses who may not exchange images with other systems: it is for people
// of the hospital.
func sender(who *access.Context) error {
	if err := who.NoApp(); err != nil {
		return err
	}
	if who.Kind != access.Operator && (who.Kind != access.Person || who.Side != access.Hospital) {
		return issue.Errorf(issue.Forbidden, "%s may not exchange images with another system: a person of the hospital does.", who.Principal).
			Rule("send-role").Chinese("仅医院人员可与其他系统交换影像。")
	}
	return nil
}

// pullWeb stores what a DICOMweb peer answers.
func (d *Door) pullWeb(w http.ResponseWriter, r *request, s *subject, title string, k index.Key, ask func(string, func(io.Reader) error) error) error {
	r.operation = "pull"
	in := &ingest{door: d, r: r, subject: s, study: k.Study, form: jsonModel}
	path := "/studies/" + k.Study
	if k.Series != "" {
		path += "/series/" + k.Series
	}
	err := ask(path, in.take)
	if err != nil && (issue.As(err) != nil || r.Context().Err() != nil) {
		return err
	}
	if flushed := in.flush(); flushed != nil {
		return flushed
	}
	if err := d.auditRepeated(r, in); err != nil {
		return err
	}
	out := &dimse.Pulled{Peer: title}
	for _, a := range in.all {
		switch {
		case a.refused != nil:
			out.Failed++
			if len(out.Reasons) < 16 && !slices.Contains(out.Reasons, a.refused.text) {
				out.Reasons = append(out.Reasons, a.refused.text)
			}
		case a.warning != "":
			out.Warned++
		default:
			out.Completed++
		}
	}
	if err != nil {
		d.o.Log(r.Context(), "dicomweb pull", errors.Join(errors.New(title), err))
		return issue.Errorf(issue.Transient, "%s cannot be asked, or broke off; %d instances are stored.", title, out.Completed+out.Warned).Rule("dicom-peer").WithStatus(http.StatusBadGateway)
	}
	return answerPull(w, out)
}

func answerPull(w http.ResponseWriter, out *dimse.Pulled) error {
	switch {
	case out.Completed+out.Warned+out.Failed == 0:
		return issue.Errorf(issue.NotFound, "%s has nothing under these UIDs.", out.Peer).Rule("not-found")
	case out.Failed > 0:
		return writeJSON(w, http.StatusAccepted, out)
	}
	return writeJSON(w, http.StatusOK, out)
}
