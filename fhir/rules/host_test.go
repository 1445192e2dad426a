package rules_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/rules"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// host calls the rules as the validator does: one for each object of the
// document, by its type.
type host struct {
	lib    *definition.Library
	issues []string
	t      testing.TB
}

func (h *host) judge(n tree.Node) []string {
	name := n.Field("resourceType").Str()
	c := &rules.Context{Model: r4.Model(), Library: h.lib, Root: n, Shared: new(rules.Shared)}
	h.object(c, n, r4.Model().Type(name), name, n)
	return h.issues
}

func (h *host) object(c *rules.Context, n tree.Node, t *schema.Type, at string, resource tree.Node) {
	if n.Kind() != tree.Object {
		return
	}
	if name := n.Field("resourceType").Str(); name != "" {
		t, resource = c.Model.Type(name), n
	}
	if t == nil {
		return
	}
	if rule := rules.Of(t.Name); rule != nil {
		c.Resource = resource
		c.Report = func(sub string, is issue.Issue) {
			if is.Text == "" || is.Chinese == "" || is.Type == "" || is.Rule == "" || sub != "" && sub[0] != '.' {
				h.t.Errorf("Report(%q, %+v) lacks a text, type or rule", sub, is)
			}
			h.issues = append(h.issues, string(is.Severity)+" "+is.Rule+" "+at+sub)
		}
		rule(c, n)
	}
	for field, v := range n.Fields() {
		e := t.Element(field)
		if e == nil {
			continue
		}
		if v.Kind() != tree.Array {
			h.object(c, v, e.Type, at+"."+e.Name, resource)
			continue
		}
		i := 0
		for item := range v.Items() {
			h.object(c, item, e.Type, at+"."+e.Name+"["+itoa(i)+"]", resource)
			i++
		}
	}
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return itoa(i/10) + string(rune('0'+i%10))
}

func node(t testing.TB, src string) tree.Node {
	t.Helper()
	d, err := tree.Parse([]byte(strings.ReplaceAll(src, "'", `"`)))
	if err != nil {
		t.Fatalf("%v in %.300s", err, src)
	}
	return d.Root()
}

type judged struct {
	name, src string
	want      []string
}

func run(t *testing.T, table []judged) {
	t.Helper()
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			h := &host{t: t}
			if got := h.judge(node(t, c.src)); !slices.Equal(got, c.want) {
				t.Errorf("rules = %q, want %q", got, c.want)
			}
		})
	}
}

func list(s ...string) []string { return s }
