package grading

import (
	"fmt"
	"strings"
)

// rules is the rule file of §3.8.
type rules struct {
	Version string
	Status  string
	K       struct{ Controlled, Limited int }
	Cell    int
	PR      [4][4]uint8
	Map     struct{ Person, Org, Public, Nation [5]rank }
	Floors  map[string]rank
	Ceiling map[string]rank `json:"ceilings"`
	Volume  []volume
	Default Inputs
	Legal   map[string][]string

	// MinorYears is the age below which health data are special (row minor).
	MinorYears int
	// Sensitive are security labels ("system|code") that make health data
	// special.
	Sensitive []string
	// HeadParts are values of Body Part Examined that show a face.
	HeadParts []string
	// Persons and Staff are the types whose names stand in references.
	Persons, Staff []string
	// Kinds are code systems whose codes are qualifiers by themselves.
	Kinds []string
	// Qualifiers lists further codes of a qualifier: "system|code", or
	// "system|prefix*".
	Qualifiers map[string][]string
	// Partial are the types that are shown in part to those who may not see the
	// whole.
	Partial []string
	// Categories lists resource types by the category of what has no row.
	Categories map[string][]string
}

type volume struct {
	N        int
	MinLevel rank
	MinS     uint8
	Raise    int
	Cap      rank
	Flag     string
}

// rank is a level of §2.1 with its overlays: 1–5, then important and core data.
type rank uint8

const (
	important rank = 6
	core      rank = 7
)

var rankNames = [...]string{1: "L1", 2: "L2", 3: "L3", 4: "L4", 5: "L5", important: "IMP", core: "COR"}

func (r rank) String() string {
	if int(r) < len(rankNames) && r > 0 {
		return rankNames[r]
	}
	return fmt.Sprintf("rank(%d)", uint8(r))
}

// UnmarshalText reads a level by its code.
func (r *rank) UnmarshalText(b []byte) error {
	for i, name := range rankNames {
		if name != "" && name == string(b) {
			*r = rank(i)
			return nil
		}
	}
	return fmt.Errorf("unknown level %q", b)
}

func (r *rules) check() error {
	if r.Version == "" {
		return fmt.Errorf("no version")
	}
	for _, m := range [...][5]rank{r.Map.Person, r.Map.Org, r.Map.Public, r.Map.Nation} {
		for _, l := range m {
			if l == 0 {
				return fmt.Errorf("map needs five levels for each object")
			}
		}
	}
	for _, row := range r.PR {
		for _, d := range row {
			if d > 4 {
				return fmt.Errorf("PR holds degree %d, the most is 4", d)
			}
		}
	}
	if r.K.Controlled < 2 || r.K.Limited < r.K.Controlled {
		return fmt.Errorf("limits of K: want controlled ≥ 2 and limited ≥ controlled")
	}
	return nil
}

// grade is the base rule (§3.2, §3.3): the highest level over persons,
// organisations, the public side and the nation, then ceilings and floors.
func (r *rules) grade(d Inputs, category string) (level rank, integrity uint8) {
	level = max(
		r.Map.Person[r.PR[d.I][d.S]],
		r.Map.Org[d.OR],
		r.Map.Public[d.PB],
		r.Map.Nation[d.NS],
	)
	if ceiling, ok := r.Ceiling[category]; ok {
		level = min(level, ceiling)
	}
	return max(level, r.Floors[category]), d.Q + 1
}

func (r *rules) categoryOfType() map[string]string {
	m := map[string]string{}
	for category, types := range r.Categories {
		for _, t := range types {
			m[t] = category
		}
	}
	return m
}

// qualified reports whether system|code makes an element one of kind q.
func (t *Table) qualified(q, system, code string) bool {
	for _, kind := range t.rules.Kinds {
		if system == kind && code == q {
			return true
		}
	}
	for _, c := range t.rules.Qualifiers[q] {
		if matches(c, system, code) {
			return true
		}
	}
	return false
}

// matches compares "system|code" or "system|prefix*" with a coding.
func matches(pattern, system, code string) bool {
	s, c, _ := strings.Cut(pattern, "|")
	if s != system {
		return false
	}
	if prefix, ok := strings.CutSuffix(c, "*"); ok {
		return strings.HasPrefix(code, prefix)
	}
	return c == code
}
