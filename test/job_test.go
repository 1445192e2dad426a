package test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// onBoth runs a test on a town over each engine; the operator has no token.
func onBoth(t *testing.T, test func(t *testing.T, w *town)) {
	t.Helper()
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Dev: true}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			test(t, newTown(t, c))
		})
	}
}

var async = map[string]string{"Prefer": "respond-async"}

// begin starts a job and returns the path of its status.
func (w *town) begin(t *testing.T, q servertest.Request) string {
	t.Helper()
	q.Header = with(q.Header, async)
	a := w.Expect(t, 202, q)
	_, path, ok := strings.Cut(a.Header.Get("Content-Location"), "/fhir/")
	if !ok {
		t.Fatalf("%s: Content-Location = %q", q.Path, a.Header.Get("Content-Location"))
	}
	return "/fhir/" + path
}

func with(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// end waits until a job is no longer under way.
func (w *town) end(t *testing.T, token, path string) *servertest.Answer {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		a := w.Send(t, servertest.Request{Method: "GET", Token: token, Path: path, Header: map[string]string{"Accept": "application/json"}})
		switch {
		case a.Status == 429:
			time.Sleep(time.Second)
		case a.Status != 202:
			return a
		case a.Header.Get("X-Progress") == "" || a.Header.Get("Retry-After") == "":
			t.Fatalf("%s = 202 without X-Progress or Retry-After", path)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still under way: %v", path, a.Header)
		}
	}
}

type manifest struct {
	TransactionTime     time.Time
	Request             string
	RequiresAccessToken bool
	Output              []bulkFile
	Deleted             []bulkFile
	Error               []bulkFile
}

type bulkFile struct {
	Type, URL string
	Count     int
}

func (w *town) export(t *testing.T, token, method, path, body string) (*manifest, map[string][]string) {
	t.Helper()
	q := servertest.Request{Method: method, Token: token, Path: path}
	if body != "" {
		q.Body = []byte(body)
	}
	a := w.end(t, token, w.begin(t, q))
	if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("export = %d %s %s", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	if _, err := http.ParseTime(a.Header.Get("Expires")); err != nil {
		t.Errorf("Expires: %v", err)
	}
	m := &manifest{}
	if err := json.Unmarshal(a.Body, m); err != nil {
		t.Fatal(err)
	}
	if !m.RequiresAccessToken || m.TransactionTime.IsZero() || !strings.HasSuffix(m.Request, path) {
		t.Errorf("manifest %s", a.Body)
	}
	return m, w.files(t, token, m.Output)
}

// files are the resources of files, by type.
func (w *town) files(t *testing.T, token string, files []bulkFile) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, f := range files {
		a := w.Expect(t, 200, servertest.Request{Method: "GET", Token: token, Path: f.URL[strings.Index(f.URL, "/fhir/"):], Header: map[string]string{"Accept": "application/fhir+ndjson"}})
		if got := a.Header.Get("Content-Type"); got != "application/fhir+ndjson" {
			t.Errorf("Content-Type of a file = %q", got)
		}
		n := 0
		for line := range strings.Lines(string(a.Body)) {
			var r struct{ ResourceType, ID string }
			if err := json.Unmarshal([]byte(line), &r); err != nil || r.ResourceType != f.Type {
				t.Errorf("a line of %s is %.200q: %v", f.Type, line, err)
			}
			found[f.Type] = append(found[f.Type], line)
			n++
		}
		if n != f.Count || n == 0 {
			t.Errorf("a file of %s has %d lines, the manifest says %d", f.Type, n, f.Count)
		}
	}
	return found
}

// TestExport is https://hl7.org/fhir/uv/bulkdata/STU2/export.html
func TestExport(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		clin, rival := w.token["clin"], w.token["rival"]
		var first time.Time
		t.Run("system", func(t *testing.T) {
			m, found := w.export(t, "", "GET", "/fhir/$export", "")
			first = m.TransactionTime
			for _, typ := range []string{"Patient", "Observation", "DocumentReference", "Organization", "Task", "PlanDefinition"} {
				if len(found[typ]) == 0 {
					t.Errorf("the export holds no %s", typ)
				}
			}
			if len(found["Patient"]) != 2 || m.Error == nil || m.Deleted != nil {
				t.Errorf("%d patients, error %v, deleted %v; want 2, an empty list, none", len(found["Patient"]), m.Error, m.Deleted)
			}
		})
		t.Run("by a stranger", func(t *testing.T) {
			_, found := w.export(t, rival, "GET", "/fhir/$export", "")
			for typ, lines := range found {
				for _, line := range lines {
					for _, s := range secrets {
						if strings.Contains(line, s) {
							t.Errorf("the stranger's export of %s tells %q", typ, s)
						}
					}
				}
			}
			if len(found["Patient"]) != 1 {
				t.Errorf("the stranger exports %d patients, want his own", len(found["Patient"]))
			}
		})
		t.Run("types, filter, elements", func(t *testing.T) {
			_, found := w.export(t, clin, "GET", "/fhir/$export?_type=Patient,Observation&_typeFilter=Observation%3Fcode%3Durn:none%7Cx,Patient%3Fgender%3Dfemale,Patient%3Fgender%3Dmale&_elements=Patient.gender", "")
			if len(found) != 1 || len(found["Patient"]) != 1 || !strings.Contains(found["Patient"][0], "SUBSETTED") || strings.Contains(found["Patient"][0], secretName) {
				t.Errorf("found %v, want one patient without name", found)
			}
		})
		group := w.Create(t, clin, `{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"reference":"`+w.patient+`"}},{"entity":{"reference":"Patient/none"}}]}`)
		t.Run("group", func(t *testing.T) {
			_, found := w.export(t, clin, "GET", "/fhir/"+group+"/$export", "")
			if len(found["Patient"]) != 1 || len(found["Observation"]) != 1 || len(found["Group"]) != 1 || len(found["PlanDefinition"]) != 0 {
				t.Errorf("the group's export holds %d patients, %d observations, %d groups, %d plans", len(found["Patient"]), len(found["Observation"]), len(found["Group"]), len(found["PlanDefinition"]))
			}
			w.Expect(t, 404, servertest.Request{Method: "GET", Token: rival, Path: "/fhir/" + group + "/$export", Header: async})
		})
		t.Run("patients that are named", func(t *testing.T) {
			body := `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"` + w.patient + `"}},{"name":"patient","valueReference":{"reference":"Patient/none"}}]}`
			m, found := w.export(t, clin, "POST", "/fhir/Patient/$export", body)
			if len(found["Patient"]) != 1 || len(found["Observation"]) != 1 || len(m.Error) != 1 {
				t.Errorf("%d patients, %d observations, errors %v; want 1, 1, one file", len(found["Patient"]), len(found["Observation"]), m.Error)
			}
			for _, line := range w.files(t, clin, m.Error)["OperationOutcome"] {
				if !strings.Contains(line, "Patient/none") {
					t.Errorf("the error is %s", line)
				}
			}
			// a patient out of reach is one that is not there
			m, found = w.export(t, rival, "POST", "/fhir/Patient/$export", strings.Replace(body, "Patient/none", w.own["rival"], 1))
			if len(found["Patient"]) != 1 || len(m.Error) != 1 {
				t.Errorf("the stranger: %d patients, errors %v", len(found["Patient"]), m.Error)
			}
		})
		t.Run("since", func(t *testing.T) {
			gone := w.Create(t, clin, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+w.patient+`"}}`)
			w.Expect(t, 204, servertest.Request{Method: "DELETE", Token: clin, Path: "/fhir/" + gone})
			fresh := w.Create(t, clin, `{"resourceType":"Observation","status":"final","code":{"text":"y"},"subject":{"reference":"`+w.patient+`"}}`)
			m, found := w.export(t, clin, "GET", "/fhir/Patient/$export?_type=Observation,Patient&_since="+first.Format(time.RFC3339Nano), "")
			if len(found["Observation"]) != 1 || !strings.Contains(found["Observation"][0], strings.TrimPrefix(fresh, "Observation/")) || len(found["Patient"]) != 0 {
				t.Errorf("since: %v, want %s alone", found, fresh)
			}
			lines := w.files(t, clin, m.Deleted)["Bundle"]
			if len(lines) != 1 || !strings.Contains(lines[0], `"url":"`+gone+`"`) || !strings.Contains(lines[0], `"DELETE"`) || !strings.Contains(lines[0], `"transaction"`) {
				t.Errorf("deleted: %v, want a transaction that deletes %s", lines, gone)
			}
			if m, _ := w.export(t, rival, "GET", "/fhir/$export?_since="+first.Format(time.RFC3339Nano), ""); m.Deleted != nil {
				t.Errorf("the stranger is told of deletions: %v", m.Deleted)
			}
		})
		t.Run("refusals", func(t *testing.T) {
			for _, c := range []struct {
				name, method, path, prefer string
				status                     int
			}{
				{"not asynchronous", "GET", "/fhir/$export", "", 400},
				{"unknown type", "GET", "/fhir/$export?_type=Nothing", "respond-async", 400},
				{"unknown format", "GET", "/fhir/$export?_outputFormat=text/csv", "respond-async", 400},
				{"format", "GET", "/fhir/$export?_type=Group&_outputFormat=application/fhir%2Bndjson", "respond-async", 202},
				{"no instant", "GET", "/fhir/$export?_since=yesterday", "respond-async", 400},
				{"unknown parameter", "GET", "/fhir/$export?includeAssociatedData=LatestProvenanceResources", "respond-async", 400},
				{"unknown parameter, lenient", "GET", "/fhir/$export?_type=Group&includeAssociatedData=x", "respond-async, handling=lenient", 202},
				{"filter of what is left out", "GET", "/fhir/$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal", "respond-async", 400},
				{"filter by nothing", "GET", "/fhir/$export?_type=Patient&_typeFilter=Patient%3Fcolour%3Dblue", "respond-async", 400},
				{"filter that includes", "GET", "/fhir/$export?_type=Observation&_typeFilter=Observation%3Fstatus%3Dfinal%26_include%3DObservation:subject", "respond-async", 400},
				{"patient by GET", "GET", "/fhir/Patient/$export?patient=Patient/1", "respond-async", 400},
				{"type out of level", "GET", "/fhir/Patient/$export?_type=PlanDefinition", "respond-async", 400},
				{"unknown element", "GET", "/fhir/$export?_type=Patient&_elements=colour", "respond-async", 400},
				{"no group", "GET", "/fhir/Group/none/$export", "respond-async", 404},
			} {
				a := w.Send(t, servertest.Request{Method: c.method, Token: clin, Path: c.path, Header: map[string]string{"Prefer": c.prefer}})
				if a.Status != c.status || !strings.Contains(string(a.Body), "OperationOutcome") {
					t.Errorf("%s: %d %.300s, want %d with an outcome", c.name, a.Status, a.Body, c.status)
				}
			}
		})
	})
}

// TestJobDoor: a job is its owner's, can be cancelled, and is not asked after too
// often.
func TestJobDoor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		clin, rival := w.token["clin"], w.token["rival"]
		path := w.begin(t, servertest.Request{Method: "GET", Token: clin, Path: "/fhir/$export?_type=Patient,Observation"})
		a := w.end(t, clin, path)
		var m manifest
		if err := json.Unmarshal(a.Body, &m); err != nil || len(m.Output) == 0 {
			t.Fatalf("export = %d %s", a.Status, a.Body)
		}
		file := m.Output[0].URL[strings.Index(m.Output[0].URL, "/fhir/"):]
		for name, q := range map[string]servertest.Request{
			"status": {Method: "GET", Path: path}, "file": {Method: "GET", Path: file}, "cancel": {Method: "DELETE", Path: path},
		} {
			for who, token := range map[string]string{"stranger": rival, "designer": w.token["designer"], "patient": w.token["patient"]} {
				q.Token = token
				real := w.Expect(t, 404, q)
				q := q
				q.Path = strings.Replace(q.Path, "$job/", "$job/zz", 1)
				if none := w.Expect(t, 404, q); string(none.Body) != string(real.Body) {
					t.Errorf("%s %s: another's job reads %s, none %s", who, name, real.Body, none.Body)
				}
			}
		}
		w.Expect(t, 200, servertest.Request{Method: "GET", Path: file}) // the operator
		zipped := w.Expect(t, 200, servertest.Request{Method: "GET", Token: clin, Path: file, Header: map[string]string{"Accept-Encoding": "gzip"}})
		if r, err := gzip.NewReader(bytes.NewReader(zipped.Body)); err != nil || zipped.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("a file in gzip: %v, %v", zipped.Header, err)
		} else if plain, err := io.ReadAll(r); err != nil || !bytes.Contains(plain, []byte(secretMRN)) {
			t.Errorf("a file in gzip holds %.100q, %v", plain, err)
		}
		for _, n := range []string{"99", "-1", "x"} {
			w.Expect(t, 404, servertest.Request{Method: "GET", Token: clin, Path: path + "/" + n + ".ndjson"})
		}
		often := 0
		for range 30 {
			if a := w.Send(t, servertest.Request{Method: "GET", Token: clin, Path: path}); a.Status == 429 && a.Header.Get("Retry-After") != "" {
				often++
			}
		}
		if often == 0 {
			t.Errorf("30 questions in a row are all answered")
		}
		w.Expect(t, 202, servertest.Request{Method: "DELETE", Token: clin, Path: path})
		w.Expect(t, 404, servertest.Request{Method: "GET", Token: clin, Path: path})
		w.Expect(t, 404, servertest.Request{Method: "GET", Token: clin, Path: file})
		w.Expect(t, 404, servertest.Request{Method: "DELETE", Token: clin, Path: path})
	})
}

// TestAsync is https://hl7.org/fhir/R4/async.html with the answer as
// https://hl7.org/fhir/async-bundle.html has it.
func TestAsync(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		clin := w.token["clin"]
		for _, c := range []struct {
			name string
			q    servertest.Request
			want []string
		}{
			{"search", servertest.Request{Method: "GET", Path: "/fhir/Patient?gender=female"}, []string{`"status":"200 OK"`, `"searchset"`, secretMRN}},
			{"create", servertest.Request{Method: "POST", Path: "/fhir/Observation", Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"later"},"subject":{"reference":"` + w.patient + `"}}`)},
				[]string{`"status":"201 Created"`, `"location":"http`, `"etag":"W/\"1\""`, `"resource":{"resourceType":"Observation"`}},
			{"refused", servertest.Request{Method: "GET", Path: "/fhir/Patient/none"}, []string{`"status":"404 Not Found"`, `"outcome":{"resourceType":"OperationOutcome"`}},
			{"transaction", servertest.Request{Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Observation","status":"final","code":{"text":"in a transaction"},"subject":{"reference":"` + w.patient + `"}},"request":{"method":"POST","url":"Observation"}}]}`)},
				[]string{`"status":"200 OK"`, `"transaction-response"`, `"status":"201"`}},
			{"operation", servertest.Request{Method: "GET", Path: "/fhir/" + w.patient + "/$meta"}, []string{`"Parameters"`}},
			{"no resource", servertest.Request{Method: "GET", Path: "/fhir/" + w.observation + "/$bytes"}, []string{`"status":"200 OK"`}},
		} {
			t.Run(c.name, func(t *testing.T) {
				c.q.Token = clin
				path := w.begin(t, c.q)
				a := w.end(t, clin, path)
				body := string(a.Body)
				if a.Status != 200 || !strings.Contains(body, `"type":"batch-response"`) {
					t.Fatalf("answer = %d %.500s", a.Status, body)
				}
				for _, s := range c.want {
					if !strings.Contains(body, s) {
						t.Errorf("answer %.1500s lacks %s", body, s)
					}
				}
				w.Expect(t, 404, servertest.Request{Method: "GET", Token: w.token["rival"], Path: path})
			})
		}
		if n := w.count(t, clin, "Observation?status=final&_summary=count"); n != 4 { // two were there
			t.Errorf("%d observations of the hospital, want 4", n)
		}
	})
}

func (w *town) count(t *testing.T, token, query string) (n int) {
	t.Helper()
	a := w.Expect(t, 200, servertest.Request{Method: "GET", Token: token, Path: "/fhir/" + query})
	var b struct{ Total int }
	if err := json.Unmarshal(a.Body, &b); err != nil {
		t.Fatal(err)
	}
	return b.Total
}

// TestImport is POST $import with NDJSON.
func TestImport(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		var lines strings.Builder
		const good = 2500
		for i := range good {
			fmt.Fprintf(&lines, `{"resourceType":"Patient","id":"imp-%d","active":true,"name":[{"text":"Imported %d"}]}`+"\n", i, i)
		}
		lines.WriteString("\nno json\n" + `{"resourceType":"Nothing"}` + "\n" + `{"resourceType":"Patient","gender":"blue"}` + "\n" + `{"resourceType":"Patient","name":[{"text":"no id"}]}`)
		q := servertest.Request{Method: "POST", Path: "/fhir/$import", Body: []byte(lines.String()), Header: map[string]string{"Content-Type": "application/fhir+ndjson"}}
		for _, who := range []string{"clin", "rival", "designer", "patient", "machine"} {
			q.Token = w.token[who]
			w.Expect(t, 403, q)
		}
		q.Token = ""
		type result struct {
			Output []struct{ Count, Unchanged, Failed int }
			Error  []bulkFile
		}
		run := func() result {
			a := w.end(t, "", w.begin(t, q))
			var r result
			if err := json.Unmarshal(a.Body, &r); err != nil || a.Status != 200 || len(r.Output) != 1 || len(r.Error) != 1 {
				t.Fatalf("import = %d %s", a.Status, a.Body)
			}
			return r
		}
		r := run()
		if r.Output[0].Count != good+1 || r.Output[0].Failed != 3 {
			t.Errorf("import = %+v, want %d written and 3 failed", r, good+1)
		}
		outcomes := strings.Join(w.files(t, "", r.Error)["OperationOutcome"], "")
		for _, line := range []int{good + 2, good + 3, good + 4} {
			if !strings.Contains(outcomes, fmt.Sprintf("line %d:", line)) {
				t.Errorf("the outcomes do not tell of line %d: %s", line, outcomes)
			}
		}
		if r = run(); r.Output[0].Unchanged != good {
			t.Errorf("the same import again = %+v, want %d unchanged", r, good)
		}
		a := w.Expect(t, 200, servertest.Request{Method: "GET", Path: "/fhir/Patient/imp-7"})
		if a.Header.Get("ETag") != `W/"1"` {
			t.Errorf("what was imported twice is version %s", a.Header.Get("ETag"))
		}
		t.Run("files that a manifest names", w.importFiles)
	})
}

func (w *town) importFiles(t *testing.T) {
	files := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/p.ndjson":
			fmt.Fprint(rw, `{"resourceType":"Patient","id":"fetched","active":true}`+"\n"+`{"resourceType":"Observation","id":"x"}`)
		case "/moved":
			http.Redirect(rw, r, "/p.ndjson", http.StatusFound)
		default:
			http.NotFound(rw, r)
		}
	}))
	defer files.Close()
	manifest := func(url string) []byte {
		return fmt.Appendf(nil, `{"inputFormat":"application/fhir+ndjson","inputSource":"https://source.example","storageDetail":{"type":"https"},"input":[{"type":"Patient","url":%q}]}`, url)
	}
	for _, c := range []struct {
		name, url string
		status    int
		body      string
	}{
		{"a file", files.URL + "/p.ndjson", 200, `"count":1,"unchanged":0,"failed":1`},
		{"no file", files.URL + "/none", 422, "import-fetch"},
		{"a redirect", files.URL + "/moved", 422, "import-fetch"},
		{"a private address", "https://10.0.0.1/x.ndjson", 422, "outbound-address"},
		{"the address of a cloud's secrets", "http://169.254.169.254/latest/meta-data", 422, "outbound-address"},
	} {
		a := w.end(t, "", w.begin(t, servertest.Request{Method: "POST", Path: "/fhir/$import", Body: manifest(c.url), Header: map[string]string{"Content-Type": "application/json"}}))
		if a.Status != c.status || !strings.Contains(string(a.Body), c.body) {
			t.Errorf("%s: %d %s, want %d with %s", c.name, a.Status, a.Body, c.status, c.body)
		}
	}
	for name, body := range map[string]string{
		"no input":      `{"inputFormat":"application/fhir+ndjson","input":[]}`,
		"format":        `{"inputFormat":"text/csv","input":[{"type":"Patient","url":"https://a.example/x"}]}`,
		"unknown type":  `{"inputFormat":"application/fhir+ndjson","input":[{"type":"Nothing","url":"https://a.example/x"}]}`,
		"a local file":  `{"inputFormat":"application/fhir+ndjson","input":[{"type":"Patient","url":"file:///etc/passwd"}]}`,
		"other storage": `{"inputFormat":"application/fhir+ndjson","storageDetail":{"type":"aws-s3"},"input":[{"type":"Patient","url":"https://a.example/x"}]}`,
		"no JSON":       `{`,
	} {
		if a := w.Send(t, servertest.Request{Method: "POST", Path: "/fhir/$import", Body: []byte(body), Header: map[string]string{"Content-Type": "application/json"}}); a.Status != 400 {
			t.Errorf("%s: %d %s, want 400", name, a.Status, a.Body)
		}
	}
}

// TestJobRestart: a job goes on where another server has left it.
func TestJobRestart(t *testing.T) {
	t.Parallel()
	c := app.Config{Dev: true}
	w := newTown(t, c)
	var lines strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&lines, `{"resourceType":"Patient","id":"r-%d","active":true}`+"\n", i)
	}
	path := w.begin(t, servertest.Request{Method: "POST", Path: "/fhir/$import", Body: []byte(lines.String()), Header: map[string]string{"Content-Type": "application/fhir+ndjson"}})
	time.Sleep(700 * time.Millisecond)
	w.Stop(t)
	w.Server = servertest.Start(t, app.Config{Dev: true, Data: w.Config.Data})
	a := w.end(t, "", path)
	if a.Status != 200 || !strings.Contains(string(a.Body), `"failed":0`) {
		t.Errorf("import over a restart = %d %s", a.Status, a.Body)
	}
	if n := w.count(t, "", "Patient?_summary=count"); n != 6002 {
		t.Errorf("%d patients, want 6000 and two", n)
	}
}
