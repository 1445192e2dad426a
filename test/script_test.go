package test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestScript runs the stories of script/ against the real binary. Besides the
// commands of testscript (https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript)
// they know:
//
//	exits CODE COMMAND…     run a command that must exit with the code
//	start [FLAG…]           tenon serve in the background, ready at $URL
//	halt                    stop it in order; the exit code must be 0
//	http STATUS METHOD PATH [-t TOKENFILE] [-d BODYFILE] [-H 'Name: value'] [-o FILE]
//	                        a request; the answer's head and body are stdout
//	take NAME REGEXP        the first group of what matches in stdout becomes $NAME
//	change FILE FROM TO     replace the first occurrence, which must be there
func TestScript(t *testing.T) {
	t.Parallel()
	bin := binary(t)
	testscript.Run(t, testscript.Params{
		Dir:      "script",
		Deadline: time.Now().Add(25 * time.Minute), // of all together: a server that was to be refused and serves
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(bin)+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TENON_DATA", filepath.Join(e.WorkDir, "data"))
			listen := address(t)
			e.Setenv("TENON_LISTEN", listen)
			e.Setenv("URL", "http://"+listen)
			e.Setenv("WITNESS", address(t))
			e.Values[served{}] = new(running)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": startCommand, "halt": halt, "http": request, "take": take, "change": change,
		},
	})
}

// served is the key of a script's running server.
type served struct{}

type running struct {
	sync.Mutex
	child *child
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	if err := ts.Exec(args[1], args[2:]...); strconv.Itoa(code(err)) != args[0] {
		ts.Fatalf("exit code %d, want %s", code(err), args[0])
	}
}

// scriptT lets spawn fail a script.
type scriptT struct {
	testing.TB
	ts *testscript.TestScript
}

func (s scriptT) Fatal(args ...any)                 { s.ts.Fatalf("%v", args) }
func (s scriptT) Fatalf(format string, args ...any) { s.ts.Fatalf(format, args...) }
func (s scriptT) TempDir() string                   { return s.ts.Getenv("WORK") }
func (s scriptT) Cleanup(f func())                  { s.ts.Defer(f) }
func (s scriptT) Helper()                           {}

func startCommand(ts *testscript.TestScript, neg bool, args []string) {
	r := ts.Value(served{}).(*running)
	if neg || r.child != nil {
		ts.Fatalf("usage: start [FLAG…], once until halt")
	}
	c := app.Config{Listen: ts.Getenv("TENON_LISTEN"), Data: ts.Getenv("TENON_DATA"), Database: "sqlite"}
	r.child = spawn(scriptT{ts: ts}, c, append([]string{filepath.Join(built.dir, "tenon"), "serve"}, args...)...)
}

func halt(ts *testscript.TestScript, neg bool, args []string) {
	r := ts.Value(served{}).(*running)
	if neg || r.child == nil || len(args) > 0 {
		ts.Fatalf("usage: halt, after start")
	}
	code := r.child.stop()
	told := r.child.told()
	r.child = nil
	_, _ = ts.Stdout().Write([]byte(told))
	if code != 0 {
		ts.Fatalf("the server stopped with %d:\n%s", code, told)
	}
}

func request(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: http STATUS METHOD PATH [-t TOKENFILE] [-d BODYFILE] [-H 'Name: value'] [-o FILE]")
	}
	q := servertest.Request{Method: args[1], Path: args[2], Header: map[string]string{}}
	file := ""
	for rest := args[3:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			ts.Fatalf("%s needs a value", rest[0])
		}
		switch rest[0] {
		case "-t":
			q.Token = strings.TrimSpace(ts.ReadFile(rest[1]))
		case "-d":
			q.Body = []byte(os.Expand(ts.ReadFile(rest[1]), ts.Getenv))
		case "-H":
			name, value, _ := strings.Cut(rest[1], ": ")
			q.Header[name] = value
		case "-o":
			file = ts.MkAbs(rest[1])
		default:
			ts.Fatalf("unknown option %s", rest[0])
		}
	}
	c := servertest.At(ts.Getenv("URL"))
	defer c.Close()
	a, err := c.Try(context.Background(), q)
	ts.Check(err)
	if file != "" {
		ts.Check(os.WriteFile(file, a.Body, 0o600))
		a.Body = nil
	}
	var head bytes.Buffer
	_ = a.Header.Write(&head)
	_, _ = ts.Stdout().Write(append(append(head.Bytes(), '\n'), a.Body...))
	if strconv.Itoa(a.Status) != args[0] {
		ts.Fatalf("%s %s = %d, want %s\n%s", args[1], args[2], a.Status, args[0], a.Body)
	}
}

func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: take NAME REGEXP")
	}
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("%s has no match in stdout", args[1])
	}
	ts.Setenv(args[0], m[1])
}

func change(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: change FILE FROM TO")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s is not in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}
