package dicomweb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/dicomweb/index"
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
	values     map[string][]string // path, blank, UID → rows
	blobs      map[[32]byte][]byte
	durable    map[[32]byte]bool
	audits     []record.Audit
	drafts     []*record.Draft
	ticks      int64               // one for every version, ever
	visible    map[string][]string // principal → resources; operator sees all
	meanwhile  func()              // runs once before the next Submit: another request that is faster
	refuse     error               // what Submit answers
	stowErr    error               // what Stage answers
	slow       time.Duration       // what Submit takes
	submitters []string            // who submitted each of drafts
	apps       []string            // by which app
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
	h.values = map[string][]string{}
	h.blobs, h.durable = map[[32]byte][]byte{}, map[[32]byte]bool{}
	h.audits, h.drafts, h.submitters, h.apps = nil, nil, nil, nil
	h.put("Patient", "p1", `{"resourceType":"Patient","id":"p1","identifier":[{"system":"urn:h","value":"P-1"}]}`)
	h.put("Patient", "p2", `{"resourceType":"Patient","id":"p2","identifier":[{"system":"urn:h","value":"P-2"},{"value":"T,W|I$N\\"}]}`)
	h.put("Patient", "p3", `{"resourceType":"Patient","id":"p3","identifier":[{"system":"urn:h","value":"TWIN"}]}`)
	h.put("Patient", "p4", `{"resourceType":"Patient","id":"p4","identifier":[{"system":"urn:g","value":"TWIN"}]}`)
	h.put("Task", "t1", `{"resourceType":"Task","id":"t1","for":{"reference":"Patient/p1"}}`)
}

func (h *house) put(typ, id, body string) {
	key := typ + "/" + id
	h.ticks++
	h.versions[key] = append(h.versions[key], &record.Version{Type: typ, ID: id, Version: int64(len(h.versions[key]) + 1), Body: []byte(body), Updated: time.Unix(0, h.ticks)})
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
	h.drafts, h.submitters, h.apps = append(h.drafts, d), append(h.submitters, who.Principal), append(h.apps, "")
	if who.Scopes != nil {
		h.apps[len(h.apps)-1] = who.Scopes.Client
	}
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
	return &record.Outcome{Results: []record.Result{{Status: 200, Version: h.versions[key][len(h.versions[key])-1]}}}, nil
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
			for key := range h.values {
				if !row.NamesKept && strings.HasPrefix(key, "=") && strings.HasSuffix(key, " "+row.UID) {
					delete(h.values, key)
				}
			}
		case *index.Series:
			h.series[row.UID] = clone(row)
		case *index.Instance:
			h.instances[row.UID] = clone(row)
		case *index.Value:
			h.values[row.Path+" "+row.UID] = append(h.values[row.Path+" "+row.UID], row.Values...)
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
