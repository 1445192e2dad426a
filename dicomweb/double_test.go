package dicomweb_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/dicomweb"
	"tenon/dicomweb/index"
	"tenon/dicomweb/index/indextest"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// house is a small stand-in for record, index and blob store, so that the door
// can be tested alone; the same requests run on the real ones in test/.
type house struct {
	mu         sync.Mutex
	versions   map[string][]*record.Version // Type/id
	studies    map[string]*index.Study
	series     map[string]*index.Series
	instances  map[string]*index.Instance
	blobs      map[[32]byte][]byte
	durable    map[[32]byte]bool
	audits     []record.Audit
	drafts     []*record.Draft
	visible    map[string][]string // principal → resources; operator sees all
	meanwhile  func()              // runs once before the next Submit: another request that is faster
	refuse     error               // what Submit answers
	stowErr    error               // what Stage answers
	slow       time.Duration       // what Submit takes
	submitters []string            // who submitted each of drafts
}

func newHouse() *house {
	h := &house{}
	h.empty()
	return h
}

// empty makes the house new.
func (h *house) empty() {
	h.versions, h.visible = map[string][]*record.Version{}, map[string][]string{}
	h.studies, h.series, h.instances = map[string]*index.Study{}, map[string]*index.Series{}, map[string]*index.Instance{}
	h.blobs, h.durable = map[[32]byte][]byte{}, map[[32]byte]bool{}
	h.audits, h.drafts, h.submitters = nil, nil, nil
	h.put("Patient", "p1", `{"resourceType":"Patient","id":"p1","identifier":[{"system":"urn:h","value":"P-1"}]}`)
	h.put("Patient", "p2", `{"resourceType":"Patient","id":"p2","identifier":[{"system":"urn:h","value":"P-2"},{"value":"T,W|I$N\\"}]}`)
	h.put("Patient", "p3", `{"resourceType":"Patient","id":"p3","identifier":[{"system":"urn:h","value":"TWIN"}]}`)
	h.put("Patient", "p4", `{"resourceType":"Patient","id":"p4","identifier":[{"system":"urn:g","value":"TWIN"}]}`)
	h.put("Task", "t1", `{"resourceType":"Task","id":"t1","for":{"reference":"Patient/p1"}}`)
}

func (h *house) put(typ, id, body string) {
	key := typ + "/" + id
	h.versions[key] = append(h.versions[key], &record.Version{Type: typ, ID: id, Version: int64(len(h.versions[key]) + 1), Body: []byte(body)})
}

func (h *house) sees(who *access.Context, ref string) bool {
	return who.Kind == access.Operator || slices.Contains(h.visible[who.Principal], ref)
}

// Read is record.Recorder.Read.
func (h *house) Read(_ context.Context, who *access.Context, typ, id string) (*record.Version, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	vs := h.versions[typ+"/"+id]
	if len(vs) == 0 || !h.sees(who, typ+"/"+id) {
		return nil, issue.Errorf(issue.NotFound, "There is no %s/%s.", typ, id)
	}
	return vs[len(vs)-1], nil
}

// Search finds patients by identifier.
func (h *house) Search(_ context.Context, who *access.Context, typ string, params []search.Param, _ bool) (*search.Page, *search.Told, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if typ != "Patient" || params[0].Name != "identifier" {
		return nil, nil, fmt.Errorf("unexpected search %s %v", typ, params)
	}
	want := strings.NewReplacer(`\\`, `\`, `\,`, `,`, `\|`, `|`, `\$`, `$`).Replace(params[0].Value)
	page := &search.Page{}
	for ref, vs := range h.versions {
		var p struct{ Identifier []struct{ Value string } }
		if json.Unmarshal(vs[0].Body, &p); !strings.HasPrefix(ref, "Patient/") || !h.sees(who, ref) {
			continue
		}
		for _, id := range p.Identifier {
			if id.Value == want {
				page.Hits = append(page.Hits, search.Hit{Type: "Patient", ID: vs[0].ID})
			}
		}
	}
	return page, nil, nil
}

// Submit keeps versions and rows together.
func (h *house) Submit(_ context.Context, who *access.Context, d *record.Draft) (*record.Outcome, error) {
	time.Sleep(h.slow)
	if f := h.meanwhile; f != nil {
		h.meanwhile = nil
		f()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drafts, h.submitters = append(h.drafts, d), append(h.submitters, who.Principal)
	if h.refuse != nil {
		return nil, h.refuse
	}
	for _, b := range d.Blobs {
		if !h.durable[b.Digest] {
			return nil, fmt.Errorf("a unit names a blob that is not durable")
		}
	}
	op := d.Ops[0]
	key := op.Type + "/" + op.ID
	if op.IfMatch != strconv.Itoa(len(h.versions[key])) {
		return nil, issue.Errorf(issue.Conflict, "stale").Rule("stale-if-match").WithStatus(412)
	}
	if !h.keep(d.Rows) {
		return nil, issue.Errorf(issue.Conflict, "stale").Rule("contention")
	}
	h.put(op.Type, op.ID, string(op.Body))
	h.visible[who.Principal] = append(h.visible[who.Principal], key)
	return &record.Outcome{}, nil
}

// keep writes all rows, or none where a UID belongs elsewhere.
func (h *house) keep(rows []any) bool {
	for _, row := range rows {
		switch row := row.(type) {
		case *index.Study:
			if old := h.studies[row.UID]; old != nil && old.Resource != row.Resource {
				return false
			}
		case *index.Series:
			if old := h.series[row.UID]; old != nil && old.Study != row.Study {
				return false
			}
		case *index.Instance:
			if h.instances[row.UID] != nil {
				return false
			}
		}
	}
	for _, row := range rows {
		switch row := row.(type) {
		case *index.Study:
			h.studies[row.UID] = clone(row)
		case *index.Series:
			h.series[row.UID] = clone(row)
		case *index.Instance:
			h.instances[row.UID] = clone(row)
		}
	}
	return true
}

func clone[T any](row *T) *T { c := *row; return &c }

// Audit is record.Store.Audit.
func (h *house) Audit(_ context.Context, rows []record.Audit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.audits = append(h.audits, rows...)
	return nil
}

// Stage, Sync and Open are record.Blobs.
func (h *house) Stage(_ context.Context, r io.Reader, limit int64) (record.BlobRow, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return record.BlobRow{}, err
	}
	if int64(len(b)) > limit {
		return record.BlobRow{}, issue.Errorf(issue.TooLong, "more than %d bytes", limit)
	}
	if h.stowErr != nil {
		return record.BlobRow{}, h.stowErr
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	digest := sha256.Sum256(b)
	h.blobs[digest] = b
	return record.BlobRow{Digest: digest, Size: int64(len(b))}, nil
}

func (h *house) Sync(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for digest := range h.blobs {
		h.durable[digest] = true
	}
	return nil
}

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

func (h *house) Open(_ context.Context, digest [32]byte) (record.BlobReader, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.blobs[digest]
	if !ok {
		return nil, record.ErrAbsent
	}
	return blob{bytes.NewReader(b)}, nil
}

// imaging is the index.Store of the house.
type imaging struct{ *house }

func (i imaging) reaches(reach access.Predicate, s *index.Study) bool {
	switch p := reach.(type) {
	case access.Everything:
		return true
	case access.AnyOf:
		return slices.ContainsFunc(p, func(q access.Predicate) bool { return i.reaches(q, s) })
	case access.Is:
		return p.Type == "ImagingStudy" && p.ID == s.Resource
	case access.TypeIn:
		return slices.Contains(p, "ImagingStudy")
	case access.InCase:
		return slices.ContainsFunc(p.Principals, func(who string) bool {
			return slices.Contains(i.visible[who], "ImagingStudy/"+s.Resource)
		})
	}
	return false
}

func (i imaging) rows(reach access.Predicate, l index.Level) []index.Result {
	var list []index.Result
	add := func(study string, r index.Result) {
		if s := i.studies[study]; s != nil && i.reaches(reach, s) {
			r.Study = *s
			list = append(list, r)
		}
	}
	switch l {
	case index.StudyLevel:
		for uid := range i.studies {
			add(uid, index.Result{})
		}
	case index.SeriesLevel:
		for _, s := range i.series {
			add(s.Study, index.Result{Series: *s})
		}
	default:
		for _, x := range i.instances {
			add(x.Study, index.Result{Series: *i.series[x.Series], Instance: *x})
		}
	}
	slices.SortFunc(list, func(a, b index.Result) int { return compare(l, &a, &b) })
	return list
}

func compare(l index.Level, a, b *index.Result) int {
	if l == index.StudyLevel {
		return cmp.Or(-cmp.Compare(a.Study.Date, b.Study.Date), cmp.Compare(a.Study.UID, b.Study.UID))
	}
	if l == index.SeriesLevel {
		return cmp.Or(cmp.Compare(a.Study.UID, b.Study.UID), numbers(a.Series.Number, b.Series.Number), cmp.Compare(a.Series.UID, b.Series.UID))
	}
	return cmp.Or(cmp.Compare(a.Study.UID, b.Study.UID), cmp.Compare(a.Series.UID, b.Series.UID),
		numbers(a.Instance.Number, b.Instance.Number), cmp.Compare(a.Instance.UID, b.Instance.UID))
}

func numbers(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*a, *b)
}

func inKey(k index.Key, r *index.Result) bool {
	return (k.Study == "" || k.Study == r.Study.UID) && (k.Series == "" || k.Series == r.Series.UID) &&
		(k.Instance == "" || k.Instance == r.Instance.UID)
}

func (i imaging) Search(_ context.Context, reach access.Predicate, q *index.Query) (*index.Page, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	page := &index.Page{}
	for _, r := range i.rows(reach, q.Level) {
		if !inKey(q.Key, &r) || slices.ContainsFunc(q.Matches, func(m index.Match) bool { return !meets(&m, &r) }) {
			continue
		}
		if !q.Content {
			r.Instance.Content = index.Content{}
		}
		page.Results = append(page.Results, r)
	}
	page.Results = page.Results[min(q.Offset, len(page.Results)):]
	if len(page.Results) > q.Limit {
		page.Results, page.More = page.Results[:q.Limit], true
	}
	return page, nil
}

func meets(m *index.Match, r *index.Result) bool {
	values := []string{""}
	switch f := m.Attribute.Field(r).(type) {
	case *string:
		values[0] = *f
		if m.Attribute.Kind == index.List {
			values = strings.Split(*f, `\`)
		}
		if m.Attribute.Kind == index.Name {
			values = r.Study.Names
		}
	case **int64:
		if *f != nil {
			values[0] = strconv.FormatInt(**f, 10)
		}
	}
	return slices.ContainsFunc(values, func(v string) bool {
		switch m.Op {
		case index.Between:
			return v != "" && v >= m.From && (m.To == "" || v <= m.To)
		case index.Like:
			return wild([]rune(m.Values[0]), []rune(v))
		}
		return slices.Contains(m.Values, v)
	})
}

// wild matches * and ?.
func wild(pattern, v []rune) bool {
	if len(pattern) == 0 {
		return len(v) == 0
	}
	if pattern[0] == '*' {
		return wild(pattern[1:], v) || len(v) > 0 && wild(pattern, v[1:])
	}
	return len(v) > 0 && (pattern[0] == '?' || pattern[0] == v[0]) && wild(pattern[1:], v[1:])
}

func (i imaging) Instances(_ context.Context, reach access.Predicate, k index.Key) iter.Seq2[*index.Result, error] {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := i.rows(reach, index.InstanceLevel)
	return func(yield func(*index.Result, error) bool) {
		for n := range list {
			if inKey(k, &list[n]) && !yield(&list[n], nil) {
				return
			}
		}
	}
}

func (i imaging) Holdings(_ context.Context, reach access.Predicate, q *index.HoldingsQuery) (*index.Holdings, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	h := &index.Holdings{}
	if q.Tenant != "main" {
		return h, nil
	}
	if s := i.studies[q.Study]; s != nil {
		h.Study, h.Reachable = clone(s), i.reaches(reach, s)
	}
	for _, s := range i.series {
		if s.Study == q.Study || slices.Contains(q.Series, s.UID) {
			h.Series = append(h.Series, *s)
		}
	}
	for _, x := range i.rows(access.Everything{}, index.InstanceLevel) {
		if slices.Contains(q.Instances, x.Instance.UID) {
			h.Instances = append(h.Instances, x.Instance)
		}
		if x.Study.UID == q.Study && len(h.Members) < q.Members {
			h.Members = append(h.Members, x.Instance)
		}
	}
	return h, nil
}

// clinic is the door on a house, as a server.
type clinic struct {
	*house
	url string
	who *access.Context
}

var operator = &access.Context{Kind: access.Operator, Principal: "operator", Tenant: "main"}

func open(t testing.TB, change ...func(*dicomweb.Options)) *clinic {
	t.Helper()
	c := &clinic{house: newHouse(), who: operator}
	o := dicomweb.Options{Records: c.house, Index: imaging{c.house}, Blobs: c.house, Auditor: c.house, Mount: "/dicomweb",
		Caller: func(*http.Request) (*access.Context, error) { return c.who, nil },
		Clock:  func() time.Time { return time.Unix(0, 0) },
		Log:    func(_ context.Context, what string, err error) { t.Logf("%s: %v", what, err) }}
	for _, f := range change {
		f(&o)
	}
	server := httptest.NewServer(dicomweb.New(o))
	t.Cleanup(server.Close)
	c.url = server.URL + "/dicomweb"
	return c
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

func (c *clinic) do(t testing.TB, method, target string, body []byte, header ...string) *answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{resp, b}
}

func (c *clinic) get(t testing.TB, target string, accept ...string) *answer {
	t.Helper()
	var header []string
	for _, a := range accept {
		header = append(header, "Accept", a)
	}
	return c.do(t, "GET", target, nil, header...)
}

const related = `multipart/related; type="application/dicom"; boundary=frontier`

func multipartBody(files ...[]byte) []byte {
	var b bytes.Buffer
	for _, f := range files {
		b.WriteString("--frontier\r\nContent-Type: application/dicom\r\n\r\n")
		b.Write(f)
		b.WriteString("\r\n")
	}
	b.WriteString("--frontier--\r\n")
	return b.Bytes()
}

func (c *clinic) stow(t testing.TB, target string, files ...[]byte) *answer {
	t.Helper()
	return c.do(t, "POST", target, multipartBody(files...), "Content-Type", related)
}

// dataset is DICOM JSON as a client reads it.
type dataset map[string]struct {
	VR           string `json:"vr"`
	Value        []json.RawMessage
	BulkDataURI  string
	InlineBinary string
}

func (d dataset) value(tag string) string {
	if len(d[tag].Value) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(d[tag].Value[0], &s) == nil {
		return s
	}
	return string(d[tag].Value[0])
}

func (d dataset) items(t testing.TB, tag string) []dataset {
	t.Helper()
	var list []dataset
	for _, v := range d[tag].Value {
		var item dataset
		if err := json.Unmarshal(v, &item); err != nil {
			t.Fatal(err)
		}
		list = append(list, item)
	}
	return list
}

func (a *answer) object(t testing.TB) dataset {
	t.Helper()
	var d dataset
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return d
}

func (a *answer) list(t testing.TB) []dataset {
	t.Helper()
	var d []dataset
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("status %d: %v in %.300s", a.StatusCode, err, a.body)
	}
	return d
}

// instancesOf are the UIDs of the instances that a draft writes.
func instancesOf(d *record.Draft) (uids []string) {
	for _, row := range d.Rows {
		if i, ok := row.(*index.Instance); ok {
			uids = append(uids, i.UID)
		}
	}
	return uids
}

// studyID is the id that the door gives the ImagingStudy of a new study.
func studyID(t *testing.T, uid string) string {
	t.Helper()
	h := newHouse()
	w := httptest.NewRecorder()
	for seed := range int64(5) {
		if s := ct(seed, 10); s.StudyUID == uid {
			door(h).ServeHTTP(w, stowRequest(t.Context(), s.Slice(0)))
		}
	}
	return h.studies[uid].Resource
}

// shelf is the house under the suite of the index, so that the double of these
// tests behaves like a store.
type shelf struct{ imaging }

func (s shelf) Commit(_ *testing.T, _ string, rows ...any) error {
	if !s.keep(rows) {
		return record.ErrStale
	}
	return nil
}

func (shelf) Stale(err error) bool { return errors.Is(err, record.ErrStale) }

func TestTheDoublePassesTheSuite(t *testing.T) {
	indextest.Run(t, func(*testing.T) indextest.Harness { return shelf{imaging{newHouse()}} })
}
