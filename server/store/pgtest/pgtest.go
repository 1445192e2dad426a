// Package pgtest gives tests a real PostgreSQL: the server that
// TENON_TEST_POSTGRES names (a URL of a database whose user may create others),
// or a throw-away one that it starts from the binaries on this machine. It is
// for tests only and knows no schema.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the server to use instead of a throw-away one.
const Variable = "TENON_TEST_POSTGRES"

// Server is a running PostgreSQL.
type Server struct {
	url   string
	keeps bool // it stays after the tests
	stop  func()

	mu        sync.Mutex
	templates map[string]*template
}

// template is a database that others are copies of; it is brought up once.
type template struct {
	sync.Once
	database string
	err      error
}

// errNone says that there is no PostgreSQL here.
var errNone = errors.New("no PostgreSQL: set " + Variable + " or install the server's binaries (initdb, postgres)")

var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Run runs the tests of a package and stops the server that they started; call
// it from TestMain with m.Run.
func Run(tests func() int) int {
	defer func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.server != nil {
			shared.server.stop()
		}
	}()
	return tests()
}

// Database is the URL of a new database that goes with the test. The first
// one of a name is brought up by prepare and becomes the template of the
// others, which are copies. Without PostgreSQL the test is skipped, or fails
// where TENON_TEST_POSTGRES is set to "required".
func Database(t testing.TB, template string, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	s, err := start()
	if errors.Is(err, errNone) && os.Getenv(Variable) != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	from, err := s.template(t.Context(), template, prepare)
	if err != nil {
		t.Fatal(err)
	}
	name := "t_" + random()
	if err := s.run(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatal(err)
	}
	if s.keeps { // a throw-away server goes with its databases: to drop one costs a checkpoint
		t.Cleanup(func() {
			if err := s.run(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
	}
	return s.named(name)
}

// Create makes an empty database and returns its URL.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	return s.named(name), s.run(ctx, "CREATE DATABASE "+name)
}

// Stop ends a server that Launch has started, and removes its files.
func (s *Server) Stop() { s.stop() }

// template gives the database of a name; different ones come up side by side.
func (s *Server) template(ctx context.Context, name string, prepare func(context.Context, string) error) (string, error) {
	s.mu.Lock()
	t := s.templates[name]
	if t == nil {
		t = &template{database: "template_" + random()}
		s.templates[name] = t
	}
	s.mu.Unlock()
	t.Do(func() {
		if t.err = s.run(ctx, "CREATE DATABASE "+t.database); t.err == nil && prepare != nil {
			t.err = prepare(ctx, s.named(t.database))
		}
	})
	return t.database, t.err
}

func (s *Server) run(ctx context.Context, sql string) error {
	c, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	_, err = c.Exec(ctx, sql)
	return errors.Join(err, c.Close(ctx))
}

func (s *Server) named(database string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		panic(err) // start has parsed it
	}
	u.Path = "/" + database
	return u.String()
}

func random() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// start gives the one server of the process.
func start() (*Server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		if given := os.Getenv(Variable); given != "" && given != "required" {
			shared.server = &Server{url: given, keeps: true, stop: func() {}, templates: map[string]*template{}}
		} else {
			shared.server, shared.err = Launch()
		}
	}
	return shared.server, shared.err
}

// Launch makes a cluster in a temporary folder and starts it on a free port of
// the loopback address, with fsync on: what tests see is what a server does.
// Settings such as "shared_buffers=512MB" come on top. For what is no test; Stop
// ends it.
func Launch(settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tenon-postgres-")
	if err != nil {
		return nil, err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	initdb := command(who, filepath.Join(bin, "initdb"), "-D", data, "-U", "tenon", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pgtest: initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := command(who, filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir,
		"-c", "fsync=on", "-c", "max_connections=200", "-c", "logging_collector=off", "-c", "deadlock_timeout=100ms", "-c", "log_min_messages=fatal")
	for _, setting := range settings {
		p.Args = append(p.Args, "-c", setting)
	}
	p.SysProcAttr.Setpgid = true
	p.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	if err := begin(p); err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	s := &Server{url: fmt.Sprintf("postgres://tenon@127.0.0.1:%d/postgres?sslmode=disable", port), templates: map[string]*template{}}
	s.stop = func() {
		_ = p.Process.Signal(syscall.SIGQUIT)
		_ = p.Wait()
		_ = os.RemoveAll(dir)
	}
	if err := s.await(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// begin starts the process from a thread that lives as long as this process:
// Pdeathsig follows the thread.
func begin(p *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		started <- p.Start()
		select {}
	}()
	return <-started
}

func command(who *syscall.Credential, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = os.TempDir()
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return c
}

// unprivileged is somebody to run as when this is root, whom PostgreSQL
// refuses; nil otherwise.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("%w: and root needs a user postgres or nobody to run it as", errNone)
}

// binaries finds the newest server.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is right
	best, newest := "", -1
	for _, f := range found {
		bin := filepath.Dir(f)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && v > newest {
			best, newest = bin, v
		}
	}
	if best != "" {
		return best, nil
	}
	if f, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(f); err == nil && !strings.HasSuffix(real, ".sh") {
			return filepath.Dir(real), nil
		}
	}
	return "", errNone
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) await() (err error) {
	for range 200 {
		if err = s.run(context.Background(), "SELECT 1"); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("pgtest: the server does not answer: %w", err)
}
