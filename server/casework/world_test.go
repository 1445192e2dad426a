package casework_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/casework"
)

type (
	obj = map[string]any
	arr = []any
)

// world is a case in memory: what record and store do for the engine, without
// their checks. It lets a test change the record behind the engine's back.
type world struct {
	t          testing.TB
	engine     *casework.Engine
	now        time.Time
	caseID     string
	made       int
	members    map[string]casework.Resource
	pool       map[string]casework.Resource // joins the case when a Task names it
	directory  []casework.Resource
	signatures []casework.Signature
	grants     []casework.Grant
	messages   []*casework.Message // to the MES
	timers     []*casework.Message
	notices    []*casework.Message
	plan       casework.Resource
	prior      *casework.Snapshot     // of the case of the order that prior-request names
	amend      map[string]func(b obj) // what a process adds to a document that the walk lays
}

var samples = sync.OnceValue(func() []casework.Resource {
	var all []casework.Resource
	for _, body := range profiles.Sample() {
		doc, err := tree.Parse(body)
		if err != nil {
			panic(err)
		}
		for entry := range doc.Root().Field("entry").Items() {
			all = append(all, resource(entry.Field("resource").Raw(), 1))
		}
	}
	return all
})

func resource(body []byte, version int64) casework.Resource {
	doc, err := tree.Parse(body)
	if err != nil {
		panic(fmt.Sprintf("%v in %s", err, body))
	}
	root := doc.Root()
	return casework.Resource{Type: root.Field("resourceType").Str(), ID: root.Field("id").Str(), Version: version, Digest: sha256.Sum256(body), Root: root}
}

func definition(t testing.TB, id string) casework.Resource {
	t.Helper()
	for _, body := range profiles.Definitions() {
		if r := resource(body, 1); r.Type == "PlanDefinition" && r.ID == id {
			return r
		}
	}
	t.Fatalf("no PlanDefinition/%s", id)
	return casework.Resource{}
}

func newWorld(t testing.TB, plan string) *world {
	t.Helper()
	w := &world{
		t: t, engine: casework.NewEngine(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), caseID: "root",
		members: map[string]casework.Resource{}, pool: map[string]casework.Resource{}, plan: definition(t, plan),
	}
	for _, r := range samples() {
		switch r.Type {
		case "Device", "Substance":
			w.pool[r.Ref()] = r
		case "DeviceDefinition": // a product family is in the directory, a design is a member
			w.pool[r.Ref()] = r
			w.directory = append(w.directory, r)
		default:
			w.directory = append(w.directory, r)
		}
	}
	w.directory = append(w.directory, w.plan)
	return w
}

// at is a copy of the world that reports to another test.
func (w *world) at(t testing.TB) *world {
	c := *w
	c.t = t
	c.members, c.pool = maps.Clone(w.members), maps.Clone(w.pool)
	c.directory, c.signatures = slices.Clone(w.directory), slices.Clone(w.signatures)
	c.messages, c.timers, c.notices = slices.Clone(w.messages), slices.Clone(w.timers), slices.Clone(w.notices)
	return &c
}

func (w *world) snapshot() *casework.Snapshot {
	s := &casework.Snapshot{Case: w.caseID, Now: w.now, Directory: slices.Clone(w.directory), Signatures: slices.Clone(w.signatures)}
	for _, ref := range slices.Sorted(maps.Keys(w.members)) {
		s.Resources = append(s.Resources, w.members[ref])
	}
	return s
}

var people = map[string]*access.Context{}

func person(id string, side access.Side, roles ...access.Role) *access.Context {
	org := "Organization/hospital"
	if side == access.Manufacturer {
		org = "Organization/maker"
	}
	behind := "Practitioner/" + id
	if id == "rev-zhang" {
		behind = "Practitioner/des-zhang"
	}
	c := &access.Context{Tenant: "main", Kind: access.Person, Principal: "PractitionerRole/" + id, Person: behind, Organization: org, Side: side, Roles: roles}
	people[id] = c
	return c
}

var (
	clin    = person("clin-wang", access.Hospital, access.CLIN)
	clin2   = person("clin-zhao", access.Hospital, access.CLIN)
	img     = person("img-li", access.Hospital, access.IMG)
	hosp    = person("hosp-chen", access.Hospital, access.HOSP)
	agent   = person("agent-sun", access.Hospital, access.AGENT)
	des     = person("des-zhang", access.Manufacturer, access.DES)
	des2    = person("des-liu", access.Manufacturer, access.DES)
	rev     = person("rev-huang", access.Manufacturer, access.REV)
	revSame = person("rev-zhang", access.Manufacturer, access.REV)
	prod    = person("prod-zhou", access.Manufacturer, access.PROD)
	qa      = person("qa-wu", access.Manufacturer, access.QA)
	mfr     = person("mfr-xu", access.Manufacturer, access.MFR)
	logist  = person("log-ma", access.Manufacturer, access.LOG)
	pat     = &access.Context{Tenant: "main", Kind: access.Patient, Principal: "Patient/p", Roles: []access.Role{access.PAT}}
	dev     = &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}
)

var team = []*access.Context{clin, clin2, img, hosp, agent, des, des2, rev, revSame, prod, qa, mfr, logist}

// write lays resources over the case, as one unit, and asks the engine.
func (w *world) write(actor *access.Context, bodies ...obj) casework.Decision {
	w.t.Helper()
	before := w.snapshot()
	next := w.at(w.t)
	for _, b := range bodies {
		next.lay(b, actor.Principal)
	}
	d := w.engine.Decide(before, next.snapshot(), actor)
	if len(d.Refusal) == 0 {
		w.commit(next, d)
	}
	return d
}

// lay puts a new version into the case.
func (w *world) lay(b obj, author string) casework.Resource {
	ref := fmt.Sprint(b["resourceType"], "/", b["id"])
	if _, there := w.members[ref]; !there && w.amend[ref] != nil {
		w.amend[ref](b)
	}
	body, err := json.Marshal(b)
	if err != nil {
		w.t.Fatal(err)
	}
	r := resource(body, 1)
	if old, ok := w.members[r.Ref()]; ok {
		r.Version = old.Version + 1
	}
	r.Author, r.Updated = author, w.now
	if r.Type == "Observation" && (r.ID == "watertight" || strings.HasPrefix(r.ID, "check-")) {
		r.Author = "server" // the job that looks at models
	}
	w.members[r.Ref()] = r
	if r.Type == "Task" {
		w.joinPool(r.Root)
	}
	return r
}

// joinPool makes what a Task names a member, as record does.
func (w *world) joinPool(task tree.Node) {
	for in := range task.Field("input").Items() {
		w.joinOne(in.Path("valueReference", "reference").Str())
	}
	for out := range task.Field("output").Items() {
		w.joinOne(out.Path("valueReference", "reference").Str())
	}
}

func (w *world) joinOne(ref string) {
	if r, ok := w.pool[ref]; ok {
		w.members[ref] = r
		delete(w.pool, ref)
	}
}

func (w *world) commit(next *world, d casework.Decision) {
	w.members, w.pool, w.grants = next.members, next.pool, d.Grants
	for _, e := range d.Effects {
		for _, body := range [][]byte{e.Create, e.Update} {
			if len(body) == 0 {
				continue
			}
			var b obj
			if err := json.Unmarshal(body, &b); err != nil {
				w.t.Fatalf("effect %s: %v", body, err)
			}
			if b["id"] == nil {
				w.made++
				b["id"] = fmt.Sprintf("t%02d", w.made)
			}
			w.lay(b, "server")
		}
		if m := e.Message; m != nil {
			to := map[string]*[]*casework.Message{"mes": &w.messages, "deadline": &w.timers, "notice": &w.notices}[m.Sink]
			*to = append(*to, m)
		}
	}
	w.now = w.now.Add(time.Minute)
}

// must is write that may not be refused.
func (w *world) must(actor *access.Context, bodies ...obj) {
	w.t.Helper()
	if d := w.write(actor, bodies...); len(d.Refusal) > 0 {
		w.t.Fatalf("%s is refused %d: %s", actor.Principal, d.Status, told(d.Refusal))
	}
}

func told(unmet []casework.Unmet) string {
	var lines []string
	for _, u := range unmet {
		lines = append(lines, fmt.Sprintf("%s/%s (%s) %s", u.Gate, u.Condition, u.Clause, u.Text))
	}
	return "\n  " + strings.Join(lines, "\n  ")
}

// get is a resource of the case as a map that a test may change.
func (w *world) get(ref string) obj {
	w.t.Helper()
	r, ok := w.members[ref]
	if !ok {
		w.t.Fatalf("the case has no %s", ref)
	}
	var b obj
	if err := json.Unmarshal(r.Root.Raw(), &b); err != nil {
		w.t.Fatal(err)
	}
	return b
}

// alter changes a resource without a new version: as if it had always been so,
// so that signatures over it keep counting.
func (w *world) alter(ref string, change func(b obj)) {
	w.t.Helper()
	b := w.get(ref)
	change(b)
	body, err := json.Marshal(b)
	if err != nil {
		w.t.Fatal(err)
	}
	old := w.members[ref]
	r := resource(body, old.Version)
	r.Digest, r.Author, r.Updated, r.Blob = old.Digest, old.Author, old.Updated, old.Blob
	w.members[ref] = r
}

// alterDirectory does the same to what the directory holds.
func (w *world) alterDirectory(ref string, change func(b obj)) {
	w.t.Helper()
	for i, old := range w.directory {
		if old.Ref() != ref {
			continue
		}
		var b obj
		if err := json.Unmarshal(old.Root.Raw(), &b); err != nil {
			w.t.Fatal(err)
		}
		change(b)
		body, _ := json.Marshal(b)
		w.directory[i] = resource(body, old.Version)
		return
	}
	w.t.Fatalf("the directory has no %s", ref)
}

// task is the newest Task of a stage.
func (w *world) task(stage string) string {
	w.t.Helper()
	found := ""
	for _, ref := range slices.Sorted(maps.Keys(w.members)) {
		r := w.members[ref]
		if r.Type == "Task" && r.Root.Path("code", "coding", "code").Str() == stage && ref > found {
			found = ref
		}
	}
	if found == "" {
		w.t.Fatalf("no Task of %s", stage)
	}
	return found
}

// set gives a Task another sub-state and owner.
func (w *world) set(stage string, owner *access.Context, status, substate string) obj {
	w.t.Helper()
	b := w.get(w.task(stage))
	b["status"] = status
	b["businessStatus"] = concept("urn:tenon:substate", substate)
	if owner != nil && owner.Kind == access.Person {
		b["owner"] = obj{"reference": owner.Principal}
	}
	return b
}

// sign makes a signature as $sign does, if the engine lets it.
func (w *world) sign(actor *access.Context, ref string, role access.Role, purpose string) (string, []casework.Unmet) {
	w.t.Helper()
	target, ok := w.members[ref]
	if !ok {
		w.t.Fatalf("nothing to sign: %s", ref)
	}
	stage, refusal := w.engine.MaySign(w.snapshot(), target, role, purpose, actor)
	if len(refusal) == 0 {
		w.signatures = append(w.signatures, casework.Signature{
			Provenance: fmt.Sprintf("sig%d", len(w.signatures)), Target: ref, Version: target.Version, Digest: target.Digest,
			Role: role, Purpose: purpose, Stage: stage, Signer: actor.Principal, Person: actor.Person, When: w.now,
		})
		w.now = w.now.Add(time.Minute)
	}
	return stage, refusal
}

func (w *world) mustSign(actor *access.Context, ref string, role access.Role, purpose string) {
	w.t.Helper()
	if _, refusal := w.sign(actor, ref, role, purpose); len(refusal) > 0 {
		w.t.Fatalf("%s may not sign %s as %s for %s: %s", actor.Principal, ref, role, purpose, told(refusal))
	}
}

// unsign takes signatures away.
func (w *world) unsign(ref, purpose string, role access.Role) {
	w.t.Helper()
	n := len(w.signatures)
	w.signatures = slices.DeleteFunc(slices.Clone(w.signatures), func(s casework.Signature) bool {
		return s.Target == ref && s.Purpose == purpose && s.Role == role
	})
	if len(w.signatures) == n {
		w.t.Fatalf("%s has no signature of %s for %s", ref, role, purpose)
	}
}

func concept(system, code string) obj {
	return obj{"coding": arr{obj{"system": system, "code": code}}}
}

func ref(r string) obj { return obj{"reference": r} }

func ext(name, kind string, value any) obj {
	return obj{"url": "urn:tenon:extension:" + name, kind: value}
}

func output(document, target string) obj {
	return obj{"type": concept("urn:tenon:document", document), "valueReference": ref(target)}
}

// file is an Attachment with its content inside and the SHA-256 of it.
func file(content string) obj {
	sum := sha256.Sum256([]byte(content))
	return obj{
		"extension":   arr{ext("sha-256", "valueString", hex.EncodeToString(sum[:]))},
		"contentType": "text/plain", "data": base64.StdEncoding.EncodeToString([]byte(content)),
	}
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}
