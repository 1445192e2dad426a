package terminology

// https://hl7.org/fhir/R4/conceptmap-operation-translate.html

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// TranslateRequest says what is to be translated, and by which map: URL, Map,
// or all that lead from Source to Target or TargetSystem.
type TranslateRequest struct {
	URL          string    // canonical of the ConceptMap, "" for any
	Map          tree.Node // a ConceptMap that was sent along
	Source       string    // value set of the codes, "" for any
	Target       string    // value set of the translation, "" for any
	TargetSystem string    // code system of the translation, "" for any
	Codings      []Coding  // alternatives: each is translated
	Dependencies []Dependency
	Reverse      bool // from target to source
}

// Translation is what was found. Result is true when a match is a translation.
type Translation struct {
	Result        bool
	Text, Chinese string // why not
	Matches       []Match
}

// Match is one translation. Concept is empty for equivalence unmatched.
type Match struct {
	Equivalence string
	Concept     Coding
	Products    []Dependency
	Source      string // canonical of the map
	Comment     string
}

// reversed are the equivalences that turn round with the map.
var reversed = map[string]string{"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}

// Translate maps codes. The errors are *issue.Failure: not-found for a map that
// is not here. That nothing was found is no error.
func (s *Server) Translate(r *TranslateRequest) (*Translation, error) {
	maps, err := s.mapsFor(r)
	if err != nil {
		return nil, err
	}
	t := &translating{s: s, r: r}
	for _, c := range r.Codings {
		for _, m := range maps {
			t.byMap(m, c, 0)
		}
	}
	if t.work > maxGroups {
		return nil, issue.Errorf(issue.TooCostly, "The translation asks more than %d groups of maps; name one map, and fewer codes.", maxGroups).
			Rule("translate-cost").Chinese("映射计算量过大，请指定一个映射并减少代码。")
	}
	out := &Translation{Matches: t.found}
	for _, m := range out.Matches {
		out.Result = out.Result || m.Equivalence != "unmatched" && m.Equivalence != "disjoint"
	}
	if !out.Result {
		out.Text, out.Chinese = "No translation was found.", "未找到对应代码。"
		if t.needs != "" {
			out.Text = fmt.Sprintf("No translation was found: one depends on %s, which was not given with a fitting value.", t.needs)
			out.Chinese = fmt.Sprintf("未找到对应代码：映射依赖于 %s，请求中未给出相符的值。", t.needs)
		}
	}
	return out, nil
}

func (s *Server) mapsFor(r *TranslateRequest) ([]*conceptMap, error) {
	if r.Map.Exists() {
		return []*conceptMap{readMap(r.Map)}, nil
	}
	if r.URL != "" {
		m := s.mapByURL(r.URL)
		if m == nil {
			return nil, issue.Errorf(issue.NotFound, "there is no concept map %s here", r.URL).Rule("conceptmap-unknown").Chinese("此处没有概念映射 " + r.URL)
		}
		return []*conceptMap{m}, nil
	}
	var list []*conceptMap
	for _, m := range s.conceptMaps() {
		from, to := m.source, m.target
		if r.Reverse {
			from, to = to, from
		}
		if fits(r.Source, from) && fits(r.Target, to) {
			list = append(list, m)
		}
	}
	return list, nil
}

// fits tells whether a canonical that was asked for, if any, is the map's.
func fits(want, have string) bool {
	return want == "" || want == have || unversioned(want) == have || want == unversioned(have)
}

type translating struct {
	s     *Server
	r     *TranslateRequest
	found []Match
	needs string // a dependency that was missing
	work  int    // groups that were asked
}

// maxMaps bounds the chain of maps that name another for what they lack,
// maxGroups all that is asked in one translation.
const (
	maxMaps   = 8
	maxGroups = 100_000
)

func (t *translating) byMap(m *conceptMap, c Coding, depth int) {
	for i := range m.groups {
		if t.work++; t.work > maxGroups {
			return
		}
		g := &m.groups[i]
		if t.r.Reverse {
			t.back(m, g, c)
		} else {
			t.forth(m, g, c, depth)
		}
	}
}

func (t *translating) forth(m *conceptMap, g *mapGroup, c Coding, depth int) {
	if !ofSystem(c, g.source, g.sourceVersion) || t.r.TargetSystem != "" && g.target != t.r.TargetSystem {
		return
	}
	elements := g.forth[c.Code]
	if len(elements) == 0 {
		t.unmapped(m, g, c, depth)
		return
	}
	for _, at := range elements {
		e := &g.elements[at]
		if len(e.targets) == 0 {
			t.add(Match{Equivalence: "unmatched", Source: canonical(m.url, m.version)})
		}
		for _, target := range e.targets {
			if !t.depends(target.dependsOn) {
				continue
			}
			one := Match{Equivalence: target.equivalence, Products: target.product, Source: canonical(m.url, m.version), Comment: target.comment}
			if target.code != "" {
				one.Concept = t.coding(g.target, g.targetVersion, target.code, target.display)
			}
			t.add(one)
		}
	}
}

func (t *translating) back(m *conceptMap, g *mapGroup, c Coding) {
	if !ofSystem(c, g.target, g.targetVersion) || t.r.TargetSystem != "" && g.source != t.r.TargetSystem {
		return
	}
	for _, b := range g.back[c.Code] {
		e := &g.elements[b.element]
		target := &e.targets[b.target]
		equivalence := target.equivalence
		if turned, ok := reversed[equivalence]; ok {
			equivalence = turned
		}
		t.add(Match{Equivalence: equivalence, Concept: t.coding(g.source, g.sourceVersion, e.code, e.display),
			Source: canonical(m.url, m.version), Comment: target.comment})
	}
}

func ofSystem(c Coding, system, version string) bool {
	return (c.System == "" || c.System == system || system == "") && (c.Version == "" || version == "" || sameVersion(c.Version, version))
}

// unmapped does what the group says of codes that it lacks.
// https://hl7.org/fhir/R4/conceptmap-definitions.html#ConceptMap.group.unmapped
func (t *translating) unmapped(m *conceptMap, g *mapGroup, c Coding, depth int) {
	switch g.mode {
	case "provided":
		t.add(Match{Equivalence: "equivalent", Concept: t.coding(g.target, g.targetVersion, c.Code, c.Display), Source: canonical(m.url, m.version)})
	case "fixed":
		t.add(Match{Equivalence: "relatedto", Concept: t.coding(g.target, g.targetVersion, g.code, g.display), Source: canonical(m.url, m.version)})
	case "other-map":
		if other := t.s.mapByURL(g.url); other != nil && depth < maxMaps {
			t.byMap(other, c, depth+1)
		}
	}
}

// depends tells whether what a mapping depends on was given.
func (t *translating) depends(list []Dependency) bool {
	for _, want := range list {
		met := false
		for _, have := range t.r.Dependencies {
			met = met || have.Property == want.Property && strings.EqualFold(have.Value, want.Value) && (want.System == "" || have.System == "" || have.System == want.System)
		}
		if !met {
			t.needs = want.Property
			return false
		}
	}
	return true
}

// coding completes a target with the display that its system knows.
func (t *translating) coding(system, version, code, display string) Coding {
	c := Coding{System: system, Version: version, Code: code, Display: display}
	if display == "" {
		cs := t.s.system(system, version)
		if i, table, verdict := cs.has(code); verdict == Member && table != nil {
			c.Display = table.display(i)
		}
	}
	return c
}

// add keeps a match once, and none for a target outside the wanted value set.
func (t *translating) add(m Match) {
	const most = 1000
	for _, one := range t.found {
		if one.Equivalence == m.Equivalence && one.Concept == m.Concept && one.Source == m.Source {
			return
		}
	}
	if len(t.found) < most {
		t.found = append(t.found, m)
	}
}
