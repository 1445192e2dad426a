package dimse

import (
	"context"
	"net/http"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// C-STORE to a peer on the wish of somebody here: a design's Encapsulated STL goes
// back to the PACS, or a study to a workstation.

// Sent is what became of the instances.
type Sent struct {
	Peer   string   `json:"peer"`
	Stored int      `json:"stored"`
	Warned int      `json:"warned"`
	Failed []string `json:"failed,omitempty"` // SOP Instance UIDs
}

// Send sends what is under a key, as far as the caller reaches it, to a peer that
// may receive. The association and the disclosure of each study are audited first.
// Failures are issues: not-found where nothing is in reach or no such peer is
// known, transient where it cannot be reached.
func (s *Server) Send(ctx context.Context, who *access.Context, title string, k index.Key) (*Sent, error) {
	to, err := s.o.Peers.Peer(ctx, title)
	if err != nil {
		return nil, err
	}
	allowed := to != nil && to.Address != "" && to.may(MayReceive)
	if err := s.o.Audit(ctx, Event{Title: s.o.Title, Principal: who.Principal, Remote: title, Operation: "c-store-send", RequestID: who.RequestID, Allowed: allowed}); err != nil {
		return nil, err
	}
	if !allowed {
		return nil, issue.Errorf(issue.NotFound, "%.16q is no application entity that may receive images from here.", title).Rule("dicom-peer")
	}
	a := &association{server: s}
	kinds, n, err := a.kinds(ctx, who, []index.Key{k})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, issue.Errorf(issue.NotFound, "Nothing is stored under this URL, or it is not visible to you.").Rule("not-found")
	}
	c, err := s.call(ctx, to, proposals(kinds))
	if err != nil {
		s.tell(ctx, err)
		return nil, issue.Errorf(issue.Transient, "%s cannot be reached.", title).Rule("dicom-peer").WithStatus(http.StatusBadGateway)
	}
	defer c.Close()
	out := &Sent{Peer: title}
	for row, err := range s.o.Archive.Retrieve(ctx, who, "c-store-send", k) {
		if err != nil {
			return nil, err
		}
		status, err := c.send(ctx, s.o.Archive, who, row)
		switch {
		case err != nil:
			s.tell(ctx, err)
			return nil, issue.Errorf(issue.Transient, "The association with %s broke after %d instances; send it again.", title, out.Stored+out.Warned).Rule("dicom-peer").WithStatus(http.StatusBadGateway)
		case status == statusSuccess:
			out.Stored++
		case status>>12 == 0xB:
			out.Warned++
		default:
			out.Failed = append(out.Failed, row.Instance.UID)
		}
	}
	_ = c.Release(ctx)
	return out, nil
}
