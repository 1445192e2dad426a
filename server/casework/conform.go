package casework

import (
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"
	"sync"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles"
	"tenon/profiles/r4"
)

// A stage names the profile of each document that it takes or makes
// (DataRequirement.profile), and is completed only with documents that follow
// it. Like an embedded plan, a profile of the guide is taken from the binary,
// whatever the database says of it.
// https://hl7.org/fhir/R4/metadatatypes.html#DataRequirement

// guide judges by the embedded profiles. What it says of the same bytes is
// always the same, so it is kept.
type guide struct {
	library *definition.Library
	set     *validate.Set

	mu       sync.Mutex
	seed     maphash.Seed
	verdicts map[verdictKey][]issue.Issue
	clauses  map[string]map[string]string // by profile, then by path or invariant
}

// verdictKey is a profile and the bytes that were judged: those that are there,
// not those that the record says were stored.
type verdictKey struct {
	profile string
	bytes   uint64
}

// maxVerdicts bounds what the guide keeps: about 100 bytes each where all is well.
const maxVerdicts = 1 << 16

var theGuide = sync.OnceValue(newGuide)

func newGuide() *guide {
	var own []*definition.Resource
	for _, body := range profiles.Definitions() {
		// What has no url (an ObservationDefinition) no profile can name.
		if r, err := definition.Read(body, ""); err == nil {
			own = append(own, r)
		}
	}
	lib := r4.Library().With(own...)
	terms := terminology.New(lib, terminology.Options{})
	return &guide{
		library: lib, set: validate.New(model(), validate.WithLibrary(lib), validate.WithTerminology(terms)),
		seed: maphash.MakeSeed(), verdicts: map[verdictKey][]issue.Issue{}, clauses: map[string]map[string]string{},
	}
}

// knows tells whether the guide has that profile.
func (g *guide) knows(profile string) bool {
	return strings.HasPrefix(profile, "urn:tenon:profile:") && g.library.Find("StructureDefinition", profile) != nil
}

// typeOf is the resource type that a profile of the guide is of.
func (g *guide) typeOf(profile string) string {
	if r := g.library.Find("StructureDefinition", profile); r != nil {
		return r.Of
	}
	return ""
}

// defines tells whether the guide has the form or activity of that canonical, in
// its version.
func (g *guide) defines(canonical string) bool {
	return g.library.Find("Questionnaire", canonical) != nil || g.library.Find("ActivityDefinition", canonical) != nil
}

// faults are the errors of a resource against a profile.
func (g *guide) faults(r *Resource, profile string) []issue.Issue {
	k := verdictKey{profile, maphash.Bytes(g.seed, r.Root.Raw())}
	g.mu.Lock()
	found, ok := g.verdicts[k]
	g.mu.Unlock()
	if ok {
		return found
	}
	found = g.judge(r, profile)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.verdicts) >= maxVerdicts {
		clear(g.verdicts)
	}
	g.verdicts[k] = found
	return found
}

func (g *guide) judge(r *Resource, profile string) []issue.Issue {
	plan, err := g.set.Plan(r.Type)
	if err != nil {
		return []issue.Issue{{Type: issue.Invalid, Rule: "profile", Path: r.Type, Text: err.Error(), Chinese: "资源类型未知。"}}
	}
	// As on writes a wrong display is no error: the code is what counts.
	all := plan.Validate(r.Root, &validate.Options{Profiles: []string{profile}, WrongDisplay: issue.Warning})
	all = slices.DeleteFunc(all, func(i issue.Issue) bool { return !validate.HasErrors([]issue.Issue{i}) })
	for i := range all {
		all[i].Clause = g.clause(profile, all[i])
	}
	return slices.Clip(all)
}

// clause finds the requirement that a fault is about: that of the invariant, or
// of the element or the nearest one around it.
func (g *guide) clause(profile string, fault issue.Issue) string {
	table := g.clausesOf(profile)
	if c := table[fault.Rule]; c != "" {
		return c
	}
	if c := table[strings.TrimSuffix(fault.Element, "[x]")]; c != "" {
		return c
	}
	for path := indices.ReplaceAllString(fault.Path, ""); path != ""; path = path[:max(0, strings.LastIndexByte(path, '.'))] {
		if c := table[path]; c != "" {
			return c
		}
	}
	return ""
}

var indices = regexp.MustCompile(`\[\d+\]`)

// clausesOf reads the mappings to requirements of a profile once.
func (g *guide) clausesOf(profile string) map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t, ok := g.clauses[profile]; ok {
		return t
	}
	t := map[string]string{}
	g.clauses[profile] = t
	r := g.library.Find("StructureDefinition", profile)
	if r == nil {
		return t
	}
	n, err := r.Node()
	if err != nil {
		return t
	}
	for e := range n.Path("differential", "element").Items() {
		ids := requirements(e)
		if ids == "" {
			continue
		}
		for c := range e.Field("constraint").Items() {
			t[c.Field("key").Str()] = ids
		}
		for _, name := range []string{"id", "path"} {
			if path := strings.TrimSuffix(e.Field(name).Str(), "[x]"); t[path] == "" {
				t[path] = ids
			}
		}
	}
	return t
}

// requirements are the rows that an element of a profile answers.
func requirements(element tree.Node) string {
	for m := range element.Field("mapping").Items() {
		if m.Field("identity").Str() == "requirement" {
			return m.Field("map").Str()
		}
	}
	return ""
}

// profileCondition begins the id of the condition that a document follows its
// profile.
const profileCondition = "profile-"

// mostFaults is how many faults of one document a refusal tells.
const mostFaults = 10

// unlike are the faults of a document against the profiles of its rule.
func (v *view) unlike(s *Stage, d *Document, r *Resource) []Unmet {
	var all []Unmet
	for _, profile := range d.Profiles[r.Type] {
		all = append(all, v.faults(s, d.Code, profile, r)...)
	}
	return all[:min(len(all), mostFaults)]
}

func (v *view) faults(s *Stage, document, profile string, r *Resource) []Unmet {
	u := Unmet{Condition: profileCondition + document, State: Unsatisfied, Clause: strings.Join(s.Clauses, " ")}
	var all []Unmet
	for _, f := range theGuide().faults(r, profile) {
		u := u
		if f.Clause != "" {
			u.Clause = f.Clause
		}
		u.Text = fmt.Sprintf("%s does not follow the profile %s of the %s: %s: %s (%s)", r.Ref(), profile, document, f.Path, f.Text, f.Rule)
		u.Chinese = fmt.Sprintf("%s 不符合 %s 的规范 %s：%s：%s", r.Ref(), document, profile, f.Path, f.Chinese)
		all = append(all, u)
	}
	return all
}

// conforms(profile) says that each resource follows a profile of the guide.
var conformsPredicate = every("conforms", 1, func(e *evaluation, r *Resource, args []string) bool {
	g := theGuide()
	if !g.knows(args[0]) {
		e.because(fmt.Sprintf("The profile %q is unknown.", args[0]), "规范未知。")
		return false
	}
	faults := g.faults(r, args[0])
	for _, f := range faults {
		e.because(fmt.Sprintf("%s: %s: %s (%s)", r.Ref(), f.Path, f.Text, f.Rule), fmt.Sprintf("%s：%s：%s", r.Ref(), f.Path, f.Chinese))
	}
	return len(faults) == 0
})

// profiledIn tells whether another rule of the document asks for all the
// profiles that this one asks for, of no other types.
func (d *Document) profiledIn(o *Document) bool {
	for _, typ := range o.Types {
		if !slices.Contains(d.Types, typ) {
			return false
		}
		for _, profile := range d.Profiles[typ] {
			if !slices.Contains(o.Profiles[typ], profile) {
				return false
			}
		}
	}
	return true
}
