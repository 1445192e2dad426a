package suite

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Formats are the forms of a report.
var Formats = []string{"text", "tsv", "json", "junit"}

// Write writes a report in one of Formats.
func Write(w io.Writer, format string, results []Result) error {
	switch format {
	case "text":
		return writeText(w, results)
	case "tsv":
		return writeTSV(w, results)
	case "json":
		return writeJSON(w, results)
	case "junit":
		return writeJUnit(w, results)
	}
	return fmt.Errorf("format %q is none of %s", format, strings.Join(Formats, ", "))
}

// Failures tells whether anything failed that a server must do, or that it may
// leave but claims.
func Failures(results []Result) bool { return Count(results, Failed) > 0 }

// writeText shows what is not passed in full, then the sum.
func writeText(w io.Writer, results []Result) error {
	for _, r := range results {
		if r.Verdict != Failed && r.Verdict != Advised {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s %s\n  %s\n  %s %s\n  %s\n\n", strings.ToUpper(string(r.Verdict)), r.ID, r.Title, r.Level, r.Clause,
			strings.ReplaceAll(r.Reason, "\n", "\n  ")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, Sum(results))
	return err
}

// Sum is one line: how many cases have which verdict.
func Sum(results []Result) string {
	parts := []string{fmt.Sprintf("%d cases", len(results))}
	for _, v := range []Verdict{Passed, Failed, Advised, Declined, Unclaimed} {
		parts = append(parts, fmt.Sprintf("%d %s", Count(results, v), v))
	}
	return strings.Join(parts, ", ")
}

// writeTSV is one line a case: stable between runs, to be compared.
func writeTSV(w io.Writer, results []Result) error {
	if _, err := fmt.Fprintln(w, "case\tlevel\tverdict\tclause"); err != nil {
		return err
	}
	for _, r := range results {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Level, r.Verdict, r.Clause); err != nil {
			return err
		}
	}
	return nil
}

type row struct {
	ID           string  `json:"id"`
	Title        string  `json:"title"`
	Clause       string  `json:"clause"`
	Level        Level   `json:"level"`
	Needs        []Need  `json:"needs,omitempty"`
	Verdict      Verdict `json:"verdict"`
	Reason       string  `json:"reason,omitempty"`
	Milliseconds int64   `json:"milliseconds"`
}

func writeJSON(w io.Writer, results []Result) error {
	rows := make([]row, 0, len(results))
	for _, r := range results {
		rows = append(rows, row{r.ID, r.Title, r.Clause, r.Level, r.Needs, r.Verdict, r.Reason, r.Took.Milliseconds()})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(rows)
}

type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Time    string     `xml:"time,attr"`
		Failure *junitText `xml:"failure"`
		Skipped *junitText `xml:"skipped"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit is the XML that build servers read: what is advised, declined or
// not claimed is skipped there.
func writeJUnit(w io.Writer, results []Result) error {
	s := junitSuite{Name: "FHIR R4", Tests: len(results)}
	for _, r := range results {
		class, name, _ := strings.Cut(r.ID, "/")
		c := junitCase{Class: class, Name: name, Time: fmt.Sprintf("%.3f", r.Took.Round(time.Millisecond).Seconds())}
		told := &junitText{Message: fmt.Sprintf("%s: %s (%s %s)", r.Verdict, r.Title, r.Level, r.Clause), Text: r.Reason}
		switch r.Verdict {
		case Passed:
		case Failed:
			s.Failures++
			c.Failure = told
		default:
			s.Skipped++
			c.Skipped = told
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
