package pacs

import (
	"testing"

	"tenon/dicomweb/dimse"
	"tenon/test/servertest"
)

// TestServices runs the services beside C-STORE, C-FIND and C-MOVE on one house
// for each engine.
func TestServices(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.send(t)
		t.Run("send", h.testSend)
		t.Run("worklist", h.testWorklist)
		t.Run("pull by C-MOVE", h.testPull)
		t.Run("send and pull by DICOMweb", h.testWeb)
		t.Run("rejection notes", h.testHidden)
	})
}

// testSend: a person of the hospital sends a study to a workstation.
func (h *house) testSend(t *testing.T) {
	dir := h.workstation(t, "WORKSTATION")
	h.peer(t, dimse.Peer{Title: "NOWHERE", Principal: "PractitionerRole/clin-wang", Allow: []string{"receive"}, Address: "127.0.0.1:1"})
	q := func(token, path string) servertest.Request {
		return servertest.Request{Token: token, Method: "POST", Path: "/dicomweb/studies/" + h.study.StudyUID + path}
	}
	des, other := h.Token(t, "PractitionerRole/des-zhang"), h.Token(t, "PractitionerRole/log-ma")
	h.Expect(t, 403, q(des, "/send?peer=WORKSTATION"))
	h.Expect(t, 403, q(other, "/send?peer=WORKSTATION"))
	h.Expect(t, 401, q("", "/send?peer=WORKSTATION"))
	h.Expect(t, 400, q(h.clin, "/send"))
	h.Expect(t, 400, q(h.clin, "/send?peer=A%5CB"))
	h.Expect(t, 404, q(h.clin, "/send?peer=SCANNER")) // may not receive
	h.Expect(t, 404, q(h.clin, "/send?peer=UNKNOWN"))
	h.Expect(t, 404, q(h.clin, "/series/1.2.3/send?peer=WORKSTATION"))
	h.Expect(t, 502, q(h.clin, "/send?peer=NOWHERE"))
	if a := h.Expect(t, 200, q(h.clin, "/send?peer=WORKSTATION")); string(a.Body) != `{"peer":"WORKSTATION","stored":6,"warned":0}` {
		t.Errorf("sent: %s", a.Body)
	}
	h.same(t, dir, 6)
}
