package dicomweb

import (
	"net/http"

	"tenon/dicomweb/dimse"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// send answers POST …/send?peer={title}: what is under the URL goes to a peer that
// the operator has registered to receive, by C-STORE or STOW-RS. It is for
// people of the hospital: what leaves is in nobody's reach here any more.
func (d *Door) send(w http.ResponseWriter, r *request) error {
	if d.o.Send == nil {
		return absent()
	}
	if err := sender(r.who); err != nil {
		return err
	}
	if err := r.who.Permit(access.Read, "ImagingStudy"); err != nil {
		return err
	}
	k, err := r.key()
	if err != nil {
		return err
	}
	given, err := r.parameters()
	if err != nil {
		return err
	}
	title := given.Get("peer")
	if len(given) != 1 || !dimse.ValidTitle(title) {
		return issue.Errorf(issue.Invalid, "Say where to: ?peer=, an AE title.").At("peer").Rule("parameter-value").WithStatus(http.StatusBadRequest)
	}
	sent, err := d.o.Send(r.Context(), r.who, title, k)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if len(sent.Failed) > 0 {
		status = http.StatusAccepted
	}
	return writeJSON(w, status, sent)
}
