package dimse

import (
	"context"
	"strconv"

	"tenon/dicomweb/dicom"
	"tenon/server/access"
)

// Storage Commitment, Push Model: a peer asks whether instances are kept, so
// that it may delete its own.
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#chapter_J

// Tags of commitment.
const (
	transactionUID dicom.Tag = 0x00081195
	referencedSOPs dicom.Tag = 0x00081199
	failedSOPs     dicom.Tag = 0x00081198
	failureReason  dicom.Tag = 0x00081197
	referencedSOP  dicom.Tag = 0x00081150
	referencedUID  dicom.Tag = 0x00081155
)

// Event types, and the reason of one instance that is not held (PS3.3 C.14.1.1).
const (
	eventSuccess  = 1
	eventFailures = 2
	noSuchObject  = 0x0112
)

// maxCommitted bounds the data set of one request: some 100,000 instances.
const maxCommitted = 16 << 20

// commit answers N-ACTION and then reports what is held.
func (a *association) commit(ctx context.Context, who *access.Context, m *message) error {
	switch {
	case m.Instance != commitmentObject:
		return a.refuse(m, statusNoObject, "the instance of storage commitment is "+commitmentObject)
	case m.Kind != 1:
		return a.refuse(m, statusNoSuchAction, "the action of storage commitment is 1")
	}
	f, err := readLimited(m, m.context.Syntaxes[0], maxCommitted)
	if m.err != nil {
		return m.err
	}
	if err != nil || !validUID(f.String(transactionUID)) {
		return a.refuse(m, statusBadArgument, "Transaction UID (0008,1195) is missing, or the request cannot be read")
	}
	event, report, err := a.held(ctx, who, f)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	if err := m.reply(&Command{Status: statusSuccess, Instance: m.Instance, Kind: 1}, nil); err != nil {
		return err
	}
	return a.report(ctx, m, event, report)
}

// held judges every instance of a request. An instance counts as held where it
// is stored durably and in reach of who asks.
func (a *association) held(ctx context.Context, who *access.Context, f *dicom.File) (event uint16, report []Element, err error) {
	var kept, missing [][]Element
	if _, seq := f.Find(-1, referencedSOPs); seq > 0 {
		for item := range f.Children(seq) {
			class, instance := f.StringIn(item, referencedSOP), f.StringIn(item, referencedUID)
			there := false
			if validUID(instance) {
				if there, err = a.server.o.Archive.Holds(ctx, who, class, instance); err != nil {
					return 0, nil, err
				}
			}
			named := []Element{{Tag: referencedSOP, Value: class}, {Tag: referencedUID, Value: instance}}
			if there {
				kept = append(kept, named)
			} else {
				missing = append(missing, append(named, Element{Tag: failureReason, Value: strconv.Itoa(noSuchObject)}))
			}
		}
	}
	event, report = eventSuccess, []Element{{Tag: transactionUID, Value: f.String(transactionUID)}}
	if len(kept) > 0 {
		report = append(report, Element{Tag: referencedSOPs, Items: kept})
	}
	if len(missing) > 0 {
		event, report = eventFailures, append(report, Element{Tag: failedSOPs, Items: missing})
	}
	return event, report, nil
}

// report sends N-EVENT-REPORT: over an association of ours where the peer
// listens, and over this one where it does not or cannot be reached.
func (a *association) report(ctx context.Context, m *message, event uint16, report []Element) error {
	if a.peer.Address != "" {
		c, err := Dial(ctx, a.server.o.Dial, a.server.o.TLS, a.peer, Request{Calling: a.server.o.Title, Idle: a.server.o.Idle,
			Contexts: []Context{{ID: 1, Abstract: commitmentPush, Syntaxes: []string{dicom.ExplicitLittleEndian, dicom.ImplicitLittleEndian}}},
			Roles:    []Role{{UID: commitmentPush, SCP: true}}})
		if err == nil {
			defer c.Close()
			if x, ok := c.Accepted(commitmentPush); ok {
				if err := c.event(ctx, x, event, report); err == nil {
					return c.Release(ctx)
				}
			}
		}
	}
	c := &Client{link: a.link, next: 0x4000}
	return c.event(ctx, m.context, event, report)
}

// event sends one report and waits for its response.
func (c *Client) event(ctx context.Context, x Context, event uint16, report []Element) error {
	id := c.id()
	data := appendDataSet(nil, report, x.Syntaxes[0] == dicom.ImplicitLittleEndian)
	q := &Command{Field: nEventReport, ID: id, Class: commitmentPush, Instance: commitmentObject, Kind: event}
	if err := c.link.write(x.ID, q, data); err != nil {
		return err
	}
	m, err := c.response(ctx, id)
	if err != nil {
		return err
	}
	return m.drain(maxIdentifier) // a status other than success changes nothing: it was told
}
