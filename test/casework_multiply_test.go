package test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/casework"
	"tenon/server/ledger"
	rec "tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
	"tenon/server/store"
)

// mould is a case as it was when a stage could be completed.
type mould struct {
	stage   string
	data    *rec.CaseData
	own     map[string]rec.Version // what is this case's alone, by id
	names   []string               // numbers that must differ from case to case
	serials []string               // of devices: they stand inside other texts too
}

// mouldOf takes a case of the database. What has a name for an id is of the
// sample, and shared, and so is the agreement of the two organisations.
func mouldOf(t testing.TB, s *store.Store, stage, root string) *mould {
	t.Helper()
	data, err := s.Snapshot(t.Context(), strings.TrimPrefix(root, "Task/"))
	if err != nil {
		t.Fatal(err)
	}
	m := &mould{stage: stage, data: data, own: map[string]rec.Version{}}
	ofAgreement := strings.Contains(string(rootOf(data).Body), "urn:tenon:plan:agreement")
	for _, v := range data.Members {
		if !anID.MatchString(v.ID) || v.Type == "Contract" && !ofAgreement {
			continue
		}
		m.own[v.ID] = v
		m.names = append(m.names, namesIn(t, v.Body)...)
		if s := serial.FindSubmatch(v.Body); s != nil && v.Type == "Device" {
			m.serials = append(m.serials, string(s[1]))
		}
	}
	slices.SortFunc(m.names, func(a, b string) int { return len(b) - len(a) })
	m.names = slices.Compact(m.names)
	return m
}

func rootOf(d *rec.CaseData) rec.Version {
	return d.Members[slices.IndexFunc(d.Members, func(v rec.Version) bool { return v.ID == d.Case })]
}

var serial = regexp.MustCompile(`"serialNumber":\s*"(\d{6,})"`)

// scanned is the code of a device as machines read it.
var scanned = regexp.MustCompile(`"carrierAIDC":\s*"([A-Za-z0-9+/=]+)"`)

func recoded(member string, named *strings.Replacer) string {
	code := scanned.FindStringSubmatch(member)[1]
	plain, err := base64.StdEncoding.DecodeString(code)
	if err != nil {
		return member
	}
	return strings.Replace(member, code, base64.StdEncoding.EncodeToString([]byte(named.Replace(string(plain)))), 1)
}

var anID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// namesIn are what names a resource apart from its id.
func namesIn(t testing.TB, body []byte) (all []string) {
	t.Helper()
	doc, err := tree.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	take := func(s string) {
		if s != "" && !strings.HasPrefix(s, "urn:") {
			all = append(all, s)
		}
	}
	for i := range root.Field("identifier").Items() {
		take(i.Field("value").Str())
	}
	take(root.Path("groupIdentifier", "value").Str())
	return all
}

// press makes cases of moulds: the same resources with ids of their own, written
// as the store writes what record prepared, with index rows, leaves, signatures
// and heads. Only the versions that are current are copied, as their first.
type press struct {
	store *store.Store
	index func(tree.Node) (search.Rows, error)
	now   time.Time
}

func newPress(t testing.TB, s *store.Store) *press {
	t.Helper()
	registry, err := search.NewRegistry(r4.Model())
	if err != nil {
		t.Fatal(err)
	}
	k, err := revision.New(t.Context(), revision.Options{Base: r4.Library(), Model: r4.Model(), Search: registry, Store: s, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return &press{store: s, index: k.Current().Search.Index, now: time.Now().UTC().Truncate(time.Millisecond)}
}

// pressed is one case that was made.
type pressed struct {
	stage, root, task, owner string
	unsigned                 bool // the last signature lacks: its stage is not completed
}

var within = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/_history/\d+)?`)

// one adds the n-th copy to a unit. unsigned leaves out the last signature that
// counts.
func (p *press) one(u *rec.Unit, m *mould, n int, unsigned bool) (pressed, error) {
	fresh := map[string]string{}
	for id := range m.own {
		fresh[id] = uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s %s %d", m.stage, id, n)).String()
	}
	var names []string
	for _, name := range m.names {
		names = append(names, `"`+name+`"`, fmt.Sprintf(`"%s-%d"`, name, n))
	}
	for _, s := range m.serials {
		names = append(names, s, fmt.Sprintf("%0*d", len(s), n))
	}
	named := strings.NewReplacer(names...)
	renamed := func(text []byte) []byte {
		return within.ReplaceAllFunc(text, func(at []byte) []byte {
			id, old, _ := strings.Cut(string(at), "/_history/")
			switch {
			case fresh[id] == "":
				return at
			case old != "":
				return []byte(fresh[id] + "/_history/1")
			}
			return []byte(fresh[id])
		})
	}
	digests, out := map[string][32]byte{}, pressed{stage: m.stage, root: "Task/" + fresh[m.data.Case], unsigned: unsigned}
	for _, id := range slices.Sorted(maps.Keys(m.own)) {
		v := m.own[id]
		body := []byte(named.Replace(string(renamed(v.Body))))
		body = scanned.ReplaceAllFunc(body, func(at []byte) []byte {
			return []byte(recoded(string(at), named))
		})
		doc, err := tree.Parse(body)
		if err != nil {
			return out, err
		}
		if body, err = tree.Splice(doc, fresh[id], "1", p.now); err != nil {
			return out, err
		}
		if doc, err = tree.Parse(body); err != nil {
			return out, err
		}
		v.ID, v.Version, v.Updated, v.Method, v.Body, v.Digest = fresh[id], 1, p.now, "POST", body, sha256.Sum256(body)
		v.Patient = string(renamed([]byte(v.Patient)))
		if _, err := rand.Read(v.Salt[:]); err != nil {
			return out, err
		}
		if v.Rows, err = p.index(doc.Root()); err != nil {
			return out, err
		}
		digests[v.Type+"/"+v.ID] = v.Digest
		u.Versions = append(u.Versions, v)
		u.Leaves = append(u.Leaves, ledger.VersionLeaf(ledger.VersionRow{Type: v.Type, ID: v.ID, Version: 1, Updated: v.Updated, Body: v.Body, Salt: v.Salt}))
		out.worked(doc.Root())
	}
	root := fresh[m.data.Case]
	for _, v := range m.data.Members {
		id := v.ID
		if fresh[id] != "" {
			id = fresh[id]
		}
		u.Members = append(u.Members, rec.Member{Case: root, Type: v.Type, ID: id})
	}
	grants := rec.CaseGrants{Case: root}
	for _, g := range m.data.Grants {
		grants.Grants = append(grants.Grants, casework.Grant{Principal: string(renamed([]byte(g.Principal))), Ceiling: g.Ceiling})
	}
	u.Grants, u.Cases = append(u.Grants, grants), append(u.Cases, root)
	p.sign(u, m, root, renamed, digests, unsigned)
	u.Audit = append(u.Audit, rec.Audit{At: p.now, Principal: "operator", Door: "cli", Action: "C", Operation: "import", Entity: out.root, Case: root, Outcome: 201})
	return out, nil
}

// worked notes the Task of the stage that is at work.
func (x *pressed) worked(r tree.Node) {
	if r.Field("resourceType").Str() == "Task" && r.Path("code", "coding", "code").Str() == x.stage && r.Field("status").Str() == "in-progress" {
		x.task, x.owner = "Task/"+r.Field("id").Str(), r.Path("owner", "reference").Str()
	}
}

// sign copies the signatures that count: those over the versions that are copied.
func (p *press) sign(u *rec.Unit, m *mould, root string, renamed func([]byte) []byte, digests map[string][32]byte, unsigned bool) {
	var kept []rec.CaseSignature
	for _, s := range m.data.Signatures {
		typ, id, _ := strings.Cut(s.Target, "/")
		v, own := m.own[id]
		if !own || v.Type != typ || v.Version != s.Version || v.Digest != s.Digest { // what is shared is signed once
			continue
		}
		s.Version, s.Target = 1, typ+"/"+string(renamed([]byte(id)))
		s.Digest = digests[s.Target]
		s.Provenance, s.Signer = string(renamed([]byte(s.Provenance))), string(renamed([]byte(s.Signer)))
		kept = append(kept, rec.CaseSignature{Case: root, Signature: s})
	}
	if last := len(kept) - 1; unsigned && last >= 0 {
		kept = kept[:last]
	}
	u.Signatures = append(u.Signatures, kept...)
}

// make writes n cases, in turn of the moulds, every third without its last
// signature; several to a unit.
func (p *press) make(ctx context.Context, moulds []*mould, from, to int) ([]pressed, error) {
	const several = 6
	var all []pressed
	for n := from; n < to; {
		u := &rec.Unit{Tenant: "main", At: p.now}
		for range min(several, to-n) {
			x, err := p.one(u, moulds[n%len(moulds)], n, n/len(moulds)%3 == 2)
			if err != nil {
				return nil, err
			}
			all = append(all, x)
			n++
		}
		if err := p.store.Commit(ctx, u); err != nil {
			return nil, err
		}
	}
	return all, nil
}
