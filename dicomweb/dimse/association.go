package dimse

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/server/access"
)

// Results and reasons of A-ASSOCIATE-RJ (PS3.8 table 9-21).
const (
	rejectedPermanent  = 1
	rejectedTransient  = 2
	sourceUser         = 1
	sourcePresentation = 3
	reasonNone         = 1
	reasonApplication  = 2
	reasonCalling      = 3
	reasonCalled       = 7
	reasonLimit        = 2 // of the presentation: local limit exceeded
)

// association is one that a peer opened.
type association struct {
	server *Server
	link   *link
	peer   *Peer
	id     string
}

// establish answers the request. ok is false where it is rejected or no request.
func (a *association) establish(ctx context.Context) (ok bool, err error) {
	p, err := a.link.next(ctx)
	if err != nil {
		return false, err
	}
	if p.kind != associateRQ {
		return false, breach(unexpectedPDU, "a PDU of type %d before an association", p.kind)
	}
	a.link.free <- nil
	rq, err := parseAssociate(p.body, false)
	if err != nil {
		return false, err
	}
	s := a.server
	if rq.Application != applicationContext {
		return false, a.reject(rejectedPermanent, reasonApplication)
	}
	if rq.MaxLength != 0 && rq.MaxLength < minMaxData {
		return false, a.reject(rejectedPermanent, reasonNone)
	}
	reason, err := a.admit(ctx, rq)
	if err != nil || reason != 0 {
		return false, errors.Join(a.reject(rejectedPermanent, reason), err)
	}
	if !s.enter(a.peer.Title) {
		return false, a.link.send(associateRJ, []byte{0, rejectedTransient, sourcePresentation, reasonLimit})
	}
	ac := a.agree(rq)
	if _, err := a.link.w.Write(appendAssociate(nil, ac)); err != nil {
		s.leave(a.peer.Title)
		return false, err
	}
	if err := a.link.w.Flush(); err != nil {
		s.leave(a.peer.Title)
		return false, err
	}
	return true, nil
}

// reject rejects as the user of the service; a reason of 0 is none.
func (a *association) reject(result, reason byte) error {
	return a.link.send(associateRJ, []byte{0, result, sourceUser, max(reason, reasonNone)})
}

// admit finds the peer and its principal; a reason other than 0 is that of the
// rejection. Both are audited.
func (a *association) admit(ctx context.Context, rq *associate) (reason byte, err error) {
	s := a.server
	a.id = s.requestID()
	e := Event{Title: rq.Calling, Remote: a.link.conn.RemoteAddr().String(), Operation: "dimse-associate", RequestID: a.id}
	switch peer, err := s.o.Peers.Peer(ctx, rq.Calling); {
	case err != nil:
		return reasonNone, err
	case rq.Called != s.o.Title:
		reason = reasonCalled
	case peer == nil || peer.Check() != nil || !peer.proven(a.link.conn):
		reason = reasonCalling
	default:
		a.peer, e.Principal = peer, peer.Principal
		if _, err := s.o.Who(ctx, peer.Principal); err != nil {
			reason = reasonCalling // its principal is gone or not active
		}
	}
	e.Allowed = reason == 0
	return reason, s.o.Audit(ctx, e)
}

// agree judges every presentation context.
func (a *association) agree(rq *associate) *associate {
	ac := &associate{Called: rq.Called, Calling: rq.Calling, MaxLength: uint32(a.server.o.MaxPDU), answer: true}
	a.link.peerMax = int(min(rq.MaxLength, defaultMaxData))
	told := map[string]bool{}
	for _, c := range rq.Contexts {
		role := rq.role(c.Abstract)
		c.Result = a.judge(&role)
		syntax := ""
		if c.Result == accepted {
			if syntax = chooseSyntax(&c); syntax == "" {
				c.Result = syntaxesNotSupported
			}
		}
		if syntax == "" {
			syntax = dicom.ImplicitLittleEndian // not significant, but there
		}
		c.Syntaxes = []string{syntax}
		if c.Result == accepted {
			c.provider = role.SCP
			a.link.contexts[c.ID] = c
		}
		ac.Contexts = append(ac.Contexts, c)
		asked := slices.ContainsFunc(rq.Roles, func(r Role) bool { return r.UID == c.Abstract })
		if asked && c.Result == accepted && !told[c.Abstract] {
			told[c.Abstract] = true
			ac.Roles = append(ac.Roles, role)
		}
	}
	return ac
}

// judge decides on one SOP class, and which of the wanted roles the peer has.
func (a *association) judge(r *Role) byte {
	if storage(r.UID) {
		r.SCU = r.SCU && a.peer.may(MayStore)
		r.SCP = r.SCP && a.peer.may(MayRetrieve)
		if !r.SCU && !r.SCP {
			return refusedByUser
		}
		return accepted
	}
	needed, known := services[r.UID]
	if !known || r.UID == worklistFind && a.server.o.Worklist == nil {
		return abstractNotSupported
	}
	r.SCP = false
	if needed != "" && !a.peer.may(needed) {
		return refusedByUser
	}
	return accepted
}

// SOP classes of services.
const (
	verification     = "1.2.840.10008.1.1"
	commitmentPush   = "1.2.840.10008.1.20.1"
	patientRootFind  = "1.2.840.10008.5.1.4.1.2.1.1"
	patientRootMove  = "1.2.840.10008.5.1.4.1.2.1.2"
	patientRootGet   = "1.2.840.10008.5.1.4.1.2.1.3"
	studyRootFind    = "1.2.840.10008.5.1.4.1.2.2.1"
	worklistFind     = "1.2.840.10008.5.1.4.31"
	studyRootMove    = "1.2.840.10008.5.1.4.1.2.2.2"
	studyRootGet     = "1.2.840.10008.5.1.4.1.2.2.3"
	commitmentObject = "1.2.840.10008.1.20.1.1" // its well-known instance
)

// services are the SOP classes that are no storage, and the permission that each
// needs.
var services = map[string]string{
	verification: "", commitmentPush: MayCommit,
	patientRootFind: MayFind, studyRootFind: MayFind, worklistFind: MayFind,
	patientRootMove: MayRetrieve, studyRootMove: MayRetrieve,
	patientRootGet: MayRetrieve, studyRootGet: MayRetrieve,
}

// chooseSyntax takes the first transfer syntax that tells value representations,
// or else the implicit one. Services other than storage are little endian.
func chooseSyntax(c *Context) string {
	implicit := false
	for _, s := range c.Syntaxes {
		x, known := dicom.SyntaxOf(s)
		switch {
		case !known || !storage(c.Abstract) && s != dicom.ExplicitLittleEndian && s != dicom.ImplicitLittleEndian:
		case x.Implicit:
			implicit = true
		default:
			return s
		}
	}
	if implicit {
		return dicom.ImplicitLittleEndian
	}
	return ""
}

// serve answers messages until the association ends; the error is never nil.
func (a *association) serve(ctx context.Context) error {
	for {
		m, err := a.link.message(ctx)
		if err != nil {
			return err
		}
		if err := a.answer(ctx, m); err != nil {
			return err
		}
	}
}

// answer answers one message.
func (a *association) answer(ctx context.Context, m *message) error {
	if m.Field == cCancel {
		return nil // of an operation that has ended already
	}
	class := m.context.Abstract
	handlers := map[uint16]func(context.Context, *access.Context, *message) error{
		cStore: a.store, cFind: a.find, cMove: a.move, cGet: a.get, nAction: a.commit,
	}
	handle := handlers[m.Field]
	switch {
	case m.Field == cEcho && class == verification:
		if err := m.drain(maxIdentifier); err != nil {
			return err
		}
		return m.reply(&Command{}, nil)
	case m.isResponse():
		return breach(unexpectedPDU, "a response %#04x to nothing", m.Field)
	case handle == nil || operations[m.Field] != operationOf(class):
		return a.refuse(m, statusUnrecognized, "this operation is not offered on this presentation context")
	case m.Class != class:
		return a.refuse(m, statusNoSuchClass, "the SOP class is not that of the presentation context")
	}
	now, err := a.server.o.Who(ctx, a.peer.Principal)
	if err != nil {
		return a.refuse(m, statusNotAuthorized, "the principal of this peer is not active")
	}
	who := *now
	who.RequestID = a.id
	return handle(ctx, &who, m)
}

// refuse answers with a status once the data set has been passed over.
func (a *association) refuse(m *message, status uint16, comment string) error {
	if err := m.drain(a.server.o.MaxInstance); err != nil {
		return err
	}
	return m.reply(&Command{Status: status, Comment: comment, Instance: m.Instance}, nil)
}

// operations groups the commands by what a SOP class is for.
var operations = map[uint16]string{cStore: MayStore, cFind: MayFind, cMove: "move", cGet: "get", nAction: MayCommit}

func operationOf(class string) string {
	switch class {
	case patientRootFind, studyRootFind, worklistFind:
		return MayFind
	case patientRootMove, studyRootMove:
		return "move"
	case patientRootGet, studyRootGet:
		return "get"
	case commitmentPush:
		return MayCommit
	}
	if storage(class) {
		return MayStore
	}
	return ""
}

// lingers waits for the peer to close, as PS3.8 §9.2.3 asks of who answers a
// release.
func (a *association) lingers() {
	select {
	case <-a.link.in:
	case <-time.After(2 * time.Second):
	}
}

// store is C-STORE.
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#chapter_B
func (a *association) store(ctx context.Context, who *access.Context, m *message) error {
	switch {
	case !m.DataSet:
		return a.refuse(m, statusUnreadable, "no data set")
	case !a.peer.may(MayStore):
		return a.refuse(m, statusNotAuthorized, "this peer may not store")
	case !validUID(m.Instance):
		return a.refuse(m, statusNoMatch, "Affected SOP Instance UID (0000,1000) is no UID")
	}
	status, comment, err := a.server.o.Archive.Store(ctx, who, m.Class, partTen(m))
	if m.err != nil {
		return m.err // the association broke; what was stored so far is abandoned
	}
	if err != nil {
		a.server.o.Log(ctx, "dimse c-store", err)
		status, comment = statusProcessing, "the server failed; send the instance again"
	}
	if err := m.drain(a.server.o.MaxInstance - m.read); err != nil {
		return err
	}
	return m.reply(&Command{Status: status, Comment: comment, Instance: m.Instance}, nil)
}

// partTen is the data set of a C-STORE as a Part 10 file.
func partTen(m *message) io.Reader {
	head := partTenHead(m.Class, m.Instance, m.context.Syntaxes[0])
	return &prefixed{head: head, rest: m}
}

// prefixed reads a head and then the rest; it holds nothing.
type prefixed struct {
	head []byte
	rest io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.rest.Read(b)
}

// validUID checks the form of a UID (PS3.5 §9.1).
func validUID(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '.' && (c < '0' || c > '9') || c == '.' && s[i+1] == '.' {
			return false
		}
	}
	return true
}
