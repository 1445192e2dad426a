package demo

import (
	"fmt"
	"io"
	"strings"
)

// teller prints the story, a line an event.
type teller struct{ out io.Writer }

// chapter heads a stage: S06 Order 订单.
func (t *teller) chapter(stage, title, chinese string) {
	fmt.Fprintf(t.out, "\n%-4s  %s  %s\n", stage, title, chinese)
}

// line tells what somebody did.
func (t *teller) line(stage string, by *person, format string, args ...any) {
	fmt.Fprintf(t.out, "%-4s  %-5s %s\n", stage, by.role, short(fmt.Sprintf(format, args...)))
}

// note tells something of no person.
func (t *teller) note(stage, format string, args ...any) {
	text := strings.TrimSpace(short(fmt.Sprintf(format, args...)))
	fmt.Fprintf(t.out, "%-4s        %s\n", stage, strings.ReplaceAll(text, "\n", "\n            "))
}

// refusal tells a refusal that was provoked.
func (t *teller) refusal(r Refusal, chinese string, more int) {
	element := ""
	if r.Element != "" {
		element = " [" + r.Element + "]"
	}
	fmt.Fprintf(t.out, "%-4s  %-5s ✗ %d %s%s: %s\n", r.Stage, r.Role, r.Status, r.Rule, element, short(r.Text))
	if chinese != "" {
		fmt.Fprintf(t.out, "              %s\n", short(chinese))
	}
	if more > 0 {
		fmt.Fprintf(t.out, "              and %d conditions more\n", more)
	}
}

// short cuts the ids in a text to eight characters, so that lines can be read.
func short(s string) string {
	const id = 36
	var b strings.Builder
	for i := 0; i < len(s); {
		if i+id <= len(s) && isUUID(s[i:i+id]) {
			b.WriteString(s[i : i+8])
			i += id
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func isUUID(s string) bool {
	for i := range len(s) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen != (s[i] == '-'):
			return false
		case !hyphen && !strings.ContainsRune("0123456789abcdef", rune(s[i])):
			return false
		}
	}
	return true
}
