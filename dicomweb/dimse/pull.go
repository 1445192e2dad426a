package dimse

import (
	"context"
	"net/http"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// C-MOVE as the one who asks: a peer is told to send a study here. What it sends
// comes in over an association of its own, under its own registration.

// Pulled is what became of a study that another system was asked for.
type Pulled struct {
	Peer      string   `json:"peer"`
	Completed int      `json:"completed"`
	Warned    int      `json:"warned"`
	Failed    int      `json:"failed"`
	Reasons   []string `json:"reasons,omitempty"` // of failures here, each once
}

// pullIdle is how long a peer may say nothing while it sends.
const pullIdle = 10 * time.Minute

// Pull asks a peer that may be asked to send what is under a key to us. Failures
// are issues: not-found where no such peer is known, transient where it cannot be
// reached or does not do it.
func (s *Server) Pull(ctx context.Context, who *access.Context, p *Peer, k index.Key) (*Pulled, error) {
	broken := func(text string) error {
		return issue.Errorf(issue.Transient, "%s %s.", p.Title, text).Rule("dicom-peer").WithStatus(http.StatusBadGateway)
	}
	c, err := Dial(ctx, s.o.Dial, s.o.TLS, p, Request{Calling: s.o.Title, Idle: pullIdle, Contexts: []Context{
		{ID: 1, Abstract: studyRootMove, Syntaxes: []string{dicom.ExplicitLittleEndian, dicom.ImplicitLittleEndian}}}})
	if err != nil {
		s.tell(ctx, err)
		return nil, broken("cannot be reached")
	}
	defer c.Close()
	x, ok := c.Accepted(studyRootMove)
	if !ok {
		return nil, broken("does not offer C-MOVE")
	}
	identifier := []Element{{Tag: queryLevel, Value: "STUDY"}, {Tag: dicom.StudyInstanceUID, Value: k.Study}}
	if k.Series != "" {
		identifier[0].Value = "SERIES"
		identifier = append(identifier, Element{Tag: dicom.SeriesInstanceUID, Value: k.Series})
	}
	out := &Pulled{Peer: p.Title}
	status, err := c.Ask(ctx, cMove, x, s.o.Title, identifier, func(m *Command, _ *dicom.File) error {
		if n := m.Counts; n != nil {
			out.Completed, out.Warned, out.Failed = int(n.Completed), int(n.Warned), int(n.Failed)
		}
		return nil
	})
	if err != nil {
		s.tell(ctx, err)
		return nil, broken("broke off")
	}
	_ = c.Release(ctx)
	switch {
	case status == statusNoDestination:
		return nil, broken("does not know this server by its AE title")
	case status != statusSuccess && status != statusSubWarning && out.Completed+out.Warned+out.Failed == 0:
		return nil, broken("refused")
	}
	return out, nil
}
