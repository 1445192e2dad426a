package profiles_test

import (
	"cmp"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles"
)

var update = flag.Bool("update", false, "write CLAUSES.md anew")

const clausesFile = "CLAUSES.md"

// unanswered are the must rows of 001 and 003 that no artefact of the guide
// answers, and why.
var unanswered = map[string]string{
	"R001-006": "kinds of the engineering party: Organization.type of the directory; no rule of a case",
	"R001-031": "protection in transmission and storage: the server (TLS at the proxy, encrypted files, hashes)",
	"R001-044": "loss-free transfer: the server, proven by kills and power loss",
	"R001-138": "the server: bulk export is the replica, $reconcile compares",
	"R001-144": "traceability: $trace and $recall of the server",
	"R001-149": "inspection at any time: search, history and audit of the server",
}

// answers collects, by row, the artefacts that answer it.
type answers map[string][]string

func (a answers) add(ids, artefact string) {
	for _, id := range rowIDs.FindAllString(ids, -1) {
		if !slices.Contains(a[id], artefact) {
			a[id] = append(a[id], artefact)
		}
	}
}

var rowIDs = regexp.MustCompile(`R00[0-4]-\d{3}`)

// collect reads one definition.
func (a answers) collect(n tree.Node) {
	at := n.Field("resourceType").Str() + "/" + n.Field("id").Str()
	switch n.Field("resourceType").Str() {
	case "StructureDefinition":
		for e := range n.Path("differential", "element").Items() {
			a.element(strings.TrimPrefix(at, "StructureDefinition/"), e)
		}
	case "PlanDefinition":
		a.plan(n.Field("id").Str(), n)
	default: // limits, questionnaires, search parameters
		a.tagged(at, n)
	}
}

// element reads the mappings of an element: one whose comment is the key of an
// invariant is that invariant's.
func (a answers) element(profile string, e tree.Node) {
	for m := range e.Field("mapping").Items() {
		if m.Field("identity").Str() != "requirement" {
			continue
		}
		artefact := profile + " `" + e.Field("id").Str() + "`"
		if key := m.Field("comment").Str(); strings.HasPrefix(key, "tenon-") {
			artefact = profile + " invariant `" + key + "`"
		} else if keys := invariants(e); len(keys) > 0 && !individually(e) {
			artefact += " invariants `" + strings.Join(keys, "`, `") + "`"
		}
		a.add(m.Field("map").Str(), artefact)
	}
}

func invariants(e tree.Node) (keys []string) {
	for c := range e.Field("constraint").Items() {
		keys = append(keys, string(c.Field("key").AppendStr(nil)))
	}
	return keys
}

func individually(e tree.Node) bool {
	for m := range e.Field("mapping").Items() {
		if strings.HasPrefix(m.Field("comment").Str(), "tenon-") {
			return true
		}
	}
	return false
}

// plan reads what the header, the stages, their conditions and signatures state.
func (a answers) plan(id string, n tree.Node) {
	for e := range n.Field("extension").Items() {
		a.parted("plan "+id, e)
	}
	for action := range n.Field("action").Items() {
		stage := "plan " + id + " " + action.Field("id").Str()
		for e := range action.Field("extension").Items() {
			if e.Field("url").Str() == clauseURL {
				a.add(e.Field("valueString").Str(), stage)
			}
			a.parted(stage, e)
		}
		for c := range action.Field("condition").Items() {
			for e := range c.Field("extension").Items() {
				if e.Field("url").Str() == clauseURL {
					a.add(e.Field("valueString").Str(), stage+" condition `"+c.Path("expression", "name").Str()+"`")
				}
			}
		}
	}
}

const clauseURL = "urn:tenon:extension:clause"

// parted reads an extension of parts: a signature, a setting, an exception …
func (a answers) parted(of string, e tree.Node) {
	url := e.Field("url").Str()
	kind, name := url[strings.LastIndexByte(url, ':')+1:], ""
	var ids []string
	for part := range e.Field("extension").Items() {
		switch part.Field("url").Str() {
		case "id", "code":
			name = cmp.Or(name, part.Field("valueString").Str(), part.Field("valueCode").Str())
		case "clause":
			ids = append(ids, part.Field("valueString").Str())
		}
	}
	artefact := of + " " + kind
	if name != "" {
		artefact += " `" + name + "`"
	}
	a.add(strings.Join(ids, " "), strings.Clone(artefact))
}

// tagged reads extension clause wherever it stands; the items of a questionnaire
// by their linkId.
func (a answers) tagged(at string, n tree.Node) {
	if n.Kind() == tree.Array {
		for item := range n.Items() {
			a.tagged(at, item)
		}
		return
	}
	for name, child := range n.Fields() {
		switch name {
		case "extension":
			for e := range child.Items() {
				if e.Field("url").Str() == clauseURL {
					a.add(e.Field("valueString").Str(), at)
				}
			}
		case "item":
			for item := range child.Items() {
				base, _, _ := strings.Cut(at, " ")
				a.tagged(base+" item `"+item.Field("linkId").Str()+"`", item)
			}
		default:
			if child.Kind() == tree.Object || child.Kind() == tree.Array {
				a.tagged(at, child)
			}
		}
	}
}

// rowsOfSources are the rows of 001 and 003.
func rowsOfSources(t *testing.T) (rows [][]string) {
	t.Helper()
	f, err := os.Open("../conformance/requirements.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all[1:] {
		if strings.HasPrefix(r[0], "R001-") || strings.HasPrefix(r[0], "R003-") {
			rows = append(rows, r)
		}
	}
	return rows
}

func table(rows [][]string, a answers) string {
	var b strings.Builder
	b.WriteString("# Which clause is answered by what\n\nMade by `go test ./profiles -run Clauses -update` from the mappings of profiles, the clauses of plans, limits and questionnaires. " +
		"What proves each row is in [requirements.csv](../conformance/requirements.csv).\n\n| row | clause | level | requirement | artefacts |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		list := slices.Sorted(slices.Values(a[r[0]]))
		text := strings.Join(list, "<br>")
		if len(list) == 0 {
			text = unanswered[r[0]]
			if text != "" {
				text = "none: " + text
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r[0], r[2], r[5], strings.ReplaceAll(r[6], "|", `\|`), strings.ReplaceAll(text, "|", `\|`))
	}
	return b.String()
}

// TestClauses: the table is current, and every must row has an artefact or a
// reason.
func TestClauses(t *testing.T) {
	a := answers{}
	for _, body := range profiles.Definitions() {
		a.collect(parse(t, body))
	}
	rows := rowsOfSources(t)
	known := map[string]bool{}
	for _, r := range rows {
		known[r[0]] = true
		switch has, reason := len(a[r[0]]) > 0, unanswered[r[0]]; {
		case has && reason != "":
			t.Errorf("%s is answered by %v and need not be excused", r[0], a[r[0]])
		case !has && reason == "" && r[5] == "must":
			t.Errorf("no artefact answers %s (%s), and no reason is given", r[0], r[6])
		}
	}
	for id, artefacts := range a {
		if (strings.HasPrefix(id, "R001") || strings.HasPrefix(id, "R003")) && !known[id] {
			t.Errorf("%v answer %s, which is no row", artefacts, id)
		}
	}
	want := table(rows, a)
	if *update {
		if err := os.WriteFile(clausesFile, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(clausesFile)
	if err != nil || string(got) != want {
		t.Errorf("%s is not current (%v): go test ./profiles -run Clauses -update", clausesFile, err)
	}
}

// TestClausesCollect: what is read from a definition.
func TestClausesCollect(t *testing.T) {
	a := answers{}
	for _, text := range []string{
		`{"resourceType":"StructureDefinition","id":"profile-x","differential":{"element":[{"id":"Device.lotNumber","mapping":[{"identity":"requirement","map":"R001-158"},{"identity":"data","map":"R001-999"}]},
			{"id":"Device","constraint":[{"key":"tenon-a"},{"key":"tenon-b"}],"mapping":[{"identity":"requirement","map":"R001-001 R001-002","comment":"tenon-a"}]}]}}`,
		`{"resourceType":"PlanDefinition","id":"p","extension":[{"url":"urn:tenon:extension:setting","extension":[{"url":"code","valueCode":"image-age"},{"url":"clause","valueString":"R001-003"}]}],
			"action":[{"id":"S01","extension":[{"url":"urn:tenon:extension:clause","valueString":"R001-004"},{"url":"urn:tenon:extension:signature","extension":[{"url":"id","valueString":"by-x"},{"url":"clause","valueString":"R001-005"}]}],
			"condition":[{"extension":[{"url":"urn:tenon:extension:clause","valueString":"R001-006"}],"expression":{"name":"c"}}]}]}`,
		`{"resourceType":"Questionnaire","id":"q","item":[{"linkId":"1","item":[{"linkId":"1.1","extension":[{"url":"urn:tenon:extension:clause","valueString":"R001-007"}]}]}]}`,
		`{"resourceType":"ObservationDefinition","id":"limit-x","extension":[{"url":"urn:tenon:extension:clause","valueString":"R003-008"}]}`,
	} {
		a.collect(parse(t, []byte(text)))
	}
	for id, want := range map[string]string{
		"R001-158": "profile-x `Device.lotNumber`", "R001-999": "", "R001-001": "profile-x invariant `tenon-a`", "R001-002": "profile-x invariant `tenon-a`",
		"R001-003": "plan p setting `image-age`", "R001-004": "plan p S01", "R001-005": "plan p S01 signature `by-x`", "R001-006": "plan p S01 condition `c`",
	} {
		if got := strings.Join(a[id], "; "); got != want {
			t.Errorf("%s is answered by %q, want %q", id, got, want)
		}
	}
}
