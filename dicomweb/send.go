package dicomweb

import (
	"net/http"

	"tenon/dicomweb/dimse"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// send answers POST …/send?peer={title}: C-STORE of what is under the URL to an
// application entity that the operator has registered to receive. It is for
// people of the hospital: what leaves is in nobody's reach here any more.
func (d *Door) send(w http.ResponseWriter, r *request) error {
	if d.o.Send == nil {
		return absent()
	}
	if err := r.who.NoApp(); err != nil {
		return err
	}
	if err := r.who.Permit(access.Read, "ImagingStudy"); err != nil {
		return err
	}
	if r.who.Kind != access.Operator && (r.who.Kind != access.Person || r.who.Side != access.Hospital) {
		return issue.Errorf(issue.Forbidden, "%s may not send images to another system: a person of the hospital does.", r.who.Principal).
			Rule("send-role").Chinese("仅医院人员可将影像发送至其他系统。")
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
