package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// row is one line of figures: rates of the rounds, how long calls took, and the
// yardstick of the same rounds.
type row struct {
	what     string
	got      series
	took     []time.Duration
	yard     series
	yardName string
	cpu      series // milliseconds of the server's process for one
	goal     string
}

// table collects rows and notes.
type table struct {
	rows  []row
	notes []string
}

func (t *table) add(r row) { t.rows = append(t.rows, r) }

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// markdown writes the table.
func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("| what | median (range) | p50, p99 ms | server CPU ms each | beside it | ratio | goal |\n|---|---|---|---|---|---|---|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.what, r.got.text(), times(r.took), r.cpu.text(), yard(r), ratio(r), r.goal)
	}
	for _, n := range t.notes {
		b.WriteString("\n" + n + "\n")
	}
	return b.String()
}

// text is the median and the range.
func (s series) text() string {
	switch len(s) {
	case 0:
		return ""
	case 1:
		return number(s[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.median()), number(slices.Min(s)), number(slices.Max(s)))
}

func times(took []time.Duration) string {
	if len(took) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s", number(share(took, 0.5)), number(share(took, 0.99)))
}

func yard(r row) string {
	if len(r.yard) == 0 {
		return ""
	}
	return r.yardName + " " + r.yard.text()
}

func ratio(r row) string {
	if len(r.yard) == 0 || r.yard.median() == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*r.got.median()/r.yard.median())
}

// number is a figure with three digits that count.
func number(x float64) string {
	switch {
	case x >= 100:
		return thousands(int(x + 0.5))
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// report is the part of one engine.
func (b *bench) report(about string) string {
	title := map[string]string{"sqlite": "SQLite", "postgres": "PostgreSQL"}[b.name]
	return fmt.Sprintf("\n## %s\n\n%s\n\n%s\n%s", title, about, b.table.markdown(), b.search.markdown())
}
