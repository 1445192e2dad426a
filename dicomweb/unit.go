package dicomweb

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/record"
)

// attempts bounds how often a unit is prepared again when others store into the
// same study.
const attempts = 16

// commit stores what waits for one study: rows and the version of its
// ImagingStudy in one unit. Blobs become durable while the unit is prepared, and
// are before it is handed over.
func (in *ingest) commit(study string) error {
	group := in.waiting[study]
	delete(in.waiting, study)
	for _, a := range group {
		in.weight -= len(a.instance.Content.Metadata) + len(a.instance.Content.Frames) + len(a.instance.Content.Bulk)
	}
	defer release(group)
	ctx := context.WithoutCancel(in.r.Context()) // another request may store the batch
	b := &batch{in: in, group: group, synced: make(chan error, 1)}
	go func() { b.synced <- in.door.o.Blobs.Sync(ctx) }()
	return in.door.turns.join(in.r.Context(), in.tenant()+"|"+study, b, in.store)
}

// store commits the batches of one party in one unit. It does not end with the
// request that leads: others rely on it.
func (in *ingest) store(party []*batch) error {
	ctx := context.WithoutCancel(in.r.Context())
	var group []*arrival
	for _, b := range party {
		group = append(group, b.group...)
	}
	durable := sync.OnceValue(func() (err error) {
		for _, b := range party {
			err = errors.Join(err, <-b.synced)
		}
		return err
	})
	var err error
	for n := range attempts {
		if err = in.try(ctx, group, n == 0, durable); !contended(err) {
			break
		}
	}
	if failed := durable(); failed != nil || err == nil { // what was stored before rests on it, too
		return failed
	}
	refused := refusalOf(err)
	if refused == nil {
		return err
	}
	for _, a := range group {
		if a.refused == nil && !a.repeated {
			a.refused = refused
		}
	}
	return nil
}

// release drops what the answer does not need.
func release(group []*arrival) {
	for _, a := range group {
		a.instance.Content = index.Content{}
	}
}

// contended tells whether another request was faster: look again and repeat.
func contended(err error) bool {
	f := issue.As(err)
	return f != nil && len(f.Issues) > 0 && (f.Issues[0].Rule == "stale-if-match" || f.Issues[0].Rule == "contention")
}

// try prepares and submits one unit on what is stored now.
// The first attempt may rest on what the unit before it left.
func (in *ingest) try(ctx context.Context, group []*arrival, first bool, durable func() error) error {
	u := &unit{ctx: ctx, in: in, group: group, first: first, durable: durable}
	for _, a := range group {
		a.refused, a.repeated, a.hidden, a.replaced = nil, false, nil, false
	}
	if !first || !u.recall() {
		if err := u.look(); err != nil {
			return err
		}
	}
	if err := u.unhidden(); err != nil {
		return err
	}
	u.sort()
	if len(u.fresh) == 0 {
		return nil
	}
	return u.submit()
}

// unit is one attempt to store a group of instances of one study.
type unit struct {
	ctx    context.Context
	in     *ingest
	group  []*arrival
	held   *index.Holdings
	fresh  []*arrival
	study  index.Study
	series []*index.Series // those that change
	before *record.Version // of the ImagingStudy, or nil
	first  bool            // attempt

	durable func() error // waits until the blobs are

	derived map[string][]json.RawMessage // extensions of series, by UID; see derive
}

// look asks what is there.
func (u *unit) look() (err error) {
	q := &index.HoldingsQuery{Tenant: u.in.tenant(), Study: u.group[0].study.UID, Members: maxListed + 1}
	seen := map[string]bool{}
	for _, a := range u.group {
		if !seen["i"+a.instance.UID] {
			q.Instances = append(q.Instances, a.instance.UID)
		}
		if !seen["s"+a.series.UID] {
			q.Series = append(q.Series, a.series.UID)
		}
		seen["i"+a.instance.UID], seen["s"+a.series.UID] = true, true
	}
	u.held, err = u.in.door.o.Index.Holdings(u.ctx, u.in.r.who.Reach(), q)
	return err
}

func (in *ingest) tenant() string {
	return tenantOf(in.r.who)
}

const textOtherBytes = "SOPInstanceUID (0008,0018) is stored already, with other bytes; a changed instance needs a new UID"

// sort decides on every instance of the group.
func (u *unit) sort() {
	series := map[string]string{} // UID → study
	for _, s := range u.held.Series {
		series[s.UID] = s.Study
	}
	there := map[string]*index.Instance{}
	for i := range u.held.Instances {
		there[u.held.Instances[i].UID] = &u.held.Instances[i]
	}
	for _, a := range u.group {
		old := there[a.instance.UID]
		switch {
		case a.hidden != nil:
			a.refused = a.hidden
		case u.held.Study != nil && !u.held.Reachable:
			a.refused = &refusal{reasonNotAllowed, "the study is not open to you"}
		case u.held.Study != nil && u.held.Study.Patient != a.study.Patient:
			a.refused = &refusal{reasonPatient, "the study is stored for another patient"}
		case u.held.Study == nil && len(u.fresh) > 0 && u.fresh[0].study.Patient != a.study.Patient:
			a.refused = &refusal{reasonPatient, "the study holds instances of two patients"}
		case old != nil && old.Study == a.study.UID && old.Series == a.series.UID && (a.replaced || old.Content.Digest == a.instance.Content.Digest):
			a.repeated = true
			if u.held.Study != nil {
				a.study.Resource = u.held.Study.Resource
			}
		case old != nil:
			a.refused = &refusal{reasonOtherBytes, textOtherBytes}
		case series[a.series.UID] != "" && series[a.series.UID] != a.study.UID:
			a.refused = &refusal{reasonPatient, "SeriesInstanceUID (0020,000E) belongs to another study"}
		default:
			u.fresh = append(u.fresh, a)
			series[a.series.UID] = a.study.UID
			there[a.instance.UID] = &a.instance
		}
	}
}

// submit merges the rows, writes the ImagingStudy and hands the unit over.
func (u *unit) submit() error {
	id := imagingStudyID(u.in.tenant(), u.fresh[0].study.UID)
	match := "0" // nothing may be there yet
	if u.held.Study != nil {
		id = u.held.Study.Resource
		if u.before == nil {
			v, err := u.in.door.o.Records.Read(u.ctx, u.in.r.who, "ImagingStudy", id)
			if err != nil {
				return err
			}
			u.before = v
		}
		match = strconv.FormatInt(u.before.Version, 10)
	} else if !u.first { // all of its instances may be hidden
		v, err := u.in.door.o.Records.Read(u.ctx, u.in.r.who, "ImagingStudy", id)
		if err == nil && v.Patient == u.fresh[0].study.Patient {
			u.before, match = v, strconv.FormatInt(v.Version, 10)
		}
	}
	u.merge(id)
	if err := u.derive(id); err != nil {
		return err
	}
	body, err := u.imagingStudy(id)
	if err != nil {
		return err
	}
	draft := &record.Draft{Door: u.in.r.name(), Operation: u.in.r.storing(),
		Ops:  []record.Op{{Method: "PUT", Type: "ImagingStudy", ID: id, Body: body, IfMatch: match}},
		Rows: append(u.rows(), u.change(id))}
	seen := map[[32]byte]bool{}
	for _, a := range u.fresh {
		if c := &a.instance.Content; !seen[c.Digest] {
			seen[c.Digest] = true
			draft.Blobs = append(draft.Blobs, record.BlobRow{Digest: c.Digest, Size: c.Size})
		}
	}
	if err := u.durable(); err != nil {
		return err
	}
	out, err := u.in.door.o.Records.Submit(u.ctx, u.in.r.who, draft)
	if err != nil {
		u.in.door.known.drop(u.memory())
		return err
	}
	u.remember(out)
	return nil
}

// rows are the door's rows of the unit.
func (u *unit) rows() []any {
	rows := []any{&u.study}
	for _, s := range u.series {
		rows = append(rows, s)
	}
	if !u.study.NamesKept {
		for _, v := range u.study.NameValues() {
			rows = append(rows, v)
		}
	}
	for _, a := range u.fresh {
		rows = append(rows, &a.instance)
		if a.also != nil {
			rows = append(rows, a.also)
		}
		for _, v := range a.extra {
			rows = append(rows, v)
		}
	}
	return rows
}

// imagingStudyID derives the id from the UID, so that two requests which store
// the first instances of a study meet at one resource.
func imagingStudyID(tenant, study string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(tenant+"|"+study)).String()
}
