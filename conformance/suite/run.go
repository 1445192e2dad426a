package suite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Options say which server is asked and how.
type Options struct {
	URL   string // base of the server: "http://host/fhir"
	Token string // sent as Authorization: Bearer; "" sends none

	Match    *regexp.Regexp // ids of the cases that run; nil is all
	Parallel int            // cases at a time; 0 is 8
	Timeout  time.Duration  // of one case; 0 is 30 s
	Client   *http.Client   // nil is one of its own
	Each     func(Result)   // called as results come, one at a time
}

type run struct {
	Options
	base   string
	client *http.Client
	claims *claims

	mu       sync.Mutex
	fixtures map[*group]*fixture
}

// fixture is made once a run, by the first case that needs it.
type fixture struct {
	once sync.Once
	x    *exchange
	err  error
}

// Run asks the server and returns a result for each case, in the order of ids.
// The error tells that nothing could be asked at all: a bad address, or no
// CapabilityStatement of FHIR R4.
func Run(ctx context.Context, o Options) ([]Result, error) {
	all, err := Cases()
	if err != nil {
		return nil, err
	}
	return runCases(ctx, o, all)
}

func runCases(ctx context.Context, o Options, all []*Case) ([]Result, error) {
	r, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, c := range all {
		if o.Match == nil || o.Match.MatchString(c.ID) {
			cases = append(cases, c)
		}
	}
	results := make([]Result, len(cases))
	queue := make(chan int)
	var workers sync.WaitGroup
	for range max(1, r.Parallel) {
		workers.Go(func() {
			for i := range queue {
				results[i] = r.verdict(ctx, cases[i])
				r.tell(results[i])
			}
		})
	}
	for i := range cases {
		queue <- i
	}
	close(queue)
	workers.Wait()
	r.clean(ctx)
	return results, ctx.Err()
}

func start(ctx context.Context, o Options) (*run, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no http(s) address of a server", o.URL)
	}
	if o.Parallel == 0 {
		o.Parallel = 8
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	r := &run{Options: o, base: strings.TrimSuffix(o.URL, "/"), client: o.Client, fixtures: map[*group]*fixture{}}
	if r.client == nil {
		r.client = &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	a, err := r.exchange().send(ctx, http.MethodGet, "metadata", "", nil)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK || text(one(a.body, "resourceType")) != "CapabilityStatement" {
		return nil, fmt.Errorf("no CapabilityStatement at /metadata:\n%s", a)
	}
	if r.claims, err = readClaims(a.raw); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.claims.FHIRVersion, "4.0") {
		return nil, fmt.Errorf("the server speaks FHIR %q; the suite asks for R4 (4.0.1)", r.claims.FHIRVersion)
	}
	return r, nil
}

func (r *run) tell(result Result) {
	if r.Each == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Each(result)
}

// verdict runs a case.
func (r *run) verdict(ctx context.Context, c *Case) Result {
	begun := time.Now()
	result := Result{Case: c, Verdict: Passed}
	if missing := r.claims.missing(c.Needs); len(missing) > 0 {
		result.Verdict, result.Reason = Unclaimed, strings.Join(missing, ", ")
		return result
	}
	err := r.attempt(ctx, c)
	result.Took = time.Since(begun)
	var no *refused
	switch {
	case err == nil:
	case errors.As(err, &no):
		result.Verdict, result.Reason = Declined, no.why
	default:
		result.Verdict = Failed
		var f *fault
		if c.Level == Should || c.Level == May && c.Optional || errors.As(err, &f) && f.mild {
			result.Verdict = Advised
		}
		result.Reason = err.Error()
	}
	return result
}

func (r *run) attempt(ctx context.Context, c *Case) error {
	cleaning := ctx
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	x := r.exchange()
	if c.group != nil && len(c.group.fixture) > 0 {
		made, err := r.fixture(c.group)
		if err != nil {
			return err
		}
		x = r.within(made)
	}
	defer func() { // also after the time of the case is up
		ctx, cancel := context.WithTimeout(context.WithoutCancel(cleaning), r.Timeout)
		defer cancel()
		x.clean(ctx)
	}()
	if c.run != nil {
		return c.run(ctx, x)
	}
	for _, s := range c.steps {
		if err := x.play(ctx, s, c.Optional); err != nil {
			return err
		}
	}
	return nil
}

// fixture makes the resources of a group, once a run.
func (r *run) fixture(g *group) (*exchange, error) {
	r.mu.Lock()
	f := r.fixtures[g]
	if f == nil {
		f = &fixture{x: r.exchange()}
		r.fixtures[g] = f
	}
	r.mu.Unlock()
	f.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), r.Timeout) // it is for other cases too
		defer cancel()
		for _, s := range g.fixture {
			if f.err = f.x.play(ctx, s, false); f.err != nil {
				return
			}
		}
	})
	return f.x, f.err
}

func (r *run) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*r.Timeout)
	defer cancel()
	for _, f := range r.fixtures {
		f.x.clean(ctx)
	}
}
