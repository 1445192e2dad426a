package test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// child is the real binary, serving in a process of its own that can be killed.
type child struct {
	*servertest.Client
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of the process, once done
	log  string
}

// spawn runs a command that ends with a tenon serve on the address of the
// configuration, and waits until it is ready. It dies with this process.
func spawn(t testing.TB, c app.Config, command ...string) *child {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &child{Client: servertest.At("http://" + c.Listen), cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{}), log: log.Name()}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), "TENON_LISTEN="+c.Listen, "TENON_DATA="+c.Data, "TENON_DATABASE="+c.Database)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // Pdeathsig follows the thread, so it stays
		started <- p.cmd.Start()
		p.err = p.cmd.Wait()
		close(p.done)
		select {}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.done:
			t.Fatalf("the server ended: %v\n%s", p.err, p.told())
		default:
		}
		if a, err := p.Try(context.Background(), servertest.Request{Method: "GET", Path: "/readyz"}); err == nil && a.Status == 200 {
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("the server is not ready after a minute\n%s", p.told())
		}
	}
}

// kill is kill -9 of the process and of what it started.
func (p *child) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
	p.Close()
}

// stop asks for an end in order and returns the exit code.
func (p *child) stop() int {
	p.Close()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	<-p.done
	return code(p.err)
}

func (p *child) told() string {
	b, _ := os.ReadFile(p.log)
	return string(bytes.TrimSpace(b))
}

// address is a free port on loopback.
func address(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// enrolled prepares a data folder with the sample people and gives tokens and
// signing keys, as an operator does before the first start. The secret of a
// principal is "secret of " and its name.
func enrolled(t testing.TB, c app.Config, principals ...string) map[string]string {
	t.Helper()
	c.Sample = true
	a, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	tokens := map[string]string{}
	for _, p := range principals {
		ref := "PractitionerRole/" + p
		if tokens[p], err = a.IssueToken(t.Context(), ref, 24*time.Hour, "test"); err == nil && !strings.HasPrefix(p, "log-") {
			err = a.IssueSigner(t.Context(), ref, "secret of "+p)
		}
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
	}
	var b bytes.Buffer
	if err := a.WriteTrust(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Data, "trust.json"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return tokens
}
