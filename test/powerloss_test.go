package test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestPowerLoss records the system calls of the real binary while a client
// writes and reads, one request after the other, each with a mark of its own,
// and judges the recording: no answer of success leaves before every byte and
// every name that it rests on was fsynced. It needs strace, so make prove runs
// it. What a blob store does under lost writes is in server/store/blob.
func TestPowerLoss(t *testing.T) {
	if !proving {
		t.Skip("make prove traces the system calls")
	}
	if err := exec.Command("strace", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("no strace that works here: %v", err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "trace")
	c := app.Config{Listen: address(t), Data: data, Database: "sqlite"}
	t.Run("the first start", func(t *testing.T) {
		first := filepath.Join(dir, "first")
		run := recorded(first, binary(t), "trust", "--sample")
		run.Env = append(os.Environ(), "TENON_DATA="+data)
		if out, err := run.Output(); err != nil || !bytes.Contains(out, []byte("logKey")) {
			t.Fatalf("%v: %s", err, out)
		}
		j := judged(t, data, nil, first, nil)
		for folder, made := range j.owed {
			for name := range made {
				if !temporary(name) {
					t.Errorf("the name %s is not durable: no fsync of %s after it was made", strings.TrimPrefix(name, data), folder)
				}
			}
		}
		for name := range j.dirty {
			t.Errorf("%s has bytes that are not durable", name)
		}
	})
	tokens := enrolled(t, c, "clin-wang", "hosp-chen", "mfr-xu")
	existing := names(t, data)
	p := spawn(t, c, recorded(file, binary(t), "serve").Args...)
	sent := work(t, p, tokens)
	if code := p.stop(); code != 0 {
		t.Fatalf("exit %d\n%s", code, p.told())
	}
	j := judged(t, data, existing, file, nil)
	for _, f := range j.fault[:min(20, len(j.fault))] {
		t.Error(f)
	}
	if j.seen["answers"] < sent {
		t.Errorf("%d answers in the recording, %d were got", j.seen["answers"], sent)
	}
	blind := missing(t, data, existing, file)
	t.Logf("%d answers, %d writes, %d fsyncs; found missing: %v", j.seen["answers"], j.seen["writes"], j.seen["fsyncs"], blind)
	if !t.Failed() {
		writeReport(t, "powerloss.md", header("Durable before the answer", "make prove")+fmt.Sprintf(
			`The real binary serves on SQLite under strace; one client sends %d requests one after the other (creates, updates, patches, deletes, transactions, files, DICOM instances, signatures, reads, searches), each with a mark that comes back in the answer. In the recording of %d writes and %d fsyncs, every answer of success was judged: all bytes with its mark, which are in the write-ahead log of the database with the audit row, all bytes of files and keys, and every new name were covered by an fsync that began after them and returned before the first byte of the answer. None was early. The same holds for the names and keys of the first start.

The judge is judged too: with the fsyncs of one kind struck out of the recording it must fail.

| struck out | early answers found |
|---|---|
%s
Lost writes of the file store are simulated in server/store/blob (power_test.go).
`, sent, j.seen["writes"], j.seen["fsyncs"], table(blind)))
	}
}

func temporary(name string) bool { return strings.HasPrefix(filepath.Base(name), ".new-") }

func table(rows map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range rows {
			if !yield(n) {
				return
			}
		}
	}) {
		fmt.Fprintf(&b, "| %s | %d |\n", name, rows[name])
	}
	return b.String()
}

// recorded runs a command under strace.
func recorded(file string, command ...string) *exec.Cmd {
	return exec.Command("strace", append([]string{"-f", "-y", "-s", "8192", "-o", file, "-e",
		"trace=write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,openat,open,creat,mkdir,mkdirat,link,linkat,rename,renameat,renameat2"}, command...)...)
}

// judged reads a recording, without the lines that skip wants left out.
func judged(t *testing.T, data string, existing []string, file string, skip func(line string) bool) *trace {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	j := newTrace(data, existing)
	if skip == nil {
		if err := j.read(f); err != nil {
			t.Fatal(err)
		}
		return j
	}
	var kept bytes.Buffer
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if !skip(lines.Text()) {
			kept.Write(lines.Bytes())
			kept.WriteByte('\n')
		}
	}
	if err := errors.Join(lines.Err(), j.read(&kept)); err != nil {
		t.Fatal(err)
	}
	return j
}

// missing strikes the fsyncs of one kind out of the recording; the judge must
// see each of them.
func missing(t *testing.T, data string, existing []string, file string) map[string]int {
	t.Helper()
	found := map[string]int{}
	n := 0
	for name, skip := range map[string]func(string) bool{
		"fsync of the database's log":    func(line string) bool { return strings.Contains(line, "tenon.db-wal>") },
		"fsync of the secrets' log":      func(line string) bool { return strings.Contains(line, "auth.db-wal>") },
		"fsync of the segments of files": func(line string) bool { return strings.Contains(line, ".seg>") },
		"fsync of the folder of files":   func(line string) bool { return strings.Contains(line, "/blobs/main>") },
		"every tenth fsync":              func(string) bool { n++; return n%10 == 0 },
	} {
		j := judged(t, data, existing, file, func(line string) bool {
			return (strings.Contains(line, "fsync(") || strings.Contains(line, "fdatasync(")) && skip(line)
		})
		if found[name] = len(j.fault); len(j.fault) == 0 {
			t.Errorf("with %s struck out nothing is found: the judge is blind", name)
		}
	}
	return found
}

// names are the files and folders that exist before the recording.
func names(t *testing.T, data string) []string {
	t.Helper()
	var all []string
	if err := filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// work sends the requests and returns how many were answered with success.
func work(t *testing.T, p *child, tokens map[string]string) int {
	t.Helper()
	n := 0
	send := func(ctx context.Context, c *servertest.Client, status int, q servertest.Request) (*servertest.Answer, error) {
		n++
		header := map[string]string{"X-Request-Id": fmt.Sprintf("power-%d-", n)}
		for name, value := range q.Header {
			header[name] = value
		}
		q.Header = header
		a, err := c.Try(ctx, q)
		if err == nil && a.Status != status {
			t.Fatalf("%s %s = %d %.500s, want %d", q.Method, q.Path, a.Status, a.Body, status)
		}
		return a, err
	}
	clin := via{send, tokens["clin-wang"]}
	one := &resources{via: clin, dice: rand.New(rand.NewPCG(1, 1)), known: map[string]*known{}}
	writers := []writer{one, &transactions{via: clin}, &files{via: clin, dice: rand.New(rand.NewPCG(1, 2)), sums: map[string][32]byte{}},
		&images{via: clin, stored: map[string][32]byte{}}, &cases{send: send, hosp: tokens["hosp-chen"], mfr: tokens["mfr-xu"]}}
	walk := writers[4].(*cases)
	for range 12 {
		if last := acts[len(acts)-2]; walk.at == len(acts)-2 { // a wrong secret is counted, the right one after it resets the count
			q := last.q(walk)
			q.Body = bytes.Replace(q.Body, []byte("secret of"), []byte("no secret"), 1)
			if _, err := send(t.Context(), p.Client, 403, q); err != nil {
				t.Fatal(err)
			}
			n--
		}
		for _, w := range writers {
			if err := w.step(t.Context(), p.Client); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{"/fhir/Observation?value-quantity:missing=true&_count=2", "/dicomweb/studies", "/fhir/" + one.known["r0"].ref + "/_history"} {
			if _, err := send(t.Context(), p.Client, 200, servertest.Request{Token: clin.token, Method: "GET", Path: path}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond) // the sequencer has its turn too
	}
	return n
}
