package accesspolicy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Who may not see a whole Patient or Device sees a part of it: what has no higher
// level than the case gives. The levels are those of mission/grading_elements.csv.
// Nothing is shown in part below L2 (ids are L2), nor to an app whose scopes test
// values.

const leastPart = 2

// elements are those of a thing with their levels.
func (x *thing) elements(v version) map[string]int {
	switch x.typ {
	case "Patient":
		birth := 2
		if v.minor {
			birth = 5
		}
		return map[string]int{"active": 2, "identifier": 4, "gender": 2, "birthDate": birth}
	case "Device":
		all := map[string]int{"status": 2, "owner": 2, "type": 1}
		if v.patient != "" {
			all["patient"] = 4
		}
		return all
	}
	return nil
}

// left are the elements above a level.
func (x *thing) left(v version, level int) (names []string) {
	for name, at := range x.elements(v) {
		if at > level {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

const everything = 9

// sees is up to which level a person sees a thing as it was in one version: 0 not
// at all, everything whole. looked is the highest level of what is asked about.
func (p *person) sees(verb string, x *thing, v version, looked int) int {
	now := p.seesNow(verb, x, x.now(), true, looked)
	if v.n == x.now().n || now == 0 {
		return now
	}
	return p.seesNow(verb, x, v, false, looked)
}

func (p *person) seesNow(verb string, x *thing, v version, current bool, looked int) int {
	if p.mayNow(verb, x, v, current) {
		return everything
	}
	if p.barred(x, v, current) {
		return 0
	}
	best := 0
	for _, c := range x.cases {
		best = max(best, c.open[p.principal])
	}
	tests := func(s scope) bool { return s.code != "" && strings.Contains(s.verbs, verb) }
	covered := !p.app || !slices.ContainsFunc(p.scopes, tests) && slices.ContainsFunc(p.scopes, func(s scope) bool { return p.covers(s, verb, x, v, current) })
	if x.elements(v) == nil || best < max(leastPart, looked) || !covered || len(x.left(v, best)) == 0 {
		return 0
	}
	return best
}

// label is how a thing comes: its reference, and what it lacks.
func (p *person) label(verb string, x *thing, v version) string {
	level := p.sees(verb, x, v, 1)
	return marked(x.ref(), x.left(v, level))
}

func marked(ref string, left []string) string {
	if len(left) == 0 {
		return ref
	}
	return ref + " without " + strings.Join(left, ",")
}

// labels are those of references.
func (w *world) labels(p *person, verb string, refs []string) (all []string) {
	for _, ref := range refs {
		if x := w.byRef[ref]; x != nil {
			ref = p.label(verb, x, x.now())
		}
		all = append(all, ref)
	}
	return all
}

// came is the label of a resource that came: what of the thing it lacks. It must
// say that it is a part, and only then.
func (w *world) came(resource []byte) (string, error) {
	var b struct {
		ResourceType, ID string
		Meta             struct {
			VersionID string
			Security  []struct{ Code string }
			Tag       []struct{ System, Code string }
		}
	}
	var members map[string]any
	if err := json.Unmarshal(resource, &b); err != nil {
		return "", err
	}
	if err := json.Unmarshal(resource, &members); err != nil {
		return "", err
	}
	ref := b.ResourceType + "/" + b.ID
	x := w.byRef[ref]
	if x == nil {
		return ref, nil
	}
	n, _ := strconv.Atoi(b.Meta.VersionID)
	if n < 1 || n > len(x.versions) {
		return ref, nil
	}
	var left []string
	for _, name := range slices.Sorted(maps.Keys(x.elements(x.versions[n-1]))) {
		if members[name] == nil {
			left = append(left, name)
		}
	}
	tagged := 0
	for _, t := range b.Meta.Tag {
		if t.Code == "SUBSETTED" || t.System == "urn:tenon:left-out-above" {
			tagged++
		}
	}
	for _, s := range b.Meta.Security {
		if s.Code == "REDACTED" {
			tagged++
		}
	}
	if want := map[bool]int{true: 3}[len(left) > 0]; tagged != want {
		return "", fmt.Errorf("%s lacks %v and has %d labels of a part, want %d: %s", ref, left, tagged, want, resource)
	}
	return marked(ref, left), nil
}
