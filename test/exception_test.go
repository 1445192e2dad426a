package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/cmd/tenon/demo"
	"tenon/server/access"
	"tenon/server/app"
	"tenon/server/ledger"
	writing "tenon/server/record"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
	"tenon/test/standin"
)

// scene is a case somewhere on its way, on a server of its own with a MES, spoken
// to by raw FHIR requests.
type scene struct {
	*house
	mes                  *standin.MES
	root, patient, order string
	device               string // once it is made
	tokens               map[string]string
}

const sceneSecret = "shared secret of the scene's two sides"

// prepared are cases brought to a point, by engine and point.
var prepared sync.Map

// preparation is the folder of one; it goes with the process.
type preparation struct {
	sync.Once
	dir string
	err error
}

// told brings a case to a point, once.
func (p *preparation) told(ctx context.Context, database, point string) error {
	p.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "tenon-scene-"); p.err != nil {
			return
		}
		o := demo.Options{Seed: 4, Database: database, Keep: p.dir, Until: point}
		if process, until, named := strings.Cut(point, ":"); named {
			o.Process, o.Until = process, until
		}
		_, p.err = demo.Run(ctx, o)
	})
	return p.err
}

// scenes plays a test on a copy of the case at that point, on both engines;
// "socket:S15" is one of the other process.
func scenes(t *testing.T, point string, play func(t *testing.T, s *scene)) {
	t.Helper()
	scenesOn(t, point, play, "SQLite", "PostgreSQL")
}

func scenesOn(t *testing.T, point string, play func(t *testing.T, s *scene), engines ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: a case on its way takes some seconds")
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel() // a case waits for the disk more than it works
			key := engine + " " + point
			made, _ := prepared.LoadOrStore(key, new(preparation))
			p, c := made.(*preparation), app.Config{Sample: true}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, key, func(ctx context.Context, url string) error { return p.told(ctx, url, point) })
			} else if err := p.told(t.Context(), "", point); err != nil {
				t.Fatal(err)
			}
			c.Data = filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(c.Data, os.DirFS(p.dir)); err != nil {
				t.Fatal(err)
			}
			if err := ownersAlone(c.Data); err != nil {
				t.Fatal(err)
			}
			play(t, enter(t, c))
		})
	}
}

// ownersAlone takes from others what a copy lets them do: keys are read by their
// owner alone.
func ownersAlone(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
}

// enter starts a server on the data of a case.
func enter(t *testing.T, c app.Config) *scene {
	t.Helper()
	mes, err := standin.New(sceneSecret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mes.Close() })
	c.MES = app.MES{URL: mes.URL(), Secret: sceneSecret, Device: "mes"}
	s := &scene{house: &house{servertest.Start(t, c), t}, mes: mes, tokens: map[string]string{}}
	mes.Report(s.URL + "/adapters/mes/news")
	for _, id := range []string{"clin-wang", "clin-zhao", "hosp-chen", "des-zhang", "prod-zhou", "qa-wu", "mfr-xu"} {
		if err := s.App.IssueSigner(t.Context(), "PractitionerRole/"+id, "secret of "+id); err != nil {
			t.Fatal(err)
		}
	}
	root := s.first("Task?part-of:missing=true&subject:missing=false")
	s.root, s.patient = "Task/"+root["id"].(string), root["for"].(map[string]any)["reference"].(string)
	for _, o := range s.all("DeviceRequest") {
		s.order = "DeviceRequest/" + o["id"].(string)
	}
	for _, d := range s.all("Device?patient=" + s.patient) {
		s.device = "Device/" + d["id"].(string)
	}
	return s
}

func (s *scene) token(id string) string {
	if s.tokens[id] == "" {
		s.tokens[id] = s.as(id)
	}
	return s.tokens[id]
}

// all are the resources that the attending clinician finds.
func (s *scene) all(query string) (found []map[string]any) {
	s.t.Helper()
	var bundle struct {
		Entry []struct{ Resource map[string]any }
	}
	a := s.Expect(s.t, 200, servertest.Request{Token: s.token("clin-wang"), Path: "/fhir/" + query})
	if err := json.Unmarshal(a.Body, &bundle); err != nil {
		s.t.Fatal(err)
	}
	for _, e := range bundle.Entry {
		found = append(found, e.Resource)
	}
	return found
}

func (s *scene) first(query string) map[string]any {
	s.t.Helper()
	all := s.all(query)
	if len(all) == 0 {
		s.t.Fatalf("%s finds nothing", query)
	}
	return all[0]
}

// exception is the newest Task of an exception with that status.
func (s *scene) exception(code, status string) string {
	s.t.Helper()
	return "Task/" + s.first("Task?code=urn:tenon:exception|" + code + "&status=" + status + "&_sort=-_lastUpdated")["id"].(string)
}

// stage is the state of a stage and its Task, by $case.
func (s *scene) stage(code string) (state, task string) {
	s.t.Helper()
	a := s.Expect(s.t, 200, servertest.Request{Token: s.token("clin-wang"), Path: "/fhir/" + s.root + "/$case"})
	for name, parts := range eachParameter(s.t, a.Body) {
		if name == "stage" && parts["code"] == code {
			return parts["state"], parts["task"]
		}
	}
	s.t.Fatalf("$case knows no stage %s", code)
	return "", ""
}

func (s *scene) in(code, state string) {
	s.t.Helper()
	if got, _ := s.stage(code); got != state {
		s.t.Errorf("%s is %s, want %s", code, got, state)
	}
}

// do sends a write of a person and takes one status.
func (s *scene) do(status int, who, method, target, body string) *servertest.Answer {
	s.t.Helper()
	q := servertest.Request{Token: s.token(who), Method: method, Path: "/fhir/" + target, Body: []byte(body)}
	if method == "PATCH" {
		q.Header = map[string]string{"Content-Type": "application/json-patch+json"}
	}
	return s.Expect(s.t, status, q)
}

// refused sends a write that is refused by that rule, and holds that nothing of
// the case changed and that the refusal was audited.
func (s *scene) refused(status int, rule, clause, who, method, target, body string) {
	s.t.Helper()
	before := s.revision()
	a := s.do(status, who, method, target, body)
	if !strings.Contains(string(a.Body), rule) || !strings.Contains(string(a.Body), clause) {
		s.t.Errorf("%s %s = %.900s, want %s (%s)", method, target, a.Body, rule, clause)
	}
	if after := s.revision(); !slices.Equal(before, after) {
		s.t.Errorf("a refused step changed the case: %v, %v", before, after)
	}
	var b strings.Builder
	if err := s.App.WriteAudit(s.t.Context(), &b, ledger.AuditFilter{Person: "PractitionerRole/" + who}, false); err != nil {
		s.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if last := strings.Join(lines[max(0, len(lines)-3):], ""); !strings.Contains(last, fmt.Sprintf(`"outcome":%d`, status)) {
		s.t.Errorf("the refusal is not audited: %s", last)
	}
}

// revision is every member of the case with its version.
func (s *scene) revision() (all []string) {
	s.t.Helper()
	data, err := s.App.Store.Snapshot(s.t.Context(), strings.TrimPrefix(s.root, "Task/"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range data.Members {
		all = append(all, fmt.Sprintf("%s/%s/%d", m.Type, m.ID, m.Version))
	}
	slices.Sort(all)
	return append(all, fmt.Sprint(data.Revision, len(data.Signatures), len(data.Grants)))
}

// rests waits until nothing that was begun before changes the case any more.
func (s *scene) rests() {
	s.t.Helper()
	for before, end := s.revision(), time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(500 * time.Millisecond)
		after := s.revision()
		if slices.Equal(before, after) {
			return
		}
		before = after
	}
	s.t.Fatal("the case changes all the time")
}

func (s *scene) signs(who, role, purpose, target string) {
	s.t.Helper()
	s.do(201, who, "POST", target+"/$sign", fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":%q},{"name":"purpose","valueCode":%q},{"name":"secret","valueString":"secret of %s"}]}`, role, purpose, who))
}

// filed is the Task of an exception as a person files it.
func (s *scene) filed(who, code, more string) string {
	return fmt.Sprintf(`{"resourceType":"Task","status":"requested","intent":"proposal","code":{"coding":[{"system":"urn:tenon:exception","code":%q}]},"partOf":[{"reference":%q}],
		"for":{"reference":%q},"requester":{"reference":"PractitionerRole/%s"},"authoredOn":%q,%s}`, code, s.root, s.patient, who, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), more)
}

func outputsOf(pairs ...string) string {
	var items []string
	for i := 0; i < len(pairs); i += 3 {
		value := fmt.Sprintf("%q", pairs[i+2])
		if pairs[i+1] == "valueReference" {
			value = `{"reference":` + value + `}`
		}
		items = append(items, fmt.Sprintf(`{"type":{"coding":[{"system":"urn:tenon:exception-input","code":%q}]},%q:%s}`, pairs[i], pairs[i+1], value))
	}
	return `[` + strings.Join(items, ",") + `]`
}

func brings(pairs ...string) string {
	return `[{"op":"add","path":"/output","value":` + outputsOf(pairs...) + `}]`
}

const (
	complete = `[{"op":"replace","path":"/status","value":"completed"}]`
	decline  = `[{"op":"replace","path":"/status","value":"rejected"},{"op":"add","path":"/statusReason","value":{"text":"as decided"}}]`
)

// control is what the MES is told next; answered with an outcome unless it is "".
func (s *scene) control(action, outcome string) {
	s.t.Helper()
	select {
	case c := <-s.mes.Controls():
		if c.Action != action {
			s.t.Fatalf("the MES is told to %s, want %s", c.Action, action)
		}
		if outcome == "" {
			return
		}
		if status, body, err := s.mes.Send(s.t.Context(), s.mes.Answer(c, outcome, time.Now())); err != nil || status != 202 {
			s.t.Fatalf("the answer of the MES = %d %s %v", status, body, err)
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("the MES is not told to %s", action)
	}
}

// told waits for a notice of the server in the case.
func (s *scene) told(kind string) map[string]any {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found := s.all("Communication?category=urn:tenon:notice|" + kind); len(found) > 0 {
			return found[0]
		}
	}
	s.t.Fatalf("nobody is told %s", kind)
	return nil
}

// directory changes a resource of the directory, as an operator.
func (s *scene) directory(typ, id string, change func(b map[string]any)) {
	s.t.Helper()
	b := map[string]any{}
	a := s.Expect(s.t, 200, servertest.Request{Token: s.token("clin-wang"), Path: "/fhir/" + typ + "/" + id})
	if err := json.Unmarshal(a.Body, &b); err != nil {
		s.t.Fatal(err)
	}
	change(b)
	body, _ := json.Marshal(b)
	_, err := s.App.Recorder.Submit(s.t.Context(), &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"},
		&writing.Draft{Door: "cli", Operation: "update", Ops: []writing.Op{{Method: "PUT", Type: typ, ID: id, Body: body}}})
	if err != nil {
		s.t.Fatal(err)
	}
}
