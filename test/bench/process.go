package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// server is the server under test, in a process of its own.
type server struct {
	database, data string
	url, beside    string
	client         *http.Client
	ready          time.Duration // from the start of the process to the first 200 of /readyz
	process        *exec.Cmd
	input          io.Closer
}

// start starts it on a folder and a database, which may be in use already.
func start(ctx context.Context, database, data string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{database: database, data: data, client: &http.Client{Timeout: 10 * time.Minute,
		Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true}}}
	s.process = exec.CommandContext(ctx, self, "-serve", database, "-data", data) //nolint:gosec // this program itself
	s.process.Stderr = os.Stderr
	if s.input, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	addr, beside, _ := strings.Cut(strings.TrimSpace(line), " ")
	s.url, s.beside = "http://"+addr, "http://"+beside
	if _, err := s.do(ctx, request{path: "/readyz"}); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.ready = time.Since(begun)
	return s, nil
}

// stop stops it in order.
func (s *server) stop() error {
	s.client.CloseIdleConnections()
	return errors.Join(s.input.Close(), s.process.Wait())
}

// request is one request; the zero method is GET.
type request struct {
	method, path, token string
	body                []byte
	media               string // FHIR JSON by default
	whole               bool   // the answer to a write is wanted
}

// answer is what came back.
type answer struct {
	location string // "Patient/1"
	body     []byte
}

// do sends one request and takes success only.
func (s *server) do(ctx context.Context, q request) (answer, error) {
	return s.get(ctx, s.url, q)
}

func (s *server) get(ctx context.Context, base string, q request) (answer, error) {
	method := q.method
	if method == "" {
		method = "GET"
	}
	req, err := http.NewRequestWithContext(ctx, method, base+q.path, bytes.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/fhir+json")
		if q.media != "" {
			req.Header.Set("Content-Type", q.media)
		}
		if !q.whole {
			req.Header.Set("Prefer", "return=minimal")
		}
	}
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s %.600s", method, q.path, res.Status, body)
	}
	_, place, _ := strings.Cut(res.Header.Get("Location"), "/fhir/")
	place, _, _ = strings.Cut(place, "/_history/")
	return answer{place, body}, err
}

// memory is what the process holds in bytes: its anonymous pages. Pages of the
// database file that SQLite maps are the cache of the system, counted once for
// each connection in the resident set; they are left out.
func (s *server) memory() int64 {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.process.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "RssAnon:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10
}

// watch looks at the memory until it is told to stop, and then gives the most.
func (s *server) watch() (stop func() int64) {
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			peak = max(peak, s.memory())
			select {
			case <-tick.C:
			case <-done:
				tick.Stop()
				most <- peak
				return
			}
		}
	}()
	return func() int64 { close(done); return <-most }
}

// cpu is what the process has computed so far, not what a database beside it has.
func (s *server) cpu() time.Duration {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.process.Process.Pid), "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// tick is the unit of /proc, 100 a second on every Linux that is in use.
const tick = 10 * time.Millisecond

// profile writes a CPU profile of what the server does meanwhile.
func (s *server) profile(ctx context.Context, folder, name string, d time.Duration) {
	if folder == "" {
		return
	}
	seconds := strconv.Itoa(max(1, int(d.Seconds())-1)) // before the next load begins
	got, err := s.get(ctx, s.beside, request{path: "/debug/pprof/profile?seconds=" + seconds})
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".pprof"), got.body, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
	}
}
