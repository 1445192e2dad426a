package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"tenon/fhir/issue"
)

// Clock says what the server's clock, which is evidence, is judged by.
type Clock struct {
	Servers  []string      `help:"Time servers (NTP, host or host:port) that the clock is compared with before something is signed. None by default." env:"TENON_CLOCK_SERVERS"`
	Source   string        `help:"What the operator states of the clock, e.g. 'chronyd, NTSC stratum 1'; it is recorded with every signature." env:"TENON_CLOCK_SOURCE"`
	MaxDrift time.Duration `help:"Nothing is signed while the clock is off by more." default:"2s" env:"TENON_CLOCK_MAX_DRIFT"`
}

func (c *Clock) validate() error {
	if c.MaxDrift < 0 || c.MaxDrift > time.Hour {
		return errors.New("clock-max-drift: it lies between nothing and an hour")
	}
	if len(c.Source) > 200 || strings.ContainsFunc(c.Source, func(r rune) bool { return r < ' ' }) {
		return errors.New("clock-source: one line of at most 200 bytes")
	}
	for _, s := range c.Servers {
		if s == "" || strings.ContainsAny(s, " /@") {
			return fmt.Errorf("clock-servers: %q is no host", s)
		}
	}
	return nil
}

// How old a comparison may be, and how old a last one that still counts while no
// server answers.
const (
	freshDrift = 10 * time.Minute
	staleDrift = 2 * time.Hour
)

// timekeeper compares the clock with time servers.
type timekeeper struct {
	o       Clock
	clock   func() time.Time
	elapsed func() time.Duration // by a clock that nobody sets
	query   func(ctx context.Context, server string) (time.Duration, error)

	mu      sync.Mutex
	server  string
	offset  time.Duration
	at      time.Time     // of the last comparison
	reading time.Duration // when it was, by elapsed
}

func newTimekeeper(o Clock) *timekeeper {
	if o.MaxDrift == 0 {
		o.MaxDrift = 2 * time.Second
	}
	start := time.Now()
	return &timekeeper{o: o, clock: time.Now, elapsed: func() time.Duration { return time.Since(start) }, query: askNTP}
}

// Statement implements record.Timekeeper.
func (t *timekeeper) Statement(ctx context.Context) (string, error) {
	source := t.o.Source
	if source == "" {
		source = "system clock"
	}
	if len(t.o.Servers) == 0 {
		return source + "; not compared", nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	if t.at.IsZero() || t.jumped(now) || now.Sub(t.at) > freshDrift {
		t.compare(ctx)
		now = t.clock()
	}
	switch {
	case t.at.IsZero() || now.Sub(t.at) > staleDrift:
		return "", issue.Errorf(issue.Transient, "No time server tells whether the server's clock is right, so nothing is signed.").
			Rule("clock-unknown").Clause("R001-035").WithStatus(503).Chinese("时间服务器不可用，无法确认服务器时钟，暂不能签名。")
	case t.offset.Abs() > t.o.MaxDrift:
		return "", issue.Errorf(issue.Exception, "The server's clock is off by %s (%s allowed), so nothing is signed. Tell the operator.", t.offset.Round(time.Millisecond), t.o.MaxDrift).
			Rule("clock-drift").Clause("R001-035").WithStatus(503).Chinese("服务器时钟偏差超出允许范围，暂不能签名，请联系管理员。")
	}
	return fmt.Sprintf("%s; %+.3f s against %s at %s", source, t.offset.Seconds(), t.server, t.at.UTC().Format(time.RFC3339)), nil
}

// jumped tells whether the clock was set since the comparison: the time that it
// says has passed is not the time that has passed.
func (t *timekeeper) jumped(now time.Time) bool {
	wall := now.Round(0).Sub(t.at.Round(0))
	return (wall - (t.elapsed() - t.reading)).Abs() > t.o.MaxDrift/2
}

// compare asks the servers in turn; the first that answers counts.
func (t *timekeeper) compare(ctx context.Context) {
	jumped := !t.at.IsZero() && t.jumped(t.clock())
	for _, s := range t.o.Servers {
		offset, err := t.query(ctx, s)
		if err == nil {
			t.server, t.offset, t.at, t.reading = s, offset, t.clock(), t.elapsed()
			return
		}
	}
	if jumped {
		t.at = time.Time{} // what was found does not hold for the clock as it is now
	}
}

// askNTP tells by how much the clock differs from a server's: positive when it is
// ahead. https://www.rfc-editor.org/rfc/rfc4330#section-5
func askNTP(ctx context.Context, server string) (time.Duration, error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(server, "123")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "udp", server)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return 0, err
	}
	sent := time.Now()
	if _, err := c.Write(ntpRequest(sent)); err != nil {
		return 0, err
	}
	answer := make([]byte, 512)
	n, err := c.Read(answer)
	if err != nil {
		return 0, err
	}
	return ntpOffset(answer[:n], sent, time.Now())
}
