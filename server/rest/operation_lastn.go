package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// Lastn is the recorder's part of $lastn.
type Lastn interface {
	Lastn(ctx context.Context, who *access.Context, params []search.Param, most int, strict bool) (*search.Page, *search.Told, error)
}

// lastnRoutes are https://hl7.org/fhir/R4/observation-operation-lastn.html
func (d *Door) lastnRoutes() []route {
	return []route{
		{"GET", "/Observation/$lastn", d.lastn, false},
		{"POST", "/Observation/$lastn", d.lastn, false},
	}
}

// mostLastn bounds max.
const mostLastn = 1000

// notLastn are parameters of a search that the operation decides itself.
var notLastn = []string{"_sort", "_count", "_cursor", "_include", "_revinclude", "_total"}

// lastn answers with a searchset of the newest Observations of each code: one,
// or max of them. It takes every search parameter of Observation beside max;
// patient or subject, and category or code, are needed.
func (d *Door) lastn(c *call) error {
	params, err := c.searchInput()
	if err != nil {
		return err
	}
	most, err := lastnMax(params)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	asked := slices.DeleteFunc(without(slices.Clone(params)), func(p search.Param) bool { return p.Name == "max" })
	for _, p := range asked {
		name := p.Name[:strings.IndexAny(p.Name+":", ":.")]
		has[name] = true
		if slices.Contains(notLastn, name) || p.Name == "_summary" && p.Value == "count" {
			return issue.Errorf(issue.NotSupported, "$lastn takes no %s: it gives the newest Observations of each code, with max of each.", clip(p.Name)).
				WithStatus(400).At(clip(p.Name)).Rule("lastn-parameter").Chinese("$lastn 不支持该参数。")
		}
	}
	if !has["patient"] && !has["subject"] || !has["category"] && !has["code"] {
		return issue.Errorf(issue.Required, "$lastn needs patient or subject, and category or code.").
			WithStatus(400).Rule("lastn-parameter").Chinese("$lastn 需要 patient 或 subject，以及 category 或 code。")
	}
	page, told, err := d.o.Record.Lastn(c.ctx(), c.who, asked, most, c.prefer.strict)
	if err != nil {
		return err
	}
	w := newBundle("searchset", page.Total, link{"self", query(c.base+"/Observation/$lastn", params)})
	for i := range page.Hits {
		if err := c.hit(w, &page.Hits[i], told); err != nil {
			return err
		}
	}
	return c.sendTold(w, told)
}

// sendTold sends a searchset, with what the client must be told.
func (c *call) sendTold(w *bundleWriter, told *search.Told) error {
	if len(told.Warnings) > 0 {
		outcome, err := json.Marshal(issue.OutcomeOf(told.Warnings))
		if err != nil {
			return err
		}
		w.entry()
		w.member("resource", outcome)
		w.member("search", []byte(`{"mode":"outcome"}`))
		w.end()
	}
	return c.send(http.StatusOK, w.bytes())
}

func lastnMax(params []search.Param) (int, error) {
	most, seen := 1, false
	for _, p := range params {
		if p.Name != "max" {
			continue
		}
		n, err := strconv.Atoi(p.Value)
		if err != nil || n < 1 || n > mostLastn || seen {
			return 0, issue.Errorf(issue.Value, "max is one whole number from 1 to %d.", mostLastn).
				WithStatus(400).At("max").Rule("lastn-max").Chinese("max 应为 1 至 1000 的整数。")
		}
		most, seen = n, true
	}
	return most, nil
}

// searchInput is the input of an operation whose parameters are those of a
// search: from the query, and from Parameters in the body, where references,
// codings, concepts and identifiers stand for their values as a search has them.
func (c *call) searchInput() ([]search.Param, error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, err
	}
	params = without(params)
	if c.Request().Method != http.MethodPost || c.Request().ContentLength == 0 {
		return params, nil
	}
	body, err := c.resource()
	if err != nil {
		return nil, err
	}
	in := &asked{values: map[string][]tree.Node{}, texts: map[string][]string{}}
	if err := in.read(body, ""); err != nil {
		return nil, err
	}
	for _, name := range in.names {
		for i, n := range in.values[name] {
			value := in.texts[name][i]
			if n.Kind() == tree.Object {
				value = searchValue(n)
			}
			if value == "" {
				return nil, issue.Errorf(issue.Value, "The value of %s has no form in a search.", clip(name)).
					WithStatus(400).At("Parameters.parameter").Rule("operation-parameter").Chinese("参数 " + clip(name) + " 的取值无法用于检索。")
			}
			params = append(params, search.Param{Name: name, Value: value})
		}
	}
	return params, nil
}

// searchValue is a complex value as a search has it, "" for none.
// https://hl7.org/fhir/R4/search.html#token
func searchValue(n tree.Node) string {
	pair := func(n tree.Node, member string) string {
		if system := n.Field("system").Str(); system != "" {
			return escapedValue.Replace(system) + "|" + escapedValue.Replace(n.Field(member).Str())
		}
		return escapedValue.Replace(n.Field(member).Str())
	}
	switch {
	case n.Field("reference").Exists():
		return n.Field("reference").Str()
	case n.Field("coding").Exists():
		var all []string
		for coding := range n.Field("coding").Items() {
			all = append(all, pair(coding, "code"))
		}
		return strings.Join(all, ",")
	case n.Field("code").Exists():
		return pair(n, "code")
	}
	return pair(n, "value")
}

// escapedValue writes what separates parts of a search value as itself.
// https://hl7.org/fhir/R4/search.html#escaping
var escapedValue = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`)
