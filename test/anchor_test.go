package test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/server/store/pgtest"
	"tenon/server/witness"
	"tenon/test/servertest"
)

// stamper is a time stamp authority.
type stamper struct {
	root, own *x509.Certificate
	key       *ecdsa.PrivateKey
	at        func() time.Time
	spoil     func(t *timestamp.Timestamp)
}

func newStamper(t *testing.T) (s *stamper, url, roots string) {
	t.Helper()
	s = &stamper{at: time.Now}
	ca, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "TSA root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	s.root = made(t, root, root, ca.Public(), ca)
	s.own = made(t, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "TSA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}, s.root, s.key.Public(), ca)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	roots = filepath.Join(t.TempDir(), "tsa.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, web.URL, roots
}

func (s *stamper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "no query", http.StatusBadRequest)
		return
	}
	q, err := timestamp.ParseRequest(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stamp := &timestamp.Timestamp{HashAlgorithm: q.HashAlgorithm, HashedMessage: q.HashedMessage, Time: s.at(), Nonce: q.Nonce, Policy: []int{1, 2, 3}, AddTSACertificate: true}
	if s.spoil != nil {
		s.spoil(stamp)
	}
	der, err := stamp.CreateResponseWithOpts(s.own, s.key, crypto.SHA256)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(der)
}

// watched is a server whose log a witness and a time stamp authority vouch for.
type watched struct {
	*signed
	tsa     *stamper
	witness *witness.Witness
	logKey  string
}

func newWatched(t *testing.T) *watched { return watchedOn(t, "") }

// watchedOn is newWatched on a database.
func watchedOn(t *testing.T, database string) *watched {
	t.Helper()
	w := &watched{}
	var url, roots string
	w.tsa, url, roots = newStamper(t)
	data := t.TempDir()
	keys, err := ledger.OpenKeys(filepath.Join(data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	w.logKey = keys.Public
	if w.witness, err = witness.New(witness.Options{Name: "example.org/witness", Folder: t.TempDir(), Logs: []string{keys.Public}}); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(w.witness.Handler())
	t.Cleanup(web.Close)
	w.signed = toSign(t, app.Config{Data: data, Database: database, Signing: app.Signing{TSA: url, TSARoots: roots},
		Anchoring: app.Anchoring{Witnesses: []string{w.witness.Key() + " " + web.URL}, Every: time.Hour}})
	issued(t, w.Server, "ES256", "hosp-chen")
	return w
}

func (w *watched) dossier(t *testing.T) []byte {
	t.Helper()
	return w.Expect(t, 200, servertest.Request{Token: w.hosp, Method: "GET", Path: "/fhir/" + w.root + "/$dossier"}).Body
}

func verifies(t *testing.T, dossier []byte, kept *ledger.Trust, at time.Time, seen ...[]byte) *ledger.Report {
	t.Helper()
	r, err := ledger.VerifyDossier(t.Context(), bytes.NewReader(dossier), kept, ledger.VerifyOptions{Clock: func() time.Time { return at }, Seen: seen})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAnchoredSignature: a signature whose certificate has ended still verifies by
// a time stamp or a witness of before, and by nothing else.
func TestAnchoredSignature(t *testing.T) {
	onEngines(t, func(t *testing.T, database string) {
		testAnchoredSignature(t, watchedOn(t, database))
		t.Run("R000-021 a time stamp of after the end proves nothing", func(t *testing.T) {
			if database != "" {
				database = pgtest.Database(t, "empty", nil)
			}
			testStampedLate(t, watchedOn(t, database))
		})
	})
}

func testAnchoredSignature(t *testing.T, w *watched) {
	t.Helper()
	w.sign(t, 201, w.hosp, w.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	kept := trust(t, w.App)
	kept.At = time.Time{} // so that nothing but the anchors tells of the time
	after := time.Now().AddDate(4, 0, 0)
	if r := verifies(t, w.dossier(t), kept, time.Now()); r.Exit() != 0 {
		t.Fatalf("before it ended: exit %d\n%v", r.Exit(), r)
	}
	if r := verifies(t, w.dossier(t), kept, after); !named(r, "expired signature") {
		t.Fatalf("R000-021 without a time stamp: exit %d\n%v", r.Exit(), r)
	}
	if err := w.App.Anchor(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Create(t, w.hosp, `{"resourceType":"Basic","code":{"text":"the log goes on"}}`)
	dossier := w.dossier(t)
	with := func(change func(t *ledger.Trust)) *ledger.Trust { c := *kept; change(&c); return &c }
	other, _, _ := newStamper(t)
	stranger, err := witness.New(witness.Options{Name: "example.org/witness", Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		kept *ledger.Trust
		want string // finding, "" for none
	}{
		{"R000-021 by time stamp and witness", kept, ""},
		{"R000-021 by the time stamp alone", with(func(t *ledger.Trust) { t.Witnesses = nil }), ""},
		{"R000-021 by the witness alone", with(func(t *ledger.Trust) { t.TSAs = nil }), ""},
		{"R000-021 by nobody whom the trust file names", with(func(t *ledger.Trust) { t.TSAs, t.Witnesses = nil, nil }), "expired signature"},
		{"R000-021 by another time stamp authority", with(func(t *ledger.Trust) { t.TSAs, t.Witnesses = []*x509.Certificate{other.root}, nil }), "untrusted checkpoint"},
		{"R000-021 by another witness of the name", with(func(t *ledger.Trust) { t.TSAs, t.Witnesses = nil, []string{stranger.Key()} }), "untrusted checkpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := verifies(t, dossier, c.kept, after)
			if c.want == "" && (r.Exit() != 0 || r.Signed != 1 || r.Anchored == 0) || c.want != "" && !named(r, c.want) {
				t.Errorf("exit %d, want %q\n%v", r.Exit(), c.want, r)
			}
		})
	}
	for name, change := range map[string]func(a map[string]any){
		"the token of a time stamp": func(a map[string]any) {
			if token, ok := a["token"].(string); ok {
				a["token"] = token[:len(token)-8] + "AAAAAAA="
			}
		},
		"the note of an anchor":   func(a map[string]any) { a["note"] = strings.Replace(a["note"].(string), "\n", "x\n", 1) },
		"the size of an anchor":   func(a map[string]any) { a["size"] = 1 },
		"the kind of an anchor":   func(a map[string]any) { a["kind"] = "oracle" },
		"the witness's signature": func(a map[string]any) { a["note"] = strings.Split(a["note"].(string), "— example")[0] },
	} {
		t.Run("R000-018 changed: "+name, func(t *testing.T) {
			if r := verifies(t, anchorChanged(t, dossier, change), with(func(*ledger.Trust) {}), after); r.Exit() != 1 {
				t.Errorf("exit %d\n%v", r.Exit(), r)
			}
		})
	}
}

func testStampedLate(t *testing.T, x *watched) {
	t.Helper()
	x.tsa.at = func() time.Time { return time.Now().AddDate(3, 1, 0) }
	x.sign(t, 201, x.hosp, x.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	if err := x.App.Anchor(t.Context()); err != nil {
		t.Fatal(err)
	}
	own := trust(t, x.App)
	own.At, own.Witnesses = time.Time{}, nil
	if r := verifies(t, x.dossier(t), own, time.Now().AddDate(4, 0, 0)); !named(r, "expired signature") {
		t.Errorf("exit %d\n%v", r.Exit(), r)
	}
}

// anchorChanged changes every anchor in the proofs of a dossier; these are not in
// its seal, since they prove themselves.
func anchorChanged(t *testing.T, dossier []byte, change func(map[string]any)) []byte {
	t.Helper()
	var b struct {
		ResourceType string            `json:"resourceType"`
		Identifier   json.RawMessage   `json:"identifier"`
		Type         string            `json:"type"`
		Timestamp    string            `json:"timestamp"`
		Entry        []json.RawMessage `json:"entry"`
	}
	if err := json.Unmarshal(dossier, &b); err != nil {
		t.Fatal(err)
	}
	var e struct {
		FullURL  string `json:"fullUrl"`
		Resource struct {
			ResourceType string `json:"resourceType"`
			ID           string `json:"id"`
			ContentType  string `json:"contentType"`
			Data         []byte `json:"data"`
		} `json:"resource"`
	}
	if err := json.Unmarshal(b.Entry[1], &e); err != nil {
		t.Fatal(err)
	}
	var proofs map[string]any
	d := json.NewDecoder(bytes.NewReader(e.Resource.Data))
	d.UseNumber()
	if err := d.Decode(&proofs); err != nil {
		t.Fatal(err)
	}
	anchors, _ := proofs["anchors"].([]any)
	if len(anchors) < 2 {
		t.Fatalf("%d anchors in the dossier", len(anchors))
	}
	for _, a := range anchors {
		change(a.(map[string]any))
	}
	var err error
	if e.Resource.Data, err = json.Marshal(proofs); err != nil {
		t.Fatal(err)
	}
	if b.Entry[1], err = json.Marshal(e); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWitnessFindsRollbackAndFork sets the database back behind what the witness
// has seen, goes on from there, and asks the witness, the server and a
// verification.
func TestWitnessFindsRollbackAndFork(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	e := &evidence{data: w.Config.Data}
	if err := w.App.Anchor(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.sql(t, "VACUUM INTO ?", filepath.Join(e.data, "older.db"))
	w.Create(t, w.hosp, `{"resourceType":"Basic","code":{"text":"what is to be made undone"}}`)
	if err := w.App.Anchor(t.Context()); err != nil {
		t.Fatal(err)
	}
	origin := strings.SplitN(w.logKey, "+", 2)[0]
	kept, err := w.witness.Kept(origin)
	if err != nil || kept == nil {
		t.Fatalf("Kept() = %s, %v", kept, err)
	}
	judge := func(t *testing.T, seen ...[]byte) *ledger.Report {
		t.Helper()
		a, err := app.OpenToVerify(t.Context(), app.Config{Listen: "127.0.0.1:0", Data: e.data, Database: "sqlite"})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		k, err := ledger.OpenKeys(filepath.Join(e.data, "keys"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.VerifyDatabase(t.Context(), k.Trust(nil), seen...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	w.Stop(t)
	t.Run("R000-018 what the witness keeps fits", func(t *testing.T) {
		if r := judge(t, kept); r.Exit() != 0 || r.Anchored == 0 {
			t.Errorf("exit %d\n%v", r.Exit(), r)
		}
	})
	if err := os.Rename(filepath.Join(e.data, "older.db"), filepath.Join(e.data, "db", "tenon.db")); err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(e.data, "db", "tenon.db"+more))
	}
	t.Run("R000-018 rolled back", func(t *testing.T) {
		if r := judge(t); r.Exit() != 0 {
			t.Errorf("the older state alone hangs together: exit %d\n%v", r.Exit(), r)
		}
		if r := judge(t, kept); r.Exit() != 1 || !named(r, "forked log") {
			t.Errorf("exit %d\n%v", r.Exit(), r)
		}
	})
	c := w.Config
	c.Sample = false
	again := servertest.Start(t, c)
	t.Run("R000-018 the server hears of it from the witness", func(t *testing.T) {
		if err := again.App.Anchor(t.Context()); err == nil || !strings.Contains(err.Error(), "ROLLED BACK") {
			t.Errorf("Anchor() = %v", err)
		}
	})
	hosp := again.Token(t, "PractitionerRole/hosp-chen")
	for i := range 8 {
		again.Create(t, hosp, fmt.Sprintf(`{"resourceType":"Basic","code":{"text":"another story %d"}}`, i))
	}
	t.Run("R000-018 a fork is not cosigned", func(t *testing.T) {
		if err := again.App.Anchor(t.Context()); err == nil || !strings.Contains(err.Error(), "NOT EXTEND") {
			t.Errorf("Anchor() = %v", err)
		}
		now, err := w.witness.Kept(origin)
		if err != nil || !bytes.Equal(now, kept) {
			t.Errorf("the witness keeps %s, %v", now, err)
		}
	})
	again.Stop(t)
	t.Run("R000-018 a fork is found", func(t *testing.T) {
		if r := judge(t, kept); r.Exit() != 1 || !named(r, "forked log") {
			t.Errorf("exit %d\n%v", r.Exit(), r)
		}
	})
}

func TestTimestampsThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	for name, spoil := range map[string]func(s *timestamp.Timestamp){
		"to another question":  func(s *timestamp.Timestamp) { s.Nonce = big.NewInt(7) },
		"without a nonce":      func(s *timestamp.Timestamp) { s.Nonce = nil },
		"over something else":  func(s *timestamp.Timestamp) { s.HashedMessage = make([]byte, 32) },
		"without certificates": func(s *timestamp.Timestamp) { s.AddTSACertificate = false },
	} {
		w.tsa.spoil = spoil
		w.Create(t, w.hosp, `{"resourceType":"Basic","code":{"text":"x"}}`)
		if err := w.App.Anchor(t.Context()); err == nil || !strings.Contains(err.Error(), "time stamp") {
			t.Errorf("%s: Anchor() = %v", name, err)
		}
	}
	w.tsa.spoil = nil
	own := w.tsa.own
	foreign, _, _ := newStamper(t)
	w.tsa.own, w.tsa.key = foreign.own, foreign.key
	if err := w.App.Anchor(t.Context()); err == nil {
		t.Error("the stamp of another authority was kept")
	}
	_ = own
}
