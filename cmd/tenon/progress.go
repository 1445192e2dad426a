package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress is one line on standard error that is written anew while something
// goes on: on a terminal, or where it is asked for (then as many lines).
type progress struct {
	out   io.Writer // nil: silent
	lines bool
	last  time.Time
	width int
}

// eachProgress is how often the line is written.
const eachProgress = 200 * time.Millisecond

func newProgress(asked bool) *progress {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	if !terminal && !asked {
		return &progress{}
	}
	return &progress{out: os.Stderr, lines: !terminal}
}

// show writes the line if the last one is old enough, or if it must stand.
func (p *progress) show(must bool, format string, args ...any) {
	if p.out == nil || !must && time.Since(p.last) < eachProgress {
		return
	}
	p.last = time.Now()
	text := fmt.Sprintf(format, args...)
	if p.lines {
		fmt.Fprintln(p.out, text)
		return
	}
	fmt.Fprint(p.out, "\r", text, strings.Repeat(" ", max(0, p.width-len(text))))
	p.width = len(text)
}

// done clears the line of a terminal.
func (p *progress) done() {
	if p.out != nil && !p.lines && p.width > 0 {
		fmt.Fprint(p.out, "\r", strings.Repeat(" ", p.width), "\r")
		p.width = 0
	}
}
