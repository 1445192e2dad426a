package test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
	"tenon/server/access"
	"tenon/server/app"
	recorder "tenon/server/record"
	"tenon/test/servertest"
)

// What must never reach a stranger or the log.
const (
	secretName    = "Geheimrat秘密人"
	secretMRN     = "MRN-4711-SECRET"
	secretFinding = "osteosarcoma-secret"
	secretFile    = "solid secret-geometry"
	secretBirth   = "1961-07-13"
)

var secrets = []string{secretName, "秘密人", secretMRN, secretFinding, secretFile, secretBirth, "19610713", "Secretary^Jane"}

const mesShared = "shared secret of the attack test, long enough"

// town is a server with two hospitals, a manufacturer and patients who have
// nothing to do with each other.
type town struct {
	*servertest.Server
	token map[string]string // by name of who holds it
	log   string            // file of what the server logged

	patient, observation, binary, document string // of the first hospital
	root, stage                            string // its case
	study                                  *sample.Series
	own                                    map[string]string // Patient of each attacker
	foreign                                string            // Observation of the first hospital on the attackers' Patients
}

// strangers reach nothing of the first hospital's: a clinician of another one, a
// designer before the disclosure, another patient, a machine.
var strangers = []string{"rival", "designer", "patient", "machine"}

func newTown(t *testing.T, c app.Config) *town {
	t.Helper()
	w := &town{token: map[string]string{}, own: map[string]string{}}
	c.Sample = true
	c.MES = app.MES{Secret: mesShared, Device: "mes"}
	w.capture(t, func() { w.Server = servertest.Start(t, c) })
	w.people(t)
	w.victim(t)
	return w
}

// capture makes the server log into a file.
func (w *town) capture(t *testing.T, open func()) {
	t.Helper()
	w.log = filepath.Join(t.TempDir(), "log")
	f, err := os.Create(w.log)
	if err != nil {
		t.Fatal(err)
	}
	real := os.Stderr
	os.Stderr = f
	log.SetOutput(f) // what net/http has to say
	open()
	os.Stderr = real
	t.Cleanup(func() { log.SetOutput(real); _ = f.Close() })
}

func (w *town) people(t *testing.T) {
	t.Helper()
	operator := &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}
	answer, err := w.App.Recorder.Transaction(t.Context(), operator, []byte(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001","resource":{"resourceType":"Organization","active":true,"name":"Rival","address":[{"country":"CN"}],"type":[{"coding":[{"system":"urn:tenon:side","code":"hospital"}]}]},"request":{"method":"POST","url":"Organization"}},
		{"fullUrl":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000002","resource":{"resourceType":"Practitioner","active":true,"name":[{"text":"Rival"}]},"request":{"method":"POST","url":"Practitioner"}},
		{"resource":{"resourceType":"PractitionerRole","active":true,"practitioner":{"reference":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000002"},"organization":{"reference":"urn:uuid:0b2a6f5c-1111-4c1c-9d6a-000000000001"},
			"code":[{"coding":[{"system":"urn:tenon:role","code":"CLIN"}]}]},"request":{"method":"POST","url":"PractitionerRole"}}]}`), recorder.Bundled{})
	if err != nil {
		t.Fatal(err)
	}
	_, role, _ := strings.Cut(string(answer), `"location":"PractitionerRole/`)
	role, _, _ = strings.Cut(role, "/")
	w.token["rival"] = w.Token(t, "PractitionerRole/"+role)
	w.token["clin"] = w.Token(t, "PractitionerRole/clin-wang")
	w.token["designer"] = w.Token(t, "PractitionerRole/des-zhang")
	w.token["machine"] = w.Token(t, "Device/mes")
}

// victim is what the first hospital has.
func (w *town) victim(t *testing.T) {
	t.Helper()
	clin := w.token["clin"]
	w.patient = w.Create(t, clin, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"`+secretMRN+`"}],"name":[{"text":"`+secretName+`","family":"`+secretName+`"}],"gender":"female","birthDate":"`+secretBirth+`"}`)
	w.token["victim"] = w.Token(t, w.patient)
	w.observation = w.Create(t, clin, `{"resourceType":"Observation","identifier":[{"system":"urn:mrn","value":"`+secretMRN+`-1"}],"status":"final","code":{"coding":[{"system":"urn:finding","code":"`+secretFinding+`"}]},"subject":{"reference":"`+w.patient+`"},"valueString":"`+secretFinding+`"}`)
	w.binary = w.Expect(t, 201, servertest.Request{Token: clin, Method: "POST", Path: "/fhir/Binary", Body: []byte(secretFile), Header: map[string]string{"Content-Type": "model/stl"}}).Ref()
	w.document = w.Create(t, clin, `{"resourceType":"DocumentReference","status":"current","subject":{"reference":"`+w.patient+`"},"description":"`+secretFinding+`","content":[{"attachment":{"contentType":"model/stl","url":"`+w.binary+`"}}]}`)
	w.root = w.Expect(t, 201, servertest.Request{Token: clin, Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: []byte(applying(w.patient, "C-"+secretMRN))}).Ref()
	stages := via{nil, clin}.found(t, w.Client, "Task?part-of="+w.root)
	if len(stages) != 1 {
		t.Fatalf("the case has the stages %v", stages)
	}
	w.stage = stages[0]
	w.study = sample.New(sample.Options{Seed: 9, Slices: 2, PatientID: secretMRN, PatientName: "Secretary^Jane", BirthDate: "19610713"})
	for i := range 2 {
		w.Expect(t, 200, servertest.Request{Token: clin, Method: "POST", Path: "/dicomweb/studies?patient=" + w.patient, Body: w.study.Slice(i),
			Header: map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}})
	}
	w.own["rival"] = w.Create(t, w.token["rival"], `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"OWN"}],"name":[{"text":"own"}],"active":true}`)
	w.token["patient"] = w.Token(t, w.own["rival"])
	w.own["patient"] = w.own["rival"]
	w.foreign = w.Create(t, clin, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:finding","code":"`+secretFinding+`"}]},"subject":{"reference":"`+w.own["rival"]+`"},"valueString":"`+secretFinding+`"}`)
}

// applying are the parameters that open an implant case.
func applying(patient, number string) string {
	return fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":%q}},{"name":"case-number","valueString":%q},
		{"name":"retained-samples","valueInteger":2},{"name":"followup-visits","valueInteger":2},
		{"name":"followup-duration","valueDuration":{"value":12,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
		{"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`, patient, number)
}

// TestAttack goes against a running server over HTTP. Afterwards neither answers
// nor log hold what they must not.
func TestAttack(t *testing.T) {
	w := newTown(t, app.Config{})
	t.Run("no token", w.withoutToken)
	t.Run("strangers", w.strangersReachNothing)
	t.Run("own only", w.ownOnly)
	t.Run("hostile requests", w.hostile)
	t.Run("raw connections", w.raw)
	w.Stop(t)
	t.Run("R003-011 the log holds no data of patients", w.silent)
}

// silent reads what the server logged while all this went on.
func (w *town) silent(t *testing.T) {
	logged, err := os.ReadFile(w.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{"OWN", "q-value-in-url", "tn_", mesShared}, secrets...) {
		if strings.Contains(string(logged), s) {
			line := string(logged)[:strings.Index(string(logged), s)]
			t.Errorf("the log holds %q after %.300q", s, line[max(0, len(line)-300):])
		}
	}
	t.Logf("%d bytes were logged", len(logged))
}

// discreet fails when an answer holds a secret that the request did not.
func discreet(t *testing.T, q servertest.Request, a *servertest.Answer) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(string(a.Body), s) && !strings.Contains(q.Path, s) && !strings.Contains(string(q.Body), s) {
			t.Errorf("%s %s = %d tells %q: %.400s", q.Method, q.Path, a.Status, s, a.Body)
		}
	}
}
