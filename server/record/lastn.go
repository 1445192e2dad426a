package record

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// Bounds of one $lastn: observations looked at a page, pages, and observations
// in the answer.
const (
	lastnPage  = 200
	lastnPages = 200
	lastnMost  = 5000
	// lastnCodes bounds the codes that a query leaves out.
	lastnCodes = 500
)

// Lastn finds the newest Observations of each code: max of every group, newest
// first, the group with the newest one first. Two are of one group if their
// codes share a coding, or, without codings, have the same text; a third one
// that shares a coding with either joins the two. What was entered in error is
// left out unless the query asks for a status. Of equal dates the one stored
// last comes first.
//
// A history of any length is not loaded: it is read page by page from its new
// end, and once a page is mostly of groups that are full already, the query
// begins anew without their codes.
// https://hl7.org/fhir/R4/observation-operation-lastn.html
// Failures: those of a search; too-costly (400).
func (r *Recorder) Lastn(ctx context.Context, who *access.Context, params []search.Param, most int, strict bool) (*search.Page, *search.Told, error) {
	if err := r.entry(who, "Observation"); err != nil {
		return nil, nil, err
	}
	if err := r.maySearch(ctx, who, "Observation"); err != nil {
		return nil, nil, err
	}
	asked := slices.Clone(params)
	if !slices.ContainsFunc(params, func(p search.Param) bool { return paramName(p) == "status" }) {
		asked = append(asked, search.Param{Name: "status:not", Value: "entered-in-error"})
	}
	n := &newest{most: most, seen: map[string]bool{}}
	told, err := r.newest(ctx, who, asked, strict, n)
	if err != nil {
		return nil, nil, err
	}
	page := &search.Page{Hits: n.hits()}
	total := int64(len(page.Hits))
	page.Total = &total
	rows := r.auditSearch(who, queryShape("Observation/$lastn", params), page)
	for i := range rows {
		rows[i].Operation = "lastn"
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return nil, nil, fmt.Errorf("record: audit: %w", err)
	}
	return page, told, nil
}

// paramName is the name of a parameter without modifier or chain.
func paramName(p search.Param) string { return p.Name[:strings.IndexAny(p.Name+":", ":.")] }

// newest reads pages until nothing is left that could be of a group with room.
func (r *Recorder) newest(ctx context.Context, who *access.Context, params []search.Param, strict bool, n *newest) (*search.Told, error) {
	var first *search.Told
	ordered := append(slices.Clone(params), search.Param{Name: "_sort", Value: "-date,-_lastUpdated"})
	plan, told, err := r.parse(who, "Observation", ordered, strict)
	for pages := 0; err == nil; pages++ {
		if first == nil {
			first = told
		}
		if pages == lastnPages {
			return nil, tooMany("%d Observations were read, and more are there", lastnPages*lastnPage)
		}
		plan.Count, plan.MaxBytes = lastnPage, searchBytes
		page, fault := r.o.Store.Search(ctx, plan)
		if fault != nil {
			return nil, fmt.Errorf("record: lastn: %w", fault)
		}
		wasted, fault := n.take(page.Hits)
		switch {
		case fault != nil:
			return nil, fault
		case page.Next == nil:
			return first, nil
		}
		plan.After = page.Next
		if left := n.full(); wasted > lastnPage/2 && left != "" {
			plan, told, err = r.parse(who, "Observation", append(slices.Clone(ordered), search.Param{Name: "code:not", Value: left}), strict)
		}
	}
	return nil, err
}

func tooMany(format string, args ...any) error {
	return issue.Errorf(issue.TooCostly, format+"; narrow the query by category, code or date.", args...).
		WithStatus(400).Rule("lastn-limit").Chinese("结果过多，请按类别、代码或日期缩小范围。")
}

// newest keeps the first observations of each group, in the order in which they
// come: from the new end.
type newest struct {
	most    int
	groups  []*lastnGroup
	byCode  map[string]*lastnGroup // by coding or text
	seen    map[string]bool        // ids of what was kept
	left    map[string]bool        // codings that a query left out already
	count   int
	arrived int
}

type lastnGroup struct {
	codes []string
	hits  []lastnHit
}

type lastnHit struct {
	search.Hit
	at int // of arrival: smaller is newer
}

// take sorts observations into their groups. It returns how many were of no use.
func (n *newest) take(hits []search.Hit) (wasted int, err error) {
	for _, h := range hits {
		if h.Included {
			continue
		}
		n.arrived++
		codes, err := codesOf(h.Body)
		if err != nil {
			return 0, err
		}
		g := n.group(codes)
		if n.seen[h.ID] || len(g.hits) >= n.most {
			wasted++
			continue
		}
		n.seen[h.ID] = true
		if n.count++; n.count > lastnMost {
			return 0, tooMany("The answer has more than %d Observations", lastnMost)
		}
		g.hits = append(g.hits, lastnHit{h, n.arrived})
	}
	return wasted, nil
}

// group finds or makes the group of a code, joining those that it connects.
func (n *newest) group(codes []string) *lastnGroup {
	if n.byCode == nil {
		n.byCode, n.left = map[string]*lastnGroup{}, map[string]bool{}
	}
	var g *lastnGroup
	for _, code := range codes {
		other := n.byCode[code]
		switch {
		case other == nil || other == g:
		case g == nil:
			g = other
		default:
			n.join(g, other)
		}
	}
	if g == nil {
		g = &lastnGroup{}
		n.groups = append(n.groups, g)
	}
	for _, code := range codes {
		if n.byCode[code] == nil {
			n.byCode[code] = g
			g.codes = append(g.codes, code)
		}
	}
	return g
}

// join moves a group into another one: the newest of both stay.
func (n *newest) join(g, other *lastnGroup) {
	g.hits = append(g.hits, other.hits...)
	slices.SortFunc(g.hits, func(a, b lastnHit) int { return a.at - b.at })
	if len(g.hits) > n.most {
		n.count -= len(g.hits) - n.most
		g.hits = g.hits[:n.most]
	}
	for _, code := range other.codes {
		n.byCode[code] = g
	}
	g.codes = append(g.codes, other.codes...)
	n.groups = slices.DeleteFunc(n.groups, func(x *lastnGroup) bool { return x == other })
}

// full are the codings of the groups that have no room, as a search names them;
// "" where there are none that were not left out already, or too many.
func (n *newest) full() string {
	var list []string
	fresh := false
	for _, g := range n.groups {
		for _, code := range g.codes {
			if len(g.hits) >= n.most && strings.Contains(code, "|") {
				fresh = fresh || !n.left[code]
				list = append(list, code)
			}
		}
	}
	if !fresh || len(list) > lastnCodes {
		return ""
	}
	for _, code := range list {
		n.left[code] = true
	}
	return strings.Join(list, ",")
}

// hits are all that were kept, group by group.
func (n *newest) hits() (all []search.Hit) {
	slices.SortFunc(n.groups, func(a, b *lastnGroup) int { return a.hits[0].at - b.hits[0].at })
	for _, g := range n.groups {
		for _, h := range g.hits {
			all = append(all, h.Hit)
		}
	}
	return all
}

// codesOf is what an Observation's group is found by: its codings as a search
// names them, else its text, which holds no | then.
func codesOf(body []byte) (codes []string, err error) {
	d := arenas.Get().(*tree.Doc)
	defer arenas.Put(d)
	if err := d.Parse(body, tree.Limits{}); err != nil {
		return nil, err
	}
	code := d.Root().Field("code")
	for coding := range code.Field("coding").Items() {
		if c := coding.Field("code").Str(); c != "" {
			codes = append(codes, strings.Clone(escaped(coding.Field("system").Str())+"|"+escaped(c)))
		}
	}
	if len(codes) == 0 {
		text := strings.ToLower(strings.Join(strings.Fields(code.Field("text").Str()), " "))
		codes = append(codes, "text "+strings.ReplaceAll(text, "|", "/"))
	}
	return codes, nil
}
