package pacs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/dimse"
	"tenon/dicomweb/sample"
	"tenon/server/record"
	"tenon/test/servertest"
)

// hospital is dcmtk's dcmqrscp: the PACS of a hospital, with some files.
func (h *house) hospital(t *testing.T, title string, files ...string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "dcmqrscp.cfg")
	text := fmt.Sprintf("MaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\ntenon = (TENON, 127.0.0.1, %s)\nHostTable END\nVendorTable BEGIN\nVendorTable END\nAETable BEGIN\n%s %s RW (50, 100mb) ANY\nAETable END\n", h.port, title, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, tool(t, "dcmqrscp"), "-c", config, port)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("dcmqrscp: %s", out.String())
		}
	})
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			break
		}
	}
	send := exec.CommandContext(t.Context(), tool(t, "storescu"), append([]string{"-aec", title, "127.0.0.1", port}, files...)...)
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("storescu to the hospital: %v\n%s", err, out)
	}
	h.peer(t, dimse.Peer{Title: title, Principal: "PractitionerRole/clin-wang", Allow: []string{"store", "provide"}, Address: "127.0.0.1:" + port})
}

func pull(token, query string) servertest.Request {
	return servertest.Request{Token: token, Method: "POST", Path: "/dicomweb/pull?" + query}
}

// testPull: a person of the hospital has a study sent here by its PACS (C-MOVE).
func (h *house) testPull(t *testing.T) {
	far := sample.New(sample.Options{Seed: 91, Slices: 3, Rows: 16, Columns: 16, PatientID: mrn})
	foreign := sample.New(sample.Options{Seed: 92, Slices: 1, Rows: 16, Columns: 16, PatientID: "NOBODY"})
	dir := t.TempDir()
	var files []string
	for i, b := range [][]byte{far.Slice(0), far.Slice(1), far.Slice(2), foreign.Slice(0)} {
		files = append(files, filepath.Join(dir, fmt.Sprint(i, ".dcm")))
		if err := os.WriteFile(files[i], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.hospital(t, "HOSPITAL", files...)
	h.peer(t, dimse.Peer{Title: "SILENT", Principal: "PractitionerRole/clin-wang", Allow: []string{"provide"}, Address: "127.0.0.1:1"})
	study := "&study=" + far.StudyUID
	h.Expect(t, 401, pull("", "peer=HOSPITAL"+study))
	h.Expect(t, 403, pull(h.Token(t, "PractitionerRole/des-zhang"), "peer=HOSPITAL"+study))
	h.Expect(t, 404, pull(h.clin, "peer=SCANNER"+study)) // may not be asked
	h.Expect(t, 404, pull(h.clin, "peer=UNKNOWN"+study))
	h.Expect(t, 502, pull(h.clin, "peer=SILENT"+study))
	h.Expect(t, 404, pull(h.clin, "peer=HOSPITAL&study=1.2.3"))
	h.Expect(t, 400, pull(h.clin, "peer=HOSPITAL&study=1..3"))
	h.Expect(t, 400, pull(h.clin, "peer=HOSPITAL"))
	h.Expect(t, 400, pull(h.clin, "study=1.2.3"))
	h.Expect(t, 400, pull(h.clin, "peer=HOSPITAL"+study+"&address=127.0.0.1"))
	h.Expect(t, 404, pull(h.clin, "peer=HOSPITAL"+study+"&patient=Patient/none"))
	h.Expect(t, 404, pull(h.clin, "peer=HOSPITAL"+study+"&task=Task/none"))
	if got := h.stored(t, far.StudyUID); got != "[]" {
		t.Errorf("attacks brought %s", got)
	}
	if a := h.Expect(t, 200, pull(h.clin, "peer=HOSPITAL"+study)); string(a.Body) != `{"peer":"HOSPITAL","completed":3,"warned":0,"failed":0}` {
		t.Errorf("pulled: %s", a.Body)
	}
	if got := h.stored(t, far.StudyUID); count(got, `"00080018"`) != 3 {
		t.Errorf("R000-024 the study that was pulled has %s", got)
	}
	h.Expect(t, 200, pull(h.clin, "peer=HOSPITAL"+study+"&series="+far.SeriesUID)) // again
	if a := h.Expect(t, 202, pull(h.clin, "peer=HOSPITAL&study="+foreign.StudyUID)); !strings.Contains(string(a.Body), `"failed":1`) {
		t.Errorf("R001-042 a foreign patient's study: %s", a.Body)
	}
	if a := h.Expect(t, 200, pull(h.clin, "peer=HOSPITAL&study="+foreign.StudyUID+"&patient="+h.patient)); !strings.Contains(string(a.Body), `"completed":1`) {
		t.Errorf("R001-042 the study, with its patient named: %s", a.Body)
	}
	if got := h.stored(t, foreign.StudyUID); count(got, `"00080018"`) != 1 {
		t.Errorf("R001-042 the study that was pulled for a patient has %s", got)
	}
}

// web is a DICOMweb server that is none of ours.
type web struct {
	*httptest.Server
	mu      sync.Mutex
	files   map[string][][]byte // study → files
	refuses string              // an instance that it does not take
	asked   []string            // paths
}

func (x *web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked = append(x.asked, r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer pacs-secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	study := strings.Split(strings.TrimPrefix(r.URL.Path, "/dcm/studies/"), "/")[0]
	switch {
	case r.Method == http.MethodPost:
		x.store(w, r, study)
	case study == "1.2.302":
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
	case study == "1.2.500":
		w.WriteHeader(http.StatusInternalServerError)
	case study == "1.2.400":
		w.Header().Set("Content-Type", "text/html")
	case x.files[study] == nil:
		w.WriteHeader(http.StatusNotFound)
	default:
		m := multipart.NewWriter(w)
		w.Header().Set("Content-Type", `multipart/related; type="application/dicom"; boundary=`+m.Boundary())
		for _, f := range x.files[study] {
			p, _ := m.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
			_, _ = p.Write(f)
		}
		if study == "1.2.999" {
			panic(http.ErrAbortHandler) // breaks off
		}
		_ = m.Close()
	}
}

func (x *web) store(w http.ResponseWriter, r *http.Request, study string) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	var told []string
	for {
		p, err := parts.NextPart()
		if err != nil {
			break
		}
		b, _ := io.ReadAll(p)
		f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
		if err != nil || f.String(dicom.SOPInstanceUID) == x.refuses {
			continue
		}
		x.files["sent "+study] = append(x.files["sent "+study], b)
		told = append(told, fmt.Sprintf(`{"00081155":{"vr":"UI","Value":[%q]}}`, f.String(dicom.SOPInstanceUID)))
	}
	w.Header().Set("Content-Type", "application/dicom+json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, `{"00081199":{"vr":"SQ","Value":[%s]}}`, strings.Join(told, ","))
}

// testWeb: the same with a DICOMweb server, both ways.
func (h *house) testWeb(t *testing.T) {
	x := &web{files: map[string][][]byte{}}
	x.Server = httptest.NewServer(x)
	defer x.Close()
	url := x.URL + "/dcm"
	for _, p := range []dimse.Peer{
		{Title: "WEB", Allow: []string{"receive", "provide"}, Token: "pacs-secret"}, {Title: "NOTOKEN", Allow: []string{"receive", "provide"}},
		{Title: "TAKES", Allow: []string{"receive"}, Token: "pacs-secret"}, {Title: "GIVES", Allow: []string{"provide"}, Token: "pacs-secret"},
	} {
		p.Principal, p.Web = "PractitionerRole/clin-wang", url
		if err := h.App.AddPeer(t.Context(), &p, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"ftp://127.0.0.1/", "https://user@127.0.0.1/", "https://h/?a=b", "dcm"} {
		if h.App.AddPeer(t.Context(), &dimse.Peer{Title: "BAD", Principal: "PractitionerRole/clin-wang", Web: bad}, nil) == nil {
			t.Errorf("a peer at %s is registered", bad)
		}
	}
	far := sample.New(sample.Options{Seed: 93, Slices: 2, Rows: 16, Columns: 16, PatientID: "THEIRS"})
	other := sample.New(sample.Options{Seed: 94, Slices: 1, Rows: 16, Columns: 16, PatientID: mrn})
	x.files[far.StudyUID] = [][]byte{far.Slice(0), far.Slice(1)}
	x.files["1.2.666"] = [][]byte{other.Slice(0)} // another study than was asked for
	x.files["1.2.777"] = [][]byte{[]byte("no DICOM")}
	x.files["1.2.999"] = [][]byte{}
	study := "&study=" + far.StudyUID
	des := h.Token(t, "PractitionerRole/des-zhang")
	h.Expect(t, 403, pull(des, "peer=WEB"+study))
	h.Expect(t, 404, pull(h.clin, "peer=TAKES"+study))
	for _, uid := range []string{"1.2.302", "1.2.500", "1.2.400", "1.2.999"} {
		h.Expect(t, 502, pull(h.clin, "peer=WEB&study="+uid))
	}
	h.Expect(t, 502, pull(h.clin, "peer=NOTOKEN"+study))
	h.Expect(t, 404, pull(h.clin, "peer=WEB&study=1.2.3"))
	for _, uid := range []string{"1.2.666", "1.2.777"} {
		if a := h.Expect(t, 202, pull(h.clin, "peer=WEB&study="+uid)); !strings.Contains(string(a.Body), `"completed":0,"warned":0,"failed":1`) {
			t.Errorf("%s: %s", uid, a.Body)
		}
	}
	h.Expect(t, 202, pull(h.clin, "peer=WEB"+study)) // whose it is nobody has said
	h.Expect(t, 404, pull(h.clin, "peer=WEB"+study+"&patient=Patient/none"))
	if got := h.stored(t, far.StudyUID); got != "[]" {
		t.Errorf("attacks brought %s", got)
	}
	if a := h.Expect(t, 200, pull(h.clin, "peer=GIVES"+study+"&patient="+h.patient)); string(a.Body) != `{"peer":"GIVES","completed":2,"warned":0,"failed":0}` {
		t.Errorf("pulled: %s", a.Body)
	}
	if got := h.stored(t, far.StudyUID); count(got, `"00080018"`) != 2 {
		t.Errorf("the study that was pulled has %s", got)
	}
	send := func(token, peer string) servertest.Request {
		return servertest.Request{Token: token, Method: "POST", Path: "/dicomweb/studies/" + h.study.StudyUID + "/send?peer=" + peer}
	}
	h.Expect(t, 403, send(des, "WEB"))
	h.Expect(t, 404, send(h.clin, "GIVES"))
	h.Expect(t, 502, send(h.clin, "NOTOKEN"))
	x.refuses = h.uid(t, 2, dicom.SOPInstanceUID)
	if a := h.Expect(t, 202, send(h.clin, "WEB")); string(a.Body) != `{"peer":"WEB","stored":5,"warned":0,"failed":["`+x.refuses+`"]}` {
		t.Errorf("sent: %s", a.Body)
	}
	x.refuses = ""
	h.Expect(t, 200, send(h.clin, "TAKES"))
	got := x.files["sent "+h.study.StudyUID]
	pixels := h.study.Slice(0)[len(h.study.Slice(0))-32*32*2:]
	if len(got) != 11 || !slices.ContainsFunc(got[5:], func(b []byte) bool { return bytes.HasSuffix(b, pixels) }) {
		t.Errorf("%d files arrived, or other pixels", len(got))
	}
	batches, err := h.App.Store.AuditBatches(t.Context(), record.AuditRange{About: "PractitionerRole/clin-wang", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	for _, batch := range batches {
		for _, a := range batch.Rows {
			if strings.HasPrefix(a.Entity, "peer/WEB ") {
				asked[a.Operation+" from "+a.Address]++
			}
		}
	}
	if len(asked) != 2 || asked["stow-send from 127.0.0.1"] == 0 || asked["wado-pull from 127.0.0.1"] == 0 {
		t.Errorf("the audit has %v, want the address of who asked", asked)
	}
	for _, path := range x.asked {
		if !strings.HasPrefix(path, "/dcm/studies/") {
			t.Errorf("asked for %s", path)
		}
	}
}

// testHidden: what a rejection note hides, sent by C-STORE, C-FIND and C-MOVE find
// no more.
func (h *house) testHidden(t *testing.T) {
	f := h.newStudy(t, 95, mrn)
	if code, out := h.run(t, "storescu", "SCANNER", "--", f.name); code != 0 {
		t.Fatalf("storescu = %d:\n%s", code, out)
	}
	by := []string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=" + f.study}
	if got := h.found(t, "SCANNER", by...); len(got) != 1 {
		t.Fatalf("%d studies before the note", len(got))
	}
	one, err := dicom.Read(bytes.NewReader(f.bytes), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	note, err := dicom.Compose(fmt.Appendf(nil, `{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.88.59"]},"00080018":{"vr":"UI","Value":["1.2.95.1"]},"00080060":{"vr":"CS","Value":["KO"]},
		"0020000D":{"vr":"UI","Value":[%q]},"0020000E":{"vr":"UI","Value":["1.2.95"]},"00100020":{"vr":"LO","Value":[%q]},
		"0040A043":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["113037"]},"00080102":{"vr":"SH","Value":["DCM"]}}]},
		"0040A375":{"vr":"SQ","Value":[{"0020000D":{"vr":"UI","Value":[%q]},"00081115":{"vr":"SQ","Value":[{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":[%q]}}]}}]}}]}}`,
		f.study, mrn, f.study, one.String(dicom.SOPInstanceUID)), func(string) (dicom.BulkValue, bool) { return dicom.BulkValue{}, false })
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, c := range note.Chunks {
		b = append(b, c.Bytes...)
	}
	name := filepath.Join(t.TempDir(), "note.dcm")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := h.run(t, "storescu", "SCANNER", "--", name); code != 0 {
		t.Fatalf("storescu of the note = %d:\n%s", code, out)
	}
	if got := h.found(t, "SCANNER", by...); len(got) != 0 {
		t.Errorf("R001-046 C-FIND finds what was rejected: %v", got)
	}
	if code, out := h.run(t, "storescu", "SCANNER", "--", f.name); code == 0 {
		t.Errorf("what was rejected is stored again:\n%s", out)
	}
}
