package search

import (
	"math/big"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"tenon/fhir/ucum"
)

const ucumSystem = "http://unitsofmeasure.org"

// canonical is a unit reduced to base units: one unit is factor × code.
type canonical struct {
	code   string
	factor *big.Rat
	// figures × 10^exp is the factor where it has a short decimal form, so that
	// most values are converted without fractions; figures is 0 otherwise.
	figures uint64
	exp     int
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

// bases are the units that others are reduced to, one a dimension. Temperatures
// are left out: their scales have different zeros.
var bases = []string{
	"g", "m", "m2", "L", "s", "Pa", "g/L", "/L", "g/m2", "Hz", "/m", "m/s", "m/s2", "L/s", "g/s", "N", "N/m", "J", "W", "Gy", "Pa.s",
	"rad", "rad/s", "A", "C", "V", "Ohm", "S", "F", "cd", "lm", "[iU]", "[iU]/L",
}

// base is a unit of bases, parsed.
type base struct {
	code string
	unit ucum.Unit
}

var parsedBases = sync.OnceValue(func() []base {
	var all []base
	for _, code := range bases {
		if unit, err := ucum.Parse(code); err == nil {
			all = append(all, base{code, unit})
		}
	}
	return all
})

func reduce(code string) *canonical {
	unit, err := ucum.Parse(code)
	if err != nil || code == "" || unit.Dimensionless() || unit.Special() {
		return nil
	}
	for _, b := range parsedBases() {
		if !unit.Comparable(b.unit) {
			continue
		}
		name := b.code
		if kind := amount.FindString(code); kind != "" {
			name = kind + ":" + name
		}
		c := &canonical{code: name, factor: new(big.Rat).Quo(unit.Factor(), b.unit.Factor())}
		c.figures, c.exp = shortForm(c.factor)
		return c
	}
	return nil
}

// shortForm writes a positive fraction as figures × 10^exp, or 0.
func shortForm(f *big.Rat) (figures uint64, exp int) {
	ten := big.NewInt(10)
	r := new(big.Rat).Set(f)
	for ; !r.IsInt() && exp > -40; exp-- {
		r.Mul(r, new(big.Rat).SetInt(ten))
	}
	n, rest := new(big.Int).Set(r.Num()), new(big.Int)
	for r.IsInt() && n.Sign() > 0 {
		q, m := new(big.Int).QuoRem(n, ten, rest)
		if m.Sign() != 0 {
			break
		}
		n, exp = q, exp+1
	}
	if !r.IsInt() || !n.IsUint64() {
		return 0, 0
	}
	return n.Uint64(), exp
}

// value is the number in base units, rounded once: equal amounts give equal
// floats whatever unit they were written in.
func (c *canonical) value(r *big.Rat) float64 { return nearest(new(big.Rat).Mul(r, c.factor)) }

// of is value for a number as it is written.
func (c *canonical) of(d decimal) float64 {
	figures, negative := strings.CutPrefix(d.digits, "-")
	n, err := strconv.ParseUint(figures, 10, 64)
	high, low := bits.Mul64(n, c.figures)
	if err != nil || high != 0 || c.figures == 0 {
		return c.value(d.rat())
	}
	buf := make([]byte, 0, 48)
	if negative {
		buf = append(buf, '-')
	}
	buf = strconv.AppendUint(buf, low, 10)
	buf = strconv.AppendInt(append(buf, 'e'), int64(d.exp+c.exp), 10)
	f, _ := strconv.ParseFloat(string(buf), 64) // out of range reads ±Inf
	return f
}
