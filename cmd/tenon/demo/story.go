package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"tenon/test/standin"
)

// Options say what story is told.
type Options struct {
	Process  string // implant (the default) or socket
	Seed     int64  // varies patient, figures, order and refusals
	Database string // sqlite, or a postgres:// URL
	Patient  string // Synthea bundle whose Patient is used; "": one is made up
	Images   string // folder with a DICOM series; "": a synthetic one
	Model    string // STL file; "": a generated plate
	Scan     string // STL file of a stump, for the socket; "": a generated one
	Keep     string // folder that keeps the data; "": none is kept
	Until    string // stage before which the story ends, "S11 working" for a machine at work; "": the whole story
	Out      io.Writer
	// Ready, where given, is called before a stage is completed that has all it
	// needs, with the root of its case (Task/x).
	Ready func(stage, root string)
}

// Report is what the story saw.
type Report struct {
	Completed []string // stages, in the order in which they were completed
	Gates     []string // that opened, in this order
	Refusals  []Refusal
	Requests  int // sent over HTTP
	Signed    int // signatures that the verified dossier holds
	Exported  int // resources of the follow-up export
	Took      time.Duration
}

// story is one telling. It is used once.
type story struct {
	ctx     context.Context //nolint:containedctx // one story, one context
	o       Options
	tell    *teller
	web     *client
	server  *server
	mes     *standin.MES
	dice    *rand.Rand
	figures figures
	seen    *Report
	sent    atomic.Int64
	cast
	stage  string  // that is told now
	course *course // the case

	patient  *person // of the case
	stranger *person // another patient
	patients map[string]obj

	contents  map[string][]byte // by Binary/x
	trust     []byte            // trust file, written before the case began
	agreement string            // Contract/x
	study     study
	plan      treatment
	order     string // DeviceRequest/x
	design    design
	job       job
	used      time.Time
	limb      limb
}

// Run tells the story and says what it saw. The error of an answer that was not
// expected is an *Unexpected.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	s, err := newStory(ctx, o)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	defer func() {
		s.seen.Took, s.seen.Requests = time.Since(began), int(s.sent.Load())
		if p := recover(); p != nil {
			e, ours := p.(ended)
			if !ours {
				panic(p)
			}
			err = e.err
		}
		err = errors.Join(err, s.close())
	}()
	s.run()
	return s.seen, nil
}

func newStory(ctx context.Context, o Options) (*story, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	s := &story{
		ctx: ctx, o: o, tell: &teller{o.Out}, seen: &Report{}, patients: map[string]obj{}, contents: map[string][]byte{},
		dice: rand.New(rand.NewPCG(uint64(o.Seed), 0x7e0)),
	} //nolint:gosec // a story, not a secret
	s.figures = newFigures(s.dice)
	var err error
	if s.mes, err = standin.New(mesSecret, time.Now); err != nil {
		return nil, err
	}
	if s.server, err = start(ctx, o, s.mes.URL()); err != nil {
		return nil, errors.Join(err, s.mes.Close())
	}
	s.mes.Report(s.server.root + "/adapters/mes/news")
	s.web = &client{ctx: ctx, root: s.server.root, http: &http.Client{Timeout: timeout, Transport: counting{&s.sent, http.DefaultTransport}}}
	return s, nil
}

func (s *story) close() error { return errors.Join(s.mes.Close(), s.server.close()) }

func (s *story) now() time.Time { return time.Now() }

// run is the whole story.
func (s *story) run() {
	fmt.Fprintf(s.tell.out, "Tenon on %s, seed %d\n", s.server.root, s.o.Seed)
	s.tell.chapter("", "The people", "人员")
	s.meet()
	s.trust = s.server.trust(s.ctx)
	s.agree()
	if s.socket() {
		s.enrolForSocket()
	} else {
		s.enrol()
	}
	s.knock()
	for _, c := range s.chapters() {
		if s.o.Until == c.code {
			return
		}
		s.stage = c.code
		if c.tell(s); s.o.Until == c.code+" working" {
			return
		}
	}
	s.ending()
}

// chapter is one stage of the process.
type chapter struct {
	code string
	tell func(s *story)
}

// chapters are the stages in one of the orders that the process allows: S05
// beside S02 and S03a, S04 beside S03b, S12 beside S11, S14 beside S13.
func (s *story) chapters() []chapter {
	if s.socket() {
		return s.socketChapters()
	}
	first := []chapter{{"S01", (*story).consent}}
	first = append(first, s.beside(chapter{"S05", (*story).joinAgreement}, chapter{"S02", (*story).imaging}, chapter{"S03a", (*story).confirm})...)
	first = append(first, s.beside(chapter{"S04", (*story).treat}, chapter{"S03b", (*story).review})...)
	first = append(first, chapter{"S06", (*story).placeOrder}, chapter{"S07", (*story).input}, chapter{"S08", (*story).designIt},
		chapter{"S09", (*story).verify}, chapter{"S10", (*story).confirmDesign}, chapter{"S11", (*story).produce})
	first = append(first, s.beside(chapter{"S14", (*story).deliverData}, chapter{"S13", (*story).deliver})...)
	return append(first, chapter{"S15", (*story).judge}, chapter{"S16", (*story).accept}, chapter{"S17", (*story).release},
		chapter{"S18", (*story).followUp}, chapter{"S19", (*story).feedBack})
}

// beside puts a chapter somewhere among others.
func (s *story) beside(c chapter, others ...chapter) []chapter {
	return slices.Insert(others, s.dice.IntN(len(others)+1), c)
}

// shuffled calls each once, in an order of the seed.
func (s *story) shuffled(acts ...func()) {
	for _, i := range s.dice.Perm(len(acts)) {
		acts[i]()
	}
}

// counting counts the requests.
type counting struct {
	n    *atomic.Int64
	next http.RoundTripper
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// must is for what the story itself does: reading its input files.
func must(err error) {
	if err != nil {
		stop(err)
	}
}

func readFile(name string) []byte {
	b, err := os.ReadFile(name)
	must(err)
	return b
}
