package test

import (
	"bytes"
	"crypto/sha256"
	endian "encoding/binary"
	"fmt"
	"hash"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

const (
	framesOfLarge    = 6144 // 3 GB
	instancesOfLarge = 10_000
	frameOfLarge     = 512 * 512 * 2
	patientLarge     = "LARGE-1"
	// What the server may grow by: buffers of a mebibyte and the rows of one unit,
	// whatever the size; some 12 kB for each instance of the request, whose outcome
	// waits for the answer; and what the garbage collector leaves.
	growthOfLarge = 256 << 20
)

// TestLargeImage stores an instance that is far larger than what the
// server may hold in memory, and many instances in one request; both come back
// byte by byte. It takes minutes: make prove-large.
func TestLargeImage(t *testing.T) {
	if os.Getenv("TENON_PROVE_LARGE") == "" {
		t.Skip("set TENON_PROVE_LARGE to store 3 GB and 10,000 instances on both engines")
	}
	var rows []string
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run("R000-002 "+engine, func(t *testing.T) {
			c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
			if engine == "postgres" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			l := &large{token: enrolled(t, c, "clin-wang")["clin-wang"]}
			l.child = spawn(t, c, binary(t), "serve")
			l.Expect(t, 201, servertest.Request{Token: l.token, Method: "POST", Path: "/fhir/Patient",
				Body: []byte(`{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"` + patientLarge + `"}]}`)})
			rows = append(rows, l.one(t, engine, framesOfLarge), l.many(t, engine, instancesOfLarge))
		})
	}
	if !t.Failed() {
		writeReport(t, "large.md", header("Large images", "make prove-large")+
			`The real binary serves; the client makes the bytes on the way and keeps none. One instance of 6,144 frames is stored by STOW-RS and read back whole, by one frame and by its metadata; then 10,000 instances in one request, read back as the study and as its metadata. Every byte that comes back is compared by SHA-256. Grown by: how much the largest resident set of the server (VmHWM) rose; more than 256 MB together would be a fault.

| engine | what | bytes | stored in | read in | grown by storing | by reading |
|---|---|---|---|---|---|---|
`+strings.Join(rows, "\n")+"\n")
	}
}

// large is a client of a server in a process of its own.
type large struct {
	*child
	token string
}

// do sends a body of unknown length; the answer must have the status.
func (l *large) do(t *testing.T, status int, method, path, mediaType string, body io.Reader, accept string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, l.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.token)
	r.Header.Set("Content-Type", mediaType)
	r.Header.Set("Accept", accept)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Body.Close() })
	if a.StatusCode != status {
		text, _ := io.ReadAll(io.LimitReader(a.Body, 800))
		t.Fatalf("%s %s: %s, want %d: %s", method, path, a.Status, status, text)
	}
	return a
}

// numbered are frames that begin with their numbers.
type numbered struct {
	frame       []byte
	at, of, pos int
}

func (n *numbered) Read(p []byte) (int, error) {
	if n.at == n.of {
		return 0, io.EOF
	}
	endian.LittleEndian.PutUint64(n.frame, uint64(n.at))
	k := copy(p, n.frame[n.pos:])
	if n.pos += k; n.pos == len(n.frame) {
		n.at, n.pos = n.at+1, 0
	}
	return k, nil
}

// one stores an instance of many frames and reads it back.
func (l *large) one(t *testing.T, engine string, frames int) string {
	s := sample.New(sample.Options{Seed: 1, Slices: 1, Rows: 512, Columns: 512, PatientID: patientLarge})
	file := s.Slice(0)
	pixels := bytes.Clone(file[len(file)-frameOfLarge:])
	head := bytes.Clone(file[:len(file)-frameOfLarge])
	endian.LittleEndian.PutUint32(head[len(head)-4:], uint32(frames*frameOfLarge))
	at := bytes.Index(head, []byte("\x28\x00\x10\x00US")) // Rows: NumberOfFrames stands before it
	count := fmt.Sprintf("%-6d", frames)
	head = append(head[:at:at], append([]byte("\x28\x00\x08\x00IS\x06\x00"+count), head[at:]...)...)

	before, begun, sum := l.peak(t), time.Now(), sha256.New()
	content := io.TeeReader(io.MultiReader(bytes.NewReader(head), &numbered{frame: pixels, of: frames}), sum)
	l.do(t, 200, "POST", "/dicomweb/studies", "application/dicom", content, "application/dicom+json")
	stored, storing := time.Since(begun), l.peak(t)-before

	before, begun = l.peak(t), time.Now()
	instance := "/dicomweb/studies/" + s.StudyUID + "/series/" + s.SeriesUID + "/instances/" + s.InstanceUID(0)
	got := sha256.New()
	n, err := io.Copy(got, l.do(t, 200, "GET", instance, "", nil, "application/dicom; transfer-syntax=*").Body)
	if want := int64(len(head) + frames*frameOfLarge); err != nil || n != want || !bytes.Equal(got.Sum(nil), sum.Sum(nil)) {
		t.Fatalf("%d bytes came back, want the same %d: %v", n, want, err)
	}
	frame, err := io.ReadAll(l.do(t, 200, "GET", fmt.Sprintf("%s/frames/%d", instance, frames), "", nil, "application/octet-stream; transfer-syntax=*").Body)
	endian.LittleEndian.PutUint64(pixels, uint64(frames-1))
	if err != nil || !bytes.Equal(frame, pixels) {
		t.Errorf("frame %d: %d bytes, %v", frames, len(frame), err)
	}
	l.do(t, 200, "GET", instance+"/metadata", "", nil, "application/dicom+json")
	return l.bounded(t, engine, fmt.Sprintf("one instance of %d frames", frames), n, stored, time.Since(begun), storing, l.peak(t)-before)
}

// many stores instances of a study in one request and reads all of them back.
func (l *large) many(t *testing.T, engine string, instances int) string {
	s := sample.New(sample.Options{Seed: 2, Slices: instances, Rows: 16, Columns: 16, PatientID: patientLarge})
	pr, pw := io.Pipe()
	w := multipart.NewWriter(pw)
	sums := map[[32]byte]bool{}
	var size int64
	go func() {
		for i := range instances {
			part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
			if err != nil {
				return // the reader has gone
			}
			b := s.Slice(i)
			sums[sha256.Sum256(b)], size = true, size+int64(len(b))
			_, _ = part.Write(b)
		}
		_ = pw.CloseWithError(w.Close())
	}()
	before, begun := l.peak(t), time.Now()
	_, err := io.Copy(io.Discard, l.do(t, 200, "POST", "/dicomweb/studies", `multipart/related; type="application/dicom"; boundary=`+w.Boundary(), pr, "application/dicom+json").Body)
	stored, storing := time.Since(begun), l.peak(t)-before
	if err != nil {
		t.Fatal(err)
	}
	before, begun = l.peak(t), time.Now()
	a := l.do(t, 200, "GET", "/dicomweb/studies/"+s.StudyUID, "", nil, `multipart/related; type="application/dicom"; transfer-syntax=*`)
	if found := sameParts(t, a, sums); found != instances {
		t.Errorf("%d of %d instances came back with their bytes", found, instances)
	}
	answer, err := io.ReadAll(l.do(t, 200, "GET", "/dicomweb/studies/"+s.StudyUID+"/metadata", "", nil, "application/dicom+json").Body)
	if n := bytes.Count(answer, []byte(`"00080018"`)); err != nil || n != instances {
		t.Errorf("metadata of %d instances, want %d: %v", n, instances, err)
	}
	return l.bounded(t, engine, fmt.Sprintf("%d instances in one request", instances), size, stored, time.Since(begun), storing, l.peak(t)-before)
}

// sameParts counts the parts of an answer that were sent.
func sameParts(t *testing.T, a *http.Response, sums map[[32]byte]bool) (n int) {
	t.Helper()
	_, boundary, _ := strings.Cut(a.Header.Get("Content-Type"), "boundary=")
	boundary, _, _ = strings.Cut(boundary, ";")
	r := multipart.NewReader(a.Body, strings.Trim(boundary, `"`))
	var h hash.Hash = sha256.New()
	for {
		part, err := r.NextRawPart()
		if err == io.EOF { //nolint:errorlint // as the package says
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		h.Reset()
		if _, err := io.Copy(h, part); err != nil {
			t.Fatal(err)
		}
		if sum := [32]byte(h.Sum(nil)); sums[sum] {
			delete(sums, sum)
			n++
		}
	}
}

// bounded judges the growth and gives the line of the report.
func (l *large) bounded(t *testing.T, engine, what string, size int64, stored, read time.Duration, storing, reading int) string {
	t.Helper()
	if storing+reading > growthOfLarge {
		t.Errorf("%s: storing took %d MB, reading %d MB more, want at most %d together", what, storing>>20, reading>>20, growthOfLarge>>20)
	}
	line := fmt.Sprintf("| %s | %s | %d | %.1f s | %.1f s | %d MB | %d MB |", engine, what, size, stored.Seconds(), read.Seconds(), storing>>20, reading>>20)
	t.Log(line)
	return line
}
