package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tenon/dicomweb/dicom"
)

// What a mutant may take.
const (
	memory = 64 << 20
	slow   = 10 * time.Second // on a machine with other work
	hang   = time.Minute
)

// line is a row of the table.
type line struct {
	mutants, read, crashes, wrong, large, slow int64
	most                                       uint64 // bytes
	longest                                    time.Duration
}

type runner struct {
	corpus *corpus
	seed   uint64
	keep   string
	lines  map[string]*line
	began  atomic.Int64 // the mutant that is read, in Unix nanoseconds
	now    atomic.Int64 // its number
	reader *dicom.Reader
	sample []metrics.Sample
}

func main() {
	n := flag.Int64("n", 1_000_000, "mutants")
	from := flag.Int64("from", 0, "number of the first")
	seed := flag.Uint64("seed", 1, "of the mutants")
	length := flag.Duration("for", 0, "end after this; 0: when all are read")
	keep := flag.String("keep", "", "folder for what fails")
	flag.Parse()
	c, err := newCorpus(os.Getenv("TENON_TESTDATA"))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	r := &runner{corpus: c, seed: *seed, keep: *keep, lines: map[string]*line{}, reader: new(dicom.Reader), sample: []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}}
	go r.watch()
	last := r.run(ctx, *from, *from+*n)
	fmt.Print(r.table(*from, last))
	if r.failed() {
		os.Exit(1)
	}
}

// run reads mutants from a number up to one, and gives where it ended.
func (r *runner) run(ctx context.Context, from, to int64) int64 {
	var buffer []byte
	for n := from; n < to; n++ {
		if ctx.Err() != nil {
			return n
		}
		m := r.corpus.mutant(r.seed, n, buffer)
		r.try(m)
		buffer = m.bytes
		if r.reader.Heavy() {
			r.reader = new(dicom.Reader)
		}
	}
	return to
}

// try reads one mutant and counts what became of it.
func (r *runner) try(m *mutant) {
	l := r.lines[m.what]
	if l == nil {
		l = &line{}
		r.lines[m.what] = l
	}
	l.mutants++
	before, began := r.allocated(), time.Now()
	r.now.Store(m.n)
	r.began.Store(began.UnixNano())
	defer func() {
		r.began.Store(0)
		took, made := time.Since(began), r.allocated()-before
		l.most, l.longest = max(l.most, made), max(l.longest, took)
		if failed := recover(); failed != nil {
			l.crashes++
			r.save(m, fmt.Sprintf("%v\n%s", failed, debug.Stack()))
			r.reader = new(dicom.Reader)
		}
		if made > memory {
			l.large++
			r.save(m, fmt.Sprintf("%d bytes of memory", made))
		}
		if took > slow {
			l.slow++
			r.save(m, took.String())
		}
	}()
	read, err := m.read(r.reader)
	if read {
		l.read++
	}
	if err != nil {
		l.wrong++
		r.save(m, err.Error())
	}
}

// allocated is what the process has allocated so far.
func (r *runner) allocated() uint64 {
	metrics.Read(r.sample)
	return r.sample[0].Value.Uint64()
}

// watch ends the process when a mutant hangs.
func (r *runner) watch() {
	for range time.Tick(time.Second) {
		if at := r.began.Load(); at != 0 && time.Since(time.Unix(0, at)) > hang {
			log.Fatalf("mutant %d of seed %d hangs", r.now.Load(), r.seed)
		}
	}
}

func (r *runner) save(m *mutant, why string) {
	log.Printf("mutant %d of seed %d (%s): %s", m.n, r.seed, m.what, why)
	if r.keep != "" {
		if err := os.WriteFile(filepath.Join(r.keep, fmt.Sprintf("%d-%d", r.seed, m.n)), m.bytes, 0o600); err != nil {
			log.Print(err)
		}
	}
}

func (r *runner) failed() bool {
	for _, l := range r.lines {
		if l.crashes+l.wrong+l.large+l.slow > 0 {
			return true
		}
	}
	return false
}

// table is the result as Markdown.
func (r *runner) table(from, to int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Mutants %d to %d of seed %d: %d.\n\n", from, to-1, r.seed, to-from)
	b.WriteString("| what | mutants | read all the same | crashes | wrong | > 64 MB | > 10 s | most memory, MB | longest, ms |\n|---|---|---|---|---|---|---|---|---|\n")
	all := &line{}
	write := func(name string, l *line) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %.1f | %d |\n", name, l.mutants, l.read, l.crashes, l.wrong, l.large, l.slow,
			float64(l.most)/(1<<20), l.longest.Milliseconds())
	}
	names := make([]string, 0, len(r.lines))
	for name, l := range r.lines {
		names = append(names, name)
		all.mutants, all.read, all.crashes = all.mutants+l.mutants, all.read+l.read, all.crashes+l.crashes
		all.wrong, all.large, all.slow = all.wrong+l.wrong, all.large+l.large, all.slow+l.slow
		all.most, all.longest = max(all.most, l.most), max(all.longest, l.longest)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(a, b) })
	for _, name := range names {
		write(name, r.lines[name])
	}
	write("all", all)
	if peak := peakMemory(); peak != "" {
		fmt.Fprintf(&b, "\nPeak memory of the process: %s.\n", peak)
	}
	return b.String()
}

// peakMemory is the most that the process ever held (VmHWM).
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func peakMemory() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}
