package audit

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

// auditEvent is what the tests read of one.
type auditEvent struct {
	ID             string
	Meta           struct{ Profile []string }
	Type           coding
	Subtype        []coding
	Action         string
	Outcome        string
	Recorded       string
	PurposeOfEvent []concept
	Agent          []struct {
		Type      concept
		Who       who
		Requestor *bool
		Network   *struct {
			Address, Type string
			Extension     []any
		}
		Media        any
		PurposeOfUse []concept
	}
	Source struct {
		Site     string
		Observer who
	}
	Entity []struct {
		What  *who
		Type  coding
		Role  coding
		Query string
	}
}

type (
	coding  struct{ System, Code string }
	concept struct{ Coding []coding }
	who     struct {
		Reference, Display string
		Identifier         struct{ System, Value string }
	}
)

func events(t *testing.T, f *found) (all []auditEvent) {
	t.Helper()
	for _, e := range f.Entry {
		var x auditEvent
		if err := json.Unmarshal(e.Resource, &x); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

// TestAuditEvent reads the audit as AuditEvents: who may, what is there, how it is
// found.
func TestAuditEvent(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		w := newWorld(t, database)
		clin, aud := w.as(t, "clin0"), w.as(t, "aud0")
		made := w.Create(t, clin, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`)
		put := `{"resourceType":"Observation","id":%q,"status":"amended","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`
		w.Expect(t, 200, servertest.Request{Token: clin, Method: "PUT", Path: "/fhir/" + made, Body: fmt.Appendf(nil, put, strings.TrimPrefix(made, "Observation/"))})
		w.get(t, 200, clin, "/fhir/"+made)
		w.get(t, 200, clin, "/fhir/Patient?gender=male,female")
		w.get(t, 404, clin, "/fhir/Patient/p3")
		w.Expect(t, 204, servertest.Request{Token: clin, Method: "DELETE", Path: "/fhir/" + made})
		w.get(t, 200, w.as(t, "clin1"), "/fhir/Patient/p3")
		w.get(t, 200, w.as(t, "des"), "/fhir/Task/case1")
		w.get(t, 200, w.as(t, "des"), "/fhir/Organization/m0")
		w.get(t, 200, clin, "/fhir/Organization/h0")
		w.Create(t, clin, `{"resourceType":"Device","deviceName":[{"name":"x","type":"user-friendly-name"}]}`)
		w.get(t, 403, w.as(t, "des"), "/fhir/Patient/p1/$access-report")

		t.Run("R000-018 patterns of BALP", func(t *testing.T) { w.patterns(t, aud, made) })
		t.Run("R000-018 only auditors, each of the own house", func(t *testing.T) { w.onlyAuditors(t) })
		t.Run("R000-018 nobody writes", func(t *testing.T) { w.closed(t) })
		t.Run("R000-018 search", func(t *testing.T) { w.finds(t, aud, made) })
		t.Run("R000-018 pages", func(t *testing.T) { w.pages(t, aud) })
		t.Run("R000-018 the report of the patient", func(t *testing.T) { w.report(t) })
	})
}

// balpProfile is what a pattern of BALP 1.1 demands beyond R4: transcribed from
// the profiles at https://profiles.ihe.net/ITI/BALP.
type balpProfile struct {
	subtypes       []string // one of them
	action         string
	client, server coding
	user           []coding
	query          bool
}

const (
	dcm   = "http://dicom.nema.org/resources/ontology/DCM"
	rest  = "http://hl7.org/fhir/restful-interaction"
	parts = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
)

var (
	from  = coding{dcm, "110153"}
	to    = coding{dcm, "110152"}
	reads = []coding{{parts, "IRCP"}}
	wrote = []coding{{parts, "AUT"}, {parts, "INF"}, {parts, "CST"}}
)

var balpProfiles = map[string]balpProfile{
	"Read":   {[]string{"read", "vread"}, "R", to, from, reads, false},
	"Query":  {[]string{"search", "search-type", "search-system"}, "E", from, to, reads, true},
	"Create": {[]string{"create"}, "C", from, to, wrote, false},
	"Update": {[]string{"update", "patch"}, "U", from, to, wrote, false},
	"Delete": {[]string{"delete"}, "D", coding{dcm, "110150"}, coding{"http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian"}, wrote, false},
}

// follows says what an event lacks of the pattern that it claims.
func follows(e *auditEvent) (lacks []string) {
	must := func(ok bool, what string) {
		if !ok {
			lacks = append(lacks, what)
		}
	}
	_, name, _ := strings.Cut(e.Meta.Profile[0], "IHE.BasicAudit.")
	ofPatient := strings.HasPrefix(name, "Patient")
	p, known := balpProfiles[strings.TrimPrefix(name, "Patient")]
	must(known && strings.HasPrefix(e.Meta.Profile[0], "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"), "a profile that there is")
	must(e.Type == coding{"http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"}, "type")
	n := 0
	for _, s := range e.Subtype {
		if s.System == rest && slices.Contains(p.subtypes, s.Code) {
			n++
		}
	}
	must(n == 1, "one subtype")
	must(e.Action == p.action && e.Outcome == "0" && e.Recorded != "", "action, outcome, recorded")
	count := map[string]int{}
	for _, a := range e.Agent {
		must(a.Requestor != nil && a.Media == nil, "agent.requestor, no media")
		for _, c := range a.Type.Coding {
			told := a.Who.Reference != "" || a.Who.Display != "" || a.Who.Identifier.Value != ""
			switch {
			case c == p.client:
				count["client"]++
				must(told && a.Network != nil, "client who, network")
			case c == p.server:
				count["server"]++
				must(told && a.Network != nil, "server who, network")
			case slices.Contains(p.user, c):
				count["user"]++
				must(told && a.Network == nil && *a.Requestor, "user who, requestor, no network")
			}
		}
	}
	must(count["client"] == 1 && count["server"] == 1 && count["user"] <= 1, "agents")
	for _, x := range e.Entity {
		switch x.Type.Code {
		case "2":
			if p.query {
				raw, err := base64.StdEncoding.DecodeString(x.Query)
				must(x.Role.Code == "24" && x.What == nil && err == nil && len(raw) > 0, "query entity")
			} else {
				must(slices.Contains([]string{"3", "4", "20"}, x.Role.Code) && x.What != nil, "data entity")
			}
			count["data"]++
		case "1":
			must(x.Role.Code == "1" && x.What != nil && strings.HasPrefix(x.What.Reference, "Patient/"), "patient entity")
			count["patient"]++
		case "XrequestId":
			must(x.What != nil && x.What.Identifier.Value != "", "transaction entity")
			count["transaction"]++
		}
	}
	must(count["data"] == 1 && count["transaction"] <= 1, "one data or query entity")
	must(count["patient"] == map[bool]int{true: 1}[ofPatient], "one patient, where the pattern has one")
	must(e.Source.Observer.Identifier.Value != "", "source.observer")
	return lacks
}

func (w *world) patterns(t *testing.T, aud, made string) {
	all := w.search(t, aud, "/fhir/AuditEvent?_count=1000")
	claimed := map[string]int{}
	for i, e := range events(t, all) {
		if len(e.Meta.Profile) == 1 {
			_, name, _ := strings.Cut(e.Meta.Profile[0], "IHE.BasicAudit.")
			if lacks := follows(&e); len(lacks) > 0 {
				t.Errorf("%s lacks %v: %s", name, lacks, all.Entry[i].Resource)
			}
			if e.Outcome != "0" {
				t.Errorf("a refusal claims %s", name)
			}
			if claimed[name]++; claimed[name] == 1 {
				body := w.Expect(t, 200, servertest.Request{Token: w.as(t, "clin0"), Method: "POST", Path: "/fhir/AuditEvent/$validate", Body: all.Entry[i].Resource}).Body
				if strings.Contains(string(body), `"error"`) || strings.Contains(string(body), `"fatal"`) {
					t.Errorf("%s is no valid AuditEvent: %s\n%s", name, body, all.Entry[i].Resource)
				}
			}
		}
	}
	for _, want := range []string{"PatientRead", "PatientQuery", "Query", "PatientCreate", "PatientUpdate", "PatientDelete", "Read", "Create"} {
		if claimed[want] == 0 {
			t.Errorf("no event of %s among %v", want, claimed)
		}
	}
	one := w.search(t, aud, "/fhir/AuditEvent?entity="+made+"&subtype="+rest+"|read")
	if len(one.Entry) != 1 {
		t.Fatalf("reads of %s: %d, want 1", made, len(one.Entry))
	}
	e := events(t, one)[0]
	if e.Agent[0].Network.Address != "127.0.0.1" || e.Agent[2].Who.Reference != "PractitionerRole/clin0" || e.Entity[1].What.Reference != "Patient/p1" {
		t.Errorf("%s", one.Entry[0].Resource)
	}
	both := w.search(t, aud, "/fhir/AuditEvent?agent=PractitionerRole/clin0&subtype=search-type&patient=Patient/p1,Patient/p2")
	if len(both.Entry) != 2 {
		t.Errorf("a search that told of two patients has %d events of them, want one each", len(both.Entry))
	}
	denied := events(t, w.search(t, aud, "/fhir/AuditEvent?agent=PractitionerRole/clin0&outcome=4"))
	if len(denied) == 0 || denied[len(denied)-1].Entity[0].What.Reference != "Patient/p3" {
		t.Errorf("denials: %v", denied)
	}
}

func (w *world) onlyAuditors(t *testing.T) {
	aud := w.as(t, "aud0")
	id := w.search(t, aud, "/fhir/AuditEvent?patient=Patient/p1&_count=1").Entry[0].FullURL
	path := id[strings.Index(id, "/fhir/"):]
	w.get(t, 200, aud, path)
	for _, other := range []string{"clin0", "clin1", "des", "sec", "admin", "aud1", "audm", "Patient/p1", "RelatedPerson/mother"} {
		token := w.as(t, other)
		w.get(t, 404, token, path)
		f := w.search(t, token, "/fhir/AuditEvent?patient=Patient/p1")
		if auditor := other == "aud1" || other == "audm"; len(f.Entry) != 0 && !auditor {
			t.Errorf("%s finds %d events", other, len(f.Entry))
		}
		for _, e := range events(t, f) { // of the own people alone
			if house := map[string]string{"aud1": "Organization/h1", "audm": "Organization/m0"}[other]; len(e.Agent) < 4 || e.Agent[3].Who.Reference != house {
				t.Errorf("%s sees %+v", other, e)
			}
		}
	}
	for _, patient := range []string{"Patient/p1", "RelatedPerson/mother"} { // who searched above, which is about no patient
		if own, other := w.search(t, aud, "/fhir/AuditEvent?subtype=search-type&agent="+patient), w.search(t, w.as(t, "aud1"), "/fhir/AuditEvent?agent="+patient); len(own.Entry) == 0 || len(other.Entry) != 0 {
			t.Errorf("of %s the own house sees %d events, another one %d, want some and none", patient, len(own.Entry), len(other.Entry))
		}
	}
	w.Expect(t, 401, servertest.Request{Path: "/fhir/AuditEvent"})
	w.Expect(t, 401, servertest.Request{Path: path})
	w.get(t, 404, aud, "/fhir/AuditEvent/1")
	w.get(t, 404, aud, "/fhir/AuditEvent/1-99999")
	w.get(t, 404, aud, "/fhir/AuditEvent/999999999-0")
	w.get(t, 404, aud, "/fhir/AuditEvent/-1-0")
	w.get(t, 404, aud, "/fhir/AuditEvent/01-0")
	maker := events(t, w.search(t, w.as(t, "audm"), "/fhir/AuditEvent?_count=1000"))
	if len(maker) == 0 {
		t.Error("the maker's auditor finds nothing of the own people")
	}
	for _, e := range maker {
		if len(e.Agent) < 4 || e.Agent[3].Who.Reference != "Organization/m0" {
			t.Errorf("the maker's auditor sees %+v", e)
		}
	}
	t.Run("the reading of the audit is audited", func(t *testing.T) {
		own := w.search(t, aud, "/fhir/AuditEvent?agent=PractitionerRole/aud0&entity="+strings.TrimPrefix(path, "/fhir/"))
		if len(own.Entry) == 0 {
			t.Error("the read of an event left none")
		}
		tried := w.search(t, aud, "/fhir/AuditEvent?agent=PractitionerRole/des&outcome=4")
		if len(tried.Entry) > 0 { // of another house
			t.Errorf("%s", tried.Entry[0].Resource)
		}
		if f := w.search(t, aud, "/fhir/AuditEvent?agent=PractitionerRole/sec&outcome=4&entity="+strings.TrimPrefix(path, "/fhir/")); len(f.Entry) != 1 {
			t.Errorf("the attempt of the security administrator: %d events, want 1", len(f.Entry))
		}
	})
}

func (w *world) closed(t *testing.T) {
	for _, who := range []string{"aud0", "clin0", "admin"} {
		for _, q := range []servertest.Request{
			{Method: "POST", Path: "/fhir/AuditEvent", Body: []byte(`{"resourceType":"AuditEvent"}`)}, {Method: "PUT", Path: "/fhir/AuditEvent/1-0", Body: []byte(`{}`)},
			{Method: "PATCH", Path: "/fhir/AuditEvent/1-0", Body: []byte(`[]`)}, {Method: "DELETE", Path: "/fhir/AuditEvent/1-0"}, {Method: "DELETE", Path: "/fhir/AuditEvent?action=R"},
			{Method: "PUT", Path: "/fhir/AuditEvent?action=R", Body: []byte(`{}`)},
		} {
			q.Token = w.as(t, who)
			if a := w.Expect(t, 405, q); a.Header.Get("Allow") == "" || !strings.Contains(string(a.Body), "OperationOutcome") {
				t.Errorf("%s %s: %s", q.Method, q.Path, a.Body)
			}
		}
	}
	entry := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"AuditEvent"},"request":{"method":"POST","url":"AuditEvent"}}]}`
	if a := w.Send(t, servertest.Request{Token: w.as(t, "admin"), Method: "POST", Path: "/fhir", Body: []byte(entry)}); a.Status < 400 {
		t.Errorf("a transaction writes an AuditEvent: %d", a.Status)
	}
}

func (w *world) finds(t *testing.T, aud, made string) {
	day := time.Now().UTC().Format(time.DateOnly)
	for query, want := range map[string]bool{
		"patient=p1": true, "patient=Patient/p1": true, "patient:Patient=p1": true, "patient=none": false, "agent=PractitionerRole/clin0": true, "agent=Organization/h0": true,
		"agent=PractitionerRole/none": false, "entity=" + made: true, "entity:Observation=" + strings.TrimPrefix(made, "Observation/"): true, "entity=Patient/p2": true,
		"type=rest": true, "type=" + dcm + "|110106": false, "type=http://terminology.hl7.org/CodeSystem/audit-event-type|": true, "subtype=vread": false, "subtype=read,vread": true,
		"action=D": true, "action=C,U": true, "outcome=0": true, "outcome=8": false, "date=" + day: true, "date=lt" + day: false, "date=ge" + day + "&date=le" + day: true, "date=gt" + day: false,
		"_lastUpdated=" + day: true, "date=ne" + day: false, "address=127.0.0.1": true, "address=10.": false, "patient=p1&action=D": true, "patient=p2&action=D": false, "_sort=-date": true,
		"_id=1-99999": false, "date=" + day[:7]: true, "date=2020": false,
	} {
		f := w.search(t, aud, "/fhir/AuditEvent?"+query)
		if len(f.Entry) > 0 != want {
			t.Errorf("%s finds %d, want any: %v", query, len(f.Entry), want)
		}
	}
	for _, query := range []string{"policy=x", "patient.identifier=1", "patient:Group=1", "date=yesterday", "_count=-1", "_count=x", "_sort=date", "_cursor=x", "_cursor=1.2", "_include=AuditEvent:patient", "agent-name=x", "_total=accurate",
		"patient=Group/1", "_elements=nothing", "agent=", "date=xx2020", "_cursor=1.1.-4"} {
		if a := w.Send(t, servertest.Request{Token: aud, Path: "/fhir/AuditEvent?" + query}); a.Status != 400 && a.Status != 422 {
			t.Errorf("%s = %d, want a refusal", query, a.Status)
		}
	}
	n := w.search(t, aud, "/fhir/AuditEvent?patient=p1&_summary=count")
	if n.Total == nil || *n.Total < 5 || len(n.Entry) != 0 {
		t.Errorf("_summary=count: %+v", n)
	}
	a := w.Expect(t, 200, servertest.Request{Token: aud, Method: "POST", Path: "/fhir/AuditEvent/_search", Body: []byte("action=D"), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/fhir+xml"}})
	if !strings.Contains(string(a.Body), `<AuditEvent><id value="`) {
		t.Errorf("%.300s", a.Body)
	}
}

func (w *world) pages(t *testing.T, aud string) {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	whole := w.search(t, aud, "/fhir/AuditEvent?_count=1000&date=lt"+now)
	for _, count := range []int{1, 3, 7} {
		seen, at := []string{}, fmt.Sprintf("/fhir/AuditEvent?_count=%d&date=lt%s", count, now)
		for at != "" {
			f := w.search(t, aud, at)
			if len(f.Entry) > count {
				t.Fatalf("%d events on a page of %d", len(f.Entry), count)
			}
			for _, e := range f.Entry {
				seen = append(seen, e.FullURL)
			}
			at = f.link("next")
		}
		if len(seen) != len(whole.Entry) {
			t.Fatalf("pages of %d hold %d events, want %d", count, len(seen), len(whole.Entry))
		}
		for i := range seen {
			if seen[i] != whole.Entry[i].FullURL {
				t.Fatalf("pages of %d: %s at %d, want %s", count, seen[i], i, whole.Entry[i].FullURL)
			}
		}
	}
	if f := w.search(t, aud, "/fhir/AuditEvent?_count=5000"); len(f.Entry) == 0 || len(f.Entry) > 1000 {
		t.Errorf("%d events", len(f.Entry))
	}
}
