package pacs

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/dimse"
	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestPullBesideAnother: of two servers on one database one is asked to pull a study
// for a patient, and what the PACS sends arrives at the other.
func TestPullBesideAnother(t *testing.T) {
	t.Parallel()
	h := newHouse(t, app.Config{Database: pgtest.Database(t, "empty", nil)})
	other := &house{clin: h.clin, patient: h.patient}
	c := app.Config{Database: h.Config.Database, Data: h.Config.Data}
	c.DIMSE.Listen = "127.0.0.1:0"
	other.start(t, c)
	foreign := func(seed int64) file { return h.newStudy(t, seed, "THEIRS") }
	t.Run("R001-042 it is stored for the patient and both tell", func(t *testing.T) {
		f := foreign(301)
		other.hospital(t, "HOSPITAL", f.name) // sends to the other server
		query := "peer=HOSPITAL&study=" + f.study
		h.Expect(t, 202, pull(h.clin, query)) // whose it is nobody has said
		a := h.Expect(t, 200, pull(h.clin, query+"&patient="+h.patient))
		if string(a.Body) != `{"peer":"HOSPITAL","completed":1,"warned":0,"failed":0}` {
			t.Errorf("pulled: %s", a.Body)
		}
		for name, server := range map[string]*house{"asked": h, "other": other} {
			if got := server.stored(t, f.study); count(got, `"00080018"`) != 1 {
				t.Errorf("the server that was %s has %s", name, got)
			}
		}
	})
	t.Run("R001-046 while it goes on and no longer", func(t *testing.T) { h.awaitBeside(t, other) })
}

// awaitBeside: a peer that says nothing keeps a pull going.
func (h *house) awaitBeside(t *testing.T, other *house) {
	s := sample.New(sample.Options{Seed: 302, Slices: 3, Rows: 16, Columns: 16, PatientID: "THEIRS"})
	var files []string
	for i := range 3 {
		files = append(files, filepath.Join(t.TempDir(), "x.dcm"))
		if err := os.WriteFile(files[i], s.Slice(i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store := func(i int, want bool, why string) {
		t.Helper()
		if code, out := other.run(t, "storescu", "SCANNER", "--", files[i]); (code == 0) != want {
			t.Errorf("%s: storescu = %d:\n%s", why, code, out)
		}
	}
	store(0, false, "a foreign patient's instance before the pull")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h.peer(t, dimse.Peer{Title: "MUTE", Principal: "PractitionerRole/clin-wang", Allow: []string{"store", "provide"}, Address: l.Addr().String()})
	q := pull(h.clin, "peer=MUTE&study="+s.StudyUID+"&patient="+h.patient)
	pulled := make(chan *servertest.Answer, 1)
	go func() {
		a, err := h.Try(t.Context(), q)
		if err != nil {
			t.Error(err)
		}
		pulled <- a
	}()
	conn, err := l.Accept() // the pull is known by now
	if err != nil {
		t.Fatal(err)
	}
	if a := other.Expect(t, 409, q); !strings.Contains(string(a.Body), "being pulled already") {
		t.Errorf("a second pull: %s", a.Body)
	}
	if code, out := other.run(t, "storescu", "DESIGNER", "--", files[1]); code == 0 {
		t.Errorf("R001-046 who does not reach the patient stores into the pull:\n%s", out)
	}
	store(0, true, "what arrives at the other server while the pull goes on")
	_ = conn.Close()
	if a := <-pulled; a != nil && a.Status != 502 {
		t.Errorf("the pull whose peer broke off = %d %s", a.Status, a.Body)
	}
	store(2, false, "a foreign patient's instance after the pull")
	if got := h.stored(t, s.StudyUID); count(got, `"00080018"`) != 1 {
		t.Errorf("R001-042 stored: %s", got)
	}
}
