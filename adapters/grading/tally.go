package grading

import (
	"slices"
	"strings"
)

// tally adds up the elements of one object.
type tally struct {
	t      *Table
	copy   Evidence
	level  rank
	q      uint8
	direct bool // an element points to a person directly (I3)
	health bool // an element holds health data (S2)
	// special makes health data count as special (S3).
	special    bool
	faces      bool // the object shows who it is of: everything is I3
	flags      []string
	categories []string
	rows       []*Row
	trail      []Step
	path       []string
	original   rank // level without the evidence of a copy
}

// add grades one element by its row, or by the default when row is nil; proven
// says that its value is a pseudonym that we made.
func (y *tally) add(row *Row, category string, proven bool) {
	d := y.t.rules.Default
	if row != nil {
		d, category = row.Inputs, row.Category
	}
	if y.special && d.S == 2 {
		d.S = 3
	}
	if y.faces {
		d.I = 3
	}
	before, _ := y.t.rules.grade(d, category)
	y.original = max(y.original, before)
	// Special data say what a person has, not who it is.
	d.I = y.copy.lower(d.I, y.t.rules.K.Controlled, proven || category == "P3")
	level, q := y.t.rules.grade(d, category)
	y.level, y.q = max(y.level, level), max(y.q, q)
	y.direct = y.direct || d.I == 3
	y.health = y.health || d.S >= 2
	if d.S >= 3 {
		y.flag(Special)
	}
	if !slices.Contains(y.categories, category) {
		y.categories = append(y.categories, category)
	}
	y.step(row, level, q)
}

func (y *tally) step(row *Row, level rank, q uint8) {
	if slices.Contains(y.rows, row) {
		return
	}
	y.rows = append(y.rows, row)
	s := Step{Row: "default", Path: strings.Join(y.path, "."), Level: level.plain(), Integrity: q}
	if row != nil {
		s.Row = row.ID
	}
	y.trail = append(y.trail, s)
}

func (y *tally) flag(f string) {
	if !slices.Contains(y.flags, f) {
		y.flags = append(y.flags, f)
	}
}

// raise lifts the whole to a level by a rule of §3.4 or holds it there.
func (y *tally) raise(rule string, to rank) {
	if y.level < to {
		y.level = to
		y.trail = append(y.trail, Step{Row: rule, Level: to.plain()})
	}
}

func (y *tally) result() Result {
	if y.direct && y.health {
		y.raise("U2", 4)
	}
	y.copy.hold(y)
	if y.level == 0 { // nothing inside: nothing is known of it
		y.add(nil, "H4", false)
	}
	slices.Sort(y.flags)
	slices.Sort(y.categories)
	r := Result{
		Level: y.level.plain(), Integrity: y.q, Flags: y.flags, Categories: y.categories,
		Trail: y.trail, Table: y.t.rules.Version,
	}
	if y.level >= important {
		r.Overlay = y.level.String()
	}
	return r
}

// plain is the level that access and export go by: important and core data
// are held like the highest.
func (r rank) plain() Level { return Level(min(r, 5)) }
