package snapshot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/snapshot"
	"tenon/fhir/tree"
)

// TestPublished makes the snapshots of published packages anew and compares
// them with the published ones, element by element. TENON_PACKAGES lists the
// folders of unpacked packages, the base package first, by ":".
func TestPublished(t *testing.T) {
	folders := filepath.SplitList(os.Getenv("TENON_PACKAGES"))
	if len(folders) == 0 {
		t.Skip("TENON_PACKAGES is not set: no published packages to compare with")
	}
	lib := (*definition.Library)(nil)
	var subjects []*definition.Resource
	for _, folder := range folders {
		subjects = readFolder(t, folder)
		lib = lib.With(subjects...)
	}
	tally := newTally()
	for _, res := range subjects {
		compareWithPublished(t, tally, res, lib)
	}
	tally.print(t)
}

func readFolder(t *testing.T, folder string) []*definition.Resource {
	files, err := filepath.Glob(filepath.Join(folder, "StructureDefinition-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []*definition.Resource
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		res, err := definition.Read(body, filepath.Base(folder))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		list = append(list, res)
	}
	return list
}

// compared are the members that the rules of validation are made of.
var compared = []string{"min", "max", "type", "contentReference", "fixed", "pattern", "minValue", "maxValue", "maxLength",
	"binding", "slicing", "constraint", "condition", "mustSupport", "isModifier", "isSummary", "base", "sliceName", "path",
	"short", "definition", "comment", "requirements", "alias", "mapping", "extension", "representation", "meaningWhenMissing", "orderMeaning"}

type tally struct {
	definitions, exact, elements, alike int
	members                             map[string][2]int
	notes                               map[string][]string
}

func newTally() *tally {
	return &tally{members: map[string][2]int{}, notes: map[string][]string{}}
}

func (c *tally) note(kind, what string) { c.notes[kind] = append(c.notes[kind], what) }

func compareWithPublished(t *testing.T, c *tally, res *definition.Resource, lib *definition.Library) {
	n, err := res.Node()
	if err != nil {
		t.Fatal(err)
	}
	if !n.Field("snapshot").Exists() || !n.Field("differential").Exists() {
		return
	}
	c.definitions++
	made, err := snapshot.Generate(n, lib)
	if err != nil {
		c.note("refused", res.ID+": "+err.Error())
		return
	}
	doc, err := tree.Parse(made)
	if err != nil {
		t.Fatalf("%s: what was made is no JSON: %v", res.ID, err)
	}
	if c.compare(res.ID, elementsOf(doc.Root()), elementsOf(n)) {
		c.exact++
	}
}

type listed struct {
	ids  []string
	byID map[string]tree.Node
}

func elementsOf(n tree.Node) listed {
	l := listed{byID: map[string]tree.Node{}}
	for e := range n.Path("snapshot", "element").Items() {
		id := e.Field("id").Str()
		l.ids = append(l.ids, id)
		l.byID[id] = e
	}
	return l
}

func (c *tally) compare(name string, made, want listed) bool {
	exact := slices.Equal(made.ids, want.ids)
	if !exact {
		c.note("order", name+diff(made.ids, want.ids))
	}
	for _, id := range want.ids {
		m, ok := made.byID[id]
		c.elements++
		if !ok {
			continue
		}
		alike := true
		for _, member := range compared {
			got, wanted := essence(m, member), essence(want.byID[id], member)
			n := c.members[member]
			n[1]++
			if got == wanted {
				n[0]++
			} else {
				c.note(member, fmt.Sprintf("%s %s: %.300s, published %.300s", name, id, got, wanted))
				alike = false
			}
			c.members[member] = n
		}
		if alike {
			c.alike++
		} else {
			exact = false
		}
	}
	return exact
}

func diff(made, want []string) string {
	var b strings.Builder
	for _, id := range want {
		if !slices.Contains(made, id) {
			b.WriteString(" -" + id)
		}
	}
	for _, id := range made {
		if !slices.Contains(want, id) {
			b.WriteString(" +" + id)
		}
	}
	return b.String()
}

// essence is what a member says, in a form that two spellings share.
func essence(e tree.Node, member string) string {
	v := e.Field(member)
	switch member {
	case "fixed", "pattern", "minValue", "maxValue":
		for name, v := range e.Fields() {
			if strings.HasPrefix(name, member) {
				return name + string(v.Raw())
			}
		}
		return ""
	case "constraint":
		return keys(v, "key")
	case "mustSupport", "isModifier", "isSummary":
		return fmt.Sprint(v.Bool())
	case "binding":
		return v.Field("strength").Str() + " " + plain(v.Field("valueSet"))
	case "mapping":
		return keys(v, "map")
	case "short", "definition", "comment", "requirements":
		return strings.Join(strings.Fields(v.Str()), " ")
	case "extension":
		return keys(v, "url")
	}
	return plain(v)
}

func keys(list tree.Node, name string) string {
	var all []string
	for n := range list.Items() {
		all = append(all, n.Field(name).Str())
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

// plain writes JSON without white space and with sorted members.
func plain(n tree.Node) string {
	switch n.Kind() {
	case tree.Object:
		var all []string
		for name, v := range n.Fields() {
			all = append(all, name+":"+plain(v))
		}
		sort.Strings(all)
		return "{" + strings.Join(all, ",") + "}"
	case tree.Array:
		var all []string
		for v := range n.Items() {
			all = append(all, plain(v))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	text, _, _ := strings.Cut(string(n.Raw()), "|") // a pinned version is the publisher's
	return strings.Trim(text, `"`)
}

func (c *tally) print(t *testing.T) {
	t.Logf("%d of %d definitions equal in every member; %d of %d elements", c.exact, c.definitions, c.alike, c.elements)
	for _, member := range compared {
		n := c.members[member]
		t.Logf("%-20s %d of %d", member, n[0], n[1])
	}
	kinds := make([]string, 0, len(c.notes))
	for kind := range c.notes {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	most := 12
	if os.Getenv("TENON_ALL") != "" {
		most = 1 << 30
	}
	for _, kind := range kinds {
		t.Logf("--- %s: %d", kind, len(c.notes[kind]))
		for _, n := range c.notes[kind][:min(most, len(c.notes[kind]))] {
			t.Logf("    %s", n)
		}
	}
}
