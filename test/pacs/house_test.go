package pacs

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/dimse"
	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// house is a server with peers, a patient and some files of a study.
type house struct {
	*servertest.Server
	port    string
	clin    string // token
	patient string
	study   *sample.Series
	files   []string
}

const mrn = "PACS-1"

// onEngines runs a test on a fresh house of each engine.
func onEngines(t *testing.T, do func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			do(t, newHouse(t, c))
		})
	}
}

func newHouse(t *testing.T, c app.Config) *house {
	t.Helper()
	tool(t, "storescu")
	c.Sample, c.DIMSE.Listen = true, "127.0.0.1:0"
	h := &house{}
	h.start(t, c)
	h.clin = h.Token(t, "PractitionerRole/clin-wang")
	h.patient = h.Create(t, h.clin, `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"`+mrn+`"}],"name":[{"text":"王^小明","family":"王"}],"gender":"female","birthDate":"1961-07-13"}`)
	h.peer(t, dimse.Peer{Title: "SCANNER", Principal: "PractitionerRole/clin-wang", Allow: []string{"store", "find", "retrieve", "commit"}})
	h.peer(t, dimse.Peer{Title: "DESIGNER", Principal: "PractitionerRole/des-zhang", Allow: []string{"store", "find", "retrieve"}})
	h.peer(t, dimse.Peer{Title: "DEAF", Principal: "PractitionerRole/clin-wang"})
	h.peer(t, dimse.Peer{Title: "ELSEWHERE", Principal: "PractitionerRole/clin-wang", Allow: []string{"store"}, From: []string{"192.0.2.0/24"}})
	h.study = sample.New(sample.Options{Seed: 5, Slices: 6, Rows: 32, Columns: 32, PatientID: mrn, PatientName: "Wang^XiaoMing=王^小明", BirthDate: "19610713"})
	dir := t.TempDir()
	for i := range 6 {
		name := filepath.Join(dir, strconv.Itoa(i)+".dcm")
		if err := os.WriteFile(name, h.study.Slice(i), 0o600); err != nil {
			t.Fatal(err)
		}
		h.files = append(h.files, name)
	}
	return h
}

// start starts the server and waits until it listens for DIMSE.
func (h *house) start(t *testing.T, c app.Config) {
	t.Helper()
	h.Server = servertest.Start(t, c)
	for start := time.Now(); h.App.DIMSEAddr() == nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("the server does not listen for DIMSE")
		}
	}
	_, h.port, _ = net.SplitHostPort(h.App.DIMSEAddr().String())
}

func (h *house) peer(t *testing.T, p dimse.Peer) {
	t.Helper()
	if p.From == nil {
		p.From = []string{"127.0.0.1"}
	}
	if err := h.App.AddPeer(t.Context(), &p, nil); err != nil {
		t.Fatal(err)
	}
}

// tool skips where dcmtk is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s of dcmtk is not installed", name)
	}
	return path
}

// run runs a tool of dcmtk as a peer against the server and returns exit code
// and all it said.
func (h *house) run(t *testing.T, name, title string, args ...string) (int, string) {
	t.Helper()
	return h.runIn(t, t.TempDir(), name, title, args...)
}

func (h *house) runIn(t *testing.T, dir, name, title string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	options, files := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 { // divides options from files
		options, files = args[:i], args[i+1:]
	}
	all := append([]string{"-v", "-aet", title, "-aec", "TENON"}, options...)
	all = append(append(all, "127.0.0.1", h.port), files...)
	cmd := exec.CommandContext(ctx, tool(t, name), all...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%s: %v", name, err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// stored are the files of the study by SOP Instance UID, as the server has them.
func (h *house) stored(t *testing.T, study string) string {
	t.Helper()
	a := h.Send(t, servertest.Request{Token: h.clin, Path: "/dicomweb/studies/" + study + "/instances", Header: map[string]string{"Accept": "application/dicom+json"}})
	return string(a.Body)
}

func count(s, part string) int { return strings.Count(s, part) }

// file is one instance of a study of its own.
type file struct {
	name, study string
	bytes       []byte
}

func (h *house) newStudy(t *testing.T, seed int64, patient string) file {
	t.Helper()
	s := sample.New(sample.Options{Seed: seed, Slices: 1, Rows: 16, Columns: 16, PatientID: patient, PatientName: "Wang^XiaoMing", BirthDate: "19610713"})
	f := file{name: filepath.Join(t.TempDir(), "one.dcm"), study: s.StudyUID, bytes: s.Slice(0)}
	if err := os.WriteFile(f.name, f.bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}
