package ig

import (
	"fmt"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

// Limits bound what one package may cost; a zero field means its default.
type Limits struct {
	Total int64 // bytes of the inflated stream: 2 GiB
	File  int   // bytes of one resource or manifest: 64 MiB
	Files int   // entries of the archive: 100,000
	// Ratio is how many times longer the inflated stream may be than what was
	// read of the package, judged from 16 MiB on: 200. Guides inflate 6 to 30
	// times.
	Ratio int64
	Nodes int // JSON values of one resource: 4 million
}

// ratioFrom is how much may come out before the ratio is judged.
const ratioFrom = 16 << 20

func (l Limits) withDefaults() Limits {
	if l.Total <= 0 {
		l.Total = 2 << 30
	}
	if l.File <= 0 {
		l.File = 64 << 20
	}
	if l.Files <= 0 {
		l.Files = 100_000
	}
	if l.Ratio <= 0 {
		l.Ratio = 200
	}
	return l
}

// refuse makes the failure of a package that cannot be taken. where is the name
// of the entry.
func refuse(where, text, chinese, rule string) *issue.Failure {
	return issue.New(issue.Issue{
		Severity: issue.Fatal, Type: issue.Invalid, Rule: rule, Path: clip(where), Text: text, Chinese: chinese,
	}).WithStatus(422)
}

func tooMuch(where string, limit int64, what, chinese string) *issue.Failure {
	return issue.New(issue.Issue{
		Severity: issue.Fatal, Type: issue.TooLong, Rule: "package-limit", Path: clip(where),
		Text:    fmt.Sprintf("the package has more than %d %s, the limit", limit, what),
		Chinese: fmt.Sprintf("%s超过上限 %d", chinese, limit),
	}).WithStatus(422)
}

// clip makes what a stranger wrote fit to be shown.
func clip(s string) string {
	if len(s) > 120 {
		s = s[:120] + "…"
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
