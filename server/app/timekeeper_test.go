package app_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/server/app"
)

func TestTimekeeper(t *testing.T) {
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		o      app.Clock
		offset time.Duration
		err    error
		rule   string
		want   string
	}{
		{"R000-021 nothing configured is said so", app.Clock{}, 0, nil, "", "system clock; not compared"},
		{"R000-021 what the operator states", app.Clock{Source: "PTP of the hospital"}, 0, nil, "", "PTP of the hospital; not compared"},
		{"R000-021 source and drift", app.Clock{Servers: []string{"ntp.test"}}, 12 * time.Millisecond, nil, "", "system clock; +0.012 s against ntp.test at 2026-03-01T08:00:00Z"},
		{"R000-021 behind", app.Clock{Servers: []string{"ntp.test"}}, -1500 * time.Millisecond, nil, "", "-1.500 s against"},
		{"R001-035 ahead of what is allowed", app.Clock{Servers: []string{"ntp.test"}}, 2001 * time.Millisecond, nil, "clock-drift", ""},
		{"R001-035 behind what is allowed", app.Clock{Servers: []string{"ntp.test"}, MaxDrift: 100 * time.Millisecond}, -101 * time.Millisecond, nil, "clock-drift", ""},
		{"R001-035 no server answers", app.Clock{Servers: []string{"ntp.test"}}, 0, errors.New("silence"), "clock-unknown", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := app.NewTimekeeper(c.o, func() time.Time { return start }, func() time.Duration { return 0 }, func(context.Context, string) (time.Duration, error) { return c.offset, c.err })
			got, err := k.Statement(t.Context())
			if f := issue.As(err); c.rule != "" && (f == nil || f.Issues[0].Rule != c.rule || f.HTTPStatus() != 503) {
				t.Errorf("Statement() = %v, want %s", err, c.rule)
			} else if c.rule == "" && (err != nil || !strings.Contains(got, c.want)) {
				t.Errorf("Statement() = %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// TestTimekeeperOverTime: a comparison holds for a while, an old one while no
// server answers, and none once the clock was set.
func TestTimekeeperOverTime(t *testing.T) {
	now := time.Now()
	asked, fail := 0, false
	passed := time.Duration(0)
	later := func(d time.Duration) { now, passed = now.Add(d), passed+d }
	k := app.NewTimekeeper(app.Clock{Servers: []string{"a", "b"}}, func() time.Time { return now }, func() time.Duration { return passed }, func(_ context.Context, server string) (time.Duration, error) {
		asked++
		if fail || server == "a" {
			return 0, errors.New("silence")
		}
		return time.Millisecond, nil
	})
	for _, step := range []struct {
		what  string
		do    func()
		asked int
		rule  string
	}{
		{"the first time both are asked", func() {}, 2, ""},
		{"a minute later none", func() { later(time.Minute) }, 0, ""},
		{"after ten minutes again", func() { later(10 * time.Minute) }, 2, ""},
		{"while none answers the last one holds", func() { fail = true; later(time.Hour) }, 2, ""},
		{"not for ever", func() { later(2 * time.Hour) }, 2, "clock-unknown"},
		{"until one answers", func() { fail = false }, 2, ""},
		{"R001-035 the clock was set back while none answers", func() { fail = true; now = now.Add(-time.Minute) }, 2, "clock-unknown"},
	} {
		asked = 0
		step.do()
		_, err := k.Statement(t.Context())
		f := issue.As(err)
		if asked != step.asked || (step.rule == "") != (err == nil) || f != nil && f.Issues[0].Rule != step.rule {
			t.Errorf("%s: asked %d times, %v; want %d times, %q", step.what, asked, err, step.asked, step.rule)
		}
	}
}

// TestAskNTP asks a server of its own, which answers as RFC 4330 says, and others
// that do not.
func TestAskNTP(t *testing.T) {
	serve := func(answer func(q []byte) []byte) string {
		c, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		go func() {
			q := make([]byte, 64)
			for {
				n, from, err := c.ReadFrom(q)
				if err != nil {
					return
				}
				if a := answer(q[:n]); a != nil {
					_, _ = c.WriteTo(a, from)
				}
			}
		}()
		return c.LocalAddr().String()
	}
	stamp := func(at time.Time) uint64 {
		return uint64(at.Unix()+2208988800)<<32 | uint64(at.Nanosecond())<<32/1_000_000_000
	}
	good := func(q []byte, ahead time.Duration) []byte {
		a := make([]byte, 48)
		a[0], a[1] = 0x24, 2 // version 4, server, stratum 2
		copy(a[24:], q[40:48])
		binary.BigEndian.PutUint64(a[32:], stamp(time.Now().Add(ahead)))
		binary.BigEndian.PutUint64(a[40:], stamp(time.Now().Add(ahead)))
		return a
	}
	changed := func(i int, b byte) func([]byte) []byte {
		return func(q []byte) []byte { a := good(q, 0); a[i] = b; return a }
	}
	for _, ahead := range []time.Duration{0, 90 * time.Second, -time.Hour} {
		got, err := app.AskNTP(t.Context(), serve(func(q []byte) []byte { return good(q, ahead) }))
		if err != nil || (got+ahead).Abs() > 100*time.Millisecond {
			t.Errorf("askNTP() of a server that is %v ahead = %v, %v", ahead, got, err)
		}
	}
	for name, answer := range map[string]func([]byte) []byte{
		"another question": changed(24, 0xff), "not synchronised": changed(0, 0xe4), "a client": changed(0, 0x23), "stratum 0": changed(1, 0), "stratum 16": changed(1, 16),
		"short": func(q []byte) []byte { return good(q, 0)[:47] }, "no time": func(q []byte) []byte { a := good(q, 0); clear(a[40:]); return a },
	} {
		if got, err := app.AskNTP(t.Context(), serve(answer)); err == nil {
			t.Errorf("%s: askNTP() = %v, nil", name, got)
		}
	}
}

func FuzzNTP(f *testing.F) {
	f.Add(make([]byte, 48))
	f.Fuzz(func(_ *testing.T, m []byte) {
		_, _ = app.NTPOffset(m, time.Unix(1e9, 0), time.Unix(1e9, 1))
	})
}
