package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
)

// Start is the time of the first write of every fixture.
var Start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// Everything reaches all.
var Everything = access.Everything{}

// fixture is a store with a person who writes to it.
type fixture struct {
	*testing.T
	*store.Store
	at time.Time
}

func start(t *testing.T, open func(*testing.T) *store.Store) *fixture {
	t.Helper()
	return &fixture{T: t, Store: open(t), at: Start}
}

func (f *fixture) ctx() context.Context { return f.T.Context() }

// Make is a version as record makes it; options change it.
func Make(typ, id string, version int64, options ...func(*record.Version)) record.Version {
	v := record.Version{
		Type: typ, ID: id, Version: version, Updated: Start.Add(time.Duration(version) * time.Second),
		Method: "PUT", Body: fmt.Appendf(nil, `{"resourceType":%q,"id":%q,"meta":{"versionId":"%d"}}`, typ, id, version),
		Owner: "Organization/h", Author: "PractitionerRole/a", Level: 2, Integrity: 1, Grading: "1",
	}
	for _, o := range options {
		o(&v)
	}
	v.Digest = sha256.Sum256(v.Body)
	copy(v.Salt[:], v.Digest[:])
	return v
}

// Deleted makes the version a deletion.
func Deleted(v *record.Version) {
	v.Deleted, v.Method, v.Body, v.Rows = true, "DELETE", []byte{}, search.Rows{}
}

// Owner sets the organisation that wrote it.
func Owner(organization string) func(*record.Version) {
	return func(v *record.Version) { v.Owner = organization }
}

// Level sets the confidentiality level.
func Level(l access.Level) func(*record.Version) { return func(v *record.Version) { v.Level = l } }

// Body sets the bytes.
func Body(s string) func(*record.Version) { return func(v *record.Version) { v.Body = []byte(s) } }

// Updated sets the time of the version.
func Updated(at time.Time) func(*record.Version) { return func(v *record.Version) { v.Updated = at } }

// Token adds a token row.
func Token(param, system, code string) func(*record.Version) {
	return func(v *record.Version) {
		v.Rows.Tokens = append(v.Rows.Tokens, search.TokenRow{Key: search.KeyOf(v.Type, param), System: system, Code: code})
	}
}

// String adds a string row.
func String(param, text string) func(*record.Version) {
	return func(v *record.Version) {
		v.Rows.Strings = append(v.Rows.Strings, search.StringRow{Key: search.KeyOf(v.Type, param), Normalised: search.Fold(text), Exact: text})
	}
}

// Date adds a date row.
func Date(param string, low, high int64) func(*record.Version) {
	return func(v *record.Version) {
		v.Rows.Dates = append(v.Rows.Dates, search.DateRow{Key: search.KeyOf(v.Type, param), Low: low, High: high})
	}
}

// Number adds a quantity row.
func Number(param string, low, high float64, system, code string) func(*record.Version) {
	return func(v *record.Version) {
		v.Rows.Numbers = append(v.Rows.Numbers, search.NumberRow{Key: search.KeyOf(v.Type, param), Low: low, High: high, System: system, Code: code})
	}
}

// Refer adds a reference row to Type/id.
func Refer(param, typ, id string) func(*record.Version) {
	return func(v *record.Version) {
		v.Rows.References = append(v.Rows.References, search.ReferenceRow{Key: search.KeyOf(v.Type, param), Type: typ, ID: id})
	}
}

// URI adds a uri row.
func URI(param, uri string) func(*record.Version) {
	return func(v *record.Version) {
		v.Rows.URIs = append(v.Rows.URIs, search.URIRow{Key: search.KeyOf(v.Type, param), URI: uri})
	}
}

// unit is a unit of these versions with their leaves.
func (f *fixture) unit(versions ...record.Version) *record.Unit {
	f.at = f.at.Add(time.Second)
	u := &record.Unit{At: f.at, Versions: versions}
	for i := range versions {
		v := &versions[i]
		u.Reads.Versions = append(u.Reads.Versions, record.VersionRead{Type: v.Type, ID: v.ID, Version: v.Version - 1})
	}
	u.Leaves = Leaves(versions)
	return u
}

// Leaves are the leaves of versions.
func Leaves(versions []record.Version) (leaves []ledger.Leaf) {
	for i := range versions {
		v := &versions[i]
		leaves = append(leaves, ledger.VersionLeaf(ledger.VersionRow{
			Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Deleted: v.Deleted, Body: v.Body, Digest: v.Digest, Salt: v.Salt,
		}))
	}
	return leaves
}

// put commits each version in a unit of its own.
func (f *fixture) put(versions ...record.Version) {
	f.Helper()
	for _, v := range versions {
		f.commit(f.unit(v))
	}
}

func (f *fixture) commit(u *record.Unit) {
	f.Helper()
	if err := f.Commit(f.ctx(), u); err != nil {
		f.Fatalf("Commit() = %v", err)
	}
}

func (f *fixture) stale(u *record.Unit) {
	f.Helper()
	if err := f.Commit(f.ctx(), u); !errors.Is(err, record.ErrStale) {
		f.Errorf("Commit() = %v, want ErrStale", err)
	}
}

// caseOf makes a case of members and opens it to principals.
func (f *fixture) caseOf(id string, grants []casework.Grant, members ...record.Version) {
	f.Helper()
	root := Make("Task", id, 1)
	u := f.unit(append([]record.Version{root}, members...)...)
	u.Members = append(u.Members, record.Member{Case: id, Type: "Task", ID: id})
	for _, m := range members {
		u.Members = append(u.Members, record.Member{Case: id, Type: m.Type, ID: m.ID})
	}
	u.Cases = []string{id}
	u.Reads.Cases = []record.CaseRead{{Case: id}}
	u.Grants = []record.CaseGrants{{Case: id, Grants: grants}}
	f.commit(u)
}

// in is the reach of a person through cases alone.
func in(principal string) access.Predicate { return access.InCase{Principals: []string{principal}} }

// find runs a plan and returns "Type/id" of matches, then of what was included
// with a + before it.
func (f *fixture) find(p *search.Plan) []string {
	f.Helper()
	if p.Count == 0 {
		p.Count = 1000
	}
	page, err := f.Search(f.ctx(), p)
	if err != nil {
		f.Fatalf("Search() = %v", err)
	}
	return names(page)
}

func names(page *search.Page) []string {
	var out []string
	for _, h := range page.Hits {
		n := h.Type + "/" + h.ID
		if h.Included {
			n = "+" + n
		}
		out = append(out, n)
	}
	return out
}

func (f *fixture) want(what string, got []string, want ...string) {
	f.Helper()
	if !slices.Equal(got, want) {
		f.Errorf("%s = %v, want %v", what, got, want)
	}
}

// plan searches a type with everything in reach.
func plan(typ string, where ...search.Clause) *search.Plan {
	return &search.Plan{Root: search.Alias{Types: []string{typ}, Reach: Everything, Where: where}}
}

func reaching(p *search.Plan, reach access.Predicate) *search.Plan {
	p.Root.Reach = reach
	return p
}

func ptr[T any](v T) *T { return &v }

// Code asks for a token; system * is any.
func Code(typ, param, system, value string) search.Clause {
	m := search.TokenMatch{Code: &value}
	if system != "*" {
		m.System = &system
	}
	return search.Token{Key: search.KeyOf(typ, param), Any: []search.TokenMatch{m}}
}
