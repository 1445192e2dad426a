package test

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// trace judges a recording of system calls (strace -f -y): was everything that
// an answer rests on durable before its first byte left? Calls count from the
// end of a write and from the beginning of an fsync, so a write that overlaps an
// fsync is not covered by it.
type trace struct {
	data  string // folder of the server
	line  int
	open  map[string]pending        // by thread: calls that have not returned
	dirty map[string]int            // by file: line of the last write that no fsync covers
	owed  map[string]map[string]int // by folder: names made in it that no fsync covers
	marks map[string]map[string]int // by mark: files that held it when written, and the line
	syncs map[string][]span         // by file
	known map[string]bool           // names that exist
	walls map[string]int            // by database file: line of its last write
	seen  map[string]int            // counts for the report
	fault []string
}

type pending struct {
	text string
	line int
}

// span is one fsync: where it began and where it returned.
type span struct{ begin, end int }

var (
	call   = regexp.MustCompile(`^(\d+)\s+(.*)$`)
	resume = regexp.MustCompile(`^<\.\.\. (\w+) resumed>(.*)$`)
	path   = regexp.MustCompile(`^\w+\((?:AT_FDCWD<[^>]*>, )?\d*<?([^>]*)>?`)
	opened = regexp.MustCompile(`= \d+<([^>]*)>`)
	result = regexp.MustCompile(`= (-?\d+)`)
	quoted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	mark   = regexp.MustCompile(`power-\d+-`)
	reply  = regexp.MustCompile(`"HTTP/1\.1 (\d\d\d) `)
	offset = regexp.MustCompile(`, (\d+)\)\s*= `)
)

func newTrace(data string, existing []string) *trace {
	t := &trace{data: data, open: map[string]pending{}, dirty: map[string]int{}, owed: map[string]map[string]int{}, marks: map[string]map[string]int{},
		syncs: map[string][]span{}, known: map[string]bool{}, walls: map[string]int{}, seen: map[string]int{}}
	for _, name := range existing {
		t.known[name] = true
	}
	return t
}

// read takes a whole recording in.
func (t *trace) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		t.line++
		m := call.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		thread, text, from := m[1], m[2], t.line
		if head, cut := strings.CutSuffix(text, " <unfinished ...>"); cut {
			t.open[thread] = pending{head, t.line}
			if strings.HasPrefix(head, "write(") {
				t.leaves(head, t.line) // its first byte may leave now
			}
			continue
		}
		if m := resume.FindStringSubmatch(text); m != nil {
			p, ok := t.open[thread]
			if !ok {
				continue
			}
			delete(t.open, thread)
			text, from = p.text+m[2], p.line
		} else if strings.HasPrefix(text, "write(") {
			t.leaves(text, t.line)
		}
		t.call(text, from)
	}
	return lines.Err()
}

// call takes in a call that has returned.
func (t *trace) call(text string, from int) {
	name, _, _ := strings.Cut(text, "(")
	if strings.HasPrefix(lastResult(text), "-") {
		return
	}
	switch name {
	case "write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate":
		t.wrote(text, pathOf(text))
	case "fsync", "fdatasync":
		t.synced(pathOf(text), from)
	case "openat", "open", "creat":
		if m := opened.FindStringSubmatch(text); m != nil && strings.Contains(text, "O_CREAT") {
			t.made(m[1])
		}
	case "mkdir", "mkdirat", "link", "linkat", "rename", "renameat", "renameat2":
		names := quoted.FindAllStringSubmatch(text, -1)
		if len(names) > 0 {
			t.made(names[len(names)-1][1])
		}
	}
}

func pathOf(text string) string {
	m := path.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

func lastResult(text string) string {
	all := result.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

func (t *trace) ours(name string) bool { return strings.HasPrefix(name, t.data+"/") }

// made notes a new name; making a file that exists makes no name.
func (t *trace) made(name string) {
	if !t.ours(name) || t.known[name] {
		return
	}
	t.known[name] = true
	folder := filepath.Dir(name)
	if t.owed[folder] == nil {
		t.owed[folder] = map[string]int{}
	}
	t.owed[folder][name] = t.line
}

func (t *trace) wrote(text, name string) {
	if !t.ours(name) {
		return
	}
	t.seen["writes"]++
	switch {
	case strings.HasSuffix(name, "-shm"), strings.Contains(filepath.Base(name), ".idx"):
		return // rebuilt when missing
	case strings.HasSuffix(name, ".db"): // a checkpoint; judged when the log starts anew
		t.walls[name] = t.line
		return
	}
	if base, wal := strings.CutSuffix(name, "-wal"); wal {
		if m := offset.FindStringSubmatch(text); m != nil && m[1] == "0" && t.walls[base] > 0 {
			t.seen["logs started anew"]++
			t.fail("%s starts anew before %s is synced", filepath.Base(name), filepath.Base(base))
		}
	}
	t.dirty[name] = t.line
	for _, m := range mark.FindAllString(text, -1) {
		if t.marks[m] == nil {
			t.marks[m] = map[string]int{}
		}
		t.marks[m][name] = t.line
	}
}

func (t *trace) synced(name string, from int) {
	if !t.ours(name) && name != t.data {
		return
	}
	t.seen["fsyncs"]++
	t.syncs[name] = append(t.syncs[name], span{from, t.line})
	if t.dirty[name] < from {
		delete(t.dirty, name)
	}
	if t.walls[name] < from {
		delete(t.walls, name)
	}
	for made, at := range t.owed[name] {
		if at < from {
			delete(t.owed[name], made)
		}
	}
}

// leaves judges a write that begins: is it an answer of success with a mark?
func (t *trace) leaves(text string, at int) {
	status := reply.FindStringSubmatch(text)
	if status == nil || status[1][0] != '2' {
		return
	}
	m := mark.FindString(text)
	if m == "" {
		return
	}
	t.seen["answers"]++
	t.judge(m, at)
}

// judge is the law: what the answer rests on is on the disk.
func (t *trace) judge(m string, at int) {
	for name, made := range t.owed {
		for file := range made {
			t.fail("%s leaves while the name %s is not durable: no fsync of its folder %s", m, filepath.Base(file), filepath.Base(name))
		}
	}
	inLog := false
	for name, line := range t.marks[m] {
		inLog = inLog || strings.HasSuffix(name, "-wal")
		if !t.covered(name, line, at) {
			t.fail("%s leaves while its bytes in %s are not durable", m, filepath.Base(name))
		}
	}
	if !inLog {
		t.fail("%s leaves and nothing of it, not even audit, is in the log of the database", m)
	}
	for name := range t.dirty {
		if !strings.HasSuffix(name, "tenon.db-wal") { // the sequencer writes there at any time; the mark tells
			t.fail("%s leaves while %s has bytes that are not durable", m, filepath.Base(name))
		}
	}
}

// covered tells whether an fsync of the file began after the line and returned
// before at.
func (t *trace) covered(name string, line, at int) bool {
	for _, s := range t.syncs[name] {
		if s.begin > line && s.end < at {
			return true
		}
	}
	return false
}

func (t *trace) fail(format string, args ...any) {
	t.fault = append(t.fault, "line "+strconv.Itoa(t.line)+": "+fmt.Sprintf(format, args...))
}
