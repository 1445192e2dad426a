package pacs

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/dimse"
	"tenon/test/servertest"
)

// found are the response identifiers of findscu, as dcmdump prints them.
func (h *house) found(t *testing.T, title string, args ...string) []string {
	t.Helper()
	dir := t.TempDir()
	if code, out := h.runIn(t, dir, "findscu", title, append(args, "-X")...); code != 0 {
		t.Fatalf("findscu %v = %d:\n%s", args, code, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range files {
		out, err := exec.CommandContext(t.Context(), tool(t, "dcmdump"), "-q", "+U8", f).CombinedOutput()
		if err != nil {
			out, err = exec.CommandContext(t.Context(), "dcmdump", "-q", f).CombinedOutput()
		}
		if err != nil {
			t.Fatalf("dcmdump: %v\n%s", err, out)
		}
		list = append(list, string(out))
	}
	return list
}

// send stores the study of the house.
func (h *house) send(t *testing.T) {
	t.Helper()
	if code, out := h.run(t, "storescu", "SCANNER", append([]string{"--"}, h.files...)...); code != 0 {
		t.Fatalf("storescu = %d:\n%s", code, out)
	}
}

func TestFind(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.send(t)
		uid := h.study.StudyUID
		series := h.uid(t, 0, dicom.SeriesInstanceUID)
		for name, c := range map[string]struct {
			args []string
			want int
			has  string
		}{
			"study by patient":   {[]string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=" + mrn, "-k", "StudyInstanceUID", "-k", "PatientName", "-k", "NumberOfStudyRelatedInstances"}, 1, uid},
			"name wildcard":      {[]string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=WANG*", "-k", "StudyInstanceUID"}, 1, uid},
			"count of instances": {[]string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=" + uid, "-k", "NumberOfStudyRelatedInstances"}, 1, "[6]"},
			"modality":           {[]string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "ModalitiesInStudy=MR", "-k", "StudyInstanceUID"}, 0, ""},
			"date range":         {[]string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyDate=19000101-29991231", "-k", "StudyInstanceUID"}, 1, uid},
			"series":             {[]string{"-S", "-k", "QueryRetrieveLevel=SERIES", "-k", "StudyInstanceUID=" + uid, "-k", "SeriesInstanceUID", "-k", "Modality"}, 1, series},
			"images":             {[]string{"-S", "-k", "QueryRetrieveLevel=IMAGE", "-k", "StudyInstanceUID=" + uid, "-k", "SeriesInstanceUID=" + series, "-k", "SOPInstanceUID", "-k", "Rows"}, 6, "US 32"},
			"patient":            {[]string{"-P", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=" + mrn, "-k", "PatientName", "-k", "PatientSex"}, 1, mrn},
			"study of patient":   {[]string{"-P", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=" + mrn, "-k", "StudyInstanceUID"}, 1, uid},
			"another patient":    {[]string{"-P", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=OTHER", "-k", "StudyInstanceUID"}, 0, ""},
		} {
			got := h.found(t, "SCANNER", c.args...)
			if len(got) != c.want || c.want > 0 && !strings.Contains(got[0], c.has) {
				t.Errorf("%s: findscu %v = %d responses %v, want %d with %q", name, c.args, len(got), got, c.want, c.has)
			}
		}
		t.Run("letters beyond ASCII", func(t *testing.T) {
			got := h.found(t, "SCANNER", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID="+uid, "-k", "PatientName")
			if len(got) != 1 || !strings.Contains(got[0], "ISO_IR 192") || !strings.Contains(got[0], "王^小明") {
				t.Errorf("the name is not told in a declared character set: %v", got)
			}
		})
		t.Run("out of reach is absent", func(t *testing.T) {
			if got := h.found(t, "DESIGNER", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID="+uid); len(got) != 0 {
				t.Errorf("a designer finds %v", got)
			}
		})
		for name, args := range map[string][]string{
			"no unique key":  {"-S", "-k", "QueryRetrieveLevel=SERIES", "-k", "SeriesInstanceUID"},
			"no level":       {"-S", "-k", "StudyInstanceUID"},
			"patient level":  {"-S", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID"},
			"no date":        {"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyDate=yesterday"},
			"unlike a UID":   {"-S", "-k", "QueryRetrieveLevel=SERIES", "-k", "StudyInstanceUID=abc", "-k", "SeriesInstanceUID"},
			"several unique": {"-S", "-k", "QueryRetrieveLevel=SERIES", "-k", `StudyInstanceUID=1.2\1.3`, "-k", "SeriesInstanceUID"},
		} {
			if _, out := h.run(t, "findscu", "SCANNER", append(args, "-d")...); !strings.Contains(strings.ToLower(out), "0xa900") {
				t.Errorf("%s: findscu %v is not refused with A900:\n%s", name, args, out)
			}
		}
		if code, out := h.run(t, "findscu", "DEAF", "-S", "-k", "QueryRetrieveLevel=STUDY"); code == 0 || !strings.Contains(out, "No Acceptable Presentation Contexts") {
			t.Errorf("findscu of a peer without the permission = %d:\n%s", code, out)
		}
		if _, out := h.run(t, "findscu", "SCANNER", "-d", "-S", "--cancel", "1", "-k", "QueryRetrieveLevel=IMAGE", "-k", "StudyInstanceUID="+uid, "-k", "SeriesInstanceUID="+series, "-k", "SOPInstanceUID"); !strings.Contains(out, "Received Final Find Response") {
			t.Errorf("a query that is cancelled has no end:\n%s", out)
		}
	})
}

// uid is an attribute of a file that was sent.
func (h *house) uid(t *testing.T, i int, tag dicom.Tag) string {
	t.Helper()
	f, err := dicom.Read(bytes.NewReader(h.study.Slice(i)), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f.String(tag)
}

// workstation is dcmtk's storescp, which keeps what it receives in a folder.
func (h *house) workstation(t *testing.T, title string, args ...string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, tool(t, "storescp"), append(append([]string{"-aet", title, "-od", dir}, args...), port)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("storescp: %s", out.String())
		}
	})
	h.peer(t, dimse.Peer{Title: title, Principal: "PractitionerRole/clin-wang", Allow: []string{"receive"}, Address: "127.0.0.1:" + port, TLS: slices.Contains(args, "+tls")})
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			break
		}
	}
	return dir
}

// same compares the pixels and identity of what arrived with what was sent, by
// dcmtk's own reading.
func (h *house) same(t *testing.T, dir string, want int) {
	t.Helper()
	var files []string
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if files, _ = filepath.Glob(filepath.Join(dir, "*")); len(files) >= want {
			break
		}
	}
	if len(files) != want {
		t.Fatalf("%d files arrived, want %d: %v", len(files), want, files)
	}
	sent := map[string]string{}
	for _, f := range h.files {
		sent[dump(t, f, "0008,0018")] = dump(t, f, "7fe0,0010")
	}
	for _, f := range files {
		if pixels, ok := sent[dump(t, f, "0008,0018")]; !ok || pixels != dump(t, f, "7fe0,0010") {
			t.Errorf("%s is not what was sent", f)
		}
	}
}

func dump(t *testing.T, file, tag string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, "dcmdump"), "-q", "+L", "+P", tag, file).CombinedOutput()
	if err != nil {
		t.Fatalf("dcmdump %s: %v\n%s", file, err, out)
	}
	return string(out)
}

func TestMove(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.send(t)
		uid, series := h.study.StudyUID, h.uid(t, 0, dicom.SeriesInstanceUID)
		move := func(title, dest string, args ...string) string {
			_, out := h.run(t, "movescu", title, append([]string{"-d", "-aem", dest}, args...)...)
			return out
		}
		t.Run("a study", func(t *testing.T) {
			dir := h.workstation(t, "WS1")
			out := move("SCANNER", "WS1", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID="+uid)
			if !strings.Contains(out, "Completed Suboperations       : 6") || !strings.Contains(out, "0x0000") {
				t.Errorf("movescu does not tell 6 completed sub-operations:\n%s", out)
			}
			h.same(t, dir, 6)
		})
		t.Run("a patient", func(t *testing.T) {
			dir := h.workstation(t, "WS2")
			move("SCANNER", "WS2", "-P", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID="+mrn)
			h.same(t, dir, 6)
		})
		t.Run("images, to one who takes implicit coding only", func(t *testing.T) {
			dir := h.workstation(t, "WS3", "+xi")
			list := h.uid(t, 1, dicom.SOPInstanceUID) + `\` + h.uid(t, 4, dicom.SOPInstanceUID)
			move("SCANNER", "WS3", "-S", "-k", "QueryRetrieveLevel=IMAGE", "-k", "StudyInstanceUID="+uid, "-k", "SeriesInstanceUID="+series, "-k", "SOPInstanceUID="+list)
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			if len(files) != 2 || !strings.Contains(dump(t, files[0], "0002,0010"), "LittleEndianImplicit") {
				t.Errorf("%v arrived, want 2 files in implicit coding", files)
			}
			h.same(t, dir, 2)
		})
		t.Run("refusals", func(t *testing.T) {
			dir := h.workstation(t, "WS4")
			by := []string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=" + uid}
			if out := strings.ToLower(move("SCANNER", "NOWHERE", by...)); !strings.Contains(out, "0xa801") {
				t.Errorf("an unknown destination is not refused with A801:\n%s", out)
			}
			if out := strings.ToLower(move("SCANNER", "DEAF", by...)); !strings.Contains(out, "0xa801") {
				t.Errorf("a destination that may not receive is not refused with A801:\n%s", out)
			}
			h.peer(t, dimse.Peer{Title: "GONE", Principal: "PractitionerRole/clin-wang", Allow: []string{"receive"}, Address: "127.0.0.1:1"})
			if out := strings.ToLower(move("SCANNER", "GONE", by...)); !strings.Contains(out, "0xa702") {
				t.Errorf("a destination that does not answer is not told with A702:\n%s", out)
			}
			move("DESIGNER", "WS4", by...)
			if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
				t.Errorf("what is out of reach of the designer was sent: %v", files)
			}
		})
	})
}

func TestGet(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.send(t)
		dir := t.TempDir()
		by := []string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=" + h.study.StudyUID, "-od", dir}
		if code, out := h.run(t, "getscu", "SCANNER", by...); code != 0 {
			t.Fatalf("getscu = %d:\n%s", code, out)
		}
		h.same(t, dir, 6)
		by[len(by)-1] = t.TempDir()
		h.run(t, "getscu", "DESIGNER", by...)
		if files, _ := filepath.Glob(filepath.Join(by[len(by)-1], "*")); len(files) != 0 {
			t.Errorf("what is out of reach of the designer was sent: %v", files)
		}
	})
}

// TestSyntaxes stores one picture in every transfer syntax that storescu can
// send unchanged, and gets the same data set back.
func TestSyntaxes(t *testing.T) {
	data := os.Getenv("TENON_TESTDATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	files, _ := filepath.Glob(filepath.Join(data, "dicom", "transfer-syntaxes", "CTImage*.dcm"))
	if len(files) == 0 {
		t.Skip("no transfer-syntaxes in the test data")
	}
	options := map[string]string{"1.2.840.10008.1.2.5": "-xr", "1.2.840.10008.1.2.4.50": "-xy", "1.2.840.10008.1.2.4.51": "-xx", "1.2.840.10008.1.2.4.70": "-xs",
		"1.2.840.10008.1.2.4.80": "-xt", "1.2.840.10008.1.2.4.81": "-xu", "1.2.840.10008.1.2.4.90": "-xv", "1.2.840.10008.1.2.4.91": "-xw",
		"1.2.840.10008.1.2.1.99": "-xd", "1.2.840.10008.1.2.2": "-xb", "1.2.840.10008.1.2": "-xi", "1.2.840.10008.1.2.1": "-xe"}
	onEngines(t, func(t *testing.T, h *house) {
		done := 0
		for i, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
			if err != nil {
				t.Fatal(err)
			}
			option := options[f.Syntax.UID]
			if option == "" {
				continue
			}
			id := f.String(dicom.PatientID)
			if done++; done == 1 {
				h.Create(t, h.clin, fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"value":%q}],"name":[{"text":"x"}]}`, id))
			}
			copied := filepath.Join(t.TempDir(), "x.dcm") // each under UIDs of its own
			instance := fmt.Sprintf("2.25.77%d", i+1)
			if err := os.WriteFile(copied, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if f.Syntax.Deflated {
				instance = f.String(dicom.SOPInstanceUID)
			} else if out, err := exec.CommandContext(t.Context(), tool(t, "dcmodify"), "-nb", "-m", "SOPInstanceUID="+instance, copied).CombinedOutput(); err != nil {
				t.Fatalf("dcmodify: %v %s", err, out)
			}
			if code, out := h.run(t, "storescu", "SCANNER", option, "--", copied); code != 0 || !strings.Contains(out, "(Success)") {
				t.Errorf("%s: storescu %s = %d:\n%s", filepath.Base(name), option, code, out)
				continue
			}
			path := "/dicomweb/studies/" + f.String(dicom.StudyInstanceUID) + "/series/" + f.String(dicom.SeriesInstanceUID) + "/instances/" + instance
			got := h.Expect(t, 200, servertest.Request{Token: h.clin, Path: path, Header: map[string]string{"Accept": "application/dicom; transfer-syntax=*"}}).Body
			g, err := dicom.Read(bytes.NewReader(got), dicom.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if g.Syntax.UID != f.Syntax.UID {
				t.Errorf("%s is kept in transfer syntax %s", filepath.Base(name), g.Syntax.UID)
			}
			back := filepath.Join(t.TempDir(), "back.dcm")
			if err := os.WriteFile(back, got, 0o600); err != nil {
				t.Fatal(err)
			}
			if dump(t, copied, "7fe0,0010") != dump(t, back, "7fe0,0010") {
				t.Errorf("%s: the pixel data are not those that were sent", filepath.Base(name))
			}
		}
		if done < 10 {
			t.Errorf("%d transfer syntaxes were tried, want 10 or more", done)
		}
	})
}
