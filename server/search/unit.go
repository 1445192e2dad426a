package search

import (
	"math/big"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	"tenon/fhir/fhirpath/ucum"
)

const ucumSystem = "http://unitsofmeasure.org"

// canonical is a unit reduced to base units: one unit is factor × code.
type canonical struct {
	code   string
	factor *big.Rat
	tens   int  // the factor is 10^tens
	tenth  bool // tens is set
}

// units remembers the canonical form of the units met so far.
type units struct {
	known sync.Map // string → *canonical, nil for what cannot be reduced
	size  atomic.Int32
}

// mostUnits bounds the memory: a hostile client could invent units.
const mostUnits = 4096

func newUnits() *units { return &units{} }

// reduce finds the canonical form of a UCUM code, or nil: unknown units,
// temperature scales, and mere numbers (a percentage is not a score) compare
// with themselves only.
func (u *units) reduce(code string) *canonical {
	if found, ok := u.known.Load(code); ok {
		return found.(*canonical)
	}
	c := reduce(code)
	if u.size.Add(1) <= mostUnits {
		u.known.Store(code, c)
	}
	return c
}

// amounts of substance are plain numbers in UCUM; 5 mmol/L is not 3e21 cells.
var amount = regexp.MustCompile(`mol|eq|osm`)

func reduce(code string) *canonical {
	unit, err := ucum.Parse(code)
	if err != nil || code == "" || unit.Dimensionless() {
		return nil
	}
	one, err := ucum.Parse("")
	if err != nil {
		return nil
	}
	base, factor, err := ucum.Multiply(unit, one, 1)
	if err != nil {
		return nil
	}
	if kind := amount.FindString(code); kind != "" {
		base = kind + ":" + base
	}
	c := &canonical{code: base, factor: factor}
	c.tens, c.tenth = powerOfTen(factor)
	return c
}

// powerOfTen tells whether a factor is one: most are, and then a value is
// converted by moving its point.
func powerOfTen(f *big.Rat) (int, bool) {
	for n := -30; n <= 30; n++ {
		if p, _ := new(big.Rat).SetString("1e" + strconv.Itoa(n)); p.Cmp(f) == 0 {
			return n, true
		}
	}
	return 0, false
}

// value is the number in base units, rounded once: equal amounts give equal
// floats whatever unit they were written in.
func (c *canonical) value(r *big.Rat) float64 { return nearest(new(big.Rat).Mul(r, c.factor)) }

// of is value for a number as it is written.
func (c *canonical) of(d decimal) float64 {
	if !c.tenth {
		return c.value(d.rat())
	}
	d.exp += c.tens
	return d.value()
}
