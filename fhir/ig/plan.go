package ig

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
)

// Missing is a dependency that nothing at hand satisfies.
type Missing struct {
	Reference        // as it was asked for
	By        string // "name#version" of the package that needs it
	// Other is the best other version at hand, "" when there is none. Guides
	// pin versions of what changes little (terminology, extensions), so going
	// on with another one is common; the caller decides and says so.
	Other string
}

// Plan is in which order packages are loaded, and what is not at hand.
type Plan struct {
	// Order holds the packages to load, what is needed before what needs it.
	// Packages that need one another come in the order of their names.
	Order   []*Manifest
	Missing []Missing // by name, then by who needs it
}

// embedded are the packages whose content the server carries.
// https://hl7.org/fhir/R4/downloads.html
var embedded = []Reference{
	{"hl7.fhir.r4.core", "4.0.1"},
	{"hl7.fhir.r4.examples", "4.0.1"},
	{"hl7.fhir.r4.expansions", "4.0.1"},
	{"hl7.fhir.core", "4.0.1"},
}

// Resolve plans the loading of want. A dependency is looked for in want, then
// in have (what the server holds), then in pool (what it could load: a folder
// of packages). The error is an *issue.Failure when a package is not for R4 or
// is given twice.
func Resolve(want, pool []*Manifest, have []Reference) (*Plan, error) {
	r := &resolver{want: want, pool: pool, have: slices.Concat(have, embedded), met: map[*Manifest]bool{}, plan: new(Plan)}
	seen := map[Reference]bool{}
	for _, m := range want {
		if err := m.ForR4(); err != nil {
			return nil, err
		}
		if seen[m.Reference] {
			return nil, issue.Errorf(issue.Duplicate, "%s is given twice: keep one.", m).WithStatus(422).Rule("package-twice").Chinese(m.String() + " 重复提供")
		}
		seen[m.Reference] = true
	}
	for _, m := range sorted(want) {
		if err := r.visit(m); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.plan.Missing, func(a, b Missing) int {
		if c := compareReferences(a.Reference, b.Reference); c != 0 {
			return c
		}
		return strings.Compare(a.By, b.By)
	})
	return r.plan, nil
}

func sorted(list []*Manifest) []*Manifest {
	return slices.SortedFunc(slices.Values(list), func(a, b *Manifest) int { return compareReferences(a.Reference, b.Reference) })
}

type resolver struct {
	want, pool []*Manifest
	have       []Reference
	met        map[*Manifest]bool
	plan       *Plan
	depth      int
}

// visit puts a package behind what it needs. A package met again on its own
// way is left to the visit that is under way, so a cycle ends.
func (r *resolver) visit(m *Manifest) error {
	if r.met[m] {
		return nil
	}
	r.met[m] = true
	if err := m.ForR4(); err != nil {
		return err
	}
	if r.depth++; r.depth > 200 {
		return refuse(m.String(), "packages need one another over more than 200 steps", "依赖层数过多", "package-limit")
	}
	for _, d := range m.Dependencies {
		if err := r.need(m, d); err != nil {
			return err
		}
	}
	r.depth--
	r.plan.Order = append(r.plan.Order, m)
	return nil
}

func (r *resolver) need(by *Manifest, d Reference) error {
	if m := choose(r.want, d); m != nil {
		return r.visit(m)
	}
	if newest(r.have, d) != "" {
		return nil
	}
	if m := choose(r.pool, d); m != nil && m.ForR4() == nil {
		return r.visit(m)
	}
	r.plan.Missing = append(r.plan.Missing, Missing{Reference: d, By: by.String(), Other: r.other(d.Name)})
	if m := choose(r.want, Reference{d.Name, "*"}); m != nil {
		return r.visit(m) // what is loaded anyway is still better loaded first
	}
	return nil
}

// other is the newest version of a package at hand anywhere.
func (r *resolver) other(name string) string {
	best := newest(r.have, Reference{name, "*"})
	for _, m := range slices.Concat(r.want, r.pool) {
		if m.Name == name && (best == "" || definition.CompareVersions(m.Version, best) > 0) {
			best = m.Version
		}
	}
	return best
}

// choose is the newest of the packages that a dependency may mean.
func choose(list []*Manifest, d Reference) *Manifest {
	var best *Manifest
	for _, m := range list {
		if m.Name == d.Name && Satisfies(m.Version, d.Version) && (best == nil || definition.CompareVersions(m.Version, best.Version) > 0) {
			best = m
		}
	}
	return best
}

func newest(list []Reference, d Reference) string {
	best := ""
	for _, r := range list {
		if r.Name == d.Name && Satisfies(r.Version, d.Version) && (best == "" || definition.CompareVersions(r.Version, best) > 0) {
			best = r.Version
		}
	}
	return best
}

// String says what is missing, for a person.
func (m Missing) String() string {
	if m.Other == "" {
		return fmt.Sprintf("%s, which %s needs, is not at hand", m.Reference, m.By)
	}
	return fmt.Sprintf("%s, which %s needs, is not at hand; version %s is", m.Reference, m.By, m.Other)
}
