package casewalk

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/oauth"
	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/test/servertest"
)

// World is a running server with the people of the sample data, each with a
// token and a signing key.
type World struct {
	*servertest.Client
	Server       *servertest.Server
	Cast         map[string]*Person
	Agreement    string              // Contract/x that stands, once it was made
	Stranger     string              // Patient/x of no case
	strangers    string              // Goal/x of the stranger
	Known        map[string]int      // disagreements that are known, by sentence
	Tell         func(*Disagreement) // as soon as one is found; may be nil
	Flows        map[string]int      // exception flows that ended, by what they were
	Until        time.Time           // when a walk ends although steps are left; zero: never
	Enough       int                 // disagreements end a walk; after each its case is left
	Forms        map[string]Obj      // Questionnaires in force
	numbers      atomic.Int64
	organisation *Answer         // as it was before it was closed
	final        bool            // a type was ended: nothing can be provoked again
	keys         *ledger.Keys    // of the server; its signers' keys are sealed with little work
	ctx          context.Context //nolint:containedctx // a world lives as long as its test
}

// NewWorld starts a server on a database ("sqlite" or a URL of PostgreSQL).
func NewWorld(t testing.TB, database string) *World {
	t.Helper()
	s := servertest.Start(t, app.Config{Database: database, Sample: true})
	keys, err := ledger.KeyOptions{Cost: ledger.Cost{Passes: 1, KiB: 64, Threads: 1}}.Open(filepath.Join(s.Config.Data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	w := &World{keys: keys, Client: s.Client, Server: s, Cast: map[string]*Person{}, Known: map[string]int{}, Flows: map[string]int{}, Enough: 6, ctx: context.WithoutCancel(t.Context())}
	for _, p := range cast {
		p.Ref = "PractitionerRole/" + p.ID
		if p.Human == "" {
			p.Human = p.ID
		}
		if err := w.admit(&p); err != nil {
			t.Fatal(err)
		}
		w.Cast[p.ID] = &p
	}
	stranger, err := w.patient("stranger")
	if err != nil {
		t.Fatal(err)
	}
	w.Cast["stranger"], w.Stranger = stranger, stranger.Ref
	made, err := w.create(w.Cast["clin-wang"], goal(&Writer{Patient: w.Stranger}))
	if err != nil {
		t.Fatal(err)
	}
	w.strangers = made
	if err := w.forms(); err != nil {
		t.Fatal(err)
	}
	return w
}

// forms reads the Questionnaires that the server publishes.
func (w *World) forms() error {
	w.Forms = map[string]Obj{}
	a, err := w.send(w.Cast["clin-wang"], "GET", "Questionnaire?_count=100", nil)
	if err != nil {
		return err
	}
	for _, e := range list(decode(a.Body), "entry") {
		q, _ := at(e, "resource").(Obj)
		url := str(q, "url")
		w.Forms[url[strings.LastIndexByte(url, ':')+1:]] = q
	}
	return nil
}

// admit gives a token and a signing key, as an operator does.
func (w *World) admit(p *Person) (err error) {
	p.Secret = "walk secret of " + p.Ref
	if p.Token, err = w.Server.App.IssueToken(w.ctx, p.Ref, 24*time.Hour, "walk"); err != nil {
		return err
	}
	who, err := w.Server.App.OAuth.Principal(w.ctx, p.Ref)
	if err != nil {
		return err
	}
	made, err := w.keys.IssueSignerOf(ledger.ES256, p.Ref, who.Person, p.Secret)
	if err != nil {
		return err
	}
	return w.Server.App.Store.PutSigner(w.ctx, oauth.Signer{Principal: p.Ref, Certificate: made.Certificate, Sealed: made.Sealed, Created: time.Now()})
}

// number is one that no case had before.
func (w *World) number() int64 { return w.numbers.Add(1) }

// patient registers a new one.
func (w *World) patient(id string) (*Person, error) {
	n := w.number()
	made, err := w.create(w.Cast["clin-wang"], Obj{
		"resourceType": "Patient", "active": true, "gender": "female", "birthDate": "1980-02-03",
		"identifier": Arr{Obj{"type": foreign("v2-0203", "MR"), "system": "urn:tenon:sample:admission", "value": fmt.Sprintf("MR-%07d", n)}},
		"name":       Arr{Obj{"use": "official", "text": fmt.Sprintf("Walk%d An", n), "family": fmt.Sprintf("Walk%d", n), "given": Arr{"An"}}},
	})
	if err != nil {
		return nil, err
	}
	p := &Person{ID: id, Ref: made, Role: "PAT", Human: made}
	return p, w.admit(p)
}

// Answer is what came back of a step, with the issues of a refusal.
type Answer struct {
	*servertest.Answer
	Issues []Issue
}

// Issue is one reason of a refusal.
type Issue struct {
	Rule, Element, Text, Chinese string
	Clause                       []string
}

func (w *World) send(by *Person, method, path string, body any, header ...string) (*Answer, error) {
	q := servertest.Request{Method: method, Path: "/fhir/" + path, Header: map[string]string{}}
	if by != nil {
		q.Token = by.Token
	}
	switch b := body.(type) {
	case nil:
	case []byte:
		q.Body = b
	default:
		q.Body = encode(b)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header[header[i]] = header[i+1]
	}
	a, err := w.Try(w.ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return &Answer{a, issues(a.Body)}, nil
}

// create is a create that must be allowed.
func (w *World) create(by *Person, resource Obj) (string, error) {
	a, err := w.send(by, "POST", str(resource, "resourceType"), resource)
	if err == nil && a.Status != 201 {
		err = fmt.Errorf("POST %s as %s = %d %.600s, want 201", str(resource, "resourceType"), by.ID, a.Status, a.Body)
	}
	if err != nil {
		return "", err
	}
	return a.Ref(), nil
}

func (a *Answer) version() string {
	tag := a.Header.Get("ETag")
	if len(tag) < 4 {
		return ""
	}
	return tag[3 : len(tag)-1]
}

// issues reads an OperationOutcome.
func issues(body []byte) []Issue {
	var all []Issue
	for _, is := range list(decode(body), "issue") {
		i := Issue{Text: str(is, "details", "text"), Element: str(is, "expression")}
		for _, c := range list(is, "details", "coding") {
			switch str(c, "system") {
			case tenon + "rule":
				i.Rule = str(c, "code")
			case tenon + "clause":
				i.Clause = append(i.Clause, strings.Fields(str(c, "code"))...)
			}
		}
		for _, e := range list(is, "details", "_text", "extension") {
			for _, part := range list(e, "extension") {
				i.Chinese += str(part, "valueString")
			}
		}
		all = append(all, i)
	}
	return all
}

// study stores one small slice by STOW-RS for a patient and a case. It does not
// say how it was made, so that people answer for the limits of the protocol.
func (w *World) study(by *Person, patient, root string) (*Answer, error) {
	series := sample.New(sample.Options{Seed: w.number(), Slices: 1, Rows: 16, Columns: 16, Acquired: time.Now(), Spacing: 0.5, Terse: true})
	const boundary = "walk-of-a-case"
	body := append([]byte("--"+boundary+"\r\nContent-Type: application/dicom\r\n\r\n"), series.Slice(0)...)
	body = append(body, []byte("\r\n--"+boundary+"--\r\n")...)
	a, err := w.Try(w.ctx, servertest.Request{
		Token: by.Token, Method: "POST", Path: "/dicomweb/studies?patient=" + patient + "&task=" + root, Body: body,
		Header: map[string]string{"Content-Type": `multipart/related; type="application/dicom"; boundary=` + boundary, "Accept": "application/dicom+json"},
	})
	if err != nil {
		return nil, err
	}
	made := &Answer{a, issues(a.Body)}
	if a.Status != 200 {
		return made, nil
	}
	found, err := w.send(by, "GET", "ImagingStudy?identifier=urn:dicom:uid|urn:oid:"+series.StudyUID, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range list(decode(found.Body), "entry") {
		r := at(e, "resource")
		a.Header.Set("Location", "/fhir/ImagingStudy/"+str(r, "id")+"/_history/1")
		a.Header.Set("ETag", `W/"`+str(r, "meta", "versionId")+`"`)
		a.Body = encode(r)
	}
	return made, nil
}
