package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/app"
	"tenon/server/record"
	"tenon/server/store/rawtest"
)

// server is Tenon in this process, reached over loopback HTTP.
type server struct {
	url    string
	client *http.Client
	ready  time.Duration
	cancel context.CancelFunc
	done   chan struct{}
	one    string // URL of a resource to read

	memoryURL string
	n         atomic.Int64

	patient            string
	slice              []byte // a DICOM file
	uid, study, series []byte // its UIDs
}

func start(ctx context.Context, database, dir string) (*server, error) {
	begun := time.Now()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	a, err := app.Open(ctx, app.Config{Listen: addr, Data: dir, Database: database, Dev: true})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &server{url: "http://" + addr, cancel: cancel, done: make(chan struct{}),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	go func() {
		defer close(s.done)
		if err := errors.Join(a.ServeOn(ctx, l), a.Close()); err != nil {
			log.Print(err)
		}
	}()
	if _, err := s.do("GET", "/readyz", "", nil); err != nil {
		return nil, err
	}
	s.ready = time.Since(begun)
	location, err := s.do("POST", "/fhir/Observation", "application/fhir+json", rawtest.Body(0))
	s.one = strings.TrimPrefix(location, s.url)
	if i := strings.Index(s.one, "/_history"); i > 0 {
		s.one = s.one[:i]
	}
	if err != nil {
		return nil, err
	}
	return s, errors.Join(s.slices(), s.fromMemory(a))
}

func (s *server) stop() { s.cancel(); <-s.done }

// do sends one request and returns the Location of the answer.
func (s *server) do(method, path, contentType string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Prefer", "return=minimal")
	}
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s %.300s", method, path, res.Status, answer)
	}
	return res.Header.Get("Location"), err
}

func (s *server) create() error {
	_, err := s.do("POST", "/fhir/Observation", "application/fhir+json", rawtest.Body(s.n.Add(1)))
	return err
}

func (s *server) read() error {
	_, err := s.do("GET", s.one, "", nil)
	return err
}

// plain reads the same bytes from a handler that has them in memory and writes
// the same audit row: what HTTP and the audit cost here.
func (s *server) plain() error {
	res, err := s.client.Get(s.memoryURL) //nolint:noctx // bounded by measure
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// fromMemory starts the handler of plain.
func (s *server) fromMemory(a *app.App) error {
	body := rawtest.Body(0)
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.memoryURL = "http://" + l.Addr().String()
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		row := record.Audit{At: time.Now(), Principal: "operator", Door: "fhir", Action: "R", Operation: "read", Entity: "Observation/x", Outcome: 200}
		if err := a.Store.Audit(r.Context(), []record.Audit{row}); err != nil {
			http.Error(w, "audit", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/fhir+json")
		_, _ = w.Write(body)
	})}
	go func() { _ = srv.Serve(l) }()
	return nil
}

// slices makes the template of the STOW load: one synthetic CT slice of
// 512 × 512 of a patient whom the server knows.
func (s *server) slices() error {
	patient, err := s.do("POST", "/fhir/Patient", "application/fhir+json", []byte(`{"resourceType":"Patient","identifier":[{"value":"BENCH"}]}`))
	if err != nil {
		return err
	}
	_, patient, _ = strings.Cut(patient, "/fhir/")
	s.patient, _, _ = strings.Cut(patient, "/_history")
	series := sample.New(sample.Options{Seed: 1, Slices: 1, Rows: 512, Columns: 512, PatientID: "BENCH"})
	s.slice, s.uid, s.study = series.Slice(0), []byte(series.InstanceUID(0)), []byte(series.StudyUID)
	s.series = []byte(series.SeriesUID)
	return nil
}

// stow stores one instance that nobody has seen: the template with another UID of
// the same length, fifty to a study.
func (s *server) stow() error {
	uid := append([]byte(nil), s.uid...)
	n := strconv.AppendInt(nil, 1_000_000_000+s.n.Add(1), 10)
	copy(uid[len(uid)-len(n):], n)
	file := bytes.ReplaceAll(s.slice, s.uid, uid)
	study := append([]byte(nil), s.study...)
	n = strconv.AppendInt(nil, 1_000_000_000+s.n.Load()/50, 10)
	copy(study[len(study)-len(n):], n)
	file = bytes.ReplaceAll(file, s.study, study)
	one := append([]byte(nil), s.series...)
	copy(one[len(one)-len(n):], n)
	file = bytes.ReplaceAll(file, s.series, one)
	_, err := s.do("POST", "/dicomweb/studies?patient="+s.patient, "application/dicom", file)
	return err
}

// memory is the resident set of this process in bytes.
func (s *server) memory() int64 {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(stat))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// measure runs f from clients for a time and returns how often it succeeded in a
// second. The first error stops everything.
func measure(each time.Duration, clients int, f func() error) float64 {
	var n atomic.Int64
	var wait sync.WaitGroup
	begun := time.Now()
	for range clients {
		wait.Go(func() {
			for time.Since(begun) < each {
				if err := f(); err != nil {
					log.Fatal(err)
				}
				n.Add(1)
			}
		})
	}
	wait.Wait()
	return float64(n.Load()) / time.Since(begun).Seconds()
}
