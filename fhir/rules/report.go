package rules

import (
	"fmt"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// fail, warn and inform report an issue of their severity at a place below the
// object in hand.
func (c *Context) fail(sub string, t issue.Type, rule, text, chinese string) {
	c.Report(sub, issue.Issue{Severity: issue.Error, Type: t, Rule: rule, Text: text, Chinese: chinese})
}

func (c *Context) warn(sub string, t issue.Type, rule, text, chinese string) {
	c.Report(sub, issue.Issue{Severity: issue.Warning, Type: t, Rule: rule, Text: text, Chinese: chinese})
}

func (c *Context) inform(sub string, t issue.Type, rule, text, chinese string) {
	c.Report(sub, issue.Issue{Severity: issue.Information, Type: t, Rule: rule, Text: text, Chinese: chinese})
}

// under is the place of the i-th item of a list: ".entry[3]".
func under(sub, name string, i int) string {
	return sub + "." + name + "[" + strconv.Itoa(i) + "]"
}

// list joins at most ten values for a message.
func list(values []string) string {
	if len(values) > 10 {
		return strings.Join(values[:10], ", ") + fmt.Sprintf(" … (%d in all)", len(values))
	}
	return strings.Join(values, ", ")
}

// text is a member that must be a string to say anything.
func text(n tree.Node, name string) string { return n.Field(name).Str() }
