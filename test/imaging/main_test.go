package imaging

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// ward is a server with three studies of two patients.
type ward struct {
	*servertest.Server
	clin, designer string // tokens: who reaches the patients, and who does not
	patients       []string
	studies        []*sample.Series
}

// eachEngine runs a test on SQLite and on PostgreSQL.
func eachEngine(t *testing.T, change func(*app.Config), test func(t *testing.T, w *ward)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Sample: true}
			if engine == "postgres" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			if change != nil {
				change(&c)
			}
			w := &ward{Server: servertest.Start(t, c)}
			w.clin, w.designer = w.Token(t, "PractitionerRole/clin-wang"), w.Token(t, "PractitionerRole/des-zhang")
			for _, id := range []string{"P-1", "P-2"} {
				w.patients = append(w.patients, w.Create(t, w.clin, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"`+id+`"}],"name":[{"text":"`+id+`"}]}`))
			}
			test(t, w)
		})
	}
}

// fill stores three studies.
func (w *ward) fill(t *testing.T) {
	t.Helper()
	day := func(d int) time.Time { return time.Date(2026, 1, d, 8+d, 30, 15, 0, time.UTC) }
	w.studies = []*sample.Series{
		sample.New(sample.Options{Seed: 1, Slices: 3, PatientID: "P-1", PatientName: "Wang^XiaoDong=王^小东", Acquired: day(1)}),
		sample.New(sample.Options{Seed: 2, Slices: 2, PatientID: "P-2", PatientName: "Smith^Anna", Acquired: day(2)}),
		sample.New(sample.Options{Seed: 3, Slices: 1, PatientID: "P-2", PatientName: "SMITHERS^Bob", Acquired: day(3)}),
	}
	for _, s := range w.studies {
		var files [][]byte
		for i := range s.Len() {
			files = append(files, s.Slice(i))
		}
		w.Expect(t, 200, w.stow(files...))
	}
}

func (w *ward) stow(files ...[]byte) servertest.Request {
	var b bytes.Buffer
	for _, f := range files {
		b.WriteString("--frontier\r\nContent-Type: application/dicom\r\n\r\n")
		b.Write(f)
		b.WriteString("\r\n")
	}
	b.WriteString("--frontier--\r\n")
	return servertest.Request{Token: w.clin, Method: "POST", Path: "/dicomweb/studies", Body: b.Bytes(), Header: map[string]string{
		"Content-Type": `multipart/related; type="application/dicom"; boundary=frontier`, "Accept": "application/dicom+json"}}
}

// get is a request of the clinician; header are names and values.
func (w *ward) get(path string, header ...string) servertest.Request {
	q := servertest.Request{Token: w.clin, Method: "GET", Path: "/dicomweb" + path, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		q.Header[header[i]] = header[i+1]
	}
	return q
}

// as is the request of somebody else.
func as(token string, q servertest.Request) servertest.Request {
	q.Token = token
	return q
}

func instance(s *sample.Series, i int) string {
	return "/studies/" + s.StudyUID + "/series/" + s.SeriesUID + "/instances/" + s.InstanceUID(i)
}

// uids are the values of a UID in a DICOM JSON array.
func uids(t *testing.T, a *servertest.Answer, tag string) string {
	t.Helper()
	var found []string
	for _, raw := range arrayOf(t, a) {
		var m map[string]json.RawMessage
		var v struct{ Value []string }
		if json.Unmarshal(raw, &m) != nil || json.Unmarshal(m[tag], &v) != nil {
			t.Fatalf("%s is missing in %s", tag, raw)
		}
		found = append(found, strings.Join(v.Value, `\`))
	}
	return strings.Join(found, " ")
}

func arrayOf(t *testing.T, a *servertest.Answer) []json.RawMessage {
	t.Helper()
	var list []json.RawMessage
	if err := json.Unmarshal(a.Body, &list); err != nil {
		t.Fatalf("status %d: %v in %.300s", a.Status, err, a.Body)
	}
	return list
}
