package ucum

import (
	"math/big"
	"sync"
)

//go:generate go run ./generate -essence $UCUM_ESSENCE -out table_gen.go

// atom is a unit that is defined by another: value times unit. Of a special
// unit, value and unit are those of the reference of its function.
// https://ucum.org/ucum#section-Tables-of-Terminal-Symbols
type atom struct {
	code, value, unit string
	function          string // of a special unit
	metric            bool   // takes prefixes
	arbitrary         bool   // measured by a procedure: converts to nothing else
	base              int    // of a base unit: its place in a dimension plus 1

	once sync.Once
	made *definition // in base units, worked out when first used
}

// prefix scales a metric unit. https://ucum.org/ucum#section-Prefixes
type prefix struct {
	value *big.Rat
}

// dictionary finds terminal symbols by code.
type dictionary struct {
	atoms    map[string]*atom
	prefixes map[string]*prefix
	letters  [0x80]*prefix // those of one letter
}

var symbols = sync.OnceValue(func() *dictionary {
	d := &dictionary{atoms: make(map[string]*atom, len(atomTable)+len(baseCodes)), prefixes: make(map[string]*prefix, len(prefixTable))}
	for _, p := range prefixTable {
		d.prefixes[p.code] = &prefix{rat(p.value)}
		if len(p.code) == 1 {
			d.letters[p.code[0]] = d.prefixes[p.code]
		}
	}
	for i, code := range baseCodes {
		d.atoms[code] = &atom{code: code, value: "1", base: i + 1, metric: true}
	}
	for i := range atomTable {
		d.atoms[atomTable[i].code] = &atomTable[i]
	}
	return d
})

// find reads an atom, or a prefix and a metric atom.
func (d *dictionary) find(word string) (*prefix, *atom) {
	if a := d.atoms[word]; a != nil {
		return nil, a
	}
	for n := 1; n <= 2 && n < len(word); n++ {
		if p := d.prefix(word[:n]); p != nil {
			if a := d.atoms[word[n:]]; a != nil && a.metric {
				return p, a
			}
		}
	}
	return nil, nil
}

// prefix finds a prefix; those of one letter have a table of their own.
func (d *dictionary) prefix(letters string) *prefix {
	if len(letters) == 1 && letters[0] < 0x80 {
		return d.letters[letters[0]]
	}
	return d.prefixes[letters]
}

// definition is the atom in base units. The table is sound: tests read all.
func (a *atom) definition() *definition {
	a.once.Do(func() {
		d := &definition{factor: rat(a.value)}
		switch {
		case a.base > 0:
			d.dims[a.base-1] = 1
		case a.arbitrary && a.unit == "1":
			d.arbitrary = []power{{a.code, 1}}
		default:
			p := parser{rest: a.unit}
			if err := p.parse(); err != nil {
				panic("ucum: table: " + a.code + ": " + err.Error())
			}
			unit, err := p.build()
			if err != nil {
				panic("ucum: table: " + a.code + ": " + err.Error())
			}
			d = &definition{factor: new(big.Rat).Mul(unit.factor, d.factor), dims: unit.dims, arbitrary: unit.arbitrary}
		}
		if a.function != "" {
			d.special, d.scale = functions[a.function], one
			if d.special.angle {
				d.factor = one
			}
		}
		a.made = d
	})
	return a.made
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("ucum: table: " + s + " is no number")
	}
	return r
}

// one is never written to.
var one = big.NewRat(1, 1)
