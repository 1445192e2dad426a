package dimse

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// C-MOVE and C-GET.
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.4.2
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.4.3

// maxKeys bounds the UIDs that one retrieval names.
const maxKeys = 1024

// targets are the keys that an identifier names.
func (a *association) targets(ctx context.Context, who *access.Context, q *query) ([]index.Key, error) {
	if q.level == "PATIENT" {
		id := q.keys[dicom.PatientID]
		if id == "" || strings.ContainsAny(id, `*?\`) {
			return nil, &refusal{statusNoMatch, "Patient ID (0010,0020) must have one value"}
		}
		var keys []index.Key
		for offset := 0; ; offset += pageSize {
			page, err := a.server.o.Archive.Find(ctx, who, index.StudyLevel, index.Key{}, map[dicom.Tag]string{dicom.PatientID: id}, pageSize, offset)
			if err != nil {
				return nil, err
			}
			for i := range page.Results {
				keys = append(keys, index.Key{Study: page.Results[i].Study.UID})
			}
			if !page.More || len(keys) > maxKeys {
				return keys, nil
			}
		}
	}
	list := q.keys[map[string]dicom.Tag{"STUDY": dicom.StudyInstanceUID, "SERIES": dicom.SeriesInstanceUID, "IMAGE": dicom.SOPInstanceUID}[q.level]]
	var keys []index.Key
	for uid := range strings.SplitSeq(list, `\`) {
		if !validUID(uid) || len(keys) == maxKeys {
			return nil, &refusal{statusNoMatch, "the unique key of the level must be one UID, or up to 1024"}
		}
		k := q.key
		switch q.level {
		case "STUDY":
			k.Study = uid
		case "SERIES":
			k.Series = uid
		default:
			k.Instance = uid
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// kinds are the pairs of SOP class and transfer syntax that are to be sent, in
// the order of their first instance, and the number of instances.
func (a *association) kinds(ctx context.Context, who *access.Context, keys []index.Key) (kinds []kind, n int, err error) {
	seen := map[kind]bool{}
	for _, k := range keys {
		for row, err := range a.server.o.Archive.Retrieve(ctx, who, "", k) {
			if err != nil {
				return nil, 0, err
			}
			n++
			x := kind{row.Instance.SOPClass, row.Instance.TransferSyntax}
			if !seen[x] {
				seen[x] = true
				kinds = append(kinds, x)
			}
		}
	}
	if n > 0xFFFF {
		return nil, 0, &refusal{statusNoCount, "more than 65,535 instances; retrieve by series"}
	}
	return kinds, n, nil
}

// kind is a SOP class in a transfer syntax.
type kind struct{ class, syntax string }

// transfer is a retrieval under way.
type transfer struct {
	a      *association
	who    *access.Context
	m      *message
	to     *Client
	counts Counts
	failed []string
	stop   bool
}

// sentOne does the sub-operation of one instance and tells how far it is.
func (t *transfer) sentOne(ctx context.Context, row *index.Result) error {
	t.counts.Remaining--
	status, err := t.to.send(ctx, t.a.server.o.Archive, t.who, row)
	if err != nil {
		t.counts.Failed++
		t.failed = append(t.failed, row.Instance.UID)
		return err
	}
	switch {
	case status == statusSuccess:
		t.counts.Completed++
	case status>>12 == 0xB, status == 0x0001, status == 0x0107, status == 0x0116:
		t.counts.Warned++
	default:
		t.counts.Failed++
		t.failed = append(t.failed, row.Instance.UID)
	}
	if t.counts.Remaining == 0 {
		return nil
	}
	counts := t.counts
	return t.m.reply(&Command{Status: statusPending, Counts: &counts}, nil)
}

// run sends everything under the keys; what the peer's link suffers ends it.
func (t *transfer) run(ctx context.Context, operation string, keys []index.Key) error {
	for _, k := range keys {
		for row, err := range t.a.server.o.Archive.Retrieve(ctx, t.who, operation, k) {
			if err != nil {
				return err
			}
			if t.counts.Remaining == 0 {
				return nil // arrived since they were counted
			}
			if t.stop, err = t.cancelled(); err != nil || t.stop {
				return err
			}
			if err := t.sentOne(ctx, row); err != nil {
				return err
			}
			if t.stop {
				return nil
			}
		}
	}
	return nil
}

// cancelled asks whether C-CANCEL came; the sub-operations of C-GET may have
// read it.
func (t *transfer) cancelled() (bool, error) {
	if t.stop || t.to.cancelled {
		return true, nil
	}
	return t.m.cancelled()
}

// finish sends the final response.
func (t *transfer) finish() error {
	c := &Command{Counts: &t.counts, Status: statusSuccess}
	t.counts.Failed += t.counts.Remaining // went since they were counted, or the way broke
	switch {
	case t.stop || t.to != nil && t.to.cancelled:
		c.Status = statusCancelled
		t.counts.Failed -= t.counts.Remaining
	case t.counts.Failed > 0 && t.counts.Completed+t.counts.Warned == 0:
		c.Status, c.Comment = statusSubFailed, "none of the instances could be sent"
	case t.counts.Failed+t.counts.Warned > 0:
		c.Status = statusSubWarning
	}
	var data []byte
	if len(t.failed) > 0 {
		list := []Element{{Tag: failedUIDs, Value: strings.Join(t.failed, `\`)}}
		if t.m.context.Syntaxes[0] == dicom.ImplicitLittleEndian || len(list[0].Value) < 0xFFFE {
			data = appendDataSet(nil, list, t.m.context.Syntaxes[0] == dicom.ImplicitLittleEndian)
		}
	}
	return t.m.reply(c, data)
}

// move is C-MOVE: the instances go to a third peer, over an association of ours.
func (a *association) move(ctx context.Context, who *access.Context, m *message) error {
	q, err := readQuery(m)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	s := a.server
	to, err := s.o.Peers.Peer(ctx, m.Destination)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	e := Event{Title: a.peer.Title, Principal: a.peer.Principal, Remote: m.Destination, Operation: "c-move", RequestID: who.RequestID, Allowed: to != nil && to.Address != "" && to.may(MayReceive)}
	if err := s.o.Audit(ctx, e); err != nil {
		return a.decline(ctx, m, err)
	}
	if !e.Allowed {
		return a.refuse(m, statusNoDestination, "the move destination is no peer that may receive images from here")
	}
	keys, err := a.targets(ctx, who, q)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	kinds, n, err := a.kinds(ctx, who, keys)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	t := &transfer{a: a, who: who, m: m, counts: Counts{Remaining: uint16(n)}} //nolint:gosec // bounded by kinds
	if n == 0 {
		return t.finish()
	}
	t.to, err = s.call(ctx, to, proposals(kinds))
	if err != nil {
		return m.reply(&Command{Status: statusSubFailed, Counts: &Counts{Failed: uint16(n)}, Comment: "the move destination cannot be reached"}, nil) //nolint:gosec // bounded
	}
	defer t.to.Close()
	t.to.origin, t.to.originID = a.peer.Title, m.ID
	if err := t.run(ctx, "c-move", keys); err != nil {
		if !t.to.broken {
			return err
		}
		s.tell(ctx, err)
	}
	if !t.to.broken {
		_ = t.to.Release(ctx)
	}
	return t.finish()
}

// get is C-GET: the instances go back over the same association, on which the
// peer has offered to be provider of their SOP classes.
func (a *association) get(ctx context.Context, who *access.Context, m *message) error {
	q, err := readQuery(m)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	keys, err := a.targets(ctx, who, q)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	_, n, err := a.kinds(ctx, who, keys)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	t := &transfer{a: a, who: who, m: m, counts: Counts{Remaining: uint16(n)}, to: &Client{link: a.link, within: m.ID}} //nolint:gosec // bounded by kinds
	if err := t.run(ctx, "c-get", keys); err != nil {
		return err
	}
	return t.finish()
}

// proposals are presentation contexts for what is to be sent: every SOP class
// as it is stored, and uncompressed.
func proposals(kinds []kind) []Context {
	var list []Context
	add := func(class string, syntaxes ...string) {
		if len(list) < maxContexts {
			list = append(list, Context{ID: byte(2*len(list) + 1), Abstract: class, Syntaxes: syntaxes})
		}
	}
	plain := map[string]bool{}
	for _, k := range kinds {
		if k.syntax != dicom.ExplicitLittleEndian && k.syntax != dicom.ImplicitLittleEndian {
			add(k.class, k.syntax)
		}
		if !plain[k.class] {
			plain[k.class] = true
			add(k.class, dicom.ExplicitLittleEndian)
			add(k.class, dicom.ImplicitLittleEndian)
		}
	}
	return list
}

// send is one C-STORE as a sub-operation; an instance that cannot be had in a
// transfer syntax of an accepted context fails without being sent.
func (c *Client) send(ctx context.Context, archive Archive, who *access.Context, row *index.Result) (uint16, error) {
	x, ok := c.contextFor(archive, row)
	if !ok {
		return statusNoSuchClass, nil
	}
	file, err := archive.Open(ctx, who, row, x.Syntaxes[0])
	if err != nil {
		return statusProcessing, nil //nolint:nilerr // one instance fails, the others go on
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 64<<10)
	if err := skipHead(r); err != nil {
		return statusProcessing, nil //nolint:nilerr // the same
	}
	status, err := c.store(ctx, x, row.Instance.SOPClass, row.Instance.UID, r)
	if err != nil {
		return 0, fmt.Errorf("dimse: send: %w", err)
	}
	return status, nil
}

// contextFor finds the accepted context that gives the instance as it is stored,
// or else one for which it can be converted.
func (c *Client) contextFor(archive Archive, row *index.Result) (best Context, ok bool) {
	for _, x := range c.link.contexts {
		if x.Abstract != row.Instance.SOPClass || c.within != 0 && !x.provider {
			continue
		}
		if x.Syntaxes[0] == row.Instance.TransferSyntax {
			return x, true
		}
		if (!ok || x.ID < best.ID) && archive.Offers(row, x.Syntaxes[0]) {
			best, ok = x, true
		}
	}
	return best, ok
}
