package accesspolicy

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/oauth"
	"tenon/server/access"
	"tenon/server/app"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// setting is a number from the environment.
func setting(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return usual
}

type world struct {
	*servertest.Server
	r      *rand.Rand
	orgs   []string // hospitals first
	people []*person
	cases  []*dossier
	things []*thing
	byRef  map[string]*thing
	pats   []*thing
}

const hospitals, makers, cases = 3, 3, 24

var codes = []string{"red", "green", "blue", "grey"}

// newWorld makes a server with a random world; the same seed makes the same world.
func newWorld(t *testing.T, engine string, seed uint64) *world {
	t.Helper()
	c := app.Config{Exchange: app.Exchange{Endpoints: "any", Region: "any"}} // no agreements, no addresses: reach alone is asked here
	if engine == "PostgreSQL" {
		c.Database = pgtest.Database(t, "empty", nil)
	}
	w := &world{Server: servertest.Start(t, c), r: rand.New(rand.NewPCG(seed, 1)), byRef: map[string]*thing{}}
	w.peopled(t)
	w.furnish(t)
	w.images(t)
	w.consents(t)
	w.open(t)
	w.apps(t)
	return w
}

func pick[T any](w *world, of []T) T { return of[w.r.IntN(len(of))] }

// bundle sends entries as the operator of an organisation, in parts.
func (w *world) bundle(t *testing.T, org string, entries []string) {
	t.Helper()
	who := &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator", Organization: org}
	for len(entries) > 0 {
		n := min(len(entries), 200)
		body := `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries[:n], ",") + `]}`
		if _, err := w.App.Recorder.Transaction(t.Context(), who, []byte(body), record.Bundled{}); err != nil {
			t.Fatalf("%v in %.500s", err, body)
		}
		entries = entries[n:]
	}
}

func put(typ, id, body string) string {
	return fmt.Sprintf(`{"resource":{"resourceType":%q,"id":%q%s},"request":{"method":"PUT","url":"%s/%s"}}`, typ, id, body, typ, id)
}

func (w *world) peopled(t *testing.T) {
	var all []string
	for i := range hospitals + makers {
		side, name := "hospital", fmt.Sprintf("h%d", i)
		if i >= hospitals {
			side, name = "manufacturer", fmt.Sprintf("m%d", i-hospitals)
		}
		w.orgs = append(w.orgs, "Organization/"+name)
		all = append(all, put("Organization", name, `,"active":true,"name":"`+name+`","type":[{"coding":[{"system":"urn:tenon:side","code":"`+side+`"}]}]`),
			put("Practitioner", name, `,"active":true,"name":[{"text":"`+name+`"}]`))
	}
	all = append(all, put("PractitionerRole", "twin", `,"active":true,"practitioner":{"reference":"Practitioner/h1"},"organization":{"reference":"Organization/h0"},"code":[{"coding":[{"system":"urn:tenon:role","code":"SEC"}]}]`))
	for i := range 120 {
		org := pick(w, w.orgs)
		p := &person{principal: fmt.Sprintf("PractitionerRole/p%d", i), org: org, hospital: strings.Contains(org, "/h")}
		w.people = append(w.people, p)
		all = append(all, put("PractitionerRole", fmt.Sprintf("p%d", i), fmt.Sprintf(`,"active":true,"practitioner":{"reference":"Practitioner/%s"},"organization":{"reference":%q},
			"code":[{"coding":[{"system":"urn:tenon:role","code":%q}]}]`, strings.TrimPrefix(org, "Organization/"), org, map[bool]string{true: "CLIN", false: "DES"}[p.hospital])))
	}
	for i, role := range []string{"SEC", "AUD", "ADMIN", "SEC"} { // of the first hospital, and SEC of the second
		org := fmt.Sprintf("h%d", i/3)
		all = append(all, put("Practitioner", "watch"+strconv.Itoa(i), `,"active":true`), put("PractitionerRole", "watch"+strconv.Itoa(i), fmt.Sprintf(`,"active":true,"practitioner":{"reference":"Practitioner/watch%d"},
			"organization":{"reference":"Organization/%s"},"code":[{"coding":[{"system":"urn:tenon:role","code":%q}]}]`, i, org, role)))
	}
	w.bundle(t, "", all)
}

// furnish makes patients, things about them, and changes of things.
func (w *world) furnish(t *testing.T) {
	for i := range 30 {
		w.add("Patient", fmt.Sprintf("x%d", i), pick(w, w.orgs[:hospitals]), version{gender: pick(w, []string{"male", "female"}), minor: i%3 == 0})
		w.pats = append(w.pats, w.things[len(w.things)-1])
	}
	for i, typ := range strings.Fields("RelatedPerson Device Task") {
		for n := range []int{10, 12, cases}[i] {
			v := version{patient: pick(w, w.pats).ref()}
			if typ == "Device" {
				v.patient, v.code = "", pick(w, codes)
			}
			org := pick(w, w.orgs[:hospitals])
			if typ == "Device" {
				org = pick(w, w.orgs[hospitals:])
			}
			w.add(typ, fmt.Sprintf("%s%d", strings.ToLower(typ[:1]), n), org, v)
		}
	}
	for i := range 330 {
		typ := pick(w, strings.Fields("Observation Observation Observation Condition DocumentReference Communication Device Substance"))
		v := version{code: pick(w, codes)}
		if typ == "Condition" || typ != "Substance" && w.r.IntN(5) > 0 {
			v.patient = pick(w, w.pats).ref()
		}
		if typ == "Observation" {
			for range 5 {
				if to := pick(w, w.things); to.typ == "Observation" {
					v.link = to.ref()
				}
			}
		}
		w.add(typ, fmt.Sprintf("r%d", i), pick(w, w.orgs), v)
	}
	w.write(t)
	w.change(t)
	w.graded(t)
}

func (w *world) add(typ, id, org string, v version) {
	v.n = 1
	if typ == "Patient" {
		v.patient = "Patient/" + id
	}
	x := &thing{typ: typ, id: id, owner: org, versions: []version{v}, w: w}
	w.things = append(w.things, x)
	w.byRef[x.ref()] = x
}

// body is a thing as JSON, without type and id.
func (x *thing) body(v version) string {
	subject, code := "", fmt.Sprintf(`{"coding":[{"system":"urn:c","code":%q}]}`, v.code)
	if v.patient != "" {
		name := map[string]string{"RelatedPerson": "patient", "Task": "for", "Device": "patient"}[x.typ]
		if name == "" {
			name = "subject"
		}
		subject = fmt.Sprintf(`,%q:{"reference":%q}`, name, v.patient)
	}
	switch x.typ {
	case "Consent":
		return x.consent.body()
	case "Patient":
		birth := "1961-02-03"
		if v.minor {
			birth = time.Now().AddDate(-9, 0, 0).Format(time.DateOnly)
		}
		return fmt.Sprintf(`,"active":true,"identifier":[{"system":"urn:n","value":%q}],"gender":%q,"birthDate":%q`, x.id, v.gender, birth)
	case "RelatedPerson":
		return `,"active":true` + subject
	case "Task":
		return `,"status":"requested","intent":"order"` + subject
	case "Device":
		return `,"status":"active","owner":{"reference":"` + x.owner + `"},"type":` + code + subject
	case "Substance":
		return `,"status":"active","code":` + code
	case "Observation":
		if v.link != "" {
			subject += `,"hasMember":[{"reference":"` + v.link + `"}]`
		}
		return `,"status":"final","code":` + code + subject
	case "Condition":
		return `,"code":` + code + subject
	case "DocumentReference":
		return `,"status":"current","content":[{"attachment":{"title":"x"}}],"type":` + code + subject
	}
	return `,"status":"completed","category":[` + code + `]` + subject
}

func (w *world) write(t *testing.T) {
	for _, org := range w.orgs {
		var entries []string
		for _, x := range w.things {
			if x.owner == org {
				entries = append(entries, put(x.typ, x.id, x.body(x.now())))
			}
		}
		w.bundle(t, org, entries)
	}
}

// change gives some things other versions, about other patients too, and deletes
// some, by people of other organisations: the first one keeps what it brought in.
func (w *world) change(t *testing.T) {
	linked := map[string]bool{}
	for _, x := range w.things {
		linked[x.now().link] = true
	}
	var entries []string
	for _, x := range w.things {
		if x.typ != "Observation" && x.typ != "Condition" && x.typ != "DocumentReference" || w.r.IntN(3) > 0 {
			continue
		}
		v := x.now()
		v.n, v.code = 2, pick(w, codes)
		if w.r.IntN(2) == 0 {
			v.patient = pick(w, w.pats).ref()
		}
		if w.r.IntN(6) == 0 && !linked[x.ref()] {
			v = x.now()
			v.n, v.deleted = 2, true
			entries = append(entries, fmt.Sprintf(`{"request":{"method":"DELETE","url":%q}}`, x.ref()))
		} else {
			entries = append(entries, put(x.typ, x.id, x.body(v)))
		}
		x.versions = append(x.versions, v)
	}
	w.bundle(t, w.orgs[0], entries)
}

// graded takes the level of each version from the record: how it is found is
// tested elsewhere.
func (w *world) graded(t *testing.T) {
	for _, x := range w.things {
		for i := range x.versions {
			v, err := w.App.Store.ReadVersion(t.Context(), access.Everything{}, x.typ, x.id, int64(i+1))
			if err != nil {
				t.Fatalf("%s: %v", x.ref(), err)
			}
			x.versions[i].level = int(v.Level)
		}
	}
}

// images gives some patients a study each, by a clinician of their hospital.
func (w *world) images(t *testing.T) {
	for i := range 10 {
		owner := w.pats[i]
		var by *person
		for _, p := range w.people {
			if p.org == owner.owner {
				by = p
			}
		}
		s := sample.New(sample.Options{Seed: int64(i + 1), Slices: 1, PatientID: owner.id, PatientName: imagedName, BirthDate: imagedBirth})
		w.Expect(t, 200, servertest.Request{Token: w.Token(t, by.principal), Method: "POST", Path: "/dicomweb/studies?patient=" + owner.ref(), Body: s.Slice(0),
			Header: map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}})
		page, _, err := w.App.Recorder.Search(t.Context(), &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}, "ImagingStudy", nil, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Hits {
			if w.byRef["ImagingStudy/"+h.ID] == nil {
				w.add("ImagingStudy", h.ID, by.org, version{patient: owner.ref(), level: int(h.Level)})
				w.things[len(w.things)-1].study = s.StudyUID
			}
		}
	}
}

// open makes cases: members about one patient or nobody, and who is let in.
func (w *world) open(t *testing.T) {
	w.others()
	u := &record.Unit{Tenant: "main", At: time.Now().UTC()}
	for i := range cases {
		root := w.byRef[fmt.Sprintf("Task/t%d", i)]
		c := &dossier{id: root.id, patient: root.now().patient, open: map[string]int{}}
		w.cases = append(w.cases, c)
		root.cases = append(root.cases, c)
		for _, x := range w.things {
			fits := x.typ != "Task" && !x.now().deleted
			for _, v := range x.versions {
				fits = fits && (v.patient == c.patient || v.patient == "")
			}
			if fits && (x.now().patient != "" && w.r.IntN(4) > 0 || w.r.IntN(12) == 0) {
				x.cases = append(x.cases, c)
			}
		}
		grants := record.CaseGrants{Case: c.id}
		for range 3 + w.r.IntN(14) {
			p := pick(w, w.people)
			if _, twice := c.open[p.principal]; twice || p.kind == backend {
				continue
			}
			c.open[p.principal] = 1 + w.r.IntN(5)
			grants.Grants = append(grants.Grants, casework.Grant{Principal: p.principal, Ceiling: access.Level(c.open[p.principal])})
		}
		u.Grants, u.Cases = append(u.Grants, grants), append(u.Cases, c.id)
	}
	for _, x := range w.things {
		for _, c := range x.cases {
			u.Members = append(u.Members, record.Member{Case: c.id, Type: x.typ, ID: x.id})
		}
	}
	if err := w.App.Store.Commit(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.people {
		if p.kind != backend {
			p.token = w.Token(t, p.principal)
		}
	}
}

// others are principals that are no staff: patients, representatives, machines,
// backends.
func (w *world) others() {
	for i := range 30 {
		x := pick(w, w.things)
		switch x.typ {
		case "Patient", "RelatedPerson":
			w.people = append(w.people, &person{principal: x.ref(), kind: patient})
		case "Device":
			w.people = append(w.people, &person{principal: x.ref(), kind: machine, org: x.owner})
		default:
			p := pick(w, w.pats)
			w.people = append(w.people, &person{principal: p.ref(), kind: patient})
		}
		if i%5 == 0 {
			org := pick(w, w.orgs)
			w.people = append(w.people, &person{principal: org, kind: backend, org: org, hospital: strings.Contains(org, "/h"), app: true})
		}
	}
}

// apps adds principals who come with an app, until there are as many as are asked
// for: staff and patients, with random scopes.
func (w *world) apps(t *testing.T) {
	staffed := len(w.people)
	for i := 0; len(w.people) < setting("TENON_ACCESS_PEOPLE", 200); i++ {
		like := *w.people[w.r.IntN(staffed)]
		like.app = true
		w.people = append(w.people, &like)
	}
	for i, p := range w.people {
		if p.app {
			w.granted(t, p, fmt.Sprintf("app-%d", i))
		}
	}
}

func (w *world) granted(t *testing.T, p *person, id string) {
	whose := "user"
	switch {
	case p.kind == backend || p.kind == machine:
		whose = "system"
	case w.r.IntN(2) == 0:
		whose, p.about = "patient", pick(w, w.pats).ref()
	}
	for range 1 + w.r.IntN(3) {
		s := scope{whose: whose, typ: pick(w, strings.Fields("* * Patient Observation Observation Condition Task ImagingStudy")), verbs: pick(w, []string{"rs", "rs", "r", "s", "cruds"})}
		if (s.typ == "Observation" || s.typ == "Condition") && w.r.IntN(3) == 0 {
			s.code = pick(w, codes)
		}
		p.scopes = append(p.scopes, s)
	}
	var texts []string
	for _, s := range p.scopes {
		texts = append(texts, s.String())
	}
	scope, soon, token := strings.Join(texts, " "), time.Now().Add(time.Hour), "tn_"+id
	if err := w.App.Store.PutGrant(t.Context(), &oauth.Grant{ID: id, Tenant: "main", Client: id, Principal: p.principal, Created: time.Now(), Expires: soon,
		Terms: oauth.Terms{Scope: scope, Patient: p.about}}); err != nil {
		t.Fatal(err)
	}
	if err := w.App.Store.PutToken(t.Context(), oauth.Token{Hash: sha256.Sum256([]byte(token)), Principal: p.principal, Tenant: "main", Issued: time.Now(), Expires: soon, Grant: id, Scope: scope}); err != nil {
		t.Fatal(err)
	}
	p.token = token
}
