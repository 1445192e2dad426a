package record_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

func TestCreateKeepsBytes(t *testing.T) {
	s := newServer(t)
	body := `{"resourceType":"Observation", "status" : "final",
  "code":{"text":"长度"},"valueQuantity":{"value":1.00,"_value":{"id":"v"},"unit":"mm"}}`
	v := s.must(clin, post(body))
	for _, part := range []string{`"status" : "final"`, `"value":1.00,"_value":{"id":"v"}`, `"versionId":"1"`} {
		if !bytes.Contains(v.Body, []byte(part)) {
			t.Errorf("stored bytes lack %s: %s", part, v.Body)
		}
	}
	got, err := s.Read(t.Context(), clin, "Observation", v.ID)
	if err != nil || !bytes.Equal(got.Body, v.Body) || got.Digest != digest(v.Body) {
		t.Errorf("Read = %v, %v; want the bytes that were stored", got, err)
	}
}

func TestRefusals(t *testing.T) {
	s := newServer(t)
	own := s.must(clin, post(`{"resourceType":"Patient","gender":"male"}`))
	tests := []struct {
		name   string
		who    *access.Context
		op     record.Op
		status int
		rule   string
	}{
		{"no caller", nil, post(`{"resourceType":"Patient"}`), 401, "no-token"},
		{"R001-044 duplicate key", clin, post(`{"resourceType":"Patient","gender":"male","gender":"female"}`), 400, "json-duplicate-key"},
		{"unknown property", clin, post(`{"resourceType":"Patient","colour":"red"}`), 422, "unknown-property"},
		{"code outside the required binding", clin, post(`{"resourceType":"Patient","gender":"m"}`), 422, "binding-required"},
		{"type of URL and body differ", clin, record.Op{Method: "POST", Type: "Patient", Body: []byte(`{"resourceType":"Person"}`)}, 400, "type-mismatch"},
		{"unknown type", clin, post(`{"resourceType":"Pacient"}`), 404, "unknown-type"},
		{"id of URL and body differ", clin, put("Patient", own.ID, `{"resourceType":"Patient","id":"other"}`), 400, "id-mismatch"},
		{"update without id", clin, put("Patient", own.ID, `{"resourceType":"Patient"}`), 400, "id-missing"},
		{"client names a new id", clin, put("Patient", "mine", `{"resourceType":"Patient","id":"mine"}`), 404, "no-update-as-create"},
		{"stale If-Match", clin, record.Op{Method: "PUT", Type: "Patient", ID: own.ID, IfMatch: "7", Body: []byte(`{"resourceType":"Patient","id":"` + own.ID + `"}`)}, 412, "stale-if-match"},
		{"update out of reach", stranger, put("Patient", own.ID, `{"resourceType":"Patient","id":"`+own.ID+`"}`), 404, "no-update-as-create"},
		{"delete out of reach", stranger, record.Op{Method: "DELETE", Type: "Patient", ID: own.ID}, 404, "not-found"},
		{"manufacturer writes an order", designer, post(`{"resourceType":"DeviceRequest","intent":"order"}`), 403, "role-lacks-verb"},
		{"stage made by hand", clin, post(`{"resourceType":"Task","status":"requested","intent":"order","code":{"coding":[{"system":"urn:tenon:stage","code":"S11"}]}}`), 409, "stage-by-process"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f *issue.Failure
			_, err := s.Submit(t.Context(), tt.who, &record.Draft{Door: "fhir", Ops: []record.Op{tt.op}})
			f = issue.As(err)
			if status(f) != tt.status || rule(f) != tt.rule {
				t.Errorf("Submit = %d %s (%v), want %d %s", status(f), rule(f), err, tt.status, tt.rule)
			}
		})
	}
	after, err := s.Read(t.Context(), clin, "Patient", own.ID)
	if err != nil || after.Version != 1 {
		t.Errorf("after the refusals: %v %v, want version 1 untouched", after, err)
	}
}

// Absent and out of reach must look the same (design law 4).
func TestAbsentAndUnreachableReadAlike(t *testing.T) {
	s := newServer(t)
	v := s.must(clin, post(`{"resourceType":"Patient","name":[{"text":"秘密"}]}`))
	_, hidden := s.Read(t.Context(), stranger, "Patient", v.ID)
	_, missing := s.Read(t.Context(), stranger, "Patient", "00000000-0000-4000-8000-000000000000")
	h, m := issue.As(hidden), issue.As(missing)
	if status(h) != 404 || status(m) != 404 || rule(h) != rule(m) || strings.Contains(h.Error(), "秘密") {
		t.Errorf("hidden %v, missing %v: want the same 404", hidden, missing)
	}
	page, _, err := s.Search(t.Context(), stranger, "Patient", []search.Param{{Name: "_total", Value: "accurate"}}, true)
	if err != nil || len(page.Hits) != 0 || page.Total == nil || *page.Total != 0 {
		t.Errorf("Search by a stranger = %v hits, total %v, %v; want none", len(page.Hits), page.Total, err)
	}
}

func TestUpdateDeleteHistory(t *testing.T) {
	s := newServer(t)
	v := s.must(clin, post(`{"resourceType":"Patient","gender":"male"}`))
	res, f := s.do(clin, record.Op{Method: "PUT", Type: "Patient", ID: v.ID, IfMatch: "1", Body: []byte(`{"resourceType":"Patient","id":"` + v.ID + `","gender":"female"}`)})
	if f != nil || res[0].Status != 200 || res[0].Version.Version != 2 {
		t.Fatalf("update = %v %v, want 200 and version 2", res, f)
	}
	if res, f = s.do(clin, record.Op{Method: "DELETE", Type: "Patient", ID: v.ID}); f != nil || res[0].Status != 204 {
		t.Fatalf("delete = %v %v, want 204", res, f)
	}
	if res, f = s.do(clin, record.Op{Method: "DELETE", Type: "Patient", ID: v.ID}); f != nil || res[0].Status != 204 {
		t.Errorf("second delete = %v %v, want 204", res, f)
	}
	if _, err := s.Read(t.Context(), clin, "Patient", v.ID); status(issue.As(err)) != 410 {
		t.Errorf("read of the deleted = %v, want 410", err)
	}
	old, err := s.ReadVersion(t.Context(), clin, "Patient", v.ID, 1)
	if err != nil || !bytes.Equal(old.Body, v.Body) {
		t.Errorf("version 1 = %v, %v; want its bytes", old, err)
	}
	all, err := s.History(t.Context(), clin, record.HistoryQuery{Type: "Patient", ID: v.ID, Count: 10})
	if err != nil || len(all.Versions) != 3 || !all.Versions[0].Deleted || all.Versions[2].Version != 1 {
		t.Errorf("history = %v, %v; want 3 versions, the newest deleted", all, err)
	}
}

func TestConditionalCreateAtTheSameTime(t *testing.T) {
	s := newServer(t)
	op := post(`{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"1"}]}`)
	op.IfNoneExist = "identifier=urn:h|1"
	var wait sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wait.Go(func() {
			if res, f := s.do(clin, op); f == nil {
				ids[i] = res[0].Version.ID
			}
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("ids %v: want one resource for all", ids)
		}
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	s := newServer(t)
	v := s.must(clin, post(`{"resourceType":"Patient","gender":"male"}`))
	body := []byte(`{"resourceType":"Patient","id":"` + v.ID + `","gender":"female"}`)
	var wait sync.WaitGroup
	won := make([]bool, 6)
	for i := range won {
		wait.Go(func() {
			_, f := s.do(clin, record.Op{Method: "PUT", Type: "Patient", ID: v.ID, IfMatch: "1", Body: body})
			won[i] = f == nil
			if f != nil && f.HTTPStatus() != 412 {
				t.Errorf("loser got %d, want 412", f.HTTPStatus())
			}
		})
	}
	wait.Wait()
	n := 0
	for _, w := range won {
		if w {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d updates with If-Match 1 won, want 1", n)
	}
}

func TestTransaction(t *testing.T) {
	s := newServer(t)
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[
	 {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:2"}},"request":{"method":"POST","url":"Observation"}},
	 {"fullUrl":"urn:uuid:2","resource":{"resourceType":"Patient","gender":"male"},"request":{"method":"POST","url":"Patient"}}]}`
	out, err := s.Transaction(t.Context(), clin, []byte(bundle), record.Bundled{})
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := s.Search(t.Context(), clin, "Observation", []search.Param{{Name: "subject:Patient.gender", Value: "male"}}, true)
	if err != nil || len(page.Hits) != 1 {
		t.Errorf("after %s: %v hits, %v; want the Observation whose reference was rewritten", out, len(page.Hits), err)
	}
	if strings.Count(string(out), `"status":"201"`) != 2 {
		t.Errorf("response = %s, want two 201", out)
	}
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	s := newServer(t)
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[
	 {"resource":{"resourceType":"Patient","gender":"male"},"request":{"method":"POST","url":"Patient"}},
	 {"resource":{"resourceType":"Patient","gender":"wrong"},"request":{"method":"POST","url":"Patient"}}]}`
	_, err := s.Transaction(t.Context(), clin, []byte(bundle), record.Bundled{})
	f := issue.As(err)
	if status(f) != 422 || !strings.HasPrefix(f.Issues[0].Path, "Bundle.entry[1]") {
		t.Fatalf("Transaction = %v, want 422 at Bundle.entry[1]", err)
	}
	page, _, err := s.Search(t.Context(), clin, "Patient", nil, true)
	if err != nil || len(page.Hits) != 0 {
		t.Errorf("%d patients after the refusal, want none", len(page.Hits))
	}
	batch := strings.Replace(bundle, `"transaction"`, `"batch"`, 1)
	out, err := s.Transaction(t.Context(), clin, []byte(batch), record.Bundled{})
	if err != nil || !strings.Contains(string(out), `"status":"201"`) || !strings.Contains(string(out), `"status":"422"`) {
		t.Errorf("batch = %s, %v; want one 201 and one 422", out, err)
	}
}

func TestTransactionWritesAResourceOnce(t *testing.T) {
	s := newServer(t)
	v := s.must(clin, post(`{"resourceType":"Patient","gender":"male"}`))
	entry := fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":%q,"gender":"female"},"request":{"method":"PUT","url":"Patient/%s"}}`, v.ID, v.ID)
	_, err := s.Transaction(t.Context(), clin, []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`+entry+`,`+entry+`]}`), record.Bundled{})
	if rule(issue.As(err)) != "transaction-overlap" {
		t.Errorf("Transaction = %v, want transaction-overlap", err)
	}
}

func TestContent(t *testing.T) {
	s := newServer(t)
	content := bytes.Repeat([]byte("solid "), 300_000)
	res, err := s.PutContent(t.Context(), clin, record.Op{Method: "POST", Body: []byte(`{"resourceType":"Binary","contentType":"model/stl"}`)}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r, v, err := s.Content(t.Context(), clin, res.Version.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := readAll(t, r); !bytes.Equal(got, content) || v.Blob != fmt.Sprintf("%x", digest(content)) {
		t.Errorf("content of %d bytes came back as %d with blob %s", len(content), len(got), v.Blob)
	}
	if _, _, err := s.Content(t.Context(), stranger, res.Version.ID); status(issue.As(err)) != 404 {
		t.Errorf("content for a stranger = %v, want 404", err)
	}
	doc := func(sha string) record.Op {
		return post(`{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":"model/stl","url":"Binary/` + res.Version.ID +
			`","extension":[{"url":"urn:tenon:extension:sha-256","valueString":"` + sha + `"}]}}]}`)
	}
	if _, f := s.do(clin, doc(strings.Repeat("0", 64))); rule(f) != "attachment-digest" {
		t.Errorf("document with another digest: %v, want attachment-digest", f)
	}
	if _, f := s.do(clin, doc(v.Blob)); f != nil {
		t.Errorf("document with the digest: %v", f)
	}
}

func TestEveryReadIsAudited(t *testing.T) {
	s := newServer(t)
	v := s.must(clin, post(`{"resourceType":"Patient"}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := s.Read(ctx, clin, "Patient", v.ID); err == nil {
		t.Errorf("Read whose audit cannot be kept = %v, want no answer", got)
	}
}
